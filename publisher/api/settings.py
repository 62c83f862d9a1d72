"""/settings and /throttling-policies: what a publisher's client must know about the installation."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.models import Organisation
from apim.configuration.document import default_tier
from apim.configuration.scopes import system_scopes
from apim.errors import FieldError, Invalid
from apim.traffic.api.shapes import policy as plan_in_full
from apim.traffic.models import UNLIMITED, LimitKind, Policy
from apim.traffic.queries import get_policy, plans, policies
from publisher import queries
from publisher.api.base import Resource, tagged
from publisher.models import GatewayEnvironment
from publisher.vhosts import VirtualHost, virtual_hosts

POLICY_VIEW = {"GET": ("apim:api_view", "apim:tier_view", "apim:tier_manage")}
LEVELS = ("subscription", "api")
_UNLIMITED_COUNT = 2147483647
"""How the contract writes that there is no limit."""


class Settings(Resource):
    """GET /settings."""

    scopes = {"GET": ("apim:api_view", "apim:publisher_settings")}

    def get(self, request: Request) -> Response:
        """Environments, defaults and switches."""
        queries.apis(request.user)
        organisation = request.user.organisation
        body = {
            "devportalUrl": f"{settings.APIM.public}{organisation.prefix}/devportal",
            "environment": [
                _environment(row) for row in queries.environments(organisation) if row.open_to(request.user)
            ],
            "gatewayTypes": ["Regular"],
            "scopes": sorted(one.name for one in system_scopes().values() if one.section == "publisher"),
            "monetizationAttributes": [],
            "securityAuditProperties": {},
            "externalStoresEnabled": True,
            "docVisibilityEnabled": True,
            "crossTenantSubscriptionEnabled": True,
            "defaultAdvancePolicy": _default(organisation, "DefaultAPILevelTier", "api"),
            "defaultSubscriptionPolicy": _default(organisation, "DefaultSubscriptionLevelTier", "subscription"),
            "authorizationHeader": "Authorization",
        }
        return tagged(request, body)


class Policies(Resource):
    """GET /throttling-policies/{policyLevel}."""

    scopes = POLICY_VIEW

    def get(self, request: Request, level: str) -> Response:
        """The organisation's policies of one level."""
        queries.apis(request.user)
        found = plans if _checked(level) == "subscription" else lambda organisation: policies(organisation, "api")
        return self.page(found(request.user.organisation), plan_out)


class StreamingPolicies(Resource):
    """GET /throttling-policies/streaming/subscription."""

    scopes = POLICY_VIEW

    def get(self, request: Request) -> Response:
        """The organisation's business plans that count events."""
        queries.apis(request.user)
        return self.page(plans(request.user.organisation, streaming=True), _streaming)


class OnePolicy(Resource):
    """GET /throttling-policies/{policyLevel}/{policyName}."""

    scopes = POLICY_VIEW

    def get(self, request: Request, level: str, name: str) -> Response:
        """One policy."""
        queries.apis(request.user)
        return tagged(request, plan_out(get_policy(request.user.organisation, _checked(level), name)))


def _default(organisation: Organisation, setting: str, level: str) -> str:
    """The policy that the organisation's configuration proposes, if there is one of that name."""
    name = default_tier(organisation, setting)
    return name if name and policies(organisation, level).filter(name=name).exists() else UNLIMITED


def _checked(level: str) -> str:
    if level not in LEVELS:
        message = f"{level[:40]!r} is not one of {', '.join(LEVELS)}."
        raise Invalid(message, [FieldError("policyLevel", message)])
    return level


def plan_out(policy: Policy) -> dict[str, Any]:
    """The contract's ThrottlingPolicy."""
    bandwidth = policy.kind == LimitKind.BANDWIDTH
    return {
        "name": policy.name,
        "displayName": policy.display_name or policy.name,
        "description": policy.description,
        "policyLevel": policy.level,
        "attributes": {},
        "requestCount": policy.amount if policy.amount is not None else _UNLIMITED_COUNT,
        "dataUnit": policy.data_unit if bandwidth else "",
        "unitTime": policy.unit_time if policy.amount is not None else 0,
        "timeUnit": policy.time_unit if policy.amount is not None else "",
        "rateLimitCount": policy.burst_amount or 0,
        "rateLimitTimeUnit": policy.burst_unit if policy.burst_amount else "",
        "quotaPolicyType": "BANDWIDTHVOLUME" if bandwidth else "REQUESTCOUNT",
        "tierPlan": policy.billing_plan,
        "stopOnQuotaReach": policy.stop_on_quota_reach,
        "monetizationProperties": {
            name: str(value) for name, value in ((policy.monetization or {}).get("properties") or {}).items()
        },
    }


def _streaming(policy: Policy) -> dict[str, Any]:
    """The contract's SubscriptionPolicy; its number is left out, there are only uuids."""
    names = ("monetization", "graphQLMaxComplexity", "graphQLMaxDepth", "policyId", "type")
    shown = {name: value for name, value in plan_in_full(policy).items() if name not in names}
    return shown | {"uuid": str(policy.pk), "tenantDomain": policy.organisation.domain}


def _environment(row: GatewayEnvironment) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "name": row.name,
        "displayName": row.display_name,
        "type": row.kind,
        "serverUrl": settings.APIM.public,
        "provider": "wso2",
        "showInApiConsole": True,
        "vhosts": [_vhost(one) for one in virtual_hosts(row)],
        "endpointURIs": [],
        "additionalProperties": [],
    }


def _vhost(one: VirtualHost) -> dict[str, Any]:
    return {
        "host": one.host,
        "httpContext": one.context.strip("/"),
        "httpPort": one.http_port,
        "httpsPort": one.https_port,
    }
