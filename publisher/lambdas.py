"""The AWS Lambda functions that an API's stored credentials can call: asked of AWS, signed, bounded, without redirects."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from apim import addresses, pinned
from publisher import backends
from publisher.models import Api

BOUNDS = pinned.Bounds(seconds=10.0, whole_seconds=10.0, most=2 * 1024 * 1024)
MOST_PAGES = 20
PATH = "/2015-03-31/functions/"


class Unavailable(Exception):
    """AWS did not tell; the text says why, without credentials."""


def names(api: Api) -> list[str]:
    """The ARNs of all functions in the API's region, sorted; only those its operations use when it stores no credentials.

    Raises Unavailable.
    """
    endpoint = next((one for one in api.endpoints.values() if one.get("kind") == "aws_lambda"), None)
    if endpoint is None:
        return []
    known = dict(backends.opened(endpoint).get("properties", ()))
    if not known.get("access_key"):
        return sorted({one["name"] for one in endpoint.get("functions", ())})
    base = endpoint.get("url") or f"https://lambda.{known['region']}.amazonaws.com"
    found: list[str] = []
    marker = ""
    for _ in range(MOST_PAGES):
        answer = _page(base, known, {"MaxItems": "50", **({"Marker": marker} if marker else {})})
        found += [one["FunctionArn"] for one in answer.get("Functions", ()) if isinstance(one.get("FunctionArn"), str)]
        marker = answer.get("NextMarker") or ""
        if not marker:
            break
    return sorted(found)


def _page(base: str, known: dict[str, str], query: dict[str, str]) -> dict[str, Any]:
    text = urlencode(sorted(query.items()), quote_via=quote)
    parts = urlsplit(base)
    headers = signature(parts.netloc, PATH, text, known, datetime.now(UTC))
    try:
        address = addresses.resolved(parts.hostname or "", addresses.port_of(parts), addresses.BACKENDS)
        with pinned.pool(parts, address, BOUNDS) as pool:
            answer = pinned.ask(pool, "GET", f"{parts.path.rstrip('/')}{PATH}?{text}", headers, None, BOUNDS)
        value = json.loads(answer.body) if answer.status == 200 and answer.whole else None
    except addresses.NotCalled as error:
        raise Unavailable(str(error)) from error
    except (*pinned.FAILURES, RecursionError) as error:
        raise Unavailable("AWS did not answer, or with something else than JSON.") from error
    if not isinstance(value, dict):
        raise Unavailable(f"AWS answered {answer.status}: do the credentials allow lambda:ListFunctions?")
    return value


def signature(
    host: str, path: str, query: str, known: dict[str, str], moment: datetime, service: str = "lambda"
) -> dict[str, str]:
    """The headers of AWS Signature Version 4 for a GET without a body. `query` is sorted and percent-encoded."""
    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    names_signed = "host;x-amz-date"
    nothing = hashlib.sha256(b"").hexdigest()
    canonical = "\n".join(["GET", path, query, f"host:{host}", f"x-amz-date:{stamp}", "", names_signed, nothing])
    scope = f"{stamp[:8]}/{known['region']}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{known['secret_key']}".encode()
    for part in (stamp[:8], known["region"], service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signed = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={known['access_key']}/{scope}, SignedHeaders={names_signed}, Signature={signed}"
    return {"host": host, "x-amz-date": stamp, "authorization": f"AWS4-HMAC-SHA256 {credential}"}
