"""The way to a SAML 2.0 identity provider and back.

The answer comes as a form post from another site, to which browsers do not send the session's cookie (SameSite=Lax). It is
therefore checked against the request that is kept here under its RelayState, and the session begins one redirect later, where
the cookie is there again and must belong to the browser that set out.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from apim.accounts.backend import TenantBackend
from apim.errors import ApimError
from apim.login import pending, saml
from apim.login.actions.external import arrive
from apim.login.models import IdentityProvider, SamlRequest
from apim.login.oidc import LoginFailed
from apim.login.provider_models import Kind
from apim.login.views.external import SECONDS, failed, on_this_host, onward, provider_of

KEY = "apim_login_saml"
NOT_OURS = "The log-in was not begun in this browser, or it took too long."
LONGEST_NEXT = 2000


@require_GET
@never_cache
def start(request: HttpRequest, provider: uuid.UUID) -> HttpResponse:
    """To the provider."""
    found = provider_of(request, provider, Kind.SAML2)
    departure = saml.depart(found, _acs(request, found))
    SamlRequest.objects.filter(at__lt=_oldest()).delete()
    SamlRequest.objects.create(checksum=_checksum(departure.relay), provider=found, identifier=departure.identifier)
    wanted = request.GET.get("next", "")[:LONGEST_NEXT]
    request.session[KEY] = {
        "provider": str(found.uuid), "relay": departure.relay, "next": wanted, "at": time.time(),
    }  # fmt: skip
    return redirect(departure.address)


@require_GET
def metadata(request: HttpRequest, provider: uuid.UUID) -> HttpResponse:
    """What the provider must know of us."""
    found = provider_of(request, provider, Kind.SAML2)
    return HttpResponse(saml.metadata(found, _acs(request, found)), content_type="application/samlmetadata+xml")


# No CSRF token can come from another site; RelayState and InResponseTo of our own request stand for it.
@csrf_exempt
@require_POST
@never_cache
@sensitive_post_parameters()
@sensitive_variables()
def consume(request: HttpRequest, provider: uuid.UUID) -> HttpResponse:
    """The provider's answer, looked at once. The session of this browser is not touched: its cookie is not here."""
    found = provider_of(request, provider, Kind.SAML2)
    relay = request.POST.get("RelayState", "")
    rows = SamlRequest.objects.filter(checksum=_checksum(relay), provider=found, at__gte=_oldest())
    if not rows.filter(answered=False).update(answered=True):
        return failed(request, found, "The answer belongs to no log-in that was begun here; begin on this page.")
    row = rows.get()
    try:
        row.claims = saml.claims(found, request.POST.get("SAMLResponse", ""), row.identifier, _acs(request, found))
    except LoginFailed as error:
        row.delete()
        return failed(request, found, error.description)
    row.save(update_fields=["claims"])
    done = reverse("login:saml_finish", args=[found.uuid])
    return redirect(f"{done}?{urlencode({'state': relay})}")


@require_GET
@never_cache
@sensitive_variables()
def finish(request: HttpRequest, provider: uuid.UUID) -> HttpResponse:
    """Begin the session, in the browser that set out and in no other."""
    found = provider_of(request, provider, Kind.SAML2)
    kept = request.session.pop(KEY, None)
    relay = request.GET.get("state", "")
    fresh = kept is not None and kept["provider"] == str(found.uuid) and time.time() - kept["at"] <= SECONDS
    claims = _taken(found, relay) if fresh and constant_time_compare(kept["relay"], relay) else None
    if claims is None:
        return failed(request, found, NOT_OURS)
    try:
        user = arrive(provider=found, claims=claims)
    except ApimError as error:
        return failed(request, found, error.description)
    if not TenantBackend().user_can_authenticate(user):
        return failed(request, found, "Your account is not active, or waits for an administrator's approval.")
    how = f"provider {found.name}"
    return pending.put(request, user, onward(request, kept["next"]), how=how, proven=not found.second_factor)


def _taken(provider: IdentityProvider, relay: str) -> dict[str, Any] | None:
    """The checked answer, once."""
    rows = SamlRequest.objects.filter(
        checksum=_checksum(relay), provider=provider, at__gte=_oldest(), claims__isnull=False
    )
    row = rows.first()
    return row.claims if row is not None and rows.filter(pk=row.pk).delete()[0] else None


def _acs(request: HttpRequest, provider: IdentityProvider) -> str:
    return on_this_host(request, reverse("login:saml_acs", args=[provider.uuid]))


def _checksum(relay: str) -> str:
    return hashlib.sha256(relay.encode(errors="replace")).hexdigest()


def _oldest() -> Any:
    return timezone.now() - timedelta(seconds=SECONDS)
