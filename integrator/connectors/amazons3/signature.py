"""AWS Signature Version 4 for S3: signed requests and signed addresses."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

UNSIGNED = "UNSIGNED-PAYLOAD"
ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Keys:
    """Whose request it is, and the region it goes to."""

    access: str
    secret: str = field(repr=False)
    region: str = "us-east-1"
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Request:
    """What is signed. `path` is encoded already; `query` and `headers` are plain."""

    method: str
    host: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def query_text(query: Mapping[str, str]) -> str:
    """The query in the one form that is signed and sent."""
    return "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query.items()))


def signed(request: Request, keys: Keys, body: bytes, moment: datetime | None = None) -> dict[str, str]:
    """The headers to send, with `authorization`."""
    stamp = (moment or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    checksum = hashlib.sha256(body).hexdigest()
    headers = {name.lower(): " ".join(value.split()) for name, value in request.headers.items()}
    headers |= {"host": request.host, "x-amz-date": stamp, "x-amz-content-sha256": checksum}
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = ";".join(sorted(headers))
    signature = _signature(request, keys, headers, request.query, checksum, stamp)
    shown = f"Credential={keys.access}/{_scope(keys, stamp)}, SignedHeaders={names}, Signature={signature}"
    return headers | {"authorization": f"{ALGORITHM} {shown}"}


def presigned(request: Request, keys: Keys, seconds: int, moment: datetime | None = None) -> str:
    """Path and query of an address that is good for so many seconds. `headers` must be sent as they are."""
    stamp = (moment or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    headers = {name.lower(): " ".join(value.split()) for name, value in request.headers.items()} | {
        "host": request.host
    }
    query = {
        **request.query,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{keys.access}/{_scope(keys, stamp)}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": ";".join(sorted(headers)),
    }
    if keys.token:
        query["X-Amz-Security-Token"] = keys.token
    signature = _signature(request, keys, headers, query, UNSIGNED, stamp)
    return f"{request.path}?{query_text(query)}&X-Amz-Signature={signature}"


def _scope(keys: Keys, stamp: str) -> str:
    return f"{stamp[:8]}/{keys.region}/s3/aws4_request"


def _signature(
    request: Request, keys: Keys, headers: Mapping[str, str], query: Mapping[str, str], checksum: str, stamp: str
) -> str:
    lines = [f"{name}:{value}" for name, value in sorted(headers.items())]
    names = ";".join(sorted(headers))
    canonical = "\n".join([request.method, request.path, query_text(query), *lines, "", names, checksum])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([ALGORITHM, stamp, _scope(keys, stamp), digest])
    key = f"AWS4{keys.secret}".encode()
    for part in (stamp[:8], keys.region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
