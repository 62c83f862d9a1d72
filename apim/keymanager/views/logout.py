"""Log-out that a client asks for (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from apim.errors import Invalid
from apim.keymanager.errors import InvalidToken
from apim.keymanager.models import OAuthClient
from apim.keymanager.verify import verify_id_token
from apim.ui import csp


class Wish:
    """What the client wants: whom to log out, and where to go then. Raises Invalid."""

    def __init__(self, fields: QueryDict) -> None:
        hint, named = fields.get("id_token_hint", ""), fields.get("client_id", "")
        self.subject = ""
        if hint:
            try:
                claims = verify_id_token(hint)
            except InvalidToken as error:
                raise Invalid("id_token_hint is no id token of this server.") from error
            if named and named != claims["aud"]:
                raise Invalid("client_id is not the client that the id token was made for.")
            self.subject, named = claims["sub"], claims["aud"]
        self.client = OAuthClient.objects.filter(client_id=named).first() if named and "\x00" not in named else None
        self.target = self._target(fields.get("post_logout_redirect_uri", ""), fields.get("state", ""))

    def _target(self, uri: str, state: str) -> str:
        if not uri:
            return ""
        if self.client is None or not self.client.post_logout_redirect_uri_allowed(uri):
            raise Invalid("post_logout_redirect_uri is not registered for this client.")
        mark = "&" if urlsplit(uri).query else "?"
        return f"{uri}{mark}{urlencode({'state': state})}" if state else uri


@method_decorator([never_cache, csrf_exempt], name="dispatch")
class LogoutView(View):
    """`/oidc/logout`. Without a valid hint about the person who is logged in here, that person is asked first."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        """The client sends the browser here by a link."""
        return self._answer(request, request.GET)

    def post(self, request: HttpRequest) -> HttpResponse:
        """The client sends the browser by a form, or the person confirmed."""
        if "confirmed" in request.POST:
            return _confirmed(request)
        return self._answer(request, request.POST)

    def _answer(self, request: HttpRequest, fields: QueryDict) -> HttpResponse:
        wish = Wish(fields)
        if request.user.is_authenticated and wish.subject != request.user.get_username():
            return _ask(request, wish, fields)
        end_session(request)
        return _leave(request, wish)


@csrf_protect
def _confirmed(request: HttpRequest) -> HttpResponse:
    wish = Wish(request.POST)
    end_session(request)
    return _leave(request, wish)


@csrf_protect
def _ask(request: HttpRequest, wish: Wish, fields: QueryDict) -> HttpResponse:
    names = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
    again = {name: fields[name] for name in names if fields.get(name)}
    response = render(request, "keymanager/logout.html", {"client": wish.client, "again": again.items()})
    parts = urlsplit(wish.target)
    return csp.allow(response, "form-action", [f"{parts.scheme}://{parts.netloc}"]) if wish.target else response


def _leave(request: HttpRequest, wish: Wish) -> HttpResponse:
    if wish.target:
        return HttpResponseRedirect(wish.target)
    return render(request, "keymanager/logout.html", {"done": True})
