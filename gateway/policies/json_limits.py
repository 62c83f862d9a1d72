"""JSON Validator: limits on what JSON bodies may hold, so that no backend meets a bomb; defaults of the original."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from gateway import faults
from gateway.call import Call
from gateway.policies import body
from gateway.policies.base import Native, Use
from gateway.stages import Step
from integrator.engine.content import media

PREFIX = "Request is failed due to JSON schema validation failure: "
_OTHER_FORMS = ("multipart/", "application/x-www-form-urlencoded")
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of each; counts, or characters for lengths."""

    properties: int = 100
    string: int = 100
    elements: int = 100
    key: int = 100
    depth: int = 100


class TooMuch(Exception):
    """A limit is passed; the text is what callers see."""


def check(data: bytes, limits: Limits, context: str, strict: bool = True) -> None:
    """Raises TooMuch for JSON beyond the limits, and with `strict` for what is no JSON."""
    try:
        value = _decode(data)
    except RecursionError as error:
        raise TooMuch(f"Threat Protection-JSON: {context} - Depth Limit Reached") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if strict:
            raise TooMuch("Error occurred while parsing the JSON payload") from error
        return
    _walk(value, limits, context)


def _walk(value: Any, limits: Limits, context: str) -> None:
    """Looks at every value, level by level instead of on the interpreter's stack."""
    level = [value]
    depth = properties = 0
    while level:
        depth += 1
        following: list[Any] = []
        for one in level:
            if isinstance(one, str):
                if len(one) > limits.string:
                    raise TooMuch("Max String Length Reached")
            elif isinstance(one, dict):
                properties += len(one)
                _check_object(one, properties, limits)
                following.extend(one.values())
            elif isinstance(one, list):
                if len(one) > limits.elements:
                    raise TooMuch("Max Array Length Reached")
                following.extend(one)
            else:
                continue
            if depth > limits.depth and not isinstance(one, str):
                raise TooMuch(f"Threat Protection-JSON: {context} - Depth Limit Reached")
        level = following


def _check_object(one: dict[str, Any], properties: int, limits: Limits) -> None:
    if properties > limits.properties:
        raise TooMuch("Max Property Count Reached")
    if one and max(map(len, one)) > limits.key:
        raise TooMuch("Max Key Length Reached")


def compile(use: Use) -> Step:
    """The step. Bodies that say they are something else are checked when they turn out to be JSON all the same."""
    limits = Limits(
        use.number("maxPropertyCount", 100),
        use.number("maxStringLength", 100),
        use.number("maxArrayElementCount", 100),
        use.number("maxKeyLength", 100),
        use.number("maxJsonDepth", 100),
    )
    context, limit = use.plan.record.context, use.limit

    async def step(call: Call) -> bool | None:
        data = await body.of_request(call, limit)
        kind = media.media_type((call.edit().header(b"content-type") or b"").decode("latin-1"))
        if not data or kind.startswith(_OTHER_FORMS) or media.family(kind or media.JSON) in _XML:
            return None
        try:
            check(data, limits, context, strict=not kind or media.family(kind) == media.JSON)
        except TooMuch as threat:
            return call.refuse(faults.threat(400, "Bad Request", PREFIX + str(threat)))
        return None

    return lambda call: step(call) if call.exchange.has_body or call.outgoing and call.outgoing.body else None


_XML = frozenset({media.XML, media.SOAP11, media.SOAP12})


POLICY = Native(compile, flows=frozenset({"request"}))
