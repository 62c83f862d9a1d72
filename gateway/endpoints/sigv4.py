"""AWS Signature Version 4: signs a request so that AWS knows whose it is and that nobody changed it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from wire.heads import Header

_SAFE = "-_.~"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of a user, or of a role for a while: then with a session token. `ends`: Unix seconds, 0 never."""

    access_key: str
    secret_key: str
    token: str = ""
    ends: float = 0.0


def signed(
    method: str,
    host: str,
    path: str,
    headers: list[Header],
    body: bytes,
    credentials: Credentials,
    region: str,
    service: str,
    moment: datetime | None = None,
) -> list[Header]:
    """`headers` with `host`, `x-amz-date` and `authorization`. `path` is the wire's, percent-encoded, without a query."""
    moment = moment or datetime.now(UTC)
    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    found = [*headers, (b"host", host.encode()), (b"x-amz-date", stamp.encode())]
    if credentials.token:
        found.append((b"x-amz-security-token", credentials.token.encode()))
    lines = sorted((name.decode(), " ".join(value.decode("latin-1").split())) for name, value in found)
    names = ";".join(name for name, _ in lines)
    canonical = "\n".join(
        [
            method,
            quote(path, safe="/" + _SAFE),
            "",
            *(f"{name}:{value}" for name, value in lines),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode("latin-1")).hexdigest()])
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    shown = f"Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return [*found, (b"authorization", f"AWS4-HMAC-SHA256 {shown}".encode())]
