"""in, out and conditionalRouter: branches by direction and by conditions (reference 3.2, 3.10)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from integrator.engine.expressions.values import text_of
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of, compile_list, register
from integrator.engine.mediators.target import Target, read_target, scatter
from integrator.engine.message import Message
from integrator.engine.xmltools import child, children, local

Condition = Callable[[Message], bool]


@register("in")
@dataclass(frozen=True, kw_only=True)
class In(Mediator):
    """Children that run for requests only."""

    branch: Branch

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        return cls(**cls.common(element, reader), branch=chain_of(element, reader))

    def children(self) -> tuple[Mediator, ...]:
        """The children."""
        return self.branch.children

    def compile(self) -> Step:
        """A step that looks at the direction."""
        run = compile_list(self.branch.children, self.tag).run
        wanted = self.tag == "out"
        return lambda message: run(message) if message.response is wanted else None


@register("out")
@dataclass(frozen=True, kw_only=True)
class Out(In):
    """Children that run for responses only."""


@dataclass(frozen=True)
class Route:
    """One conditional route."""

    condition: Condition
    target: Target
    last: bool
    beside: bool = False


@register("conditionalRouter")
@dataclass(frozen=True, kw_only=True)
class ConditionalRouter(Mediator):
    """Routes in order; a matching one with breakRoute ends the search."""

    continue_after: bool
    routes: tuple[Route, ...]

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("conditionalRoute", "description"))
        routes = tuple(read_route(item, reader) for item in children(element) if local(item) == "conditionalRoute")
        return cls(**cls.common(element, reader), continue_after=reader.flag(element, "continueAfter"), routes=routes)

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of all targets."""
        return tuple(item for route in self.routes for item in route.target.children())

    @property
    def reads_content(self) -> bool:
        """Conditions may look into the envelope."""
        return True

    def compile(self) -> Step:
        """A step that runs the matching routes."""
        routes = [(route, route.target.compile(self)) for route in self.routes]

        async def step(message: Message) -> bool:
            for route, run in routes:
                if route.condition(message):
                    if route.beside:
                        await scatter(message, [(message.copy(), run)], sequential=False, continue_parent=True)
                    else:
                        result: Any = run(message)
                        await result
                    if route.last:
                        break
            return self.continue_after

        return step


def read_route(element: Element, reader: Reader) -> Route:
    """One conditionalRoute element."""
    condition, target = child(element, "condition"), child(element, "target")
    if condition is None or target is None or len(children(condition)) != 1:
        raise reader.fail(element, "children <condition> (with one evaluator) and <target> are required")
    return Route(
        read_condition(children(condition)[0], reader),
        read_target(target, reader),
        reader.flag(element, "breakRoute", True),
        reader.flag(element, "asynchronous"),
    )


def read_condition(element: Element, reader: Reader) -> Condition:
    """A condition evaluator (reference 3.10)."""
    name = local(element)
    if name in ("and", "or", "not"):
        inner = [read_condition(item, reader) for item in children(element)]
        if name == "not":
            if len(inner) != 1:
                raise reader.fail(element, f"exactly 1 condition is required in <not>, there are {len(inner)}")
            return lambda message: not inner[0](message)
        if len(inner) < 2:
            raise reader.fail(element, f"at least 2 conditions are required in <{name}>, there are {len(inner)}")
        combine = all if name == "and" else any
        return lambda message: combine(test(message) for test in inner)
    if name not in ("match", "equal"):
        raise reader.fail(element, f"unknown condition <{name}>; allowed are and, or, not, match, equal")
    source = read_source(element, reader)
    if name == "match":
        pattern = reader.regex(element, "regex")
        return lambda message: (text := source(message)) is not None and pattern.fullmatch(text) is not None
    value = reader.required(element, "value").lower()
    return lambda message: (source(message) or "").lower() == value


def read_source(element: Element, reader: Reader) -> Callable[[Message], str | None]:
    """The text a condition looks at."""
    kind = reader.choice(element, "type", ("header", "param", "property", "url", "soap"), "header")
    name = (element.get("source") or "") if kind == "url" else reader.required(element, "source")
    if kind == "header":
        return lambda message: message.headers.get(name)
    if kind == "param":
        return lambda message: dict(parse_qsl(urlsplit(message.to or "").query)).get(name)
    if kind == "property":
        return lambda message: text_of(message.properties.get(name))
    if kind == "soap":
        return reader.path(element, "source").string
    if not re.fullmatch("protocol|user|host|port|path|query|ref|", name):
        raise reader.fail(
            element, f"attribute source={name!r}: allowed are protocol, user, host, port, path, query, ref"
        )
    return lambda message: url_part(message.to or "", name)


def url_part(url: str, part: str) -> str | None:
    """One part of a URL by the names of reference 3.10; the whole when no part is named."""
    parts = urlsplit(url)
    found = {
        "": url,
        "protocol": parts.scheme,
        "user": parts.username,
        "host": parts.hostname,
        "port": str(parts.port or ""),
        "path": parts.path,
        "query": parts.query,
        "ref": parts.fragment,
    }
    return found[part] or None
