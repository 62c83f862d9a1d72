"""Branches that run beside one another or one after the other, and patterns in the engines they need."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from integrator.engine import patterns
from integrator.engine.errors import Fault
from integrator.engine.mediators import gather, parse_one
from integrator.engine.reader import Reader
from integrator.engine.xmltools import SYNAPSE, children, parse, serialise
from tests.integrator.coverage import covers


class Branch:
    """Stands for a chain: does what it is told and says when."""

    def __init__(self, work: Any):
        self.work = work

    async def run(self, copy: Any) -> bool:
        await self.work(copy)
        gathering, number = gather._current.get()
        gathering.arrived[number] = copy
        gathering.notice()
        return True


async def gathered(works: list[Any], *, parallel: bool, enough: Any = None) -> tuple[gather.Gathering, list[Fault]]:
    gathering = gather.Gathering()
    work: Any = [(Branch(each), number) for number, each in enumerate(works)]
    test = enough(gathering) if enough else lambda: False
    faults = await gather.run_all(work, gathering, parallel=parallel, enough=test)
    return gathering, faults


@covers("mediator.foreach.v2.parallel-execution", "mediator.scatter-gather")
async def test_branches_beside_one_another_and_one_after_the_other() -> None:
    barrier = asyncio.Barrier(3)

    async def meet(_: Any) -> None:
        await barrier.wait()  # only passed when all three run

    found, faults = await asyncio.wait_for(gathered([meet] * 3, parallel=True), 10)
    assert (sorted(found.arrived), faults) == ([0, 1, 2], [])

    running, most, order = 0, 0, []

    async def alone(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        order.append(number)
        running -= 1

    await gathered([alone] * 5, parallel=False)
    assert (most, order) == (1, [0, 1, 2, 3, 4])


async def test_no_more_than_the_bound_at_once() -> None:
    running = most = 0

    async def one(_: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await gathered([one] * 300, parallel=True)
    assert 1 < most <= gather.PARALLEL


async def test_what_is_not_needed_any_more_is_ended() -> None:
    ended = asyncio.Event()

    async def forever(_: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def quick(_: Any) -> None:
        return None

    found, _ = await gathered([forever, quick], parallel=True, enough=lambda it: lambda: len(it.arrived) >= 1)
    assert sorted(found.arrived) == [1]
    assert ended.is_set()


@pytest.mark.parametrize(
    "sample",
    [
        '<variable name="n" type="INTEGER" value="7"/>',
        '<variable name="x"><a xmlns=""/></variable>',
        '<scatter-gather target="variable" target-variable="v"><aggregation expression="${payload.a}" timeout="5"/>'
        "<sequence><log/></sequence></scatter-gather>",
        '<foreach collection="${payload.list}" counter-variable="i"><sequence><log/></sequence></foreach>',
    ],
)
def test_what_is_written_is_read_again(sample: str) -> None:
    def read(text: str) -> Any:
        return parse_one(children(parse(f'<sequence xmlns="{SYNAPSE}">{text}</sequence>'))[0], Reader("x.xml"))

    written = serialise(read(sample).write())
    assert serialise(read(written).write()) == written


SAMPLES = {
    "abc": "re",
    "a.*b": "re",
    r"\d{3}-\d{4}": "re",
    "yes|no": "re",
    "(a+)+$": "re2",
    r"(\w+\s?)*x": "re2",
    "(a|a)*b": "re2",
    "a.*b.*c.*d": "re2",
    r"\p{Lu}+": "re2",
    r"(?=a)b+": "timed",
    r"(a)\1+": "timed",
    "a++b": "timed",
    "[a-z&&[^b]]+": "timed",
}


@pytest.mark.parametrize(("text", "engine"), SAMPLES.items())
def test_a_pattern_runs_in_the_engine_that_bounds_it(text: str, engine: str) -> None:
    found = patterns.compiled(text)
    kind = "timed" if isinstance(found, patterns.Timed) else type(found).__module__
    assert kind == engine
    hostile = "a" * 20_000 + "!"
    began = time.process_time()
    try:
        found.fullmatch(hostile)
    except Fault as fault:
        assert "took longer than" in fault.message
    assert time.process_time() - began < 5


@pytest.mark.parametrize("text", ["a*b", "(a+)+", "(a|aa)+b", "x*x*y"])
def test_what_is_searched_for_never_tries_twice(text: str) -> None:
    found = patterns.compiled(text, anywhere=True)
    began = time.process_time()
    found.search("a" * 50_000 + "!")
    found.sub(lambda _: "", "a" * 50_000 + "!")
    assert time.process_time() - began < 5


def test_java_words_and_groups() -> None:
    assert patterns.compiled(r"(\p{Digit}+)-(\p{Alpha}+)").fullmatch("12-ab").groups() == ("12", "ab")
    assert patterns.compiled(r"\d+").fullmatch("٣") is None  # digits are those of ASCII, as in Java
    assert patterns.compiled("[a-z&&[^b]]+").fullmatch("abc") is None
    assert patterns.compiled(r"\Qa.b\E").fullmatch("a.b") is not None
    for bad in ("(", "a{2,1}", "*", "[", "x" * 10_001):
        with pytest.raises(patterns.PatternError):
            patterns.compiled(bad)
