"""What a call is compared with: addresses and ranges, headers, query parameters, claims. Compiled when a record arrives."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from gateway.call import Call
from gateway.schema import Condition, ConditionalGroup
from gateway.schema.addresses import address, in_span, parsed, span
from gateway.schema.patterns import pattern
from wire.proxies import Proxies

Test = Callable[[Call], bool]
Where = Callable[[Call], str]
"""The address a call comes from, as text; empty on a Unix socket."""

QUERY_FIELDS = 200
"""Query parameters looked at; a longer query meets no condition."""


def where(proxies: Proxies) -> Where:
    """Where calls come from: behind trusted proxies that is what they say, else the socket's other end."""
    if not proxies.trusted:
        return lambda call: call.exchange.client[0]

    def behind(call: Call) -> str:
        exchange = call.exchange
        return proxies.caller(exchange) if exchange.connection.trusted else exchange.client[0]

    return behind


def group(record: ConditionalGroup, caller: Where) -> Test:
    """Whether a call meets all conditions of a group. Raises ValueError naming a value that cannot be compared."""
    if not record.conditions:
        raise ValueError("a conditional group has no conditions")
    tests = tuple(condition(one, caller) for one in record.conditions)
    if len(tests) == 1:
        return tests[0]
    return lambda call: all(test(call) for test in tests)


def condition(record: Condition, caller: Where) -> Test:
    """Whether a call meets a condition. What it does not have meets none, and so meets the inverted one."""
    test = _KINDS[record.kind](record, caller)
    return (lambda call: not test(call)) if record.invert else test


def _ip(record: Condition, caller: Where) -> Test:
    wanted = address(record.value)
    return lambda call: parsed(caller(call)) == wanted


def _ip_range(record: Condition, caller: Where) -> Test:
    inside = in_span(*span(record.value, record.end))

    def within(call: Call) -> bool:
        found = parsed(caller(call))
        return found is not None and inside(found)

    return within


def _header(record: Condition, _: Where) -> Test:
    name, found = _name(record).lower().encode(), pattern(record.value).search

    def header(call: Call) -> bool:
        value = call.exchange.fields.get(name)
        return value is not None and found(value.decode("latin-1")) is not None

    return header


def _query(record: Condition, _: Where) -> Test:
    name, found = _name(record), pattern(record.value).search

    def query(call: Call) -> bool:
        return any(known == name and found(value) is not None for known, value in parameters(call.exchange.query))

    return query


def _claim(record: Condition, _: Where) -> Test:
    name, found = _name(record), pattern(record.value).search

    def claim(call: Call) -> bool:
        principal = call.principal
        value = principal.claims.get(name) if principal is not None else None
        if value is None:
            return False
        return any(found(_text(one)) is not None for one in (value if isinstance(value, list) else (value,)))

    return claim


def _text(value: object) -> str:
    """A claim as text. JSON may hold half a surrogate pair, which is no text."""
    return str(value).encode("utf-8", "replace").decode()


def parameters(query: bytes) -> list[tuple[str, str]]:
    """Names and values of a query string; none when there are too many of them."""
    try:
        return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=QUERY_FIELDS)
    except ValueError:
        return []


def _name(record: Condition) -> str:
    if not record.name:
        raise ValueError(f"a {record.kind} condition has no name")
    return record.name


_KINDS: dict[str, Callable[[Condition, Where], Test]] = {
    "ip": _ip,
    "ip_range": _ip_range,
    "header": _header,
    "query": _query,
    "claim": _claim,
}
