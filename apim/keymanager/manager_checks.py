"""What is wrong with a key manager that somebody fills in; every mistake names the field and what is allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from apim.errors import FieldError
from apim.keymanager import connectors
from apim.keymanager.manager_fields import PERMISSIONS, TOKEN_TYPES
from apim.keymanager.manager_records import expression, jwks_of_certificate
from apim.keymanager.models import KeyManager
from apim.keymanager.properties import opened
from gateway.schema.patterns import pattern

ASYMMETRIC = ("RSA", "EC", "OKP")
MOST_ENTRIES = 50
LONGEST_SETTING = 4000
PATTERN_KINDS = ("REFERENCE", "JWT", "CUSTOM")
ADDRESSES = (
    "well_known_url",
    "token_url",
    "display_token_url",
    "revoke_url",
    "display_revoke_url",
    "userinfo_url",
    "authorize_url",
    "registration_url",
    "scope_management_url",
    "jwks_url",
    "introspection_url",
)


def problems(manager: KeyManager) -> list[FieldError]:
    """Everything that is wrong; empty when it may be saved."""
    return [*_identity(manager), *_addresses(manager), *_keys(manager), *_claims(manager), *_people(manager)]


def _identity(manager: KeyManager) -> Iterator[FieldError]:
    connector = connectors.of(manager.kind)
    if not 1 <= len(manager.name.strip()) <= 100 or "/" in manager.name or ":" in manager.name:
        yield FieldError("name", "give one of 1 to 100 characters, without slash and colon")
    for name, longest in (("display_name", 100), ("description", 256), ("alias", 500), ("issuer", 500)):
        if len(getattr(manager, name)) > longest:
            yield FieldError(name, f"{longest} characters at most")
    if connector is None:
        known = ", ".join(one.type for one in connectors.ALL)
        yield FieldError("kind", f"{manager.kind[:45]!r} is not one of: {known}")
        return
    settings = opened(manager)
    if len(settings) > MOST_ENTRIES or any(len(value) > LONGEST_SETTING for value in settings.values()):
        yield FieldError("properties", f"{MOST_ENTRIES} settings of {LONGEST_SETTING} characters at most")
    if manager.enable_app_creation:
        for field in connector.fields:
            if field.required and not settings.get(field.name):
                yield FieldError(f"properties.{field.name}", f"{field.label} is needed to register clients there")


def _addresses(manager: KeyManager) -> Iterator[FieldError]:
    if manager.issuer and urlsplit_or_none(manager.issuer) is None:
        yield FieldError("issuer", f"{manager.issuer[:200]!r} is not an address")
    if not manager.issuer and not manager.introspection_url:
        yield FieldError("issuer", "is needed, or an introspection endpoint: a well-known endpoint would tell both")
    for name in ADDRESSES:
        url = getattr(manager, name)
        parts = urlsplit_or_none(url)
        if url and (parts is None or not parts.hostname or parts.username or len(url) > 500 or not url.isprintable()):
            yield FieldError(name, f"{url[:200]!r} is not an address of the form https://host/path")


def urlsplit_or_none(url: str) -> Any:
    """The parts of an http(s) address, None for anything else."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") else None


def _keys(manager: KeyManager) -> Iterator[FieldError]:
    elsewhere = manager.jwks_url or manager.introspection_url or manager.certificate_pem.strip()
    if (manager.jwks.strip() or not elsewhere) and (problem := _jwks_problem(manager.jwks)):
        yield FieldError("jwks", problem)
    try:
        jwks_of_certificate(manager.certificate_pem)
    except (ValueError, TypeError, JoseError) as error:
        yield FieldError("certificate_pem", f"is not a certificate or public key in PEM form: {str(error)[:200]}")
    if not manager.self_validate and not manager.introspection_url:
        yield FieldError("introspection_url", "is needed when JWTs are not to be checked by keys")


def _jwks_problem(text: str) -> str:
    try:
        listed = json.loads(text)["keys"]
        if not listed or any(one["kty"] not in ASYMMETRIC for one in listed):
            return f"needs at least one key, and only of the types {', '.join(ASYMMETRIC)}"
        keys = KeySet.import_key_set({"keys": listed}).keys
    except (JoseError, ValueError, TypeError, KeyError) as error:
        return f"is not an RFC 7517 document: {error}"
    return "must not hold private keys" if any(key.is_private for key in keys) else ""


def _claims(manager: KeyManager) -> Iterator[FieldError]:
    for name in ("client_claim", "scope_claim"):
        if not 1 <= len(getattr(manager, name)) <= 60:
            yield FieldError(name, "give a claim of 1 to 60 characters")
    if not isinstance(manager.claim_mapping, list) or len(manager.claim_mapping) > MOST_ENTRIES:
        yield FieldError("claim_mapping", f"must be a list of {MOST_ENTRIES} entries at most")
    else:
        for place, one in enumerate(manager.claim_mapping):
            names = [one.get(part) for part in ("remoteClaim", "localClaim")] if isinstance(one, dict) else [None]
            if not all(isinstance(name, str) and 0 < len(name) <= 200 for name in names):
                yield FieldError(f"claim_mapping[{place}]", "needs remoteClaim and localClaim, 200 characters at most")
    if not isinstance(manager.token_validation, list) or len(manager.token_validation) > MOST_ENTRIES:
        yield FieldError("token_validation", f"must be a list of {MOST_ENTRIES} entries at most")
    else:
        for place, one in enumerate(manager.token_validation):
            if problem := _pattern_problem(one):
                yield FieldError(f"token_validation[{place}]", problem)


def _pattern_problem(one: Any) -> str:
    if not isinstance(one, dict) or one.get("type") not in PATTERN_KINDS:
        return f"needs a type, one of {', '.join(PATTERN_KINDS)}"
    value = one.get("value")
    try:
        if one["type"] != "JWT":
            if not expression(value):
                return "value must be an expression for the whole token"
            pattern(expression(value))
            return ""
        if not isinstance(value, dict) or not {"header", "body"} >= value.keys():
            return "value must hold `body`, `header` or both"
        for members in value.values():
            if not isinstance(members, dict) or not all(isinstance(text, str) for text in members.values()):
                return "`body` and `header` map claims to expressions"
            for text in members.values():
                pattern(text)
    except ValueError as error:
        return str(error)[:300]
    return ""


def _people(manager: KeyManager) -> Iterator[FieldError]:
    for name, allowed in (("permission", PERMISSIONS), ("token_type", TOKEN_TYPES)):
        if getattr(manager, name) not in [value for value, _ in allowed]:
            names = ", ".join(value for value, _ in allowed)
            yield FieldError(name, f"{str(getattr(manager, name))[:40]!r} is not one of: {names}")
    for name in ("roles", "grant_types"):
        given = getattr(manager, name)
        whole = isinstance(given, list) and len(given) <= MOST_ENTRIES
        if not whole or not all(isinstance(one, str) and 0 < len(one) <= 200 for one in given):
            yield FieldError(name, f"must be a list of at most {MOST_ENTRIES} names")
    if manager.permission != "PUBLIC" and not manager.roles:
        yield FieldError("roles", f"are needed for the permission {manager.permission}")
