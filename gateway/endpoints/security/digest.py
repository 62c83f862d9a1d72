"""HTTP Digest (RFC 7616): answers a challenge and goes on using its nonce until the backend wants another."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field

from gateway.call import backend_fault
from gateway.endpoints.security import Request
from gateway.endpoints.target import Failed
from gateway.schema import EndpointSecurity
from wire.client import Client, Limits
from wire.heads import Header
from wire.upstream import UpstreamError

HASHES = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
"""The algorithms we know, the strongest first. `-sess` variants hash the same way."""

BYTES = "utf-8", "surrogateescape"
"""How text is read and written: what a backend sent goes back to it and into hashes byte for byte."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SCHEME = re.compile(r"(?:^|,)\s*digest\s", re.IGNORECASE)
_PARAMETER = re.compile(r'([A-Za-z0-9_-]{1,64})\s*=\s*(?:"((?:[^"\\]|\\.){0,4096})"|([^\s,"]{1,4096}))')


@dataclass(slots=True)
class Challenge:
    """What the backend asked for. `count`: requests made with its nonce."""

    realm: str
    nonce: str
    algorithm: str
    qop: str
    opaque: str | None
    userhash: bool
    count: int = 0
    cnonce: str = field(default_factory=lambda: os.urandom(16).hex())
    session: str = ""


class Digest:
    """The security of one endpoint. `probe` gives client, origin and seconds by which the first challenge is fetched."""

    hides = frozenset({b"authorization"})
    renewable = True

    def __init__(self, record: EndpointSecurity, client: Client, address: str, limits: Limits) -> None:
        self._user = record.username
        self._password = record.password
        self._client = client
        self._address = address
        self._limits = limits
        self._challenge: Challenge | None = None
        self._open = False

    def ready(self) -> bool:
        """Whether there is a challenge to answer, or the backend wants none."""
        return self._challenge is not None or self._open

    async def prepare(self, request: Request) -> None:
        """Asks for a challenge: the same request without credentials and body. Raises Failed."""
        try:
            url = self._address.encode() + request.target
            async with await self._client.request(request.method, url, (), None, self._limits) as answer:
                if answer.status == 401:
                    self.refused(answer.headers)
        except UpstreamError as error:
            raise Failed(backend_fault(error), str(error)) from error
        self._open = self._challenge is None

    def refused(self, headers: list[Header]) -> bool:
        """Takes the best challenge of a 401. One that is the answer to right credentials for a fresh nonce is final."""
        found = best(headers)
        self._open = False
        known = self._challenge
        if found is None:
            return False
        self._challenge = found
        return known is None or known.nonce != found.nonce

    def answered(self, headers: list[Header]) -> None:
        """A backend may name the next nonce with its answer."""
        for name, value in headers:
            if name == b"authentication-info" and self._challenge is not None:
                following = parameters(value.decode(*BYTES)).get("nextnonce")
                if following and following != self._challenge.nonce:
                    self._challenge.nonce = following
                    self._challenge.count = 0
                    self._challenge.session = ""

    def sign(self, request: Request) -> tuple[bytes, bytes]:
        """The `authorization` line for this request."""
        challenge = self._challenge
        if challenge is None:
            return request.target, b""
        challenge.count += 1
        return request.target, b"authorization: %b\r\n" % self._answer(challenge, request).encode(*BYTES)

    def _answer(self, challenge: Challenge, request: Request) -> str:
        uri = request.target.decode(*BYTES)
        qop = challenge.qop
        if qop == "auth-int" and request.body is None:
            qop = "auth"
        count = f"{challenge.count:08x}"

        def digest(text: str) -> str:
            return _hash(challenge.algorithm, text.encode(*BYTES))

        secret = f"{self._user}:{challenge.realm}:{self._password}"
        first = digest(secret)
        if challenge.algorithm.upper().endswith("-SESS"):
            if not challenge.session:
                challenge.session = digest(f"{first}:{challenge.nonce}:{challenge.cnonce}")
            first = challenge.session
        second = f"{request.method.decode()}:{uri}"
        if qop == "auth-int":
            second += ":" + _hash(challenge.algorithm, request.body or b"")
        parts = [challenge.nonce, count, challenge.cnonce, qop] if qop else [challenge.nonce]
        response = digest(":".join([first, *parts, digest(second)]))
        user = digest(f"{self._user}:{challenge.realm}") if challenge.userhash else self._user
        fields = [
            f"username={_quoted(user)}", f"realm={_quoted(challenge.realm)}", f"nonce={_quoted(challenge.nonce)}",
            f"uri={_quoted(uri)}", f"algorithm={challenge.algorithm}", f'response="{response}"',
        ]  # fmt: skip
        if qop:
            fields += [f"qop={qop}", f"nc={count}"]
        if qop or challenge.session:
            fields.append(f'cnonce="{challenge.cnonce}"')
        if challenge.opaque is not None:
            fields.append(f"opaque={_quoted(challenge.opaque)}")
        if challenge.userhash:
            fields.append("userhash=true")
        return "Digest " + ", ".join(fields)


def best(headers: list[Header]) -> Challenge | None:
    """The strongest Digest challenge among `www-authenticate` headers that we can answer."""
    found = []
    for name, value in headers:
        if name != b"www-authenticate":
            continue
        text = value.decode(*BYTES)
        # Words in quotes, with which a realm may look like another challenge, are passed over.
        starts = [one.end() for one in _SCHEME.finditer(_QUOTED.sub(lambda quoted: "-" * len(quoted[0]), text))]
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            challenge = _challenge(parameters(text[start:end]))
            if challenge is not None:
                found.append(challenge)
    order = list(HASHES)
    return min(found, key=lambda one: order.index(_base(one.algorithm)), default=None)


def parameters(text: str) -> dict[str, str]:
    """`name=value` and `name="value"` pairs, names in lower case."""
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(text):
        found.setdefault(name.lower(), plain or re.sub(r"\\(.)", r"\1", quoted))
    return found


def _challenge(given: dict[str, str]) -> Challenge | None:
    algorithm = given.get("algorithm", "MD5")
    offered = [one.strip().lower() for one in given.get("qop", "").split(",") if one.strip()]
    qop = next((one for one in ("auth", "auth-int") if one in offered), "")
    if _base(algorithm) not in HASHES or (offered and not qop) or "nonce" not in given:
        return None
    hashed = given.get("userhash", "").lower() == "true"
    return Challenge(given.get("realm", ""), given["nonce"], algorithm, qop, given.get("opaque"), hashed)


def _base(algorithm: str) -> str:
    return algorithm.upper().removesuffix("-SESS")


def _hash(algorithm: str, data: bytes) -> str:
    return hashlib.new(HASHES[_base(algorithm)], data).hexdigest()


def _quoted(text: str) -> str:
    safe = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "").replace("\0", "")
    return f'"{safe}"'
