"""The portal in the admin site: what developers made, for administrators to correct and to clean up."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.decorators import display

from apim.accounts.admin_base import OrganisationAdmin, people_of
from apim.errors import FieldError, Invalid
from portal.actions.applications import delete_application, update_application
from portal.actions.keys import delete_keys
from portal.actions.owners import change_owner
from portal.actions.subscriptions import change_plan, set_state, unsubscribe
from portal.models import Application, ApplicationAttribute, ApplicationKey, SharingGroup, Subscription
from portal.queries import with_counts

STATE_LABELS = {
    "UNBLOCKED": "success",
    "BLOCKED": "danger",
    "PROD_ONLY_BLOCKED": "warning",
    "ON_HOLD": "warning",
    "REJECTED": "danger",
    "TIER_UPDATE_PENDING": "info",
    "DELETE_PENDING": "warning",
}


class _NotAdded(OrganisationAdmin):
    """For rows that developers make in the portal."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Developers make these in the portal."""
        return False


@admin.register(Application)
class ApplicationAdmin(_NotAdded):
    """Applications: name, limit and description can be corrected; deleting takes keys and subscriptions along."""

    list_display = ("name", "owner", "organisation", "policy", "subscriptions_now", "keys_now", "created")
    list_filter = ("organisation", "policy")
    list_select_related = ("owner", "organisation")
    search_fields = ("name", "owner__username", "id")
    fields = ("name", "policy", "description", "owner", "organisation", "status", "created", "updated")
    readonly_fields = ("organisation", "status", "created", "updated")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The owner can be changed to somebody of the organisation; the action says who can own applications."""
        if db_field.name == "owner":
            kwargs["queryset"] = people_of(request, Application)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Application]:
        """With the numbers of keys and subscriptions."""
        return with_counts(super().get_queryset(request))

    def perform_save(self, request: HttpRequest, obj: Application, form: ModelForm, change: bool) -> None:
        """By the action."""
        given = {name: form.cleaned_data[name] for name in ("name", "policy", "description")}
        stored = Application.objects.select_related("organisation", "owner").get(pk=obj.pk)
        if "owner" in form.changed_data:
            stored = change_owner(by=request.user, application=stored, owner=form.cleaned_data["owner"].username)
        update_application(by=request.user, application=stored, **given)

    def perform_delete(self, request: HttpRequest, obj: Application) -> None:
        """By the action."""
        delete_application(by=request.user, application=obj)

    @display(description="Subscriptions", ordering="subscription_count")
    def subscriptions_now(self, row: Application) -> int:
        """How many APIs it is subscribed to."""
        return row.subscription_count

    @display(description="Keys", ordering="key_count")
    def keys_now(self, row: Application) -> int:
        """How many keys it has."""
        return row.key_count


@admin.register(ApplicationKey)
class ApplicationKeyAdmin(_NotAdded):
    """Keys: to look at and to remove."""

    organisation_path = "application__organisation"
    list_display = ("consumer_key", "application", "owner", "key_type", "mode", "key_manager", "created")
    list_filter = ("key_type", "mode")
    list_select_related = ("application__owner", "key_manager")
    search_fields = ("consumer_key", "application__name", "application__owner__username")
    readonly_fields = ("application", "key_manager", "key_type", "client", "consumer_key", "mode", "created")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Their owners change them in the portal."""
        return False

    def perform_delete(self, request: HttpRequest, obj: ApplicationKey) -> None:
        """By the action."""
        delete_keys(by=request.user, key=obj)

    @display(description="Owner", ordering="application__owner__username")
    def owner(self, row: ApplicationKey) -> str:
        """Whose application it is."""
        return row.application.owner.get_username()


@admin.register(Subscription)
class SubscriptionAdmin(_NotAdded):
    """Subscriptions: plan and state can be changed, and they can be ended."""

    list_display = ("shown_api", "application", "owner", "plan", "shown_state", "organisation", "created")
    list_filter = ("organisation", "state", "plan")
    list_select_related = ("api", "application__owner", "organisation")
    search_fields = ("api__name", "application__name", "application__owner__username", "id")
    fields = ("api", "application", "plan", "state", "organisation", "created", "updated")
    readonly_fields = ("api", "application", "organisation", "created", "updated")

    def perform_save(self, request: HttpRequest, obj: Subscription, form: ModelForm, change: bool) -> None:
        """By the actions, each for what was changed."""
        if "plan" in form.changed_data:
            change_plan(by=request.user, subscription=obj, plan=form.cleaned_data["plan"])
        if "state" in form.changed_data:
            set_state(by=request.user, subscription=obj, state=form.cleaned_data["state"])

    def perform_delete(self, request: HttpRequest, obj: Subscription) -> None:
        """By the action."""
        unsubscribe(by=request.user, subscription=obj)

    @display(description="API", ordering="api__name")
    def shown_api(self, row: Subscription) -> str:
        """Name and version."""
        return str(row.api)

    @display(description="Owner", ordering="application__owner__username")
    def owner(self, row: Subscription) -> str:
        """Whose application it is."""
        return row.application.owner.get_username()

    @display(description="State", label=STATE_LABELS, ordering="state")
    def shown_state(self, row: Subscription) -> tuple[str, str]:
        """In its colour, in words."""
        return row.state, row.get_state_display()


@admin.register(SharingGroup)
class SharingGroupAdmin(OrganisationAdmin):
    """Groups of developers that applications can be shared with."""

    list_display = ("name", "description", "organisation", "members_now")
    list_filter = ("organisation",)
    search_fields = ("name", "description")
    autocomplete_fields = ("members",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SharingGroup]:
        """With the number of members."""
        return super().get_queryset(request).annotate(member_count=Count("members"))

    def save_related(self, request: HttpRequest, form: ModelForm, formsets: Any, change: bool) -> None:
        """Members are people of the group's organisation."""
        strangers = [
            one for one in form.cleaned_data["members"] if one.organisation_id != form.instance.organisation_id
        ]
        if strangers:
            message = f"{strangers[0]} does not belong to {form.instance.organisation}."
            raise Invalid(message, [FieldError("members", message)])
        super().save_related(request, form, formsets, change)

    @display(description="Members", ordering="member_count")
    def members_now(self, row: SharingGroup) -> int:
        """How many people."""
        return row.member_count


@admin.register(ApplicationAttribute)
class ApplicationAttributeAdmin(OrganisationAdmin):
    """What administrators want to know of every application."""

    list_display = ("name", "description", "required", "hidden", "position", "organisation")
    list_filter = ("organisation", "required")
    search_fields = ("name", "description")
