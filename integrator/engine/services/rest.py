"""REST APIs: records, and finding the API and the resource of a request (reference 5.3)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from integrator.engine.content.media import media_type
from integrator.engine.errors import Place
from integrator.engine.mediators.base import Branch, Mediator, compile_list
from integrator.engine.message import Message
from integrator.engine.patterns import Pattern
from integrator.engine.sequence import Chain
from integrator.engine.services.handlers import Handler
from integrator.engine.services.pathtemplate import PathTemplate, UrlMapping

log = logging.getLogger("integrator.http")


@dataclass(frozen=True)
class Flows:
    """In, out and fault sequences of a resource or proxy."""

    incoming: Branch | None
    outgoing: Branch | None
    fault: Branch | None

    def compile(self, resource: str = "") -> CompiledFlows:
        """Compiled chains, called `inSequence` and so on after the resource they belong to; None where there is none."""
        names = ("inSequence", "outSequence", "faultSequence")
        branches = (self.incoming, self.outgoing, self.fault)
        return CompiledFlows(
            *(_chain(branch, f"{resource} {name}".strip()) for branch, name in zip(branches, names, strict=True))
        )

    def mediators(self) -> tuple[Mediator, ...]:
        """All inline mediators."""
        return tuple(
            item for branch in (self.incoming, self.outgoing, self.fault) if branch for item in branch.children
        )


@dataclass(frozen=True)
class CompiledFlows:
    """Chains to run."""

    incoming: Chain | None
    outgoing: Chain | None
    fault: Chain | None


def _chain(branch: Branch | None, name: str) -> Chain | None:
    if branch is None:
        return None
    if branch.key is None:
        return compile_list(branch.children, name, branch.on_error)
    return Chain([(branch.compile(name), False, Place(name))], name)


@dataclass(frozen=True)
class Resource:
    """One resource of an API."""

    methods: frozenset[str]
    template: PathTemplate | None
    mapping: UrlMapping | None
    protocol: str
    content_type: str
    user_agent: Pattern | None
    flows: Flows
    compiled: CompiledFlows
    binds: tuple[str, ...] = ()

    @cached_property
    def url(self) -> str:
        """The template or mapping as written."""
        if self.template is not None:
            return self.template.text
        return self.mapping.text if self.mapping else "/*"

    def accepts(self, method: str, message: Message) -> str:
        """Empty when the request fits, else what does not: method, protocol, content-type or user-agent."""
        if self.protocol and self.protocol != message.flow.transport:
            return "protocol"
        if (
            self.content_type
            and not message.payload.empty
            and self.content_type != media_type(message.payload.content_type)
        ):
            return "content-type"
        if self.user_agent and not self.user_agent.fullmatch(message.headers.get("User-Agent") or ""):
            return "user-agent"
        return "" if method in self.methods or method == "OPTIONS" else "method"


@dataclass(frozen=True)
class Api:
    """An API with its resources in document order."""

    name: str
    context: str
    version: str
    version_type: str
    hostname: str
    port: int
    transports: str
    swagger_key: str
    resources: Sequence[Resource]
    root: str = field(default="")
    handlers: tuple[Handler, ...] = ()
    binds: tuple[str, ...] = ()

    def bound_to(self, listener: str) -> Api:
        """The API as one listener serves it: with the resources that are bound to it."""
        return replace(self, resources=[item for item in self.resources if not item.binds or listener in item.binds])

    @cached_property
    def mapped(self) -> tuple[Resource, ...]:
        """Resources with a url-mapping."""
        return tuple(item for item in self.resources if item.mapping is not None)

    @cached_property
    def templated(self) -> tuple[Resource, ...]:
        """Resources with a uri-template, in document order."""
        return tuple(item for item in self.resources if item.template is not None)

    @cached_property
    def defaults(self) -> tuple[Resource, ...]:
        """Resources with neither."""
        return tuple(item for item in self.resources if item.template is None and item.mapping is None)

    @cached_property
    def constants(self) -> dict[str, Any]:
        """Properties that every message of it gets."""
        return {
            "REST_API_CONTEXT": self.context,
            "SYNAPSE_REST_API": self.full_name,
            "SYNAPSE_REST_API_VERSION": self.version,
            "SYNAPSE_REST_API_VERSION_STRATEGY": self.version_type,
            "ARTIFACT_NAME": f"api{self.name}",
        }

    @cached_property
    def full_name(self) -> str:
        """Name by which management knows it."""
        return f"{self.name}:v{self.version}" if self.version else self.name

    @cached_property
    def artifact(self) -> str:
        """Name by which flows, logs and metrics know it."""
        return f"api:{self.full_name}"

    @cached_property
    def serves_all(self) -> bool:
        """Whether it takes requests of every host, port and transport."""
        return not (self.transports or self.hostname or self.port)

    @cached_property
    def first_segment(self) -> str:
        """The context up to its second slash, by which requests look it up; empty for one that takes every path."""
        return self.root[1:].partition("/")[0]

    def rest(self, path: str) -> str | None:
        """The path below context and version; None when the request is not for this API."""
        if self.root == "/":
            return path
        if not path.startswith(self.root):
            return None
        rest = path[len(self.root) :]
        return rest if not rest or rest[0] == "/" else None

    def serves(self, message: Message) -> bool:
        """Whether host, port and transport fit."""
        host = (message.headers.get("Host") or "").lower()
        if self.transports and self.transports != message.flow.transport:
            deny_transport(message, f"API {self.full_name}")
            return False
        name, _, port = host.partition(":")
        if self.hostname and self.hostname != name:
            return False
        return not self.port or str(self.port) == (port or {"https": "443"}.get(message.flow.transport, "80"))


def deny_transport(message: Message, service: str) -> None:
    """The service is not offered on the transport the message came by; whoever takes it can see that."""
    message.properties["TRANSPORT_DENIED"] = True
    log.warning("%s is not offered on %s", service, message.flow.transport)


class Match(NamedTuple):
    """What was found: a resource with its variables, or the status to answer."""

    resource: Resource | None
    variables: dict[str, str]
    status: int = 200
    allowed: frozenset[str] = frozenset()


def find_resource(api: Api, rest: str, query: dict[str, str], method: str, message: Message) -> Match:
    """The resource of a request below the API's context: mappings, then templates, then the default resource."""
    if not api.mapped:
        first = _first(api, rest, query, method, message)
        if first is not None:
            return first
    candidates = _candidates(api, rest, query)
    for item, variables in candidates:
        problem = item.accepts(method, message)
        if not problem:
            return Match(item, variables)
        return _other(candidates, item, problem, method, message)
    return Match(None, {}, 404)


