"""Checks of who may call an API: its schemes, and the roles its scopes are bound to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apim.accounts.models import Organisation, Role
from publisher.checks.basics import Problems, names, shown, storable, text
from publisher.models import SharedScope

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
    names_of_shared = shared_scopes(design.organisation, value)
    found = {}
    for scope, roles in value.items():
        if scope in names_of_shared:
            continue
        if not isinstance(scope, str) or not scope or len(scope) > 200 or not storable(scope):
            design.problems.add(field, f"{shown(scope)} is not the name of a scope.")
            continue
        found[scope] = names(design.problems, f"{field}.{scope}", roles, allowed=known)
    return {scope: roles for scope, roles in found.items() if roles}


def scope_texts(design: Design, field: str, value: Any) -> dict[str, dict[str, str]]:
    """Scope → its `display_name` and `description`, where they say more than its name."""
    if not isinstance(value, dict) or len(value) > MOST_SCOPES:
        design.problems.add(field, f"{shown(value)} is not an object of at most {MOST_SCOPES} scopes.")
        return {}
    names_of_shared = shared_scopes(design.organisation, value)
    found = {}
    for scope, texts in value.items():
        if scope in names_of_shared or not isinstance(texts, dict):
            continue
        place = f"{field}.{scope}"
        found[scope] = {
            "display_name": text(design.problems, f"{place}.display_name", texts.get("display_name"), most=255),
            "description": text(design.problems, f"{place}.description", texts.get("description"), most=512),
        }
    return found


def shared_scopes(organisation: Organisation, names_asked: Any) -> set[str]:
    """Which of these names are shared scopes, whose roles and texts no API changes."""
    asked = [name for name in names_asked if isinstance(name, str) and storable(name)]
    found = (
        SharedScope.objects.filter(organisation=organisation, name__in=asked) if asked else SharedScope.objects.none()
    )
    return set(found.values_list("name", flat=True))
