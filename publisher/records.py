"""Deployments as records for gateways: the revision's snapshot, with the live life-cycle state and default version."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from apim.accounts.models import Organisation
from apim.eventhub.publish import publish, take_turn
from gateway import schema
from publisher import availability, backends, vhosts
from publisher.asyncapi import websub
from publisher.checks.identity import full_path
from publisher.models import Api, Deployment, GatewayEnvironment, SharedScope, State
from publisher.openapi import writing
from publisher.policies.uses import opened

T = TypeVar("T", bound=schema.Record)

_MARKERS = frozenset({"oauth_basic_auth_api_key_mandatory", "mutualssl_mandatory"})
"""Entries of the security list that say how strict a scheme is, and are none themselves."""


def record(deployment: Deployment) -> schema.Api:
    """What gateways of the deployment's environment run."""
    api, design = deployment.api, deployment.revision.snapshot
    certificates = backends.Certificates(api.organisation)
    prefix = api.organisation.prefix
    return schema.Api(
        id=str(api.pk),
        organisation=api.organisation.domain,
        name=design["name"],
        version=design["version"],
        context=prefix + full_path(design["context"], design["version"]),
        default_context=_default_context(prefix, design["context"]) if api.is_default_version else "",
        provider=api.provider.get_username(),
        revision=deployment.revision.number,
        operations=tuple(
            _translated(
                _operation(operation, design.get("sources", {}), certificates), design.get("resource_policies", ())
            )
            for operation in design["operations"]
        ),
        production=backends.record(design["endpoints"].get("production"), certificates),
        sandbox=backends.record(design["endpoints"].get("sandbox"), certificates),
        lifecycle=api.state,
        transports=tuple(design["transports"]),
        security=tuple(scheme for scheme in design["security"] if scheme not in _MARKERS),
        authorization_header=design["authorization_header"],
        policy=design["policy"],
        cors=schema.Cors(**{name: _frozen(value) for name, value in design["cors"].items()}),
        audiences=tuple(design.get("audiences", ())),
        key_managers=tuple(design.get("key_managers") or ("all",)),
        kind=api.kind,
        hosts=vhosts.restricting(deployment.environment, deployment.vhost),
        application_security_mandatory="oauth_basic_auth_api_key_mandatory" in design["security"]
        or not design["security"],
        mutual_tls_mandatory="mutualssl_mandatory" in design["security"],
        api_key_header=design.get("api_key_header", "apikey"),
        subscriptionless=not design["plans"],
        cross_tenant=availability.crosses(api),
        scope_roles=_scope_roles(api, design),
        **_flows(design.get("flows")),
        validate_schema=design.get("validate_schema", False),
        cache_seconds=design.get("cache_seconds", 0),
        throughput=_as(schema.BackendThroughput, design.get("throughput")),
        complexities=tuple(_as(schema.Complexity, one) for one in design.get("complexities", ())),
        definition=_definition(api, design),
        properties=tuple(sorted(websub.opened(design.get("gateway_options") or {}).items())),
    )


