"""rewrite: changes an address, part by part, by rules in order (reference 3.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from integrator.engine.addressing import destination
from integrator.engine.errors import Fault
from integrator.engine.expressions import Constant, Expression, scopes
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.conditional import Condition, read_condition
from integrator.engine.message import Message
from integrator.engine.patterns import Pattern
from integrator.engine.xmltools import child, children, local

ACTIONS = ("set", "append", "prepend", "replace", "remove", "remove-query-param")
FRAGMENTS = ("protocol", "user", "host", "port", "path", "query", "ref", "full")
_NAME = re.compile(r"\{([^{}]+)\}")


@dataclass
class Address:
    """An address in parts; None for what it does not have."""

    protocol: str | None = None
    user: str | None = None
    host: str | None = None
    port: str | None = None
    path: str | None = None
    query: str | None = None
    ref: str | None = None

    @classmethod
    def of(cls, text: str) -> Address:
        """Take an address apart. Raises Fault."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise Fault(0, f"rewrite: {text!r} is no address: {error}") from error
        user = parts.netloc.rpartition("@")[0] or None
        return cls(
            parts.scheme or None,
            user,
            _host(parts),
            None if port is None else str(port),
            parts.path or None,
            parts.query or None,
            parts.fragment or None,
        )

    def text(self) -> str:
        """The address put together."""
        where = "".join((f"{self.user}@" if self.user else "", self.host or "", f":{self.port}" if self.port else ""))
        path = self.path or ""
        if where and path and not path.startswith("/"):
            path = f"/{path}"
        return "".join(
            (
                f"{self.protocol}:" if self.protocol else "",
                f"//{where}" if where else "",
                path,
                f"?{self.query}" if self.query else "",
                f"#{self.ref}" if self.ref else "",
            )
        )


def _host(parts: SplitResult) -> str | None:
    host = parts.hostname
    return f"[{host}]" if host and ":" in host else host


@dataclass(frozen=True)
class Action:
    """One change of one part."""

    kind: str
    fragment: str
    value: Expression | None
    pattern: Pattern | None
    resolve: bool

    def run(self, message: Message, address: Address) -> Address:
        """The address after the change."""
        value = self._value(message)
        if self.kind == "remove-query-param":
            address.query = without_parameter(address.query, value or "")
            return address
        if self.fragment == "full":
            return Address.of(_CHANGES[self.kind](address.text(), value, self.pattern) or "")
        made = _CHANGES[self._joined](getattr(address, self.fragment), value, self.pattern) or None
        if self.fragment == "port" and made is not None and not (made.isdecimal() and 0 < int(made) < 65536):
            raise Fault(0, f"rewrite: port {made!r}: a whole number from 1 to 65535 is expected")
        setattr(address, self.fragment, made)
        return address

    @property
    def _joined(self) -> str:
        return f"query-{self.kind}" if self.fragment == "query" and self.kind in ("append", "prepend") else self.kind

    def _value(self, message: Message) -> str | None:
        text = self.value.string(message) if self.value is not None else None
        if not self.resolve or text is None:
            return text
        values = {name: scopes.read(message, "default", name) for name in _NAME.findall(text)}
        if any(value is None for value in values.values()):
            return None
        return _NAME.sub(lambda found: scopes.as_text(values[found.group(1)]), text)


def _replaced(held: str | None, value: str | None, pattern: Pattern | None) -> str | None:
    assert pattern is not None
    return None if held is None else pattern.sub(lambda _: value or "", held)


_CHANGES: dict[str, Callable[[str | None, str | None, Pattern | None], str | None]] = {
    "set": lambda held, value, pattern: value,
    "append": lambda held, value, pattern: (held or "") + (value or ""),
    "prepend": lambda held, value, pattern: (value or "") + (held or ""),
    "query-append": lambda held, value, pattern: "&".join(part for part in (held, value) if part),
    "query-prepend": lambda held, value, pattern: "&".join(part for part in (value, held) if part),
    "replace": _replaced,
    "remove": lambda held, value, pattern: None,
}


def without_parameter(query: str | None, name: str) -> str | None:
    """A query without the parameter of that name."""
    kept = [part for part in (query or "").split("&") if part and part.partition("=")[0] != name]
    return "&".join(kept) or None


@dataclass(frozen=True)
class Rule:
    """Actions, and the condition on the address under which they run."""

    condition: Condition | None
    actions: tuple[Action, ...]


@register("rewrite")
@dataclass(frozen=True, kw_only=True)
class Rewrite(Mediator):
    """Rules, and where the address is read from and written to (To when no property is named)."""

    rules: tuple[Rule, ...]
    read_from: str
    write_to: str

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("rewriterule", "description"))
        return cls(
            **cls.common(element, reader),
            rules=tuple(read_rule(item, reader) for item in children(element) if local(item) == "rewriterule"),
            read_from=element.get("inProperty") or "",
            write_to=element.get("outProperty") or "",
        )

    @property
    def reads_content(self) -> bool:
        """Whether an action or a condition looks into the envelope."""
        return super().reads_content or any(item.get("type") == "soap" for item in self.source.iter())

    def compile(self) -> Step:
        """A step that rewrites the address."""
        return self.run

    def run(self, message: Message) -> None:
        """Run the rules whose condition holds, in order."""
        held = scopes.read(message, "default", self.read_from) if self.read_from else destination(message)
        address = Address.of(scopes.as_text(held))
        for rule in self.rules:
            if rule.condition is None or _holds(rule.condition, message, address):
                for action in rule.actions:
                    address = action.run(message, address)
        if self.write_to:
            message.properties[self.write_to] = address.text()
        else:
            message.to = address.text()


def _holds(condition: Condition, message: Message, address: Address) -> bool:
    """Conditions on the URL look at the address as it is now."""
    held = message.to
    message.to = address.text()
    try:
        return condition(message)
    finally:
        message.to = held


def read_rule(element: Element, reader: Reader) -> Rule:
    """One rewriterule element."""
    reader.only(element, ("condition", "action", "description"))
    condition = child(element, "condition")
    if condition is not None and len(children(condition)) != 1:
        raise reader.fail(condition, "exactly one evaluator is required (and, or, not, match, equal)")
    actions = tuple(read_action(item, reader) for item in children(element) if local(item) == "action")
    if not actions:
        raise reader.fail(element, "at least one child <action> is required")
    return Rule(None if condition is None else read_condition(children(condition)[0], reader), actions)


def read_action(element: Element, reader: Reader) -> Action:
    """One action element."""
    kind = reader.choice(element, "type", ACTIONS, "set")
    fragment = reader.choice(element, "fragment", FRAGMENTS, "full")
    if kind == "remove-query-param":
        if element.get("fragment") and fragment != "query":
            raise reader.fail(
                element, f"attribute fragment={fragment!r}: with type='remove-query-param' allowed is query"
            )
        fragment = "query"
    value: Expression | None = None
    if element.get("xpath") is not None:
        if element.get("value") is not None:
            raise reader.fail(element, "either value or xpath may be given, not both")
        value = reader.path(element, "xpath")
    elif element.get("value") is not None:
        value = Constant(element.get("value"))
    elif kind != "remove":
        raise reader.fail(element, "attribute 'value' or 'xpath' is required")
    if fragment == "port" and isinstance(value, Constant) and not value.text.isdecimal() and "{" not in value.text:
        raise reader.fail(element, f"attribute value={value.text!r}: a port is a whole number")
    pattern = reader.regex(element, "regex", anywhere=True) if kind == "replace" else None
    return Action(kind, fragment, value, pattern, reader.flag(element, "resolve"))
