"""The page of an API's backends, and that of the certificates gateways trust for backends."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from apim.accounts.permissions import require
from apim.errors import ApimError, NotFound
from publisher import probing, queries
from publisher.actions import endpoint_certificates as certificates
from publisher.actions.access import DESIGNERS
from publisher.actions.apis import update_api
from publisher.forms.design import Access
from publisher.forms.endpoints import Endpoints
from publisher.models import EndpointCertificate
from publisher.views.base import api_page, attempt, back, expected, read_api, rights, try_save


@login_required
@require_http_methods(["GET", "POST"])
def endpoints(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Two forms: the backends, and how callers reach the API. `test` names an address that is only asked."""
    api = read_api(request, api_id)
    sent = request.POST.get("part", "form") if request.method == "POST" else ""
    form = Endpoints(api, request.POST if sent == "form" else None)
    access = Access(api, request.POST if sent == "access" else None)
    context: dict[str, Any] = {"form": form, "access": access, "certificates": _count(request)}
    if sent == "form" and request.POST.get("test"):
        return api_page(request, "endpoints", api, context | {"found": _test(request, form)})
    bound = {"form": form, "access": access}.get(sent)
    if bound is not None and try_save(
        request,
        bound,
        lambda: update_api(by=request.user, api=api, expected=expected(request), **bound.keywords()),
        bound.PLACES,
    ):
        text = "Saved. Gateways follow with the next deployed revision." if api.deployments.exists() else "Saved."
        messages.success(request, text)
        return back("endpoints", api)
    return api_page(request, "endpoints", api, context, status=400 if sent else 200)


def _test(request: HttpRequest, form: Endpoints) -> dict[str, Any]:
    """What one address of the sent form says; nothing is saved."""
    require(request.user, *DESIGNERS)
    side, _, number = request.POST["test"].partition(":")
    rows = form.rows.get(side, [])
    if not (number.isascii() and number.isdecimal() and len(number) < 4 and int(number) < len(rows)):
        raise NotFound("There is no such address in the form.")
    url = rows[int(number)].url
    try:
        found = probing.probe(request.user.organisation, url)
    except ApimError as error:
        return {"url": url, "error": error.description}
    return {"url": url, "status": found.status, "reason": found.reason, "error": found.error}


def _count(request: HttpRequest) -> int:
    return EndpointCertificate.objects.filter(organisation=request.user.organisation_id).count()


class Upload(forms.Form):
    """A certificate to trust."""

    alias = forms.CharField(max_length=30, help_text="Letters, digits and . _ -")
    endpoint = forms.CharField(max_length=500, help_text="The backend's address, or only its host.")
    certificate = forms.FileField(help_text="PEM or DER, as .crt, .pem or .cer.")


@login_required
@require_http_methods(["GET", "POST"])
def endpoint_certificates(request: HttpRequest) -> HttpResponse:
    """The organisation's certificates and when they end; upload one."""
    queries.apis(request.user)
    form = Upload(request.POST or None, request.FILES or None)
    if request.method == "POST" and try_save(request, form, lambda: _add(request, form)):
        messages.success(request, "Gateways trust the certificate now.")
        return redirect("publisher:endpoint_certificates")
    now = timezone.now()
    rows = [
        {
            "row": row,
            "users": certificates.users_of(row),
            "days": (row.not_after - now).days,
            "over": row.not_after < now,
        }
        for row in EndpointCertificate.objects.filter(organisation=request.user.organisation_id)
    ]
    context = {"form": form, "rows": rows, **rights(request.user)}
    return render(request, "publisher/endpoint_certificates.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def delete_certificate(request: HttpRequest, certificate_id: int) -> HttpResponse:
    """Trust one no longer."""
    rows = EndpointCertificate.objects.select_related("organisation")
    row = rows.filter(pk=certificate_id, organisation=request.user.organisation_id).first()
    if row is None:
        raise NotFound("There is no such certificate.")
    work = certificates.delete_certificate
    attempt(
        request, lambda: work(by=request.user, certificate=row), f"The certificate {row.alias} is trusted no longer."
    )
    return redirect("publisher:endpoint_certificates")


def _add(request: HttpRequest, form: Upload) -> EndpointCertificate:
    data = form.cleaned_data
    content = data["certificate"].read(certificates.MOST_BYTES + 1)
    return certificates.add_certificate(
        by=request.user, alias=data["alias"], endpoint=data["endpoint"], content=content
    )
