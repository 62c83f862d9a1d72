"""Content-Security-Policy of every answer: only our own files; Django's admin alone gets the looser policy it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]
_ADMIN = {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]}
"""django-unfold writes its colours into the page and its Alpine.js evaluates attributes."""


def _base() -> dict[str, list[str]]:
    """`connect-src` names the gateway, so that the portal's try-out may call it."""
    return {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "connect-src": ["'self'", settings.APIM.gateway, settings.APIM.gateway_http],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }


def allow(response: HttpResponse, directive: str, sources: Iterable[str]) -> HttpResponse:
    """Let this one answer use further `sources`, e.g. `allow(response, "connect-src", [environment.https_url])`."""
    extra: dict[str, list[str]] = response.__dict__.setdefault("csp_extra", {})
    extra.setdefault(directive, []).extend(sources)
    return response


def allows(directive: str, *sources: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Decorate a view whose page needs more, e.g. `@allows("style-src", "'unsafe-inline'")`."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def viewed(*args: object, **kwargs: object) -> HttpResponse:
            return allow(view(*args, **kwargs), directive, sources)

        return viewed

    return decorate


def policy(extra: dict[str, list[str]]) -> str:
    """The header's value; a source is added once, and `*` in `extra` replaces a directive's list."""
    directives = _base()
    for name, sources in extra.items():
        known = [] if "*" in sources else directives.setdefault(name, [])
        directives[name] = list(dict.fromkeys([*known, *sources]))
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())


def _admin(path: str) -> dict[str, list[str]]:
    if not path.startswith("/admin/"):
        return {}
    # The schedule pages of django-celery-beat bring a script in the page.
    inline = ["'unsafe-inline'"] if path.startswith("/admin/django_celery_beat/") else []
    return {**_ADMIN, "script-src": [*_ADMIN["script-src"], *inline]}


class CspMiddleware:
    """Adds the header, unless the view set one of its own."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "Content-Security-Policy" not in response:
            extra = _admin(request.path_info) or response.__dict__.get("csp_extra", {})
            response["Content-Security-Policy"] = policy(extra)
        return response
