"""Call Interceptor Service: a service of the API's owner looks at requests and answers and says what to change.

The contract is that of Choreo Connect's interceptors: POST `…/api/v1/handle-request` and `…/api/v1/handle-response`, bodies in
base64, `headersToAdd`, `headersToReplace`, `headersToRemove`, `directRespond`.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from gateway.auth.signed_keys import without_key
from gateway.call import Call
from gateway.endpoints.target import deliver
from gateway.message import Answer, Outgoing
from gateway.policies import body
from gateway.policies.base import AnswerStep, Failure, Native, Use, mediation_fault
from gateway.policies.headers import FRAMING
from gateway.stages import Step
from wire.client import AnswerTooLarge, Limits
from wire.errors import UpstreamError
from wire.heads import Header

CONTEXT = "interceptorContext"
PARTS = frozenset(
    {
        "request_headers",
        "request_body",
        "request_trailers",
        "response_headers",
        "response_body",
        "response_trailers",
        "invocation_context",
    }
)
SECONDS = 30.0


class Interceptor:
    """One service, and what it is told."""

    def __init__(self, use: Use) -> None:
        url = use.text(
            "interceptorServiceURL", pattern=r"https?://[^/\s]+(/[^\s?#]*)?", allowed="an address http(s)://host/path"
        )
        self.url = url.rstrip("/")
        given = [one.strip().lower() for one in use.text("includes", "").split(",") if one.strip()]
        self.includes = frozenset(f"{one}s" if one.endswith(("_header", "_trailer")) else one for one in given)
        strange = self.includes - PARTS
        if strange:
            raise use.wrong("includes", sorted(strange)[0], f"one of {', '.join(sorted(PARTS))}")
        self.use = use
        self.hidden = use.credentials

    async def ask(self, path: str, told: dict[str, Any]) -> dict[str, Any]:
        """The service's answer. Raises Failure."""
        limits = Limits(SECONDS, SECONDS)
        headers = [(b"content-type", b"application/json"), (b"accept", b"application/json")]
        try:
            client = self.use.plan.services.client
            async with await client.request(
                "POST", f"{self.url}/api/v1/{path}", headers, msgspec.json.encode(told), limits
            ) as response:
                data = await response.body(self.use.limit)
            if response.status != 200:
                raise failed(f"it answered {response.status}")
            answer = msgspec.json.decode(data)
        except (UpstreamError, AnswerTooLarge, msgspec.DecodeError) as error:
            raise failed(str(error)) from error
        if not isinstance(answer, dict):
            raise failed("its answer is no object")
        return answer

    async def request(self, call: Call) -> bool | None:
        """The request flow."""
        told: dict[str, Any] = {}
        request = call.edit()
        if "request_body" in self.includes:
            told["requestBody"] = base64.b64encode(await body.plain_request(call, self.use.limit)).decode()
        if "request_headers" in self.includes:
            told["requestHeaders"] = self._shown(request.headers)
        if "invocation_context" in self.includes:
            told["invocationContext"] = self._invocation(call)
        said = await self.ask("handle-request", told)
        if isinstance(said.get("interceptorContext"), dict):
            request.properties[CONTEXT] = said["interceptorContext"]
        if said.get("directRespond") is True:
            answer = Answer(_status(said, 200), [], _body(said) or b"")
            _change(answer, said)
            return deliver(call, answer)
        _change(request, said)
        given = _body(said)
        if given is not None:
            request.body = given
        return None

    async def answer(self, call: Call, answer: Answer) -> None:
        """The response flow."""
        request = call.edit()
        told: dict[str, Any] = {"responseCode": answer.status, CONTEXT: request.properties.get(CONTEXT, {})}
        if "response_body" in self.includes:
            body.plain_answer(answer, self.use.limit)
            told["responseBody"] = base64.b64encode(answer.body).decode()
        if "response_headers" in self.includes:
            told["responseHeaders"] = self._shown(answer.headers)
        if "request_headers" in self.includes:
            told["requestHeaders"] = self._shown(request.headers)
        if "request_body" in self.includes and request.body is not None:
            told["requestBody"] = base64.b64encode(request.body).decode()
        if "invocation_context" in self.includes:
            told["invocationContext"] = self._invocation(call)
        said = await self.ask("handle-response", told)
        answer.status = _status(said, answer.status)
        _change(answer, said)
        given = _body(said)
        if given is not None:
            answer.body = given

    def _shown(self, headers: list[Header]) -> dict[str, str]:
        return {n.decode("latin-1"): v.decode("latin-1") for n, v in headers if n not in self.hidden}

    def _invocation(self, call: Call) -> dict[str, Any]:
        record, exchange = self.use.plan.record, call.exchange
        return {
            "requestId": call.correlation.decode("latin-1"),
            "scheme": exchange.scheme,
            "method": exchange.method.decode("latin-1"),
            "path": without_key(exchange.target).decode("latin-1"),
            "source": exchange.address,
            "apiName": record.name,
            "apiVersion": record.version,
            "basePath": record.context,
            "vhost": exchange.host.decode("latin-1"),
            "supportedMethods": ", ".join(
                one.verb for one in record.operations if one.target == self.use.plan.operation.target
            ),
        }


def failed(reason: str) -> Failure:
    """The failure of an interceptor; `reason` is for our log."""
    return Failure(
        mediation_fault("The interceptor service could not be used", code="103500"), f"interceptor: {reason}"
    )


def _change(message: Outgoing | Answer, said: dict[str, Any]) -> None:
    try:
        for name in said.get("headersToRemove") or ():
            message.remove(str(name).lower().encode())
        for key, replaces in (("headersToReplace", True), ("headersToAdd", False)):
            for name, value in (said.get(key) or {}).items():
                known, text = str(name).lower().encode(), str(value).encode()
                if known in FRAMING or (not replaces and message.header(known) is not None):
                    continue
                message.replace(known, text)
    except (ValueError, AttributeError, TypeError) as error:
        raise failed(str(error)) from error


def _status(said: dict[str, Any], default: int) -> int:
    status = said.get("responseCode")
    return status if isinstance(status, int) and 200 <= status <= 599 else default


def _body(said: dict[str, Any]) -> bytes | None:
    given = said.get("body")
    if given is None:
        return None
    try:
        return base64.b64decode(str(given), validate=True)
    except binascii.Error as error:
        raise failed("its body is not base64") from error


def compile_request(use: Use) -> Step:
    """The step of the request flow."""
    return Interceptor(use).request


def compile_answer(use: Use) -> AnswerStep:
    """The step of the response flow."""
    return Interceptor(use).answer


POLICY = Native(compile_request, compile_answer, flows=frozenset({"request", "response"}))
