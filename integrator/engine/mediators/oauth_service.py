"""oauthService: lets only requests with a valid bearer token pass, asked at the key manager (reference 3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.secured import read_text
from integrator.engine.message import Message
from integrator.engine.outbound import basic, parsed, post

FORM = "application/x-www-form-urlencoded"


@register("oauthService")
@dataclass(frozen=True, kw_only=True)
class OAuthService(Mediator):
    """Address of the token introspection (RFC 7662) and the credentials for it."""

    url: Expression
    username: Expression
    password: Expression

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        url, username, password = (
            read_text(element, name, reader) for name in ("remoteServiceUrl", "username", "password")
        )
        return cls(**cls.common(element, reader), url=url, username=username, password=password)

    def compile(self) -> Step:
        """A step that asks; whatever is not a valid token is a fault."""

        async def step(message: Message) -> None:
            scheme, _, token = (message.headers.get("Authorization") or "").partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                raise Fault(0, "the Authorization header holds no bearer token: OAuth 2.0 authentication failed")
            body = urlencode({"token": token.strip(), "token_type_hint": "access_token"}).encode()
            url, user, password = (part.string(message) or "" for part in (self.url, self.username, self.password))
            headers = {"authorization": basic(user, password), "accept": "application/json"}
            answer = parsed(url, await post(message.deployment.runtime, url, body, FORM, headers))
            if not isinstance(answer, dict) or answer.get("active") is not True or _is_refresh(answer):
                raise Fault(0, "the access token is not valid: OAuth 2.0 authentication failed")

        return step


def _is_refresh(answer: dict[str, Any]) -> bool:
    """Whether the server knows it as a refresh token, which opens nothing by itself."""
    return "refresh" in str(answer.get("token_type", "")).lower()
