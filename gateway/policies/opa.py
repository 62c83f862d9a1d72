"""Validate Request with OPA: an Open Policy Agent decides (reference A4, A13: 901101 to 901103)."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import msgspec

from gateway import faults
from gateway.auth.signed_keys import without_key
from gateway.call import Call
from gateway.policies.base import Native, Use
from gateway.policies.engine import properties
from gateway.stages import Step
from wire.client import AnswerTooLarge, Limits
from wire.errors import UpstreamError

ANSWER_BYTES = 64 * 1024
"""The longest answer of an agent that is read."""


class Agent:
    """One agent's rule, and how many calls may ask it at a time."""

    def __init__(self, use: Use) -> None:
        server = use.text(
            "serverUrl", pattern=r"https?://[^/\s]+(/[^\s?#]*)?", allowed="an address of the form http://host:port/path"
        )
        policy, rule = use.text("policy"), use.text("rule", "allow")
        path = "/".join(quote(part, safe="") for part in (*policy.strip("/").split("/"), rule) if part)
        self.url = f"{server.rstrip('/')}/{path}"
        key = use.text("accessKey", "")
        self.headers = [(b"content-type", b"application/json")]
        if key:
            self.headers.append((b"authorization", f"Bearer {key}".encode()))
        seconds = max(1, use.number("connectionTimeout", 30, 600))
        self.limits = Limits(float(seconds), float(seconds))
        self.at_once = asyncio.Semaphore(max(1, use.number("maxOpenConnections", 500, 10_000)))
        self.send_token = use.flag("sendAccessToken", False)
        self.more = [name.strip() for name in use.text("additionalProperties", "").split(",") if name.strip()]
        self.use = use
        self.hidden = use.credentials

    async def ask(self, call: Call) -> bool | None:
        """Refuses the call unless the agent allows it."""
        sent = msgspec.json.encode({"input": self.input(call)})
        try:
            async with self.at_once:
                client = self.use.plan.services.client
                async with await client.request("POST", self.url, self.headers, sent, self.limits) as response:
                    data = await response.body(ANSWER_BYTES)
        except (UpstreamError, AnswerTooLarge) as error:
            return call.refuse(faults.OPA_REQUEST_FAILED, str(error))
        if response.status != 200:
            return call.refuse(faults.OPA_RESPONSE_FAILED, f"the agent answered {response.status}")
        try:
            result: Any = msgspec.json.decode(data).get("result")
        except (msgspec.DecodeError, AttributeError) as error:
            return call.refuse(faults.OPA_RESPONSE_FAILED, f"the agent's answer: {error}")
        if not isinstance(result, bool):
            return call.refuse(faults.OPA_RESPONSE_FAILED, "the agent's answer has no boolean result")
        return None if result else call.refuse(faults.OPA_FORBIDDEN)

    def input(self, call: Call) -> dict[str, Any]:
        """What the agent decides on."""
        exchange, hidden = call.exchange, self.hidden
        headers = {n.decode("latin-1"): v.decode("latin-1") for n, v in exchange.fields.items() if n not in hidden}
        found: dict[str, Any] = {
            "requestOrigin": exchange.address,
            "method": exchange.method.decode("latin-1"),
            "path": without_key(exchange.target).decode("latin-1"),
            "transportHeaders": headers,
            "electedResource": self.use.plan.operation.target,
        }
        if call.principal is not None:
            found["apiContext"] = self.caller(call)
        if self.more:
            known = properties(call) | call.edit().properties
            found |= {name: str(known[name]) for name in self.more if name in known}
        return found

    def caller(self, call: Call) -> dict[str, Any]:
        """Who calls which API."""
        record, principal, decision = self.use.plan.record, call.principal, call.decision
        assert principal is not None
        application = decision.application if decision is not None else None
        shown = {
            "apiName": record.name, "apiVersion": record.version, "apiPublisher": record.provider, "isAuthenticated": True,
            "consumerKey": principal.client_id, "username": principal.subject, "issuer": principal.key_manager,
            "keyType": decision.key_type if decision is not None else "",
            "applicationUUID": application.id if application is not None else "",
            "applicationName": application.name if application is not None else "",
            "subscriber": application.owner if application is not None else "",
            "subscriberOrganization": application.organisation if application is not None else "",
        }  # fmt: skip
        if self.send_token:
            raw = call.exchange.fields.get(record.authorization_header.lower().encode(), b"")
            shown["accessToken"] = raw.partition(b" ")[2].decode("latin-1")
        return shown


def compile(use: Use) -> Step:
    """The step."""
    return Agent(use).ask


POLICY = Native(compile, flows=frozenset({"request"}))
