"""Groups of backends, their suspension and bounds: real servers that go down and come back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from itertools import count

import pytest

from gateway import schema
from gateway.endpoints.health import Health
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.deciding import Asked, Reply, Scripted
from tests.gateway.process import Answer
from tests.support.ports import free_port
from tests.support.wait import until

_names = count(1)

QUICK = schema.Suspension(initial_ms=400, maximum_ms=1600, factor=2.0)


@pytest.fixture
def backends() -> Iterator[list[Scripted]]:
    """Three backends that say who they are."""
    found = [Scripted(lambda asked, number=number: Reply(body=b"%d" % number)) for number in range(3)]
    yield found
    for one in found:
        one.stop()


def member(url: str, **changes: object) -> schema.Endpoint:
    return schema.Endpoint(url, connect_timeout_ms=10_000, timeout_ms=10_000, **changes)  # type: ignore[arg-type]


def publish(served: Served, production: schema.Endpoint, **changes: object) -> str:
    """A new API with this endpoint; returns its context."""
    name = f"ep{next(_names)}"
    served.publish(
        ("api", f"Default:id-{name}", world.api(name, "", production=production, **changes)), world.subscription(name)
    )
    return f"/{name}/1.0"


def call(served: Served, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    return served.gateway.call(path, method, served.signer.token(), body, headers)


def refused_with(served: Served, context: str, code: str) -> Answer | None:
    """The answer to one more call, if it has this code."""
    answer = call(served, f"{context}/x")
    return answer if answer.status != 200 and answer.json["code"] == code else None


def group(kind: str, *members: schema.Endpoint, **changes: object) -> schema.Endpoint:
    return schema.Endpoint("", kind=kind, members=members, **changes)  # type: ignore[arg-type]


def test_round_robin_takes_turns_and_skips_those_that_are_down(served: Served, backends: list[Scripted]) -> None:
    context = publish(served, group("load_balance", *(member(one.url, suspension=QUICK) for one in backends)))
    assert [call(served, f"{context}/x").body for _ in range(6)] == [b"0", b"1", b"2"] * 2
    backends[1].stop()
    bodies = [call(served, f"{context}/x").body for _ in range(6)]
    assert set(bodies) == {b"0", b"2"}
    backends[1].start()
    until(lambda: call(served, f"{context}/x").body == b"1", what="the member that came back gets calls")


def test_weights(served: Served, backends: list[Scripted]) -> None:
    members = (member(backends[0].url, weight=3), member(backends[1].url, weight=1))
    context = publish(served, group("load_balance", *members, algorithm="weighted"))
    bodies = [call(served, f"{context}/x").body for _ in range(8)]
    assert (bodies.count(b"0"), bodies.count(b"1")) == (6, 2)
    assert bodies[:4].count(b"1") == 1


def test_without_failover_a_balance_tells_the_failure(served: Served, backends: list[Scripted]) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    context = publish(served, group("load_balance", member(backends[0].url), member(dead), failover=False))
    answers = [call(served, f"{context}/x") for _ in range(4)]
    assert [one.status for one in answers] == [200, 500, 200, 500]
    assert answers[1].json["code"] == "101503"


def test_sessions_stay_with_their_backend(served: Served, backends: list[Scripted]) -> None:
    backends[0].answer = backends[1].answer = backends[2].answer  # they differ by cookie only
    for number, one in enumerate(backends):
        one.answer = lambda asked, number=number: Reply(
            body=b"%d" % number, headers={} if "cookie" in asked.headers else {"set-cookie": f"JSESSIONID=s{number}"}
        )
    members = tuple(member(one.url) for one in backends)
    context = publish(served, group("load_balance", *members, session="transport", session_ms=60_000))
    call(served, f"{context}/x")
    first = call(served, f"{context}/x")
    assert first.body == b"1"
    sticky = first.headers["set-cookie"]
    assert "APIM_NODE_" in sticky
    assert f"Path={context}" in sticky
    mark = sticky[sticky.index("APIM_NODE_") :].partition(";")[0]
    again = [call(served, f"{context}/x", Cookie=f"JSESSIONID=s1; {mark}") for _ in range(5)]
    assert [one.body for one in again] == [b"1"] * 5
    assert all("set-cookie" not in one.headers for one in again)
    backends[1].stop()
    moved = call(served, f"{context}/x", Cookie=f"JSESSIONID=s1; {mark}")
    assert moved.status == 200
    assert mark not in moved.headers["set-cookie"]


def test_soap_sessions_by_client_id(served: Served, backends: list[Scripted]) -> None:
    context = publish(served, group("load_balance", *(member(one.url) for one in backends), session="simple"))

    def body(client: str) -> bytes:
        return (
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header>'
            f'<syn:ClientID xmlns:syn="http://ws.apache.org/namespaces/synapse">{client}</syn:ClientID>'
            "</soapenv:Header><soapenv:Body/></soapenv:Envelope>"
        ).encode()

    seen = {
        client: {call(served, f"{context}/x", "POST", body(client)).body for _ in range(3)}
        for client in map(str, range(12))
    }
    assert all(len(found) == 1 for found in seen.values())
    assert len(set().union(*seen.values())) > 1
    sent = [one.body for backend in backends for one in backend.asked]
    assert body("3") in sent


def test_failover_goes_down_the_list_and_back(served: Served, backends: list[Scripted]) -> None:
    context = publish(served, group("failover", *(member(one.url, suspension=QUICK) for one in backends)))
    assert call(served, f"{context}/x").body == b"0"
    backends[0].stop()
    assert call(served, f"{context}/x", "POST", b"body").body == b"1"
    backends[1].stop()
    assert call(served, f"{context}/x").body == b"2"
    backends[2].stop()
    last = call(served, f"{context}/x")
    assert (last.status, last.json["code"]) == (500, "101503")
    none = until(lambda: refused_with(served, context, "303000"), every=0, what="all three are suspended at a time")
    assert none.status == 500
    assert none.json["description"].startswith("Failover endpoint : ep")
    for one in backends:
        one.start()
    until(lambda: call(served, f"{context}/x").body == b"0", what="the first is used again")


def test_what_was_sent_is_not_sent_twice_unless_that_is_safe(served: Served, backends: list[Scripted]) -> None:
    backends[0].answer = lambda asked: Reply(close=True)
    context = publish(served, group("failover", member(backends[0].url), member(backends[1].url)))
    assert call(served, f"{context}/x").body == b"1"
    assert call(served, f"{context}/x", "PUT", b"kept").body == b"1"
    assert backends[1].asked[-1].body == b"kept"
    posted = call(served, f"{context}/x", "POST", b"once")
    assert (posted.status, posted.json["code"]) == (500, "101505")
    assert all(one.body != b"once" for one in backends[1].asked)


def test_retries(served: Served, backends: list[Scripted]) -> None:
    tries = count()
    backends[0].answer = lambda asked: Reply(close=next(tries) < 2)
    context = publish(served, member(backends[0].url, retries=2))
    assert call(served, f"{context}/x").status == 200
    assert len(backends[0].asked) == 3


def test_a_suspended_endpoint_is_refused_until_its_time(served: Served, backends: list[Scripted]) -> None:
    record = schema.Suspension(initial_ms=1000, factor=2.0, maximum_ms=10_000)
    context = publish(served, member(backends[0].url, suspension=record))
    assert call(served, f"{context}/x").status == 200
    backends[0].stop()
    began = time.monotonic()
    assert call(served, f"{context}/x").json["code"] == "101503"
    refused = call(served, f"{context}/x")
    assert refused.status == 500
    assert refused.json == {
        "code": "303001",
        "type": "Status report",
        "message": "Runtime Error",
        "description": f"Currently , Address endpoint : [ Name : {context.split('/')[1]}--v1.0_APIproductionEndpoint ] "
        "[ State : SUSPENDED ]",
    }

    def tried_again() -> float:
        """When the call was sent that was tried, 0 while it is refused without a try."""
        sent = time.monotonic()
        return sent if refused_with(served, context, "101503") else 0.0

    second = until(tried_again, what="it is tried again")
    assert time.monotonic() - began >= 1.0
    backends[0].start()
    until(lambda: call(served, f"{context}/x").status == 200, what="it is active again")
    assert time.monotonic() - second >= 2.0, "the second suspension takes twice as long"
    backends[0].stop()
    assert call(served, f"{context}/x").json["code"] in ("101503", "101505")


def test_timeouts_mark_an_endpoint_before_they_suspend_it(served: Served, backends: list[Scripted]) -> None:
    slow = threading.Event()
    backends[0].answer = lambda asked: Reply() if slow.wait(60) else Reply()
    record = schema.Suspension(retries=2, retry_delay_ms=0, initial_ms=60_000)
    context = publish(served, schema.Endpoint(backends[0].url, timeout_ms=300, suspension=record))
    try:
        codes = [call(served, f"{context}/x").json["code"] for _ in range(4)]
    finally:
        slow.set()
    assert codes == ["101504", "101504", "101504", "303001"]


def test_codes_that_do_not_count(served: Served, backends: list[Scripted]) -> None:
    record = schema.Suspension(("101504",), suspend_codes=("101506",), initial_ms=60_000)
    context = publish(served, member(f"http://127.0.0.1:{free_port()}", suspension=record))
    assert {call(served, f"{context}/x").json["code"] for _ in range(3)} == {"101503"}


def test_discard_and_never(served: Served, backends: list[Scripted]) -> None:
    def slow(asked: Asked) -> Reply:
        time.sleep(1.5)
        return Reply(body=b"late")

    backends[0].answer = slow
    discard = publish(served, schema.Endpoint(backends[0].url, timeout_ms=300, timeout_action="discard"))
    never = publish(served, schema.Endpoint(backends[0].url, timeout_ms=300, timeout_action="never"))
    with pytest.raises(ConnectionError):
        call(served, f"{discard}/x")
    assert call(served, f"{never}/x").body == b"late"


def test_the_breaker_bounds_what_is_open(served: Served, backends: list[Scripted]) -> None:
    gate = threading.Event()
    backends[0].answer = lambda asked: Reply(body=b"through" if gate.wait(10) else b"late")
    breaker = schema.CircuitBreaker(connections=2, pending=1)
    context = publish(served, schema.Endpoint(backends[0].url, timeout_ms=20_000, breaker=breaker))
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(call(served, f"{context}/x"))) for _ in range(6)]
    for one in threads:
        one.start()
    until(lambda: len(answers) == 3, what="three calls are refused")
    assert {(one.status, one.json["code"]) for one in answers} == {(503, "303004")}
    assert len(backends[0].asked) == 2
    gate.set()
    for one in threads:
        one.join(10)
    assert sorted(one.status for one in answers) == [200, 200, 200, 503, 503, 503]
    assert call(served, f"{context}/x").status == 200


def test_active_checks(served: Served, backends: list[Scripted]) -> None:
    well = threading.Event()
    well.set()
    backends[0].answer = lambda asked: (
        Reply(200 if well.is_set() else 503) if asked.target == "/up" else Reply(body=b"0")
    )
    check = schema.HealthCheck("/up", seconds=0.1, unhealthy=2)
    members = (member(backends[0].url, health=check), member(backends[1].url))
    context = publish(served, group("failover", *members))
    assert call(served, f"{context}/x").body == b"0"
    well.clear()
    until(lambda: call(served, f"{context}/x").body == b"1", what="the sick one is left out")
    well.set()
    until(lambda: call(served, f"{context}/x").body == b"0", what="the healed one is used")
    served.publish(("api", f"Default:id-{context.split('/')[1]}", None))


def test_paths_queries_and_forwarding_headers_are_those_of_a_plain_endpoint(
    served: Served, backends: list[Scripted]
) -> None:
    context = publish(served, group("failover", member(backends[0].url + "/base/"), member(backends[1].url)))
    call(served, f"{context}/a%2Fb//c/?x=%20&y", **{"X-Forwarded-For": "10.0.0.1"})
    asked = backends[0].asked[-1]
    assert asked.target == "/base/a%2Fb//c/?x=%20&y"
    assert asked.headers["host"] == f"localhost:{backends[0].port}"
    assert asked.headers["x-forwarded-for"] == "127.0.0.1", "the caller is no proxy we trust"
    assert asked.headers["x-forwarded-proto"] == "http"
    assert "authorization" not in asked.headers
    assert asked.headers["activityid"]


def test_faults_take_the_form_the_caller_understands(served: Served) -> None:
    context = publish(served, member(f"http://127.0.0.1:{free_port()}", suspension=QUICK))
    xml = call(served, f"{context}/x", Accept="application/xml")
    assert b"<am:code>101503</am:code>" in xml.body
    soap = call(served, f"{context}/x", "POST", b"<x/>", **{"Content-Type": "text/xml", "SOAPAction": "x"})
    assert b"faultcode" in soap.body


def test_large_bodies_stream_through_a_group(served: Served, backends: list[Scripted]) -> None:
    context = publish(served, group("failover", member(f"http://127.0.0.1:{free_port()}"), member(backends[1].url)))
    body = b"x" * 3_000_000
    assert call(served, f"{context}/x", "PUT", body).body == b"1"
    assert backends[1].asked[-1].body == body


def test_groups_that_make_no_sense_are_refused_by_name(served: Served) -> None:
    nested = group("failover", group("failover", member("http://a")))
    served.publish(("api", "Default:id-bad", world.api("bad", "", production=nested)))
    until(
        lambda: "members[0] of an endpoint is of kind 'failover'" in str(served.hub.statuses[-1]),
        seconds=10,
        what="refusal",
    )
    served.publish(("api", "Default:id-bad", None))


def quiet(backend: Scripted, seconds: float) -> int:
    """How often it was asked if nobody asked meanwhile, else 0."""
    before = len(backend.asked)
    time.sleep(seconds)
    return before if len(backend.asked) == before else 0


def test_checks_end_with_the_endpoint_and_begin_again(served: Served, backends: list[Scripted]) -> None:
    check = schema.HealthCheck("/up", seconds=0.05)
    name = f"ep{next(_names)}"
    key = f"Default:id-{name}"
    record = world.api(name, "", production=member(backends[0].url, health=check))
    served.publish(("api", key, record), world.subscription(name))
    until(lambda: len(backends[0].asked) > 2, what="checks run")
    served.publish(("api", key, world.api(name, backends[1].url)))
    seen = until(lambda: quiet(backends[0], 0.5), what="nobody asks an endpoint that no API has")
    served.publish(("api", key, record))
    until(lambda: len(backends[0].asked) > seen + 1, what="checks run again")
    served.publish(("api", key, None))


def test_callers_that_leave_give_their_place_back(served: Served, backends: list[Scripted]) -> None:
    gate = threading.Event()
    backends[0].answer = lambda asked: Reply() if gate.wait(5) else Reply()
    record = schema.Suspension(initial_ms=60_000)
    breaker = schema.CircuitBreaker(connections=1, pending=1)
    context = publish(served, schema.Endpoint(backends[0].url, timeout_ms=9000, breaker=breaker, suspension=record))
    head = f"GET {context}/x HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {served.signer.token()}\r\n\r\n".encode()
    callers = [socket.create_connection(("127.0.0.1", served.gateway.http)) for _ in range(2)]
    for number, one in enumerate(callers):
        one.sendall(head)
        until(lambda number=number: number or backends[0].asked, what="the first is under way")
    time.sleep(0.2)
    for one in reversed(callers):
        one.close()
    gate.set()
    until(lambda: call(served, f"{context}/x").status == 200, what="there is room again")
    assert all(call(served, f"{context}/x").status == 200 for _ in range(3)), "and nobody is suspended"


def test_an_upload_that_breaks_off_is_not_the_backends_fault(served: Served, backends: list[Scripted]) -> None:
    record = schema.Suspension(initial_ms=60_000)
    context = publish(served, schema.Endpoint(backends[0].url, timeout_ms=3000, suspension=record))
    head = (
        f"POST {context}/x HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {served.signer.token()}\r\n"
        "content-length: 1000000\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", served.gateway.http)) as caller:
        caller.sendall(head + b"x" * 1000)
        time.sleep(0.2)
    assert call(served, f"{context}/x").status == 200


def test_calls_under_way_do_not_prolong_a_suspension() -> None:
    now = [0.0]
    health = Health("x", schema.Suspension(initial_ms=1000, factor=2.0, maximum_ms=0), lambda: now[0])
    for _ in range(2000):
        health.failed("101503")
    assert not health.ready()
    now[0] = 1.0
    assert health.ready()
    health.failed("101503")
    now[0] = 2.5
    assert not health.ready(), "the second suspension takes twice as long"
    now[0] = 3.0
    assert health.ready()
