"""Pages: the OAuth keys of one application. Secrets and tokens are in the answer that made them and nowhere else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apim.errors import ApimError, FieldError, Invalid, NotFound
from apim.keymanager.models import RESIDENT
from apim.ui.forms import add_errors
from apim.workflows.queries import last_of
from portal import queries
from portal.actions import keys as actions
from portal.definition import token_endpoint
from portal.forms import KeyForm, MapForm, TokenForm
from portal.models import Application, ApplicationKey, KeyState, KeyType
from portal.views.base import attempt, developers_only
from portal.wording import token_curl

PATHS = {kind.lower(): kind for kind in KeyType}
"""Word in the address → key type."""
PAGES = {KeyType.PRODUCTION: "portal:production_keys", KeyType.SANDBOX: "portal:sandbox_keys"}


@require_safe
@developers_only
def show(request: HttpRequest, application_id: UUID, key_type: str) -> HttpResponse:
    """The key of one type, or the form that makes it."""
    return _page(request, queries.application(request.user, application_id), key_type_of(key_type))


@require_POST
@developers_only
def generate(request: HttpRequest, application_id: UUID, key_type: str) -> HttpResponse:
    """Make the key; the answer shows its secret."""
    application, key_type = queries.application(request.user, application_id), key_type_of(key_type)
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _page(request, application, key_type, key_form=form)
    try:
        _, secret = actions.generate_keys(by=request.user, application=application, key_type=key_type, **form.values())
    except ApimError as error:
        add_errors(form, error)
        return _page(request, application, key_type, key_form=form)
    return _page(request, application, key_type, secret=secret)


@require_POST
@developers_only
def map_existing(request: HttpRequest, application_id: UUID, key_type: str) -> HttpResponse:
    """Tie an OAuth client that exists already."""
    application, key_type = queries.application(request.user, application_id), key_type_of(key_type)
    form = MapForm(request.POST)
    if form.is_valid():
        given = {
            "consumer_key": form.cleaned_data["consumerKey"],
            "consumer_secret": form.cleaned_data["consumer_secret"],
        }
        try:
            actions.map_keys(by=request.user, application=application, key_type=key_type, **given)
        except ApimError as error:
            add_errors(form, error)
        else:
            return redirect(PAGES[KeyType(key_type)], application.pk)
    return _page(request, application, key_type, map_form=form)


@require_POST
@developers_only
def update(request: HttpRequest, application_id: UUID, key_type: str, key_id: UUID) -> HttpResponse:
    """Change grant types, callback addresses and token validity."""
    key = _key(request, application_id, key_type, key_id)
    form = KeyForm(request.POST)
    if form.is_valid():
        try:
            actions.update_keys(by=request.user, key=key, **form.values())
        except ApimError as error:
            add_errors(form, error)
        else:
            return redirect(PAGES[KeyType(key.key_type)], application_id)
    return _page(request, key.application, key.key_type, key_form=form)


@require_POST
@developers_only
def regenerate(request: HttpRequest, application_id: UUID, key_type: str, key_id: UUID) -> HttpResponse:
    """A new secret; the answer shows it."""
    key = _key(request, application_id, key_type, key_id)
    secret = actions.regenerate_secret(by=request.user, key=key)
    return _page(request, key.application, key.key_type, secret=secret)


@require_POST
@developers_only
def delete(request: HttpRequest, application_id: UUID, key_type: str, key_id: UUID) -> HttpResponse:
    """Remove the key."""
    key = _key(request, application_id, key_type, key_id)
    attempt(request, actions.delete_keys, "The keys are deleted.", key=key)
    return redirect(PAGES[KeyType(key.key_type)], application_id)


@require_POST
@developers_only
def token(request: HttpRequest, application_id: UUID, key_type: str, key_id: UUID) -> HttpResponse:
    """A test token, as JSON for the console's script and as a page for people."""
    key = _key(request, application_id, key_type, key_id)
    form = TokenForm(request.POST, scopes=_scopes(key.application))
    as_json = "application/json" in request.headers.get("Accept", "")
    try:
        if not form.is_valid():
            raise Invalid("A field is wrong.", [FieldError(n, " ".join(texts)) for n, texts in form.errors.items()])
        scopes = tuple(form.cleaned_data.get("scopes", ()))
        issued = actions.issue_test_token(
            by=request.user, key=key, scopes=scopes, lifetime=form.cleaned_data["validityPeriod"]
        )
    except ApimError as error:
        if as_json:
            raise
        if form.is_valid():
            add_errors(form, error)
        return _page(request, key.application, key.key_type, token_form=form)
    return JsonResponse(issued) if as_json else _page(request, key.application, key.key_type, issued=issued)


def _key(request: HttpRequest, application_id: UUID, key_type: str, key_id: UUID) -> ApplicationKey:
    found = queries.key(queries.application(request.user, application_id), key_id)
    if found.key_type != key_type_of(key_type):
        raise NotFound(f"There is no {key_type} key {key_id}.")
    return found


def key_type_of(word: str) -> KeyType:
    """The key type that the address names. Raises NotFound."""
    if word not in PATHS:
        raise NotFound(f"There is no key type {word!r}.")
    return PATHS[word]


def _scopes(application: Application) -> list[str]:
    rows = application.subscriptions.values_list("api__operations__scopes", flat=True)
    return sorted({scope for scopes in rows for scope in scopes or ()})


def _page(request: HttpRequest, application: Application, kind: str, **extra: Any) -> HttpResponse:
    """The keys page with whatever just happened in `extra`."""
    key = queries.keys(application).filter(key_type=kind, key_manager__name=RESIDENT).first()
    forms = {"key_form": _key_form(key), "map_form": MapForm(), "token_form": TokenForm(scopes=_scopes(application))}
    context = {
        "application": application,
        "key": key,
        "key_type": KeyType(kind),
        "key_path": kind.lower(),
        "token_endpoint": token_endpoint(),
        "curl": token_curl(key.consumer_key, extra.get("secret", "")) if key else "",
        "last": last_of(key) if key and key.state != KeyState.APPROVED else None,
        "page_name": PAGES[KeyType(kind)],
        **forms,
        **extra,
    }
    bad = any(form.is_bound and form.errors for name, form in context.items() if name.endswith("_form"))
    return render(request, "portal/keys.html", context, status=400 if bad else 200)


def _key_form(key: ApplicationKey | None) -> KeyForm:
    if key is None or key.client is None:
        return KeyForm()
    client = key.client
    now = {
        "grantTypes": client.grant_types,
        "callbackUrl": client.redirect_uris,
        "validityPeriod": client.token_lifetime,
    }
    return KeyForm(initial=now)
