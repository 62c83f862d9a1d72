"""The definition of an API: read with line numbers, download, replace."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from publisher.actions.definitions import definition_text, replace_definition, validate_openapi
from publisher.forms.create import Definition
from publisher.views.base import api_page, back, expected, read_api, sent, try_save
from publisher.views.create import excerpt

MOST_LINES = 3000
"""Lines shown on the page; the rest is in the download."""


@login_required
@require_http_methods(["GET", "POST"])
def definition(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """Show it; take a new one."""
    api = read_api(request, api_id)
    form = Definition(*sent(request))
    context = {"form": form}
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["text"]
        report = validate_openapi(text)
        if not report.valid:
            context |= {"report": report, "excerpt": excerpt(report)}
        elif try_save(
            request, form, lambda: replace_definition(by=request.user, api=api, text=text, expected=expected(request))
        ):
            messages.success(request, "The definition was replaced, and the operations with it.")
            return back("definition", api)
    lines = definition_text(api).splitlines()
    context |= {
        "lines": lines[:MOST_LINES],
        "line_count": len(lines),
        "cut": len(lines) > MOST_LINES,
        "generated": not api.definition,
    }
    return api_page(request, "definition", api, context, status=400 if request.method == "POST" else 200)


@login_required
@require_GET
def download(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """The text as it was given."""
    api = read_api(request, api_id)
    text = definition_text(api)
    is_json = text.lstrip().startswith("{")
    response = HttpResponse(text, content_type="application/json" if is_json else "application/yaml")
    stem = "".join(c if c.isascii() and (c.isalnum() or c in ".-_") else "_" for c in f"{api.name}-{api.version}")
    response["Content-Disposition"] = f'attachment; filename="{stem}.{"json" if is_json else "yaml"}"'
    return response
