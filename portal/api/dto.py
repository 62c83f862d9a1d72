"""The objects of the portal's REST contract, built from rows. Field names are the contract's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apim.traffic.models import LimitKind, Policy
from portal import billing, queries, stars
from portal.actions.remote_keys import settings_of
from portal.addresses import Address, versioned
from portal.models import Application, ApplicationKey, Subscription
from publisher.models import Api, Document

WITHOUT_LIMIT = 2**31 - 1
"""How the original writes an unlimited quota."""


def api_info(api: Api, mean: float | None = None) -> dict[str, Any]:
    """APIInfo: an entry of a list. `mean`: its stars, where the row does not say them in `average`."""
    return {
        "id": str(api.pk),
        "name": api.name,
        "description": api.description,
        "context": versioned(api),
        "version": api.version,
        "type": api.kind,
        "createdTime": str(int(api.created.timestamp() * 1000)),
        "provider": api.provider.get_username(),
        "lifeCycleStatus": api.state,
        "thumbnailUri": _picture(api),
        "avgRating": stars.text(getattr(api, "average", mean)),
        "throttlingPolicies": [plan.name for plan in queries.plans(api)],
        "advertiseInfo": _advertised(api),
        "businessInformation": _business(api),
        "isSubscriptionAvailable": api.state in queries.SUBSCRIBABLE,
        "monetizationLabel": _label(queries.plans(api)),
    }


def api(api: Api, places: list[Address], definition: str) -> dict[str, Any]:
    """API: the whole entry."""
    operations = list(api.operations.all())
    scopes = sorted({scope for operation in operations for scope in operation.scopes})
    return {
        "id": str(api.pk),
        "name": api.name,
        "description": api.description,
        "context": versioned(api),
        "version": api.version,
        "provider": api.provider.get_username(),
        "apiDefinition": definition,
        "wsdlUri": f"/apis/{api.pk}/wsdl" if api.wsdl else "",
        "lifeCycleStatus": api.state,
        "isDefaultVersion": api.is_default_version,
        "type": api.kind,
        "transport": api.transports or ["http", "https"],
        "operations": [{"id": "", "target": one.target, "verb": one.verb} for one in operations],
        "authorizationHeader": api.authorization_header,
        "securityScheme": api.security or ["oauth2", "oauth_basic_auth_api_key_mandatory"],
        "tags": api.tags,
        "tiers": [_tier(plan) for plan in queries.plans(api)],
        "hasThumbnail": bool(api.thumbnail_type),
        "additionalProperties": [p for p in api.additional_properties if isinstance(p, dict) and p.get("display")],
        "monetization": {"enabled": bool(api.monetization.get("enabled"))},
        "endpointURLs": [_endpoint(place) for place in places],
        "businessInformation": _business(api),
        "environmentList": [name.upper() for name in ("production", "sandbox") if api.endpoints.get(name)],
        "scopes": [_scope(api, scope) for scope in scopes],
        "avgRating": stars.text(stars.average(api)),
        "advertiseInfo": _advertised(api),
        "isSubscriptionAvailable": api.state in queries.SUBSCRIBABLE,
        "categories": [category.name for category in api.categories.all()],
        "keyManagers": api.key_managers or ["all"],
        "createdTime": _time(api.created),
        "lastUpdatedTime": _time(api.updated),
        "gatewayVendor": "wso2",
        "asyncTransportProtocols": [],
    }


def api_found(api: Api) -> dict[str, Any]:
    """APISearchResult."""
    return {
        "id": str(api.pk),
        "name": api.name,
        "type": "API",
        "transportType": api.kind,
        "description": api.description,
        "context": versioned(api),
        "version": api.version,
        "provider": api.provider.get_username(),
        "status": api.state,
        "thumbnailUri": _picture(api),
        "businessInformation": _business(api),
        "avgRating": stars.text(getattr(api, "average", None)),
    }


def document_found(row: Document) -> dict[str, Any]:
    """DocumentSearchResult."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "type": "DOC",
        "docType": row.kind,
        "summary": row.summary,
        "sourceType": row.source,
        "sourceUrl": row.url,
        "otherTypeName": row.other_kind,
        "visibility": row.visibility,
        "apiName": row.api.name,
        "apiVersion": row.api.version,
        "apiProvider": row.api.provider.get_username(),
        "apiUUID": str(row.api_id),
    }


def application_info(application: Application, counted: int | None = None) -> dict[str, Any]:
    """ApplicationInfo: an entry of a list. Wants `queries.with_counts` or the count, else it counts for itself."""
    counted = getattr(application, "subscription_count", counted)
    return {
        "applicationId": str(application.pk),
        "name": application.name,
        "throttlingPolicy": application.policy,
        "description": application.description,
        "status": application.status,
        "groups": [group.name for group in application.groups.all()],
        "subscriptionCount": application.subscriptions.count() if counted is None else counted,
        "attributes": application.attributes,
        "owner": application.owner.get_username(),
    }


def application(application: Application) -> dict[str, Any]:
    """Application: the whole entry with its keys."""
    return {
        **application_info(application),
        "tokenType": application.token_type,
        "keys": [key(one) for one in queries.keys(application)],
        "subscriptionScopes": subscription_scopes(application),
        "hashEnabled": True,
        "visibility": "SHARED_WITH_ORG" if application.groups.all() else "PRIVATE",
    }


