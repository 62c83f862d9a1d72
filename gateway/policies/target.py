"""Add Query Param, Change HTTP Method, Rewrite Resource Path, Set To Header: policies that change where a request goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from gateway.call import Call
from gateway.policies import body
from gateway.policies.base import Failure, Native, Use, mediation_fault
from gateway.policies.templates import matcher, names
from gateway.policies.values import Value, compile_value
from gateway.stages import Step

METHODS = ("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS")
KEPT = "%/:=?~+!$,;'@()*[]|._-"
"""Characters of an address that are not encoded again."""

_UNSAFE = re.compile(rb"[\x00-\x20\x7f-\xff#]")


def add_query(use: Use) -> Step:
    """Adds a parameter to the query, encoded where the attribute did not."""
    key, value = use.text("paramKey"), compile_value(use, "paramValue")
    name = quote(key, safe="%._-~").encode()

    def step(call: Call) -> None:
        request = call.edit()
        text = quote(value.read(call, None), safe="%._-~" if value.fixed is not None else "._-~").encode()
        request.target += b"%b%b=%b" % (b"&" if b"?" in request.target else b"?", name, text)

    return with_body(use, step, value)


def change_method(use: Use) -> Step:
    """The verb that the backend sees."""
    method = use.choice("httpMethod", None, *METHODS).encode()

    def step(call: Call) -> None:
        call.edit().method = method

    return step


def rewrite(use: Use) -> Step:
    """Another path below the endpoint's address; `{name}` takes a path parameter of the operation over."""
    path = use.text("newResourcePath")
    keep_query = use.flag("includeQueryParams", True)
    filled, value = _filled(use, path)

    def step(call: Call) -> None:
        request = call.edit()
        text = quote(filled(call), safe=KEPT + "&").encode()
        made = text if text[:1] == b"/" else b"/" + text
        query = request.target.partition(b"?")[2]
        if keep_query and query:
            made += (b"&" if b"?" in made else b"?") + query
        request.target = checked(made)

    return with_body(use, step, value)


def _filled(use: Use, path: str) -> tuple[Callable[[Call], str], Value | None]:
    target = use.plan.operation.target
    wanted = [name for name in names(path.replace("${", "$")) if name.removeprefix("uri.var.") in names(target)]
    value = compile_value(use, "newResourcePath") if "${" in path else None
    if not wanted:
        return (lambda call: path if value is None else value.read(call, None)), value
    places = [(name, names(target).index(name.removeprefix("uri.var."))) for name in wanted]
    values = matcher(target)

    def fill(call: Call) -> str:
        text = path if value is None else value.read(call, None)
        found = values(call.exchange.path[call.cut :])
        if found is not None:
            for name, place in places:
                text = text.replace(f"{{{name}}}", found[place])
        return text

    return fill, value


def checked(target: bytes) -> bytes:
    """A request target that is safe to send. Raises Failure."""
    if _UNSAFE.search(target) or b"/../" in target or target.partition(b"?")[0].endswith(b"/.."):
        raise Failure(mediation_fault(f"the rewritten path {target[:200]!r} has characters that may not stand there"))
    return target


def set_to(use: Use) -> Step:
    """The address of the backend, for endpoints that are dynamic."""
    value = compile_value(use, "value")
    if value.fixed is not None and not re.match(r"https?://[^/\s]+", value.fixed):
        raise use.wrong("value", value.fixed, "an address of the form http://host/path or https://host/path")

    def step(call: Call) -> None:
        address = quote(value.read(call, None), safe=KEPT + "&").encode()
        if not re.match(rb"https?://[^/]+", address):
            raise Failure(mediation_fault(f"the To header {address[:200]!r} is not an http(s) address"))
        call.edit().to = address

    return with_body(use, step, value)


def with_body(use: Use, step: Callable[[Call], None], value: Value | None) -> Step:
    """`step`, after the body was read when the value needs it."""
    if value is None or not value.reads_body:
        return guarded(step) if value is not None and value.fixed is None else step

    async def after(call: Call) -> None:
        await body.plain_request(call, use.limit)
        guarded(step)(call)

    return after


def guarded(step: Callable[[Call], None]) -> Callable[[Call], None]:
    """`step` with an expression that fails for this message as the caller's mistake."""

    def run(call: Call) -> None:
        try:
            step(call)
        except ValueError as error:
            raise Failure(mediation_fault(str(error), 400)) from error

    return run


REQUEST = frozenset({"request"})
ADD_QUERY = Native(add_query, flows=REQUEST)  # type: ignore[arg-type]
CHANGE_METHOD = Native(change_method, flows=REQUEST, fetches=True)  # type: ignore[arg-type]
REWRITE = Native(rewrite, flows=REQUEST)  # type: ignore[arg-type]
SET_TO = Native(set_to, flows=REQUEST)  # type: ignore[arg-type]
