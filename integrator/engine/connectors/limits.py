"""What the operator allows connectors: `[connectors]` of conf/deployment.toml."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrator.engine.config import Config


class NotAllowed(ValueError):
    """The operator does not allow it; the text says what is allowed."""


@dataclass(frozen=True)
class Limits:
    """`hosts`: names (with *) and networks that may be reached, empty for all. `roots`: folders of the file connector."""

    hosts: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    largest: int = 16 * 1024 * 1024
    most: int = 10_000
    seconds: float = 60.0

    @classmethod
    def of(cls, config: Config) -> Limits:
        """The limits of a home."""
        table: dict[str, Any] = config.tables.get("connectors", {})
        return cls(
            hosts=tuple(str(host).lower() for host in table.get("hosts", ())),
            roots=tuple(str(root) for root in table.get("file_roots", ())),
            largest=int(table.get("max_bytes", cls.largest)),
            most=int(table.get("max_results", cls.most)),
            seconds=float(table.get("timeout_seconds", cls.seconds)),
        )

    def host(self, name: str) -> str:
        """The host name, when it may be reached. Raises NotAllowed."""
        lower = name.lower().strip("[]")
        if self.hosts and not any(_fits(lower, rule) for rule in self.hosts):
            raise NotAllowed(f"host {name!r}: [connectors] hosts allows {', '.join(self.hosts)}")
        return name

    def folders(self, home: Path) -> tuple[Path, ...]:
        """The roots as real paths; relative ones lie in the home."""
        return tuple(Path(os.path.realpath(home / root)) for root in self.roots)


def _fits(host: str, rule: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return fnmatchcase(host, rule)
