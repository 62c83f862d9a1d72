"""XPath 1.0 over the envelope with Synapse's variables and functions, through lxml (reference 2.5).

The text is rewritten once: `$ctx:name` and `get-property('name')` become lxml variables whose values are looked up per
message; an expression that is nothing but one of them never touches the body.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from integrator.engine.errors import Fault
from integrator.engine.expressions import functions, scopes, xpath20
from integrator.engine.expressions.base import Expression
from integrator.engine.expressions.values import nodes_text, text_of
from integrator.engine.message import Message
from integrator.engine.xmltools import SYNAPSE, XPATH_FUNCTIONS, Element, envelope

_LITERAL = r"'[^']*'|\"[^\"]*\""
_TOKENS = re.compile(
    rf"(?P<get>(?:[\w-]+:)?get-property\(\s*(?P<args>(?:{_LITERAL})(?:\s*,\s*(?:{_LITERAL}))?)\s*\))"
    rf"|(?P<literal>{_LITERAL})"
    r"|\$(?P<var>[\w-]+(?::[\w.\-]+)?)"
    r"|(?P<fn>[\w-]+):(?=[\w-]+\s*\()"
)
_OF_BODY = ("FAULT", "JsonInputStream", "JSON_STRING")
"""Properties that are read from the body."""
_AWARE = ("/", "get-property('From'", "get-property('FAULT'")
_NODES: dict[str, Callable[[Message], Element]] = {
    "body": lambda message: message.payload.body,
    "header": lambda message: message.payload.header,
    "env": lambda message: message.payload.envelope,
}
_SCOPES = {
    "ctx": "default",
    "trp": "transport",
    "axis2": "axis2",
    "operation": "operation",
    "func": "func",
    "sys": "system",
}

Getter = Callable[[Message], Any]


class PathError(ValueError):
    """The expression cannot be compiled."""


class Lookup(Expression):
    """An expression that is one property and nothing else."""

    def __init__(self, text: str, getter: Getter):
        self.text = text
        self.getter = getter

    def value(self, message: Message) -> Any:
        """The property's value, None when unset."""
        return self.getter(message)

    def boolean(self, message: Message) -> bool:
        """Non-empty text, true, or a number other than zero."""
        return bool(self.getter(message))


class XPath(Expression):
    """A compiled XPath over the envelope."""

    def __init__(self, text: str, rewritten: str, variables: dict[str, Getter], nsmap: dict[str, str], reads: bool):
        self.text = text
        self.variables = variables
        self.reads_content = reads
        self.parents = "node()" in text
        try:
            self.compiled = etree.XPath(
                rewritten, namespaces=nsmap, extensions=functions.table(), regexp=False, smart_strings=False
            )
        except etree.XPathSyntaxError as error:
            raise PathError(f"{error} in XPath {text!r}") from error
        prefixes = set(
            re.findall(r"(?<![\w$'\"])([A-Za-z_][\w-]*):(?=[A-Za-z_*])(?!:)", re.sub(_LITERAL, "", rewritten))
        )
        unknown = prefixes - nsmap.keys() - _AXES
        if unknown:
            raise PathError(f"namespace prefix {sorted(unknown)[0]!r} of XPath {text!r} is not declared")

    def value(self, message: Message) -> Any:
        """Node list, text, number or boolean."""
        values = {name: _for_xpath(getter(message)) for name, getter in self.variables.items()}
        with functions.running(message):
            try:
                context = message.payload.envelope if self.reads_content else _NOTHING
                return self.compiled(context, **values)
            except etree.XPathError as error:
                raise Fault(0, f"XPath {self.text!r} failed: {error}") from error

    def on(self, message: Message, context: Element) -> Any:
        """Evaluate with another context node."""
        values = {name: _for_xpath(getter(message)) for name, getter in self.variables.items()}
        with functions.running(message):
            return self.compiled(context, **values)

    def string(self, message: Message) -> str | None:
        """Text by reference 2.5."""
        value = self.value(message)
        if isinstance(value, list):
            return nodes_text(value)
        return text_of(value)


_OURS = ("fn", "wso2", "synapse")
"""Prefixes of functions that need no declaration."""
_NOTHING = envelope()
"""Context of expressions that name no nodes: the body is not built for them."""
_AXES = {
    "ancestor",
    "ancestor-or-self",
    "attribute",
    "child",
    "descendant",
    "descendant-or-self",
    "following",
    "following-sibling",
    "namespace",
    "parent",
    "preceding",
    "preceding-sibling",
    "self",
}


