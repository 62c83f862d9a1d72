"""/traces: the messages that were traced, the rules that say which, and one request made to be traced. Our own addition."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from integrator.engine.message import new_id
from integrator.engine.tracing import view
from integrator.engine.tracing.record import Trace
from integrator.engine.tracing.rules import RuleError
from integrator.management_api.answers import Call, Refusal
from wire.client import AnswerTooLarge, Limits
from wire.upstream import UpstreamError

if TYPE_CHECKING:
    from integrator.engine.tracing.store import Tracing

Answer = dict[str, Any]
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
TRY_SECONDS = 8.0
"""Less than the dashboard waits for an answer."""
OURS = ("connection", "content-length", "host", "te", "transfer-encoding", "upgrade")
"""Headers of the connection itself."""
_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]{1,100}\Z", re.ASCII)
ANSWER_BYTES = 256 * 1024
MAX_LISTED = 500


def _tracing(call: Call) -> Tracing:
    return call.deployment.runtime.tracing


async def traces(call: Call) -> Answer:
    """The traces that are kept, newest first, those that fit the query. Raises Refusal."""
    tracing = _tracing(call)
    query = call.query
    found = [trace for trace in reversed(tracing.traces.values()) if _fits(trace, query)]
    limit = query.get("limit", "100")
    if not limit.isdigit() or not 0 < int(limit) <= MAX_LISTED:
        raise Refusal(400, f"limit={limit!r}: a number from 1 to {MAX_LISTED} is expected")
    given = tracing.given
    return {
        "count": len(found),
        "list": [view.line(trace) for trace in found[: int(limit)]],
        "active": tracing.active,
        "kept": {
            "count": len(tracing.traces),
            "bytes": tracing.size,
            "maxCount": given.count,
            "maxBytes": given.size,
        },
    }


def _fits(trace: Trace, query: dict[str, str]) -> bool:
    if query.get("artifact", "").lower() not in trace.artifact.lower():
        return False
    if query.get("correlationId", trace.correlation_id) not in ("", trace.correlation_id):
        return False
    if query.get("outcome", trace.outcome) not in ("", trace.outcome):
        return False
    wanted = query.get("status", "")
    if wanted and not str(trace.status).startswith(wanted.lower().removesuffix("xx")):
        return False
    text = query.get("search", "").lower()
    where = (trace.target, trace.method, trace.artifact, trace.correlation_id, str(trace.error.get("message", "")))
    return any(text in item.lower() for item in where)


async def show(call: Call) -> Answer:
    """One trace with its flow. Raises Refusal."""
    return view.whole(_found(call, _tracing(call)))


def _found(call: Call, tracing: Tracing) -> Trace:
    trace = tracing.traces.get(call.rest)
    if trace is None:
        raise Refusal(404, f"there is no trace {call.rest!r} any more")
    return trace


async def forget(call: Call) -> Answer:
    """Forget a trace, or remove a rule: `rules/ID`. Raises Refusal."""
    if call.rest.startswith("rules/"):
        return await _remove_rule(call)
    tracing = _tracing(call)
    tracing.forget(_found(call, tracing).id)
    return {"message": "the trace is forgotten"}


async def clear(call: Call) -> Answer:
    """Forget all traces."""
    return {"message": f"{_tracing(call).clear()} traces are forgotten"}


async def rules(call: Call) -> Answer:
    """The rules that hold now."""
    found = [rule.describe() for rule in _tracing(call).rules()]
    return {"count": len(found), "list": found}


async def add_rule(call: Call) -> Answer:
    """Trace messages that match the rule in the body. Raises Refusal."""
    given = await call.json()
    try:
        rule = _tracing(call).add(given)
    except RuleError as error:
        raise Refusal(400, str(error)) from error
    call.audit("created", "trace rule", rule.describe())
    return rule.describe()


async def _remove_rule(call: Call) -> Answer:
    identifier = call.rest.removeprefix("rules/")
    if not _tracing(call).remove(identifier):
        raise Refusal(404, f"there is no rule {identifier!r} that was added here")
    call.audit("deleted", "trace rule", {"id": identifier})
    return {"message": "the rule is removed"}


async def attempt(call: Call) -> Answer:
    """Send one request to our own http port and trace it. Raises Refusal."""
    tracing = _tracing(call)
    method, path, headers, body = _request(await call.json())
    identity = next((value for name, value in headers if name == b"activityid"), b"").decode("latin-1") or new_id()
    headers = [pair for pair in headers if pair[0] != b"activityid"] + [(b"activityid", identity.encode())]
    rule = tracing.add({"correlationId": identity, "count": 1, "seconds": 2 * TRY_SECONDS}, "try")
    call.audit("tried", "message", {"method": method, "path": path, "correlationId": identity})
    url = f"http://127.0.0.1:{call.deployment.runtime.settings.http_port}{path}"
    limits = Limits(connect=5.0, read=TRY_SECONDS, total=TRY_SECONDS)
    try:
        response = await call.deployment.runtime.client.request(method, url, headers, body or None, limits)
        data = await response.body(call.deployment.runtime.max_body)
    except (UpstreamError, AnswerTooLarge, ValueError) as error:
        raise Refusal(502, f"{method} {path}: {error}") from error
    finally:
        tracing.remove(rule.id)
    found = next((item for item in reversed(tracing.traces.values()) if item.correlation_id == identity), None)
    return {
        "trace": found.id if found is not None else "",
        "status": response.status,
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in response.headers],
        "body": data[:ANSWER_BYTES].decode("utf-8", "replace"),
        "size": len(data),
    }


def _request(given: dict[str, Any]) -> tuple[str, str, list[tuple[bytes, bytes]], bytes]:
    method, path = given.get("method", "GET"), given.get("path", "")
    if method not in METHODS:
        raise Refusal(400, f"field 'method': {method!r}: allowed are {', '.join(METHODS)}")
    if not isinstance(path, str) or not path.startswith("/") or any(ord(letter) < 33 for letter in path):
        raise Refusal(400, f"field 'path': {path!r}: a path that begins with / and has no white space is expected")
    headers, body = given.get("headers", {}), given.get("body", "")
    if not isinstance(headers, dict) or not isinstance(body, str):
        raise Refusal(400, "field 'headers' must be an object of texts, field 'body' a text")
    return method, path, [_header(str(name), value) for name, value in headers.items()], body.encode()


def _header(name: str, value: Any) -> tuple[bytes, bytes]:
    if not _NAME.match(name) or name.lower() in OURS:
        raise Refusal(400, f"header {name[:60]!r}: a name of letters, digits and - that is none of {', '.join(OURS)}")
    if not isinstance(value, str) or any(ord(letter) < 32 and letter != "\t" for letter in value):
        raise Refusal(400, f"header {name[:60]!r}: a text without line breaks is expected")
    return name.lower().encode(), value.encode()
