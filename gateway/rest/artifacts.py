"""An API as the Synapse artifacts that tools of the original look at: written from the record, without any secret."""

from __future__ import annotations

import json
from xml.etree.ElementTree import Element, SubElement, tostring

from gateway import schema

NAMESPACE = "http://ws.apache.org/ns/synapse"
SIDES = ("production", "sandbox")
FLOWS = (("request", "In"), ("response", "Out"), ("fault", "Fault"))


def name_of(api: schema.Api) -> str:
    """`Pizza--v1.0`."""
    return f"{api.name}--v{api.version}"


def api_xml(api: schema.Api) -> str:
    """The API with its resources."""
    shape = "context" if api.version in api.context else "url"
    root = Element(
        "api",
        {
            "xmlns": NAMESPACE, "name": f"{api.provider}--{api.name}:v{api.version}", "context": api.context,
            "version": api.version, "version-type": shape, "transports": ",".join(api.transports),
            **({"hostname": api.hosts[0]} if api.hosts else {}),
        },
    )  # fmt: skip
    for operation in api.operations:
        where = {"methods": operation.verb, "uri-template": operation.target, "faultSequence": "fault"}
        resource = SubElement(root, "resource", where)
        inside = SubElement(resource, "inSequence")
        _policies(inside, (*api.flows.request, *operation.flows.request))
        SubElement(SubElement(inside, "send"), "endpoint", {"key": f"{name_of(api)}_APIproductionEndpoint"})
        outside = SubElement(resource, "outSequence")
        _policies(outside, (*operation.flows.response, *api.flows.response))
        SubElement(outside, "send")
    return tostring(root, encoding="unicode")


def endpoints(api: schema.Api) -> list[str]:
    """The endpoints of the API and, of a product, of its operations; each once."""
    pairs = [(side, getattr(holder, side)) for holder in (api, *api.operations) for side in SIDES]
    found = [
        _endpoint(f"{name_of(api)}_API{side}Endpoint", endpoint) for side, endpoint in pairs if endpoint is not None
    ]
    return list(dict.fromkeys(found))


def sequences(api: schema.Api) -> list[str]:
    """One sequence for each flow of the whole API that has policies; those of operations stand in their resources."""
    found = []
    for flow, suffix in FLOWS:
        uses = getattr(api.flows, flow)
        if uses:
            root = Element("sequence", {"xmlns": NAMESPACE, "name": f"{name_of(api)}--{suffix}"})
            _policies(root, uses)
            found.append(tostring(root, encoding="unicode"))
    return found


def local_entries(api: schema.Api) -> list[str]:
    """The API's definition, as the local entry under its id: as given where the gateway has it, else its resources."""
    root = Element("localEntry", {"xmlns": NAMESPACE, "key": api.id})
    root.text = api.definition or json.dumps(_outline(api))
    return [tostring(root, encoding="unicode")]


def _outline(api: schema.Api) -> dict[str, object]:
    paths: dict[str, dict[str, object]] = {}
    for operation in api.operations:
        paths.setdefault(operation.target, {})[operation.verb.lower()] = {"responses": {"200": {"description": "OK"}}}
    return {"openapi": "3.0.3", "info": {"title": api.name, "version": api.version}, "paths": paths}


def _policies(parent: Element, uses: tuple[schema.PolicyUse, ...]) -> None:
    # The values of a policy may be secrets; its name says what happens.
    for use in uses:
        SubElement(parent, "policy", {"name": use.name, "version": use.version})


def _endpoint(name: str, endpoint: schema.Endpoint) -> str:
    root = Element("endpoint", {"xmlns": NAMESPACE, "name": name})
    _inside(root, endpoint)
    return tostring(root, encoding="unicode")


def _inside(root: Element, endpoint: schema.Endpoint) -> None:
    groups = {"load_balance": "loadbalance", "failover": "failover"}
    if endpoint.kind in groups:
        group = SubElement(root, groups[endpoint.kind])
        for member in endpoint.members:
            _inside(SubElement(group, "endpoint"), member)
        return
    if endpoint.kind == "dynamic":
        SubElement(root, "default")
        return
    inner = SubElement(root, "address" if endpoint.kind == "soap" else "http")
    inner.set("uri" if endpoint.kind == "soap" else "uri-template", endpoint.url)
    timeout = SubElement(inner, "timeout")
    SubElement(timeout, "duration").text = str(endpoint.timeout_ms)
    SubElement(timeout, "responseAction").text = endpoint.timeout_action
