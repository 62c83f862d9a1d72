"""What one file of a home gave when it was last read, and which files take part (reference 1.1, 1.8)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from integrator.engine.artifacts import Artifact
from integrator.engine.databases import Source
from integrator.engine.dataservices.service import DataService
from integrator.engine.deploy.capp import Application
from integrator.engine.errors import DeploymentError
from integrator.engine.libraries import Library

SERVER = Path("repository/deployment/server")
SYNAPSE = SERVER / "synapse-configs/default"
FOLDERS = (
    "imports",
    "local-entries",
    "endpoints",
    "sequences",
    "templates",
    "proxy-services",
    "tasks",
    "event-sources",
    "priority-executors",
    "message-stores",
    "message-processors",
    "api",
    "inbound-endpoints",
)
"""In the order in which the Micro Integrator loads them: of two artifacts with one name the first stays."""

Stamp = tuple[int, int]
"""Modification time in ns and size of a file."""


@dataclass(frozen=True)
class Import:
    """An `import` descriptor: whether a connector archive may be used."""

    name: str
    package: str
    enabled: bool


@dataclass
class Loaded:
    """What one file gave when it was last read without a mistake, and its stamp.

    `before` is what it gave earlier: it goes on when what it gives now collides with another file.
    """

    stamp: Stamp
    artifacts: tuple[Artifact, ...] = ()
    service: DataService | None = None
    application: Application | None = None
    services: tuple[DataService, ...] = ()
    sources: dict[str, Source] = field(default_factory=dict)
    libraries: tuple[Library, ...] = ()
    imports: tuple[Import, ...] = ()
    cache_s: float | None = None
    error: DeploymentError | None = None
    before: Loaded | None = None

    @property
    def holds(self) -> bool:
        """Whether there is anything that runs."""
        return bool(self.artifacts or self.service or self.application or self.libraries)


def require_home(home: Path) -> None:
    """Raises OSError when the home is gone, empty or not readable: a volume that is away is no wish to take back everything."""
    with os.scandir(home) as held:
        if next(held, None) is None:
            raise FileNotFoundError("it is empty")


def scan(home: Path) -> dict[str, Stamp]:
    """All files that take part in a deployment, by path relative to the home, in the order of loading."""
    found: dict[str, Stamp] = {}
    globs = [
        (Path("conf"), "*"),
        (Path("conf/sslprofiles"), "*"),
        (SERVER / "synapse-libs", "*.zip"),
        (SYNAPSE, "*.xml"),
        *((SYNAPSE / folder, "*.xml") for folder in FOLDERS),
        (SERVER / "dataservices", "*.dbs"),
        (SERVER / "carbonapps", "*.car"),
        (SERVER / "metadata", "*.yaml"),
        (SERVER / "event-sinks", "*.xml"),
        (SERVER / "axis2services", "*.aar"),
        (SERVER / "userstores", "*.xml"),
    ]
    for folder, pattern in globs:
        for path in sorted((home / folder).glob(pattern)):
            try:
                status = path.stat()
            except OSError:
                continue
            if path.is_file():
                found[str(path.relative_to(home))] = (status.st_mtime_ns, status.st_size)
    return found
