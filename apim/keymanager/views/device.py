"""The device grant (RFC 8628): where a device begins, and the page where a person types its code and decides."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from oauth2_provider.models import get_device_grant_model
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors

from apim.accounts.backend import address_of
from apim.keymanager import guessing, scopes
from apim.keymanager.extension_grants.device import INTERVAL, LIFETIME, begin
from apim.keymanager.grants import DEVICE
from apim.keymanager.models import OAuthClient
from apim.keymanager.policy import is_on
from apim.keymanager.validator import Validator
from apim.keymanager.views.token import ClientView, failure, hardened

DeviceRow = get_device_grant_model()


class DeviceAuthorizationView(ClientView):
    """`/oauth2/device_authorize`."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Two codes: one for the device, one for its person."""
        client = self._client(request)
        if client is None:
            return failure("invalid_client", "The client is unknown, or did not prove itself.", status=401)
        if DEVICE not in client.grant_types or not is_on(DEVICE, client.organisation):
            return failure("unauthorized_client", "The client is not registered for the device grant.")
        try:
            device_code, user_code = begin(client, request.POST.get("scope", "").split() or [scopes.DEFAULT])
        except errors.OAuth2Error as error:
            return failure(error.error, error.description or "")
        page = f"{settings.APIM.public}/oauth2/device"
        codes = {"device_code": device_code, "user_code": user_code, "expires_in": LIFETIME, "interval": INTERVAL}
        pages = {"verification_uri": page, "verification_uri_complete": f"{page}?user_code={user_code}"}
        return hardened(JsonResponse(codes | pages))

    def _client(self, request: HttpRequest) -> OAuthClient | None:
        asked = Request(*self.get_oauthlib_core()._extract_params(request))
        validator = Validator()
        if validator.client_authentication_required(asked):
            known = validator.authenticate_client(asked)
        else:
            known = validator.authenticate_client_id(request.POST.get("client_id", ""), asked)
        return asked.client if known else None


class CodeForm(forms.Form):
    """What the device shows."""

    user_code = forms.CharField(
        label="Code that the device shows",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )

    def clean_user_code(self) -> str:
        """Letters only: people type dashes and blanks as they like."""
        return "".join(letter for letter in self.cleaned_data["user_code"].upper() if letter.isalpha())


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Type the code, see who asks for what, decide. A link with the code in it still asks the person to look (RFC 8628 5.4)."""
    form = CodeForm(request.POST or request.GET or None)
    if not form.is_bound or not form.is_valid():
        return _render(request, CodeForm() if "user_code" not in request.GET | request.POST else form)
    code = form.cleaned_data["user_code"]
    address = address_of(request)
    row = None if guessing.blocked("device", request.user.get_username(), address) else _waiting(code, request)
    if row is None:
        guessing.note_failure("device", request.user.get_username(), address)
        form.add_error(
            "user_code", "This code is unknown, has expired, or was typed wrong too often. Start again at the device."
        )
        return _render(request, form)
    row, client = row
    decision = request.POST.get("decision", "") if request.method == "POST" else ""
    if decision in ("allow", "refuse"):
        return _decide(request, row, client, allow=decision == "allow")
    granted = scopes.allowed(row.scope.split(), client, request.user) or [scopes.DEFAULT]
    return _render(request, form, client=client, code=f"{code[:4]}-{code[4:]}", asks=scopes.describe(granted))


def _waiting(code: str, request: HttpRequest) -> tuple[Any, OAuthClient] | None:
    """The open question behind a code, by a client of the person's organisation."""
    row = DeviceRow.objects.filter(
        user_code=code, status=DeviceRow.AUTHORIZATION_PENDING, expires__gt=timezone.now()
    ).first()
    if row is None:
        return None
    rows = OAuthClient.objects.select_related("organisation__token_policy", "user")
    client = rows.filter(client_id=row.client_id, organisation=request.user.organisation).first()
    return (row, client) if client is not None and client.is_usable(request) else None


def _decide(request: HttpRequest, row: Any, client: OAuthClient, *, allow: bool) -> HttpResponse:
    """Only a question that is still open is decided, so that the first decision stands."""
    still = DeviceRow.objects.filter(pk=row.pk, status=DeviceRow.AUTHORIZATION_PENDING)
    status = DeviceRow.AUTHORIZED if allow else DeviceRow.DENIED
    done = still.update(status=status, user=request.user)
    return render(
        request, "keymanager/device.html", {"client": client, "decided": "allowed" if allow and done else "refused"}
    )


def _render(request: HttpRequest, form: CodeForm, **context: Any) -> HttpResponse:
    return render(request, "keymanager/device.html", {"form": form, **context})
