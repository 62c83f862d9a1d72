"""Reads top-level artifacts: which folder, which root element, which object (reference 1.1, 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from integrator.engine.endpoints.base import Endpoint
from integrator.engine.endpoints.parse import read_endpoint
from integrator.engine.errors import DeploymentError
from integrator.engine.events import read_sink
from integrator.engine.executors import read_executor
from integrator.engine.mediators import compile_list, mediators
from integrator.engine.mediators.base import Branch, Mediator, chain_of
from integrator.engine.mediators.connector import connection_of
from integrator.engine.mediators.refused import INSTEAD
from integrator.engine.observe.analytics import told_endpoint, told_sequence
from integrator.engine.processors import Processor, read_processor
from integrator.engine.reader import Reader, read_xml
from integrator.engine.sequence import Chain
from integrator.engine.services.handlers import HANDLERS, Handler
from integrator.engine.services.inbound import read_inbound
from integrator.engine.services.pathtemplate import PathTemplate, UrlMapping
from integrator.engine.services.proxy import Proxy
from integrator.engine.services.proxyreader import proxy_of
from integrator.engine.services.rest import Api, Flows, Resource
from integrator.engine.stores.definition import StoreDefinition, read_store
from integrator.engine.tasks import Task, read_task
from integrator.engine.xmltools import Element, child, children, clone, local, move_lines, serialise

DEFAULT_LISTENER = "default"
"""What binds-to calls the main ports."""
VERSION_TYPES = ("none", "url", "context")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Artifact:
    """One deployed artifact: what it is called, where it came from, its text, and the object that runs."""

    kind: str
    name: str
    file: str
    text: str
    value: Any = field(repr=False)
    container: str = ""


@dataclass(frozen=True)
class Sequence:
    """A named sequence."""

    name: str
    mediators: tuple[Mediator, ...]
    chain: Chain


@dataclass(frozen=True)
class Parameter:
    """A declared template parameter."""

    name: str
    mandatory: bool
    default: str | None


@dataclass(frozen=True)
class SequenceTemplate:
    """A sequence with parameters."""

    name: str
    parameters: tuple[Parameter, ...]
    chain: Chain


@dataclass(frozen=True)
class EndpointTemplate:
    """An endpoint whose text holds $parameters."""

    name: str
    parameters: tuple[str, ...]
    element: Element
    reader: Reader

    def make(self, values: dict[str, str]) -> Endpoint:
        """The endpoint with parameters filled in. Raises DeploymentError."""
        element = clone(self.element)
        names = sorted({*values, *self.parameters}, key=len, reverse=True)
        for item in element.iter():
            if isinstance(item.tag, str):
                for key, text in item.attrib.items():
                    item.set(key, _fill(text, names, values))
                if item.text:
                    item.text = _fill(item.text, names, values)
        return read_endpoint(element, self.reader)


def _fill(text: str, names: list[str], values: dict[str, str]) -> str:
    if "$" in text:
        for name in names:
            text = text.replace(f"${name}", values.get(name, ""))
    return text


@dataclass(frozen=True)
class LocalEntry:
    """Inline XML, inline text, or a URL whose content is read when it is used."""

    key: str
    text: str
    element: Element | None
    source: str = ""
    connection: Mediator | None = field(default=None, compare=False, repr=False)
    """A built-in connector's `init`, read when the entry was deployed."""

    @property
    def kind(self) -> str:
        """Type name for the management API."""
        return (
            "Source URL Local Entry"
            if self.source
            else "Inline XML Local Entry"
            if self.element is not None
            else "Inline Text Local Entry"
        )


def read_artifact(kind: str, data: bytes | str, file: str, container: str = "", line: int = 1) -> Artifact:
    """Read one artifact of a kind (a folder name of reference 1.1), which begins at a line of its file.

    Raises DeploymentError.
    """
    root, reader = read_xml(data, file)
    if line > 1:
        move_lines(root, line - 1)
    name, value = read_element(kind, root, reader)
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return Artifact(kind, name, file, text, value, container)


