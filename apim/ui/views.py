"""Pages that belong to no room: the style guide, error pages, favicon and robots."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from apim.accounts.models import BuiltinRole
from apim.errors import FieldError, Invalid, NotFound
from apim.ui.icons import ICONS
from apim.ui.styleguide import SampleForm

_FAVICON = Path(__file__).parent / "static" / "ui" / "favicon.svg"


def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component on one page, for people who build pages. Raises NotFound for others."""
    if not (settings.DEBUG or (request.user.is_authenticated and request.user.has_role(BuiltinRole.ADMIN))):
        raise NotFound
    if "toast" in request.GET:
        messages.success(request, "Saved. This came from the server.")
    form = SampleForm(request.POST or None)
    page = Paginator(range(1, 96), 10).get_page(request.GET.get("page"))
    fault = Invalid("Some fields are not valid.", [FieldError("endpointConfig.url", "must be http or https.")])
    return render(request, "ui/styleguide.html", {"form": form, "icons": sorted(ICONS), "page": page, "error": fault})


def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it at this address whatever the page says."""
    return HttpResponse(_FAVICON.read_bytes(), content_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})


def robots(request: HttpRequest) -> HttpResponse:
    """Only the start page and the portal are for search engines."""
    return HttpResponse("User-agent: *\nAllow: /$\nAllow: /devportal/\nDisallow: /\n", content_type="text/plain")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return _fault(request, 400, "That request could not be understood", "")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return _fault(request, 403, "You may not do that", str(exception) or "Your roles do not include this page.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return _fault(request, 404, "There is nothing here", "The address may be mistyped, or what was here is gone.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    text = "The form was open too long, or cookies are off. Go back, reload the page and send it again."
    return _fault(request, 403, "The form could not be trusted", text)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500. The page is drawn without the request: its user may be what cannot be read."""
    message, text = "Something went wrong on our side", "It has been logged. Please try again in a moment."
    if not _wants_page(request):
        return _as_json(500, message, text)
    return HttpResponse(
        render_to_string("ui/error.html", {"status": 500, "message": message, "text": text}), status=500
    )


def _wants_page(request: HttpRequest) -> bool:
    return "text/html" in request.headers.get("Accept", "")


def _as_json(status: int, message: str, text: str) -> JsonResponse:
    body = {"code": 900000 + status, "message": message, "description": text or message, "moreInfo": "", "error": []}
    return JsonResponse(body, status=status)


def _fault(request: HttpRequest, status: int, message: str, text: str) -> HttpResponse:
    if not _wants_page(request):
        return _as_json(status, message, text)
    return render(request, "ui/error.html", {"status": status, "message": message, "text": text}, status=status)
