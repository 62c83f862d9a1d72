"""Pages: the OAuth keys of one application. Secrets and tokens are in the answer that made them and nowhere else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apim.errors import ApimError, FieldError, Invalid, NotFound
from apim.keymanager.actions.remote_clients import elsewhere
from apim.keymanager.models import KeyManager
from apim.ui.forms import add_errors
from apim.workflows.queries import last_of
from portal import issuers, queries
from portal.actions import keys as actions
from portal.actions.remote_keys import settings_of
from portal.forms import KeyForm, MapForm, TokenForm
from portal.grants import offered
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
    manager = _manager(request, application)
    form = KeyForm(request.POST, **_of(manager))
    if not form.is_valid():
        return _page(request, application, key_type, key_form=form)
    given = {**form.values(), "key_manager": manager.name}
    try:
        _, secret = actions.generate_keys(by=request.user, application=application, key_type=key_type, **given)
    except ApimError as error:
        add_errors(form, error)
        return _page(request, application, key_type, key_form=form)
    return _page(request, application, key_type, secret=secret)


@require_POST
@developers_only
def map_existing(request: HttpRequest, application_id: UUID, key_type: str) -> HttpResponse:
    """Tie an OAuth client that exists already."""
    application, key_type = queries.application(request.user, application_id), key_type_of(key_type)
    manager = _manager(request, application)
    form = MapForm(request.POST, optional_secret=elsewhere(manager))
    if form.is_valid():
        given = {
            "key_manager": manager.name,
            "consumer_key": form.cleaned_data["consumerKey"],
            "consumer_secret": form.cleaned_data["consumer_secret"],
        }
        try:
            actions.map_keys(by=request.user, application=application, key_type=key_type, **given)
        except ApimError as error:
            add_errors(form, error)
        else:
            return _back(application.pk, key_type, manager)
    return _page(request, application, key_type, map_form=form)


@require_POST
@developers_only
def update(request: HttpRequest, application_id: UUID, key_type: str, key_id: UUID) -> HttpResponse:
    """Change grant types, callback addresses and token validity."""
    key = _key(request, application_id, key_type, key_id)
    form = KeyForm(request.POST, **_of(key.key_manager))
    if form.is_valid():
        try:
            actions.update_keys(by=request.user, key=key, **form.values())
        except ApimError as error:
            add_errors(form, error)
        else:
            return _back(application_id, key.key_type, key.key_manager)
    return _page(request, key.application, key.key_type, key.key_manager, key_form=form)


@require_POST
@developers_only
def regenerate(request: HttpRequest, application_id: UUID, key_type: str, key_id: UUID) -> HttpResponse:
    """A new secret; the answer shows it."""
    key = _key(request, application_id, key_type, key_id)
    try:
        secret = actions.regenerate_secret(by=request.user, key=key)
    except ApimError as error:
        messages.error(request, " ".join([error.description, *(one.message for one in error.fields)]))
        return _back(application_id, key.key_type, key.key_manager)
    return _page(request, key.application, key.key_type, key.key_manager, secret=secret)


@require_POST
@developers_only
def delete(request: HttpRequest, application_id: UUID, key_type: str, key_id: UUID) -> HttpResponse:
    """Remove the key."""
    key = _key(request, application_id, key_type, key_id)
    manager = key.key_manager
    attempt(request, actions.delete_keys, "The keys are deleted.", key=key)
    return _back(application_id, key.key_type, manager)


@require_POST
@developers_only
def token(request: HttpRequest, application_id: UUID, key_type: str, key_id: UUID) -> HttpResponse:
    """A test token, as JSON for the console's script and as a page for people."""
    key = _key(request, application_id, key_type, key_id)
    form = TokenForm(request.POST, scopes=_scopes(key.application), **_token_of(key))
    as_json = "application/json" in request.headers.get("Accept", "")
    try:
        if not form.is_valid():
            raise Invalid("A field is wrong.", [FieldError(n, " ".join(texts)) for n, texts in form.errors.items()])
        scopes = tuple(form.cleaned_data.get("scopes", ()))
        given = form.cleaned_data
        issued = actions.issue_test_token(
            by=request.user,
            key=key,
            scopes=scopes,
            lifetime=given.get("validityPeriod"),
            consumer_secret=given.get("consumerSecret", ""),
            subject_token=given.get("subjectToken", ""),
        )
    except ApimError as error:
        if as_json:
            raise
        if form.is_valid():
            add_errors(form, error)
        return _page(request, key.application, key.key_type, key.key_manager, token_form=form)
    if as_json:
        return JsonResponse(issued)
    return _page(request, key.application, key.key_type, key.key_manager, issued=issued)


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


def _manager(request: HttpRequest, application: Application) -> KeyManager:
    found = issuers.chosen(request, issuers.usable(request, application))
    if found is None:
        raise NotFound("There is no key manager.")
    return found


def _back(application_id: UUID, key_type: str, manager: KeyManager) -> HttpResponse:
    address = reverse(PAGES[KeyType(key_type)], args=[application_id])
    return redirect(address if manager.resident else f"{address}?{issuers.PARAMETER}={manager.pk}")


def _of(manager: KeyManager | None) -> dict[str, Any]:
    """What a key's form is like at this key manager."""
    if manager is None:
        return {}
    remote = elsewhere(manager)
    return {"grants": issuers.grants(manager) if remote else offered(manager.organisation), "remote": remote}


def _token_of(key: ApplicationKey | None) -> dict[str, Any]:
    if key is None:
        return {}
    remote = elsewhere(key.key_manager)
    return {"remote": remote, "exchanges": not remote and not key.key_manager.resident}


def _page(
    request: HttpRequest, application: Application, kind: str, manager: KeyManager | None = None, **extra: Any
) -> HttpResponse:
    """The keys page of one key manager, with whatever just happened in `extra`."""
    managers = issuers.usable(request, application)
    manager = manager or issuers.chosen(request, managers)
    key = queries.keys(application).filter(key_type=kind, key_manager=manager).first() if manager else None
    forms = {
        "key_form": _key_form(key, manager),
        "map_form": MapForm(optional_secret=manager is not None and elsewhere(manager)),
        "token_form": TokenForm(scopes=_scopes(application), **_token_of(key)),
    }
    place = issuers.token_address(manager)
    context = {
        "application": application,
        "key": key,
        "key_type": KeyType(kind),
        "key_path": kind.lower(),
        "managers": managers,
        "manager": manager,
        "elsewhere": manager is not None and elsewhere(manager),
        "grant_types": settings_of(key)["grant_types"] if key else [],
        "token_endpoint": place,
        "curl": token_curl(key.consumer_key, extra.get("secret", ""), place) if key else "",
        "last": last_of(key) if key and key.state != KeyState.APPROVED else None,
        "page_name": PAGES[KeyType(kind)],
        **forms,
        **extra,
    }
    bad = any(form.is_bound and form.errors for name, form in context.items() if name.endswith("_form"))
    return render(request, "portal/keys.html", context, status=400 if bad else 200)


def _key_form(key: ApplicationKey | None, manager: KeyManager | None) -> KeyForm:
    if key is None:
        return KeyForm(**_of(manager))
    known = settings_of(key)
    now = {
        "grantTypes": known["grant_types"],
        "callbackUrl": known["callback_url"],
        "validityPeriod": key.client.token_lifetime if key.client else None,
    }
    return KeyForm(initial=now, **_of(manager))
