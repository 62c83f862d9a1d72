"""The start page: what is here, and the doors this user may open."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_script_prefix, reverse

from apim.ui.nav import SECTIONS

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from apim.accounts.models import User

_WORDS = {
    "publisher": (
        "Design an API from a definition or a service, give it plans, deploy and publish it.",
        "Publish an API",
    ),
    "devportal": ("Find an API, try it out, create an application and subscribe. Keys in a minute.", "Find an API"),
    "catalog": ("The integrations that run here, with their definitions, ready to become APIs.", "See the services"),
    "admin": ("Organisations, people, limits, gateways and tasks: what runs, and what needs care.", "Administer"),
}


def home(request: HttpRequest) -> HttpResponse:
    """Anonymous visitors are led to the portal; the other doors ask them to log in."""
    return render(
        request, "ui/home.html", {"doors": doors(request.user), "portal_url": get_script_prefix() + "devportal/"}
    )


def doors(user: User | AnonymousUser) -> list[dict[str, str]]:
    """The doors for `user`: label, text, icon, address and the words on the handle."""
    shown = [section for section in SECTIONS if section.shown_to(user) or not (user.is_authenticated or section.staff)]
    found = []
    for section in shown:
        url = get_script_prefix() + section.path
        if not section.shown_to(user):
            url = f"{reverse('accounts:login')}?next={quote(url)}"
        text, go = _WORDS[section.name]
        found.append({"label": section.label, "icon": section.icon, "url": url, "text": text, "go": go})
    return found
