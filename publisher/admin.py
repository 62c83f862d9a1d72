"""The admin site's pages of the publisher: environments to edit, APIs and deployments to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from apim.accounts.admin_base import OrganisationAdmin, PlatformAdmin, ReadOnly, people_of
from apim.eventhub.queries import environment_status
from publisher import admin_stores
from publisher.actions import environments
from publisher.actions.headings import delete_category, delete_label, save_category, save_label
from publisher.actions.log_levels import set_log_level
from publisher.actions.provider import change_provider
from publisher.forms.environments import EnvironmentForm
from publisher.models import Api, ApiCategory, Deployment, Domain, GatewayEnvironment, Label, Revision
from publisher.vhosts import virtual_hosts

__all__ = ["admin_stores"]

_STATE_LABELS = {
    "Published": "success",
    "Blocked": "danger",
    "Deprecated": "warning",
    "Pre-released": "info",
    "Created": "primary",
}


@admin.register(Api)
class ApiAdmin(OrganisationAdmin):
    """APIs are changed in the publisher; here one finds them across organisations, and hands them over to another provider."""

    fields = ("name", "version", "context", "kind", "state", "provider", "organisation", "created", "updated")
    readonly_fields = ("name", "version", "context", "kind", "state", "organisation", "created", "updated")

    list_display = ("name", "version", "context", "state_label", "provider", "organisation", "log_level", "updated")
    list_filter = ("state", "visibility", "log_level", "organisation")
    actions = ("log_off", "log_basic", "log_standard", "log_full")
    list_select_related = ("provider", "organisation")
    search_fields = ("name", "context", "version")

    def has_add_permission(self, request: HttpRequest, obj: Api | None = None) -> bool:
        """APIs are made in the publisher."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Api | None = None) -> bool:
        """APIs are deleted in the publisher."""
        return False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The provider can be changed to somebody of the organisation; the action says who can be one."""
        if db_field.name == "provider":
            kwargs["queryset"] = people_of(request, Api)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def perform_save(self, request: HttpRequest, obj: Api, form: Any, change: bool) -> None:
        """By the action."""
        stored = Api.objects.select_related("organisation", "provider").get(pk=obj.pk)
        change_provider(by=request.user, api=stored, provider=form.cleaned_data["provider"].username)

    @display(description="state", ordering="state", label=_STATE_LABELS)
    def state_label(self, api: Api) -> str:
        """The state as a coloured label."""
        return api.get_state_display()

    @admin.action(description="Gateways: log no calls")
    def log_off(self, request: HttpRequest, chosen: QuerySet[Api]) -> None:
        """The usual level."""
        self._log(request, chosen, "OFF")

    @admin.action(description="Gateways: log calls (BASIC)")
    def log_basic(self, request: HttpRequest, chosen: QuerySet[Api]) -> None:
        """One line a call."""
        self._log(request, chosen, "BASIC")

    @admin.action(description="Gateways: log calls with headers (STANDARD)")
    def log_standard(self, request: HttpRequest, chosen: QuerySet[Api]) -> None:
        """With the request's headers, secrets hidden."""
        self._log(request, chosen, "STANDARD")

    @admin.action(description="Gateways: log everything known (FULL)")
    def log_full(self, request: HttpRequest, chosen: QuerySet[Api]) -> None:
        """As much as there is."""
        self._log(request, chosen, "FULL")

    def _log(self, request: HttpRequest, chosen: QuerySet[Api], level: str) -> None:
        for api in chosen:
            set_log_level(by=request.user, api=api, level=level)
        self.message_user(request, f"Gateways log {len(chosen)} APIs at level {level} from now on.")


@admin.register(GatewayEnvironment)
class GatewayEnvironmentAdmin(OrganisationAdmin):
    """Where APIs can be deployed. The name is what gateways are started with, so it stays."""

    list_display = ("name", "display_name", "link", "hosts", "running", "gateways", "organisation")
    list_filter = ("organisation",)
    search_fields = ("name", "display_name")
    form = EnvironmentForm

    @display(description="address")
    def link(self, environment: GatewayEnvironment) -> str:
        """The https address."""
        return format_html('<span class="font-mono">{}</span>', environment.https_url)

    @display(description="virtual hosts")
    def hosts(self, environment: GatewayEnvironment) -> str:
        """Those besides the usual one."""
        return ", ".join(one.host for one in virtual_hosts(environment)[1:]) or "–"

    @display(
        description="gateways", label={"in step": "success", "behind": "warning", "refuse": "danger", "none": "info"}
    )
    def gateways(self, environment: GatewayEnvironment) -> tuple[str, str]:
        """How the live ones are doing, the worst first."""
        live = [one for one in environment_status(environment.name) if not one.gone]
        refusing, behind = sum(bool(one.refusals) for one in live), sum(bool(one.lag) for one in live)
        if not live:
            return "none", "none reports"
        if refusing:
            return "refuse", f"{refusing} of {len(live)} refuse a record"
        return ("behind", f"{behind} of {len(live)} behind") if behind else ("in step", f"{len(live)} in step")

    @display(description="APIs")
    def running(self, environment: GatewayEnvironment) -> int:
        """How many APIs run there."""
        return environment.deployments.count()

    def get_readonly_fields(self, request: HttpRequest, obj: GatewayEnvironment | None = None) -> tuple[str, ...]:
        """The name and the organisation are the environment's identity."""
        return ("name", "organisation") if obj else ()

    def get_fields(self, request: HttpRequest, obj: GatewayEnvironment | None = None) -> list[str]:
        """Identity first; a tenant's administrator has no choice of organisation."""
        hidden = self.get_exclude(request, obj)
        return [name for name in ("organisation", "name", *environments.COLUMNS) if name not in hidden]

    def perform_save(self, request: HttpRequest, obj: GatewayEnvironment, form: Any, change: bool) -> None:
        """Create or change by action."""
        before = GatewayEnvironment.objects.get(pk=obj.pk) if change else None
        fields = {name: getattr(obj, name) for name in environments.COLUMNS}
        made = environments.save_environment(
            by=request.user, organisation=obj.organisation, name=obj.name, environment=before, **fields
        )
        obj.pk = made.pk

    def perform_delete(self, request: HttpRequest, obj: GatewayEnvironment) -> None:
        """Refused while APIs run there."""
        environments.delete_environment(by=request.user, environment=obj)


