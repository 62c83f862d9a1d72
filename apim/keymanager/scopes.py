"""Which scopes a client may have in its tokens."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from oauth2_provider.scopes import BaseScopes

from apim.accounts.models import BuiltinRole
from apim.keymanager.hooks import provided_scopes

if TYPE_CHECKING:
    from apim.accounts.models import User
    from apim.keymanager.models import OAuthClient

DEFAULT = "default"
"""The scope of a token that was asked for without, or only with scopes that its client may not have."""

OPENID = {"openid": "Know who you are", "profile": "Read your name", "email": "Read your e-mail address"}
MANAGEMENT = ("apim:", "service_catalog:")
"""Prefixes of the scopes of the platform's own REST APIs. Only clients registered for those (DCR) get them."""

_READ = (
    "apim:api_view",
    "apim:api_list_view",
    "apim:api_definition_view",
    "apim:publisher_settings",
    "apim:*_policy_view",
    "apim:tier_view",
    "apim:comment_*",
    "apim:document_*",
    "apim:*_certificates_view",
    "apim:subscription_view",
    "apim:environment_read",
    "apim:publisher_organization_read",
    "service_catalog:service_view",
)
ROLE_SCOPES: dict[str, tuple[str, ...]] = {
    BuiltinRole.ADMIN: ("apim:*", "service_catalog:*"),
    BuiltinRole.CREATOR: (
        *_READ,
        "apim:api_create",
        "apim:api_delete",
        "apim:api_manage",
        "apim:api_import_export",
        "apim:api_product_import_export",
        "apim:api_generate_key",
        "apim:shared_scope_manage",
        "apim:*_policy_create",
        "apim:*_policy_manage",
        "apim:*_certificates_*",
        "service_catalog:*",
    ),
    BuiltinRole.PUBLISHER: (
        *_READ,
        "apim:api_publish",
        "apim:api_manage",
        "apim:api_import_export",
        "apim:api_generate_key",
        "apim:subscription_*",
        "apim:client_certificates_*",
        "apim:pub_alert_manage",
    ),
    BuiltinRole.DEVOPS: (
        *_READ,
        "apim:api_publish",
        "apim:api_import_export",
        "apim:environment_*",
        "apim:gateway_policy_*",
    ),
    BuiltinRole.SUBSCRIBER: (
        "apim:subscribe",
        "apim:app_manage",
        "apim:app_import_export",
        "apim:api_key",
        "apim:sub_manage",
        "apim:sub_alert_manage",
        "apim:store_settings",
    ),
    BuiltinRole.INTEGRATION_DEV: ("service_catalog:*", "apim:api_view"),
}
"""Role → patterns of the management scopes its users may have (the idea of WSO2's tenant-conf `RESTAPIScopes`)."""


def is_management(scope: str) -> bool:
    """Whether `scope` opens the platform's own REST APIs."""
    return scope.startswith(MANAGEMENT)


def allowed(wanted: Iterable[str], client: OAuthClient, user: User | None) -> list[str]:
    """Those of `wanted` that `client` may have, in order; `user` is the person who agreed, if any."""
    asked = list(dict.fromkeys(wanted))
    of_apis = any(scope not in OPENID and scope != DEFAULT and not is_management(scope) for scope in asked)
    provided = provided_scopes(client, user) if of_apis else {}
    return [scope for scope in asked if _may(scope, client, user, provided)]


def _may(scope: str, client: OAuthClient, user: User | None, provided: dict[str, str]) -> bool:
    if is_management(scope):
        return client.is_management and _role_allows(scope, user or client.user)
    if scope in OPENID:
        return bool(set(client.grant_types) & {"authorization_code", "password"})
    return scope == DEFAULT or (scope in provided and (not client.scopes or scope in client.scopes))


def _role_allows(scope: str, user: User | None) -> bool:
    if user is None:
        return False
    roles = set(ROLE_SCOPES) if user.has_role() else user.role_names & set(ROLE_SCOPES)
    return any(fnmatchcase(scope, pattern) for role in roles for pattern in ROLE_SCOPES[role])


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
