"""What the dashboard's pages show: stored states and histories, and what an integrator answers now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from apim.errors import ApimError, NotFound
from integrator.dashboard.client import Node
from integrator.dashboard.kinds import KINDS, Kind, items_of
from integrator.dashboard.pictures import curve, spark
from integrator.models import Integrator, IntegratorSample

T = TypeVar("T")
WINDOW = 240
"""Samples that a picture shows: an hour."""
SPARK = 40
STALE = timedelta(seconds=90)
"""A state that is older says only what was."""


@dataclass
class Seen:
    """An integrator as the overview shows it."""

    row: Integrator
    tone: str
    word: str
    artifacts: int = 0
    rate: float = 0.0
    failing: float = 0.0
    took_ms: float = 0.0
    line: SafeString | str = ""
    stale: bool = False


@dataclass
class Asked:
    """What an integrator answered; `down` is why it did not, and `status` what a page that is only this answer says then."""

    value: Any = None
    down: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    status: int = 503


def find(pk: int) -> Integrator:
    """A registered integrator. Raises NotFound."""
    row = Integrator.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound("There is no such integrator any more.")
    return row


def everyone() -> list[Seen]:
    """All of them, the platform's own first."""
    return [seen(row) for row in Integrator.objects.all()]


def seen(row: Integrator) -> Seen:
    """One, with its latest figures."""
    tone = {"up": "ok", "down": "bad"}.get(row.state, "warn")
    stale = row.checked is not None and timezone.now() - row.checked > STALE
    samples = latest(row, SPARK)
    last = samples[-4:]
    seconds, requests = sum(one.seconds for one in last), sum(one.requests for one in last)
    up = row.state == Integrator.State.UP
    faulty = bool(row.figures.get("faulty") or row.figures.get("refused")) and up
    return Seen(
        row=row,
        tone="warn" if faulty or stale else tone,
        word="up, with refused files" if faulty else row.get_state_display(),
        artifacts=sum(row.figures.get("kinds", {}).values()),
        rate=requests / seconds if seconds and up else 0.0,
        failing=100 * sum(one.errors for one in last) / requests if requests and up else 0.0,
        took_ms=1000 * sum(one.busy for one in last) / requests if requests and up else 0.0,
        line=spark([one.requests / one.seconds for one in samples], "Requests per second, last ten minutes"),
        stale=stale,
    )


def totals(nodes: Iterable[Seen]) -> list[dict[str, Any]]:
    """Figures above the overview."""
    held = list(nodes)
    down = sum(one.row.state == Integrator.State.DOWN for one in held)
    refused = sum(len(one.row.figures.get("refused", ())) for one in held if one.row.state == Integrator.State.UP)
    return [
        {"label": "integrators", "value": len(held)},
        {"label": "down", "value": down, "tone": "bad" if down else "ok"},
        {"label": "artifacts", "value": sum(one.artifacts for one in held)},
        {"label": "refused files", "value": refused, "tone": "bad" if refused else "ok"},
        {"label": "requests per second", "value": f"{sum(one.rate for one in held):.3g}"},
    ]


def latest(row: Integrator, count: int) -> list[IntegratorSample]:
    """The newest samples, in order of time."""
    return list(row.samples.order_by("-id")[:count])[::-1]


def pictures(row: Integrator) -> list[dict[str, Any]]:
    """Throughput, errors, latency and memory of the last hour; empty before there are two samples."""
    samples = latest(row, WINDOW)
    if len(samples) < 2:
        return []
    times = tuple(date_format(timezone.localtime(one.at), "H:i") for one in (samples[0], samples[-1]))
    drawn = (
        ("Throughput", "requests per second", "ok", [one.requests / one.seconds for one in samples]),
        ("Errors", "failed requests per minute", "bad", [60 * one.errors / one.seconds for one in samples]),
        ("Time to answer", "milliseconds, mean", "info", [1000 * one.busy / (one.requests or 1) for one in samples]),
        ("Memory", "MB", "info", [one.memory / 1024 / 1024 for one in samples]),
    )
    return [
        {"title": title, "unit": unit, "svg": curve(values, title, unit, (times[0], times[1]), tone)}
        for title, unit, tone, values in drawn
    ]


