"""Response caching: what is kept, for whom, how long, and how much of it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from http.client import HTTPSConnection
from types import SimpleNamespace
from typing import Any

import pytest

from gateway import schema
from gateway.message import Answer
from gateway.policies.cache import OVERHEAD, Cache, lifetime
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.scripted import Script, Scripted
from tests.support.wait import until

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    """A backend with answers of the tests' own."""
    one = Scripted()
    yield one
    one.stop()


def deploy(served: Served, scripted: Scripted, name: str, auth: Any = "none", **changes: Any) -> str:
    """An API whose answers are kept for an hour; gives its path."""
    operations = [schema.Operation(verb, "/*", auth=auth) for verb in ("GET", "POST", "HEAD")]
    fields = {"cache_seconds": 3600} | changes
    served.publish(
        ("api", f"Default:id-{name}", world.api(name, scripted.url(name), *operations, **fields)),
        world.subscription(name),
    )
    return f"/{name}/1.0/x"


def test_the_second_answer_comes_from_the_cache(served: Served, scripted: Scripted) -> None:
    path = deploy(served, scripted, "twice")
    scripted.scripts["twice"] = Script(headers=JSON | {"x-back": "1"}, body=b"first")
    first = served.gateway.call(path)
    scripted.scripts["twice"] = Script(body=b"second")
    second = served.gateway.call(path)
    assert (first.body, second.body, scripted.calls("twice")) == (b"first", b"first", 1)
    assert "age" not in first.headers
    assert 0 <= int(second.headers["age"]) < 60 and second.headers["x-back"] == "1"
    assert second.headers["activityid"] != first.headers["activityid"]
    assert served.gateway.call(f"{path}?a=b").body == b"second"
    assert served.gateway.call(path, headers={"accept": "text/plain"}).body == b"second"
    assert served.gateway.call(path, headers={"cache-control": "no-cache"}).body == b"second"
    assert served.gateway.call(path).body == b"second"


def test_only_get_is_kept(served: Served, scripted: Scripted) -> None:
    path = deploy(served, scripted, "verbs")
    for verb in ("POST", "HEAD"):
        before = scripted.calls("verbs")
        for _ in range(2):
            assert served.gateway.call(path, verb).status == 200
        assert scripted.calls("verbs") == before + 2


@pytest.mark.parametrize(
    ("name", "status", "headers"),
    [
        ("no-store", 200, {"cache-control": "no-store"}),
        ("private", 200, {"cache-control": "max-age=60, private"}),
        ("no-cache", 200, {"cache-control": "no-cache"}),
        ("stale", 200, {"cache-control": "max-age=0"}),
        ("cookie", 200, {"set-cookie": "a=b"}),
        ("any", 200, {"vary": "*"}),
        ("error", 500, {}),
        ("absent", 404, {}),
    ],
)
def test_what_the_backend_does_not_want_kept_is_not(
    served: Served, scripted: Scripted, name: str, status: int, headers: dict[str, str]
) -> None:
    path = deploy(served, scripted, f"kept-{name}")
    scripted.scripts[f"kept-{name}"] = Script(status, JSON | headers, b"{}")
    for _ in range(2):
        assert served.gateway.call(path).status == status
    assert scripted.calls(f"kept-{name}") == 2


def test_nobody_gets_the_answer_of_another(served: Served, scripted: Scripted) -> None:
    path = deploy(served, scripted, "personal", auth="any")
    served.publish(*world.application(2), world.subscription("personal", 2))
    one, other = served.signer.token(), served.signer.token("client-2")
    scripted.scripts["personal"] = Script(body=b"for one")
    assert served.gateway.call(path, token=one).body == b"for one"
    scripted.scripts["personal"] = Script(body=b"for the other")
    assert served.gateway.call(path, token=other).body == b"for the other"
    assert served.gateway.call(path, token=one).body == b"for one"
    assert served.gateway.call(path, token=served.signer.token()).body == b"for one"
    assert served.gateway.call(path).status == 401
    assert served.gateway.call(path, token=served.signer.token(sub="somebody")).body == b"for the other"


def test_headers_that_the_answer_varies_by_choose_the_entry(served: Served, scripted: Scripted) -> None:
    path = deploy(served, scripted, "varying")
    for theme in ("dark", "light"):
        scripted.scripts["varying"] = Script(headers=JSON | {"vary": "X-Theme"}, body=theme.encode())
        assert served.gateway.call(path, headers={"X-Theme": theme}).body == theme.encode()
    assert served.gateway.call(path, headers={"X-Theme": "dark"}).body == b"dark"
    assert served.gateway.call(path, headers={"X-Theme": "light"}).body == b"light"
    assert scripted.calls("varying") == 2


def test_a_redirect_to_https_is_not_what_https_callers_get(served: Served, scripted: Scripted) -> None:
    path = deploy(served, scripted, "moved")
    scripted.scripts["moved"] = Script(301, {"location": "https://shop.example/x"}, b"")
    assert served.gateway.call(path).status == 301
    scripted.scripts["moved"] = Script(body=b"here")
    context = ssl.create_default_context(cafile=str(served.gateway.var / "secrets" / "tls.crt"))
    connection = HTTPSConnection("localhost", served.gateway.https, context=context, timeout=15)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"here")
    finally:
        connection.close()
    assert served.gateway.call(path).status == 301


