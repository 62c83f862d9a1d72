"""class endpoints: a Python class of the home sends (reference 4.0)."""

from __future__ import annotations

from typing import Any

from integrator.engine.endpoints.base import Property
from integrator.engine.endpoints.leaf import Definition, Leaf
from integrator.engine.errors import SENDER_IO_SENDING, Fault
from integrator.engine.message import Message
from integrator.engine.scripting.context import MessageContext
from integrator.engine.scripting.python import assign, class_of


class Custom(Leaf):
    """Calls `send(mc)` of a Python class on a worker thread; what it leaves in the message is the answer."""

    kind = "Class Endpoint"

    def __init__(
        self,
        name: str,
        on_error: str | None,
        properties: tuple[Property, ...],
        path: str,
        parameters: tuple[tuple[str, Any], ...],
    ):
        super().__init__(name, on_error, properties, Definition())
        self.path = self.address = path
        self.parameters = parameters
        self._made: Any = None

    async def transmit(self, message: Message) -> None:
        """Call the class. Raises Fault: 0 when it cannot be loaded, 101500 when it raises."""
        await message.payload.read()
        instance = self._instance(message)
        message.axis2 = {name: value for name, value in message.axis2.items() if name != "HTTP_SC"}
        try:
            await message.deployment.runtime.run(instance.send, MessageContext(message))
        except Fault:
            raise
        except Exception as error:
            text = f"class endpoint {self.path}: {type(error).__name__}: {error}"
            raise Fault(SENDER_IO_SENDING, text) from error
        message.axis2.setdefault("HTTP_SC", 200)
        message.axis2.pop("HTTP_METHOD", None)
        message.to, message.response = None, True

    def _instance(self, message: Message) -> Any:
        if self._made is None:
            made = class_of(message.deployment, self.path, "send")()
            for name, value in self.parameters:
                assign(made, name, value)
            if callable(getattr(made, "init", None)):
                made.init()
            self._made = made
        return self._made

    def describe(self) -> dict[str, object]:
        """Fields for the management API."""
        return {**super().describe(), "class": self.path}
