"""The contract's `endpoint_security` of one side ↔ the security of the design. Secrets come in only."""

from __future__ import annotations

import json
from typing import Any

from apim.errors import FieldError, Invalid
from publisher.checks.basics import shown

TYPES = {"BASIC": "basic", "DIGEST": "digest", "OAUTH": "oauth", "APIKEY": "api_key"}
_TYPES_OUT = {ours: theirs for theirs, ours in TYPES.items()}
GRANTS = {"CLIENT_CREDENTIALS": "client_credentials", "PASSWORD": "password"}
PLACES = {"HEADER": "header", "QUERY_PARAMETER": "query"}
_FIELDS = {
    "username": "username",
    "password": "password",
    "tokenUrl": "token_url",
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "apiKeyIdentifier": "name",
    "apiKeyValue": "value",
}
_SECRET = ("password", "clientSecret", "apiKeyValue")


def out(security: dict[str, Any] | None) -> dict[str, Any]:
    """`endpoint_security` of a side; `enabled` false when there is none."""
    if not security:
        return {"enabled": False, "type": "NONE"}
    found: dict[str, Any] = {"enabled": True, "type": _TYPES_OUT[security["kind"]]}
    found |= {theirs: "" if theirs in _SECRET else security.get(ours, "") for theirs, ours in _FIELDS.items()}
    if security["kind"] == "oauth":
        found["grantType"] = (security.get("grant") or "client_credentials").upper()
        found["customParameters"] = dict(security.get("parameters", ()))
    if security["kind"] == "api_key":
        found["apiKeyIdentifierType"] = "QUERY_PARAMETER" if security.get("place") == "query" else "HEADER"
    return found


def given(value: dict[str, Any], place: str) -> dict[str, Any] | None:
    """The security of a side, None when it is off. Raises Invalid."""
    if value.get("enabled") is False or str(value.get("type") or "NONE").upper() == "NONE":
        return None
    kind = _choice(value["type"], TYPES, f"{place}.type")
    found: dict[str, Any] = {"kind": kind}
    for theirs, ours in _FIELDS.items():
        if value.get(theirs) not in (None, ""):
            found[ours] = value[theirs]
    if kind == "oauth":
        found["grant"] = _choice(value.get("grantType") or "CLIENT_CREDENTIALS", GRANTS, f"{place}.grantType")
        parameters = _object(value.get("customParameters"), f"{place}.customParameters")
        found["parameters"] = [[str(name), _text(one)] for name, one in parameters.items()]
    if kind == "api_key":
        found["place"] = _choice(value.get("apiKeyIdentifierType") or "HEADER", PLACES, f"{place}.apiKeyIdentifierType")
    return found


def _choice(value: Any, allowed: dict[str, str], field: str) -> str:
    found = allowed.get(str(value).upper())
    if found is None:
        raise _wrong(field, f"{shown(value)} is not one of {', '.join(allowed)}.")
    return found


def _object(value: Any, field: str) -> dict[str, Any]:
    """An object, or one written as JSON text, as older clients send it."""
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise _wrong(field, "Must be an object.") from None
    if value in (None, ""):
        return {}
    if not isinstance(value, dict) or len(value) > 50:
        raise _wrong(field, f"{shown(value)} is not an object of at most 50 fields.")
    return value


def _text(value: Any) -> str:
    """A parameter's value; newer clients wrap it with a mark whether it is secret."""
    return str(value.get("value", "")) if isinstance(value, dict) else str(value)


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", [FieldError(field, message)])
