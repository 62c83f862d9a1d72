"""Calls to the management API of an integrator: to checked addresses, without redirects, bounded in time and size.

A name is looked up once and the connection goes to that address. Inner addresses are asked when APIM_INTEGRATOR_NETWORKS names
them; the platform's own integrator always. Tokens are kept in this process and never logged.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections import OrderedDict
from typing import Any
from urllib.parse import SplitResult, urlencode

import urllib3
from django.conf import settings

from apim import addresses, pinned
from apim.errors import ApimError
from apim.keymanager.vault import unseal
from integrator.models import Integrator

CONNECT_S, READ_S, WHOLE_S = 3.0, 10.0, 60.0
MOST_BYTES = 4 * 1024 * 1024
LARGEST_FILE = 100 * 1024 * 1024
TOKEN_S = 3000.0
MOST_TOKENS = 500
LONGEST_REASON = 300
HINTS = {
    pinned.UNTRUSTED: "; give it under Settings",
    pinned.REFUSED: ": does it run, and is that its management port?",
}
"""What can be done about a failure."""
GENERATED = "integrator_admin"
"""The file of the secrets folder in which an integrator keeps the password that it made at its first start."""
_tokens: OrderedDict[str, tuple[str, float]] = OrderedDict()
_lock = threading.Lock()


class NodeDown(ApimError):
    """No usable answer of an integrator; the description says why, without credentials."""

    status, code, message = 503, 900503, "The integrator does not answer"


class NodeRefused(ApimError):
    """The integrator answered that it will not; the description is its own."""

    status, code, message = 409, 900409, "The integrator refused"


class Node:
    """The management API of one integrator."""

    def __init__(self, integrator: Integrator):
        self.integrator = integrator

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """A JSON answer. Raises NodeDown, NodeRefused."""
        return self._json(self._asked("GET", path, query))

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A change. Raises NodeDown, NodeRefused."""
        data = None if body is None else json.dumps(body).encode()
        return self._json(self._asked(method, path, {}, data, {"content-type": "application/json"}))

    def file(self, path: str, accept: str = "*/*", **query: str) -> bytes:
        """The bytes of a file. Raises NodeDown, NodeRefused."""
        return self._asked("GET", path, query, None, {"accept": accept}, LARGEST_FILE)

    def upload(self, path: str, name: str, data: bytes) -> dict[str, Any]:
        """Send one file. Raises NodeDown, NodeRefused."""
        body, kind = urllib3.encode_multipart_formdata({"file": (name, data, "application/octet-stream")})
        return self._json(self._asked("POST", path, {}, body, {"content-type": kind}))

    def _asked(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        most: int = MOST_BYTES,
    ) -> bytes:
        target = f"/management{path}" + (f"?{urlencode(query)}" if query else "")
        for last in (False, True):
            bearer = {"authorization": f"Bearer {self._token()}"}
            status, data = self._call(method, target, bearer | (headers or {}), body, most)
            if status != 401 or last:
                break
            self._forget()
        if status == 401:
            raise NodeDown(f"{self.integrator.url} does not accept the token that it gave.")
        if status >= 400:
            raise NodeRefused(_explained(status, data))
        return data

    def _token(self) -> str:
        key = self._key()
        with _lock:
            held = _tokens.get(key)
            if held is not None and held[1] > time.monotonic():
                return held[0]
        pair = base64.b64encode(f"{self.integrator.username}:{self._password()}".encode()).decode()
        status, data = self._call("GET", "/management/login", {"authorization": f"Basic {pair}"}, None, MOST_BYTES)
        if status == 401:
            raise NodeDown(
                f"It refuses the user name and password of {self.integrator.username!r}: change them under Settings."
            )
        token = self._json(data).get("AccessToken") if status == 200 else None
        if not isinstance(token, str) or not token:
            raise NodeDown(f"{self.integrator.url} answered {status} to the log-in: is that a management API?")
        with _lock:
            _tokens[key] = (token, time.monotonic() + TOKEN_S)
            while len(_tokens) > MOST_TOKENS:
                _tokens.popitem(last=False)
        return token

    def _forget(self) -> None:
        with _lock:
            _tokens.pop(self._key(), None)

    def _key(self) -> str:
        one = self.integrator
        told = f"{one.pk} {one.url} {one.username} {one.sealed_password}"
        return hashlib.sha256(told.encode()).hexdigest()

    def _password(self) -> str:
        if self.integrator.sealed_password:
            return unseal(self.integrator.sealed_password)
        file = settings.APIM.secrets / GENERATED
        if self.integrator.local and file.is_file():
            return str(file.read_text()).strip()
        raise NodeDown("It has no password yet: set one under Settings.")

    def _call(
        self, method: str, target: str, headers: dict[str, str], body: bytes | None, most: int
    ) -> tuple[int, bytes]:
        parts = checked(self.integrator.url)
        bounds = pinned.Bounds(READ_S, WHOLE_S, most, CONNECT_S)
        sent = {"user-agent": "apim-dashboard", "host": parts.netloc} | headers
        try:
            with self._pool(parts, bounds) as pool:
                answer = pinned.ask(pool, method, target, sent, body, bounds)
        except pinned.Dripping as error:
            raise NodeDown(f"Its answer was not complete after {WHOLE_S:g} s.") from error
        except pinned.FAILURES as error:
            words = pinned.reason(error)
            here = f"{parts.hostname}:{addresses.port_of(parts)}"
            raise NodeDown(f"{here}: {words}{HINTS.get(words, '')}.") from error
        if not answer.whole:
            raise NodeDown(f"It answered with more than {most // 1024} KB.")
        return answer.status, answer.body

    def _pool(self, parts: SplitResult, bounds: pinned.Bounds) -> urllib3.HTTPConnectionPool:
        address = resolved(parts.hostname or "", addresses.port_of(parts), self.integrator.local)
        own = settings.APIM.secrets / "tls.crt"
        trust: dict[str, str] = {}
        if self.integrator.certificate:
            trust["ca_cert_data"] = self.integrator.certificate
        elif self.integrator.local and own.is_file():
            trust["ca_certs"] = str(own)
        return pinned.pool(parts, address, bounds, **trust)

    @staticmethod
    def _json(data: bytes) -> dict[str, Any]:
        try:
            found = json.loads(data or b"{}")
        except (ValueError, RecursionError) as error:
            raise NodeDown("It answered with something else than JSON.") from error
        if not isinstance(found, dict):
            raise NodeDown("It answered with something else than a JSON object.")
        return found


def checked(url: str) -> SplitResult:
    """The parts of an address. Raises NodeDown saying what is wrong with it."""
    try:
        parts = addresses.parsed(url, "https://host:9164")
    except addresses.BadAddress as error:
        raise NodeDown(str(error)) from error
    if parts.path.strip("/") or parts.query:
        raise NodeDown("The address is https://host:port alone, without path or query.")
    return parts


def resolved(host: str, port: int, local: bool = False) -> str:
    """The address to connect to. Raises NodeDown when the host is not known, or one of its addresses may not be asked."""
    rule = addresses.outside(settings.APIM.integrator_networks, "APIM_INTEGRATOR_NETWORKS")
    try:
        if local:
            # Its listener is on IPv4; a name that also means ::1 must not end there.
            found = addresses.looked_up(host, port)
            return next((one for one in found if ":" not in one), found[0])
        return addresses.resolved(host, port, rule)
    except addresses.NotCalled as error:
        raise NodeDown(str(error)) from error


def _explained(status: int, data: bytes) -> str:
    try:
        said = json.loads(data).get("Error")
    except (ValueError, AttributeError, RecursionError):
        said = None
    return str(said)[:LONGEST_REASON] if said else f"It answered {status}."
