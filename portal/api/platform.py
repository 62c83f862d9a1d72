"""REST: what the portal offers – plans and limits, key managers, settings – and who the caller is."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.actions.users import change_password
from apim.accounts.models import Organisation
from apim.errors import NotFound
from apim.keymanager.models import KeyManager
from apim.keymanager.queries import key_managers
from apim.traffic.models import UNAUTHENTICATED, Level, Policy
from portal import issuers
from portal.api import dto, scopes
from portal.api.base import OpenView, field_names, kept, page, payload, tagged, tenant, text
from portal.api.scopes import ScopedView
from portal.grants import offered

LEVELS = (Level.APPLICATION, Level.SUBSCRIPTION)


class Policies(OpenView):
    """GET /throttling-policies/{policyLevel}."""

    def get(self, request: Request, level: str) -> Response:
        return page(request, _offered(tenant(request), level), dto.policy, f"/throttling-policies/{level}")


class OnePolicy(OpenView):
    """GET /throttling-policies/{policyLevel}/{policyId}: by name."""

    def get(self, request: Request, level: str, name: str) -> Response:
        row = _offered(tenant(request), level).filter(name=kept("policyId", name)).first()
        if row is None:
            raise NotFound(f"There is no {level} policy {name!r}.")
        return tagged(request, dto.policy(row))


class KeyManagers(ScopedView):
    """GET /key-managers: the issuers an application may have keys at."""

    scopes = scopes.SUBSCRIBER

    def get(self, request: Request) -> Response:
        found = [_key_manager(row) for row in key_managers(request.user, request.user.organisation)]
        return Response({"count": len(found), "list": found})


class Settings(OpenView):
    """GET /settings."""

    def get(self, request: Request) -> Response:
        return Response(
            {
                "grantTypes": [name for name, _ in offered(tenant(request))],
                "scopes": sorted({*scopes.APPLICATIONS, *scopes.SUBSCRIPTIONS}),
                "applicationSharingEnabled": True,
                "mapExistingAuthApps": True,
                "apiGatewayEndpoint": f"{settings.APIM.gateway_http},{settings.APIM.gateway}",
                "monetizationEnabled": True,
                "recommendationEnabled": True,
                "IsUnlimitedTierPaid": False,
                "identityProvider": {"external": False},
                "IsAnonymousModeEnabled": True,
                "IsPasswordChangeEnabled": True,
                "userStorePasswordPattern": "",
                "passwordPolicyPattern": "",
                "passwordPolicyMinLength": 8,
                "passwordPolicyMaxLength": 128,
            }
        )


class Me(ScopedView):
    """GET /me: the caller's name, organisation and roles (our own addition to the contract)."""

    scopes = scopes.SUBSCRIBER

    def get(self, request: Request) -> Response:
        user = request.user
        return Response(
            {
                "username": user.get_username(),
                "email": user.email,
                "organization": user.organisation.domain,
                "roles": sorted(user.role_names),
            }
        )


class MyPassword(ScopedView):
    """POST /me/change-password."""

    scopes = scopes.SUBSCRIBER

    def post(self, request: Request) -> Response:
        body = payload(request)
        given = {"current": text(body, "currentPassword"), "password": text(body, "newPassword")}
        with field_names({"current": "currentPassword", "password": "newPassword"}):
            change_password(by=request.user, user=request.user, **given)
        return Response(status=200)


class MyOrganisation(ScopedView):
    """GET /me/organization-information."""

    scopes = scopes.SUBSCRIBER

    def get(self, request: Request) -> Response:
        organisation = request.user.organisation
        return Response({"organizationId": organisation.domain, "name": organisation.display_name})


def _offered(organisation: Organisation, level: str) -> object:
    if level not in LEVELS:
        raise NotFound(f"There is no policy level {level!r}: it is one of {', '.join(LEVELS)}.")
    return Policy.objects.filter(organisation=organisation, level=level).exclude(name=UNAUTHENTICATED)


def _key_manager(row: KeyManager) -> dict[str, object]:
    own = row.resident
    place = issuers.token_address(row)
    return {
        "id": str(row.pk),
        "name": row.name,
        "type": row.kind,
        "displayName": row.label,
        "description": row.description,
        "enabled": row.enabled,
        "availableGrantTypes": [name for name, _ in offered(row.organisation)] if own else row.grant_types,
        "tokenEndpoint": place,
        "revokeEndpoint": place.replace("/token", "/revoke") if own else row.display_revoke_url or row.revoke_url,
        "userInfoEndpoint": row.userinfo_url,
        "enableTokenGeneration": own or row.enable_token_generation,
        "enableOAuthAppCreation": own or row.enable_app_creation,
        "enableMapOAuthConsumerApps": own or row.enable_mapping,
        "applicationConfiguration": [],
        "alias": row.alias,
        "additionalProperties": {},
        "tokenType": row.token_type,
    }
