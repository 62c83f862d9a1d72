"""`Endpoint-certificates/` and `Client-certificates/`: whom gateways trust as backend, and who may call."""

from __future__ import annotations

from typing import Any

from apim.accounts.models import User
from publisher import backends
from publisher.actions import client_certificates, endpoint_certificates
from publisher.archive import texts
from publisher.archive.texts import within, word
from publisher.archive.tree import Tree, bad
from publisher.errors import Taken
from publisher.models import Api, EndpointCertificate

ENDPOINTS, CLIENTS = "Endpoint-certificates", "Client-certificates"
ENDPOINT_LIST, CLIENT_LIST = "endpoint_certificates", "client_certificates"


def write(tree: Tree, api: Api, form: str) -> None:
    """Add those for the hosts of the API's backends, and its callers'."""
    trusted = [
        row for row in api.organisation.endpoint_certificates.all() if backends.concerned(api.endpoints, row.endpoint)
    ]
    if trusted:
        rows = [{"alias": row.alias, "endpoint": row.endpoint, "certificate": f"{row.alias}.crt"} for row in trusted]
        texts.put(tree, f"{ENDPOINTS}/{ENDPOINT_LIST}", ENDPOINT_LIST, rows, form)
    callers = list(api.client_certificates.all())
    if callers:
        rows = [
            {
                "alias": row.alias,
                "certificate": f"{row.alias}.crt",
                "tierName": row.tier,
                "keyType": row.key_type,
                "apiIdentifier": {
                    "providerName": api.provider.get_username(),
                    "apiName": api.name,
                    "version": api.version,
                    "id": 0,
                },
            }
            for row in callers
        ]
        texts.put(tree, f"{CLIENTS}/{CLIENT_LIST}", CLIENT_LIST, rows, form)
    for folder, held in ((ENDPOINTS, trusted), (CLIENTS, callers)):
        for row in held:
            tree.put(f"{folder}/{row.alias}.crt", row.pem)


def apply(*, by: User, api: Api, tree: Tree, overwrite: bool) -> None:
    """Take over the archive's certificates. Raises Invalid naming file and field, Taken for an alias with another certificate."""
    _trust(by, tree, overwrite)
    _admit(by, api, tree)


def _trust(by: User, tree: Tree, overwrite: bool) -> None:
    known = {row.alias.lower(): row for row in EndpointCertificate.objects.filter(organisation=by.organisation_id)}
    for place, row, path, content in _entries(tree, ENDPOINTS, ENDPOINT_LIST):
        with within(path, place):
            alias, endpoint = word(row, "alias", path, place), word(row, "endpoint", path, place, row.get("hostName"))
            there = known.get(alias.lower())
            if there is None:
                endpoint_certificates.add_certificate(by=by, alias=alias, endpoint=endpoint, content=content)
            elif there.pem.strip().encode() != content.strip() and _other(there.pem, content):
                if not overwrite:
                    raise Taken(f"There is another endpoint certificate {alias!r} already; import with overwrite.")
                endpoint_certificates.replace_certificate(by=by, certificate=there, content=content)


def _admit(by: User, api: Api, tree: Tree) -> None:
    entries = list(_entries(tree, CLIENTS, CLIENT_LIST))
    for side in client_certificates.KEY_TYPES:
        below = _entries(tree, f"{CLIENTS}/{side}", CLIENT_LIST)
        entries += [(place, {"keyType": side} | row, path, content) for place, row, path, content in below]
    if not entries:
        return
    known = {row.alias: row for row in api.client_certificates.select_related("api__organisation")}
    for place, row, path, content in entries:
        with within(path, place):
            alias = word(row, "alias", path, place)
            tier = word(row, "tierName", path, place, "Unlimited")
            key_type = word(row, "keyType", path, place, "PRODUCTION").upper()
            there = known.pop(alias, None)
            if there is None:
                client_certificates.add_certificate(
                    by=by, api=api, alias=alias, content=content, tier=tier, key_type=key_type
                )
            elif there.tier != tier or _other(there.pem, content):
                client_certificates.update_certificate(by=by, certificate=there, content=content, tier=tier)
    for gone in known.values():
        client_certificates.delete_certificate(by=by, certificate=gone)


def _entries(tree: Tree, folder: str, stem: str) -> list[tuple[str, dict[str, Any], str, bytes]]:
    """Place, entry, path of the list and bytes of each certificate of a folder."""
    path = tree.first(*texts.names(f"{folder}/{stem}"))
    if not path:
        return []
    found = []
    for number, row in enumerate(texts.rows(tree, path, stem)):
        place = f"data[{number}]"
        file = f"{folder}/{word(row, 'certificate', path, place)}"
        if file not in tree.files:
            raise bad(path, f"There is no file {file} in the archive.", f"{place}.certificate")
        found.append((place, row, path, tree.files[file]))
    return found


def _other(pem: str, content: bytes) -> bool:
    """Whether they are different certificates, however they are wrapped in lines."""
    return b"".join(pem.encode().split()) != b"".join(content.split())
