"""Who may open the dashboard, and what every page of it needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apim.accounts.queries import sees_every_organisation
from apim.errors import Forbidden
from integrator.models import Integrator

View = Callable[..., HttpResponse]
TABS = (
    ("node", "Overview"),
    ("artifacts", "Artifacts"),
    ("applications", "Applications"),
    ("logs", "Logs"),
    ("loggers", "Log levels"),
)


def platform(view: View) -> View:
    """For administrators of the platform; others are refused, and nobody's browser keeps the page."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), "/admin/login/")
        if not sees_every_organisation(request.user) or not request.user.is_staff:
            raise Forbidden("The dashboard of integrators is for administrators of the platform.")
        answer = view(request, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    return checked


def shown(request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    """A page of the admin site."""
    whole = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"integrator/dashboard/{template}.html", whole)


def page_of(request: HttpRequest, row: Integrator, tab: str, title: str, **context: Any) -> HttpResponse:
    """A page of one integrator, under its tabs."""
    return shown(request, tab, title, row=row, tabs=TABS, tab=context.pop("shown_tab", tab), **context)
