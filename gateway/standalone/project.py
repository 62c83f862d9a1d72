"""An API project as apictl exports it: a folder of `api.yaml`, `Definitions/`, `deployment_environments.yaml`, `Policies/`."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, cast

from gateway import schema
from gateway.standalone.definition import AUTH, operations
from gateway.standalone.endpoints import endpoints
from gateway.standalone.source import Mistakes, Source
from gateway.standalone.view import View

NAMESPACE = uuid.UUID("6f1f2a3c-52a2-4f0e-9a39-0d6b8a2f7c11")
SCHEMES = ("oauth2", "api_key", "basic_auth", "mutualssl")
MARKERS = ("oauth_basic_auth_api_key_mandatory", "mutualssl_mandatory")
KINDS = ("HTTP", "SOAP", "SOAPTOREST", "GRAPHQL", "WS", "SSE", "WEBSUB")
LIFECYCLES = ("CREATED", "PROTOTYPED", "PUBLISHED", "BLOCKED", "DEPRECATED")
DEFINITIONS = ("swagger.yaml", "swagger.json", "schema.graphql", "asyncapi.yaml", "asyncapi.json")
CORS = {
    "accessControlAllowOrigins": "origins",
    "accessControlAllowMethods": "methods",
    "accessControlAllowHeaders": "headers",
}


def identifier(organisation: str, name: str, version: str) -> str:
    """The id of an API that was given none: the same at every start."""
    return str(uuid.uuid5(NAMESPACE, f"{organisation}/{name}/{version}"))


def context_of(prefix: str, context: str, version: str) -> tuple[str, str]:
    """The base path with the version in its place, and the one without it."""
    context = "/" + context.strip("/").removeprefix(prefix.strip("/") + "/" if prefix else "")
    bare = context.replace("/{version}", "").replace("{version}", "").rstrip("/")
    full = context.replace("{version}", version) if "{version}" in context else f"{context}/{version}"
    return prefix + full, prefix + bare if bare else ""


def read(folder: Path, organisation: str, environment: str, mistakes: Mistakes) -> tuple[Source, schema.Api] | None:
    """The API of a project; None when it is for other environments or too wrong to go on. Mistakes are noted."""
    source = mistakes.source(folder / "api.yaml")
    if source is None:
        return None
    top = View(source, (), source.data)
    data = top.view("data") if "data" in top.data else top
    hosts = _hosts(folder, environment, mistakes)
    if hosts is None:
        return None
    name, version, context = data.required("name"), data.required("version"), data.required("context")
    if not (name and version and context):
        return None
    prefix = "" if organisation == "carbon.super" else f"/t/{organisation}"
    full, bare = context_of(prefix, context, version)
    definition = _definition(folder, mistakes)
    both = endpoints(data.view("endpointConfig"))
    security = _security(data)
    return source, schema.Api(
        id=data.text("id") or identifier(organisation, name, version),
        organisation=organisation,
        name=name,
        version=version,
        context=full,
        default_context=bare if data.flag("isDefaultVersion", False) else "",
        provider=data.text("provider", "admin"),
        revision=data.number("revisionId", 1) or 1,
        operations=_operations(folder, data, definition, mistakes),
        production=both.get("production"),
        sandbox=both.get("sandbox"),
        lifecycle=cast(Any, data.choice("lifeCycleStatus", LIFECYCLES, "PUBLISHED")),
        transports=data.texts("transport") or ("http", "https"),
        security=tuple(scheme for scheme in security if scheme in SCHEMES),
        application_security_mandatory=MARKERS[0] in security or "mutualssl" not in security,
        mutual_tls_mandatory=MARKERS[1] in security,
        authorization_header=data.text("authorizationHeader") or "Authorization",
        api_key_header=data.text("apiKeyHeader") or "apikey",
        policy=data.text("apiThrottlingPolicy"),
        cors=_cors(data.view("corsConfiguration")),
        audiences=tuple(one for one in data.texts("audiences") if one != "all"),
        key_managers=data.texts("keyManagers") or ("all",),
        kind=cast(Any, data.choice("type", KINDS, "HTTP")),
        hosts=hosts,
        flows=_flows(folder, data.view("apiPolicies"), mistakes),
        validate_schema=data.flag("enableSchemaValidation", False),
        cache_seconds=data.number("cacheTimeout", 300) if data.flag("responseCachingEnabled", False) else 0,
        definition=definition[1] if definition else "",
    )


def _security(data: View) -> tuple[str, ...]:
    """The schemes and markers of the project; those that do not exist are noted as mistakes."""
    security = data.texts("securityScheme") or ("oauth2",)
    for position, scheme in enumerate(security):
        if scheme not in (*SCHEMES, *MARKERS):
            place = (*data.place, "securityScheme", position)
            data.source.wrong(place, f"{scheme!r} is not allowed; allowed: {', '.join(SCHEMES + MARKERS)}")
    return security


def _hosts(folder: Path, environment: str, mistakes: Mistakes) -> tuple[str, ...] | None:
    """The virtual hosts of the project here; None when it is for other environments only."""
    path = folder / "deployment_environments.yaml"
    if not path.is_file():
        return ()
    source = mistakes.source(path)
    if source is None:
        return ()
    places = View(source, (), source.data).views("data")
    here = [place for place in places if place.required("deploymentEnvironment") == environment]
    if not here:
        return None
    hosts = tuple(place.text("deploymentVhost", "localhost") for place in here)
    return () if "localhost" in hosts else hosts


def _definition(folder: Path, mistakes: Mistakes) -> tuple[Source | None, str] | None:
    """The definition as source (OpenAPI and AsyncAPI) and text."""
    for name in DEFINITIONS:
        path = folder / "Definitions" / name
        if path.is_file():
            text = mistakes.read(path)
            if text is None:
                return None
            return (None if name.endswith(".graphql") else mistakes.source(path, once=False)), text
    return None


def _operations(
    folder: Path, data: View, definition: tuple[Source | None, str] | None, mistakes: Mistakes
) -> tuple[schema.Operation, ...]:
    listed = data.views("operations")
    if not listed and definition and definition[0] is not None:
        return operations(definition[0])
    if not listed:
        return tuple(schema.Operation(verb, "/*") for verb in ("GET", "POST", "PUT", "DELETE", "PATCH"))
    found = []
    for one in listed:
        said = one.text("authType", "any")
        if said.lower() not in AUTH:
            one.wrong("authType", f"{said!r} is not allowed; allowed: {', '.join(AUTH)}")
        found.append(
            schema.Operation(
                verb=one.required("verb").upper(),
                target=one.required("target"),
                auth=cast(Any, AUTH.get(said.lower(), "any")),
                scopes=one.texts("scopes"),
                policy=one.text("throttlingPolicy") or "Unlimited",
                flows=_flows(folder, one.view("operationPolicies"), mistakes),
            )
        )
    return tuple(found)


def _flows(folder: Path, view: View, mistakes: Mistakes) -> schema.Flows:
    if not view.data:
        return schema.Flows()
    return schema.Flows(
        *(tuple(_use(folder, one, mistakes) for one in view.views(flow)) for flow in ("request", "response", "fault"))
    )


def _use(folder: Path, view: View, mistakes: Mistakes) -> schema.PolicyUse:
    name, version = view.required("policyName"), view.text("policyVersion") or "v1"
    path = folder / "Policies" / f"{name}_{version}.j2"
    text = mistakes.read(path) if path.is_file() else ""
    return schema.PolicyUse(name, version, dict(view.view("parameters").data), text or "")


def _cors(view: View) -> schema.Cors:
    if not view.data:
        return schema.Cors()
    given = {ours: view.texts(theirs) for theirs, ours in CORS.items() if theirs in view.data}
    return schema.Cors(
        enabled=view.flag("corsConfigurationEnabled", True),
        credentials=view.flag("accessControlAllowCredentials", False),
        **cast(Any, given),
    )
