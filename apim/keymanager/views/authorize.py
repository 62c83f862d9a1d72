"""The authorization endpoint with its consent page (PKCE, S256 only); what a person allowed for good is not asked again."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth import logout as end_session
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from oauth2_provider.views.base import AuthorizationView as ToolkitView

from apim.errors import Forbidden, Invalid, NotFound
from apim.keymanager import scopes
from apim.keymanager.actions import consents as actions
from apim.keymanager.consents import covers
from apim.keymanager.models import OAuthClient
from apim.keymanager.validator import ASKER
from apim.ui import csp

TOKEN_FIELDS = ("grant_type", "user", "scopes", "client_secret")
"""Fields that mean something at the token endpoint only: here they could stand in for what the server works out itself."""


@method_decorator(never_cache, name="dispatch")
class AuthorizationView(ToolkitView):
    """`/oauth2/authorize`. People are asked about clients of their own organisation only."""

    template_name = "keymanager/authorize.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse fields that belong elsewhere, and tell the protocol library who is asked."""
        strange = [name for name in TOKEN_FIELDS if name in request.GET or name in request.POST]
        repeated = [name for name, values in request.GET.lists() if len(values) > 1 and name != "resource"]
        if strange or repeated:
            raise Invalid(f"The authorization request must not name, or repeat: {', '.join(strange + repeated)}.")
        request.META[ASKER] = request.user if request.user.is_authenticated else None
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask. An unknown client or an address it did not register is an error page here, never a redirect."""
        client = _admit(request, request.GET.get("client_id", ""))
        if _too_old(request):
            return self._log_in_again(request)
        asked = request.GET.copy()
        asked.pop("approval_prompt", None)
        request.GET = asked
        response = super().get(request, *args, **kwargs)
        return csp.allow(response, "form-action", _origins(client))

    def handle_prompt_login(self) -> HttpResponse:
        """`prompt=login`: the session ends, so that the log-in page cannot wave its owner through."""
        end_session(self.request)
        return super().handle_prompt_login()

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """The page; or the answer at once, when the person allowed all of this before and is not to be asked again."""
        client = context.get("application")
        asked = self.request.method != "GET" or "consent" in self.request.GET.get("prompt", "").split()
        if (
            client is not None
            and "error" not in context
            and not asked
            and covers(self.request.user, client, context["scopes"])
        ):
            form = self.get_form_class()(data={**self.get_initial(), "allow": True})
            if form.is_valid():
                return self.form_valid(form)
        return super().render_to_response(context, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Hand out the code, or the refusal; remember the consent when the person wants that."""
        client = _admit(self.request, form.cleaned_data["client_id"])
        response = super().form_valid(form)
        wanted = self.request.method == "POST" and self.request.POST.get("remember") and form.cleaned_data.get("allow")
        if wanted and response.status_code == 302 and _error_free(response):
            granted = scopes.allowed(form.cleaned_data["scope"].split(), client, self.request.user)
            actions.remember(by=self.request.user, client=client, scopes=granted or [scopes.DEFAULT])
        return response

    def _log_in_again(self, request: HttpRequest) -> HttpResponse:
        end_session(request)
        return redirect_to_login(request.get_full_path(), self.get_login_url(), self.get_redirect_field_name())


def _error_free(response: HttpResponse) -> bool:
    target = urlsplit(response.headers.get("Location", ""))
    return "error=" not in target.query and "error=" not in target.fragment


def _too_old(request: HttpRequest) -> bool:
    """Whether the client wants a log-in that is not older than `max_age` seconds, and this one is."""
    text = request.GET.get("max_age", "")
    if not text.isascii() or not text.isdigit() or len(text) > 10 or "none" in request.GET.get("prompt", "").split():
        return False
    login = request.user.last_login
    return login is None or time.time() - login.timestamp() > max(int(text), 1)


def _origins(client: OAuthClient) -> list[str]:
    """Where the consent form may lead: browsers hold the redirect after it against the page's own policy."""
    parts = map(urlsplit, client.redirect_uris.split())
    # A native application on this machine may listen at any port.
    return [
        f"{part.scheme}://{part.hostname}:*" if part.scheme == "http" else f"{part.scheme}://{part.netloc}"
        for part in parts
    ]


def _admit(request: HttpRequest, client_id: str) -> OAuthClient:
    if "\x00" in client_id:
        raise NotFound("There is no such client.")
    rows = OAuthClient.objects.select_related("organisation__token_policy", "user")
    client = rows.filter(client_id=client_id).first()
    if client is None or not client.is_usable(request):
        raise NotFound("There is no such client.")
    if client.organisation_id != request.user.organisation_id:
        raise Forbidden(f"The client {client.name!r} is for people of another organisation.")
    return client
