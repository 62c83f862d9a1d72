"""Key managers as the admin contract has them, to and from columns."""

from __future__ import annotations

import json
from typing import Any

from apim.accounts.rest_admin import as_list, as_object, choice, flag, strings, text, wrong
from apim.keymanager.manager_fields import PERMISSIONS, TOKEN_TYPES
from apim.keymanager.models import KeyManager
from apim.keymanager.properties import masked

TEXTS = {
    "displayName": "display_name",
    "description": "description",
    "wellKnownEndpoint": "well_known_url",
    "introspectionEndpoint": "introspection_url",
    "clientRegistrationEndpoint": "registration_url",
    "tokenEndpoint": "token_url",
    "displayTokenEndpoint": "display_token_url",
    "revokeEndpoint": "revoke_url",
    "displayRevokeEndpoint": "display_revoke_url",
    "userInfoEndpoint": "userinfo_url",
    "authorizeEndpoint": "authorize_url",
    "issuer": "issuer",
    "alias": "alias",
    "scopeManagementEndpoint": "scope_management_url",
}
"""Member of the contract → column."""

FLAGS = {
    "enabled": ("enabled", True),
    "enableTokenGeneration": ("enable_token_generation", True),
    "enableMapOAuthConsumerApps": ("enable_mapping", False),
    "enableOAuthAppCreation": ("enable_app_creation", False),
    "enableSelfValidationJWT": ("self_validate", True),
}
"""Member of the contract → column, and what an absent one means."""

SWITCHES = {"enableTokenEncryption": False, "enableTokenHashing": False, "enableProvisionedAppValidation": True}
"""Members that are kept for clients and change nothing here, with what an absent one means."""

RENAMED = {
    **{column: member for member, column in TEXTS.items()},
    **{column: member for member, (column, _) in FLAGS.items()},
    "kind": "type",
    "jwks": "certificates.value",
    "jwks_url": "certificates.value",
    "certificate_pem": "certificates.value",
    "client_claim": "consumerKeyClaim",
    "scope_claim": "scopesClaim",
    "grant_types": "availableGrantTypes",
    "permission": "permissions.permissionType",
    "roles": "permissions.roles",
    "token_type": "tokenType",
}


def key_manager(row: KeyManager) -> dict[str, Any]:
    """A key manager, its secrets masked."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "type": row.kind,
        **{member: getattr(row, column) for member, column in TEXTS.items()},
        **{member: getattr(row, column) for member, (column, _) in FLAGS.items()},
        **{member: bool(row.switches.get(member, default)) for member, default in SWITCHES.items()},
        "certificates": _certificates(row),
        "availableGrantTypes": row.grant_types,
        "claimMapping": row.claim_mapping,
        "consumerKeyClaim": row.client_claim,
        "scopesClaim": row.scope_claim,
        "tokenValidation": row.token_validation,
        "additionalProperties": masked(row),
        "permissions": {"permissionType": row.permission, "roles": row.roles},
        "tokenType": row.token_type,
    }


def info(row: KeyManager) -> dict[str, Any]:
    """A key manager in the list."""
    names = ("id", "name", "type", "description", "enabled", "tokenType")
    whole = {
        "id": str(row.pk), "name": row.name, "type": row.kind, "description": row.description,
        "enabled": row.enabled, "tokenType": row.token_type,
    }  # fmt: skip
    return {name: whole[name] for name in names}


def fill(row: KeyManager, body: dict[str, Any]) -> dict[str, str]:
    """Put what was sent into `row`; the settings of its connector come back. Raises Invalid naming the place."""
    row.kind = text(body, "type")
    for member, column in TEXTS.items():
        said = text(body, member, default="").strip()
        # What the original's guides have people enter where a provider has no such address.
        setattr(row, column, "" if said.lower() == "none" and member.endswith("Endpoint") else said)
    for member, (column, default) in FLAGS.items():
        setattr(row, column, flag(body, member, default=default))
    row.switches = {member: flag(body, member, default=default) for member, default in SWITCHES.items()}
    row.client_claim = text(body, "consumerKeyClaim", default="") or "azp"
    row.scope_claim = text(body, "scopesClaim", default="") or "scope"
    row.grant_types = strings(body, "availableGrantTypes")
    row.token_type = choice(body, "tokenType", [value for value, _ in TOKEN_TYPES], default="DIRECT")
    row.claim_mapping = [
        {part: text(as_object(one, f"claimMapping[{n}]"), part, f"claimMapping[{n}]") for part in ("remoteClaim", "localClaim")}
        for n, one in enumerate(as_list(body.get("claimMapping"), "claimMapping"))
    ]  # fmt: skip
    row.token_validation = [
        _pattern(as_object(one, f"tokenValidation[{n}]"), f"tokenValidation[{n}]", n)
        for n, one in enumerate(as_list(body.get("tokenValidation"), "tokenValidation"))
    ]
    _fill_certificates(row, body)
    _fill_permissions(row, body)
    return _settings(body)


def _pattern(one: dict[str, Any], path: str, place: int) -> dict[str, Any]:
    number = one.get("id")
    value: Any = one.get("value")
    kind = choice(one, "type", ("REFERENCE", "JWT", "CUSTOM"), path)
    if kind == "JWT" and isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise wrong(f"{path}.value", "must be an object with `body` or `header`") from error
    return {
        "id": number if isinstance(number, int) and not isinstance(number, bool) else place,
        "enable": flag(one, "enable", path, True),
        "type": kind,
        "value": value,
    }


def _certificates(row: KeyManager) -> dict[str, Any]:
    if row.certificate_pem:
        return {"type": "PEM", "value": row.certificate_pem}
    return {"type": "JWKS", "value": row.jwks_url or row.jwks}


def _fill_certificates(row: KeyManager, body: dict[str, Any]) -> None:
    row.jwks = row.jwks_url = row.certificate_pem = ""
    given = as_object(body.get("certificates") or {}, "certificates")
    value = text(given, "value", "certificates", "").strip()
    if not value:
        return
    if choice(given, "type", ("JWKS", "PEM"), "certificates") == "PEM":
        row.certificate_pem = value
    elif value.startswith("{"):
        row.jwks = value
    else:
        row.jwks_url = value


def _fill_permissions(row: KeyManager, body: dict[str, Any]) -> None:
    given = as_object(body.get("permissions") or {}, "permissions")
    row.permission = choice(given, "permissionType", [one for one, _ in PERMISSIONS], "permissions", "PUBLIC")
    row.roles = strings(given, "roles", "permissions") if row.permission != "PUBLIC" else []


def _settings(body: dict[str, Any]) -> dict[str, str]:
    """`additionalProperties` as texts: flags and numbers come as JSON has them."""
    given = as_object(body.get("additionalProperties") or {}, "additionalProperties")
    found = {}
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(value, dict | list):
            raise wrong(f"additionalProperties.{name}", "must be a text, a number or true or false")
        found[name] = text(
            {name: value if isinstance(value, str) else json.dumps(value)}, name, "additionalProperties", ""
        )
    return found


def renamed(field: str) -> str:
    """The contract's name of a column, for errors."""
    head, bracket, rest = field.partition("[")
    if head in ("claim_mapping", "token_validation"):
        return {"claim_mapping": "claimMapping", "token_validation": "tokenValidation"}[head] + bracket + rest
    if field.startswith("properties."):
        return f"additionalProperties.{field.partition('.')[2]}"
    return RENAMED.get(field, field)
