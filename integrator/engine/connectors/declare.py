"""What a connector is made of: operations with declared parameters, each one function on a call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrator.engine.connectors.calls import Call

KINDS = ("string", "integer", "number", "boolean", "json", "xml", "any")
"""json: a value or JSON text; xml: an element or its text; any: handed on as it is."""


@dataclass(frozen=True)
class Parameter:
    """One parameter. `choices` are compared without case; a `secret` never shows in logs and errors."""

    name: str
    description: str = ""
    kind: str = "string"
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    secret: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"parameter {self.name}: kind {self.kind!r}; allowed are {', '.join(KINDS)}")


@dataclass(frozen=True)
class Result:
    """What an operation gives: a JSON value, an element, text or bytes. Attributes go into `responseVariable` only."""

    payload: Any = None
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)


Run = Callable[["Call"], Awaitable[Any]]
"""An operation. It returns a Result, or just its payload; None leaves the message as it is."""


@dataclass(frozen=True)
class Operation:
    """One operation. `reads_content` says whether it looks at the message's body itself."""

    name: str
    description: str
    parameters: dict[str, Parameter]
    run: Run
    reads_content: bool = False
    answers: bool = True


@dataclass(frozen=True)
class Connector:
    """Name, how a connection is described, and operations by name."""

    name: str
    description: str
    connection: tuple[Parameter, ...] = ()
    error_code: int = 0
    operations: dict[str, Operation] = field(default_factory=dict)
    needs_connection: bool = True

    def operation(
        self, name: str, *parameters: Parameter, about: str = "", reads_content: bool = False, answers: bool = True
    ) -> Callable[[Run], Run]:
        """Decorator: declare an operation. `about` defaults to the first line of the function's docstring."""

        def decorate(run: Run) -> Run:
            described = about or (run.__doc__ or "").strip().split("\n")[0]
            self.add(Operation(name, described, _by_name(parameters), run, reads_content, answers))
            return run

        return decorate

    def add(self, operation: Operation) -> None:
        """Declare an operation. Raises ValueError when there is one of that name."""
        if operation.name in self.operations or operation.name == "init":
            raise ValueError(f"connector {self.name}: two operations {operation.name!r}")
        self.operations[operation.name] = operation


def _by_name(parameters: Iterable[Parameter]) -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in parameters}


ANSWER = (
    Parameter("responseVariable", "Name of the variable that gets what came back instead of the body."),
    Parameter("overwriteBody", "Whether the body is replaced too when `responseVariable` is given.", "boolean"),
)
"""Parameters that every operation with an answer takes."""
