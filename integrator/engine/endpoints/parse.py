"""Reads endpoint elements (reference 4.0 - 4.6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from integrator.engine.endpoints.base import Endpoint, Extension, Property
from integrator.engine.endpoints.groups import FromTemplate, Reference
from integrator.engine.endpoints.leaf import Address, Default, Definition, Http
from integrator.engine.endpoints.parse_auth import authentication, injected
from integrator.engine.endpoints.parse_groups import READERS, Common
from integrator.engine.endpoints.quality import read_quality
from integrator.engine.endpoints.state import TIMEOUT_CODES, Policy
from integrator.engine.endpoints.uritemplate import UriTemplate
from integrator.engine.endpoints.wishes import known_charset
from integrator.engine.endpoints.wsdl import Wsdl
from integrator.engine.expressions import Constant, Expression, compile_value
from integrator.engine.reader import Reader
from integrator.engine.xmltools import Element, child, children, local, text_of

__all__ = ["EXTENSIONS", "endpoint_of", "injected", "read_endpoint"]

KINDS = ("address", "http", "default", "wsdl", *READERS)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
FORMS = ("soap11", "soap12", "pox", "get", "rest")
OPTIMIZATIONS = ("mtom", "swa")
EXTENSIONS: dict[str, Callable[[Element, Reader], Extension]] = {
    "enableAddressing": read_quality,
    "enableSec": read_quality,
}
"""Children of address, http, wsdl and default that change what is sent or received, by element name, in this order."""
SCOPES = ("default", "transport", "axis2", "axis2-client")


def endpoint_of(element: Element, reader: Reader) -> Endpoint | None:
    """The endpoint of a mediator or target: an `endpoint` attribute (name) or child; None when there is neither."""
    inner = child(element, "endpoint")
    if inner is not None:
        return read_endpoint(inner, reader)
    return Reference(Constant(element.get("endpoint"))) if element.get("endpoint") else None


def read_endpoint(element: Element, reader: Reader) -> Endpoint:
    """Read an `endpoint` element. Raises DeploymentError."""
    if element.get("key"):
        return Reference(reader.value(element, "key"))
    if element.get("key-expression"):
        return Reference(reader.path(element, "key-expression"))
    if element.get("template"):
        return _from_template(element, reader)
    for item in children(element):
        read = _READERS.get(local(item))
        if read is not None:
            name = element.get("name") or ""
            return read(item, element, (name, element.get("onError"), _properties(element, reader)), reader)
    raise reader.fail(
        element, f"no kind of endpoint given; allowed are key, key-expression, template, {', '.join(KINDS)}"
    )


def _from_template(element: Element, reader: Reader) -> Endpoint:
    parameters = {
        reader.required(item, "name"): injected(item, item.get("value") or "", reader)
        for item in children(element)
        if local(item) == "parameter"
    }
    for name in ("name", "uri"):
        if element.get(name):
            parameters.setdefault(name, injected(element, element.get(name), reader))
    return FromTemplate(element.get("name") or "", reader.required(element, "template"), parameters)


def _properties(element: Element, reader: Reader) -> tuple[Property, ...]:
    found = []
    for item in children(element):
        if local(item) == "property":
            value = reader.value_or_expression(item)
            assert value is not None
            scope = reader.choice(item, "scope", SCOPES, "default")
            found.append(Property(reader.required(item, "name"), value, scope))
    return tuple(found)


def _definition(element: Element, reader: Reader) -> Definition:
    timeout = child(element, "timeout")
    duration: Expression | None = None
    discard = False
    if timeout is not None:
        node = child(timeout, "duration")
        if text_of(node):
            duration = compile_value(injected(node, text_of(node), reader), node, reader.place(node))
        action = text_of(child(timeout, "responseAction")).lower()
        if action not in ("", "discard", "fault", "never"):
            raise reader.fail(timeout, f"responseAction {action!r}: allowed are discard, fault")
        discard = action == "discard"
    retry = child(element, "retryConfig")
    enabled = _codes(child(retry, "enabledErrorCodes"), reader) if retry is not None else None
    disabled = _codes(child(retry, "disabledErrorCodes"), reader) if retry is not None else None
    return Definition(
        form=reader.choice(element, "format", FORMS, "rest") if element.get("format") else "",
        timeout=duration,
        discard=discard,
        policy=_policy(element, reader),
        disabled_codes=disabled or frozenset(),
        enabled_codes=enabled,
        encoding=_encoding(element, reader),
        optimize=reader.choice(element, "optimize", OPTIMIZATIONS, "") if element.get("optimize") else "",
        extensions=tuple(
            EXTENSIONS[local(item)](item, reader) for item in children(element) if local(item) in EXTENSIONS
        ),
    )


def _encoding(element: Element, reader: Reader) -> str:
    name = element.get("encoding") or ""
    if name and not known_charset(name):
        raise reader.fail(element, f"attribute encoding={name!r}: a charset such as UTF-8 is expected")
    return name


def _policy(element: Element, reader: Reader) -> Policy:
    mark, suspend = child(element, "markForSuspension"), child(element, "suspendOnFailure")
    values: dict[str, Any] = {}
    if mark is not None:
        codes = _codes(child(mark, "errorCodes"), reader)
        values["timeout_codes"] = TIMEOUT_CODES if codes is None else codes
        values["retries"] = reader.integer(
            mark, text_of(child(mark, "retriesBeforeSuspension")), "retriesBeforeSuspension", 0
        )
        values["retry_delay_ms"] = reader.integer(mark, text_of(child(mark, "retryDelay")), "retryDelay", 0)
    legacy = child(element, "suspendDurationOnFailure")
    if legacy is not None:
        values["initial_ms"] = 1000 * reader.integer(legacy, text_of(legacy), "suspendDurationOnFailure", 0)
    if suspend is not None:
        values["suspend_codes"] = _codes(child(suspend, "errorCodes"), reader)
        values["initial_ms"] = reader.integer(
            suspend, text_of(child(suspend, "initialDuration")), "initialDuration", -1
        )
        values["factor"] = _factor(suspend, reader)
        values["maximum_ms"] = reader.integer(
            suspend, text_of(child(suspend, "maximumDuration")), "maximumDuration", 2**62
        )
    return Policy(**values)


def _factor(suspend: Element, reader: Reader) -> float:
    text = text_of(child(suspend, "progressionFactor")) or "1"
    try:
        return float(text)
    except ValueError as error:
        raise reader.fail(suspend, f"progressionFactor {text!r}: a number is expected") from error


def _codes(element: Element | None, reader: Reader) -> frozenset[int] | None:
    text = text_of(element)
    if element is None or not text:
        return None
    try:
        return frozenset(int(code) for code in text.replace(",", " ").split())
    except ValueError as error:
        raise reader.fail(element, f"{local(element)} {text!r}: numbers separated by commas are expected") from error


def _address(element: Element, _outer: Element, common: Common, reader: Reader) -> Endpoint:
    uri = injected(element, reader.required(element, "uri"), reader)
    return Address(*common, _definition(element, reader), uri)


def _default(element: Element, _outer: Element, common: Common, reader: Reader) -> Endpoint:
    return Default(*common, _definition(element, reader))


def _wsdl(element: Element, _outer: Element, common: Common, reader: Reader) -> Endpoint:
    inline = next((item for item in children(element) if local(item) == "definitions"), None)
    source = inline if inline is not None else injected(element, reader.required(element, "uri"), reader)
    port = (reader.required(element, "service"), reader.required(element, "port"))
    return Wsdl(*common, _definition(element, reader), source, port)


def _http(element: Element, _outer: Element, common: Common, reader: Reader) -> Endpoint:
    method = element.get("method")
    if method:
        method = reader.choice(element, "method", METHODS, "GET")
    try:
        template = UriTemplate(injected(element, element.get("uri-template") or "", reader))
    except ValueError as error:
        raise reader.fail(element, str(error)) from error
    return Http(*common, _definition(element, reader), template, method or None, authentication(element, reader))


_READERS: dict[str, Callable[[Element, Element, Common, Reader], Endpoint]] = {
    "address": _address,
    "http": _http,
    "default": _default,
    "wsdl": _wsdl,
    **{name: partial(read, read_endpoint) for name, read in READERS.items()},
}
