"""Checks of who may call an API: its schemes, and the roles its scopes are bound to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apim.accounts.models import Role
from publisher.checks.basics import Problems, names, shown, storable

if TYPE_CHECKING:
    from publisher.checks.design import Design

APPLICATION = ("oauth2", "basic_auth", "api_key")
APPLICATION_MANDATORY, MUTUAL, MUTUAL_MANDATORY = (
    "oauth_basic_auth_api_key_mandatory",
    "mutualssl",
    "mutualssl_mandatory",
)
SECURITY = (*APPLICATION, MUTUAL, MUTUAL_MANDATORY, APPLICATION_MANDATORY)
"""What the contract's `securityScheme` may hold: schemes, and how strict each of the two levels is."""

MOST_SCOPES = 500


def schemes(problems: Problems, field: str, value: Any) -> list[str]:
    """The schemes with their marks, as given: a level that stands alone is mandatory at gateways, marked or not.

    An empty list means OAuth2, as the original has it for APIs without a word about it.
    """
    found = names(problems, field, value, allowed=SECURITY)
    application = [scheme for scheme in APPLICATION if scheme in found]
    if not application and MUTUAL not in found:
        if found:
            problems.add(field, f"Name at least one of {', '.join((*APPLICATION, MUTUAL))}.")
        return found
    if MUTUAL_MANDATORY in found and MUTUAL not in found:
        problems.add(field, f"{MUTUAL_MANDATORY} needs {MUTUAL}.")
    if APPLICATION_MANDATORY in found and not application:
        problems.add(field, f"{APPLICATION_MANDATORY} needs one of {', '.join(APPLICATION)}.")
    return found


def scope_roles(design: Design, field: str, value: Any) -> dict[str, list[str]]:
    """Scope → names of roles of the organisation."""
    if not isinstance(value, dict) or len(value) > MOST_SCOPES:
        design.problems.add(field, f"{shown(value)} is not an object of at most {MOST_SCOPES} scopes.")
        return {}
    known = (
        set(Role.objects.filter(organisation=design.organisation).values_list("name", flat=True)) if value else set()
    )
    found = {}
    for scope, roles in value.items():
        if not isinstance(scope, str) or not scope or len(scope) > 200 or not storable(scope):
            design.problems.add(field, f"{shown(scope)} is not the name of a scope.")
            continue
        found[scope] = names(design.problems, f"{field}.{scope}", roles, allowed=known)
    return {scope: roles for scope, roles in found.items() if roles}
