"""One readable stream of the logs of all processes: honcho's prefixes, and JSON lines rendered for people."""

from __future__ import annotations

import json
import re
from typing import Any

from honcho.printer import Message, Printer

_HIDDEN = ("timestamp", "time", "level", "logger", "event", "message", "exception", "exc_info", "stack", "pid")
_COLOURS = {"debug": "2", "warning": "33", "error": "31", "critical": "1;31"}
_GUNICORN = re.compile(r"\[\d{4}-[^\]]+\] \[\d+\] \[(?P<level>[A-Z]+)\] (?P<text>.*)")
_REDIS = re.compile(r"\d+:(?:[A-Z]|signal-handler)\b.*? (?:\d\d:\d\d:\d\d\.\d+ [.*#-]|\(\d+\)) (?P<text>.*)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class StreamPrinter(Printer):
    """Prints raw lines to files and pipes; on a terminal it makes sentences of JSON lines."""

    def write(self, message: Message) -> None:
        """One message of a process, of one or more lines."""
        data = message.data.decode("utf-8", "replace") if isinstance(message.data, bytes) else message.data
        if self._colours_supported:
            data = render(_CONTROL.sub("", data))
        super().write(message._replace(data=data))


def render(line: str) -> str:
    """`line` as people read it: what happened, then the details; other lines without the time that the prefix has."""
    fields = _decode(line)
    if fields is None:
        return _plain(line)
    event = str(fields.get("event") or fields.get("message") or "")
    details = " ".join(f"\033[2m{key}=\033[0m{_short(value)}" for key, value in fields.items() if key not in _HIDDEN)
    level = str(fields.get("level", "info")).lower()
    head = _coloured(event, level)
    trace = fields.get("exception") or fields.get("exc_info") or ""
    return "\n".join(part for part in (f"{head}  {details}".rstrip(), str(trace)) if part)


def _plain(line: str) -> str:
    gunicorn = _GUNICORN.match(line)
    if gunicorn:
        return _coloured(gunicorn["text"], gunicorn["level"])
    redis = _REDIS.match(line)
    return _coloured(redis["text"], "warning" if "WARNING" in redis["text"] else "debug") if redis else line


def _coloured(text: str, level: str) -> str:
    colour = _COLOURS.get(level.lower())
    return f"\033[{colour}m{text}\033[0m" if colour else text


def _decode(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:199] + "…"
