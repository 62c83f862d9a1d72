"""Pages of message traces: the list of an integrator, one trace as a flow, and a step of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apim.errors import ApimError, NotFound
from apim.ui.forms import add_errors
from integrator.actions import traces as actions
from integrator.actions.nodes import require_platform
from integrator.dashboard.client import Node, NodeDown, NodeRefused
from integrator.models import Integrator
from integrator.traces.difference import body_of, lines_of
from integrator.traces.flow import Flow, flow_of, scopes_of
from integrator.traces.forms import RuleForm, TryForm
from integrator.traces.reading import opened_trace

FILTERS = ("search", "artifact", "outcome", "status")
LISTED = 200
SESSION = "traces opened"
MOST_OPENED = 50


def _integrator(pk: int | None = None) -> Integrator | None:
    """An integrator by its number, else the platform's own, else the first. Raises NotFound for a wrong number."""
    if pk is None:
        return Integrator.objects.order_by("-local", "name").first()
    row = Integrator.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound("There is no such integrator any more.")
    return row


@never_cache
@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The traces of one integrator, with filters, and what is traced."""
    require_platform(request.user)
    asked = request.GET.get("node", "")
    row = _integrator(int(asked) if asked.isdigit() else None)
    return _index(request, row, RuleForm(), TryForm())


def _index(request: HttpRequest, row: Integrator | None, rule: RuleForm, attempt: TryForm) -> HttpResponse:
    filters = {name: request.GET.get(name, "")[:200] for name in FILTERS}
    context: dict[str, Any] = {"row": row, "rows": Integrator.objects.all(), "filters": filters}
    context |= {"filtered": any(filters.values()), "rule": rule, "attempt": attempt, "found": None, "down": ""}
    if row is not None:
        node = Node(row)
        try:
            query = {name: value for name, value in filters.items() if value}
            context["found"] = found = node.get("/traces", limit=str(LISTED), **query)
            for trace in found["list"]:
                trace["moment"] = datetime.fromisoformat(trace["started"])
            context["rules"] = node.get("/traces/rules")["list"]
        except (NodeDown, NodeRefused) as error:
            context["down"] = error.description
    return render(request, "integrator/traces/list.html", context)


@never_cache
@login_required
@require_GET
def show(request: HttpRequest, pk: int, identifier: UUID) -> HttpResponse:
    """One trace as a flow; `step` names the one whose changes are shown, `part` asks for these alone."""
    row = _integrator(pk)
    assert row is not None
    number, part = request.GET.get("step", ""), "part" in request.GET
    trace = _opened(request, row, str(identifier), noted=part)
    flow = flow_of(trace)
    if part:
        return render(request, "integrator/traces/step.html", _step(trace, flow, number))
    trace["moment"] = datetime.fromisoformat(trace["started"])
    step = _step(trace, flow, number or str(flow.failed or ""))
    return render(request, "integrator/traces/trace.html", {"row": row, "trace": trace, "flow": flow, **step})


def _opened(request: HttpRequest, row: Integrator, identifier: str, *, noted: bool) -> dict[str, Any]:
    """The trace; that it was opened is noted once, not again for each step that is looked at."""
    held: list[str] = request.session.get(SESSION, [])
    if noted and identifier in held:
        return opened_trace(by=request.user, row=row, identifier=identifier)
    trace = actions.open_trace(by=request.user, row=row, identifier=identifier)
    request.session[SESSION] = [*(one for one in held if one != identifier), identifier][-MOST_OPENED:]
    return trace


def _step(trace: dict[str, Any], flow: Flow, number: str) -> dict[str, Any]:
    """What a step changed; without a number what came with the message."""
    step = flow.steps.get(int(number)) if number.isdigit() else None
    if step is None:
        received = body_of(trace, 0)
        return {
            "step": None,
            "number": 0,
            "scopes": scopes_of(trace["received"]),
            "after": received,
            "total": flow.total_ms,
        }
    before, after = body_of(trace, step["before"]), body_of(trace, step["after"])
    changed = step["before"] != step["after"] and before is not None and after is not None
    sources = trace.get("sources", [])
    return {
        "step": step,
        "number": step["number"],
        "scopes": scopes_of(step["changes"]),
        "before": before,
        "after": after,
        "changed": changed,
        "lines": lines_of(before["text"], after["text"]) if changed and before and after else [],
        "source": sources[step["source"]] if 0 <= step["source"] < len(sources) else "",
        "total": flow.total_ms,
    }


def _listed(row: Integrator) -> str:
    return f"{reverse('integrator:traces')}?node={row.pk}"


@login_required
@require_POST
def add_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Trace messages that match."""
    row, form = _integrator(pk), RuleForm(request.POST)
    assert row is not None
    if form.is_valid():
        try:
            actions.add_rule(by=request.user, row=row, rule=form.rule())
            messages.success(request, "Messages that match are traced from now on.")
            return redirect(_listed(row))
        except (NodeRefused, NodeDown) as error:
            form.add_error(None, error.description)
        except ApimError as error:
            if error.status == 403:
                raise
            add_errors(form, error)
    require_platform(request.user)
    return _index(request, row, form, TryForm())


@login_required
@require_POST
def remove_rule(request: HttpRequest, pk: int, identifier: str) -> HttpResponse:
    """Trace them no more."""
    row = _integrator(pk)
    assert row is not None
    actions.remove_rule(by=request.user, row=row, identifier=identifier)
    messages.success(request, "The rule is removed.")
    return redirect(_listed(row))


@login_required
@require_POST
def clear(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget all traces."""
    row = _integrator(pk)
    assert row is not None
    actions.clear(by=request.user, row=row)
    messages.success(request, "All traces are forgotten.")
    return redirect(_listed(row))


@login_required
@require_POST
def attempt(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a request, then show its trace."""
    row, form = _integrator(pk), TryForm(request.POST)
    assert row is not None
    if form.is_valid():
        try:
            found = actions.attempt(by=request.user, row=row, request=form.request())
        except (NodeRefused, NodeDown) as error:
            form.add_error(None, error.description)
        else:
            if found.get("trace"):
                return redirect("integrator:trace", row.pk, found["trace"])
            form.add_error(None, f"It was answered {found.get('status')}, but no API, proxy or sequence ran.")
    require_platform(request.user)
    return _index(request, row, RuleForm(), form)
