"""wsdl endpoints: the address comes from a port of a WSDL 1.1 document (reference 4.0)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from integrator.engine.endpoints.base import Property
from integrator.engine.endpoints.leaf import Definition, Leaf, join
from integrator.engine.endpoints.transmit import transmit
from integrator.engine.errors import WSDL_NOT_READY, Fault
from integrator.engine.message import Message
from integrator.engine.xmltools import Element, XmlError, local, parse
from wire.client import AnswerTooLarge, Limits
from wire.upstream import UpstreamError

ADDRESSING = "http://schemas.xmlsoap.org/wsdl/"


def port_address(root: Element, service: str, port: str) -> str | None:
    """Location of a port; None when the document does not have it."""
    for item in root.iter(f"{{{ADDRESSING}}}service"):
        if item.get("name") != service:
            continue
        for candidate in item.iter(f"{{{ADDRESSING}}}port"):
            if candidate.get("name") == port:
                return next((inner.get("location") for inner in candidate if local(inner) == "address"), None)
    return None


class Wsdl(Leaf):
    """Looks its address up when it is first used; a document that is not there yet is no mistake of the artifact."""

    kind = "WSDL Endpoint"
    not_ready = WSDL_NOT_READY

    def __init__(
        self,
        name: str,
        on_error: str | None,
        properties: tuple[Property, ...],
        definition: Definition,
        source: str | Element,
        port: tuple[str, str],
    ):
        super().__init__(name, on_error, properties, definition)
        self.source = source
        self.port = port
        self.address = port_address(source, *port) or "" if not isinstance(source, str) else ""

    async def transmit(self, message: Message) -> None:
        """Send to the port's address. Raises Fault 303002 when the document does not give one."""
        if not self.address:
            self.address = await self._look_up(message)
        postfix = message.axis2.get("REST_URL_POSTFIX")
        url = self.address
        if postfix and self.definition.form not in ("soap11", "soap12"):
            url = join(url, str(postfix))
        await transmit(message, url, None, self.definition.form, self.timeout_ms(message))

    async def _look_up(self, message: Message) -> str:
        try:
            found = port_address(parse(await self._text(message)), *self.port)
        except (OSError, UpstreamError, AnswerTooLarge, ValueError, XmlError) as error:
            raise Fault(WSDL_NOT_READY, f"WSDL {self.source}: {error}") from error
        if not found:
            raise Fault(WSDL_NOT_READY, f"WSDL {self.source}: no port {self.port[1]!r} in service {self.port[0]!r}")
        return found

    async def _text(self, message: Message) -> bytes:
        parts = urlsplit(str(self.source))
        if parts.scheme in ("http", "https"):
            response = await message.deployment.runtime.client.request("GET", str(self.source), (), None, Limits(5, 10))
            return await response.body()
        if parts.scheme == "file":
            return Path(unquote(parts.path)).read_bytes()
        text = message.deployment.entry_text(str(self.source))
        if text is None:
            raise ValueError("not found")
        return text.encode()
