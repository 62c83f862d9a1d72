"""The cache mediator: what a corpus case cannot show – memory in bytes, and a backend that says 304."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

from integrator.engine.caching import OVERHEAD, Budget, CachedResponse, ResponseCache
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import backend, integrator, write

API = """<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="GET" uri-template="/*"><inSequence>
<cache collector="false"><protocol type="HTTP">
<enableCacheControl>true</enableCacheControl><includeAgeHeader>true</includeAgeHeader></protocol></cache>
<call><endpoint><address uri="{backend}/b"/></endpoint></call><cache collector="true"/><respond/></inSequence></resource></api>"""


@covers("mediator.cache.304-replay")
async def test_not_modified_gives_what_was_kept(tmp_path: Path) -> None:
    """no-cache: the backend is asked with the tag; its 304 becomes the kept answer."""
    first = {"path": "/b", "body": "kept", "headers": {"etag": '"7"', "cache-control": "no-cache", "x-n": "1"}}
    async with backend([first]) as stub:
        write(tmp_path / "home", "api", "t", API.replace("{backend}", f"http://127.0.0.1:{stub.port}"))
        async with integrator(tmp_path / "home") as running:
            answer = await running.call("GET", "/t")
            assert (answer.status, answer.body) == (200, b"kept")
            stub.answers[:] = [{"path": "/b", "status": 304}]
            for _ in range(2):
                answer = await running.call("GET", "/t")
                assert stub.seen[-1].headers["if-none-match"] == '"7"'
                assert (answer.status, answer.body, answer.headers["x-n"]) == (200, b"kept", "1")
            assert len(stub.seen) == 3
            stub.answers[:] = [{"path": "/b", "body": "new", "headers": {"etag": '"8"'}}]
            assert (await running.call("GET", "/t")).body == b"new"
            assert (await running.call("GET", "/t")).body == b"new"
            assert len(stub.seen) == 4


def kept(size: int) -> CachedResponse:
    """An answer of `size` bytes."""
    return CachedResponse(b"x" * size, "text/plain", [], 200, "OK")


def test_all_caches_of_a_process_stay_within_their_bytes() -> None:
    """What was used longest ago leaves, whichever cache it is in."""
    budget = Budget(3 * (100 + OVERHEAD))
    one, two = ResponseCache(0, budget), ResponseCache(0, budget)
    one.put(b"a", kept(100), 60)
    one.put(b"b", kept(100), 60)
    two.put(b"c", kept(100), 60)
    assert one.get(b"a") is not None
    two.put(b"d", kept(100), 60)
    assert [one.get(b"a") is not None, one.get(b"b"), two.get(b"c") is not None] == [True, None, True]
    assert budget.used == budget.max_bytes
    two.put(b"huge", kept(budget.max_bytes), 60)
    assert two.get(b"huge") is None
    for number in range(1000):
        one.put(b"%d" % number, kept(number % 300), 60)
    assert 0 < budget.used <= budget.max_bytes


def test_a_cache_that_is_gone_gives_its_bytes_back() -> None:
    """An undeployed mediator leaves nothing behind."""
    budget = Budget()
    cache = ResponseCache(0, budget)
    cache.put(b"a", kept(5000), 60)
    assert budget.used > 5000
    del cache
    gc.collect()
    assert budget.used == 0


async def test_many_callers_at_once_get_the_same(tmp_path: Path) -> None:
    """Parallel requests: each has its own pending entry, and none gets another's answer."""
    answers = [{"path": f"/b/{number}", "body": str(number)} for number in range(5)]
    async with backend(answers) as stub:
        write(tmp_path / "home", "api", "t", API.replace("{backend}", f"http://127.0.0.1:{stub.port}"))
        async with integrator(tmp_path / "home") as running:
            found = await asyncio.gather(*(running.call("GET", f"/t/{number % 5}") for number in range(40)))
            assert [answer.body for answer in found] == [b"%d" % (number % 5) for number in range(40)]
            stub.seen.clear()
            await asyncio.gather(*(running.call("GET", f"/t/{number}") for number in range(5)))
            assert stub.seen == []
