"""The dashboard's own cards. They look the rooms' models up by name: `ui` stands below the rooms and imports none of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apim.accounts.queries import audit_rows, sees_every_organisation
from apim.ui.dashboard import Figure, Table, card
from apim.ui.templatetags.ui import ago

if TYPE_CHECKING:
    from apim.accounts.models import User

GONE_AFTER = timedelta(seconds=60)
_ROWS = 8


def _list_of(model: str, query: str = "") -> str:
    app, name = model.lower().split(".")
    try:
        return reverse(f"admin:{app}_{name}_changelist") + query
    except NoReverseMatch:
        return ""


def _own(model: str, user: User) -> QuerySet[Any]:
    rows = apps.get_model(model)._default_manager.all()
    return rows if sees_every_organisation(user) else rows.filter(organisation=user.organisation)


def _badge(tone: str, text: str) -> SafeString:
    return format_html('<span class="apim-badge apim-{}">{}</span>', tone, text)


@card("APIs", order=1)
def apis(user: User) -> Figure:
    """All of the organisation."""
    return Figure("APIs", _own("publisher.Api", user).count(), more=_list_of("publisher.Api"))


@card("Published", order=2)
def published(user: User) -> Figure:
    """Those that can be called."""
    found = _own("publisher.Api", user).filter(state="PUBLISHED").count()
    return Figure("published", found, more=_list_of("publisher.Api", "?state__exact=PUBLISHED"))


@card("Applications", order=3)
def applications(user: User) -> Figure:
    """Of developers."""
    return Figure("applications", _own("portal.Application", user).count(), more=_list_of("portal.Application"))


@card("Subscriptions", order=4)
def subscriptions(user: User) -> Figure:
    """In every state."""
    return Figure("subscriptions", _own("portal.Subscription", user).count(), more=_list_of("portal.Subscription"))


@card("People", order=5)
def people(user: User) -> Figure:
    """Who can log in."""
    return Figure("people", _own("accounts.User", user).filter(is_active=True).count(), more=_list_of("accounts.User"))


@card("Failed tasks", order=6, platform=True)
def failures(user: User) -> Figure:
    """Runs of tasks and message processors that failed within a day."""
    since = timezone.now() - timedelta(days=1)
    failed = apps.get_model("integrator.TaskRun").objects.filter(ok=False, started__gte=since).count()
    more = _list_of("integrator.TaskRun", "?ok__exact=0")
    return Figure("failed tasks, 24 h", failed, "bad" if failed else "ok", more)


@card("Refused artifacts", order=7, platform=True)
def refused(user: User) -> Figure:
    """Files that the integrator could not deploy; what ran before them goes on."""
    found = apps.get_model("integrator.ArtifactStatus").objects.filter(deployed=False).count()
    more = _list_of("integrator.ArtifactStatus", "?deployed__exact=0")
    return Figure("refused artifacts", found, "bad" if found else "ok", more)


@card("Gateways", order=10, platform=True)
def gateways(user: User) -> Table:
    """What each gateway worker runs, and how far behind it is."""
    newest = apps.get_model("eventhub.Counter").objects.filter(pk=1).values_list("last", flat=True).first() or 0
    rows = apps.get_model("eventhub.GatewayStatus").objects.order_by("-seen")[:_ROWS]
    header = ("Gateway", "Environment", "State", "Behind", "APIs", "Refused", "Seen")
    return Table(
        header, [_gateway(row, newest) for row in rows], "No gateway has reported.", _list_of("eventhub.GatewayStatus")
    )


def _gateway(row: Any, newest: int) -> tuple[Any, ...]:
    behind = max(0, newest - row.sequence)
    if timezone.now() - row.seen > GONE_AFTER:
        state = _badge("bad", "gone")
    elif row.refusals:
        state = _badge("warn", "refuses")
    else:
        state = _badge("warn", "catching up") if behind else _badge("ok", "up to date")
    name = f"{row.host} · {row.pid}"
    return name, row.environment, state, behind, row.apis, len(row.refusals), ago(row.seen)


@card("Failed tasks and processors", order=20, platform=True)
def failed_runs(user: User) -> Table:
    """The newest failures with their reason."""
    runs = apps.get_model("integrator.TaskRun").objects.filter(ok=False).order_by("-id")[:_ROWS]
    rows = [
        (run.name, run.get_kind_display(), ago(run.started), run.error.strip().split("\n")[-1][:140]) for run in runs
    ]
    more = _list_of("integrator.TaskRun", "?ok__exact=0")
    return Table(("Name", "Kind", "When", "Error"), rows, "No task has failed.", more)


@card("Recent changes", order=30)
def recent_changes(user: User) -> Table:
    """The newest audit rows of the user's organisation."""
    rows = [(ago(r.at), r.actor, r.action, r.target_name) for r in audit_rows(user.organisation)[:_ROWS]]
    return Table(
        ("When", "Who", "What", "To what"), rows, "Nothing has been changed yet.", _list_of("accounts.AuditRow")
    )
