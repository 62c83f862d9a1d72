"""The sampler: requests go on at its rate, never faster."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.integrator.coverage import covers
from tests.integrator.engine.harness import integrator, write

API = """<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="GET">
<inSequence>
<sampler id="s" rate="1" unitTime="100"><target><sequence><respond/></sequence></target></sampler>
</inSequence></resource></api>"""


@covers("mediator.sampler")
async def test_one_each_tenth_of_a_second(tmp_path: Path) -> None:
    """Four requests at once: the last one waits three units of time."""
    write(tmp_path / "home", "api", "t", API)
    async with integrator(tmp_path / "home") as running:
        clock = asyncio.get_running_loop().time
        began = clock()
        answers = await asyncio.gather(*(running.call("GET", "/t") for _ in range(4)))
        assert [answer.status for answer in answers] == [200] * 4
        assert clock() - began >= 0.3
