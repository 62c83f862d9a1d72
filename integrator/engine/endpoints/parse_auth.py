"""Reads the authentication of http endpoints (reference 4.3)."""

from __future__ import annotations

from integrator.engine.endpoints.leaf import BasicAuth
from integrator.engine.endpoints.oauth import Grant, Named, Tokens
from integrator.engine.expressions import Expression, compile_value
from integrator.engine.inject import InjectionError, inject
from integrator.engine.reader import Reader
from integrator.engine.xmltools import Element, child, children, local, text_of

GRANTS = {
    "clientCredentials": ("client_credentials", ()),
    "authorizationCode": ("refresh_token", (("refreshToken", "refresh_token"),)),
    "passwordCredentials": ("password", (("username", "username"), ("password", "password"))),
}
"""grant_type of each element, and its own children with the names of their form fields."""
MODES = ("header", "payload")
COMMON = ("clientId", "clientSecret", "tokenUrl", "authMode", "requestParameters", "customHeaders")


def injected(element: Element, text: str, reader: Reader) -> str:
    """The text with $SYSTEM:, $ENV: and $FILE: resolved."""
    try:
        return inject(text)
    except InjectionError as error:
        raise reader.fail(element, str(error)) from error


def authentication(element: Element, reader: Reader) -> BasicAuth | Tokens | None:
    """The `authentication` child. Raises DeploymentError."""
    holder = child(element, "authentication")
    if holder is None:
        return None
    basic, oauth = child(holder, "basicAuth"), child(holder, "oauth")
    if basic is not None:
        return BasicAuth(_required(basic, "username", reader), _required(basic, "password", reader))
    grant = next((item for item in children(oauth) if local(item) in GRANTS), None) if oauth is not None else None
    if grant is None:
        raise reader.fail(holder, f"allowed are basicAuth and oauth with one of {', '.join(GRANTS)}")
    return Tokens(_grant(grant, reader))


def _grant(element: Element, reader: Reader) -> Grant:
    kind, own = GRANTS[local(element)]
    reader.only(element, (*COMMON, *(name for name, _ in own)))
    optional = kind == "password"
    mode = text_of(child(element, "authMode")).lower() or "header"
    if mode not in MODES and not mode.startswith("{"):
        raise reader.fail(element, f"authMode {mode!r}: allowed are {', '.join(MODES)}")
    return Grant(
        kind,
        _required(element, "tokenUrl", reader),
        _value(element, "clientId", reader) if optional else _required(element, "clientId", reader),
        _value(element, "clientSecret", reader) if optional else _required(element, "clientSecret", reader),
        tuple((form, _required(element, name, reader)) for name, form in own),
        mode == "payload",
        _named(element, "requestParameters", reader),
        _named(element, "customHeaders", reader),
        None if mode in MODES else _required(element, "authMode", reader),
    )


def _named(parent: Element, name: str, reader: Reader) -> Named:
    holder = child(parent, name)
    items = children(holder) if holder is not None else []
    return tuple((reader.required(item, "name"), _compiled(item, reader)) for item in items)


def _required(parent: Element, name: str, reader: Reader) -> Expression:
    found = _value(parent, name, reader)
    if found is None:
        raise reader.fail(parent, f"child <{name}> is required")
    return found


def _value(parent: Element, name: str, reader: Reader) -> Expression | None:
    node = child(parent, name)
    return None if node is None or not text_of(node) else _compiled(node, reader)


def _compiled(node: Element, reader: Reader) -> Expression:
    return compile_value(injected(node, text_of(node), reader), node, reader.place(node))