def subscription_scopes(application: Application) -> list[dict[str, Any]]:
    """The scopes of all APIs that the application is subscribed to."""
    rows = application.subscriptions.values_list("api__operations__scopes", flat=True)
    names = sorted({name for scopes in rows for name in scopes or ()})
    return [{"key": name, "name": name, "roles": [], "description": ""} for name in names]


def key(key: ApplicationKey, secret: str = "") -> dict[str, Any]:
    """ApplicationKey. `secret` is known only in the answer that made it."""
    known = settings_of(key)
    lifetime = key.client.token_lifetime if key.client else None
    return {
        "keyMappingId": str(key.pk),
        "keyManager": key.key_manager.name,
        "consumerKey": key.consumer_key,
        "consumerSecret": secret,
        "supportedGrantTypes": known["grant_types"],
        "callbackUrl": known["callback_url"],
        "keyState": str(key.state),
        "keyType": key.key_type,
        "mode": key.mode,
        "groupId": "",
        "additionalProperties": {"application_access_token_expiry_time": lifetime or "N/A"},
    }


def token(issued: dict[str, Any]) -> dict[str, Any]:
    """ApplicationToken, from an RFC 6749 answer."""
    return {
        "accessToken": issued["access_token"],
        "tokenScopes": str(issued.get("scope", "")).split(),
        "validityTime": issued["expires_in"],
    }


def subscription(row: Subscription) -> dict[str, Any]:
    """Subscription with both its ends."""
    return {
        "subscriptionId": str(row.pk),
        "applicationId": str(row.application_id),
        "apiId": str(row.api_id),
        "apiInfo": api_info(row.api, getattr(row, "average", None)),
        "applicationInfo": application_info(row.application, getattr(row, "application_subscriptions", None)),
        "throttlingPolicy": row.plan,
        "requestedThrottlingPolicy": row.requested_plan or row.plan,
        "status": row.state,
        "redirectionParams": "",
    }


def additional_info(row: Subscription) -> dict[str, Any]:
    """AdditionalSubscriptionInfo. Nothing here is deployed to a Solace broker."""
    return {
        "subscriptionId": str(row.pk),
        "applicationId": str(row.application_id),
        "applicationName": row.application.name,
        "apiId": str(row.api_id),
        "isSolaceAPI": False,
        "solaceOrganization": "",
        "solaceDeployedEnvironments": [],
    }


def policy(row: Policy) -> dict[str, Any]:
    """ThrottlingPolicy."""
    return {
        "name": row.name,
        "description": row.description,
        "policyLevel": row.level,
        "attributes": {},
        "requestCount": row.amount or WITHOUT_LIMIT,
        "dataUnit": row.data_unit if row.kind == LimitKind.BANDWIDTH else "",
        "unitTime": row.unit_time if row.amount else 0,
        "timeUnit": row.time_unit if row.amount else "",
        "rateLimitCount": row.burst_amount or 0,
        "rateLimitTimeUnit": row.burst_unit if row.burst_amount else "",
        "quotaPolicyType": "BANDWIDTHVOLUME" if row.kind == LimitKind.BANDWIDTH else "REQUESTCOUNT",
        "tierPlan": row.billing_plan,
        "stopOnQuotaReach": row.stop_on_quota_reach,
        "monetizationAttributes": billing.attributes(row),
    }


def _tier(plan: Policy) -> dict[str, Any]:
    return {"tierName": plan.name, "tierPlan": plan.billing_plan, "monetizationAttributes": _price(plan)}


def _price(plan: Policy) -> dict[str, str]:
    return {name: value for name, value in billing.attributes(plan).items() if name != "billingType"}


def _endpoint(place: Address) -> dict[str, Any]:
    return {
        "environmentName": place.environment,
        "environmentDisplayName": place.display_name,
        "environmentType": place.kind,
        "URLs": _by_scheme(place.urls),
        "defaultVersionURLs": _by_scheme(place.default_urls),
    }


def _by_scheme(urls: list[str]) -> dict[str, str]:
    return {url.partition(":")[0]: url for url in urls}


def _picture(api: Api) -> str:
    return f"/apis/{api.pk}/thumbnail" if api.thumbnail_type else ""


def _advertised(api: Api) -> dict[str, Any]:
    """Of an API that is served elsewhere: where its own portal is and whose it is."""
    shown = ("originalDevPortalUrl", "apiOwner", "vendor")
    return {"advertised": bool(api.advertise.get("advertised"))} | {
        name: api.advertise[name] for name in shown if isinstance(api.advertise.get(name), str)
    }


def _scope(api: Api, scope: str) -> dict[str, Any]:
    texts = api.scope_texts.get(scope) or {}
    name, description = texts.get("display_name") or scope, texts.get("description") or ""
    return {"key": scope, "name": name, "roles": api.scope_roles.get(scope) or [], "description": description}


def _business(api: Api) -> dict[str, Any]:
    return {
        "businessOwner": api.business_owner,
        "businessOwnerEmail": api.business_owner_email,
        "technicalOwner": api.technical_owner,
        "technicalOwnerEmail": api.technical_owner_email,
    }


def _label(plans: list[Policy]) -> str:
    kinds = {plan.billing_plan for plan in plans}
    return {frozenset({"FREE"}): "FREE", frozenset({"COMMERCIAL"}): "PAID"}.get(
        frozenset(kinds), "FREEMIUM" if kinds else ""
    )


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
