"""The one list of what may be set on an API, each with its check."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apim.accounts.models import Organisation, Role
from apim.traffic.models import Level, Policy
from gateway import schema
from publisher import kinds
from publisher.checks import endpoints as addresses
from publisher.checks import operations as verbs
from publisher.checks import security
from publisher.checks.advertise import advertise
from publisher.checks.basics import Problems, choice, flag, items, matching, names, number, shown, structure, text
from publisher.checks.cors import cors
from publisher.models import Api, Availability, Visibility
from publisher.policies.uses import Uses

HEADER = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
NOT_OFFERED = "Unauthenticated"
"""The subscription policy that serves callers without an application; no API offers it (reference A11)."""


RESERVED = frozenset(
    ["provider", "version", "context", "status", "description", "subcontext", "doc", "lcstate", "name", "tag", "tags"]
)
"""Names that no custom property may have: searches mean something else by them."""
DISPLAY = "__display"
"""Ending of the name of a custom property that the portal shows: another way to say `display`, as archives do."""


class Design:
    """Checks the changes of one request against an organisation's policies and roles, read when first asked for."""

    def __init__(
        self, organisation: Organisation, problems: Problems, kind: str = "HTTP", api: Api | None = None
    ) -> None:
        self.organisation = organisation
        self.api = api
        self.problems = problems
        self.kind = kinds.of(kind)

    def check(self, changes: dict[str, Any]) -> dict[str, Any]:
        """The cleaned `changes`. Raises TypeError for a name that is not a field of an API."""
        unknown = changes.keys() - CHECKS.keys()
        if unknown:
            raise TypeError(f"An API has no field {', '.join(sorted(unknown))}")
        clean = {name: CHECKS[name](self, name, value) for name, value in changes.items()}
        if clean.get("visibility") == Visibility.RESTRICTED and not clean.get("visible_roles", True):
            self.problems.add("visible_roles", "Name at least one role when the visibility is RESTRICTED.")
        return clean

    def policies(self, level: str) -> set[str]:
        """Names of the organisation's policies of one level."""
        return set(Policy.objects.filter(organisation=self.organisation, level=level).values_list("name", flat=True))

    def plans(self, field: str, value: Any) -> list[str]:
        """Names of subscription policies."""
        return names(self.problems, field, value, allowed=self.policies(Level.SUBSCRIPTION) - {NOT_OFFERED})

    def operations(self, field: str, value: Any) -> list[dict[str, Any]]:
        """The operations, none of which may be missing altogether."""
        if not value and not self.kind.start:
            self.problems.add(field, f"A {self.kind.label} API needs an operation.")
        found = verbs.operations(self.problems, value or list(self.kind.start), self.policies(Level.API), self.kind)
        if self.kind is kinds.PRODUCT:
            self._sources(field, found)
        Uses(self.organisation, self.problems, self.kind, self.api).of_operations(field, found)
        return found

    def flows(self, field: str, value: Any) -> dict[str, Any]:
        """The policies of the whole API."""
        given = structure(self.problems, field, value, schema.Flows) if value else {}
        return Uses(self.organisation, self.problems, self.kind, self.api).of_api(field, given)

    def _sources(self, field: str, operations: list[dict[str, Any]]) -> None:
        """Every resource of a product comes from an API of the organisation."""
        known = {str(pk) for pk in Api.objects.filter(organisation=self.organisation).values_list("pk", flat=True)}
        for position, operation in enumerate(operations):
            if operation["source_id"] not in known:
                self.problems.add(
                    f"{field}[{position}]", "Comes from no API; choose the resources of a product from its APIs."
                )

    def policy(self, field: str, value: Any) -> str:
        """Name of the limit that the whole API shares; empty when each operation has its own."""
        return verbs.policy(self.problems, field, value, self.policies(Level.API)) if value else ""

    def roles(self, field: str, value: Any) -> list[str]:
        """Names of roles of the organisation."""
        if not value:
            return []
        known = set(Role.objects.filter(organisation=self.organisation).values_list("name", flat=True))
        return names(self.problems, field, value, allowed=known)

    def categories(self, field: str, value: Any) -> list[str]:
        """Names of categories of the organisation, as they are written there."""
        known = {name.lower(): name for name in self.organisation.api_categories.values_list("name", flat=True)}
        given = [
            known.get(one.lower(), one) if isinstance(one, str) else one for one in items(self.problems, field, value)
        ]
        return names(self.problems, field, given, allowed=set(known.values()))

    def properties(self, field: str, value: Any) -> list[dict[str, Any]]:
        """Custom properties: `{"name", "value", "display"}` each."""
        found = []
        for position, item in enumerate(items(self.problems, field, value, 200)):
            place = f"{field}[{position}]"
            if not isinstance(item, dict):
                self.problems.add(place, f"{shown(item)} is not an object.")
                continue
            name = text(self.problems, f"{place}.name", item.get("name"), most=80, least=1)
            shown_in_portal = item.get("display") is True or name.endswith(DISPLAY)
            name = name.removesuffix(DISPLAY)
            if name.lower() in RESERVED:
                self.problems.add(f"{place}.name", f"{shown(name)} is reserved: searches use it. Choose another name.")
            elif len(name.split()) > 1:
                self.problems.add(f"{place}.name", f"{shown(name)} has a space; searches could not ask for it.")
            elif name in [one["name"] for one in found]:
                self.problems.add(f"{place}.name", f"{shown(name)} is there already.")
            content = text(self.problems, f"{place}.value", item.get("value"), most=1000)
            found.append({"name": name, "value": content, "display": shown_in_portal})
        return found


