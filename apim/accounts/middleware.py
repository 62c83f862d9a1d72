"""What every request to the control plane passes: correlation id, tenant, and the rendering of ApimError."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import get_script_prefix, set_script_prefix

from apim.accounts.database_errors import as_mistake
from apim.accounts.hosts import own_hosts
from apim.accounts.models import Organisation
from apim.accounts.queries import first_organisation, organisation_by_domain
from apim.errors import ApimError, Unauthenticated

Handler = Callable[[HttpRequest], HttpResponse]
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
_PLATFORM_PATHS = ("/healthz", "/readyz", "/metrics", "/internal/", "/static/", "/favicon.ico")
"""Addresses of no organisation: they must answer while the database does not, and are asked often."""
_HOST = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?")
_TENANT_PATH = re.compile(r"/t/([a-z0-9.-]{1,254})(/.*)")


class CorrelationMiddleware:
    """Takes the caller's `activityid` or makes one, binds it to the logs and sends it back."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("activityid", "")
        correlation_id = given if _ACCEPTABLE_ID.fullmatch(given) else str(uuid.uuid4())
        request.correlation_id = correlation_id
        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            response = self.get_response(request)
        response["activityid"] = correlation_id
        return response


class HostMiddleware:
    """Lets organisations' own host names in. `request.host_organisation` is the id of the organisation they stand for, or None.

    Django refuses hosts that its settings do not name; of those only verified ones are asked about, and remembered.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.host_organisation = None
        given = request.META.get("HTTP_HOST", "").lower()
        name = given.partition(":")[0].rstrip(".")
        if name and name not in settings.ALLOWED_HOSTS and not request.path_info.startswith(_PLATFORM_PATHS):
            request.host_organisation = own_hosts().get(name)
            if request.host_organisation is not None and _HOST.fullmatch(given):
                request.get_host = lambda: given
        return self.get_response(request)


class TenantMiddleware:
    """Sets `request.organisation` from `/t/<domain>/…`, else from a host name of its own, else from the user, else the first.

    The prefix becomes part of the script name, so that `reverse()` keeps people inside their tenant. `request.tenant` is
    the organisation that the path named, or None. A user of another organisation is a mere visitor there.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.tenant = request.organisation = None
        if request.path_info.startswith(_PLATFORM_PATHS):
            return self.get_response(request)
        match = _TENANT_PATH.fullmatch(request.path_info)
        if not match and request.host_organisation is not None:
            own = Organisation.objects.filter(pk=request.host_organisation, active=True).first()
            if own is not None:
                self._enter(request, own)
                return self.get_response(request)
        if not match:
            request.organisation = self._of_user(request)
            return self.get_response(request)
        domain, rest = match.groups()
        organisation = organisation_by_domain(domain)
        if organisation is None:
            return render(
                request, "ui/error.html", {"status": 404, "message": f"There is no organisation {domain}"}, status=404
            )
        return self._inside(request, organisation, rest)

    def _inside(self, request: HttpRequest, organisation: Organisation, rest: str) -> HttpResponse:
        before = get_script_prefix()
        self._enter(request, organisation)
        request.path_info = rest
        request.META["SCRIPT_NAME"] = request.META.get("SCRIPT_NAME", "") + organisation.prefix
        set_script_prefix(before.rstrip("/") + organisation.prefix + "/")
        try:
            return self.get_response(request)
        finally:
            set_script_prefix(before)

    @staticmethod
    def _enter(request: HttpRequest, organisation: Organisation) -> None:
        request.organisation = request.tenant = organisation
        if request.user.is_authenticated and request.user.organisation_id != organisation.pk:
            request.user = AnonymousUser()

    @staticmethod
    def _of_user(request: HttpRequest) -> Organisation | None:
        return request.user.organisation if request.user.is_authenticated else first_organisation()


class ErrorMiddleware:
    """Renders an ApimError that a page or a plain view raised: JSON where the caller asked for it, else a page."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Django's hook for exceptions of views."""
        exception = as_mistake(exception) or exception
        if not isinstance(exception, ApimError):
            return None
        if "text/html" not in request.headers.get("Accept", ""):
            return JsonResponse(exception.body(), status=exception.status)
        if isinstance(exception, Unauthenticated) and not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        context = {"status": exception.status, "message": exception.message, "error": exception}
        return render(request, "ui/error.html", context, status=exception.status)
