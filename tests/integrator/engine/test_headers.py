"""Headers that came by the wire behave as headers that were given as text, whatever is done with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from integrator.engine.headers import Headers

NAMES = st.sampled_from(["Content-Type", "content-type", "X-A", "x-a", "Host", "x y"])
VALUES = st.sampled_from(["", "1", "text/xml; charset=UTF-8", " padded ", "two\nlines", "grün", "1"])
PAIRS = st.lists(
    st.tuples(st.sampled_from(["content-type", "x-a", "host", "x-b"]), st.sampled_from(["1", "2"])), max_size=5
)
Operation = Callable[[Headers], Any]
OPERATIONS = st.lists(
    st.one_of(
        st.builds(lambda name, value: lambda one: one.set(name, value), NAMES, VALUES),
        st.builds(lambda name, value: lambda one: one.add(name, value), NAMES, VALUES),
        st.builds(lambda name: lambda one: one.remove(name), NAMES),
        st.builds(lambda: lambda one: one.received),
        st.builds(lambda: lambda one: list(one)),
    ),
    max_size=6,
)


def as_text(pairs: list[tuple[str, str]], request: bool) -> Headers:
    """The same headers, never bytes."""
    made = Headers(pairs)
    made.received = frozenset(pairs) if request else None
    return made


@given(PAIRS, st.booleans(), OPERATIONS, st.booleans())
def test_bytes_and_text_are_alike(
    pairs: list[tuple[str, str]], request: bool, operations: list[Operation], copied: bool
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in pairs]
    one, other = Headers.of_wire(list(raw), request=request), as_text(pairs, request)
    for operation in operations:
        operation(one)
        operation(other)
        if copied:
            one, other = one.copy(), other.copy()
        for name in ("content-type", "X-A", "host", "x-b", "x y"):
            assert one.get(name) == other.get(name) and (name in one) == (name in other), name
        assert sorted(one.wire()) == sorted(other.wire())
        assert sorted(one.wire_added()) == sorted(other.wire_added())
    assert sorted(one) == sorted(other)


def test_what_came_is_not_changed() -> None:
    raw = [(b"content-type", b"text/plain"), (b"x-a", b"1")]
    made = Headers.of_wire(raw, request=True)
    made.set("X-A", "2")
    assert raw == [(b"content-type", b"text/plain"), (b"x-a", b"1")]
    assert made.wire_added() == [(b"x-a", b"2")]