def read_element(kind: str, root: Element, reader: Reader) -> tuple[str, Any]:
    """(name, object) of a root element."""
    expected, read = KINDS[kind]
    if local(root) not in expected:
        raise reader.fail(root, f"root element <{local(root)}> in folder {kind}: allowed are {', '.join(expected)}")
    return read(root, reader)


def read_sequence(root: Element, reader: Reader) -> tuple[str, Sequence]:
    """A sequence artifact."""
    name = reader.required(root, "name")
    records = mediators(root, reader)
    chain = compile_list(records, f"sequence {name}", root.get("onError"))
    return name, Sequence(name, records, told_sequence(chain))


def read_named_endpoint(root: Element, reader: Reader) -> tuple[str, Endpoint]:
    """An endpoint artifact."""
    name = reader.required(root, "name")
    return name, told_endpoint(name, read_endpoint(root, reader))


def read_local_entry(root: Element, reader: Reader) -> tuple[str, LocalEntry]:
    """A local entry artifact."""
    key = reader.required(root, "key")
    inner = next((item for item in children(root) if local(item) != "description"), None)
    if inner is not None:
        element = clone(inner)
        # Attributes and expressions of a stylesheet may use a prefix that no name uses.
        etree.cleanup_namespaces(element, keep_ns_prefixes=[prefix for prefix in inner.nsmap if prefix])
        return key, LocalEntry(key, serialise(element), element, connection=connection_of(inner, reader))
    return key, LocalEntry(key, (root.text or "").strip(), None, root.get("src") or "")


def read_template(root: Element, reader: Reader) -> tuple[str, SequenceTemplate | EndpointTemplate]:
    """A sequence or endpoint template."""
    name = reader.required(root, "name")
    declared = [item for item in children(root) if local(item) == "parameter"]
    endpoint, sequence = child(root, "endpoint"), child(root, "sequence")
    if endpoint is not None:
        return name, EndpointTemplate(name, tuple(reader.required(item, "name") for item in declared), endpoint, reader)
    if sequence is None:
        raise reader.fail(root, "child <sequence> or <endpoint> is required")
    parameters = tuple(
        Parameter(reader.required(item, "name"), reader.flag(item, "isMandatory"), item.get("defaultValue"))
        for item in declared
    )
    on_error = root.get("onError") or sequence.get("onError")
    return name, SequenceTemplate(
        name, parameters, compile_list(mediators(sequence, reader), f"template {name}", on_error)
    )


def read_api(root: Element, reader: Reader) -> tuple[str, Api]:
    """An API artifact."""
    reader.only(root, ("resource", "handlers", "description"))
    name, context = reader.required(root, "name"), reader.required(root, "context")
    if not context.startswith("/"):
        raise reader.fail(root, f"attribute context={context!r}: it must start with /")
    handlers = child(root, "handlers")
    version, kind = root.get("version") or "", reader.choice(root, "version-type", VERSION_TYPES, "none")
    if version and kind == "none":
        raise reader.fail(root, "attribute 'version' needs version-type='url' or 'context'")
    resource_elements = [item for item in children(root) if local(item) == "resource"]
    resources = [read_resource(item, reader) for item in resource_elements]
    if not resources:
        raise reader.fail(root, "at least one child <resource> is required")
    api = Api(
        name=name,
        context=context,
        version=version,
        version_type=kind,
        hostname=root.get("hostname") or "",
        port=max(0, reader.integer(root, root.get("port"), "attribute port", 0)),
        transports=(root.get("transports") or "").strip().lower(),
        swagger_key=root.get("publishSwagger") or "",
        resources=resources,
        root=_base(context, kind, version),
        handlers=read_handlers(handlers, reader),
        binds=_binds(root),
    )
    _check_binds(api, resource_elements, reader)
    return api.full_name, api


def _base(context: str, version_type: str, version: str) -> str:
    """The context with the version where it belongs."""
    base = context.rstrip("/") or "/"
    if version_type == "url":
        return f"{base.rstrip('/')}/{version}"
    return base.replace("{version}", version) if version_type == "context" else base


