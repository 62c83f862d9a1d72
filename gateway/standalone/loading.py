"""Reads a file or a folder into a snapshot, or says everything that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gateway import schema
from gateway.standalone import project
from gateway.standalone.gatewayfile import Change, GatewayFile
from gateway.standalone.source import Mistake, Mistakes

FILE = "gateway.yaml"
DEPTH = ("api.yaml", "*/api.yaml", "*/*/api.yaml")
"""Where in a folder API projects are looked for."""

MOST_FILES = 20_000


@dataclass
class Loaded:
    """What was read. `places` says for the key of a record where it stands; `files` are those whose change matters."""

    records: list[Change] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    places: dict[str, tuple[Path, int]] = field(default_factory=dict)
    files: set[Path] = field(default_factory=set)

    def batch(self, sequence: int) -> schema.Batch:
        """The records as a snapshot."""
        events = [
            schema.Event(sequence, kind, key, record=msgspec.Raw(msgspec.json.encode(record)))
            for kind, key, record in self.records
        ]
        return schema.Batch(sequence, events, snapshot=True)


def load(path: Path, environment: str) -> Loaded:
    """Everything at `path`: a `gateway.yaml`, or a folder with one (or none) and API projects. Never raises for what it finds."""
    mistakes = Mistakes()
    loaded = Loaded(mistakes=mistakes.found, files=mistakes.files)
    main = path / FILE if path.is_dir() else path
    if not path.exists():
        mistakes.found.append(Mistake(path, 0, "", "does not exist"))
        return loaded
    source = mistakes.source(main) if main.is_file() else None
    given = GatewayFile(source, mistakes)
    apis = _apis(path, environment, given, mistakes, loaded)
    if not apis and not mistakes.found:
        mistakes.found.append(
            Mistake(path, 0, "", f"holds no API: neither a section apis in {FILE} nor a folder with api.yaml")
        )
    policies, managers = given.policies(), given.key_managers()
    given.check_policies(policies)
    loaded.records += [
        *(("key_manager", f"{one.organisation}:{one.name}", one) for one in managers.values()),
        *(("policy", f"{one.organisation}:{one.level}:{one.name}", one) for one in policies.values()),
        *given.consumers(apis, managers),
        *given.others(),
    ]
    # A section is looked at more than once where its entries name each other.
    loaded.mistakes = list(dict.fromkeys(mistakes.found))
    return loaded


def signature(path: Path, files: set[Path]) -> tuple[tuple[str, int, int], ...]:
    """Changes when a file at `path`, or one of `files`, does."""
    below = set(files)
    if path.is_dir():
        below.update(one for _, one in zip(range(MOST_FILES), path.rglob("*"), strict=False))
    else:
        below.add(path)
    found = []
    for one in sorted(below):
        try:
            stat = one.stat()
        except OSError:
            continue
        found.append((str(one), stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _apis(
    path: Path, environment: str, given: GatewayFile, mistakes: Mistakes, loaded: Loaded
) -> dict[str, schema.Api]:
    """The APIs by `Name:version`, those of the file and those of the projects."""
    found: dict[str, schema.Api] = {}
    read = []
    if given.source is not None:
        read += [(given.source, place, api) for place, api in given.apis()]
    folders = sorted({one.parent for pattern in DEPTH for one in path.glob(pattern)}) if path.is_dir() else []
    for folder in folders:
        made = project.read(folder, given.organisation, environment, mistakes)
        if made is not None:
            read.append((made[0], ("data",), made[1]))
    for source, place, api in read:
        name = f"{api.name}:{api.version}"
        if name in found:
            source.wrong(place, f"there is another API {name}")
            continue
        found[name] = api
        key = f"{environment}:{api.id}"
        loaded.places[key] = (source.path, source.line(place))
        loaded.records.append(("api", key, api))
    return found
