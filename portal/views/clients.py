"""Pages: an API as a generated client in some language, and as a Postman collection."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from apim.errors import ApimError, NotFound
from portal import postman, queries
from portal.addresses import addresses
from portal.sdk import store
from portal.views.base import developers_only, organisation
from publisher import safe_content

NAMES = {
    "android": "Android",
    "clojure": "Clojure",
    "csharp": "C#",
    "dart": "Dart",
    "go": "Go",
    "groovy": "Groovy",
    "java": "Java",
    "javascript": "JavaScript",
    "jmeter": "JMeter",
    "kotlin": "Kotlin",
    "perl": "Perl",
    "php": "PHP",
    "python": "Python",
    "ruby": "Ruby",
    "rust": "Rust",
    "swift5": "Swift",
    "typescript": "TypeScript",
}
"""Language → how people write it."""


@require_safe
def show(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """What can be had of this API."""
    api = queries.api(request.user, organisation(request), api_id)
    context = {
        "api": api,
        "languages": [(language, NAMES[language]) for language in store.offered(api)],
        "postman": postman.exportable(api),
    }
    return render(request, "portal/clients.html", context)


@require_safe
@developers_only
def client(request: HttpRequest, api_id: UUID, language: str) -> HttpResponse:
    """The archive; for people who are logged in, since making one costs seconds."""
    api = queries.api(request.user, organisation(request), api_id)
    try:
        made = store.client(api, language)
    except NotFound:
        raise
    except ApimError as error:
        messages.error(request, error.description)
        return redirect("portal:clients", api.pk)
    return safe_content.download(made, f"{api.name}_{api.version}_{language}.zip")


@require_safe
def collection(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """The Postman collection."""
    api = queries.api(request.user, organisation(request), api_id)
    if not postman.exportable(api):
        raise NotFound(f"{api} is no API that Postman collections describe.")
    response = JsonResponse(
        postman.collection(api, addresses(api)), json_dumps_params={"indent": 2, "ensure_ascii": False}
    )
    name = f"{api.name}-{api.version}.postman_collection.json"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
