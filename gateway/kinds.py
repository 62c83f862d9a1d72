"""How an API's kind picks its operations: what a kind's compiler is given, and what it gives back.

Plain HTTP APIs list verbs and URI templates, and that is what calls are matched by. Other kinds are matched by something else (a
GraphQL field, a topic): their compiler returns the few HTTP resources that calls come in on, with steps that find the operation
and go on with its chain. The table of kinds is `gateway.compile.KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.plan import Plan
from gateway.schema import Api, Operation, Policy
from gateway.stages import Step

if TYPE_CHECKING:
    from gateway.compile import CompiledApi, CompiledOperation
    from gateway.services import Services

Rows = Iterable[tuple[str, str, "CompiledOperation"]]
"""Verb, URI template, and the operation that serves it."""

Stages = tuple[tuple[str, Callable[[Plan], Step | None]], ...]
"""Named compilers of an operation's steps, in their order."""


@dataclass(slots=True, eq=False)
class Making:
    """An API on its way to being compiled. `compile` makes the chain of one operation, of `stages` when no others are given."""

    services: Services
    api: CompiledApi
    policies: dict[str, Policy]
    compile: Callable[..., CompiledOperation]
    stages: Stages

    @property
    def record(self) -> Api:
        """The API's record."""
        return self.api.record

    def plan(self, operation: Operation) -> Plan:
        """What the stages of `operation` are compiled from."""
        return Plan(self.services, self.api, operation, self.policies)

    def rows(self) -> Rows:
        """The operations as they are: verb, URI template, chain."""
        return ((one.verb, one.target, self.compile(self.plan(one))) for one in self.record.operations)


Kind = Callable[[Making], Rows]
"""A kind's compiler. Raises ValueError naming the value that it cannot use."""
