"""The tenant configuration: what it is until somebody changes it, its schema, and what is read from it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs

from apim.accounts.models import BuiltinRole, Organisation
from apim.configuration import scopes
from apim.configuration.scopes import stored
from apim.errors import FieldError, Invalid

LARGEST = 256 * 1024
"""Bytes of a configuration, as JSON."""

DEEPEST = 20
"""Objects and lists within each other."""

_TIERS = {
    "DefaultApplicationLevelTier": "The application policy that the portal proposes for new applications.",
    "DefaultAPILevelTier": "The advanced policy that publishers are proposed for new APIs.",
    "DefaultSubscriptionLevelTier": "The business plan that publishers are proposed for new APIs.",
}
_ROLES = {"type": "string", "description": "Names of roles, by comma."}

SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Tenant configuration",
    "description": "What administrators of an organisation set for it. Fields that are not described here are kept and shown.",
    "type": "object",
    "properties": {
        **{name: {"type": "string", "minLength": 1, "maxLength": 60, "description": text} for name, text in _TIERS.items()},
        "EnableMonetization": {"type": "boolean"},
        "EnableRecommendation": {"type": "boolean"},
        "IsUnlimitedTierPaid": {"type": "boolean"},
        "AllowSubscriptionValidationDisabling": {"type": "boolean"},
        "ExtensionHandlerPosition": {"type": "string"},
        "NotificationsEnabled": {"enum": ["true", "false", True, False]},
        "Notifications": {"type": "array", "items": {"type": "object"}},
        "Meta": {"type": "object"},
        "RESTAPIScopes": {
            "type": "object",
            "description": "Which roles have which scope of the management REST APIs.",
            "required": ["Scope"],
            "properties": {
                "Scope": {
                    "type": "array",
                    "maxItems": 1000,
                    "items": {
                        "type": "object",
                        "required": ["Name", "Roles"],
                        "properties": {"Name": {"type": "string", "minLength": 1, "maxLength": 255}, "Roles": _ROLES},
                    },
                }
            },
        },
        "RoleMappings": {
            "type": "object",
            "description": "Role → roles that count as it where scopes are given.",
            "additionalProperties": _ROLES,
        },
        "DefaultRoles": {"type": "object"},
        "SelfSignUp": {
            "type": "object",
            "properties": {
                "SignUpRoles": {
                    "type": "array",
                    "description": "Roles of people who create their account themselves.",
                    "minItems": 1,
                    "maxItems": 50,
                    "items": {"type": "string", "minLength": 1, "maxLength": 120},
                }
            },
        },
    },
}  # fmt: skip


@cache
def _validator() -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(SCHEMA)


def defaults() -> dict[str, Any]:
    """The configuration of an organisation that nobody changed."""
    content: dict[str, Any] = {
        "EnableMonetization": False,
        "EnableRecommendation": False,
        "IsUnlimitedTierPaid": False,
        "ExtensionHandlerPosition": "bottom",
        "Meta": {"Migration": {"3.0.0": True}},
        "NotificationsEnabled": "false",
        "Notifications": [],
        "DefaultRoles": {},
        "SelfSignUp": {"SignUpRoles": [str(BuiltinRole.SUBSCRIBER)]},
        "AllowSubscriptionValidationDisabling": False,
    }
    return scopes.write_mapping(content, scopes.default_mapping())


def current(organisation: Organisation) -> dict[str, Any]:
    """The whole configuration, as it stands."""
    return stored(organisation) or defaults()


def check(content: Any) -> dict[str, Any]:
    """`content`, if it can be a configuration. Raises Invalid naming each wrong field."""
    if not isinstance(content, dict):
        raise Invalid("The configuration must be a JSON object.", [FieldError("body", "must be an object")])
    if _depth(content) > DEEPEST:
        raise Invalid("The configuration is too deep.", [FieldError("body", f"at most {DEEPEST} levels")])
    wrong = [
        FieldError(".".join(map(str, error.instance_path)) or "body", error.message[:300])
        for error, _ in zip(_validator().iter_errors(content), range(20), strict=False)
    ]
    if wrong:
        raise Invalid(f"{wrong[0].field}: {wrong[0].message}", wrong)
    for name in scopes.KEPT:
        if str(BuiltinRole.ADMIN) not in scopes.mapping(content).get(name, ()):
            raise Invalid(
                f"{name} must stay a scope of administrators.",
                [FieldError("RESTAPIScopes.Scope", f"{name} without admin")],
            )
    text = json.dumps(content)
    if "\\u0000" in text or "\\ud8" in text.lower():
        _refuse_unstorable(content)
    return content


def default_tier(organisation: Organisation, name: str) -> str:
    """`DefaultApplicationLevelTier` or one of its like, empty when nothing is set."""
    value = stored(organisation).get(name)
    return value if isinstance(value, str) else ""


def signup_roles(organisation: Organisation) -> list[str]:
    """The roles of people who sign up: those of the configuration that exist, never the administrators'; empty: the usual."""
    section = stored(organisation).get("SelfSignUp")
    wanted = section.get("SignUpRoles") if isinstance(section, dict) else None
    if not isinstance(wanted, list):
        return []
    names = [str(name) for name in wanted if str(name) != BuiltinRole.ADMIN]
    return list(organisation.roles.filter(name__in=names).values_list("name", flat=True))


def _refuse_unstorable(content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False)
    if "\0" in text or "\\u0000" in text or any("\ud800" <= one <= "\udfff" for one in text):
        raise Invalid(
            "The configuration holds a NUL or half a surrogate pair.", [FieldError("body", "no database keeps it")]
        )


def _depth(value: Any) -> int:
    level, layer = 0, [value]
    while layer and level <= DEEPEST:
        level += 1
        layer = [
            inner
            for one in layer
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return level
