"""The key managers of a page about keys: which there are, which one it is about, and what its forms offer."""

from __future__ import annotations

from django.http import HttpRequest

from apim.errors import NotFound
from apim.keymanager.models import KeyManager
from apim.keymanager.queries import key_managers
from portal.definition import token_endpoint
from portal.grants import GRANTS
from portal.models import Application

PARAMETER = "key_manager"
"""Query parameter and form field that names a key manager by its id."""


def usable(request: HttpRequest, application: Application) -> list[KeyManager]:
    """Those that the person may have keys at, and those where the application has keys already."""
    found = key_managers(request.user, application.organisation)
    held = (
        KeyManager.objects.filter(application_keys__application=application).select_related("organisation").distinct()
    )
    return found + [one for one in held if one not in found]


def chosen(request: HttpRequest, managers: list[KeyManager]) -> KeyManager | None:
    """The one that the request names, else the first; None when there is none at all. Raises NotFound."""
    named = request.POST.get(PARAMETER) or request.GET.get(PARAMETER)
    if not named:
        return managers[0] if managers else None
    found = next((one for one in managers if str(one.pk) == named), None)
    if found is None:
        raise NotFound("There is no such key manager.")
    return found


def grants(manager: KeyManager) -> list[tuple[str, str]] | None:
    """The grants that clients of a key manager elsewhere may have, with words; None: those of our own server."""
    if manager.resident or not manager.grant_types:
        return None
    words = dict(GRANTS)
    return [(one, words.get(one, one)) for one in manager.grant_types]


def token_address(manager: KeyManager | None) -> str:
    """Where applications obtain tokens that gateways take."""
    if manager is None or manager.resident or manager.token_type == "EXCHANGED":  # noqa: S105 - a kind, not a secret
        return token_endpoint()
    return manager.display_token_url or manager.token_url
