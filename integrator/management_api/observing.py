"""/logging, /logs, /configs, /transactions and /statistics."""

from __future__ import annotations

import resource
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrator.engine.metrics import VERSION, Figures, figures
from integrator.engine.observe.files import LARGEST
from integrator.engine.observe.loggers import ROOT, Logger, LoggerError
from integrator.management_api import resources
from integrator.management_api.answers import Call, Raw, Refusal, listed, text_of

CORRELATION = "correlation"
MOST_REFUSED = 50
LONGEST_TAIL = 1024 * 1024
PAGE = resource.getpagesize()


async def loggers(call: Call) -> dict[str, Any]:
    """All loggers, or one by loggerName."""
    known = call.management.monitor.loggers
    if "loggerName" in call.query:
        found = known.get(call.query["loggerName"])
        if found is None:
            raise Refusal(404, f"Logger name ('{call.query['loggerName'][:100]}') not found")
        return _logger(found)
    return listed([_logger(one) for one in known.all()], call.query, "loggerName")


def _logger(found: Logger) -> dict[str, Any]:
    return {"loggerName": found.name, "level": found.level, "componentName": found.component or "Not available"}


async def set_level(call: Call) -> dict[str, Any]:
    """Another level for a logger; with loggerClass a new logger."""
    body = await call.json()
    name, level = text_of(body, "loggerName"), text_of(body, "loggingLevel")
    component = text_of(body, "loggerClass") if "loggerClass" in body else None
    try:
        new = call.management.monitor.loggers.set(name, level, component)
    except LoggerError as error:
        raise Refusal(400, str(error)) from error
    except LookupError as error:
        raise Refusal(
            404, f"Logger name ('{name[:100]}') not found; a new one needs the field 'loggerClass'"
        ) from error
    call.audit("created" if new else "updated", "log_level", {"loggerName": name, "loggingLevel": level})
    if new:
        told = f"Successfully added logger for ('{name}') with level {level.upper()} for class {component}"
    elif name == ROOT:
        told = f"Successfully updated rootLogger level to {level.upper()}"
    else:
        told = f"Successfully updated log level for ('{name}') to {level.upper()}"
    return {"message": told}


async def logs(call: Call) -> dict[str, Any] | Raw:
    """All log files, or the text of one by `file`; `tail` asks for that many bytes of its end."""
    files = call.management.monitor.files
    if "file" not in call.query:
        found = await call.management.run(files.listed)
        return listed([{"FileName": name, "Size": _size(size)} for name, size in found], call.query, "FileName")
    path = files.path(call.query["file"])
    if path is None:
        raise Refusal(404, f"log file {call.query['file'][:100]!r} does not exist")
    given = call.query.get("tail", "")
    if given and not (given.isascii() and given.isdigit() and 0 < int(given[:9]) <= LONGEST_TAIL):
        raise Refusal(400, f"query parameter 'tail': {given[:20]!r}: a number of bytes from 1 to {LONGEST_TAIL}")
    data = await call.management.run(_end, path, int(given) if given else LARGEST * 2)
    return Raw(data, file=path.name)


def _end(path: Path, most: int) -> bytes:
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - most))
        return stream.read(most)


def _size(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size / 1024:.1f} KB" if size < 1024**2 else f"{size / 1024**2:.1f} MB"


async def config(call: Call) -> dict[str, Any]:
    """The switch of the correlation log."""
    _config_name(call.query.get("configName", ""))
    on = call.management.monitor.taps.correlation
    return {"configName": CORRELATION, "configs": {"enabled": "true" if on else "false"}}


async def set_config(call: Call) -> dict[str, Any]:
    """Switch the correlation log."""
    body = await call.json()
    _config_name(text_of(body, "configName"))
    configs = body.get("configs")
    enabled = configs.get("enabled") if isinstance(configs, dict) else None
    if enabled not in (True, False, "true", "false"):
        raise Refusal(400, f"field 'configs.enabled': {enabled!r}: allowed are true, false")
    taps = call.management.monitor.taps
    taps.correlation = enabled in (True, "true")
    taps.follow()
    call.audit("updated", "correlation_log", {"enabled": taps.correlation})
    return {"message": "Successfully Updated Correlation Logs Status"}


def _config_name(name: str) -> None:
    if name != CORRELATION:
        raise Refusal(400, f"configName {name[:100]!r}: allowed is {CORRELATION}")


async def transactions_count(call: Call) -> dict[str, Any]:
    """Requests of a month, by default of this one."""
    counter, now = call.management.monitor.transactions, datetime.now(UTC)
    if ("year" in call.query) != ("month" in call.query):
        raise Refusal(400, "query parameters 'year' and 'month': both or none")
    year, month = _number(call, "year", now.year, 1970, 9999), _number(call, "month", now.month, 1, 12)
    await call.management.run(counter.update)
    count = counter.count(year, month)
    return {"Year": year, "Month": month, "TransactionCount": count}


def _number(call: Call, name: str, default: int, least: int, most: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
        raise Refusal(400, f"query parameter {name!r}: {text[:20]!r}: a number from {least} to {most} is expected")
    return int(text)


async def transactions_report(call: Call) -> dict[str, Any]:
    """Requests by month from `start` to `end` (yyyy-MM), by default to this month."""
    start, end = _month(call.required("start"), "start"), _month(call.query.get("end", ""), "end")
    counter = call.management.monitor.transactions
    await call.management.run(counter.update)
    rows = [[month, count] for month, count in sorted(counter.months.items()) if start <= month <= end]
    return {"TransactionCountData": [["Month", "TransactionCount"], *rows]}


def _month(text: str, name: str) -> str:
    if not text:
        return datetime.now(UTC).strftime("%Y-%m")
    try:
        return datetime.strptime(text, "%Y-%m").strftime("%Y-%m")
    except ValueError as error:
        raise Refusal(400, f"query parameter {name!r}: {text[:20]!r}: a month of the form yyyy-MM") from error


async def statistics(call: Call) -> dict[str, Any]:
    """What a dashboard draws: requests, errors and seconds by artifact since the start, memory in bytes (our addition)."""
    found, deployment = figures(), call.deployment
    return {
        "productVersion": VERSION,
        "kinds": resources.counts(deployment),
        "applications": len(deployment.applications),
        "faulty": len({one.place.file.partition("!")[0] for one in deployment.errors if ".car" in one.place.file}),
        "refused": [str(one)[:500] for one in deployment.errors[:MOST_REFUSED]],
        "uptimeSeconds": round(call.management.uptime()),
        "memoryBytes": await call.management.run(_memory),
        "requests": sum(one.requests for one in found.values()),
        "errors": sum(one.errors for one in found.values()),
        "artifacts": [_figures(name, one) for name, one in sorted(found.items()) if name],
    }


def _figures(name: str, one: Figures) -> dict[str, Any]:
    return {"name": name, "requests": one.requests, "errors": one.errors, "seconds": round(one.seconds, 3)}


def _memory() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
