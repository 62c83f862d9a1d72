"""What the check of a definition found: mistakes with their places, and what an API made from it would be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from apim.errors import FieldError
from publisher.errors import BadDefinition
from publisher.openapi.reading import Path


def pointer(path: Path) -> str:
    """`path` as a JSON pointer (RFC 6901); the whole document is `/`."""
    return "/" + "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in path)


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong: JSON pointer, line (0 when unknown) and what it is."""

    pointer: str
    line: int
    message: str

    @property
    def place(self) -> str:
        """The place for people: `line 12, /paths/~1pets/get`."""
        return f"line {self.line}, {self.pointer}" if self.line else self.pointer


@dataclass
class Report:
    """The result for one text. `suggestion` holds keywords of `actions.apis.create_api`, empty when not valid."""

    text: str
    openapi: str = ""
    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[Mistake] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    suggestion: dict[str, Any] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Whether an API can be made from it."""
        return not self.mistakes

    def raise_if_invalid(self) -> None:
        """Raise BadDefinition with every mistake and its place."""
        if self.mistakes:
            first = self.mistakes[0]
            more = f" (and {len(self.mistakes) - 1} more)" if len(self.mistakes) > 1 else ""
            errors = [FieldError(mistake.place, mistake.message) for mistake in self.mistakes]
            raise BadDefinition(f"{first.place}: {first.message}{more}", errors)
