"""Log lines of the gateway: one JSON object a line for machines, or a short coloured line for people."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

COLOURS = {"DEBUG": "\x1b[2m", "INFO": "\x1b[36m", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31;1m"}


class JsonLines(logging.Formatter):
    """A record and its `fields` as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        } | getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class Console(logging.Formatter):
    """A record and its `fields` for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, more for an exception."""
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, "fields", {}).items() if value != "")
        text = f"{moment} {COLOURS.get(record.levelname, '')}{record.getMessage()}\x1b[0m {fields}".rstrip()
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def set_up(form: str) -> None:
    """Sends the data plane's loggers to standard error in `form`: "json" or "console"."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Console() if form == "console" else JsonLines())
    for name in ("gateway", "wire"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False
