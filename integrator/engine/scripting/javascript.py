"""Runs JavaScript in QuickJS: an engine without files, network, modules or clock other than Date, bounded in time and memory.

A script gets a copy of what it may read and hands back the list of what it changed, so that nothing of the host can be reached
from inside. Each run has an engine of its own: no variable of one message is seen by the next.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import quickjs  # type: ignore[import-untyped]

from integrator.engine.errors import Fault
from integrator.engine.expressions.values import text_of
from integrator.engine.message import Message
from integrator.engine.scripting.context import ADDRESSES, FIELDS, FLAGS, SCOPES, MessageContext, json_of
from integrator.engine.xmltools import serialise

SECONDS = 1.0
"""CPU time of one run. QuickJS does not look at it inside one regular expression: see docs/integrator.md."""
WAIT_S = 30.0
"""Longest wait for an outcome, the time in the queue included."""
THREADS, WAITING = 4, 256
"""Threads of their own, so that a script that cannot be stopped takes none from SQL; and runs that may wait for one."""
MEMORY = 64 * 1024 * 1024
STACK = 256 * 1024
PRELUDE = Path(__file__).with_name("mc.js").read_text("utf-8")
SPECIAL = ("To", "MessageID", "From", "Action", "MESSAGE_FORMAT", "SYSTEM_TIME")
"""Names that getProperty reads though they are no properties."""

CALLS = frozenset(
    {
        *("setPayloadJSON", "setPayloadXML", "setEnvelope", "addHeader", "setProperty", "removeProperty", "log"),
        *(f"set{name}" for name in (*ADDRESSES, *FLAGS)),
    }
)
_ENTRY = re.compile(r"""get(?:Local)?Entry\(\s*["']([^"']+)["']""")
_ANY = re.compile(r"\bmc\s*\[")


@dataclass(frozen=True)
class Program:
    """A checked script: its files in order, the function to call (none: the result of the last file), what it reads."""

    texts: tuple[str, ...]
    function: str
    body: bool
    json: bool
    xml: bool
    envelope: bool
    entries: tuple[str, ...]


@lru_cache(maxsize=512)
def program(texts: tuple[str, ...], function: str) -> Program:
    """Check a script. Raises ValueError with the engine's reason."""
    for text in texts:
        problem = syntax(text, bool(function))
        if problem:
            raise ValueError(problem)
    whole = "\n".join(texts)
    every = _ANY.search(whole) is not None
    return Program(
        texts,
        function,
        body=_returns(texts[-1]) if not function else False,
        json=every or "PayloadJSON" in whole or "PayloadText" in whole,
        xml=every or "PayloadXML" in whole,
        envelope=every or "Envelope" in whole or "PayloadText" in whole,
        entries=tuple(dict.fromkeys(_ENTRY.findall(whole))),
    )


def syntax(text: str, file: bool) -> str:
    """What is wrong with the text, empty when nothing is. A script without function may `return`."""
    problem = _problem(f"if (false) {{\n{text}\n}}")
    return _problem(f"(function () {{\n{text}\n}})") if problem and not file else problem


def _returns(text: str) -> bool:
    return bool(_problem(f"if (false) {{\n{text}\n}}"))


def _problem(text: str) -> str:
    engine = _engine()
    try:
        engine.eval(text)
    except quickjs.JSException as error:
        return str(error).strip().splitlines()[0]
    return ""


def _engine() -> Any:
    engine = quickjs.Context()
    engine.set_memory_limit(MEMORY)
    engine.set_max_stack_size(STACK)
    engine.set_time_limit(SECONDS)
    return engine


def snapshot(message: Message, script: Program) -> str:
    """What the script may read, as JSON text."""
    payload, view = message.payload, MessageContext(message)
    root = payload.root if script.xml else None
    json = json_of(message) if script.json else None
    envelope = serialise(payload.envelope) if script.envelope else None
    given = {
        "json": json,
        "text": json if payload.is_json else envelope,
        "xml": None if root is None else serialise(root),
        "envelope": envelope,
        "properties": {
            "default": _plain(message.properties),
            "axis2": _plain(message.axis2),
            "transport": {name.lower(): value for name, value in message.headers},
            "operation": _plain(message.operation),
        },
        "special": {name: text_of(view.getProperty(name)) for name in SPECIAL},
        "fields": {name: view.field(name) for name in FIELDS},
        "entries": {key: view.getLocalEntry(key) for key in script.entries},
    }
    return msgspec.json.encode(given).decode()


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | bool | int | float | dict) else text_of(value)
        for name, value in values.items()
    }


_pool: list[ThreadPoolExecutor] = []
_under_way: list[int] = [0]


async def run(script: Program, given: str) -> dict[str, Any]:
    """`evaluate` on a thread of the scripts. Raises Fault also when too many wait, or when no outcome comes."""
    if not _pool:  # made at first need, after the worker was forked
        _pool.append(ThreadPoolExecutor(THREADS, thread_name_prefix="script"))
    if _under_way[0] >= WAITING:
        raise Fault(0, f"script: {WAITING} scripts are under way already")
    _under_way[0] += 1
    try:
        return await asyncio.wait_for(
            asyncio.get_running_loop().run_in_executor(_pool[0], evaluate, script, given), WAIT_S
        )
    except TimeoutError:
        raise Fault(0, f"script: no outcome within {WAIT_S:.0f} s") from None
    finally:
        _under_way[0] -= 1


def evaluate(script: Program, given: str) -> dict[str, Any]:
    """Run on a worker thread: the changes and whether the flow goes on. Raises Fault when the script fails."""
    engine = _engine()
    try:
        prelude: Callable[..., Any] = engine.eval(PRELUDE)
        finish = prelude(engine.parse_json(given))
        result: Any = None
        for text in script.texts:
            result = engine.eval(f"(function () {{\n{text}\n}})()" if script.body else text)
        if script.function:
            engine.set("__name", script.function)
            result = engine.eval("globalThis[__name](mc)")
        outcome: dict[str, Any] = msgspec.json.decode(finish(result is not False))
    except quickjs.JSException as error:
        lines = str(error).strip().splitlines()
        raise Fault(0, f"script: {lines[0] if lines else 'failed'}", str(error)[:4000]) from None
    return outcome


def apply(message: Message, outcome: dict[str, Any]) -> bool:
    """Do what the script recorded; whether the flow goes on. Raises Fault for anything else than the known calls."""
    view = MessageContext(message)
    try:
        for name, *arguments in outcome["calls"]:
            if name not in CALLS:
                raise Fault(0, f"script: unknown call {name!r}")
            getattr(view, name)(*arguments)
        return outcome["going"] is not False
    except (KeyError, TypeError, ValueError) as error:
        raise Fault(0, f"script: a change could not be taken ({error})") from error


assert SCOPES == ("default", "axis2", "transport", "operation"), "snapshot() writes these scopes"
