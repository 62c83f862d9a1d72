"""Client metadata (RFC 7591 2): read from a registration, and written into its answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apim.errors import FieldError, Invalid
from apim.keymanager.assertions import keys_problem
from apim.keymanager.client_auth import METHODS, PRIVATE_KEY, SELF_SIGNED, TLS
from apim.keymanager.grants import GRANTS, uri_problem
from apim.keymanager.models import JWT, OPAQUE, OAuthClient

TEXTS = ("client_uri", "logo_uri", "tos_uri", "policy_uri", "software_id", "software_version")
"""Members that are kept as they are, for people."""

LONGEST, MOST = 2000, 50
LONGEST_JWKS = 32_768
UNKNOWN_HERE = ("jwks_uri", "sector_identifier_uri", "request_uris", "software_statement")
"""Members that would make this server call others, or vouch for claims; refused instead of passed over."""


@dataclass
class Metadata:
    """A registration that was checked for form."""

    name: str = ""
    grants: list[str] = field(default_factory=lambda: ["authorization_code"])
    redirects: list[str] = field(default_factory=list)
    logout_redirects: list[str] = field(default_factory=list)
    method: str = "client_secret_basic"
    scopes: list[str] = field(default_factory=list)
    jwks: str = ""
    tls_subject: str = ""
    bound: bool = False
    token_format: str = JWT
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def public(self) -> bool:
        """Whether the client keeps no secret of any kind."""
        return self.method == "none"


def read(body: object) -> Metadata:
    """The metadata of a registration; unknown members are passed over (RFC 7591 2). Raises Invalid naming the member."""
    if not isinstance(body, dict):
        raise Invalid("The body is no JSON object.", [FieldError("body", "must be a JSON object")])
    found = Metadata(
        name=_text(body, "client_name"),
        grants=_words(body, "grant_types") or ["authorization_code"],
        redirects=_words(body, "redirect_uris"),
        logout_redirects=_words(body, "post_logout_redirect_uris"),
        method=_text(body, "token_endpoint_auth_method") or "client_secret_basic",
        scopes=_text(body, "scope").split(),
        jwks=json.dumps(body["jwks"], separators=(",", ":")) if body.get("jwks") else "",
        tls_subject=_text(body, "tls_client_auth_subject_dn"),
        bound=body.get("tls_client_certificate_bound_access_tokens") is True,
        token_format=_text(body, "access_token_format") or JWT,
        details={name: text for name in TEXTS if (text := _text(body, name))} | _contacts(body),
    )
    wrong = [FieldError(name, "is not supported by this server") for name in UNKNOWN_HERE if body.get(name)]
    for name, check in _CHECKS.items():
        problem = check(found)
        if problem:
            wrong.append(FieldError(name, problem))
    wrong += _response_types(body, found)
    if wrong:
        raise Invalid("The client metadata is not valid.", wrong)
    return found


def write(client: OAuthClient) -> dict[str, Any]:
    """What the server holds of a client, as RFC 7591 3.2.1 names it; without its secret."""
    grants = client.grant_types
    found = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created.timestamp()),
        "client_name": client.name,
        "grant_types": grants,
        "response_types": _responses(grants),
        "redirect_uris": client.redirect_uris.split(),
        "post_logout_redirect_uris": client.post_logout_redirect_uris.split(),
        "token_endpoint_auth_method": client.auth_method or "client_secret_basic",
        "scope": " ".join(client.scopes),
        "access_token_format": client.token_format,
        "tls_client_certificate_bound_access_tokens": client.bound_tokens,
        **client.details,
    }
    if client.jwks:
        found["jwks"] = json.loads(client.jwks)
    if client.tls_subject:
        found["tls_client_auth_subject_dn"] = client.tls_subject
    return found


def check(client: OAuthClient) -> None:
    """Raises Invalid naming the column unless what was set about proving itself fits together."""
    public = client.client_type == OAuthClient.CLIENT_PUBLIC
    found = Metadata(
        logout_redirects=client.post_logout_redirect_uris.split(),
        method="none" if public else client.auth_method or "client_secret_basic",
        jwks=client.jwks,
        tls_subject=client.tls_subject,
        bound=client.bound_tokens,
        token_format=client.token_format,
    )
    columns = {
        "post_logout_redirect_uris": "post_logout_redirect_uris", "token_endpoint_auth_method": "auth_method", "jwks": "jwks",
        "tls_client_auth_subject_dn": "tls_subject", "tls_client_certificate_bound_access_tokens": "bound_tokens",
        "access_token_format": "token_format",
    }  # fmt: skip
    wrong = [FieldError(column, why) for name, column in columns.items() if (why := _CHECKS[name](found))]
    if public and client.auth_method not in ("", "none"):
        wrong.append(FieldError("auth_method", "a public client proves itself by nothing"))
    if wrong:
        raise Invalid("The OAuth client is not valid.", wrong)


def apply(client: OAuthClient, metadata: Metadata) -> None:
    """Set the columns that no other action writes."""
    client.auth_method, client.jwks, client.tls_subject = metadata.method, metadata.jwks, metadata.tls_subject
    client.bound_tokens, client.token_format = metadata.bound, metadata.token_format
    client.post_logout_redirect_uris = " ".join(metadata.logout_redirects)
    client.details, client.scopes = metadata.details, metadata.scopes


def _redirect_problem(found: Metadata) -> str:
    return next((f"{uri!r} {why}" for uri in found.redirects if (why := uri_problem(uri))), "")


def _logout_problem(found: Metadata) -> str:
    return next((f"{uri!r} {why}" for uri in found.logout_redirects if (why := uri_problem(uri))), "")


def _grant_problem(found: Metadata) -> str:
    unknown = [grant for grant in found.grants if grant not in GRANTS]
    if unknown:
        return f"{unknown[0]!r} is not one of: {', '.join(GRANTS)}"
    return (
        "client_credentials needs a client that proves itself"
        if found.public and "client_credentials" in found.grants
        else ""
    )


def _method_problem(found: Metadata) -> str:
    return "" if found.method in METHODS else f"{found.method!r} is not one of: {', '.join(METHODS)}"


def _jwks_problem(found: Metadata) -> str:
    if len(found.jwks) > LONGEST_JWKS:
        return f"is longer than {LONGEST_JWKS} characters"
    if found.jwks:
        return keys_problem(found.jwks)
    return f"{found.method} needs the client's public keys" if found.method in (PRIVATE_KEY, SELF_SIGNED) else ""


def _tls_problem(found: Metadata) -> str:
    return (
        "tls_client_auth needs the subject of the certificate" if found.method == TLS and not found.tls_subject else ""
    )


def _bound_problem(found: Metadata) -> str:
    return "a public client's refresh tokens could not be bound" if found.bound and found.public else ""


def _format_problem(found: Metadata) -> str:
    return "" if found.token_format in (JWT, OPAQUE) else f"{found.token_format!r} is not one of: {JWT}, {OPAQUE}"


_CHECKS: dict[str, Callable[[Metadata], str]] = {
    "redirect_uris": _redirect_problem,
    "post_logout_redirect_uris": _logout_problem,
    "grant_types": _grant_problem,
    "token_endpoint_auth_method": _method_problem,
    "jwks": _jwks_problem,
    "tls_client_auth_subject_dn": _tls_problem,
    "tls_client_certificate_bound_access_tokens": _bound_problem,
    "access_token_format": _format_problem,
}


def _responses(grants: list[str]) -> list[str]:
    code = ["code"] if "authorization_code" in grants else []
    return [*code, *(["token", "id_token", "id_token token"] if "implicit" in grants else [])]


def _response_types(body: dict[str, Any], found: Metadata) -> list[FieldError]:
    """RFC 7591 2.1: what the client asks for must fit to its grants."""
    asked = _words(body, "response_types")
    wrong = [one for one in asked if " ".join(sorted(one.split())) not in _responses(found.grants)]
    return [FieldError("response_types", f"{one!r} does not fit to the grant types") for one in wrong[:1]]


def _contacts(body: dict[str, Any]) -> dict[str, Any]:
    contacts = _words(body, "contacts")
    return {"contacts": contacts} if contacts else {}


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST or "\x00" in value:
        raise Invalid(
            "The client metadata is not valid.", [FieldError(name, f"must be text of at most {LONGEST} characters")]
        )
    return value.strip()


def _words(body: dict[str, Any], name: str) -> list[str]:
    value = body.get(name) or []
    known = isinstance(value, list) and len(value) <= MOST and all(isinstance(one, str) for one in value)
    if not known or any(len(one) > LONGEST or "\x00" in one or (" " in one and "uri" in name) for one in value):
        raise Invalid(
            "The client metadata is not valid.", [FieldError(name, f"must be a list of at most {MOST} texts")]
        )
    return list(dict.fromkeys(value))
