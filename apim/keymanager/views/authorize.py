"""The consent page of the authorization code grant (with PKCE, S256 only)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from oauth2_provider.views.base import AuthorizationView as ToolkitView

from apim.errors import Forbidden, NotFound
from apim.keymanager.models import OAuthClient
from apim.ui import csp


class AuthorizationView(ToolkitView):
    """`/oauth2/authorize`. People give consent for clients of their own organisation only, each time anew."""

    template_name = "keymanager/authorize.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask. An unknown client or an address it did not register is an error page here, never a redirect."""
        client = _admit(request, request.GET.get("client_id", ""))
        asked = request.GET.copy()
        asked.pop("approval_prompt", None)
        request.GET = asked
        response = super().get(request, *args, **kwargs)
        return csp.allow(response, "form-action", _origins(client))

    def form_valid(self, form: Any) -> HttpResponse:
        """Hand out the code, or the refusal."""
        _admit(self.request, form.cleaned_data["client_id"])
        return super().form_valid(form)


def _origins(client: OAuthClient) -> list[str]:
    """Where the consent form may lead: browsers hold the redirect after it against the page's own policy."""
    parts = map(urlsplit, client.redirect_uris.split())
    return [f"{part.scheme}://{part.netloc}" for part in parts]


def _admit(request: HttpRequest, client_id: str) -> OAuthClient:
    if "\x00" in client_id:
        raise NotFound("There is no such client.")
    client = OAuthClient.objects.select_related("organisation", "user").filter(client_id=client_id).first()
    if client is None or not client.is_usable(request):
        raise NotFound("There is no such client.")
    if client.organisation_id != request.user.organisation_id:
        raise Forbidden(f"The client {client.name!r} is for people of another organisation.")
    return client
