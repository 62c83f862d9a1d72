"""Reads proxy services: target, published WSDL, policies and service parameters (reference 5.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integrator.engine.endpoints.parse import endpoint_of, injected
from integrator.engine.reader import Reader
from integrator.engine.services.guarded import GuardedProxy
from integrator.engine.services.proxy import Proxy, Publication
from integrator.engine.services.rest import Flows
from integrator.engine.xmltools import Element, child, children, local, serialise, text_of

CHILDREN = (
    "description",
    "target",
    "publishWSDL",
    "policy",
    "enableAddressing",
    "enableSec",
    "enableRM",
    "parameter",
)
FLAGS = ("disableOperationValidation", "useOriginalwsdl", "modifyUserWSDLPortAddress", "enforceWSAddressing")


def proxy_of(root: Element, reader: Reader, flows_of: Callable[[Element, Reader], Flows]) -> tuple[str, Proxy]:
    """(name, proxy) of an element. Raises DeploymentError."""
    name = reader.required(root, "name")
    reader.leave_out(root, CHILDREN)
    if (element := child(root, "enableRM")) is not None:
        raise reader.fail(
            element, "WS-ReliableMessaging is not there; a message store with a processor delivers surely"
        )
    target = child(root, "target")
    if target is None:
        raise reader.fail(root, "child <target> is required")
    flows, endpoint = flows_of(target, reader), endpoint_of(target, reader)
    if flows.incoming is None and endpoint is None:
        raise reader.fail(target, "inSequence or endpoint is required")
    publication = read_publication(child(root, "publishWSDL"), reader)
    given: dict[str, Any] = {
        "name": name,
        "transports": frozenset((root.get("transports") or "").lower().replace(",", " ").split()),
        "start": reader.flag(root, "startOnLoad", True),
        "endpoint": endpoint,
        "flows": flows,
        "compiled": flows.compile(),
        "publication": publication,
        "pinned": frozenset((root.get("pinnedServers") or "").replace(",", " ").split()),
        "addressing": child(root, "enableAddressing") is not None,
        "parameters": _parameters(root, reader),
    }
    inward, outward = _policies(root, reader)
    given["policy"] = inward or outward
    enforced = str(given["parameters"].get("enforceWSAddressing", "")).strip().lower() == "true"
    if child(root, "enableSec") is None:
        inward = outward = ""
        if not enforced and not given["addressing"]:
            return name, Proxy(**given)
    elif not given["policy"]:
        raise reader.fail(child(root, "enableSec"), "a <policy key> is required, or nothing would be enforced")
    return name, GuardedProxy(**given, inward=inward, outward=outward, enforce_addressing=enforced)


def _parameters(root: Element, reader: Reader) -> dict[str, str]:
    found = {}
    for item in children(root):
        if local(item) != "parameter":
            continue
        name, inner = reader.required(item, "name"), children(item)
        if name in ("InflowSecurity", "OutflowSecurity"):
            raise reader.fail(item, f"parameter {name!r}: write <enableSec/> and <policy key>; parameters are not read")
        value = serialise(inner[0]) if inner else injected(item, text_of(item), reader)
        if name in FLAGS and value.strip().lower() not in ("true", "false"):
            raise reader.fail(item, f"parameter {name} {value!r}: allowed are true, false")
        found[name] = value
    return found


def _policies(root: Element, reader: Reader) -> tuple[str, str]:
    """Keys of the policies of requests and of answers."""
    inward = outward = ""
    for item in children(root):
        if local(item) != "policy":
            continue
        key = reader.required(item, "key")
        kind = reader.choice(item, "type", ("in", "out", "both"), "both")
        if item.get("operationName"):
            raise reader.fail(
                item,
                "attribute operationName: an operation is told by the body, which may be encrypted; "
                "give operations with other policies a proxy of their own",
            )
        if (inward and kind != "out") or (outward and kind != "in"):
            raise reader.fail(item, "one policy for each direction is allowed; write one document with all assertions")
        inward = key if kind != "out" else inward
        outward = key if kind != "in" else outward
    return inward, outward


def read_publication(element: Element | None, reader: Reader) -> Publication | None:
    """What `publishWSDL` says; None when there is none. Raises DeploymentError."""
    if element is None:
        return None
    inner = [item for item in children(element) if local(item) != "resource"]
    for item in inner:
        if local(item) not in ("definitions", "description"):
            allowed = "definitions, description, resource"
            raise reader.fail(item, f"element <{local(item)}> is not allowed in <publishWSDL>; allowed are {allowed}")
    given = [name for name in ("key", "uri", "endpoint") if element.get(name)]
    if len(given) + bool(inner) != 1 or len(inner) > 1:
        raise reader.fail(element, "one of key, uri, endpoint or an inline WSDL is required")
    return Publication(
        key=element.get("key") or "",
        uri=injected(element, element.get("uri") or "", reader),
        endpoint=element.get("endpoint") or "",
        inline=serialise(inner[0]) if inner else "",
        preserve_policy=reader.flag(element, "preservePolicy", True),
        resources={
            reader.required(item, "location"): reader.required(item, "key")
            for item in children(element)
            if local(item) == "resource"
        },
    )
