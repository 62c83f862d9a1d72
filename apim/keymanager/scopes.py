"""Which scopes a client may have in its tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from oauth2_provider.scopes import BaseScopes

from apim.configuration.scopes import granted
from apim.keymanager.grants import FOR_PEOPLE
from apim.keymanager.hooks import provided_scopes
from apim.keymanager.policy import freely_given

if TYPE_CHECKING:
    from apim.accounts.models import User
    from apim.keymanager.models import OAuthClient

DEFAULT = "default"
"""The scope of a token that was asked for without, or only with scopes that its client may not have."""

LONGEST, MOST = 250, 200
"""Characters of a scope, and scopes of one request, that are looked at."""

OPENID = {"openid": "Know who you are", "profile": "Read your name", "email": "Read your e-mail address"}
MANAGEMENT = ("apim:", "service_catalog:")
"""Prefixes of the scopes of the platform's own REST APIs. Only clients registered for those (DCR) get them."""


def is_management(scope: str) -> bool:
    """Whether `scope` opens the platform's own REST APIs."""
    return scope.startswith(MANAGEMENT)


def allowed(wanted: Iterable[str], client: OAuthClient, user: User | None) -> list[str]:
    """Those of `wanted` that `client` may have, in order; `user` is the person who agreed, if any."""
    asked = _bounded(wanted)
    managing = _managing([scope for scope in asked if is_management(scope)], client, user)
    of_apis = any(scope not in OPENID and scope != DEFAULT and not is_management(scope) for scope in asked)
    provided = provided_scopes(client, user) if of_apis else {}
    return [scope for scope in asked if _may(scope, client, managing, provided)]


def _bounded(wanted: Iterable[str]) -> list[str]:
    """Each once, and none that no database keeps: an allow-list may let through whatever is asked for."""
    fitting = (scope for scope in wanted if len(scope) <= LONGEST and scope.isprintable())
    return list(dict.fromkeys(fitting))[:MOST]


def _managing(wanted: list[str], client: OAuthClient, user: User | None) -> list[str]:
    person = user or client.user
    return granted(person, wanted) if wanted and client.is_management and person is not None else []


def describe(scopes: Iterable[str]) -> list[str]:
    """What `scopes` mean, in words for people."""
    words = Scopes().get_all_scopes()
    return [words[scope] for scope in scopes]


def _may(scope: str, client: OAuthClient, managing: list[str], provided: dict[str, str]) -> bool:
    if is_management(scope):
        return scope in managing
    if scope in OPENID:
        return bool(set(client.grant_types) & FOR_PEOPLE)
    if scope == DEFAULT or (scope in provided and (not client.scopes or scope in client.scopes)):
        return True
    return freely_given(scope, client.organisation)


class Scopes(BaseScopes):
    """Django OAuth Toolkit's questions about scopes. The decision itself is the validator's, by `allowed`."""

    def get_all_scopes(self) -> dict[str, str]:
        """Descriptions for the consent page; an API's scope that has none describes itself."""
        return _Descriptions({DEFAULT: "Call the APIs it subscribed to", **OPENID})

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """Scopes that exist for every client."""
        return [DEFAULT, *OPENID]

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        """Scopes of a request that names none."""
        return [DEFAULT]


class _Descriptions(dict[str, str]):
    def __missing__(self, scope: str) -> str:
        return scope
