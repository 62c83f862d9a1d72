"""Where cases register, and how they are found again."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from apim.contracts.operations import Operation, operations
from tests.contracts import cases
from tests.contracts.world import World

Answer = Any
Run = Callable[[World], Answer]


@dataclass(frozen=True)
class Case:
    """One call of one operation."""

    operation: Operation
    run: Run

    @property
    def name(self) -> str:
        """Its name in a report."""
        return f"{self.operation.contract}-{self.operation.key}"


_cases: dict[tuple[str, str], Case] = {}


def case(contract: str, key: str) -> Callable[[Run], Run]:
    """Register a function that arranges what is needed, calls the operation and returns the answer."""
    operation = _known().get((contract, key))
    if operation is None:
        raise LookupError(f"{contract} has no operation {key!r}; apim/contracts/operations.tsv lists them")

    def register(run: Run) -> Run:
        before = _cases.setdefault((contract, operation.key), Case(operation, run))
        if before.run.__module__ != run.__module__ or before.run.__name__ != run.__name__:
            raise LookupError(f"{contract} {key} has a case already: {before.run.__module__}.{before.run.__name__}")
        return run

    return register


@cache
def _known() -> dict[tuple[str, str], Operation]:
    found = {(one.contract, f"{one.method} {one.path}"): one for one in operations()}
    return found | {(one.contract, one.name): one for one in operations() if one.name}


def every_case() -> list[Case]:
    """All cases of the modules in `cases`, by name."""
    for module in pkgutil.iter_modules(cases.__path__):
        importlib.import_module(f"{cases.__name__}.{module.name}")
    return sorted(_cases.values(), key=lambda one: one.name)