@admin.register(Domain)
class DomainAdmin(PlatformAdmin):
    """Host names that stand for one organisation's prefix on the gateways."""

    list_display = ("host", "organisation", "reads_as")
    list_filter = ("organisation",)
    search_fields = ("host",)

    @display(description="calls are read as")
    def reads_as(self, domain: Domain) -> str:
        """What goes before the path."""
        return format_html('<span class="font-mono">{}/…</span>', domain.organisation.prefix)

    def get_readonly_fields(self, request: HttpRequest, obj: Domain | None = None) -> tuple[str, ...]:
        """The host is the domain's identity."""
        return ("host",) if obj else ()

    def perform_save(self, request: HttpRequest, obj: Domain, form: Any, change: bool) -> None:
        """Give the name by action."""
        obj.pk = environments.save_domain(by=request.user, host_name=obj.host, organisation=obj.organisation).pk

    def perform_delete(self, request: HttpRequest, obj: Domain) -> None:
        """Take it back by action."""
        environments.delete_domain(by=request.user, domain=obj)


class _Heading(OrganisationAdmin):
    """A name with a description, which an administrator gives."""

    list_filter = ("organisation",)
    list_select_related = ("organisation",)
    search_fields = ("name", "description")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Whose it is stays."""
        return ("organisation",) if obj else ()


@admin.register(ApiCategory)
class ApiCategoryAdmin(_Heading):
    """Headings of the portal's catalogue."""

    list_display = ("name", "description", "number", "organisation")
    fields = ("organisation", "name", "description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiCategory]:
        """With the number of APIs."""
        return super().get_queryset(request).annotate(api_count=Count("apis"))

    @display(description="APIs", ordering="api_count")
    def number(self, row: ApiCategory) -> int:
        """How many APIs are in it."""
        return row.api_count

    def perform_save(self, request: HttpRequest, obj: ApiCategory, form: Any, change: bool) -> None:
        """By the action."""
        given = {"name": obj.name, "description": obj.description, "category": obj if change else None}
        obj.pk = save_category(by=request.user, organisation=obj.organisation, **given).pk

    def perform_delete(self, request: HttpRequest, obj: ApiCategory) -> None:
        """By the action."""
        delete_category(by=request.user, category=obj)


@admin.register(Label)
class LabelAdmin(_Heading):
    """Labels of gateways, for older clients."""

    list_display = ("name", "description", "organisation")
    fields = ("organisation", "name", "description", "access_urls")

    def perform_save(self, request: HttpRequest, obj: Label, form: Any, change: bool) -> None:
        """By the action."""
        given = {"name": obj.name, "description": obj.description, "access_urls": obj.access_urls}
        made = save_label(by=request.user, organisation=obj.organisation, label=obj if change else None, **given)
        obj.pk = made.pk

    def perform_delete(self, request: HttpRequest, obj: Label) -> None:
        """By the action."""
        delete_label(by=request.user, label=obj)


@admin.register(Revision)
class RevisionAdmin(ReadOnly, OrganisationAdmin):
    """Snapshots of APIs."""

    organisation_path = "api__organisation"
    list_display = ("api", "number", "description", "created_by", "created")
    list_select_related = ("api",)
    search_fields = ("api__name", "description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Revision]:
        """Lists need not read the snapshots."""
        return super().get_queryset(request).defer("snapshot", "api__definition")


@admin.register(Deployment)
class DeploymentAdmin(ReadOnly, OrganisationAdmin):
    """Which revision runs where."""

    organisation_path = "api__organisation"
    list_display = ("api", "revision_number", "environment", "vhost", "displayed", "deployed")
    list_filter = ("environment__name",)
    list_select_related = ("api", "revision", "environment")
    search_fields = ("api__name",)

    @display(description="revision", ordering="revision__number")
    def revision_number(self, deployment: Deployment) -> int:
        """Its number."""
        return deployment.revision.number
