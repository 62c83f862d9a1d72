"""The admin site's pages of the publisher: environments to edit, APIs and deployments to look at."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from apim.accounts.admin_base import OrganisationAdmin, ReadOnly
from apim.errors import Conflict
from publisher.actions.log_levels import set_log_level
from publisher.models import Api, Deployment, GatewayEnvironment, Revision

_STATE_LABELS = {
    "Published": "success",
    "Blocked": "danger",
    "Deprecated": "warning",
    "Pre-released": "info",
    "Created": "primary",
}


@admin.register(Api)
class ApiAdmin(ReadOnly, OrganisationAdmin):
    """APIs are changed in the publisher; here one finds them across organisations."""

    list_display = ("name", "version", "context", "state_label", "provider", "organisation", "log_level", "updated")
    list_filter = ("state", "visibility", "log_level", "organisation")
    actions = ("log_off", "log_basic", "log_standard", "log_full")
    list_select_related = ("provider", "organisation")
    search_fields = ("name", "context", "version")

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

    list_display = ("name", "display_name", "link", "running", "organisation")
    list_filter = ("organisation",)
    search_fields = ("name", "display_name")

    @display(description="address")
    def link(self, environment: GatewayEnvironment) -> str:
        """The https address."""
        return format_html('<span class="font-mono">{}</span>', environment.https_url)

    @display(description="APIs")
    def running(self, environment: GatewayEnvironment) -> int:
        """How many APIs run there."""
        return environment.deployments.count()

    def get_readonly_fields(self, request: HttpRequest, obj: GatewayEnvironment | None = None) -> tuple[str, ...]:
        """The name and the organisation are the environment's identity."""
        return ("name", "organisation") if obj else ()

    def perform_delete(self, request: HttpRequest, obj: GatewayEnvironment) -> None:
        """Refused while APIs run there."""
        count = obj.deployments.count()
        if count:
            raise Conflict(f"{obj} runs {count} API{'s' if count > 1 else ''}; undeploy them first.")
        super().perform_delete(request, obj)


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
