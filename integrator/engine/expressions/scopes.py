"""Property scopes: where a name is stored, and how get-property reads it (reference 2.2, 2.3)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from integrator.engine.addressing import destination, field_of
from integrator.engine.content.attachments import FORMS
from integrator.engine.expressions import derived
from integrator.engine.expressions.javadate import java_format
from integrator.engine.expressions.values import text_of
from integrator.engine.message import Message
from integrator.engine.xmltools import SOAP12, Element, local

WRITABLE = ("default", "axis2", "axis2-client", "transport", "operation", "registry", "system", "analytics", "trace")
ALIASES = {"trp": "transport", "ctx": "default", "sys": "system", "synapse": "default"}

MARK = "integrator.marked"
ANALYTICS = "analytics:"
"""Begin of the names under which the scope analytics is kept with the operation."""
MARKED = frozenset(
    {
        "CHARACTER_SET_ENCODING",
        "DISABLE_CHUNKING",
        "FORCE_HTTP_1.0",
        "FORCE_HTTP_CONTENT_LENGTH",
        "FULL_URI",
        "HTTP_ETAG",
        "HTTP_SC_DESC",
        "IGNORE_SC_ACCEPTED",
        "NO_ENTITY_BODY",
        "NO_KEEPALIVE",
        "POST_TO_URI",
        "SEND_TIMEOUT",
        "enableMTOM",
        "enableSwA",
        "setCharacterEncoding",
    }
)
"""axis2 properties that change how a message is sent: setting one marks the message, so that others do not pay for them."""
ORIGINALS = {"HTTP_SC": "ORIGINAL_STATUS_CODE", "HTTP_SC_DESC": "HTTP_REASON_PHRASE"}
"""Where the backend's own value is kept when the property is set."""
WAITING = ("ClientApiNonBlocking", "transportNonBlocking")
"""axis2 properties whose removal, too, makes the sender wait."""

system_properties: dict[str, Any] = {}


def read(message: Message, scope: str, name: str) -> Any:
    """Value of a property, None when there is none."""
    if name == "SYSTEM_TIME":
        return str(int(time.time() * 1000))
    if name == "SYSTEM_DATE":
        return java_format(datetime.now().astimezone(), "M/d/yy, h:mm a")
    return _READERS[scope](message, name)


def get_property(message: Message, *arguments: str) -> Any:
    """The get-property function with its one to three arguments."""
    if len(arguments) == 1:
        return read(message, "default", arguments[0])
    first, second = arguments[0], arguments[1]
    if first == "SYSTEM_DATE":
        return java_format(datetime.now().astimezone(), second)
    if second == "SYSTEM_DATE" and len(arguments) == 3:
        return java_format(datetime.now().astimezone(), arguments[2])
    scope = ALIASES.get(first, first)
    return read(message, scope, second) if scope in _READERS else None


def _default(message: Message, name: str) -> Any:
    special = _SPECIAL.get(name)
    if special is not None:
        return special(message)
    found = message.properties.get(name)
    if found is None and name not in message.properties:
        known = _KNOWN.get(name)
        return message.deployment.local_entry(name) if known is None else known(message)
    return found


def _axis2(message: Message, name: str) -> Any:
    found = message.axis2.get(name)
    if found is None and name not in message.axis2:
        known = _KNOWN_AXIS2.get(name)
        return None if known is None else known(message)
    return found


def _func(message: Message, name: str) -> Any:
    value = message.func[-1].get(name) if message.func else None
    return value.string(message) if value is not None and hasattr(value, "reads_content") else value


_READERS: dict[str, Callable[[Message, str], Any]] = {
    "default": _default,
    "axis2": _axis2,
    "transport": lambda message, name: message.headers.get(name),
    "operation": lambda message, name: message.operation.get(name),
    "registry": lambda message, name: message.deployment.registry.read_property(name),
    "func": _func,
    "system": lambda message, name: system_properties.get(name),
    "env": lambda message, name: os.environ.get(name),
    "file": lambda message, name: message.deployment.config.file_property(name),
}


def _is_fault(message: Message) -> str | None:
    root = message.payload.root
    return "TRUE" if root is not None and local(root) == "Fault" else None


def _format(message: Message) -> str:
    if message.payload.pox:
        return "get" if message.axis2.get("HTTP_METHOD") == "GET" else "pox"
    return "soap12" if message.payload.soap == SOAP12 else "soap11"


def _operation(message: Message) -> tuple[str, str | None]:
    from integrator.engine.services.operations import operation_of  # noqa: PLC0415  (services read scopes)

    return operation_of(message)


_SPECIAL: dict[str, Callable[[Message], Any]] = {
    "To": destination,
    "Action": lambda message: message.action or field_of(message, "Action"),
    "MessageID": lambda message: field_of(message, "MessageID") or message.id,
    "From": lambda message: field_of(message, "From"),
    "FaultTo": lambda message: field_of(message, "FaultTo"),
    "ReplyTo": lambda message: field_of(message, "ReplyTo"),
    "RelatesTo": lambda message: field_of(message, "RelatesTo"),
    "FAULT": _is_fault,
    "MESSAGE_FORMAT": _format,
    "OperationName": lambda message: message.properties.get("OperationName") or _operation(message)[0],
    "OperationNamespace": lambda message: message.properties.get("OperationNamespace") or _operation(message)[1],
}


