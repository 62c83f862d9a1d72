"""A fuzz of the whole way from a raw path to an operation: no path in any spelling reaches an operation with weaker rights than
those of the resource that some backend would serve for it, and none makes the gateway fail."""

from __future__ import annotations

import re
from types import SimpleNamespace
from unittest.mock import MagicMock
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway import faults, schema
from gateway.pipeline import Pipeline
from gateway.routes import Routes
from gateway.stages.route import Match, Resources

RIGHTS = {
    "open": ("none", ()),
    "any": ("any", ()),
    "user": ("user", ()),
    "admin": ("any", ("admin",)),
    "both": ("any", ("admin", "x")),
}
COVERS = {
    "open": {"open"},
    "any": {"open", "any"},
    "user": {"open", "any", "user"},
    "both": {"open", "any", "both"},
    "admin": {"open", "any", "both", "admin"},
}
"""Who may call the first may call these as well."""

SEGMENT = st.sampled_from(["a", "b", "{x}", "a{x}", "{x}.json", "b;v", "a b"])
TEMPLATE = st.lists(SEGMENT, max_size=3).map(lambda parts: "/" + "/".join(parts)) | st.sampled_from(
    ["/*", "/a/*", "/a/b/*"]
)
OPERATIONS = st.dictionaries(TEMPLATE, st.sampled_from(sorted(RIGHTS)), min_size=1, max_size=6)
PIECES = r"/ // a b ab c.json %61 %2F %2f %5C \ ; ;v %3Bv b;v . .. %2e %00 % %20 %252F é"
PIECE = st.sampled_from([*PIECES.split(), "/", "/"])
PATH = st.lists(PIECE, max_size=8).map(lambda parts: ("/" + "".join(parts)).encode())


def served(operations: dict[str, str], path: bytes) -> tuple[str, str]:
    """What the gateway does with a call: ("passed", template) or ("refused", code)."""
    outcome: list[tuple[str, str]] = []

    def compiled(template: str) -> SimpleNamespace:
        auth, scopes = RIGHTS[operations[template]]
        record = schema.Operation("GET", template, auth, scopes)  # type: ignore[arg-type]
        return SimpleNamespace(record=record, steps=(lambda call: outcome.append(("passed", template)) or True,))

    api = SimpleNamespace(
        schemes={"http"}, cors=None, resources=Resources([("GET", template, compiled(template)) for template in operations])
    )  # fmt: skip
    pipeline = Pipeline(MagicMock(in_flight=0), lambda exchange: False)
    pipeline.state.find = lambda path, exchange: Match(api, 0)  # type: ignore[assignment,arg-type]
    exchange = MagicMock(method=b"GET", path=path, target=path, scheme="http", fields={}, headers=[], client=("::1", 1))
    exchange.respond_block.side_effect = lambda status, head, body: outcome.append(("refused", str(status)))
    pipeline.run(exchange)
    assert len(outcome) == 1
    return outcome[0]


def spellings(path: bytes) -> set[bytes]:
    """How backends may split a path, each rule a choice of its own: written apart from the gateway's code on purpose."""
    found = set()
    for late in (False, True):
        for keep in (False, True):
            text = path if keep or late else re.sub(rb";[^/]*", b"", path)
            segments = [unquote_to_bytes(segment) for segment in text.split(b"/")]
            if late and not keep:
                segments = [re.sub(rb";.*", b"", segment, flags=re.DOTALL) for segment in segments]
            for slashes in (False, True):
                joined = b"/".join(one if slashes else one.replace(b"/", b"%2F") for one in segments)
                joined = joined.replace(b"\\", b"/") if slashes else joined
                found.add(re.sub(rb"/+", b"/", joined))
    return found


@given(OPERATIONS, PATH)
@settings(max_examples=1500, deadline=None)
@example({"/a/{x}": "open", "/{x}/b": "admin"}, b"/a;v/b")
@example({"/a/{x}": "open", "/a/{x}/b": "admin"}, b"/a/a%2Fb")
@example({"/a/{x}": "open", "/a/b;v": "admin"}, b"/a/b%3Bv")
def test_no_spelling_reaches_weaker_rights(operations: dict[str, str], path: bytes) -> None:
    result, where = served(operations, path)
    if result == "refused":
        assert where in ("400", "404", "405")
        return
    strict = Resources([("GET", template, template) for template in operations])
    for spelling in spellings(path):
        other = strict.find(b"GET", spelling)
        if other is not None:
            assert operations[other] in COVERS[operations[where]], (
                f"{path!r} passed as {where}; {spelling!r} is {other}"
            )


@given(st.binary(max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_passed_or_refused(tail: bytes) -> None:
    result, where = served({"/*": "any", "/{a}/{b}": "admin"}, b"/" + tail)
    assert (result, where) == ("refused", "400") or result == "passed"


@given(st.binary(max_size=60), st.binary(max_size=30))
@settings(max_examples=500, deadline=None)
def test_no_host_and_path_make_the_router_fail(host: bytes, path: bytes) -> None:
    routes = Routes(prefixes={b"acme.example": b"/t/acme"})
    api = SimpleNamespace()
    routes.add(b"/t/acme/a/1", api)  # type: ignore[arg-type]
    routes.add(b"/b/1", api, b"b.example")  # type: ignore[arg-type]
    for one in (host, b"acme.example", b"B.EXAMPLE:80"):
        match = routes.finder()(b"/" + path, SimpleNamespace(host=one))  # type: ignore[arg-type]
        assert match is None or 0 < match.cut <= len(path) + 1


@pytest.mark.parametrize("path", [b"/a;x=..%2F..%2Fadmin", b"/a;%2e%2e%2fx/../b", b"/a;x%00", b"/a;..%5Cb/..%5c"])
def test_parameters_hide_no_dot_segments(path: bytes) -> None:
    assert served({"/*": "open", "/admin": "admin"}, path) == ("refused", "400")


def test_the_fault_names_the_cause() -> None:
    assert "parameters" in faults.TWO_MEANINGS.description