@pytest.mark.parametrize("name", ["x-forwarded-host", "x-http-method-override", "x-original-url", "x-rewrite-url"])
def test_nobody_writes_what_others_read_by_a_header(served: Served, scripted: Scripted, name: str) -> None:
    path = deploy(served, scripted, f"poison-{name}")
    scripted.scripts[f"poison-{name}"] = Script(body=b"poisoned")
    assert served.gateway.call(path, headers={name: "evil.example"}).body == b"poisoned"
    scripted.scripts[f"poison-{name}"] = Script(body=b"clean")
    assert served.gateway.call(path).body == b"clean"


def test_cors_is_answered_anew_on_kept_answers(served: Served, scripted: Scripted) -> None:
    origins = ("https://a.example", "https://b.example")
    path = deploy(served, scripted, "shared", cors=schema.Cors(origins=origins))
    scripted.scripts["shared"] = Script(
        headers=JSON | {"access-control-allow-origin": "https://evil.example"}, body=b"{}"
    )
    for origin in origins:
        assert served.gateway.call(path, headers={"Origin": origin}).headers["access-control-allow-origin"] == origin
    assert "access-control-allow-origin" not in served.gateway.call(path).headers
    assert scripted.calls("shared") == 1


def test_policies_run_on_kept_answers_for_each_caller(served: Served, scripted: Scripted) -> None:
    use = schema.PolicyUse(
        "addHeader", parameters={"headerName": "X-Who", "headerValue": "${query.who}${$ctx:am.correlationID}"}
    )
    path = deploy(served, scripted, "marked", flows=schema.Flows(response=(use,)))
    first, second = (served.gateway.call(path, headers={"activityid": who}) for who in ("one", "two"))
    assert (first.headers["x-who"], second.headers["x-who"], scripted.calls("marked")) == ("one", "two", 1)


def test_a_redeployed_api_begins_with_nothing_kept(served: Served, scripted: Scripted) -> None:
    path = deploy(served, scripted, "again")
    scripted.scripts["again"] = Script(body=b"old")
    assert served.gateway.call(path).body == b"old"
    scripted.scripts["again"] = Script(body=b"new")
    deploy(served, scripted, "again", revision=2)
    assert served.gateway.call(path).body == b"new"


def test_what_is_kept_ends(served: Served, scripted: Scripted) -> None:
    path = deploy(served, scripted, "short", cache_seconds=1)
    scripted.scripts["short"] = Script(body=b"old")
    assert served.gateway.call(path).body == b"old"
    scripted.scripts["short"] = Script(body=b"new")
    until(lambda: served.gateway.call(path).body == b"new", seconds=10, what="a fresh answer")


def call(now: float = 0.0, **headers: bytes) -> Any:
    """As much of a call as the cache looks at."""
    return SimpleNamespace(now=now, exchange=SimpleNamespace(fields={k.encode(): v for k, v in headers.items()}))


def test_number_and_bytes_are_bounded_and_the_least_used_goes_first() -> None:
    cache = Cache(3, 1_000_000)
    for number in range(3):
        cache.keep((number,), call(), Answer(200, [], b"x"), 60)
    assert cache.find((0,), call()) is not None
    cache.keep((3,), call(), Answer(200, [], b"x"), 60)
    assert [cache.find((number,), call()) is not None for number in range(4)] == [True, False, True, True]
    small = Cache(100, 3 * (OVERHEAD + 1000))
    for number in range(10):
        small.keep((number,), call(), Answer(200, [], b"x" * 1000), 60)
    assert len(small) == 3 and small.bytes == 3 * (OVERHEAD + 1000)
    small.keep((9,), call(), Answer(200, [], b"x" * 10), 60)
    assert small.bytes == 2 * (OVERHEAD + 1000) + OVERHEAD + 10


def test_what_callers_put_into_keys_counts() -> None:
    cache = Cache(100, 3 * (OVERHEAD + 10_000))
    for number in range(10):
        cache.keep((number, (b"x" * 9_000, "to"), b"c" * 998), call(), Answer(200, [], b""), 60)
    assert len(cache) == 3 and cache.bytes == 3 * (OVERHEAD + 10_000)


def test_an_entry_that_ended_is_dropped() -> None:
    cache = Cache(10, 10_000)
    cache.keep(("a",), call(100.0), Answer(200, [], b"x"), 10)
    assert cache.find(("a",), call(109.0)).header(b"age") == b"9"  # type: ignore[union-attr]
    assert cache.find(("a",), call(110.0)) is None
    assert (len(cache), cache.bytes) == (0, 0)


@pytest.mark.parametrize(
    ("control", "seconds"),
    [(b"", 60), (b"max-age=30", 30), (b"max-age=90", 60), (b"max-age=90, s-maxage=5", 5), (b"public", 60)],
)
def test_the_backend_may_shorten_the_time(control: bytes, seconds: int) -> None:
    assert lifetime(Answer(200, [(b"cache-control", control)]), 60) == seconds
