"""Whose AWS credentials are used: given ones, those of the gateway's surroundings, or those of a role assumed with them."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from lxml import etree

from gateway.endpoints.sigv4 import Credentials, signed
from wire.client import AnswerTooLarge, Client, Limits
from wire.upstream import UpstreamError

LIMITS = Limits(connect=5.0, read=10.0)
ANSWER = 64 * 1024
AHEAD_SECONDS = 60.0
"""Credentials of a role are renewed so long before their end."""

_NAMESPACE = "{https://sts.amazonaws.com/doc/2011-06-15/}"


class Role:
    """The credentials of one endpoint, by its properties: fetched once for all calls, renewed before they end."""

    def __init__(self, properties: dict[str, str], client: Client) -> None:
        self._properties = properties
        self._client = client
        self._known: Credentials | None = None
        self._lock = asyncio.Lock()

    async def credentials(self) -> Credentials:
        """What to sign with. Raises ValueError (without secrets) when there is nothing, UpstreamError when AWS is silent."""
        known = self._known
        if known is not None and (not known.ends or time.time() < known.ends - AHEAD_SECONDS):
            return known
        async with self._lock:
            if self._known is known:
                own = _own(self._properties)
                self._known = await self._assume(own) if self._properties.get("role_arn") else own
            assert self._known is not None
            return self._known

    async def _assume(self, own: Credentials) -> Credentials:
        given = self._properties
        region = given.get("role_region") or given.get("region") or "us-east-1"
        url = given.get("sts_url") or f"https://sts.{given.get('region') or region}.amazonaws.com/"
        form = {
            "Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": given["role_arn"],
            "RoleSessionName": given.get("role_session_name") or "apim",
        }  # fmt: skip
        body = urlencode(form).encode()
        headers = signed(
            "POST", urlsplit(url).netloc, urlsplit(url).path or "/",
            [(b"content-type", b"application/x-www-form-urlencoded")], body, own, given.get("region") or region, "sts",
        )  # fmt: skip
        async with await self._client.request("POST", url, headers, body, LIMITS) as answer:
            try:
                content = await answer.body(ANSWER)
            except AnswerTooLarge as error:
                raise UpstreamError("answer", str(error)) from None
            if answer.status != 200:
                raise ValueError(f"AssumeRole was answered with {answer.status}")
        return _parsed(content)


def _own(given: dict[str, str]) -> Credentials:
    """The given key, or the surroundings' (`AWS_ACCESS_KEY_ID` and its companions)."""
    if given.get("access_key"):
        return Credentials(given["access_key"], given.get("secret_key", ""))
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    key, secret, token = (os.environ.get(name, "") for name in names)
    if not key or not secret:
        raise ValueError("no AWS credentials: neither the endpoint nor the gateway's environment has any")
    return Credentials(key, secret, token)


def _parsed(content: bytes) -> Credentials:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        found = etree.fromstring(content, parser).find(f".//{_NAMESPACE}Credentials")
    except etree.XMLSyntaxError:
        found = None
    if found is None:
        raise ValueError("the answer to AssumeRole holds no credentials")
    fields = {
        name: found.findtext(f"{_NAMESPACE}{name}") or "" for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")
    }
    ends = datetime.fromisoformat((found.findtext(f"{_NAMESPACE}Expiration") or "").replace("Z", "+00:00")).timestamp()
    return Credentials(fields["AccessKeyId"], fields["SecretAccessKey"], fields["SessionToken"], ends)
