"""What every compiled expression offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from integrator.engine.expressions.values import text_of
from integrator.engine.message import Message


class Expression(ABC):
    """A compiled path. `reads_content` says whether the body must have been read."""

    text: str
    reads_content: bool = False
    is_json: bool = False

    @abstractmethod
    def value(self, message: Message) -> Any:
        """Raw result: text, number, boolean, node list or JSON value; None when there is none."""

    def string(self, message: Message) -> str | None:
        """Result as text by reference 2.5; None for a property that is not set."""
        return text_of(self.value(message))

    def boolean(self, message: Message) -> bool:
        """Result as a truth value."""
        return bool(self.value(message))

    def nodes(self, message: Message) -> list[Any]:
        """Result as a list of nodes or values."""
        value = self.value(message)
        return value if isinstance(value, list) else [] if value is None else [value]


class Constant(Expression):
    """A literal."""

    def __init__(self, text: str):
        self.text = text

    def value(self, message: Message) -> Any:
        """The literal itself."""
        return self.text
