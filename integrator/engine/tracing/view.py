"""Traces as JSON values: a line for lists, and the whole flow with what each step changed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from integrator.engine.tracing.masking import MASK, is_secret, mask
from integrator.engine.tracing.record import MAX_STEPS, Body, Call, Change, Group, StepRecord, Trace
from integrator.engine.tracing.store import size_of
from integrator.engine.xmltools import Element, child, children, local, serialise

TITLES = (
    *("name", "key", "target", "xpath", "source", "expression", "messageStore", "sequence", "endpoint", "template"),
    *("media-type", "language", "level", "class", "configKey", "id", "type"),
)
"""Attributes of which the first that is there tells best what a step does."""
MAX_CONFIGURATION = 4000


def line(trace: Trace) -> dict[str, Any]:
    """A trace as one entry of a list. Times in ms."""
    return {
        "id": trace.id,
        "artifact": trace.artifact,
        "method": trace.method,
        "target": trace.target,
        "correlationId": trace.correlation_id,
        "started": datetime.fromtimestamp(trace.started, UTC).isoformat(timespec="milliseconds"),
        "durationMs": round(trace.duration_ms, 3),
        "status": trace.status,
        "outcome": trace.outcome,
        "reason": trace.reason,
        "steps": trace.noted,
        "error": trace.error,
        "bytes": size_of(trace),
    }


def whole(trace: Trace) -> dict[str, Any]:
    """A trace with its flow. `before` and `after` are places in `bodies`, `source` in `sources`; -1 for none."""
    sources = Sources()
    flow = _group(trace.root, sources)
    return {
        **line(trace),
        "client": trace.client,
        "leftOut": trace.left_out,
        "received": [_change(change) for change in trace.start],
        "bodies": [_body(body) for body in trace.bodies],
        "sources": sources.texts,
        "flow": flow,
    }


class Sources:
    """Elements of steps as texts, each once: loops run the same step many times."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.sent = 0
        self._places: dict[int, int] = {}

    def place(self, source: Element) -> int:
        """Where the text of an element stands."""
        found = self._places.get(id(source))
        if found is None:
            found = self._places[id(source)] = len(self.texts)
            self.texts.append(configuration(source))
        return found


def _body(body: Body) -> dict[str, Any]:
    return {
        "text": body.text,
        "contentType": body.content_type,
        "size": body.size,
        "cut": body.cut,
        "note": body.note,
    }


def _change(change: Change) -> dict[str, Any]:
    return asdict(change)


def _call(call: Call) -> dict[str, Any]:
    return {
        "method": call.method,
        "url": call.url,
        "startedMs": round(call.started_ms, 3),
        "durationMs": round(call.duration_ms, 3),
        "status": call.status,
        "error": call.error,
    }


def _group(group: Group, sources: Sources) -> dict[str, Any]:
    return {
        "label": group.label,
        "start": group.start,
        "startedMs": round(group.started_ms, 3),
        "durationMs": round(group.duration_ms, 3),
        "outcome": group.outcome,
        "fault": group.fault,
        "steps": [_step(step, sources) for step in group.steps],
        "groups": _groups(group, sources),
    }


def _groups(group: Group, sources: Sources) -> list[dict[str, Any]]:
    """Lists that ran in a group; what was sent outside any step (a proxy's own endpoint) as lists of one step."""
    found = [_group(item, sources) for item in group.groups]
    found += [_sent(call, sources) for call in group.calls]
    return sorted(found, key=lambda item: item["startedMs"])


def _sent(call: Call, sources: Sources) -> dict[str, Any]:
    sources.sent += 1
    outcome = "failed" if call.error else "ok"
    times = {"startedMs": round(call.started_ms, 3), "durationMs": round(call.duration_ms, 3), "outcome": outcome}
    step = {
        "number": MAX_STEPS + sources.sent,
        "element": "endpoint",
        "title": call.url,
        "description": "",
        "file": "",
        "line": None,
        "path": "endpoint",
        "source": -1,
        "error": {},
        "before": -1,
        "after": -1,
        "changes": [],
        "calls": [_call(call)],
        "groups": [],
        **times,
    }
    return {"label": "endpoint", "start": 0, "fault": False, "steps": [step], "groups": [], **times}


def _step(step: StepRecord, sources: Sources) -> dict[str, Any]:
    place = step.chain.places[step.index]
    source = step.chain.sources[step.index] if step.index < len(step.chain.sources) else None
    return {
        "number": step.number,
        "element": place.element,
        "title": title(source) if source is not None else "",
        "description": (source.get("description") or "") if source is not None else "",
        "file": place.file,
        "line": place.line,
        "path": step.path,
        "source": sources.place(source) if source is not None else -1,
        "startedMs": round(step.started_ms, 3),
        "durationMs": round(step.duration_ms, 3),
        "outcome": step.outcome,
        "error": step.error,
        "before": step.before,
        "after": step.after,
        "changes": [_change(change) for change in step.changes],
        "calls": [_call(call) for call in step.calls],
        "groups": [_group(item, sources) for item in step.groups],
    }


def title(source: Element) -> str:
    """What tells one element from others of its kind: a name, a key, a condition, an address."""
    endpoint = child(source, "endpoint") if local(source) != "endpoint" else source
    if endpoint is not None:
        return _endpoint(endpoint)
    if source.get("source") and source.get("regex"):
        return mask(f"{source.get('source')} ~ {source.get('regex')}")[:200]
    found = next((source.get(name) for name in TITLES if source.get(name)), "")
    value = source.get("value") or source.get("expression") or ""
    if source.get("action") == "remove":
        return f"{found} removed"
    if source.get("name") and value:
        found = f"{found} = {MASK if is_secret(source.get('name')) else value}"
    return mask(str(found))[:200]


def _endpoint(endpoint: Element) -> str:
    named = endpoint.get("key") or endpoint.get("key-expression") or endpoint.get("name") or endpoint.get("template")
    inner = next(iter(children(endpoint)), None)
    where = inner.get("uri-template") or inner.get("uri") or local(inner) if inner is not None else ""
    return mask(" ".join(part for part in (named, where) if part))[:200]


def configuration(source: Element) -> str:
    """The element as it stands in its artifact, masked and cut."""
    text = serialise(source).replace(' xmlns="http://ws.apache.org/ns/synapse"', "", 1)
    return mask(text[:MAX_CONFIGURATION]) + (f"\n… ({len(text)} characters)" if len(text) > MAX_CONFIGURATION else "")
