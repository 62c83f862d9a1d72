"""Deny policies in force: APIs, applications, users and addresses that are refused, by organisation."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.call import Call
from gateway.conditions import Where
from gateway.schema import Deny
from gateway.schema.addresses import address, in_span, parsed, span

Test = Callable[[Call], bool]


class Denied:
    """The deny policies of one organisation. What is listed by value is looked up, so that many cost what one does."""

    __slots__ = ("_tests", "hits")

    def __init__(self, records: Iterable[Deny], caller: Where) -> None:
        listed: dict[str, dict[str, str]] = {}
        tests: list[tuple[Test, str]] = []
        for record in records:
            if record.invert or record.kind == "ip_range":
                tests.append((_single(record, caller), record.id))
            else:
                value = str(address(record.value)) if record.kind == "ip" else record.value
                listed.setdefault(record.kind, {})[value] = record.id
        self._tests = tuple(tests)
        self.hits = tuple(_LISTED[kind](known, caller) for kind, known in listed.items())

    def policy(self, call: Call) -> str | None:
        """The id of a deny policy that a call meets."""
        for hit in self.hits:
            found = hit(call)
            if found is not None:
                return found
        for test, policy in self._tests:
            if test(call):
                return policy
        return None


Hit = Callable[[Call], str | None]


def _by_api(known: dict[str, str], caller: Where) -> Hit:
    def hit(call: Call) -> str | None:
        record = call.api.record if call.api is not None else None
        if record is None:
            return None
        return known.get(record.context) or (known.get(record.default_context) if record.default_context else None)

    return hit


def _by_application(known: dict[str, str], caller: Where) -> Hit:
    def hit(call: Call) -> str | None:
        found = call.decision.application if call.decision is not None else None
        return known.get(f"{found.owner}:{found.name}") if found is not None else None

    return hit


def _by_user(known: dict[str, str], caller: Where) -> Hit:
    def hit(call: Call) -> str | None:
        principal = call.principal
        if principal is None or call.api is None:
            return None
        return known.get(principal.subject) or known.get(f"{principal.subject}@{call.api.record.organisation}")

    return hit


def _by_address(known: dict[str, str], caller: Where) -> Hit:
    def hit(call: Call) -> str | None:
        found = parsed(caller(call))
        return known.get(str(found)) if found is not None else None

    return hit


_LISTED: dict[str, Callable[[dict[str, str], Where], Hit]] = {
    "api": _by_api,
    "application": _by_application,
    "user": _by_user,
    "ip": _by_address,
}


def _single(record: Deny, caller: Where) -> Test:
    """One deny policy that is a range, or inverted: then everybody else is denied, but nobody whose side is not known."""
    if record.kind in ("ip", "ip_range"):
        first = record.value
        inside = in_span(*span(first, first if record.kind == "ip" else ""))

        def of_address(call: Call) -> bool:
            found = parsed(caller(call))
            return found is not None and inside(found) != record.invert

        return of_address
    hit = _LISTED[record.kind]({record.value: record.id}, caller)
    return lambda call: (hit(call) is None) == record.invert


class Denials:
    """The deny policies of all organisations."""

    def __init__(self, caller: Where) -> None:
        self._caller = caller
        self._known: dict[str, Denied] = {}

    def check(self, record: Deny) -> None:
        """Raises ValueError naming a value that cannot be compared."""
        Denied([record], self._caller)

    def load(self, records: Iterable[Deny]) -> set[str]:
        """Puts these in force; the organisations that had none before, or have none now."""
        found: dict[str, list[Deny]] = {}
        for record in records:
            found.setdefault(record.organisation, []).append(record)
        before = self._known
        self._known = {organisation: Denied(some, self._caller) for organisation, some in found.items()}
        return before.keys() ^ self._known.keys()

    def any(self, organisation: str) -> bool:
        """Whether an organisation has deny policies."""
        return organisation in self._known

    def policy(self, organisation: str, call: Call) -> str | None:
        """The id of a deny policy of `organisation` that a call meets."""
        denied = self._known.get(organisation)
        return denied.policy(call) if denied is not None else None
