"""The throttle mediator: what needs a clock or several callers at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from integrator.engine.mediators.throttle import Counter
from integrator.engine.mediators.throttle_policy import Control
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import backend, eventually, integrator, write

API = """<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="GET" uri-template="/*"><inSequence>
<throttle id="A"><policy><wsp:Policy xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy"
 xmlns:throttle="http://www.wso2.org/products/wso2commons/throttle"><throttle:MediatorThrottleAssertion>
<throttle:MaximumConcurrentAccess>2</throttle:MaximumConcurrentAccess></throttle:MediatorThrottleAssertion></wsp:Policy></policy>
<onReject><property name="HTTP_SC" value="503" scope="axis2"/><respond/></onReject></throttle>
<filter source="$url:broken" regex="yes"><then><throwError type="x" errorMessage="broken"/></then></filter>
<call><endpoint><address uri="{backend}/b"/></endpoint></call><respond/></inSequence></resource></api>"""


@covers("mediator.throttle.prohibit-time")
def test_after_too_many_the_door_stays_closed_for_the_prohibit_time() -> None:
    """It may end before the unit of time does, or long after it; without one it is closed for the rest of the unit."""
    short = Control(maximum=2, unit_s=100, prohibit_s=10)
    counter = Counter()
    assert [counter.passes(short, now) for now in (1, 2, 3, 12.9, 13, 14, 15, 24)] == [
        True, True, False, False, True, True, False, False
    ]  # fmt: skip
    long = Control(maximum=1, unit_s=10, prohibit_s=100)
    counter = Counter()
    assert [counter.passes(long, now) for now in (1, 2, 12, 101, 102)] == [True, False, False, False, True]
    none = Control(maximum=1, unit_s=10, prohibit_s=0)
    counter = Counter()
    assert [counter.passes(none, now) for now in (1, 2, 10.9, 11, 12)] == [True, False, False, True, False]


@covers("mediator.throttle.concurrency")
async def test_so_many_at_the_same_time(tmp_path: Path) -> None:
    """A place is free again when the answer has left, also after a failure."""
    async with backend([{"path": "/b/slow", "delay": 1.0}, {"path": "/b/quick"}]) as stub:
        write(tmp_path / "home", "api", "t", API.replace("{backend}", f"http://127.0.0.1:{stub.port}"))
        async with integrator(tmp_path / "home") as running:
            for _ in range(3):
                assert (await running.call("GET", "/t?broken=yes")).status == 500
            slow = [asyncio.create_task(running.call("GET", "/t/slow")) for _ in range(2)]
            await eventually(lambda: len([seen for seen in stub.seen if seen.target == "/b/slow"]) == 2)
            assert (await running.call("GET", "/t/quick")).status == 503
            assert [(await task).status for task in slow] == [200, 200]
            assert (await running.call("GET", "/t/quick")).status == 200
