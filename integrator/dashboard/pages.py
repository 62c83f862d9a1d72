"""Pages of the dashboard: an integrator that does not answer is shown with the reason, never as an error of ours."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from apim.errors import ApimError
from integrator.actions.control import LEVELS
from integrator.dashboard import reading
from integrator.dashboard.access import page_of, platform, shown
from integrator.dashboard.client import Node
from integrator.dashboard.highlight import source
from integrator.dashboard.kinds import KINDS, Kind, items_of
from integrator.dashboard.reading import Asked

TAIL = 48 * 1024
"""Bytes of the end of a log that are shown."""


@platform
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Every integrator with its state and figures."""
    nodes = reading.everyone()
    return shown(request, "overview", "Integrators", nodes=nodes, figures=reading.totals(nodes))


@platform
@require_GET
def node(request: HttpRequest, pk: int) -> HttpResponse:
    """One integrator: state, pictures of the last hour, what it holds, what it refused."""
    row = reading.find(pk)
    counts = [(kind, row.figures.get("kinds", {}).get(kind.resource, 0)) for kind in KINDS.values()]
    busiest = reading.ask(row, _busiest)
    return page_of(
        request,
        row,
        "node",
        row.name,
        seen=reading.seen(row),
        pictures=reading.pictures(row),
        counts=counts,
        asked=busiest,
        traces=reading.traces_of(row),
    )


def _busiest(node: Node) -> list[dict[str, Any]]:
    """Artifacts with the most requests, each with its kind, and whether it is still deployed (its kind is asked for once)."""
    found = node.get("/statistics").get("artifacts", ())
    rows = sorted(found, key=lambda one: (-one.get("requests", 0), one["name"]))[:10]
    metrics = {kind.metric: kind for kind in KINDS.values() if kind.metric}
    there: dict[str, set[str] | None] = {}
    marked = []
    for one in rows:
        word, _, name = one["name"].partition(":")
        kind = metrics.get(word)
        if kind is not None and word not in there:
            there[word] = _names(node, kind)
        names = there.get(word)
        marked.append({**_means(one), "kind": kind, "short": name, "gone": names is not None and name not in names})
    return marked


def _names(node: Node, kind: Kind) -> set[str] | None:
    """Names of what is deployed of a kind; None when the integrator does not tell."""
    try:
        return {str(item.get("name")) for item in items_of(kind, node.get(f"/{kind.resource}"))}
    except ApimError:
        return None


def _means(one: dict[str, Any]) -> dict[str, Any]:
    count = one.get("requests") or 0
    mean, percent = (1000 * one["seconds"] / count, 100 * one["errors"] / count) if count else (0, 0)
    return {**one, "mean": mean, "percent": percent}


@platform
@require_GET
def artifacts(request: HttpRequest, pk: int) -> HttpResponse:
    """Artifacts of one kind, filtered by their names."""
    row = reading.find(pk)
    kind = reading.kind_of(request.GET.get("kind") or "apis")
    search = request.GET.get("search", "")[:100]
    found = reading.artifacts(row, kind, search)
    counts = row.figures.get("kinds", {})
    kinds = [(one, counts.get(one.resource)) for one in KINDS.values()]
    return page_of(
        request, row, "artifacts", f"{kind.label} of {row.name}", kind=kind, kinds=kinds, search=search, asked=found
    )


@platform
@require_GET
def artifact(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """One artifact: state, switches, fields, figures, source."""
    row, known = reading.find(pk), reading.kind_of(kind)
    name, template = request.GET.get("name", "")[:500], request.GET.get("type", "")[:20]
    found = reading.artifact(row, known, name, template)
    item = found.value if isinstance(found.value, dict) else {}
    figures = (
        reading.ask(row, lambda one: _figures(one.get("/statistics"), f"{known.metric}:{name}")) if item else Asked()
    )
    return page_of(
        request,
        row,
        "artifact",
        f"{known.one} {name}".strip(),
        shown_tab="artifacts",
        kind=known,
        name=name,
        asked=found,
        active=known.active(item),
        traceable=known.traced and not (known.resource == "templates" and template == "endpoint"),
        tracing=item.get("tracing") == "enabled",
        counting=item.get("stats") == "enabled",
        facts=reading.rows_of(item),
        figures=figures.value,
        source=source(str(item.get("configuration") or item.get("value") or "")),
        traces=reading.traces_of(row, known, name),
    )


def _figures(found: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((_means(one) for one in found.get("artifacts", ()) if one["name"] == name), None)


@platform
@require_GET
def applications(request: HttpRequest, pk: int) -> HttpResponse:
    """Carbon applications: those that run, those that were refused, and adding one."""
    row = reading.find(pk)
    return page_of(
        request,
        row,
        "applications",
        f"Applications of {row.name}",
        asked=reading.ask(row, lambda n: n.get("/applications")),
    )


@platform
@require_GET
def logs(request: HttpRequest, pk: int) -> HttpResponse:
    """Log files, and the end of the chosen one."""
    row = reading.find(pk)
    asked = reading.ask(row, lambda one: one.get("/logs")["list"])
    names = [one.get("FileName") for one in asked.value or ()]
    chosen = request.GET.get("file") or ("integrator.log" if "integrator.log" in names else next(iter(names), ""))
    text = _tail(row, chosen) if chosen in names else Asked("")
    return page_of(request, row, "logs", f"Logs of {row.name}", asked=asked, chosen=chosen, text=text)


def _tail(row: Any, file: str) -> Asked:
    def question(one: Node) -> str:
        text = one.file("/logs", file=file, tail=str(TAIL)).decode("utf-8", "replace")
        return text if len(text) < TAIL - 4 else text.partition("\n")[2]

    return reading.ask(row, question)


@platform
@require_GET
def tail(request: HttpRequest, pk: int) -> HttpResponse:
    """The end of a log file as text, for the script that follows it."""
    found = _tail(reading.find(pk), request.GET.get("file", "")[:200])
    return HttpResponse(found.down or found.value, "text/plain; charset=utf-8", found.status if found.down else 200)


@platform
@require_GET
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """A whole log file."""
    name = request.GET.get("file", "")[:200]
    data = Node(reading.find(pk)).file("/logs", file=name)
    answer = HttpResponse(data, "text/plain; charset=utf-8")
    answer.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return answer


@platform
@require_GET
def loggers(request: HttpRequest, pk: int) -> HttpResponse:
    """Loggers with their levels, and adding one."""
    row = reading.find(pk)
    search = request.GET.get("search", "")[:100]
    asked = reading.ask(row, lambda one: one.get("/logging", searchKey=search)["list"])
    return page_of(request, row, "loggers", f"Log levels of {row.name}", asked=asked, levels=LEVELS, search=search)
