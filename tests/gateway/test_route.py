"""The router alone: precedence, prefixes, spelling, and a fuzz against a slow but obvious matcher."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.stages.route import BadPath, Contexts, Resources, odd, plain

SEGMENTS = st.sampled_from(["a", "b", "ab", "{x}", "{y}", "a{x}", "{x}.json"])
TEMPLATES = st.lists(SEGMENTS, max_size=4).map(lambda parts: "/" + "/".join(parts)) | st.sampled_from(
    ["/*", "/a/*", "/a/b/*"]
)
PATHS = st.lists(st.sampled_from(["a", "b", "ab", "ac", "z.json", "c"]), max_size=5).map(
    lambda parts: "/" + "/".join(parts)
)


def obvious(template: str, path: str) -> bool:
    """Whether a template takes a path, by one regular expression."""
    if template == "/*":
        return True
    pieces = [re.escape(piece) for piece in re.split(r"\{\w+\}", template.removesuffix("/*"))]
    tail = r"(/.*)?" if template.endswith("/*") else ""
    return re.fullmatch("[^/]+".join(pieces) + tail, path.rstrip("/") or ("/" if template == "/" else "")) is not None


@given(st.lists(TEMPLATES, min_size=1, max_size=8, unique=True), PATHS)
@settings(max_examples=300, deadline=None)
def test_a_path_finds_an_operation_exactly_when_a_template_takes_it(templates: list[str], path: str) -> None:
    resources = Resources([("GET", template, template) for template in templates])
    found = resources.find(b"GET", path.encode())
    taking = [template for template in templates if obvious(template, path)]
    assert (found is not None) == bool(taking)
    if found is not None:
        assert found in taking or re.sub(r"\{\w+\}", "{}", found) in [re.sub(r"\{\w+\}", "{}", one) for one in taking]


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/order", "/order"),
        ("/order/", "/order"),
        ("/order/special", "/order/special"),
        ("/order/7", "/order/{id}"),
        ("/order/7.json", "/order/{id}.json"),
        ("/order/special/x", "/order/{id}/x"),
        ("/order/7/y", "/*"),
        ("", "/*"),
        ("/", "/*"),
        ("/orders", "/*"),
    ],
)
def test_literals_come_first_and_wildcards_last(path: str, template: str) -> None:
    templates = ["/*", "/order/{id}", "/order/{id}.json", "/order/special", "/order", "/order/{id}/x"]
    for order in (templates, templates[::-1]):
        resources = Resources([("GET", one, one) for one in order])
        assert resources.find(b"GET", path.encode()) == template
    assert resources.find(b"POST", path.encode()) is None
    assert resources.verbs(path.encode()) == [b"GET"]


def test_the_longest_context_wins_in_whole_segments() -> None:
    contexts: Contexts[str] = Contexts()
    for context in (b"/a", b"/a/1.0", b"/t/acme.com/a/1.0", b"/a/1.0/deep/er"):
        contexts.add(context, context.decode())
    expected = {
        b"/a": "/a", b"/a/x": "/a", b"/a/1.0": "/a/1.0", b"/a/1.0/": "/a/1.0", b"/a/1.0/deep": "/a/1.0",
        b"/a/1.0/deep/er/x": "/a/1.0/deep/er", b"/t/acme.com/a/1.0/x": "/t/acme.com/a/1.0",
    }  # fmt: skip
    for path, context in expected.items():
        match = contexts.find(path)
        assert match is not None
        assert (match.api, path[match.cut :]) == (context, path[len(context) :])
    for path in (b"/", b"*", b"", b"/ab", b"/t/acme.com/a", b"/A"):
        assert contexts.find(path) is None
    contexts.remove(b"/a/1.0")
    match = contexts.find(b"/a/1.0/x")
    assert match is not None
    assert match.api == "/a"


@pytest.mark.parametrize(
    ("path", "matched"),
    [
        (b"/%61b", b"/ab"),
        (b"/a%2Fb", b"/a%2Fb"),
        (b"/a%20b", b"/a b"),
        (b"//a///b", b"/a/b"),
        (b"/a;x=1/b;y", b"/a/b"),
        (b"/.well-known", b"/.well-known"),
        (b"/%C3%A9", "/é".encode()),
    ],
)
def test_paths_are_matched_in_their_plain_spelling(path: bytes, matched: bytes) -> None:
    assert plain(path) == matched


@pytest.mark.parametrize(
    "path",
    [
        b"/..",
        b"/a/../b",
        b"/./a",
        b"/%2e%2E/a",
        b"/a/%2e",
        b"/a%2F..%2Fb",
        b"/..;/a",
        b"/a\\..\\b",
        b"/%zz",
        b"/%",
        b"/a%2",
        b"/a%00",
    ],
)
def test_paths_that_could_mean_another_place_are_refused(path: bytes) -> None:
    assert odd(path)
    with pytest.raises(BadPath):
        plain(path)


@given(st.binary(max_size=40).map(lambda tail: b"/" + tail))
@settings(max_examples=300, deadline=None)
def test_any_bytes_have_one_plain_spelling_or_none(path: bytes) -> None:
    try:
        result = plain(path)
    except BadPath:
        return
    assert result.startswith(b"/")
    assert b"/../" not in result + b"/"
    Resources([("GET", "/{a}/b", 1), ("GET", "/*", 2)]).find(b"GET", result)
