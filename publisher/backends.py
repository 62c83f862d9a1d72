"""Endpoints from the form the design keeps to the form gateways get: secrets opened, certificates added.

Secrets of backends are sealed before they reach the database, so neither rows, revisions nor the audit trail hold them in the
clear. They are opened when a record is made, and nowhere else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from apim.accounts.models import Organisation
from apim.keymanager import vault
from apim.keymanager.errors import VaultLocked
from gateway import schema

SIDES = ("production", "sandbox")
SEALED = "sealed:"
"""How a stored secret begins."""

_SECURITY = ("password", "client_secret", "value")
_PROPERTY = "secret_key"


def record(endpoint: dict[str, Any] | None, certificates: Certificates) -> schema.Endpoint | None:
    """One side of an API's endpoints for gateways; None when it has none."""
    if not endpoint:
        return None
    opened = certificates.added(_each(endpoint, _opened))
    return msgspec.convert(opened, schema.Endpoint)


def sealed(endpoints: dict[str, Any]) -> dict[str, Any]:
    """The endpoints with every secret sealed; those that are already stay."""
    return {side: _each(endpoint, _sealed) for side, endpoint in endpoints.items()}


def blank(endpoint: dict[str, Any]) -> dict[str, Any]:
    """A side for people: secrets are empty."""
    return _each(endpoint, lambda secret: "")


def opened(endpoint: dict[str, Any]) -> dict[str, Any]:
    """A side with its secrets in the clear, for a call that is made at once. Raises VaultLocked."""
    return _each(endpoint, _opened)


def usable(endpoint: dict[str, Any]) -> bool:
    """Whether every sealed secret can be opened here."""
    try:
        _each(endpoint, _opened)
    except VaultLocked:
        return False
    return True


def kept(old: dict[str, Any], new: Any) -> Any:
    """`new` endpoints, with the secrets of `old` where they are left empty: forms and clients never see them."""
    if not isinstance(new, dict):
        return new
    new = copy.deepcopy(new)
    for side in SIDES:
        before, after = old.get(side), new.get(side)
        if isinstance(before, dict) and isinstance(after, dict):
            known = dict(_secrets(before))
            for place, holder, name in _places(after):
                if not holder[name] and place in known:
                    holder[name] = known[place]
            _drop_markers(after)
    return new


def _each(endpoint: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    changed = copy.deepcopy(endpoint)
    for _, holder, name in _places(changed):
        if holder[name]:
            holder[name] = change(holder[name])
    _drop_markers(changed)
    return changed


def _secrets(endpoint: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for place, holder, name in _places(copy.deepcopy(endpoint)):
        yield place, holder[name]


def _places(endpoint: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Where secrets are: a name for the place, what holds it, and its key there. Absent ones are made empty first."""
    security = endpoint.get("security")
    if isinstance(security, dict):
        for name in _SECURITY:
            security.setdefault(name, "")
            if isinstance(security[name], str):
                yield f"{security.get('kind')}.{name}", security, name
    if endpoint.get("client_certificate"):
        endpoint.setdefault("client_key", "")
        if isinstance(endpoint["client_key"], str):
            yield "client_key", endpoint, "client_key"
    for pair in endpoint.get("properties") or ():
        if isinstance(pair, list) and len(pair) == 2 and pair[0] == _PROPERTY and isinstance(pair[1], str):
            yield _PROPERTY, pair, 1
    for number, member in enumerate(endpoint.get("members") or ()):
        if isinstance(member, dict):
            for place, holder, name in _places(member):
                yield f"{number}.{place}", holder, name


def _drop_markers(endpoint: dict[str, Any]) -> None:
    """Takes out the empty secrets that `_places` made, so that the stored form stays short."""
    security = endpoint.get("security")
    if isinstance(security, dict):
        for name in _SECURITY:
            if security.get(name) == "":
                del security[name]
    if endpoint.get("client_key") == "":
        del endpoint["client_key"]
    for member in endpoint.get("members") or ():
        if isinstance(member, dict):
            _drop_markers(member)


def _sealed(secret: str) -> str:
    return secret if secret.startswith(SEALED) else SEALED + vault.seal(secret)


def _opened(secret: str) -> str:
    return vault.unseal(secret[len(SEALED) :]) if secret.startswith(SEALED) else secret


class Certificates:
    """The certificates an organisation trusts for its backends, read once for each record that is made."""

    def __init__(self, organisation: Organisation) -> None:
        self._rows: list[tuple[tuple[str, int | None], str]] | None = None
        self._organisation = organisation

    def added(self, endpoint: dict[str, Any]) -> dict[str, Any]:
        """`endpoint` with the certificates that were uploaded for its host, and those of its members for theirs."""
        if endpoint.get("members"):
            endpoint = endpoint | {"members": [self.added(member) for member in endpoint["members"]]}
        found = self._for(str(endpoint.get("url", "")))
        return endpoint | {"certificates": [*endpoint.get("certificates", ()), *found]} if found else endpoint

    def _for(self, url: str) -> list[str]:
        parts = urlsplit(url)
        if parts.scheme not in ("https", "wss") or not parts.hostname:
            return []
        if self._rows is None:
            rows = self._organisation.endpoint_certificates.order_by("alias").values_list("endpoint", "pem")
            self._rows = [(place(endpoint), pem) for endpoint, pem in rows]
        port = parts.port or 443
        return [pem for (host, only), pem in self._rows if host == parts.hostname and only in (None, port)]


def place(endpoint: str) -> tuple[str, int | None]:
    """Host and port that a certificate is for. `endpoint` is an address or only a host; without a port it is for every one."""
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    port = parts.port or (443 if parts.scheme in ("https", "wss") else None)
    return (parts.hostname or "").lower(), port


def concerned(endpoints: Mapping[str, Any], endpoint: str) -> bool:
    """Whether one of an API's backends is where a certificate for `endpoint` is for."""
    host, port = place(endpoint)
    addresses = [one for kind in endpoints.values() for one in (kind, *kind.get("members", ()))]
    there = (place(str(one.get("url", ""))) for one in addresses)
    return any(found[0] == host and port in (None, found[1]) for found in there)
