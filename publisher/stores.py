"""Calls of an external store: another installation's publisher REST API v4, with Basic log-in.

Its address was entered by an administrator and may lie in an inner network; link-local ones (where clouds keep credentials) are
never asked. The name is looked up once, the connection goes to exactly that address, and redirects are not followed.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from apim import addresses, pinned
from apim.errors import ApimError
from apim.keymanager import vault
from publisher.models import ExternalStore
from publisher.probing import trust

BASE = "/api/am/publisher/v4"
BOUNDS = pinned.Bounds(seconds=15.0, whole_seconds=60.0, most=5 * 1024 * 1024)


class StoreFailed(ApimError):
    """The external store refused, or did not answer. The state here is unchanged."""

    status, code, message = 409, 900917, "The external store did not take the API"


class Store:
    """One external store, for the calls of one publication."""

    def __init__(self, row: ExternalStore) -> None:
        self._row = row
        parts = urlsplit(row.endpoint)
        self._root = f"{parts.path.rstrip('/')}{BASE}"
        self._netloc = parts.netloc
        try:
            address = addresses.resolved(parts.hostname or "", addresses.port_of(parts), addresses.BACKENDS)
        except addresses.NotCalled as error:
            raise StoreFailed(f"{row}: {error}") from error
        secure = {"ssl_context": trust(row.organisation, row.endpoint)} if parts.scheme == "https" else {}
        self._pool = pinned.pool(parts, address, BOUNDS, **secure)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def find(self, name: str, version: str) -> str:
        """The id of the API of that name and version there, empty when there is none. Raises StoreFailed."""
        query = urlencode({"query": f"name:{name} version:{version}", "limit": 100}, quote_via=quote)
        rows = self._call("GET", f"/apis?{query}").get("list") or []
        return next(
            (str(one.get("id")) for one in rows if (one.get("name"), one.get("version")) == (name, version)), ""
        )

    def create(self, properties: dict[str, Any], definition: str) -> str:
        """Import an API there; its id. Raises StoreFailed."""
        fields = {
            "file": ("definition.yaml", definition, "application/octet-stream"),
            "additionalProperties": json.dumps(properties),
        }
        body, media = urllib3.encode_multipart_formdata(fields)
        return str(self._call("POST", "/apis/import-openapi", body, media).get("id") or "")

    def update(self, identifier: str, properties: dict[str, Any], definition: str) -> None:
        """Give the API there this design and definition. Raises StoreFailed."""
        place = f"/apis/{quote(identifier, safe='')}"
        self._call("PUT", place, json.dumps(properties).encode(), "application/json")
        body, media = urllib3.encode_multipart_formdata({"apiDefinition": definition})
        self._call("PUT", f"{place}/swagger", body, media)

    def publish(self, identifier: str) -> None:
        """Publish it there, if it is not published yet. Raises StoreFailed."""
        place = f"/apis/{quote(identifier, safe='')}"
        if self._call("GET", place).get("lifeCycleStatus") != "PUBLISHED":
            query = urlencode({"apiId": identifier, "action": "Publish"}, quote_via=quote)
            self._call("POST", f"/apis/change-lifecycle?{query}")

    def delete(self, identifier: str) -> None:
        """Take it away there. Raises StoreFailed."""
        self._call("DELETE", f"/apis/{quote(identifier, safe='')}")

    def _call(self, method: str, path: str, body: bytes | None = None, media: str = "") -> dict[str, Any]:
        credentials = f"{self._row.username}:{vault.unseal(self._row.password)}".encode()
        headers = {
            "host": self._netloc,
            "accept": "application/json",
            "user-agent": "apim-external-store",
            "authorization": f"Basic {base64.b64encode(credentials).decode()}",
            **({"content-type": media} if media else {}),
        }
        try:
            answer = pinned.ask(self._pool, method, self._root + path, headers, body, BOUNDS)
        except pinned.FAILURES as error:
            raise StoreFailed(f"{self._row} does not answer: {pinned.reason(error)}.") from error
        if answer.status not in (200, 201, 204):
            raise StoreFailed(f"{self._row} answered {answer.status} to {method} {path.partition('?')[0]}.")
        return _object(answer.body)


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
