"""Looks at every registered integrator from time to time, and keeps what it saw: state, figures, and a bounded history."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apim.errors import ApimError
from integrator.dashboard.client import Node, NodeRefused
from integrator.dashboard.kinds import KINDS, items_of
from integrator.models import Integrator, IntegratorSample

log = structlog.get_logger(__name__)
KEPT = 960
"""Samples of each integrator: four hours of one every 15 s."""
AT_ONCE = 8
LOCAL = "Platform integrator"


@dataclass
class Look:
    """What one look came to; `reason` is why it failed."""

    reason: str = ""
    version: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


def ensure_local() -> Integrator:
    """The row of the integrator that the platform itself starts; its password is in the secrets folder."""
    url = f"https://localhost:{settings.APIM.port(9164)}"
    row = Integrator.objects.filter(local=True).first()
    if row is None:
        name = LOCAL if not Integrator.objects.filter(name=LOCAL).exists() else f"{LOCAL} (own)"
        return Integrator.objects.create(name=name, url=url, local=True)
    if row.url != url:
        Integrator.objects.filter(pk=row.pk).update(url=url)
    return row


def watch_all() -> None:
    """Look at all of them, some at the same time."""
    rows = list(Integrator.objects.all())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        looks = list(pool.map(_look_apart, rows))
    for row, look in zip(rows, looks, strict=True):
        keep(row, look)


def watch(row: Integrator) -> Integrator:
    """Look at one now; the row as it is then."""
    keep(row, look_at(row))
    return Integrator.objects.get(pk=row.pk)


def _look_apart(row: Integrator) -> Look:
    try:
        return look_at(row)
    finally:
        connection.close()


def look_at(row: Integrator) -> Look:
    """Ask an integrator how it is. Touches no row."""
    node = Node(row)
    try:
        found = node.get("/statistics")
        found = found if "kinds" in found else _gathered(node)
    except NodeRefused:
        found = _gathered_safely(node)
    except ApimError as error:
        return Look(reason=error.description)
    if "reason" in found:
        return Look(reason=str(found["reason"]))
    kinds = found["kinds"] if isinstance(found["kinds"], dict) else {}
    return Look(
        version=str(found.get("productVersion", ""))[:60],
        figures={
            "memory": _number(found.get("memoryBytes")),
            "uptime": _number(found.get("uptimeSeconds")),
            "requests": _number(found.get("requests")),
            "errors": _number(found.get("errors")),
            "busy": sum(float(one.get("seconds") or 0) for one in found.get("artifacts", ())),
            "kinds": {str(name): _number(count) for name, count in kinds.items()},
            "applications": _number(found.get("applications")),
            "faulty": _number(found.get("faulty")),
            "refused": [shorten(str(one), 1000, placeholder=" …") for one in found.get("refused", ())][:50],
        },
    )


def _gathered_safely(node: Node) -> dict[str, Any]:
    try:
        return _gathered(node)
    except ApimError as error:
        return {"reason": error.description}


def _gathered(node: Node) -> dict[str, Any]:
    """What can be told of an integrator without our own addition, such as an original one: counts, no figures."""
    server, cars = node.get("/server"), node.get("/applications")
    kinds = {}
    for kind in KINDS.values():
        try:
            kinds[kind.resource] = len(items_of(kind, node.get(f"/{kind.resource}")))
        except NodeRefused:
            kinds[kind.resource] = 0
    told = {"productVersion": server.get("productVersion"), "kinds": kinds}
    return told | {"applications": cars.get("activeCount"), "faulty": cars.get("faultyCount")}


def keep(row: Integrator, look: Look) -> None:
    """Note a look: state, figures, and what happened since the look before."""
    now = timezone.now()
    with transaction.atomic():
        held = Integrator.objects.select_for_update().filter(pk=row.pk).first()
        if held is None:
            return
        if look.reason:
            if held.state != Integrator.State.DOWN:
                log.warning("integrator.down", name=held.name, reason=look.reason)
            held.state, held.reason, held.checked = Integrator.State.DOWN, look.reason[:500], now
            held.save(update_fields=["state", "reason", "checked"])
            return
        _sample(held, look.figures, now)
        held.state, held.reason, held.version = Integrator.State.UP, "", look.version
        held.checked = held.seen = now
        held.figures = look.figures
        held.save(update_fields=["state", "reason", "version", "checked", "seen", "figures"])


def _sample(row: Integrator, figures: dict[str, Any], now: Any) -> None:
    before = row.figures
    if row.seen is None:
        return
    seconds = (now - row.seen).total_seconds()
    if seconds < 1:
        return
    again = figures["uptime"] < before.get("uptime", 0)

    def since(name: str) -> Any:
        return max(0, figures[name] - (0 if again else before.get(name, 0)))

    IntegratorSample.objects.create(
        integrator=row,
        at=now,
        seconds=seconds,
        requests=since("requests"),
        errors=since("errors"),
        busy=since("busy"),
        memory=figures["memory"],
    )
    oldest = row.samples.order_by("-id").values_list("id", flat=True)[KEPT : KEPT + 1].first()
    if oldest is not None:
        row.samples.filter(id__lte=oldest).delete()


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0
