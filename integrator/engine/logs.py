"""Logs of the integrator: one line a record, as text (coloured on a terminal) or as JSON; always with the correlation id."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

from integrator.engine.mediators.log import TRACE
from integrator.engine.message import under_way

COLOURS = {logging.WARNING: "\x1b[33m", logging.ERROR: "\x1b[31m", logging.CRITICAL: "\x1b[31;1m"}
FIELDS = ("correlation_id", "artifact", "container")
SHOWN = ("artifact", "container", "correlation_id")


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def plain(text: str) -> str:
    """Text for a log of lines: further lines are indented and control characters named, so that no message forges a record."""
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text.replace("\r\n", "\n")).replace("\n", "\n    ")


def told_of(record: logging.LogRecord) -> dict[str, str]:
    """The fields of a record that have a value; what the line does not say itself is taken of the flow under way."""
    flow = under_way.get()
    known = {} if flow is None else {"correlation_id": flow.correlation_id, "artifact": flow.artifact}
    found = {name: getattr(record, name, "") or known.get(name, "") for name in FIELDS}
    return {name: str(text) for name, text in found.items() if text}


class TextFormatter(logging.Formatter):
    """`time LEVEL logger [artifact, its car, correlation id] text`."""

    def __init__(self, colour: bool):
        super().__init__()
        self.colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """The record as one text."""
        moment = datetime.fromtimestamp(record.created).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        told = told_of(record)
        context = f" [{' '.join(told[name] for name in SHOWN if name in told)}]" if told else ""
        line = f"{moment} {record.levelname:5} {record.name}{context} {plain(record.getMessage())}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        colour = COLOURS.get(record.levelno) if self.colour else None
        return f"{colour}{line}\x1b[0m" if colour else line


class JsonFormatter(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        values = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        values |= told_of(record)
        if record.exc_info:
            values["exception"] = self.formatException(record.exc_info)
        return json.dumps(values, ensure_ascii=False)


def configure(level: str, as_json: bool) -> None:
    """Send the integrator's logs to standard output. Raises ValueError for an unknown level."""
    logging.addLevelName(TRACE, "TRACE")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter(sys.stdout.isatty()))
    logger = logging.getLogger("integrator")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(level)
