"""The security page of an API: its credentials, its client certificates, and a test key."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from apim.errors import ApimError, Forbidden, NotFound
from publisher import x509
from publisher.actions import client_certificates as actions
from publisher.actions.apis import update_api
from publisher.actions.test_keys import LIFETIME, generate_test_key
from publisher.checks.identity import full_path
from publisher.forms.security import CertificateForm, Security
from publisher.models import Api, ClientCertificate
from publisher.vhosts import bases
from publisher.views.base import api_page, attempt, back, expected, read_api, try_save


@login_required
@require_safe
def security(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Everything about who may call."""
    return _page(request, read_api(request, api_id))


@login_required
@require_POST
def save(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Change which credentials the API takes."""
    api = read_api(request, api_id)
    form = Security(api, request.POST)
    saved = try_save(
        request,
        form,
        lambda: update_api(by=request.user, api=api, expected=expected(request), **form.keywords()),
        Security.PLACES,
    )
    if not saved:
        return _page(request, api, form=form)
    text = "Saved. Gateways follow with the next deployed revision." if api.deployments.exists() else "Saved."
    messages.success(request, text)
    return back("security", api)


@login_required
@require_POST
def add(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """A further client certificate."""
    api = read_api(request, api_id)
    form = CertificateForm(api, request.POST, request.FILES)
    saved = try_save(
        request,
        form,
        lambda: actions.add_certificate(
            by=request.user,
            api=api,
            alias=form.cleaned_data["alias"],
            content=form.cleaned_data["certificate"].read(x509.LONGEST + 1),
            tier=form.cleaned_data["tier"],
            key_type=form.cleaned_data["keyType"],
        ),
    )
    if not saved:
        return _page(request, api, certificate_form=form)
    messages.success(request, "The client certificate counts at the gateways from now on.")
    return back("security", api)


@login_required
@require_POST
def remove(request: HttpRequest, api_id: uuid.UUID, certificate_id: int) -> HttpResponse:
    """Refuse a holder from now on."""
    api = read_api(request, api_id)
    row = ClientCertificate.objects.select_related("api__organisation").filter(api=api, pk=certificate_id).first()
    if row is None:
        raise NotFound(f"{api} has no such client certificate.")
    attempt(
        request,
        lambda: actions.delete_certificate(by=request.user, certificate=row),
        f"The holder of {row.alias} is refused from now on.",
    )
    return back("security", api)


@login_required
@require_POST
def test_key(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """A key for trying out; the answer shows it."""
    api = read_api(request, api_id)
    try:
        key = generate_test_key(by=request.user, api=api)
    except (Forbidden, NotFound):
        raise
    except ApimError as error:
        messages.error(request, error.description)
        return back("security", api)
    answer = _page(request, api, key=key)
    answer["Cache-Control"] = "no-store"
    return answer


def _page(request: HttpRequest, api: Api, *, key: str = "", **forms: Any) -> HttpResponse:
    bad = any(form.errors for form in forms.values())
    context = {
        "form": Security(api),
        "certificate_form": CertificateForm(api),
        "certificates": [(row, x509.ended(row)) for row in api.client_certificates.all()],
        "key": key,
        "key_minutes": LIFETIME // 60,
        "addresses": _addresses(api) if key else [],
        **forms,
    }
    return api_page(request, "security", api, context, status=400 if bad else 200)


def _addresses(api: Api) -> list[str]:
    """Where the deployed revisions of `api` answer, one for each environment."""
    path = api.organisation.prefix + full_path(api.context, api.version)
    scheme = "https" if "https" in (api.transports or ["https"]) else "http"
    rows = api.deployments.select_related("environment").defer("revision__snapshot")
    return [bases(row.environment, row.vhost)[scheme] + path for row in rows]
