"""The order of the stages, what vanishes from a chain, and that no call compiles, parses or verifies anything twice."""

from __future__ import annotations

import sys
import time
from types import CodeType, FrameType
from typing import Any

import pytest

from gateway import schema
from gateway.compile import ORDER, Compiler, Unusable
from gateway.observe import Observer
from gateway.pipeline import Pipeline
from gateway.schema import Batch
from gateway.services import Services
from gateway.settings import Settings
from gateway.state import Build, State
from tests.gateway import world
from tests.wire.support import echo, serving, talk

FULL = schema.Operation("GET", "/full", scopes=("default",), policy="Ten")


def test_the_order_of_the_stages() -> None:
    assert ORDER == (
        "route", "cors", "authenticate", "subscription", "deny", "limits", "request_policies", "endpoint", "response_policies",
        "analytics",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "changes", "stages"),
    [
        (FULL, {}, ("cors", "authenticate", "subscription", "limits", "endpoint")),
        (FULL, {"cors": schema.Cors(enabled=False)}, ("authenticate", "subscription", "limits", "endpoint")),
        (schema.Operation("GET", "/full", auth="none"), {"cors": schema.Cors(enabled=False)}, ("endpoint",)),
        (schema.Operation("GET", "/full", auth="none"), {"policy": "Ten"}, ("cors", "limits", "endpoint")),
        (FULL, {"lifecycle": "BLOCKED"}, ("cors", "route")),
    ],
)
async def test_stages_with_nothing_to_do_vanish(
    operation: schema.Operation, changes: dict[str, Any], stages: tuple[str, ...]
) -> None:
    _, key, policy = world.policy("api", "Ten", 10)
    record = world.api("x", "http://127.0.0.1:1", operation, **changes)
    api = Compiler(Services(Settings())).api(record, {key: policy})  # type: ignore[dict-item]
    compiled = api.resources.find(b"GET", b"/full")
    assert compiled is not None
    assert compiled.stages == stages
    known = [name for name in ORDER if name in compiled.stages]
    if record.lifecycle != "BLOCKED":
        assert tuple(known) == compiled.stages


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"context": "pizza/1.0"}, "context 'pizza/1.0'"),
        ({"context": "/pizza/"}, "context '/pizza/'"),
        ({"production": None}, "neither a production nor a sandbox endpoint"),
        ({"production": schema.Endpoint("amqp://x")}, "endpoint 'amqp://x'"),
        ({"transports": ("amqp",)}, r"\['amqp'\]"),
        ({"operations": ()}, "no operations"),
        ({"operations": (schema.Operation("GET\r\nx: y", "/a"),)}, r"verb 'GET\\r\\nx: y' is not a word"),
        ({"operations": (schema.Operation("", "/a"),)}, "verb '' is not a word"),
        ({"cors": schema.Cors(origins=("https://a\r\nx: y",))}, "cors: origins .* holds a control character"),
        ({"cors": schema.Cors(headers=("a\nb",))}, "cors: headers .* holds a control character"),
        (
            {"production": schema.Endpoint("http://x", health=schema.HealthCheck("/", seconds=0))},
            "health.seconds 0 of an endpoint must be more than 0",
        ),
        ({"security": ("oauth2", "kerberos")}, r"security \['kerberos'\] cannot be checked here"),
    ],
)
async def test_records_that_cannot_serve_are_refused_with_the_value(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        Compiler(Services(Settings())).api(world.api("x", "http://127.0.0.1:1", **changes), {})


def install(pipeline: Pipeline, compiler: Compiler, records: list[tuple[str, str, schema.Record]]) -> None:
    """Builds a state of these records and serves it."""
    from msgspec import Raw, json

    events = [schema.Event(n, kind, key, record=Raw(json.encode(one))) for n, (kind, key, one) in enumerate(records, 1)]
    build = Build(State(), Batch(len(events), events, snapshot=True), compiler)
    for _ in build.steps():
        pass
    assert not build.state.refusals
    for organisation, issuers in build.state.issuers.items():
        compiler.services.realm(organisation).issuers = issuers
    pipeline.state = build.state


async def test_nothing_is_compiled_per_call(signer: world.Signer) -> None:
    compiler = Compiler(Services(Settings()))
    pipeline = Pipeline(Observer(Settings(analytics=True)), lambda exchange: False)
    compiler.services.current = lambda: pipeline.state
    seen: list[str] = []

    def trace(frame: FrameType, event: str, argument: object) -> None:
        code: CodeType = frame.f_code
        if event == "call":
            seen.append(f"{code.co_filename}:{code.co_name}")
        elif event == "c_call":
            seen.append(getattr(argument, "__module__", None) or "" + getattr(argument, "__qualname__", ""))

    async with serving(echo) as (_, behind), serving(pipeline.run) as (_, port):
        records = [
            ("key_manager", world.MANAGER, world.key_manager(signer)), *world.application(1, "Big"),
            world.policy("api", "Ten", 10), world.policy("application", "Big", 100), world.policy("subscription", "Plan", 100),
            ("api", "Default:id-x", world.api("x", f"http://127.0.0.1:{behind}", FULL)), world.subscription("x", 1, "Plan"),
        ]  # fmt: skip
        install(pipeline, compiler, records)
        token = signer.token().encode()
        request = b"GET /x/1.0/full HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\norigin: https://a\r\n" % token
        once = request + b"connection: close\r\n\r\n"
        assert (await talk(port, once)).startswith(b"HTTP/1.1 200 ")
        sys.setprofile(trace)
        try:
            answer = await talk(port, once)
        finally:
            sys.setprofile(None)
        assert answer.startswith(b"HTTP/1.1 200 ")
    assert any(entry.endswith("forward.py:forward") for entry in seen)
    expensive = (
        "joserfc",
        "cryptography",
        "json",
        "/re/",
        "re.compile",
        "msgspec",
        "compile.py:",
        "realm.py:",
        "upstreams.py:",
    )
    found = {entry for entry in seen if any(word in entry for word in expensive)}
    assert not found, found


async def test_routing_costs_the_same_for_10_and_10_000_apis() -> None:
    def build(size: int) -> State:
        compiler = Compiler(Services(Settings()))
        state = State()
        operations = tuple(schema.Operation("GET", f"/thing/{{id}}/part{n}") for n in range(5))
        shared = compiler.api(world.api("x", "http://127.0.0.1:1", *operations), {})
        for number in range(size):
            state.routes.add(b"/api%d/1.0" % number, shared)
        return state

    def cost(state: State) -> float:
        best = 9.0
        for _ in range(15):
            began = time.perf_counter()
            for number in range(300):
                match = state.routes.find(b"/api%d/1.0/thing/7/part3" % (number % 10))
                assert match is not None
                assert match.api.resources.find(b"GET", b"/thing/7/part3") is not None
            best = min(best, time.perf_counter() - began)
        return best

    few, many = build(10), build(10_000)
    ratios = [cost(many) / cost(few) for _ in range(3)]
    assert min(ratios) <= 1.1, ratios
