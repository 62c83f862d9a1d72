"""Every address of the control plane, from the URL resolver, with a tenant's own values in its placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

from apim.contracts.later import Later
from tests.tenants.holdings import Holdings, admin_row

_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
_REGEX = re.compile(r"\(\?P<(\w+)>[^()]*\)")

BY_ROUTE: tuple[tuple[str, str, str], ...] = (
    (r"api-keys/<uuid:key_id>", "key_id", "api_key"),
    (r"", "key_id", "oauth_key"),
    (r"^api/am/publisher/v4/api-products/", "api_id", "product_id"),
    (r"apis/<\w+:api_id>/.*cert", "certificate_id", "client_certificate"),
    (r"", "certificate_id", "endpoint_certificate"),
    (r"<str:api_id>/.*cert", "alias", "client_alias"),
    (r"", "alias", "endpoint_alias"),
    (r"apis/<str:api_id>/operation-policies", "policy_id", "own_policy"),
    (r"throttling/policies", "policy_id", "advanced_policy"),
    (r"", "policy_id", "common_policy"),
    (r"^service-catalog|^api/am/service-catalog", "identifier", "service_id"),
    (r"^admin/integrations|^integrator/traces", "pk", "node"),
    (r"^admin/integrations", "kind", "artifact_kind"),
    (r"^integrator/traces/.*rules/", "identifier", "trace_rule"),
    (r"^integrator/traces/", "identifier", "trace"),
    (r"^integrator", "identifier", "integrator_id"),
    (r"^devportal/", "key_type", "key_word"),
)
"""Placeholders that stand for different things in different places: route, name, what it is there."""

VALUES = {
    "artifact_kind": "apis",
    "trace": "00000000-0000-4000-8000-000000000000",
    "trace_rule": "a1",
    "client_alias": "VeryPrivateCaller",
    "endpoint_alias": "VeryPrivateBackend",
    "integrator_id": "1",
    "key_word": "production",
}

OPEN = ("static/", "oauth2/", ".well-known/", "client-registration/", "internal/", "healthz", "readyz", "metrics")
"""Addresses of no tenant's rows, or authorised by other means than a person: their own tests look at them."""


class NoSample(Exception):
    """A placeholder nobody gave a value for: add one to tests/tenants/holdings.py."""


@dataclass(frozen=True)
class Address:
    """One address; `names` are its placeholders."""

    route: str
    path: str
    names: frozenset[str]


def routes() -> Iterator[tuple[str, URLPattern]]:
    """Route and pattern of every address, except for those that later versions have."""

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[tuple[str, URLPattern]]:
        for one in patterns:
            route = before + str(one.pattern).removeprefix("^").removesuffix("$")
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, route)
            elif getattr(one.callback, "view_class", None) is not Later:
                yield route, one

    return walk(get_resolver().url_patterns, "")


def addresses(held: Holdings) -> list[Address]:
    """Every address with the values of `held`. Raises NoSample naming what has none."""
    found, missing = [], []
    for route, _ in routes():
        if route.startswith(OPEN):
            continue
        plain = _REGEX.sub(r"<str:\1>", route)
        try:
            path = _PLACE.sub(lambda place, plain=plain: _value(held, plain, place[1]), plain)
        except NoSample as error:
            missing.append(str(error))
            continue
        found.append(Address(plain, "/" + path.replace("\\.", ".").rstrip("$?"), frozenset(_PLACE.findall(plain))))
    if missing:
        raise NoSample("; ".join(missing))
    return found


def _value(held: Holdings, route: str, name: str) -> str:
    if name == "object_id":
        return _admin_value(held, route)
    known = {**VALUES, **held.values}
    for fragment, placed, stands_for in BY_ROUTE:
        if placed == name and re.search(fragment, route):
            return known[stands_for]
    if name not in known:
        raise NoSample(f"{route}: no sample for {name!r}")
    return known[name]


def _admin_value(held: Holdings, route: str) -> str:
    parts = route.split("/")
    for model in admin.site._registry:
        if [model._meta.app_label, model._meta.model_name] == parts[1:3]:
            row = admin_row(held, model)
            if row is None:
                raise NoSample(f"{route}: the tenant has no {model._meta.label}")
            return row
    return "1"
