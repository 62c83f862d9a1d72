"""Runs JavaScript in QuickJS: an engine without files, network, modules or clock other than Date, in a process of its own.

A script gets a copy of what it may read and hands back the list of what it changed, so that nothing of the host can be reached
from inside. Each run has an engine of its own: no variable of one message is seen by the next. What ignores the engine's limits
(one regular expression without end, a crash of the engine) ends its process, and the next script gets another one.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from integrator.engine.errors import Fault
from integrator.engine.expressions.values import text_of
from integrator.engine.message import Message
from integrator.engine.scripting.context import ADDRESSES, FIELDS, FLAGS, SCOPES, MessageContext, json_of
from integrator.engine.xmltools import serialise
from wire.sandbox import Limits, Sandbox, ScriptError

LIMITS = Limits(memory=64 * 1024 * 1024, stack=256 * 1024, seconds=1.0, processes=3, waiting=256, wait_s=30.0)
SANDBOX = Sandbox(LIMITS, Path(__file__).with_name("mc.js"))
SPECIAL = ("To", "MessageID", "From", "Action", "MESSAGE_FORMAT", "SYSTEM_TIME")
"""Names that getProperty reads though they are no properties."""
KEPT = 512
"""Checked scripts that are kept."""

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


_programs: dict[tuple[tuple[str, ...], str], Program] = {}


async def program_of(texts: tuple[str, ...], function: str) -> Program:
    """`program`, beside the event loop when the script is new."""
    found = _programs.get((texts, function))
    return found if found is not None else await asyncio.to_thread(program, texts, function)


def program(texts: tuple[str, ...], function: str) -> Program:
    """Check a script; blocks when it is new. Raises ValueError with the engine's reason."""
    found = _programs.get((texts, function))
    if found is not None:
        return found
    for text in texts:
        problem = syntax(text, bool(function))
        if problem:
            raise ValueError(problem)
    whole = "\n".join(texts)
    every = _ANY.search(whole) is not None
    if len(_programs) >= KEPT:
        _programs.clear()
    made = _programs[texts, function] = Program(
        texts,
        function,
        body=_returns(texts[-1]) if not function else False,
        json=every or "PayloadJSON" in whole or "PayloadText" in whole,
        xml=every or "PayloadXML" in whole,
        envelope=every or "Envelope" in whole or "PayloadText" in whole,
        entries=tuple(dict.fromkeys(_ENTRY.findall(whole))),
    )
    return made


def syntax(text: str, file: bool) -> str:
    """What is wrong with the text, empty when nothing is. A script without function may `return`."""
    problem = _problem(f"if (false) {{\n{text}\n}}")
    return _problem(f"(function () {{\n{text}\n}})") if problem and not file else problem


def _returns(text: str) -> bool:
    return bool(_problem(f"if (false) {{\n{text}\n}}"))


def _problem(text: str) -> str:
    try:
        SANDBOX.evaluate([("eval", text)])
    except ScriptError as error:
        return (str(error).strip() or "failed").splitlines()[0]
    return ""


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


async def run(script: Program, given: str) -> dict[str, Any]:
    """The changes, and whether the flow goes on. Raises Fault when the script fails, or too many run."""
    steps = [("given", given)]
    steps += [("eval", f"(function () {{\n{text}\n}})()" if script.body else text) for text in script.texts]
    if script.function:
        steps.append(("call", script.function))
    try:
        outcome: dict[str, Any] = msgspec.json.decode(await SANDBOX.run(steps) or "null")
    except ScriptError as error:
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
