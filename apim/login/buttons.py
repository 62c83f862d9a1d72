"""The buttons of identity providers on the log-in page."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from apim.login.models import IdentityProvider
from apim.login.provider_models import Kind

START = {Kind.OIDC: "login:external", Kind.SAML2: "login:saml"}


def buttons(request: HttpRequest, wanted: str) -> list[tuple[str, str]]:
    """Label and address of every identity provider of this page's organisation."""
    if request.organisation is None:
        return []
    found = IdentityProvider.objects.filter(organisation=request.organisation, enabled=True)
    query = f"?{urlencode({'next': wanted})}" if wanted else ""
    return [(f"Log in with {row.name}", reverse(START[row.kind], args=[row.uuid]) + query) for row in found]
