"""Checks that a definition document is of the kind its service says, and knows the media type to serve it with."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from apim.errors import FieldError, Invalid
from catalog.documents import load
from catalog.models import DefinitionType

Check = Callable[[str], None]


def check_definition(kind: str, text: str, where: str = "definition") -> None:
    """Refuse a definition that is empty or of another kind. Raises Invalid naming `where` and what was expected."""
    if not text.strip():
        raise Invalid(f"{where} is empty.", [FieldError(where, "a definition is required")])
    try:
        _CHECKS[DefinitionType(kind)](text)
    except Invalid as error:
        raise Invalid(f"{where}: {error.description}", [FieldError(where, error.description)]) from error


def media_type(kind: str, text: str) -> str:
    """Content type to answer the definition with."""
    if kind in (DefinitionType.WSDL1, DefinitionType.WSDL2):
        return "text/xml"
    if kind == DefinitionType.GRAPHQL_SDL:
        return "text/plain"
    return "application/json" if text.lstrip().startswith("{") else "application/yaml"


def file_name(kind: str) -> str:
    """Name of the definition inside an archive."""
    if kind in (DefinitionType.WSDL1, DefinitionType.WSDL2):
        return "definition.wsdl"
    return "definition.graphql" if kind == DefinitionType.GRAPHQL_SDL else "definition.yaml"


def _openapi(text: str) -> None:
    """Either version under either name: archives of the original call a Swagger document OAS3, and are taken there."""
    document = load(text, "the document")
    found = document if isinstance(document, dict) else {}
    if not str(found.get("openapi", "")).startswith("3.") and not str(found.get("swagger", "")).startswith("2."):
        told = str(found.get("openapi") or found.get("swagger") or "")
        raise Invalid(f"expected a document with `openapi: 3.…` or `swagger: 2.…`, found {told[:40]!r}.")


def _document(key: str, version: str) -> Check:
    def check(text: str) -> None:
        document = load(text, "the document")
        found = str(document.get(key, "")) if isinstance(document, dict) else ""
        if not found or not found.startswith(version):
            raise Invalid(f"expected a document with `{key}: {version}…`, found {found!r}.")

    return check


def _wsdl(root: str, namespace: str) -> Check:
    def check(text: str) -> None:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            element = etree.fromstring(text.encode(), parser)
        except etree.XMLSyntaxError as error:
            raise Invalid(f"not well-formed XML: {error.msg}.") from error
        if element.getroottree().docinfo.doctype:
            raise Invalid("a document type declaration is not allowed.")
        if element.tag != f"{{{namespace}}}{root}":
            raise Invalid(f"expected the root <{root}> of {namespace}, found <{element.tag}>.")

    return check


def _graphql(text: str) -> None:
    if not any(word in text for word in ("type ", "schema", "extend ")):
        raise Invalid("expected a GraphQL schema with at least one type.")


_CHECKS: dict[DefinitionType, Check] = {
    DefinitionType.OAS2: _openapi,
    DefinitionType.OAS3: _openapi,
    DefinitionType.ASYNC_API: _document("asyncapi", ""),
    DefinitionType.WSDL1: _wsdl("definitions", "http://schemas.xmlsoap.org/wsdl/"),
    DefinitionType.WSDL2: _wsdl("description", "http://www.w3.org/ns/wsdl"),
    DefinitionType.GRAPHQL_SDL: _graphql,
}
