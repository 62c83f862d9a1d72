"""Scripts that ignore every limit, and the one that comes after them."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from wire.sandbox import Ended, Limits, Overloaded, Sandbox, ScriptError

LIMITS = Limits(memory=16 << 20, stack=256 << 10, seconds=0.2, processes=2, waiting=8, wait_s=20.0)
BLOW_UP = "/^(a+)+$/.test('a'.repeat(60) + '!')"
NESTED = "var o = {}; for (var i = 0; i < 200000; i++) o = {o}; JSON.stringify(o)"
ENDLESS = {
    "loop": "while (true) {}",
    "memory": "var a = []; while (true) a.push('x'.repeat(10000))",
    "doubling": "var a = 'x'; while (true) a += a",
    "stack": "(function f() { f(); })()",
    "nested text": "JSON.parse('['.repeat(1000000))",
    "nested program": "eval('('.repeat(100000))",
    "long answer": "'x'.repeat(1e9)",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One for all tests: what one script does must not be felt by the next."""
    made = Sandbox(LIMITS)
    yield made
    made.close()


def answers(sandbox: Sandbox) -> bool:
    return sandbox.evaluate([("set x", "4"), ("eval", "x + '2'")]) == "42"


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_what_the_engine_bounds_is_an_error_of_the_script(sandbox: Sandbox, text: str) -> None:
    with pytest.raises(ScriptError):
        sandbox.evaluate([("eval", text)])
    assert answers(sandbox)


def test_one_regular_expression_without_end_is_ended(sandbox: Sandbox) -> None:
    before = time.monotonic()
    with pytest.raises(Ended, match="0.4 s of processor time"):
        sandbox.evaluate([("eval", BLOW_UP)])
    assert time.monotonic() - before < LIMITS.wait_s
    assert answers(sandbox)


def test_a_crash_of_the_engine_takes_nothing_with_it(sandbox: Sandbox) -> None:
    with pytest.raises(ScriptError):
        sandbox.evaluate([("eval", NESTED)])
    assert answers(sandbox)


def test_nothing_is_left_from_one_run_to_the_next(sandbox: Sandbox) -> None:
    sandbox.evaluate([("eval", "globalThis.left = 1; Array.prototype.map = null; Object.freeze(JSON)")])
    for _ in range(LIMITS.processes + 1):
        assert sandbox.evaluate([("eval", "typeof left + typeof [].map + Object.isFrozen(JSON)")]) == (
            "undefinedfunctionfalse"
        )


def test_nothing_of_the_host_is_in_reach(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "seen")
    names = ["std", "os", "require", "process", "load", "fetch", "Deno", "scriptArgs", "print"]
    assert sandbox.evaluate([("eval", f"{names}.filter(n => n in globalThis).join()")]) == ""
    fresh = Sandbox(LIMITS)
    assert answers(fresh)
    (child,) = fresh._idle
    proc = Path(f"/proc/{child.process.pid}")
    assert b"SECRET" not in (proc / "environ").read_bytes()
    assert sorted(entry.name for entry in (proc / "fd").iterdir()) == ["0", "1", "2", "3"]
    assert (proc / "fd/3").readlink() == proc / "statm"
    fresh.close()


def test_a_process_that_was_killed_is_replaced() -> None:
    made = Sandbox(LIMITS)
    assert answers(made)
    (child,) = made._idle
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait()
    assert answers(made)
    made.close()


def test_odd_texts_pass(sandbox: Sandbox) -> None:
    odd = 'a\0b"\\ é 😀 \u2028'
    assert sandbox.evaluate([("set x", odd.replace("\0", "")), ("eval", "x")]) == odd.replace("\0", "")
    for step in (("eval", "\0"), ("eval", "\ud800"), ("set x", "\ud800"), ("eval", "'\\ud800'"), ("eval", "Symbol()")):
        try:
            sandbox.evaluate([step])
        except ScriptError:
            continue
    assert answers(sandbox)


def test_more_than_fits_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ScriptError, match="longer than"):
        sandbox.evaluate([("set x", "x" * (64 << 20)), ("eval", "1")])
    assert answers(sandbox)


async def test_the_event_loop_and_other_scripts_go_on_meanwhile() -> None:
    made = Sandbox(LIMITS)
    bad = asyncio.ensure_future(made.run([("eval", BLOW_UP)]))
    good = [await made.run([("eval", f"'{number}'")]) for number in range(3)]
    assert good == ["0", "1", "2"]
    with pytest.raises(Ended):
        await bad
    made.close()


async def test_too_many_at_once_are_refused_at_once() -> None:
    made = Sandbox(LIMITS)
    runs = [made.run([("eval", "'1'")]) for _ in range(LIMITS.waiting + 3)]
    found = await asyncio.gather(*runs, return_exceptions=True)
    assert found.count("1") == LIMITS.waiting
    assert sum(isinstance(item, Overloaded) for item in found) == 3
    assert await made.run([("eval", "'2'")]) == "2"
    assert len(made._idle) <= LIMITS.processes
    made.close()


async def test_runs_that_nobody_waits_for_any_more_keep_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given up by time-out or cancelling, they count until a thread is through with them; what had not begun never runs."""
    made = Sandbox(replace(LIMITS, processes=1, waiting=3, wait_s=0.05))
    go_on, ran = threading.Event(), []

    def blocked(steps: list[tuple[str, str]]) -> str:
        ran.append(steps)
        assert go_on.wait(20)
        raise ScriptError("late")

    monkeypatch.setattr(made, "evaluate", blocked)
    waiting = [asyncio.create_task(made.run([("eval", str(number))])) for number in range(3)]
    await asyncio.sleep(0)
    waiting[2].cancel()
    first, second, third = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(third, asyncio.CancelledError)
    assert str(first) == str(second) == "no outcome within 0 s"
    with pytest.raises(Overloaded, match="3 scripts are under way already"):
        await made.run([("eval", "3")])
    go_on.set()
    monkeypatch.undo()
    async with asyncio.timeout(20):
        while made._under_way:  # noqa: ASYNC110  (threads end when they end)
            await asyncio.sleep(0.001)
    assert ran == [[("eval", "0")]]


def test_idle_processes_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Sandbox(LIMITS)
    assert answers(made)
    (child,) = made._idle
    monkeypatch.setattr("wire.sandbox.pool.IDLE_S", -1.0)
    made._end_idle()
    assert child.process.returncode is not None
    assert made._idle == []
    assert answers(made)
    made.close()


def test_no_process_before_the_first_use() -> None:
    made = Sandbox(LIMITS)
    assert made._idle == []
