"""Writes on the API keys of applications: make one, which is shown once, and take one back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import Conflict, FieldError, Invalid, NotFound
from apim.keymanager import issue
from apim.keymanager.actions.tokens import revoke_ids
from apim.keymanager.errors import InvalidToken
from apim.keymanager.grants import LONGEST_LIFETIME
from apim.keymanager.verify import verify_api_key
from portal.actions.locks import locked_application
from portal.models import ApiKey, Application, KeyType
from portal.permissions import require_approved, require_use

MOST = 50
"""API keys of one application and side at a time."""

MOST_RULES, LONGEST_RULE, MOST_STARS = 100, 300, 3
NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""Until when the revocation of a key without end is remembered."""


@transaction.atomic
def generate_api_key(
    *,
    by: User,
    application: Application,
    key_type: str,
    name: str = "",
    lifetime: int | None = None,
    addresses: Sequence[str] = (),
    referers: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """Make an API key and return what is known of it with the key itself, which is never shown again.

    `lifetime` in seconds, None: without end. `addresses`: IP addresses and CIDR ranges; `referers`: pages, where `*` stands for
    part of the host or anything in the path. Both empty: from anywhere. Raises Invalid naming the field, Conflict when there
    are MOST already, NotFound.
    """
    application = locked_application(application)
    require_use(by, application)
    require_approved(application)
    _check(key_type, name, lifetime, addresses, referers)
    if ApiKey.objects.filter(application=application, key_type=key_type).count() >= MOST:
        raise Conflict(f"{application} has {MOST} API keys already: revoke one first.")
    text, claims = issue.api_key(
        application=_application(application),
        owner=application.owner.get_username(),
        organisation=application.organisation.domain,
        key_type=key_type,
        lifetime=lifetime,
        addresses=addresses,
        referers=referers,
    )
    ends = None if lifetime is None else datetime.fromtimestamp(claims["exp"], UTC)
    rules = {"addresses": list(addresses), "referers": list(referers)}
    made = datetime.fromtimestamp(claims["iat"], UTC)
    key = ApiKey.objects.create(
        application=application, key_type=key_type, name=name, jti=claims["jti"], created=made, expires=ends, **rules
    )
    audit.record(by, "api_key.generate", application, after=_values(key))
    return key, text


@transaction.atomic
def regenerate_api_key(*, by: User, key: ApiKey) -> tuple[ApiKey, str]:
    """Make a key like `key`, valid as long from now on, and revoke `key`. Raises NotFound."""
    require_use(by, key.application)
    lifetime = None if key.expires is None else max(1, int((key.expires - key.created).total_seconds()))
    like = {"name": key.name, "addresses": key.addresses, "referers": key.referers}
    application, key_type = key.application, key.key_type
    revoke_api_key(by=by, key=key)
    return generate_api_key(by=by, application=application, key_type=key_type, lifetime=lifetime, **like)


@transaction.atomic
def revoke_api_key(*, by: User, key: ApiKey) -> None:
    """Make a key useless at every gateway, and forget it. Raises NotFound."""
    require_use(by, key.application)
    audit.record(by, "api_key.revoke", key.application, before=_values(key))
    _revoke(key.jti, key.expires or NEVER)
    key.delete()


@transaction.atomic
def revoke_by_value(*, by: User, application: Application, key_type: str, text: str) -> None:
    """Revoke the key that somebody shows, be it listed or not. Raises Invalid when it is none of this application."""
    require_use(by, application)
    try:
        claims = verify_api_key(text)
    except InvalidToken:
        claims = {"application": {}}
    if claims["application"].get("uuid") != str(application.pk) or claims.get("keytype") != key_type:
        raise Invalid(
            "That is no API key of this application.", [FieldError("apikey", "is no key of this application")]
        )
    key = ApiKey.objects.filter(application=application, jti=claims["jti"]).first()
    if key is not None:
        revoke_api_key(by=by, key=key)
        return
    audit.record(by, "api_key.revoke", application, before={"jti": claims["jti"], "key_type": key_type})
    ends = claims["exp"]
    _revoke(claims["jti"], NEVER if ends == issue.ENDLESS else datetime.fromtimestamp(ends, UTC))


def known_type(key_type: str) -> str:
    """`key_type` when there is such a one. Raises NotFound."""
    if key_type not in KeyType.values:
        raise NotFound(f"There is no key type {key_type!r}.")
    return key_type


def _revoke(jti: str, ends: datetime) -> None:
    revoke_ids([(jti, int(ends.timestamp()))], "")


def _application(application: Application) -> dict[str, str]:
    return {
        "uuid": str(application.pk),
        "name": application.name,
        "owner": application.owner.get_username(),
        "tier": application.policy,
    }


def _values(key: ApiKey) -> dict[str, Any]:
    ends = key.expires.isoformat() if key.expires else ""
    return {"jti": key.jti, "name": key.name, "key_type": key.key_type, "expires": ends}


def _check(key_type: str, name: str, lifetime: int | None, addresses: Sequence[str], referers: Sequence[str]) -> None:
    wrong = []
    if key_type not in KeyType.values:
        wrong.append(FieldError("keyType", f"{key_type!r} is not one of: {', '.join(KeyType.values)}"))
    if len(name) > 100:
        wrong.append(FieldError("keyName", "100 characters at most"))
    if lifetime is not None and not 0 < lifetime <= LONGEST_LIFETIME:
        wrong.append(FieldError("validityPeriod", f"{lifetime} is not between 1 and {LONGEST_LIFETIME} seconds"))
    wrong += _rules("permittedIP", addresses, _address_problem)
    wrong += _rules("permittedReferer", referers, _referer_problem)
    if wrong:
        raise Invalid("The API key is not valid.", wrong)


def _rules(field: str, rules: Sequence[str], problem: Any) -> list[FieldError]:
    if len(rules) > MOST_RULES:
        return [FieldError(field, f"{len(rules)} entries; {MOST_RULES} at most")]
    return [FieldError(field, f"{rule[:60]!r} {why}") for rule in rules if (why := problem(rule))]


def _address_problem(rule: str) -> str:
    try:
        ip_network(rule, strict=False)
    except ValueError:
        return "is neither an IP address nor a range like 10.0.0.0/8 or 2001:db8::/32"
    return ""


def _referer_problem(rule: str) -> str:
    if len(rule) > LONGEST_RULE or not rule.isascii() or any(character in " ,?#" for character in rule):
        return f"is no address of a page of at most {LONGEST_RULE} characters, without query"
    return f"has more than {MOST_STARS} stars" if rule.count("*") > MOST_STARS else ""
