"""The way to an identity provider and back."""

from __future__ import annotations

import time
import uuid
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import get_script_prefix, reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET

from apim.accounts.backend import TenantBackend
from apim.errors import ApimError, NotFound
from apim.login import oidc, pending
from apim.login.actions.external import arrive
from apim.login.models import IdentityProvider
from apim.login.provider_models import Kind

log = structlog.get_logger(__name__)
KEY = "apim_login_external"
SECONDS = 600
"""How long the way to the provider and back may take."""


@require_GET
@never_cache
def start(request: HttpRequest, provider: uuid.UUID) -> HttpResponse:
    """To the provider. What must come back is kept in the session of this browser alone."""
    found = provider_of(request, provider, Kind.OIDC)
    try:
        departure = oidc.depart(found, _back(request, found))
    except oidc.LoginFailed as error:
        return failed(request, found, error.description)
    request.session[KEY] = {
        "provider": str(found.uuid), "state": departure.state, "nonce": departure.nonce, "verifier": departure.verifier,
        "next": request.GET.get("next", ""), "at": time.time(),
    }  # fmt: skip
    return redirect(departure.address)


@require_GET
@never_cache
@sensitive_variables("kept", "code")
def back(request: HttpRequest, provider: uuid.UUID) -> HttpResponse:
    """From the provider: every answer is looked at once, in the browser that asked."""
    found = provider_of(request, provider, Kind.OIDC)
    kept = request.session.pop(KEY, None)
    state, code = request.GET.get("state", ""), request.GET.get("code", "")
    fresh = kept is not None and kept["provider"] == str(found.uuid) and time.time() - kept["at"] <= SECONDS
    if not fresh or not constant_time_compare(kept["state"], state):
        return failed(request, found, "The log-in was not begun in this browser, or it took too long.")
    try:
        oidc.check_issuer(found, request.GET.get("iss"))
        if not code:
            raise oidc.LoginFailed(f"The provider said: {request.GET.get('error', 'nothing')[:100]}.")
        claims = oidc.claims(found, code, kept["verifier"], kept["nonce"], _back(request, found))
        user = arrive(provider=found, claims=claims)
    except ApimError as error:
        return failed(request, found, error.description)
    if not TenantBackend().user_can_authenticate(user):
        return failed(request, found, "Your account is not active, or waits for an administrator's approval.")
    how = f"provider {found.name}"
    return pending.put(request, user, onward(request, kept["next"]), how=how, proven=not found.second_factor)


def provider_of(request: HttpRequest, identifier: uuid.UUID, kind: Kind) -> IdentityProvider:
    """One of `kind` of the organisation whose pages these are. Raises NotFound."""
    rows = IdentityProvider.objects.select_related("organisation")
    found = rows.filter(uuid=identifier, kind=kind, organisation=request.organisation, enabled=True).first()
    if found is None:
        raise NotFound
    return found


def _back(request: HttpRequest, provider: IdentityProvider) -> str:
    """Our redirect URI, on the host name of these pages, where the session's cookie is."""
    return on_this_host(request, reverse("login:external_back", args=[provider.uuid]))


def on_this_host(request: HttpRequest, path: str) -> str:
    """The whole address of `path` as browsers see it."""
    return f"{urlsplit(settings.APIM.public).scheme}://{request.get_host()}{path}"


def onward(request: HttpRequest, wanted: str) -> str:
    """The page that was `wanted` before log-in, if it is ours."""
    hosts = {request.get_host()}
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=hosts, require_https=request.is_secure())
    return wanted if safe else get_script_prefix()


def failed(request: HttpRequest, provider: IdentityProvider, reason: str) -> HttpResponse:
    """Back to the log-in page, which names `reason`."""
    log.info("login.external_failed", provider=str(provider.uuid), reason=reason)
    messages.error(request, f"Log-in with {provider.name} failed: {reason}")
    return redirect("accounts:login")
