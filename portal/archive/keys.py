"""The OAuth keys of an imported application: with the consumer key and the secret they had, where that is possible."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import FieldError, Invalid
from apim.keymanager import vault
from apim.keymanager.errors import VaultLocked
from apim.keymanager.models import OAuthClient
from portal.actions.keys import generate_keys, update_keys
from portal.models import Application, ApplicationKey, KeyType
from portal.records import publish_key
from publisher.archive.texts import EXTRAS
from publisher.checks.basics import shown

MOST = 50
SHORTEST, LONGEST = 16, 256
"""Characters of a secret from elsewhere. Ours are kept by a quick hash, which a short one would not stand."""

CONSUMER_KEY = re.compile(r"[A-Za-z0-9._~-]{1,100}")
"""A colon would cut Basic credentials in two, and begins the names under which gateways call."""

RESIDENT = ("Resident Key Manager", "Default", "")


def take_in(by: User, application: Application, listed: Any) -> list[str]:
    """Give `application` the keys `listed` (the contract's ApplicationKeys); those it has stay, with what they may do now.

    Returns what is otherwise than in the archive, in words. Raises Invalid naming the field.
    """
    rows = listed or []
    if not isinstance(rows, list) or len(rows) > MOST:
        raise _wrong("keys", f"Must be a list of at most {MOST} objects.")
    said = []
    for number, one in enumerate(rows):
        place = f"keys[{number}]"
        if not isinstance(one, dict):
            raise _wrong(place, f"{shown(one)} is not an object.")
        said += _one(by, application, one, place)
    return said


def _one(by: User, application: Application, one: dict[str, Any], place: str) -> list[str]:
    key_type, manager = str(one.get("keyType") or "PRODUCTION").upper(), str(one.get("keyManager") or "")
    if key_type not in KeyType.values:
        raise _wrong(f"{place}.keyType", f"{shown(one['keyType'])} is not one of {', '.join(KeyType.values)}.")
    if manager not in RESIDENT:
        return [f"The {key_type.lower()} key at {manager} is not imported: map its client there."]
    if str(one.get("keyState") or "APPROVED") not in ("APPROVED", "COMPLETED"):
        return [f"The {key_type.lower()} key was not approved and is not imported."]
    fields = _fields(one, place)
    here = application.keys.select_related("client", "key_manager", "application").filter(key_type=key_type)
    row = here.filter(key_manager__name=RESIDENT[0]).first()
    if row is not None:
        if row.client is not None:
            update_keys(by=by, key=row, **fields)
        return []
    row, _ = generate_keys(by=by, application=application, key_type=key_type, **fields)
    if row.client is None:
        return [f"The {key_type.lower()} key waits for approval and gets another consumer key."]
    return _adopt(by, row, one, place)


def _fields(one: dict[str, Any], place: str) -> dict[str, Any]:
    grants = one.get("supportedGrantTypes") or ["client_credentials"]
    if not isinstance(grants, list) or not all(isinstance(grant, str) for grant in grants):
        raise _wrong(f"{place}.supportedGrantTypes", "Must be a list of texts.")
    more = one.get("additionalProperties")
    lifetime = more.get("application_access_token_expiry_time") if isinstance(more, dict) else None
    number = lifetime if isinstance(lifetime, int) else int(lifetime) if str(lifetime).isdecimal() else None
    return {"grant_types": grants, "callback_url": str(one.get("callbackUrl") or ""), "token_lifetime": number}


def _adopt(by: User, row: ApplicationKey, one: dict[str, Any], place: str) -> list[str]:
    """Give the new client the consumer key and secret of the archive."""
    client, name, wanted = row.client, row.key_type.lower(), one.get("consumerKey")
    secret = _secret(one, place)
    if not isinstance(wanted, str) or not CONSUMER_KEY.fullmatch(wanted):
        return [f"The {name} key is a new one: the archive has none that can be taken."]
    if OAuthClient.objects.filter(client_id=wanted).exists():
        return [f"The {name} key is a new one: the consumer key of the archive is in use."]
    if not secret:
        return [f"The {name} key is a new one: the archive has no secret that can be read here."]
    publish_key(row, deleted=True)
    client.client_id, client.client_secret = wanted, secret
    client.save(update_fields=["client_id", "client_secret", "updated"])
    row.consumer_key = wanted
    row.save(update_fields=["consumer_key"])
    audit.record(by, "key.import", row.application, after={"consumer_key": wanted, "key_type": row.key_type})
    publish_key(row)
    return []


def _secret(one: dict[str, Any], place: str) -> str:
    """The fingerprint that was sealed here, or the secret itself, which the original writes in Base64; empty without."""
    extras = one.get(EXTRAS)
    if isinstance(extras, dict) and isinstance(extras.get("secret"), str):
        try:
            return vault.unseal(extras["secret"])
        except VaultLocked:
            return ""
    given = one.get("consumerSecret")
    if not isinstance(given, str) or not given:
        return ""
    try:
        plain = base64.b64decode(given, validate=True).decode()
    except (binascii.Error, ValueError):
        plain = given
    if not SHORTEST <= len(plain) <= LONGEST or not plain.isascii() or not plain.isprintable() or "$" in plain:
        raise _wrong(f"{place}.consumerSecret", f"Must be {SHORTEST} to {LONGEST} printable characters without $.")
    return plain


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", [FieldError(field, message)])
