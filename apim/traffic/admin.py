"""The admin site's pages of policies: limits in words, forms in the order people think, conditions in their groups."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import StackedInline, TabularInline
from unfold.decorators import display

from apim.accounts.admin_base import OrganisationAdmin, PlatformAdmin
from apim.traffic import hooks
from apim.traffic.actions import denials, policies, rules
from apim.traffic.actions.groups import CONDITION, GROUP
from apim.traffic.models import UNLIMITED, Condition, ConditionalGroup, CustomRule, DenyPolicy, Level, Policy

EXAMPLE = """FROM RequestStream
SELECT userId, (userId == 'bob@carbon.super') AS isEligible, userId AS throttleKey
INSERT INTO EligibilityStream;

FROM EligibilityStream[isEligible==true]#throttler:timeBatch(1 min)
SELECT throttleKey, (count(userId) >= 10) AS isThrottled, expiryTimeStamp GROUP BY throttleKey
INSERT ALL EVENTS INTO ResultStream;
"""
"""What a new custom rule's form begins with."""

_IDENTITY = ("organisation", "level", "name")


class ConditionInline(TabularInline):
    """The conditions of a group."""

    model = Condition
    fields = ("kind", "name", "value", "end", "invert")
    extra = 1
    max_num = 20
    verbose_name = "condition"


class GroupInline(StackedInline):
    """The conditional groups of an advanced policy. What is entered goes to the action; nothing is saved here."""

    model = ConditionalGroup
    inlines = (ConditionInline,)
    fields = ("description", ("amount", "kind"), ("unit_time", "time_unit"), "data_unit", "sliding")
    extra = 0
    max_num = 50
    verbose_name_plural = (
        "Conditional groups: calls that meet all conditions of a group have its limit, the others the one above"
    )