def ask(row: Integrator, question: Callable[[Node], T]) -> Asked:
    """Ask an integrator; what goes wrong is told, never raised."""
    try:
        return Asked(question(Node(row)))
    except ApimError as error:
        return Asked(down=error.description, status=error.status)


def kind_of(resource: str) -> Kind:
    """A kind of artifacts. Raises NotFound."""
    kind = KINDS.get(resource)
    if kind is None:
        raise NotFound(f"There is no kind of artifacts called {resource!r}.")
    return kind


def artifacts(row: Integrator, kind: Kind, search: str) -> Asked:
    """Artifacts of a kind whose name holds `search`, with state and switches."""

    def question(node: Node) -> list[dict[str, Any]]:
        wanted = search.lower()
        found = [
            item | {"active": kind.active(item), "facts": facts(item)}
            for item in items_of(kind, node.get(f"/{kind.resource}"))
            if wanted in str(item.get("name", "")).lower()
        ]
        return sorted(found, key=lambda item: str(item.get("name", "")).lower())

    return ask(row, question)


HIDDEN = frozenset({"name", "configuration", "tracing", "stats", "isRunning", "isActive", "status", "type", "active"})
NOTHING = ("", None, [], {}, -1, "N/A", "[ No container ]")
WORDS = {"url": "Address", "eprs": "Addresses", "wsdl1_1": "WSDL 1.1", "wsdl2_0": "WSDL 2.0", "swagger_url": "OpenAPI"}


def facts(item: dict[str, Any]) -> str:
    """The one thing of an artifact that helps to tell it from others."""
    for name in ("url", "address", "uriTemplate", "wsdl1_1", "protocol", "container", "description"):
        value = item.get(name)
        if isinstance(value, str) and value and value != "[ No container ]":
            return value
    return str(item["size"]) + " messages" if "size" in item else ""


def artifact(row: Integrator, kind: Kind, name: str, template: str) -> Asked:
    """One artifact with its source, and its figures."""

    def question(node: Node) -> dict[str, Any]:
        query = {kind.parameter: name} | ({"type": template} if kind.resource == "templates" and template else {})
        return node.get(f"/{kind.resource}", **query)

    return ask(row, question)


def rows_of(item: dict[str, Any]) -> list[tuple[str, str]]:
    """Fields of an artifact in words: (label, text)."""
    found = []
    for name, value in item.items():
        if name in HIDDEN or value in NOTHING:
            continue
        found.append((_label(name), _text(value)))
    return found


def _label(name: str) -> str:
    if name in WORDS:
        return WORDS[name]
    spaced = "".join(f" {char.lower()}" if char.isupper() else char for char in name).replace("_", " ").strip()
    return spaced[:1].upper() + spaced[1:]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(_text(one) for one in value[:100])
    if isinstance(value, dict):
        if value.keys() == {"methods", "url"}:
            return f"{' '.join(value['methods'])}  {value['url']}"
        return "  ".join(f"{key}: {_text(one)}" for key, one in value.items())
    return str(value)


def traces_of(row: Integrator, kind: Kind | None = None, name: str = "") -> str:
    """Address of the traces of an integrator or of one artifact; empty when there is no such page or the kind has none."""
    if kind is not None and not kind.traced:
        return ""
    try:
        place = reverse("integrator:traces")
    except NoReverseMatch:
        return ""
    query = {"node": str(row.pk)}
    if kind is not None:
        query["artifact"] = f"{kind.metric or kind.resource.removesuffix('s')}:{name}"
    return f"{place}?{urlencode(query)}"