def _first(api: Api, rest: str, query: dict[str, str], method: str, message: Message) -> Match | None:
    """The first template that matches, where it takes the request, as it mostly does."""
    for item in api.templated:
        template = item.template
        if template is None:
            continue
        variables = template.match(rest or "/", query)
        if variables is None and not rest:
            variables = template.match("", query)
        if variables is not None:
            return None if item.accepts(method, message) else Match(item, variables)
    return None


def _other(
    candidates: Iterator[tuple[Resource, dict[str, str]]], first: Resource, why: str, method: str, message: Message
) -> Match:
    """The next candidate that fits, after the first did not."""
    problems, allowed = {why}, first.methods
    for item, variables in candidates:
        problem = item.accepts(method, message)
        if not problem:
            return Match(item, variables)
        problems.add(problem)
        allowed |= item.methods
    return Match(None, {}, 405 if "method" in problems else 400, allowed)


def _candidates(api: Api, rest: str, query: dict[str, str]) -> Iterator[tuple[Resource, dict[str, str]]]:
    path = rest or "/"
    if api.mapped:
        ranked = [(item.mapping.rank(path), item) for item in api.mapped if item.mapping is not None]
        yield from ((item, {}) for rank, item in sorted(ranked, key=lambda pair: -pair[0]) if rank)
    for item in api.templated:
        if item.template is None:
            continue
        variables = item.template.match(path, query)
        if variables is None and not rest:
            variables = item.template.match("", query)
        if variables is not None:
            yield item, variables
    yield from ((item, {}) for item in api.defaults)


def query_parameters(query: str) -> dict[str, str]:
    """Query parameters: values decoded, the last of a repeated name; a piece without `=` belongs to the one before."""
    if not query:
        return {}
    found: dict[str, str] = {}
    name = ""
    for piece in query.split("&"):
        key, equals, value = piece.partition("=")
        if equals:
            name = key
            found[name] = unquote_plus(value)
        elif piece and name:
            found[name] += "&" + unquote_plus(piece)
        elif piece:
            found[piece] = ""
            name = piece
    return found


def set_properties(
    message: Message, api: Api, match: Match, rest: str, query: str, parameters: dict[str, str], method: str
) -> None:
    """Properties that the API dispatcher sets (reference 2.4, 5.3)."""
    tail = rest + (f"?{query}" if query else "")
    properties = message.properties
    if match.variables:
        for name, value in match.variables.items():
            properties[f"uri.var.{name}"] = value
    if parameters:
        for name, value in parameters.items():
            properties[f"query.param.{name}"] = value
    properties["REST_FULL_REQUEST_PATH"] = message.to or ""
    properties["REST_SUB_REQUEST_PATH"] = tail or "/"
    properties["REST_METHOD"] = method
    properties.update(api.constants)
    properties["REST_URL_PREFIX"] = f"{message.flow.transport}://{message.headers.get('Host') or ''}"
    if match.resource is not None:
        properties["SYNAPSE_RESOURCE"] = match.resource.url
        properties["rest.url.pattern"] = match.resource.url
    message.axis2["REST_URL_POSTFIX"] = tail
