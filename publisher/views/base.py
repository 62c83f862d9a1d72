"""What every page of the publisher shares: the API asked for, what the user may do, and saving a form."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apim.accounts.models import User
from apim.errors import ApimError, Forbidden, NotFound
from publisher import queries
from publisher.actions.access import DEPLOYERS, DESIGNERS, PUBLISHERS, etag
from publisher.forms.errors import show_errors
from publisher.models import Api


def rights(user: User) -> dict[str, bool]:
    """What `user` may do, for templates."""
    return {
        "may_design": user.has_role(*DESIGNERS),
        "may_deploy": user.has_role(*DEPLOYERS),
        "may_publish": user.has_role(*PUBLISHERS),
    }


def api_page(request: HttpRequest, template: str, api: Api, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A page of one API, below its tabs."""
    shared = {"api": api, "etag": etag(api), **rights(request.user)}
    return render(request, f"publisher/{template}.html", {**shared, **context}, status=status)


def read_api(request: HttpRequest, api_id: uuid.UUID) -> Api:
    """The API of the address. Raises NotFound."""
    return queries.api(request.user, api_id)


def try_save(
    request: HttpRequest, form: forms.BaseForm, save: Callable[[], Any], names: dict[str, str] | None = None
) -> Any | None:
    """The result of `save`, or None with its mistakes shown on `form`. Raises Forbidden and NotFound."""
    if not form.is_valid():
        return None
    try:
        return save() or True
    except (Forbidden, NotFound):
        raise
    except ApimError as error:
        show_errors(form, error, names)
        return None


def attempt(request: HttpRequest, work: Callable[[], Any], done: str = "") -> bool:
    """Do `work` and say `done` (empty: the text it returns), or say why not. Raises Forbidden and NotFound."""
    try:
        result = work()
    except (Forbidden, NotFound):
        raise
    except ApimError as error:
        messages.error(request, error.description)
        return False
    messages.success(request, done or str(result))
    return True


def back(name: str, api: Api) -> HttpResponse:
    """To the page `name` of `api`."""
    return redirect(f"publisher:{name}", api.pk)


def expected(request: HttpRequest) -> str:
    """The version of the API that the sent form was made from."""
    return request.POST.get("expected", "")[:80]


def sent(request: HttpRequest) -> tuple[Any, Any]:
    """Data and files for a form: those of the request when it is a POST, else none."""
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)