@admin.register(Policy)
class PolicyAdmin(OrganisationAdmin):
    """Writes go through the actions, so that gateways follow."""

    list_display = ("name", "level_label", "limit", "burst", "billing_plan", "stop_on_quota_reach", "organisation")
    list_filter = ("level", "kind", "billing_plan", "organisation")
    search_fields = ("name", "display_name", "description")
    ordering = ("level", "amount", "name")
    inlines = (GroupInline,)
    fieldsets = (
        (None, {"fields": (*_IDENTITY, "display_name", "description")}),
        (
            "Limit",
            {
                "fields": (("amount", "kind"), ("unit_time", "time_unit"), "data_unit", "sliding"),
                "description": "No amount: no limit. The data unit is that of a bandwidth.",
            },
        ),
        (
            "Subscription and application policies",
            {"fields": (("burst_amount", "burst_unit"), "stop_on_quota_reach", "billing_plan")},
        ),
        (
            "GraphQL and streaming",
            {"fields": (("graphql_max_depth", "graphql_max_complexity"), "subscriber_count"), "classes": ("collapse",)},
        ),
        (
            "Who may choose it",
            {"fields": ("permission", "roles", "custom_attributes"), "classes": ("collapse",)},
        ),
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
        """`1,000 requests per minute`, and how many groups there are besides."""
        number = policy.groups.count() if policy.level == Level.API else 0
        return policy.quota_text + (f" + {number} group{'s' if number != 1 else ''}" if number else "")

    @display(description="burst", ordering="burst_amount")
    def burst(self, policy: Policy) -> str:
        """The spike arrest in words."""
        return policy.burst_text or "–"

    def get_inlines(self, request: HttpRequest, obj: Policy | None = None) -> Any:
        """Other levels than the API's have no groups."""
        return () if obj is not None and obj.level != Level.API else self.inlines

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
        missing -= {ConditionalGroup._meta.verbose_name, Condition._meta.verbose_name}
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
        obj._state.adding = False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Groups and conditions, by action, when any of them was touched."""
        for formset in formsets:
            if formset.model is ConditionalGroup and _touched(formset):
                policies.update_policy(by=request.user, policy=form.instance, groups=_entered(formset))

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Django's own history has the policy's fields; the audit trail has everything."""
        return super().construct_change_message(request, form, [], add)

    def perform_delete(self, request: HttpRequest, obj: Policy) -> None:
        """Delete by action."""
        policies.delete_policy(by=request.user, policy=obj)


@admin.register(DenyPolicy)
class DenyPolicyAdmin(OrganisationAdmin):
    """Deny policies with their switch in the list."""

    list_display = ("value", "kind", "inverted", "active", "organisation")
    list_display_links = ("value",)
    list_editable = ("active",)
    list_filter = ("kind", "active", "organisation")
    search_fields = ("value",)
    fields = ("organisation", "kind", "value", "invert", "active")

    @display(description="refuses", label={"everybody else": "warning", "this": "info"})
    def inverted(self, policy: DenyPolicy) -> str:
        """Whom it refuses."""
        return "everybody else" if policy.invert else "this"

    def get_readonly_fields(self, request: HttpRequest, obj: DenyPolicy | None = None) -> tuple[str, ...]:
        """It stays in its organisation."""
        return ("organisation",) if obj else ()

    def perform_save(self, request: HttpRequest, obj: DenyPolicy, form: Any, change: bool) -> None:
        """Create, switch or update by action."""
        fields = {name: getattr(obj, name) for name in ("kind", "value", "invert", "active")}
        if change and form.changed_data == ["active"]:
            denials.switch_deny_policy(by=request.user, policy=obj, active=obj.active)
        elif change:
            denials.update_deny_policy(by=request.user, policy=obj, **fields)
        else:
            obj.pk = denials.create_deny_policy(by=request.user, organisation=obj.organisation, **fields).pk

    def perform_delete(self, request: HttpRequest, obj: DenyPolicy) -> None:
        """Delete by action."""
        denials.delete_deny_policy(by=request.user, policy=obj)


@admin.register(CustomRule)
class CustomRuleAdmin(PlatformAdmin):
    """Custom rules, for administrators of the platform."""

    list_display = ("name", "key_template", "description")
    search_fields = ("name", "description", "query")
    fields = ("name", "description", "key_template", "query")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A rule that works, to be changed."""
        return {"key_template": "$userId"} | super().get_changeform_initial_data(request) | {"query": EXAMPLE}

    def get_readonly_fields(self, request: HttpRequest, obj: CustomRule | None = None) -> tuple[str, ...]:
        """The name is its identity."""
        return ("name",) if obj else ()

    def perform_save(self, request: HttpRequest, obj: CustomRule, form: Any, change: bool) -> None:
        """Create or update by action."""
        fields = {name: getattr(obj, name) for name in rules.CHANGEABLE}
        if change:
            rules.update_rule(by=request.user, rule=obj, **fields)
        else:
            obj.pk = rules.create_rule(by=request.user, name=obj.name, **fields).pk

    def perform_delete(self, request: HttpRequest, obj: CustomRule) -> None:
        """Delete by action."""
        rules.delete_rule(by=request.user, rule=obj)


def _nested(form: Any) -> list[Any]:
    return [one.formset for one in getattr(form, "nested_formsets", ())]


def _touched(formset: Any) -> bool:
    return formset.has_changed() or any(inner.has_changed() for form in formset.forms for inner in _nested(form))


def _entered(formset: Any) -> list[dict[str, Any]]:
    """The groups in the form of actions.groups, without those that were taken out or left empty."""
    found = []
    for form in formset.forms:
        values = form.cleaned_data
        conditions = [inner.cleaned_data for one in _nested(form) for inner in one.forms if _kept(inner)]
        if values.get("DELETE") or (form.instance.pk is None and not form.has_changed() and not conditions):
            continue
        shown = {name: values[name] for name in GROUP if name in values}
        found.append(
            shown | {"conditions": [{name: one[name] for name in CONDITION if name in one} for one in conditions]}
        )
    return found


def _kept(form: Any) -> bool:
    return bool(form.cleaned_data) and not form.cleaned_data.get("DELETE") and (form.instance.pk or form.has_changed())
