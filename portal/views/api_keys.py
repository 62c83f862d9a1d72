"""Pages: the API keys of an application, for production or sandbox."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apim.errors import ApimError
from apim.ui.forms import add_errors
from portal import queries
from portal.actions import api_keys as actions
from portal.forms_api_keys import ApiKeyForm
from portal.models import Application, KeyType
from portal.views.base import attempt, developers_only
from portal.views.keys import key_type_of


@require_safe
@developers_only
def page(request: HttpRequest, application_id: UUID, key_type: str) -> HttpResponse:
    """The keys there are, and the form of a new one."""
    return _page(request, queries.application(request.user, application_id), key_type_of(key_type), ApiKeyForm())


@require_POST
@developers_only
def generate(request: HttpRequest, application_id: UUID, key_type: str) -> HttpResponse:
    """Make a key; the answer shows it."""
    application, kind = queries.application(request.user, application_id), key_type_of(key_type)
    form = ApiKeyForm(request.POST)
    if form.is_valid():
        try:
            _, value = actions.generate_api_key(
                by=request.user, application=application, key_type=kind, **form.values()
            )
        except ApimError as error:
            add_errors(form, error)
        else:
            return _page(request, application, kind, ApiKeyForm(), value)
    return _page(request, application, kind, form)


@require_POST
@developers_only
def revoke(request: HttpRequest, application_id: UUID, key_type: str, key_id: UUID) -> HttpResponse:
    """Take a key back."""
    key = queries.api_key(queries.application(request.user, application_id), key_id)
    attempt(request, actions.revoke_api_key, "The API key is revoked.", key=key)
    return redirect("portal:api_keys", application_id, key_type)


def _page(
    request: HttpRequest, application: Application, kind: KeyType, form: ApiKeyForm, value: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {
        "application": application,
        "key_type": kind,
        "key_path": kind.lower(),
        "keys": queries.api_keys(application, kind),
        "now": timezone.now(),
        "form": form,
        "value": value,
    }
    return render(request, "portal/api_keys.html", context, status=400 if form.is_bound and form.errors else 200)
