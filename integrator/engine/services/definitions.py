"""Definitions that the server answers itself: ?swagger.json, ?swagger.yaml, ?wsdl and its kin (reference 1.8, 5.3)."""

from __future__ import annotations

import logging
from typing import Any

import yaml

from integrator.engine.content.payload import decode_json, encode_json
from integrator.engine.dataservices.service import DataService
from integrator.engine.deployment import Deployment
from integrator.engine.errors import BadPayload
from integrator.engine.message import Message
from integrator.engine.services.published import publish
from integrator.engine.services.rest import Api
from wire.exchange import Exchange

log = logging.getLogger("integrator.http")

JSON, YAML, XML = b"application/json", b"application/x-yaml", b"text/xml; charset=UTF-8"
_ANSWER = {"default": {"description": "Default response"}}


async def answer(exchange: Exchange, message: Message, path: str, query: str) -> bool:
    """Answer a request for a definition; False when there is none to give."""
    if exchange.method != b"GET":
        return False
    deployment, kind = message.deployment, query.lower().partition("&")[0]
    name = path.removeprefix("/services/").strip("/").partition("/")[0]
    if kind.startswith("swagger."):
        host = message.headers.get("Host") or deployment.config.hostname
        text = swagger(deployment, path, name, f"{message.flow.transport}://{host}")
        if text is None:
            return False
        data = _as_json(text) if kind == "swagger.json" else _as_yaml(text)
        exchange.respond(200, [(b"content-type", JSON if kind == "swagger.json" else YAML)], data)
        return True
    proxy = deployment.proxies.get(name.partition(".")[0])
    if not path.startswith("/services/") or proxy is None:
        return False
    published = await publish(message, proxy, query)
    exchange.respond(404 if published is None else 200, [(b"content-type", XML)], published or b"")
    return True


def swagger(deployment: Deployment, path: str, name: str, server: str) -> Any:
    """The definition of an API or data service: published text, else one made from its resources; None for neither."""
    for api in deployment.apis:
        if path.rstrip("/") in (f"/{api.name}", f"/{api.full_name}", api.root.rstrip("/")):
            return definition_of(deployment, api, server)
    service = deployment.data_services.get(name.partition(".")[0])
    return None if service is None else data_service_definition(service, server)


def definition_of(deployment: Deployment, api: Api, server: str) -> Any:
    """Definition of an API: the registry's, the one deployed with it, or a generated one."""
    if api.swagger_key:
        text = deployment.entry_text(api.swagger_key)
        if text is not None:
            return text
    return deployment.definitions.get(api.name) or generated(api, server)


def generated(api: Api, server: str) -> dict[str, Any]:
    """An OpenAPI 3.0.1 skeleton of an API's resources."""
    paths: dict[str, dict[str, Any]] = {}
    for resource in api.resources:
        path = (resource.url.partition("?")[0] or "/").replace("{+", "{")
        path = path if path.startswith("/") else "/" + path
        names = resource.template.names if resource.template else []
        queries = list(resource.template.query) if resource.template else []
        for method in sorted(resource.methods - {"OPTIONS"}):
            paths.setdefault(path, {})[method.lower()] = _operation(names, queries, method)
    return _document(api.name, api.version or "1.0.0", server + api.root.rstrip("/"), paths)


def _operation(names: list[str], queries: list[str], method: str) -> dict[str, Any]:
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    parameters += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in queries]
    operation: dict[str, Any] = {"parameters": parameters} if parameters else {}
    if method in ("POST", "PUT", "PATCH"):
        operation["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    return operation | {"responses": _ANSWER}


def _document(title: str, version: str, server: str, paths: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": "3.0.1",
        "info": {"title": title, "version": version},
        "servers": [{"url": server}],
        "paths": paths,
    }


def data_service_definition(service: DataService, server: str) -> dict[str, Any]:
    """An OpenAPI 3.0.1 document of a data service's resources."""
    paths: dict[str, dict[str, Any]] = {}
    for resource in service.resources:
        path = "/" + resource.path
        names = [part[1:-1] for part in resource.path.split("/") if part.startswith("{")]
        paths.setdefault(path, {})[resource.method.lower()] = _operation(names, [], resource.method)
    return _document(service.name, "1.0.0", f"{server}/services/{service.name}", paths)


def as_text(definition: Any) -> str:
    """A definition as YAML text."""
    return definition if isinstance(definition, str) else str(yaml.safe_dump(definition, sort_keys=False))


def _as_json(definition: Any) -> bytes:
    if isinstance(definition, str):
        try:
            definition = decode_json(definition)
        except BadPayload:
            definition = yaml.safe_load(definition)
    return encode_json(definition)


def _as_yaml(definition: Any) -> bytes:
    if isinstance(definition, str):
        try:
            definition = decode_json(definition)
        except BadPayload:
            return str(definition).encode()
    return as_text(definition).encode()
