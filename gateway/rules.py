"""Custom rules at work: their expressions as functions of a call, and a counter for each key that they count."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from gateway.call import Call
from gateway.conditions import Where, parameters
from gateway.counters import Counter, Counters, Keyed
from gateway.schema import CustomRule
from gateway.schema.addresses import parsed
from gateway.schema.patterns import pattern
from gateway.schema.siddhi import Node, parse, template

Value = Callable[[Call], Any]
CODE = "900806"


class Compiled(Protocol):
    """A compiled rule: the counters a call adds to, and is held up by."""

    def __call__(self, call: Call) -> tuple[Counter, ...]: ...


class Rules:
    """The custom rules in force. Falsy when there are none."""

    def __init__(self, counters: Counters, caller: Where) -> None:
        self._counters = counters
        self._caller = caller
        self._rules: tuple[Compiled, ...] = ()
        self._known: dict[CustomRule, Compiled] = {}

    def __len__(self) -> int:
        return len(self._rules)

    def check(self, record: CustomRule) -> None:
        """Raises ValueError saying what is wrong with a rule."""
        parse(record.query)
        template(record.key_template)

    def load(self, records: Iterable[CustomRule]) -> bool:
        """Puts these in force; whether there were none before, or are none now."""
        before = bool(self._rules)
        self._known = {one: self._known.get(one) or self._compile(one) for one in records}
        self._rules = tuple(self._known.values())
        return before != bool(self._rules)

    def counters(self, call: Call) -> tuple[Counter, ...]:
        """The counters of a call."""
        found: tuple[Counter, ...] = ()
        for rule in self._rules:
            found += rule(call)
        return found

    def _compile(self, record: CustomRule) -> Compiled:
        rule = parse(record.query)
        eligible, key = _value(rule.eligible, self._caller), _value(rule.key, self._caller)
        names = [_attribute(name, self._caller) for name in template(record.key_template)]
        known = Keyed(lambda value: self._counters.get(f"custom:{record.name}:{value}", rule.limit, CODE))

        def counters(call: Call) -> tuple[Counter, ...]:
            # As the original has it: a rule whose key is not what its template makes of the call holds up nothing.
            if not eligible(call):
                return ()
            value = str(key(call))
            return (known.get(value),) if value == ":".join([str(name(call)) for name in names]) else ()

        return counters


def _value(node: Node, caller: Where) -> Value:
    """What a node is worth for a call."""
    if node.kind == "value":
        known = node.value
        return lambda call: known
    if node.kind == "attribute":
        return _attribute(str(node.value), caller)
    if node.kind == "call":
        return _function(node, caller)
    parts = tuple(_value(part, caller) for part in node.parts)
    if node.kind == "not":
        return lambda call: not parts[0](call)
    if node.kind == "and":
        return lambda call: all(part(call) for part in parts)
    if node.kind == "or":
        return lambda call: any(part(call) for part in parts)
    compare, (left, right) = _COMPARE[node.kind], parts
    return lambda call: _compared(compare, left(call), right(call))


def _compared(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    """Numbers are compared with numbers, texts with texts; what cannot be compared is not equal and in no order."""
    try:
        return compare(left, right)
    except TypeError:
        return False


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def _attribute(name: str, caller: Where) -> Value:
    """An attribute of RequestStream. One a call does not have is an empty text."""
    if name == "clientIp":
        return caller
    return _ATTRIBUTES[name]


def _user(call: Call) -> str:
    """`name@organisation`, as the original has it."""
    principal, api = call.principal, call.api
    if principal is None or api is None:
        return ""
    decision = call.decision
    owner = decision.application.organisation if decision and decision.application else api.record.organisation
    name = principal.subject
    return name if name.endswith(f"@{owner}") else f"{name}@{owner}"


def _api(name: str) -> Value:
    return lambda call: getattr(call.api.record, name) if call.api is not None else ""


def _application(name: str) -> Value:
    def value(call: Call) -> str:
        found = call.decision.application if call.decision is not None else None
        return str(getattr(found, name)) if found is not None else ""

    return value


def _plan(call: Call) -> str:
    found = call.decision.subscription if call.decision is not None else None
    return found.plan if found is not None else ""


def _resource(call: Call) -> str:
    """`{context}/{version}{template}:{verb}`, the version twice as in the original."""
    if call.api is None or call.operation is None:
        return ""
    record, operation = call.api.record, call.operation.record
    return f"{record.context}/{record.version}{operation.target}:{operation.verb}"


_context, _version, _id = _api("context"), _api("version"), _application("id")

_ATTRIBUTES: dict[str, Value] = {
    "messageID": lambda call: call.correlation.decode("latin-1"),
    "userId": _user,
    "apiContext": _context,
    "apiVersion": _version,
    "apiName": _api("name"),
    "apiTenant": _api("organisation"),
    "apiTier": _api("policy"),
    "apiKey": lambda call: f"{_context(call)}:{_version(call)}",
    "appTenant": _application("organisation"),
    "appId": _id,
    "appTier": _application("policy"),
    "appKey": lambda call: f"{_id(call)}:{_user(call)}",
    "subscriptionKey": lambda call: f"{_id(call)}:{_context(call)}:{_version(call)}",
    "subscriptionTier": _plan,
    "resourceKey": _resource,
    "resourceTier": lambda call: call.operation.record.policy if call.operation is not None else "",
    "propertiesMap": lambda call: "",
}


def _function(node: Node, caller: Where) -> Value:
    name, parts = str(node.value), tuple(_value(part, caller) for part in node.parts)
    if name in ("regex:find", "regex:matches", "str:regexp"):
        place = 1 if name == "str:regexp" else 0
        text = str(node.parts[place].value)
        found = pattern(text).search if name == "regex:find" else pattern(text).fullmatch
        return lambda call: found(str(parts[1 - place](call))) is not None
    if name in ("cast", "convert"):
        to = _CASTS[str(node.parts[1].value).lower()]
        return lambda call: _cast(to, parts[0](call))
    if name == "map:get":
        return _property(str(node.parts[1].value), caller)
    if name == "ifThenElse":
        return lambda call: parts[1](call) if parts[0](call) else parts[2](call)
    do = _FUNCTIONS[name]
    return lambda call: do(*[part(call) for part in parts])


def _property(name: str, caller: Where) -> Value:
    """`ip` as a number, else the header or query parameter of that name; None when the call has neither."""
    header = name.lower().encode()

    def address(call: Call) -> int | None:
        found = parsed(caller(call))
        return int(found) if found is not None else None

    def value(call: Call) -> str | None:
        found = call.exchange.fields.get(header)
        if found is not None:
            return found.decode("latin-1")
        return next((text for known, text in parameters(call.exchange.query) if known == name), None)

    return address if name in ("ip", "ipv6") else value


def _cast(to: Callable[[Any], Any], value: Any) -> Any:
    try:
        return to(value) if value is not None else None
    except ValueError:
        return None


_CASTS: dict[str, Callable[[Any], Any]] = {
    "string": str, "int": int, "long": int, "float": float, "double": float,
    "bool": lambda value: str(value).lower() == "true",
}  # fmt: skip

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "str:concat": lambda *values: "".join(map(str, values)),
    "str:contains": lambda text, part: str(part) in str(text),
    "str:equalsIgnoreCase": lambda one, other: str(one).lower() == str(other).lower(),
    "str:lower": lambda text: str(text).lower(),
    "str:upper": lambda text: str(text).upper(),
    "str:trim": lambda text: str(text).strip(),
    "str:length": lambda text: len(str(text)),
    "instanceOfString": lambda value: isinstance(value, str),
    "instanceOfInteger": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "instanceOfLong": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "instanceOfBoolean": lambda value: isinstance(value, bool),
}