def _scope_roles(api: Api, design: dict[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Scope → roles: the API's own as the revision has them, shared ones as the organisation has them now."""
    asked = {scope for operation in design["operations"] for scope in operation["scopes"]}
    shared = SharedScope.objects.filter(organisation=api.organisation_id, name__in=asked) if asked else ()
    bound = (design.get("scope_roles") or {}) | {row.name: row.roles for row in shared}
    return tuple(sorted((name, tuple(roles)) for name, roles in bound.items() if roles))


def key(api: Api, environment: GatewayEnvironment) -> str:
    """Key of the record of `api` in `environment`."""
    return f"{environment.name}:{api.pk}"


def announce(deployment: Deployment) -> None:
    """Tell the gateways of the environment to run this. Those of an organisation that is switched off run nowhere."""
    api, environment = deployment.api, deployment.environment
    if not api.organisation.active:
        return
    publish(
        "api",
        key(api, environment),
        record(deployment),
        organisation=api.organisation.domain,
        environment=environment.name,
    )


def withdraw(api: Api, environment: GatewayEnvironment) -> None:
    """Tell the gateways of `environment` to forget `api`."""
    publish("api", key(api, environment), None, organisation=api.organisation.domain, environment=environment.name)


def announce_all(api: Api) -> None:
    """Tell every environment that runs `api` its live state. A retired API runs nowhere."""
    if api.state == State.RETIRED:
        return
    for deployment in api.deployments.select_related("revision", "environment"):
        # The caller's instance carries the change that is to be told.
        deployment.api = api
        announce(deployment)


def announce_organisation(organisation: Organisation) -> None:
    """Give the gateways all APIs of an organisation that was switched on; take those of one that was switched off."""
    take_turn()
    rows = Deployment.objects.filter(api__organisation=organisation).exclude(api__state=State.RETIRED)
    for deployment in rows.select_related("api__organisation", "revision", "environment"):
        deployment.api.organisation = organisation
        if organisation.active:
            announce(deployment)
        else:
            withdraw(deployment.api, deployment.environment)


def _definition(api: Api, design: dict[str, Any]) -> str:
    """The definition's text where gateways need it: it may be megabytes."""
    if any(endpoint.get("kind") == "mock" for endpoint in design["endpoints"].values()):
        return design["definition"] or writing.generate(
            design["name"], design["version"], design["description"], design["operations"]
        )
    return design["definition"] if api.kind == "GRAPHQL" or design.get("validate_schema") else ""


def _default_context(prefix: str, context: str) -> str:
    """The path without the version; empty, for no such path, when the context is nothing but the version."""
    bare = context.replace("/{version}", "").replace("{version}", "").rstrip("/")
    return prefix + bare if bare else ""


def _operation(
    operation: dict[str, Any], sources: dict[str, dict[str, Any]], certificates: backends.Certificates
) -> schema.Operation:
    source = sources.get(operation.get("source_id", ""), {})
    endpoints = source.get("endpoints", {})
    return schema.Operation(
        verb=operation["verb"],
        target=operation["target"],
        auth=operation["auth"],
        scopes=tuple(operation["scopes"]),
        policy=operation["policy"],
        **_flows(source.get("flows"), operation.get("flows")),
        production=backends.record(endpoints.get("production"), certificates),
        sandbox=backends.record(endpoints.get("sandbox"), certificates),
        source=operation.get("source_id", ""),
    )


def _translated(operation: schema.Operation, policies: Iterable[dict[str, str]]) -> schema.Operation:
    """An operation of REST from SOAP between its sequences: its own policies see what its caller sees."""
    found = {
        one["direction"]: schema.PolicyUse(f"soapToRest-{one['direction']}", definition=one["content"])
        for one in policies
        if (one["verb"], one["target"]) == (operation.verb, operation.target)
    }
    if not found:
        return operation
    flows = operation.flows
    request = (*flows.request, *((found["in"],) if "in" in found else ()))
    response = (*((found["out"],) if "out" in found else ()), *flows.response)
    return msgspec.structs.replace(operation, flows=schema.Flows(request, response, flows.fault))


def _flows(outer: dict[str, Any] | None, inner: dict[str, Any] | None = None) -> dict[str, schema.Flows]:
    """The policies of an operation, after those of its own API where it is part of a product; nothing where there are none."""
    first, then = _as(schema.Flows, opened(outer)), _as(schema.Flows, opened(inner))
    if first is None or then is None:
        return {"flows": one} if (one := first or then) else {}
    both = schema.Flows(first.request + then.request, first.response + then.response, first.fault + then.fault)
    return {"flows": both}


def _as(kind: type[T], value: Any) -> T | None:
    """Plain data of the design as a record; the design keeps it in the record's own form. Empty gives None."""
    return msgspec.convert(value, kind) if value else None


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
