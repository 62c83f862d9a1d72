"""AWS Lambda as a backend: each operation is a function, invoked with the request as its event."""

from __future__ import annotations

import os
import time
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec

from gateway import faults
from gateway.call import Call, backend_fault
from gateway.endpoints.parameters import path_parameters
from gateway.endpoints.roles import Role
from gateway.endpoints.sigv4 import signed
from gateway.endpoints.target import ANSWER_LIMIT, Failed, Shape, deliver, headers_of
from gateway.message import Answer
from gateway.schema import Endpoint, Function
from wire.client import AnswerTooLarge, Client, Limits
from wire.upstream import UpstreamError

EVENT_LIMIT = 6 * 1024 * 1024
"""Bytes of a request body that a function takes at most (AWS's own bound for synchronous invocations)."""

SHORTEST_MS, LONGEST_MS, USUAL_MS = 1_000, 900_000, 50_000


def _region(given: dict[str, str], record: Endpoint) -> str:
    """What is said, else what the name of a function says, else the surroundings'; without functions any one does."""
    arns = (one.name.split(":") for one in record.functions)
    named = next((parts[3] for parts in arns if len(parts) > 6), "")
    around = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    return (
        given.get("role_region") or given.get("region") or named or around or ("" if record.functions else "us-east-1")
    )


class Functions:
    """The functions of one API. `url` of the record replaces AWS's own address, for private endpoints and tests."""

    __slots__ = ("__weakref__", "_client", "_functions", "_host", "_region", "_role", "_url")

    def __init__(self, record: Endpoint, client: Client) -> None:
        given = dict(record.properties)
        region = _region(given, record)
        if not region and not record.url:
            raise ValueError("an endpoint of kind 'aws_lambda' has no region")
        self._client = client
        self._region = region
        self._role = Role(given, client)
        self._url = record.url.rstrip("/") or f"https://lambda.{region}.amazonaws.com"
        self._host = urlsplit(self._url).netloc
        self._functions = {(one.verb, one.target): one for one in record.functions}

    async def relay(self, call: Call, shape: Shape) -> bool:
        """Invokes the function and sends what it says."""
        try:
            answer = await self.fetch(call, shape)
        except Failed as failure:
            return call.refuse(failure.fault, failure.cause)
        return deliver(call, answer)

    async def fetch(self, call: Call, shape: Shape, limit: int = ANSWER_LIMIT) -> Answer:
        """The function's answer: its JSON, with the status of the invocation. A function that failed is 502. Raises Failed."""
        operation = call.operation.record if call.operation is not None else None
        function = self._functions.get((operation.verb, operation.target)) if operation is not None else None
        if function is None:
            raise Failed(faults.CONNECT_FAILED, "the operation has no AWS Lambda function")
        body = await call.read(EVENT_LIMIT)
        call.backend_started = time.perf_counter()
        try:
            return await self._invoke(function, event(call, shape, function, body), limit)
        except UpstreamError as error:
            raise Failed(backend_fault(error), str(error)) from error
        except AnswerTooLarge as error:
            raise Failed(faults.RESPONSE_FAILED, str(error)) from error
        except ValueError as error:
            raise Failed(faults.ENDPOINT_AUTH, str(error)) from error

    async def _invoke(self, function: Function, payload: bytes, limit: int) -> Answer:
        path = f"/2015-03-31/functions/{quote(function.name, safe='-_.~')}/invocations"
        headers = [(b"content-type", b"application/json"), (b"x-amz-invocation-type", b"RequestResponse")]
        credentials = await self._role.credentials()
        lines = signed("POST", self._host, path, headers, payload, credentials, self._region, "lambda")
        milliseconds = function.timeout_ms if SHORTEST_MS <= function.timeout_ms <= LONGEST_MS else USUAL_MS
        limits = Limits(5.0, milliseconds / 1000)
        async with await self._client.request("POST", self._url + path, lines, payload, limits) as response:
            content = await response.body(limit)
            if response.status >= 400:
                kind = (response.header(b"x-amzn-errortype") or b"")[:200].decode("latin-1")
                raise UpstreamError("answer", f"AWS answered {response.status} {kind}")
            failed = response.header(b"x-amz-function-error") is not None
        return Answer(502 if failed else response.status, [(b"content-type", b"application/json")], content)


def event(call: Call, shape: Shape, function: Function, body: bytes) -> bytes:
    """What the function is given, in the original's form."""
    request = call.edit()
    path, _, query = request.target.partition(b"?")
    drops = shape.drops
    headers = [pair for pair in request.headers if pair[0] not in drops] + headers_of(shape.lines(call))
    content: Any = {}
    if body and function.encoded:
        content = b64encode(body).decode()
    elif body:
        content = _content(body, request.header(b"content-type") or b"")
    return msgspec.json.encode(
        {
            "headers": {name.decode("latin-1"): value.decode("latin-1") for name, value in headers},
            "pathParameters": {
                name: unquote(value) for name, value in path_parameters(function.target, path.decode("latin-1")).items()
            },
            "queryStringParameters": dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)),
            "httpMethod": request.method.decode("latin-1"),
            "path": function.target,
            "body": content,
            "isBase64Encoded": function.encoded,
        }
    )


def _content(body: bytes, content_type: bytes) -> Any:
    """JSON as itself, everything else as text."""
    if b"json" in content_type.lower():
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            return body.decode("utf-8", "replace")
    return body.decode("utf-8", "replace")
