"""Calls to the management REST of one gateway or of several, whose answers become one."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from django.conf import settings
from django.http import HttpResponse

from apim.errors import ApimError, FieldError, Invalid

PATH = "/api/am/gateway/v2/"
OWN = "Default"
"""The environment of the gateways beside this control plane, at the address of the settings."""

SECONDS = 10.0
MOST_BYTES = 32 * 1024 * 1024
MOST_GATEWAYS = 20
AT_ONCE = 8

Addresses = Callable[[], dict[str, str]]
_known: list[Addresses] = []


class NoGateway(ApimError):
    """A gateway of this installation does not answer."""

    status, code, message = 503, 503, "Service Unavailable"


def knows_gateways(addresses: Addresses) -> None:
    """Register (in `AppConfig.ready`) who knows further environments: name → http address.

    The cluster secret goes there: they must be addresses that only the platform's administrators set.
    """
    if addresses not in _known:
        _known.append(addresses)


def addresses(environment: str = "") -> list[str]:
    """Where the gateways of `environment` are asked, or those of all. Raises Invalid for one that does not exist."""
    found = {name: url.rstrip("/") for known in _known for name, url in known().items()}
    found[OWN] = settings.APIM.gateway_http
    if environment and environment not in found:
        known = ", ".join(sorted(found))
        raise Invalid("There is no such environment.", [FieldError("environment", f"must be one of {known}")])
    chosen = [found[environment]] if environment else [found.pop(OWN), *found.values()]
    return list(dict.fromkeys(chosen))[:MOST_GATEWAYS]


def ask(method: str, rest: str, query: dict[str, str], urls: list[str]) -> HttpResponse:
    """The answer of all gateways at `urls` together. Raises NoGateway when one does not answer."""
    if len(urls) == 1:
        return _ask(method, rest, query, urls[0])
    with ThreadPoolExecutor(min(AT_ONCE, len(urls))) as pool:
        answers = list(pool.map(lambda url: _ask(method, rest, query, url), urls))
    return joined(answers)


def joined(answers: list[HttpResponse]) -> HttpResponse:
    """One answer of several: an error other than 404 before all, lists put together, else the first that knew something."""
    failed = next((one for one in answers if one.status_code >= 400 and one.status_code != 404), None)
    good = [one for one in answers if one.status_code < 400]
    if failed is not None or len(good) < 2:
        return failed or next(iter(good), answers[0])
    rows = [found for one in good if (found := _list(one)) is not None]
    if len(rows) < 2:
        return good[0]
    merged = {_identity(row): row for found in rows for row in found}
    body = json.dumps({"count": len(merged), "list": list(merged.values())})
    return HttpResponse(body, content_type="application/json")


def _list(answer: HttpResponse) -> list[Any] | None:
    try:
        body = json.loads(answer.content)
    except ValueError:
        return None
    found = body.get("list") if isinstance(body, dict) else None
    return found if isinstance(found, list) else None


def _identity(row: Any) -> str:
    named = (
        next((row[name] for name in ("apiUUID", "uuid", "id") if name in row), None) if isinstance(row, dict) else None
    )
    return str(named) if named is not None else json.dumps(row, sort_keys=True)


def _ask(method: str, rest: str, query: dict[str, str], base: str) -> HttpResponse:
    # In this header and no other: gateways never pass it on, should an API be deployed at an address above this one.
    headers = {"internal-key": settings.CLUSTER_SECRET}
    url = f"{base}{PATH}{quote(rest)}?{urlencode(query)}"
    try:
        answer = urllib3.request(method, url, headers=headers, timeout=SECONDS, retries=False, preload_content=False)
        body = answer.read(MOST_BYTES)
        answer.release_conn()
    except urllib3.exceptions.HTTPError as error:
        raise NoGateway(f"The gateway at {base} does not answer.") from error
    return HttpResponse(body, status=answer.status, content_type=answer.headers.get("content-type", "application/json"))