def compile_xpath(text: str, nsmap: dict[str | None, str]) -> Expression:
    """Compile XPath text with the namespaces in force where it is written. Raises PathError."""
    variables: dict[str, Getter] = {}
    names: dict[str, str] = {prefix: uri for prefix, uri in nsmap.items() if prefix}

    bound = xpath20.bound(text)

    def replace(found: re.Match[str]) -> str:
        if found.group("literal") or found.group("var") in bound:
            return found.group()
        if found.group("fn"):
            prefix = found.group("fn")
            known = names.get(prefix) in (XPATH_FUNCTIONS, SYNAPSE) or (prefix in _OURS and prefix not in names)
            if prefix == "hashicorp" and prefix not in names:
                raise PathError("hashicorp:vault-lookup: there is no such vault here; use wso2:vault-lookup")
            return "" if known else found.group()
        getter = _literal_lookup(found.group("args")) if found.group("get") else _variable(found.group("var"))
        name = f"v{len(variables)}"
        variables[name] = getter
        return f"${name}"

    rewritten = _TOKENS.sub(replace, text.strip())
    if rewritten == "$v0" and not any(text.strip().startswith(f"${node}") for node in _NODES):
        lookup = Lookup(text, variables["v0"])
        lookup.reads_content = any(name in text for name in _OF_BODY)
        return lookup
    if xpath20.enabled():
        return _either(text, rewritten, variables, names)
    return XPath(text, rewritten, variables, names, _reads(text, rewritten))


def _either(text: str, rewritten: str, variables: dict[str, Getter], names: dict[str, str]) -> Expression:
    """XPath 1.0 when it knows the words and functions, else 2.0. Raises PathError."""
    try:
        made = XPath(text, rewritten, variables, names, _reads(text, rewritten))
        made.compiled(_NOTHING, **dict.fromkeys(variables, ""))
        return made
    except (PathError, etree.XPathEvalError):
        try:
            return xpath20.XPath20(text, rewritten, variables, names)
        except ValueError as error:
            raise PathError(str(error)) from error
    except Exception:  # noqa: BLE001  (our own functions need a message: XPath 1.0 knows them)
        return made


def _reads(text: str, rewritten: str) -> bool:
    """Whether the body is needed: anything that names nodes. Property-only expressions do not need it."""
    bare = re.sub(_LITERAL, "", rewritten)
    return (
        bool(re.search(r"[/@*]|::|\.(?!\d)", bare))
        or any(f"${node}" in text for node in _NODES)
        or any(mark in text for mark in _AWARE[1:])
        or "json-eval" in bare
        or bool(
            re.search(
                r"(?<![\w$:.-])[A-Za-z_][\w.-]*(?!\s*\(|[\w.-])", re.sub(r"\$v\d+|\b(and|or|div|mod)\b", "", bare)
            )
        )
    )


def _literal_lookup(arguments: str) -> Getter:
    words = [word[1:-1] for word in re.findall(_LITERAL, arguments)]
    if len(words) == 1:
        name = words[0]
        return lambda message: scopes.read(message, "default", name)
    return lambda message: scopes.get_property(message, *words)


def _variable(text: str) -> Getter:
    prefix, colon, name = text.partition(":")
    if not colon:
        if prefix not in _NODES:
            return lambda message: message.properties.get(prefix)
        return _NODES[prefix]
    if prefix == "url":
        return lambda message: _query_parameter(message, name)
    if prefix in _SCOPES:
        scope = _SCOPES[prefix]
        return lambda message: scopes.read(message, scope, name)
    return lambda message: _map_entry(message, prefix, name)


def _query_parameter(message: Message, name: str) -> str:
    query = urlsplit(message.to or "").query
    wanted = name.lower()
    return next((value for key, value in parse_qsl(query, keep_blank_values=True) if key.lower() == wanted), "")


def _map_entry(message: Message, prefix: str, name: str) -> Any:
    holder = message.properties.get(prefix)
    return holder.get(name) if isinstance(holder, dict) else None


def _for_xpath(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return float(value)
    if hasattr(value, "tag"):
        return [value]
    if isinstance(value, list) and value and hasattr(value[0], "tag"):
        return value
    return text_of(value) or ""
