"""What browsers load for a theme: style sheet and logo of the organisation whose portal is shown."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apim.configuration import theme_css
from apim.configuration.models import Theme

_KEPT = "public, max-age=86400"
"""The addresses carry the theme's version."""


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """The style sheet."""
    return _kept(HttpResponse(theme_css.sheet(_theme(request).description), content_type="text/css; charset=utf-8"))


@require_safe
def logo(request: HttpRequest) -> HttpResponse:
    """The logo. Opened by itself it may run nothing: an SVG image can hold scripts."""
    row = _theme(request)
    if not row.logo_type:
        raise Http404
    response = _kept(HttpResponse(bytes(row.logo), content_type=row.logo_type))
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response


def _theme(request: HttpRequest) -> Theme:
    row = Theme.objects.filter(organisation=request.organisation).first() if request.organisation else None
    if row is None:
        raise Http404
    return row


def _kept(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = _KEPT
    response["X-Content-Type-Options"] = "nosniff"
    return response
