"""The AWS Lambda functions that an API's stored credentials can call: asked of AWS, signed, bounded, without redirects."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import urllib3

from publisher import backends
from publisher.models import Api
from publisher.probing import forbidden

SECONDS = 10.0
MOST_BYTES = 2 * 1024 * 1024
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
        with _pool(parts) as pool:
            target = f"{parts.path.rstrip('/')}{PATH}?{text}"
            answer = pool.urlopen("GET", target, headers=headers, redirect=False, preload_content=False)
            content = answer.read(MOST_BYTES + 1)
            answer.close()
        value = json.loads(content) if answer.status == 200 and len(content) <= MOST_BYTES else None
    except (urllib3.exceptions.HTTPError, OSError, ValueError, RecursionError) as error:
        raise Unavailable("AWS did not answer, or with something else than JSON.") from error
    if not isinstance(value, dict):
        raise Unavailable(f"AWS answered {answer.status}: do the credentials allow lambda:ListFunctions?")
    return value


def _pool(parts: SplitResult) -> urllib3.HTTPConnectionPool:
    """Connections to exactly the address that the name has now. Raises Unavailable for one where nobody has a backend."""
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    address = str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    if forbidden(ip_address(address.partition("%")[0])):
        raise Unavailable(
            f"{host} is at {address}, a link-local, multicast or unspecified address, which is not asked."
        )
    options: dict[str, Any] = {"timeout": urllib3.Timeout(total=SECONDS), "retries": False, "maxsize": 1}
    if parts.scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, **options)
    return urllib3.HTTPSConnectionPool(address, port, server_hostname=host, assert_hostname=host, **options)


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
