"""Endpoints that send by themselves: address, http, default (reference 4.0 - 4.2)."""

from __future__ import annotations

import base64
import logging
from abc import abstractmethod
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from integrator.engine import addressing
from integrator.engine.endpoints.base import Endpoint, Extension, Property
from integrator.engine.endpoints.oauth import Tokens
from integrator.engine.endpoints.state import Policy, State
from integrator.engine.endpoints.transmit import transmit
from integrator.engine.endpoints.uritemplate import UriTemplate
from integrator.engine.errors import (
    CONNECTION_TIMEOUT,
    ENDPOINT_NOT_READY,
    NOT_THE_BACKENDS,
    SOAP_FAULT_FORCED,
    Discarded,
    Fault,
    Unsendable,
)
from integrator.engine.expressions import Expression, scopes
from integrator.engine.expressions.scopes import is_true
from integrator.engine.message import Message
from integrator.engine.synapse_handlers import observed
from integrator.engine.xmltools import local

log = logging.getLogger("integrator.endpoint")

UNAUTHORIZED = 401
OPTIMIZED = {"mtom": "enableMTOM", "swa": "enableSwA"}
"""The axis2 property that asks for the form of attachments."""


@dataclass(frozen=True)
class Definition:
    """Quality-of-service settings of a leaf endpoint."""

    form: str = ""
    timeout: Expression | None = None
    discard: bool = False
    policy: Policy = field(default_factory=Policy)
    disabled_codes: frozenset[int] = frozenset()
    enabled_codes: frozenset[int] | None = None
    encoding: str = ""
    optimize: str = ""
    extensions: tuple[Extension, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether the message is sent as it is."""
        return not (self.encoding or self.optimize or self.extensions)


@dataclass(frozen=True)
class BasicAuth:
    """User and password sent with every call."""

    username: Expression
    password: Expression


class Leaf(Endpoint):
    """Keeps the suspension state and turns time-outs into what the definition says."""

    not_ready = ENDPOINT_NOT_READY

    def __init__(self, name: str, on_error: str | None, properties: tuple[Property, ...], definition: Definition):
        super().__init__(name, on_error, properties)
        self.definition = definition
        self.state = State(definition.policy)
        self.address = ""
        preserved = any(item.name == "PRESERVE_ENVELOPE" for item in properties)
        self._pass = observed(self.transmit if definition.plain and not preserved else self._prepared)

    def ready(self, message: Message) -> bool:
        """Whether it is not suspended."""
        return self.state.ready()

    async def send(self, message: Message) -> None:
        """Send and keep the state. Raises Fault, or Discarded for a time-out that is to be discarded."""
        if not self.state.ready():
            note_endpoint(message, self)
            raise Fault(self.not_ready, f"endpoint {self.name or 'anonymous'} is {self.state.name}")
        for item in self.properties:
            item.apply(message)
        try:
            await self._pass(message)
            if is_true(message.properties.get("FORCE_ERROR_ON_SOAP_FAULT")):
                await self._check_soap_fault(message)
        except Fault as fault:
            note_endpoint(message, self)
            self._failed(fault)
            if fault.code == CONNECTION_TIMEOUT and self.definition.discard:
                raise Discarded(fault.code, fault.message) from fault
            raise
        self.state.succeeded()

    async def _prepared(self, message: Message) -> None:
        """Send by an endpoint that changes requests or answers, or that wants the body read first."""
        definition = self.definition
        if definition.encoding:
            scopes.write(message, "axis2", "CHARACTER_SET_ENCODING", definition.encoding)
        if definition.optimize:
            scopes.write(message, "axis2", OPTIMIZED[definition.optimize], "true")
        if definition.extensions or is_true(message.properties.get("PRESERVE_ENVELOPE")):
            await message.payload.read()
        kept = message.payload, message.axis2
        for extension in definition.extensions:
            await extension.outgoing(message)
        try:
            await self.transmit(message)
        except Fault:  # who handles the failure has the message as it was, not what was made for the wire
            message.payload, message.axis2 = kept
            raise
        for extension in reversed(definition.extensions):
            await extension.incoming(message)

    def _failed(self, fault: Fault) -> None:
        """Keep the state; a failure that is not the backend's does not count."""
        if fault.code in NOT_THE_BACKENDS or isinstance(fault, Unsendable):
            return
        name = self.name or "AnonymousEndpoint"
        log.warning("ERROR_CODE : %s ERROR_MESSAGE : %s (%s, %s)", fault.code, fault.message, name, fault.detail)
        duration = self.state.failed(fault.code)
        if duration is not None:
            log.warning("Endpoint : %s with address %s will be marked SUSPENDED as it failed", name, self.address)
            text = "Suspending endpoint : %s with address %s - current suspend duration is : %dms"
            log.warning(text, name, self.address, duration)

    async def _check_soap_fault(self, message: Message) -> None:
        await message.payload.read()
        root = message.payload.root
        if root is not None and local(root) == "Fault":
            raise Fault(SOAP_FAULT_FORCED, "the answer is a SOAP fault")

    def retryable(self, code: int) -> bool:
        """Whether a group may try its next endpoint after this error."""
        if self.definition.enabled_codes is not None:
            return code in self.definition.enabled_codes
        return code not in self.definition.disabled_codes

    def timeout_ms(self, message: Message) -> int:
        """Time-out of this call; never above the global one."""
        limit = message.deployment.runtime.global_timeout_ms
        if self.definition.timeout is None:
            return limit
        text = self.definition.timeout.string(message) or ""
        try:
            value = int(float(text))
        except ValueError:
            return limit
        return min(value, limit) if value > 0 else limit

    @abstractmethod
    async def transmit(self, message: Message) -> None:
        """Send to the address of this endpoint."""

    def describe(self) -> dict[str, object]:
        """Fields for the management API."""
        return {**super().describe(), "isActive": self.state.ready(), "state": self.state.name}


def note_endpoint(message: Message, endpoint: Leaf) -> None:
    """What fault handling reads: the endpoint that failed, and the scheme, host and port it was to reach."""
    message.properties["last_endpoint"] = endpoint.name or "AnonymousEndpoint"
    parts = urlsplit(message.to or endpoint.address)
    if parts.scheme and parts.netloc:
        message.axis2["ENDPOINT_PREFIX"] = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class Address(Leaf):
    """A fixed address; REST calls get the rest of the request path appended."""

    kind = "Address Endpoint"

    def __init__(
        self, name: str, on_error: str | None, properties: tuple[Property, ...], definition: Definition, uri: str
    ):
        super().__init__(name, on_error, properties, definition)
        self.uri = self.address = uri

    async def transmit(self, message: Message) -> None:
        """Send to the address."""
        url = self.uri
        postfix = message.axis2.get("REST_URL_POSTFIX")
        if postfix and self.definition.form not in ("soap11", "soap12"):
            url = join(url, str(postfix))
        await transmit(message, url, None, self.definition.form, self.timeout_ms(message))

    def describe(self) -> dict[str, object]:
        """Fields for the management API."""
        return {**super().describe(), "address": self.uri}


def join(url: str, postfix: str) -> str:
    """Append the rest of a request path, and its query, to an address."""
    path, question, query = postfix.partition("?")
    base, asked, own = url.partition("?")
    if path and path != "/":
        base = base.rstrip("/") + "/" + path.lstrip("/")
    queries = [part for part in (own if asked else "", query if question else "") if part]
    return base + ("?" + "&".join(queries) if queries else "")


class Default(Leaf):
    """Sends to the message's To."""

    kind = "Default Endpoint"

    async def transmit(self, message: Message) -> None:
        """Send to where the message says."""
        if not message.to:
            raise Fault(0, "the message has no To address to send to")
        if message.to.startswith("/"):  # nobody set an address: To of the SOAP header is the only one there may be
            await message.payload.read()
            message.to = addressing.destination(message) or message.to
        await transmit(message, message.to, None, self.definition.form, self.timeout_ms(message))


class Http(Leaf):
    """A URI template and a method."""

    kind = "HTTP Endpoint"

    def __init__(
        self,
        name: str,
        on_error: str | None,
        properties: tuple[Property, ...],
        definition: Definition,
        template: UriTemplate,
        method: str | None,
        authentication: BasicAuth | Tokens | None,
    ):
        super().__init__(name, on_error, properties, definition)
        self.template = template
        self.address = template.text
        self.method = method
        self.authentication = authentication

    async def transmit(self, message: Message) -> None:
        """Expand the template and send; a 401 renews an OAuth token once."""
        url = self.template.expand(message)
        message.to = url
        timeout = self.timeout_ms(message)
        if isinstance(self.authentication, Tokens):
            await self._with_token(message, url, timeout, self.authentication)
            return
        if self.authentication is not None:
            message.headers.set("Authorization", basic(message, self.authentication))
        await transmit(message, url, self.method, self.definition.form, timeout)

    async def _with_token(self, message: Message, url: str, timeout: int, tokens: Tokens) -> None:
        await message.payload.read()
        again = message.copy()
        token = await tokens.token(message)
        message.headers.set("Authorization", f"Bearer {token}")
        await transmit(message, url, self.method, self.definition.form, timeout)
        if message.axis2.get("HTTP_SC") != UNAUTHORIZED:
            return
        message.payload.discard()
        message.properties["RETRIED_ON_OAUTH_FAILURE"] = True
        again.headers.set("Authorization", f"Bearer {await tokens.token(again, refused=token)}")
        await transmit(again, url, self.method, self.definition.form, timeout)
        message.payload, message.headers, message.axis2 = again.payload, again.headers, again.axis2

    def describe(self) -> dict[str, object]:
        """Fields for the management API."""
        return {**super().describe(), "method": self.method or "", "uriTemplate": self.template.text}


def basic(message: Message, authentication: BasicAuth) -> str:
    """The Authorization header of Basic credentials."""
    pair = f"{authentication.username.string(message)}:{authentication.password.string(message)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
