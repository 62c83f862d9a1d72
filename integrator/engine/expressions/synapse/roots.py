"""Where `${…}` expressions read from: payload, variables, headers, properties, parameters, configuration, registry, vault."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from integrator.engine.content.payload import decode_json
from integrator.engine.errors import BadPayload
from integrator.engine.expressions import scopes
from integrator.engine.expressions.jsonpath import MISSING
from integrator.engine.expressions.synapse.values import Empty, text
from integrator.engine.message import Message
from integrator.engine.vault import lookup

Read = Callable[[Message, str], Any]


def _there(value: Any) -> Any:
    return MISSING if value is None else value


def _variable(message: Message, name: str) -> Any:
    return message.variables.get(name, MISSING) if message.variables is not None else MISSING


def _configuration(message: Message, name: str) -> Any:
    found = message.deployment.config.file_property(name)
    return _there(os.environ.get(name) if found is None else found)


def _scope(scope: str) -> Read:
    return lambda message, name: _there(scopes.read(message, scope, name))


def _parameter(prefix: str) -> Read:
    return lambda message, name: _there(message.properties.get(f"{prefix}{name}"))


NAMED: dict[str, Read] = {
    "vars": _variable,
    "headers": lambda message, name: _there(message.headers.get(name)),
    "configs": _configuration,
}
"""Roots that are followed by a name."""
SCOPED: dict[str, dict[str, Read]] = {
    "props": {"synapse": _scope("default"), "axis2": _scope("axis2")},
    "params": {
        "queryParams": _parameter("query.param."),
        "pathParams": _parameter("uri.var."),
        "uriParams": _parameter("uri.var."),
        "functionParams": _scope("func"),
    },
}
"""Roots that are followed by a scope, and then a name."""
ALIASES = {"var": "vars", "config": "configs", "properties": "props", "attributes": "props", "attr": "props"}
ROOTS = ("payload", "$", "vars", "headers", "props", "params", "configs", *ALIASES)


def payload(message: Message) -> Any:
    """The body as JSON; XML is mapped. Raises Empty when it cannot be."""
    try:
        return message.payload.json
    except BadPayload as error:
        raise Empty(str(error)) from error


def resource(message: Message, key: Any) -> str:
    """Text of a registry resource or local entry. Raises Empty when there is none."""
    name = text(key)
    found = None if name.startswith("file:") else message.deployment.entry_text(name)
    if found is None:
        raise Empty("there is no such registry resource")
    return found


def resource_json(message: Message, key: Any) -> Any:
    """A registry resource as JSON. Raises Empty."""
    try:
        return decode_json(resource(message, key))
    except BadPayload as error:
        raise Empty("the registry resource is no JSON") from error


def resource_property(message: Message, key: Any, name: Any) -> Any:
    """A property of a registry resource."""
    return _there(message.deployment.registry.read_property(f"{text(key)}@{text(name)}"))


def secret(message: Message, alias: Any, source: Any = "") -> str:
    """A secret of the vault. Raises Fault when there is none."""
    return lookup(message.deployment.config, text(alias), text(source))