def _prefix(message: Message) -> str:
    return f"{message.flow.transport}://{message.headers.get('Host') or message.deployment.config.hostname}/services/"


def _json_text(message: Message) -> str | None:
    return message.payload.json_text() if message.payload.is_json else None


_KNOWN: dict[str, Callable[[Message], Any]] = {
    "SERVER_IP": lambda message: message.deployment.config.hostname,
    "SERVER_HOST": lambda message: message.deployment.config.hostname,
    "IN_TRANSPORT": lambda message: message.flow.transport,
    "correlation_id": lambda message: message.flow.correlation_id,
    **derived.DEFAULT,
}
"""Read-only properties that are worked out when they are asked for."""
JSON_STREAM = "org.apache.synapse.commons.json.JsonInputStream"
_KNOWN_AXIS2: dict[str, Callable[[Message], Any]] = {
    "TRANSPORT_HEADERS": lambda message: dict(message.headers),
    "TRANSPORT_IN_NAME": lambda message: message.flow.transport,
    "SERVICE_PREFIX": _prefix,
    "correlation_id": lambda message: message.flow.correlation_id,
    "message.builder.invoked": lambda message: message.payload.built,
    "HTTP_REASON_PHRASE": lambda message: message.axis2.get("HTTP_SC_DESC"),
    "ContentType": lambda message: message.payload.content_type or None,
    "messageType": lambda message: None if message.response else message.payload.media or None,
    **derived.AXIS2,
    JSON_STREAM: _json_text,
    "JSON_STRING": _json_text,
    f"{JSON_STREAM}.IsJsonObject": lambda message: message.payload.is_json and isinstance(message.payload.json, dict),
}


def write(message: Message, scope: str, name: str, value: Any) -> None:
    """Set a property with the side effects of its scope (reference 3.3, property)."""
    if scope == "default":
        message.properties[name] = value
    elif scope == "axis2":
        _write_axis2(message, name, value)
    elif scope == "transport":
        message.headers.set(name, as_text(value))
    elif scope == "operation":
        message.operation[name] = value
    elif scope == "axis2-client":
        message.client_options[name] = value
    elif scope == "system":
        system_properties[name] = as_text(value)
    elif scope == "registry":
        message.deployment.registry.write_property(name, as_text(value))
    else:
        message.operation[f"{scope}:{name}"] = value


def _write_axis2(message: Message, name: str, value: Any) -> None:
    if name in MARKED:
        message.axis2[MARK] = True
        if name in FORMS:
            _attach(message, FORMS[name], value)
    if name in ORIGINALS and name in message.axis2 and "TRANSPORT_IN_URL" not in message.axis2:
        message.axis2.setdefault(ORIGINALS[name], message.axis2[name])
    message.axis2[name] = value
    if name == "messageType":
        message.axis2["ContentType"] = value
        message.headers.set("Content-Type", as_text(value))
        if MARK in message.axis2 and as_text(value).startswith("multipart/related"):
            for switch, form in FORMS.items():  # an artifact may name the type besides: what it is written as stays
                _attach(message, form, message.axis2.get(switch, "false"))


def _attach(message: Message, form: str, value: Any) -> None:
    """enableMTOM and enableSwA say what the body is written as, as messageType does for other forms."""
    if is_true(value):
        message.axis2["messageType"] = form
    elif message.axis2.get("messageType") == form:
        del message.axis2["messageType"]


def remove(message: Message, scope: str, name: str) -> None:
    """Remove a property; absent is fine."""
    if scope == "default":
        message.properties.pop(name, None)
    elif scope == "axis2":
        if name == "TRANSPORT_HEADERS":
            message.headers.clear()
        message.axis2.pop(name, None)
        if name in WAITING:
            message.axis2[name] = "false"
        elif name in FORMS:
            _attach(message, FORMS[name], False)
    elif scope == "transport":
        message.headers.remove(name)
    elif scope == "operation":
        message.operation.pop(name, None)
    elif scope == "axis2-client":
        message.client_options.pop(name, None)
    elif scope == "analytics":
        message.operation.pop(ANALYTICS + name, None)


def is_true(value: Any) -> bool:
    """Whether a property value means true: the boolean, or the word in any case."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def set_error(message: Message, code: int, text: str, detail: str, exception: BaseException | None = None) -> None:
    """ERROR_* properties of the fault flow."""
    message.properties["ERROR_CODE"] = code
    message.properties["ERROR_MESSAGE"] = text
    message.properties["ERROR_DETAIL"] = detail
    message.properties["ERROR_EXCEPTION"] = repr(exception) if exception else text


def as_text(value: Any) -> str:
    """A property value as text; see values.text_of for the general rule."""
    return text_of(value) or ""


def element_of(value: Any) -> Element | None:
    """The element in a value that holds one (or a list that starts with one)."""
    if isinstance(value, list) and value and hasattr(value[0], "tag"):
        return value[0]
    return value if hasattr(value, "tag") else None
