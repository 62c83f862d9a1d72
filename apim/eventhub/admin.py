"""The admin site's page of gateways: what each worker runs, how far behind it is, what it refused."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from apim.accounts.admin_base import PlatformAdmin, ReadOnly
from apim.eventhub.feed import last_sequence
from apim.eventhub.masks import masked
from apim.eventhub.models import Current, Event, GatewayStatus
from apim.eventhub.queries import Gateway, describe


@admin.register(GatewayStatus)
class GatewayStatusAdmin(ReadOnly, PlatformAdmin):
    """To look at only: gateways report by themselves and are forgotten a day after the last report."""

    list_display = (
        "gateway",
        "environment",
        "host",
        "state",
        "lag",
        "seen_ago",
        "apis",
        "subscriptions",
        "refused",
        "version",
    )
    list_filter = ("environment", "host")
    search_fields = ("gateway", "host")
    fields = (
        ("gateway", "environment"),
        ("host", "pid", "version"),
        ("state", "lag", "seen_ago"),
        ("sequence", "apis", "subscriptions"),
        ("started", "seen"),
        "refusal_list",
    )
    readonly_fields = tuple(name for row in fields for name in ([row] if isinstance(row, str) else row))

    @display(
        description="state", label={"in step": "success", "behind": "warning", "refuses": "danger", "gone": "danger"}
    )
    def state(self, row: GatewayStatus) -> str:
        """One word for it."""
        seen = self._seen(row)
        if seen.gone:
            return "gone"
        return "refuses" if seen.refusals else ("behind" if seen.lag else "in step")

    @display(description="changes behind")
    def lag(self, row: GatewayStatus) -> str:
        """Changes it has still to load."""
        return f"{self._seen(row).lag:,}"

    @display(description="last report", ordering="seen")
    def seen_ago(self, row: GatewayStatus) -> str:
        """Age of the last report."""
        return f"{self._seen(row).seen_ago:.0f} s ago"

    @display(description="refused")
    def refused(self, row: GatewayStatus) -> int:
        """How many records it could not use."""
        return len(row.refusals)

    @display(description="refused records")
    def refusal_list(self, row: GatewayStatus) -> str:
        """Which, and why."""
        lines = [(r.get("kind", ""), r.get("key", ""), r.get("reason", "")) for r in row.refusals]
        return format_html_join("", "<p><b>{} {}</b><br>{}</p>", lines) or "none"

    def _seen(self, row: GatewayStatus) -> Gateway:
        return describe(row, last_sequence())


class _RecordAdmin(ReadOnly, PlatformAdmin):
    """What gateways are told, to look at: written only by actions."""

    list_display = ("sequence", "kind", "key", "organisation", "environment")
    list_filter = ("kind", "environment", "organisation")
    ordering = ("-sequence",)
    search_fields = ("key", "sequence")
    exclude = ("record",)
    readonly_fields = ("shown_record",)

    @display(description="record")
    def shown_record(self, row: Event | Current) -> str:
        """What gateways are told, without secrets of backends."""
        return format_html("<pre>{}</pre>", masked(row.record))


@admin.register(Event)
class EventAdmin(_RecordAdmin):
    """Every change in its order, as long as it is kept."""

    list_display = ("sequence", "at", "kind", "key", "organisation", "environment", "what")
    date_hierarchy = "at"

    @display(description="What", label={"change": "info", "deletion": "warning"})
    def what(self, event: Event) -> str:
        """Whether it takes the record away."""
        return "change" if event.record else "deletion"


@admin.register(Current)
class CurrentAdmin(_RecordAdmin):
    """The newest record of each kind and key: the snapshot."""