def _check_binds(api: Api, elements: list[Element], reader: Reader) -> None:
    """A resource is on listeners of its API only."""
    for item, resource in zip(elements, api.resources, strict=True):
        unknown = [name for name in resource.binds if name not in (api.binds or (DEFAULT_LISTENER,))]
        if unknown:
            allowed = ", ".join(api.binds or (DEFAULT_LISTENER,))
            raise reader.fail(item, f"attribute binds-to={item.get('binds-to')!r}: allowed are {allowed}")


def read_handlers(element: Element | None, reader: Reader) -> tuple[Handler, ...]:
    """The handlers of an API. Raises DeploymentError for a class that is not available."""
    found = []
    for item in children(element) if element is not None else ():
        name = reader.required(item, "class")
        if name not in HANDLERS:
            raise reader.fail(item, f"attribute class={name!r}: allowed are {', '.join(HANDLERS)}")
        found.append(HANDLERS[name])
    return tuple(found)


def read_resource(element: Element, reader: Reader) -> Resource:
    """One resource of an API."""
    reader.leave_out(element, ("inSequence", "outSequence", "faultSequence", "description"))
    methods = (element.get("methods") or "GET").upper().replace(",", " ").split()
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise reader.fail(element, f"attribute methods={unknown[0]!r}: allowed are {' '.join(METHODS)}")
    template, mapping = element.get("uri-template"), element.get("url-mapping")
    if template is not None and mapping is not None:
        raise reader.fail(element, "either uri-template or url-mapping may be given, not both")
    try:
        path = PathTemplate(template) if template is not None else None
    except ValueError as error:
        raise reader.fail(element, str(error)) from error
    flows = read_flows(element, reader)
    return Resource(
        methods=frozenset(methods),
        template=path,
        mapping=UrlMapping(mapping) if mapping is not None else None,
        protocol=reader.choice(element, "protocol", ("http", "https"), "http") if element.get("protocol") else "",
        content_type=(element.get("content-type") or "").lower(),
        user_agent=reader.regex(element, "user-agent") if element.get("user-agent") else None,
        flows=flows,
        compiled=flows.compile(template or mapping or "/*"),
        binds=_binds(element),
    )


def _binds(element: Element) -> tuple[str, ...]:
    """The listeners that may serve an API or resource; empty for the main ports and what is passed on to them."""
    return tuple((element.get("binds-to") or "").replace(",", " ").split())


def read_flows(element: Element, reader: Reader) -> Flows:
    """inSequence, outSequence, faultSequence as attribute or child."""
    return Flows(*(_flow(element, reader, name) for name in ("inSequence", "outSequence", "faultSequence")))


def _flow(element: Element, reader: Reader, name: str) -> Branch | None:
    if element.get(name):
        return Branch(key=reader.value(element, name))
    inner = child(element, name)
    return chain_of(inner, reader, "key") if inner is not None else None


def read_proxy(root: Element, reader: Reader) -> tuple[str, Proxy]:
    """A proxy service artifact."""
    return proxy_of(root, reader, read_flows)


def refuse_event_source(root: Element, reader: Reader) -> tuple[str, Any]:
    """Event sources belong to a Java server. Always raises DeploymentError."""
    raise reader.fail(root, f"<eventSource> does not run here: {INSTEAD['eventPublisher']}")


Read = Callable[[Element, Reader], tuple[str, Any]]

KINDS: dict[str, tuple[tuple[str, ...], Read]] = {
    "local-entries": (("localEntry",), read_local_entry),
    "endpoints": (("endpoint",), read_named_endpoint),
    "sequences": (("sequence",), read_sequence),
    "templates": (("template",), read_template),
    "proxy-services": (("proxy",), read_proxy),
    "tasks": (("task",), read_task),
    "message-stores": (("messageStore",), read_store),
    "message-processors": (("messageProcessor",), read_processor),
    "api": (("api",), read_api),
    "inbound-endpoints": (("inboundEndpoint",), read_inbound),
    "priority-executors": (("priority-executor", "priorityExecutor"), read_executor),
    "event-sources": (("eventSource",), refuse_event_source),
    "event-sinks": (("eventSink",), read_sink),
}
ORDER = tuple(KINDS)

__all__ = ["Artifact", "DeploymentError", "Processor", "StoreDefinition", "Task", "read_artifact", "read_element"]