def _text(most: int) -> Callable[[Design, str, Any], str]:
    return lambda design, field, value: text(design.problems, field, value, most=most)


def _names(allowed: tuple[str, ...] | None = None, most: int = 200) -> Callable[[Design, str, Any], list[str]]:
    return lambda design, field, value: names(design.problems, field, value, allowed=allowed, most=most)


def _email(design: Design, field: str, value: Any) -> str:
    address = text(design.problems, field, value, most=254).strip()
    try:
        if address:
            validate_email(address)
    except ValidationError:
        design.problems.add(field, f"{shown(address)} is not an e-mail address.")
    return address


def _header(design: Design, field: str, value: Any) -> str:
    if not value:
        return "Authorization"
    return matching(design.problems, field, value, HEADER, "It must be the name of a header.", most=100)


def _structure(kind: Any, nothing: type[dict[Any, Any]] | type[list[Any]]) -> Callable[[Design, str, Any], Any]:
    return lambda design, field, value: structure(design.problems, field, value, kind) if value else nothing()


CHECKS: dict[str, Callable[[Design, str, Any], Any]] = {
    "description": _text(20_000),
    "operations": Design.operations,
    "endpoints": lambda design, field, value: addresses.endpoints(design.problems, value),
    "plans": Design.plans,
    "categories": Design.categories,
    "tags": _names(most=60),
    "transports": lambda design, field, value: names(design.problems, field, value, allowed=design.kind.transports),
    "security": lambda design, field, value: security.schemes(design.problems, field, value),
    "authorization_header": _header,
    "cors": lambda design, field, value: cors(design.problems, value),
    "policy": Design.policy,
    "visibility": lambda design, field, value: choice(design.problems, field, value, Visibility.values),
    "visible_roles": Design.roles,
    "is_default_version": lambda design, field, value: flag(design.problems, field, value),
    "business_owner": _text(120),
    "business_owner_email": _email,
    "technical_owner": _text(120),
    "technical_owner_email": _email,
    "additional_properties": Design.properties,
    "audiences": _names(),
    "key_managers": _names(),
    "definition": _text(20_000_000),
    "scope_roles": lambda design, field, value: security.scope_roles(design, field, value),
    "scope_texts": lambda design, field, value: security.scope_texts(design, field, value),
    "api_key_header": lambda design, field, value: _header(design, field, value or "apikey"),
    "flows": Design.flows,
    "validate_schema": lambda design, field, value: flag(design.problems, field, value),
    "cache_seconds": lambda design, field, value: number(design.problems, field, value, most=86_400),
    "throughput": _structure(schema.BackendThroughput, dict),
    "complexities": _structure(list[schema.Complexity], list),
    "gateway_options": _structure(dict[str, str], dict),
    "display_name": _text(250),
    "access_roles": Design.roles,
    "subscription_availability": lambda design, field, value: choice(
        design.problems, field, value, Availability.values
    ),
    "subscription_tenants": _names(),
    "advertise": lambda design, field, value: advertise(design.problems, field, value),
    "contract_fields": lambda design, field, value: dict(value),
    "wsdl": _text(20_000_000),
    "resource_policies": _structure(list[dict[str, str]], list),
}
"""Field → check. `plans`, `categories` and `operations` are rows of their own, the rest columns of `Api`."""
