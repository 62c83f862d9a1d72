"""Calls to the management API of an integrator: to checked addresses, without redirects, bounded in time and size.

A name is looked up once and the connection goes to that address. Inner addresses are asked when APIM_INTEGRATOR_NETWORKS names
them; the platform's own integrator always. Tokens are kept in this process and never logged.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

import urllib3
from django.conf import settings

from apim.errors import ApimError
from apim.keymanager.vault import unseal
from integrator.models import Integrator

CONNECT_S, READ_S, WHOLE_S = 3.0, 10.0, 60.0
PIECE = 64 * 1024
MOST_BYTES = 4 * 1024 * 1024
LARGEST_FILE = 100 * 1024 * 1024
PORTS = {"http": 80, "https": 443}
TOKEN_S = 3000.0
MOST_TOKENS = 500
LONGEST_REASON = 300
GENERATED = "integrator_admin"
"""The file of the secrets folder in which an integrator keeps the password that it made at its first start."""
_tokens: OrderedDict[str, tuple[str, float]] = OrderedDict()
_lock = threading.Lock()


def _taken(answer: urllib3.BaseHTTPResponse, most: int) -> bytes:
    """At most `most` bytes and one more. Raises NodeDown for a node that drips: whoever watches waits for all."""
    data, until = bytearray(), time.monotonic() + WHOLE_S
    while len(data) <= most and (piece := answer.read1(min(PIECE, most + 1 - len(data)), decode_content=False)):
        data += piece
        if time.monotonic() > until:
            raise NodeDown(f"Its answer was not complete after {WHOLE_S:g} s.")
    return bytes(data)


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
        sent = {"user-agent": "apim-dashboard", "accept-encoding": "identity", "host": parts.netloc} | headers
        try:
            with self._pool(parts) as pool:
                answer = pool.urlopen(method, target, body, headers=sent, redirect=False, preload_content=False)
                data = _taken(answer, most)
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise NodeDown(f"{parts.hostname}:{parts.port or PORTS[parts.scheme]}: {_reason(error)}") from error
        if len(data) > most:
            raise NodeDown(f"It answered with more than {most // 1024} KB.")
        return answer.status, bytes(data)

    def _pool(self, parts: SplitResult) -> urllib3.HTTPConnectionPool:
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
        options: dict[str, Any] = {"timeout": timeout, "retries": False, "maxsize": 1}
        address = resolved(host, port, self.integrator.local)
        if parts.scheme == "http":
            return urllib3.HTTPConnectionPool(address, port, **options)
        own = settings.APIM.secrets / "tls.crt"
        if self.integrator.certificate:
            options["ca_cert_data"] = self.integrator.certificate
        elif self.integrator.local and own.is_file():
            options["ca_certs"] = str(own)
        return urllib3.HTTPSConnectionPool(address, port, server_hostname=host, assert_hostname=host, **options)

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
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NodeDown(f"{url[:200]!r} is not an address: {error}.") from error
    plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in PORTS or not parts.hostname or port == 0 or not plain:
        raise NodeDown(f"{url[:200]!r} is not an address of the form https://host:9164.")
    if "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise NodeDown("The address is https://host:port alone, without user name, path or query.")
    return parts


def resolved(host: str, port: int, local: bool = False) -> str:
    """The address to connect to. Raises NodeDown when the host is not known, or one of its addresses may not be asked."""
    try:
        found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise NodeDown(f"The host {host!r} is not known.") from error
    if local:
        # Its listener is on IPv4; a name that also means ::1 must not end there.
        return next((one for one in found if ":" not in one), found[0])
    for address in found:
        if not _allowed(address):
            raise NodeDown(
                f"{host} is at {address}, an address of an inner network; such are asked when "
                "APIM_INTEGRATOR_NETWORKS names them."
            )
    return found[0]


def _allowed(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    networks = filter(None, (part.strip() for part in settings.APIM.integrator_networks.split(",")))
    if any(found in ip_network(network, strict=False) for network in networks):
        return True
    return found.is_global and not found.is_multicast


def _explained(status: int, data: bytes) -> str:
    try:
        said = json.loads(data).get("Error")
    except (ValueError, AttributeError, RecursionError):
        said = None
    return str(said)[:LONGEST_REASON] if said else f"It answered {status}."


def _reason(error: Exception) -> str:
    kinds = {
        urllib3.exceptions.SSLError: "its certificate is not trusted; give it under Settings.",
        # Before the time-out, which the library makes its base.
        urllib3.exceptions.NewConnectionError: "the connection is refused: does it run, and is that its management port?",
        urllib3.exceptions.ConnectTimeoutError: "it cannot be reached in time.",
        urllib3.exceptions.TimeoutError: "it takes too long.",
    }
    return next((text for kind, text in kinds.items() if isinstance(error, kind)), f"{type(error).__name__}.")
