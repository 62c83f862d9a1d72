"""The admin site's pages of policies: limits in words, forms in the order people think."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from apim.accounts.admin_base import OrganisationAdmin
from apim.traffic import hooks
from apim.traffic.actions import policies
from apim.traffic.models import UNLIMITED, Policy

_IDENTITY = ("organisation", "level", "name")


@admin.register(Policy)
class PolicyAdmin(OrganisationAdmin):
    """Writes go through the actions, so that gateways follow."""

    list_display = ("name", "level_label", "limit", "burst", "billing_plan", "stop_on_quota_reach", "organisation")
    list_filter = ("level", "kind", "billing_plan", "organisation")
    search_fields = ("name", "display_name", "description")
    ordering = ("level", "amount", "name")
    fieldsets = (
        (None, {"fields": (*_IDENTITY, "display_name", "description")}),
        (
            "Limit",
            {
                "fields": (("kind", "amount", "data_unit"), ("unit_time", "time_unit")),
                "description": "No amount: no limit.",
            },
        ),
        ("Subscription policies", {"fields": (("burst_amount", "burst_unit"), "stop_on_quota_reach", "billing_plan")}),
        ("Streaming", {"fields": ("subscriber_count",), "classes": ("collapse",)}),
    )

    @display(
        description="level",
        ordering="level",
        label={"API": "info", "Application": "success", "Subscription": "warning"},
    )
    def level_label(self, policy: Policy) -> str:
        """The level as a coloured label."""
        return {"api": "API", "application": "Application", "subscription": "Subscription"}[policy.level]

    @display(description="limit", ordering="amount")
    def limit(self, policy: Policy) -> str:
        """`1,000 requests per minute`."""
        return policy.quota_text

    @display(description="burst", ordering="burst_amount")
    def burst(self, policy: Policy) -> str:
        """The spike arrest in words."""
        return policy.burst_text or "–"

    def get_readonly_fields(self, request: HttpRequest, obj: Policy | None = None) -> tuple[str, ...]:
        """Level and name are the policy's identity."""
        return _IDENTITY if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Policy | None = None) -> bool:
        """`Unlimited` stays unlimited."""
        fixed = obj is not None and obj.built_in and obj.name == UNLIMITED
        return super().has_change_permission(request, obj) and not fixed

    def has_delete_permission(self, request: HttpRequest, obj: Policy | None = None) -> bool:
        """Policies that the platform needs stay."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.name not in policies.NEEDED)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """What still uses the policies is listed as protected, before anything is tried."""
        deleted, counts, missing, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, missing, [*protected, *(use for policy in objs for use in hooks.uses(policy))]

    def perform_save(self, request: HttpRequest, obj: Policy, form: Any, change: bool) -> None:
        """Create or update by action."""
        fields = {name: getattr(obj, name) for name in policies.CHANGEABLE}
        if change:
            policies.update_policy(by=request.user, policy=obj, **fields)
            return
        made = policies.create_policy(
            by=request.user, organisation=obj.organisation, level=obj.level, name=obj.name, **fields
        )
        obj.pk = made.pk

    def perform_delete(self, request: HttpRequest, obj: Policy) -> None:
        """Delete by action."""
        policies.delete_policy(by=request.user, policy=obj)
