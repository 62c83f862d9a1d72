"""Prometheus metrics of the control plane: requests by view, method and status with their duration."""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from apim.accounts.models import BuiltinRole
from apim.errors import Forbidden

Handler = Callable[[HttpRequest], HttpResponse]
REQUESTS = Counter("apim_http_requests_total", "Requests answered by the control plane.", ["view", "method", "status"])
DURATION = Histogram("apim_http_request_seconds", "Time to answer a request, seconds.", ["view"])
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LOOPBACK = frozenset({"127.0.0.1", "::1"})


class MetricsMiddleware:
    """Counts every request under the name of its view, so that the number of series stays bounded."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        view = (match.view_name or match._func_path) if match else "none"
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(view, method, response.status_code).inc()
        DURATION.labels(view).observe(time.perf_counter() - began)
        return response


def metrics(request: HttpRequest) -> HttpResponse:
    """The exposition text: for this machine, for holders of the cluster secret and for platform administrators."""
    if not _may_read(request):
        raise Forbidden(
            "Metrics are for this machine, for the cluster secret as a bearer token, or for an administrator."
        )
    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    """Several gunicorn workers share their numbers through PROMETHEUS_MULTIPROC_DIR; a single one has its own."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry


def _may_read(request: HttpRequest) -> bool:
    # A forwarded request only looks local: a proxy on this machine carries it for somebody else.
    if request.META.get("REMOTE_ADDR") in _LOOPBACK and "X-Forwarded-For" not in request.headers:
        return True
    given = request.headers.get("Authorization", "").encode()
    if hmac.compare_digest(given, f"Bearer {settings.CLUSTER_SECRET}".encode()):
        return True
    user = request.user
    return user.is_authenticated and user.organisation.is_super and user.has_role(BuiltinRole.ADMIN)
