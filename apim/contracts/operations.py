"""The operations of the REST contracts, read from `operations.tsv`, and where each is routed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.urls import Resolver404, resolve

from apim.contracts.later import Later

BASES = {
    "publisher": "/api/am/publisher/v4",
    "devportal": "/api/am/devportal/v3",
    "admin": "/api/am/admin/v4",
    "catalog": "/api/am/service-catalog/v1",
    "gateway": "/api/am/gateway/v2",
    "governance": "/api/am/governance/v1",
}
TITLES = {
    "publisher": "Publisher v4",
    "devportal": "Developer portal v3",
    "admin": "Admin v4",
    "catalog": "Service catalog v1",
    "gateway": "Gateway v2",
    "governance": "Governance v1",
}
TABLE = Path(__file__).with_name("operations.tsv")


@dataclass(frozen=True)
class Operation:
    """One operation of a contract. `later` says what of a later version than 4.2 it belongs to; empty for those of 4.2."""

    contract: str
    method: str
    path: str
    name: str = ""
    tag: str = ""
    later: str = ""

    @property
    def key(self) -> str:
        """How tests and pages name it: its id, or method and path where the contract gives it none."""
        return self.name or f"{self.method} {self.path}"

    @property
    def url(self) -> str:
        """Its address here, with an example in the place of each path parameter."""
        return BASES[self.contract] + re.sub(r"\{([^}]*)\}", _example, self.path)

    def routed(self) -> bool:
        """Whether a view other than the one that refuses later operations takes its calls."""
        try:
            view = resolve(self.url).func.view_class
        except (Resolver404, AttributeError):
            return False
        handlers = ("head", "get") if self.method == "HEAD" else (self.method.lower(),)
        return not issubclass(view, Later) and any(hasattr(view, name) for name in handlers)


def _example(parameter: re.Match[str]) -> str:
    return "00000000-0000-4000-8000-000000000000" if parameter[1].lower().endswith(("id", "uuid")) else "x"


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation, in the contracts' order."""
    rows = [line.split("\t") for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    return tuple(Operation(*row) for row in rows)
