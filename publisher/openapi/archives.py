"""An OpenAPI definition in several files of a zip archive: made into one, with what its references name put in their place."""

from __future__ import annotations

import json
import posixpath
from typing import Any
from urllib.parse import unquote

from publisher.archive import tree
from publisher.openapi.reading import Source, Unreadable

MAIN = tuple(f"{stem}.{ending}" for stem in ("swagger", "openapi") for ending in ("yaml", "yml", "json"))
"""What the file with the paths may be called; it lies in the archive's only folder, or at its top."""

DEEPEST = 40
MOST_VALUES = 200_000


def is_archive(content: bytes) -> bool:
    """Whether an upload is a zip archive rather than a text."""
    return content[:4] == b"PK\x03\x04"


def text_of(content: bytes) -> str:
    """One definition, as JSON. Raises BadArchive for an archive that cannot be read, or whose files do not fit together."""
    unpacked = tree.unpack(content)
    files = tree.Tree({path: held for path, held in unpacked.files.items() if not path.startswith("__MACOSX/")})
    if not files.first(*MAIN) and len(files.folders()) == 1:
        files = files.below(files.folders()[0])
    main = files.first(*MAIN)
    if not main:
        raise tree.bad("file", f"The archive holds none of {', '.join(MAIN)}.")
    return json.dumps(_Joining(files).document(main), ensure_ascii=False)


class _Joining:
    """Puts values of other files in the place of the references to them. References inside the main file stay."""

    def __init__(self, files: tree.Tree) -> None:
        self.files, self.main, self.count = files, "", 0
        self.read: dict[str, Any] = {}

    def document(self, main: str) -> Any:
        self.main = main
        return self.joined(self.file(main), main, ())

    def file(self, path: str) -> Any:
        if path not in self.read:
            try:
                self.read[path] = Source(self.files.text(path)).document
            except Unreadable as error:
                raise tree.bad(path, error.message) from error
        return self.read[path]

    def joined(self, value: Any, path: str, way: tuple[str, ...]) -> Any:
        """`value` of the file `path` without references to other files; `way` are the references it was reached by."""
        self.count += 1
        if self.count > MOST_VALUES:
            raise tree.bad(path, f"Joined, the definition has more than {MOST_VALUES} values.")
        if isinstance(value, list):
            return [self.joined(one, path, way) for one in value]
        if not isinstance(value, dict):
            return value
        target = value.get("$ref")
        if isinstance(target, str) and "://" not in target and (path != self.main or not target.startswith("#")):
            return self.followed(target, path, way)
        return {name: self.joined(one, path, way) for name, one in value.items()}

    def followed(self, target: str, path: str, way: tuple[str, ...]) -> Any:
        name, _, place = target.partition("#")
        other = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(name))) if name else path
        if other == self.main:
            return {"$ref": f"#{place}"}
        here = f"{other}#{place}"
        if here in way or len(way) >= DEEPEST:
            raise tree.bad(path, f"The reference {target[:200]!r} leads back to itself.")
        if other not in self.files.files:
            raise tree.bad(path, f"The reference {target[:200]!r} names a file that is not in the archive.")
        return self.joined(self.part(self.file(other), place, target, path), other, (*way, here))

    def part(self, value: Any, place: str, target: str, path: str) -> Any:
        for step in [unquote(one).replace("~1", "/").replace("~0", "~") for one in place.split("/")[1:]]:
            if isinstance(value, dict) and step in value:
                value = value[step]
            elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
                value = value[int(step)]
            else:
                raise tree.bad(path, f"The reference {target[:200]!r} leads nowhere.")
        return value
