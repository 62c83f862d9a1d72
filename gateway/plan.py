"""What the compilers of the stages are given: the API and operation they compile for, and the services of the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from gateway.schema import Api, Operation, Policy

if TYPE_CHECKING:
    from gateway.compile import CompiledApi
    from gateway.services import Services

T = TypeVar("T")


class Unusable(ValueError):
    """A record that no chain can be made of; the text says what is wrong with which value."""


@dataclass(slots=True, eq=False)
class Plan:
    """One operation that is to be compiled. A stage's `stage(plan)` reads it and returns its step, or None for nothing to do."""

    services: Services
    api: CompiledApi
    operation: Operation
    policies: dict[str, Policy]

    @property
    def record(self) -> Api:
        """The API's record."""
        return self.api.record

    def policy(self, level: str, name: str) -> Policy | None:
        """A rate-limiting policy of the API's organisation. An unknown one is noted for the gateway's status."""
        found = self.policies.get(f"{self.record.organisation}:{level}:{name}")
        if found is None and name and name != "Unlimited":
            self.note(f"policy {name!r} is not known here: no such limit is applied")
        return found

    def once(self, name: str, make: Callable[[], T]) -> T:
        """The step (or whatever) `name` of this API, made at its first operation and shared by the others."""
        shared = self.api.shared
        if name not in shared:
            shared[name] = make()
        found: T = shared[name]
        return found

    def note(self, text: str) -> None:
        """Says something in the gateway's status about this API, which is served all the same."""
        if text not in self.api.notes:
            self.api.notes.append(text)
