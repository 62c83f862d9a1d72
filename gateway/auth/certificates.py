"""Client certificates: from the TLS connection, or from a header when a trusted proxy ended TLS before us."""

from __future__ import annotations

import time
from base64 import b64decode
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.auth.caches import Bounded
from gateway.tokens.jwt import Rejected
from wire.exchange import Exchange

HEADER = b"x-wso2-client-certificate"
HEADER_LIMIT = 16 * 1024
REMEMBERED = 2000


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate that its holder has proved to have. `thumbprint`: lower-case hex SHA-256 of its DER form."""

    thumbprint: str
    name: str
    begins: float
    ends: float

    def check(self, now: float) -> None:
        """Raises Rejected outside its time."""
        if not self.begins <= now <= self.ends:
            raise Rejected("the client certificate is expired or not valid yet")


class Certificates:
    """Reads what callers show, and remembers what it read."""

    def __init__(self) -> None:
        self._read: Bounded[bytes, Shown] = Bounded(REMEMBERED)

    def of(self, exchange: Exchange, now: float | None = None) -> Shown | None:
        """The certificate of a call, None without one. Raises Rejected for one that is out of its time or unreadable."""
        raw = exchange.peer_certificate
        if raw is None:
            raw = exchange.fields.get(HEADER)
            if raw is None or not exchange.connection.trusted:
                return None
        shown = self._read.get(raw)
        if shown is None:
            shown = read(raw)
            self._read.keep(raw, shown)
        shown.check(time.time() if now is None else now)
        return shown


def read(raw: bytes) -> Shown:
    """A certificate in DER, PEM (percent-encoded or with blanks for line ends) or bare base64 form. Raises Rejected."""
    if len(raw) > HEADER_LIMIT:
        raise Rejected("the client certificate is too long")
    try:
        certificate = x509.load_der_x509_certificate(raw if raw[:1] == b"\x30" else _der(raw))
        # The library parses names and times when they are asked for, so these may fail as well.
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return Shown(
            thumbprint=sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
            name=str(common[0].value) if common else certificate.subject.rfc4514_string(),
            begins=certificate.not_valid_before_utc.timestamp(),
            ends=certificate.not_valid_after_utc.timestamp(),
        )
    except ValueError as error:
        raise Rejected("the client certificate cannot be read") from error


def _der(raw: bytes) -> bytes:
    text = unquote_to_bytes(raw) if b"%" in raw else raw
    text = text.replace(b"-----BEGIN CERTIFICATE-----", b"").partition(b"-----END CERTIFICATE-----")[0]
    return b64decode(b"".join(text.split()), validate=True)
