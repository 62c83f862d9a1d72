"""The definition of an API, in whatever language its kind is described: read with line numbers, download, replace."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from publisher import kinds
from publisher.actions.access import etag
from publisher.actions.definitions import definition_text, replace_definition, validate_openapi
from publisher.actions.graphql import replace_schema, validate_graphql
from publisher.actions.soap import replace_wsdl
from publisher.actions.streaming import asyncapi_text, replace_asyncapi, validate_asyncapi
from publisher.api.soap import wsdl_response
from publisher.forms.create import Definition
from publisher.forms.import_more import SchemaText, WsdlFile
from publisher.forms.streaming import AsyncDefinition
from publisher.linting.run import Finding, lint
from publisher.models import Api
from publisher.openapi.report import Report
from publisher.views.base import api_page, back, expected, read_api, sent, try_save
from publisher.views.create import excerpt
from publisher.wsdl.bundle import load

MOST_LINES = 3000
"""Lines shown on the page; the rest is in the download."""

FORMS: dict[str, type[forms.Form]] = {
    "openapi": Definition,
    "graphql": SchemaText,
    "wsdl": WsdlFile,
    "asyncapi": AsyncDefinition,
}
TEXTS: dict[str, tuple[Callable[[str], Report], Callable[..., Api]]] = {
    "openapi": (validate_openapi, replace_definition),
    "graphql": (validate_graphql, replace_schema),
    "asyncapi": (validate_asyncapi, replace_asyncapi),
}
"""How a definition that is one text is checked and replaced."""


@login_required
@require_http_methods(["GET", "POST"])
def definition(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Show it; take a new one."""
    api = read_api(request, api_id)
    written = kinds.of(api.kind).document
    form = FORMS.get(written, Definition)(*sent(request))
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid() and _replaced(request, api, written, form, context):
        messages.success(request, "The definition was replaced, and the operations with it.")
        return back("definition", api)
    lines = shown_text(api).splitlines()
    context |= {
        "lines": lines[:MOST_LINES],
        "line_count": len(lines),
        "cut": len(lines) > MOST_LINES,
        "generated": written in ("openapi", "asyncapi") and not api.definition,
        "wsdl": bool(api.wsdl),
        "replaceable": written in FORMS,
        "findings": _findings(api, written),
    }
    return api_page(request, "definition", api, context, status=400 if request.method == "POST" else 200)


def _findings(api: Api, written: str) -> list[Finding]:
    """What the organisation's own rules say of it."""
    if written not in ("openapi", "asyncapi"):
        return []
    return lint(api.organisation, shown_text(api))


def _replaced(request: HttpRequest, api: Api, written: str, form: Any, context: dict[str, Any]) -> bool:
    """Whether the sent definition is the API's now; else `context` or `form` say why not."""
    given = {"by": request.user, "api": api, "expected": expected(request)}
    if written == "wsdl":
        return bool(try_save(request, form, lambda: replace_wsdl(bundle=form.bundle, **given)))
    text = form.cleaned_data["text"]
    validate, replace = TEXTS[written]
    report = validate(text)
    if not report.valid:
        context |= {"report": report, "excerpt": excerpt(report)}
        return False
    return bool(try_save(request, form, lambda: replace(text=text, **given)))


def shown_text(api: Api) -> str:
    """The definition as people read it: of several files, the main one."""
    written = kinds.of(api.kind).document
    if written == "wsdl":
        return load(api.wsdl).text if api.wsdl else ""
    if written == "asyncapi":
        return asyncapi_text(api)
    return api.definition if written != "openapi" else definition_text(api)


@login_required
@require_GET
def download(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """The text as it was given; `?wsdl` the WSDL that REST from SOAP was made of."""
    api = read_api(request, api_id)
    written = kinds.of(api.kind).document
    stem = "".join(c if c.isascii() and (c.isalnum() or c in ".-_") else "_" for c in f"{api.name}-{api.version}")
    if api.wsdl and (written == "wsdl" or "wsdl" in request.GET):
        return wsdl_response(load(api.wsdl), stem, etag(api))
    text = shown_text(api)
    is_json = text.lstrip().startswith("{")
    kind, ending = ("application/json", "json") if is_json else ("application/yaml", "yaml")
    if written == "graphql":
        kind, ending = "application/graphql", "graphql"
    response = HttpResponse(text, content_type=f"{kind}; charset=utf-8" if written == "graphql" else kind)
    response["Content-Disposition"] = f'attachment; filename="{stem}.{ending}"'
    return response
