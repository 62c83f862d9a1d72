"""JSON to XML, XML to JSON, and the two Accept policies: bodies in another form, by the mediation engine's rules."""

from __future__ import annotations

from gateway.call import Call
from gateway.message import Answer
from gateway.policies import body
from gateway.policies.base import AnswerStep, Failure, Native, Use, mediation_fault
from gateway.stages import Step
from integrator.engine.content import media
from integrator.engine.content.payload import Payload
from integrator.engine.content.writers import write
from integrator.engine.errors import Fault

ACCEPT = "WSO2_AM_API_ACCEPT_MESSAGE_TYPE"
"""Where Preserve Accept Header leaves the header for Apply Accept Header."""

TYPE = b"content-type"
_FORMS = frozenset({media.JSON, media.XML, media.SOAP11, media.SOAP12, media.FORM})


def converted(data: bytes, content_type: str, target: str) -> tuple[bytes, bytes]:
    """Body and content type in the form `target`. Raises integrator.engine.errors.Fault for a body that is not what it says."""
    made, kind = write(Payload(data, content_type), target)
    return made, kind.encode("latin-1", "replace")


def request_to(target: str) -> Native:
    """The policy that brings bodies into the form `target`."""

    def request(use: Use) -> Step:
        limit = use.limit

        async def step(call: Call) -> None:
            message = call.edit()
            data = await body.plain_request(call, limit)
            if data:
                kind = (message.header(TYPE) or b"").decode("latin-1")
                message.body, shown = _or_failure(data, kind, target, 400)
                message.replace(TYPE, shown)

        return lambda call: step(call) if call.exchange.has_body or call.outgoing and call.outgoing.body else None

    def answer(use: Use) -> AnswerStep:
        return lambda call, reply: change(reply, target, use.limit)

    return Native(request, answer, flows=frozenset({"request", "response"}))


def change(answer: Answer, target: str, limit: int) -> None:
    """Brings an answer into the form `target`. Raises Failure."""
    if not answer.body:
        return
    body.plain_answer(answer, limit)
    kind = (answer.header(TYPE) or b"").decode("latin-1")
    answer.body, shown = _or_failure(answer.body, kind, target, 500)
    answer.replace(TYPE, shown)
    answer.remove(b"etag")
    answer.remove(b"content-md5")


def _or_failure(data: bytes, kind: str, target: str, status: int) -> tuple[bytes, bytes]:
    try:
        return converted(data, kind, target)
    except Fault as fault:
        side = "request" if status == 400 else "back end's"
        text = f"The {side} body is not {kind or 'what was announced'}: {fault.message}"
        raise Failure(mediation_fault(text, status, str(fault.code))) from fault


def preserve(use: Use) -> Step:
    """Keeps the caller's Accept header for the answer, and does not show it to the backend."""

    def step(call: Call) -> None:
        request = call.edit()
        accept = request.header(b"accept")
        if accept is not None:
            request.properties[ACCEPT] = accept.decode("latin-1")
            request.remove(b"accept")

    return step


def apply(use: Use) -> AnswerStep:
    """Brings the answer into the form of the Accept header that was kept."""
    limit = use.limit

    def step(call: Call, answer: Answer) -> None:
        kept = call.edit().properties.get(ACCEPT)
        if not isinstance(kept, str):
            return
        wanted = media.media_type(kept.partition(",")[0])
        have = media.media_type((answer.header(TYPE) or b"").decode("latin-1"))
        if wanted != have and media.family(wanted) in _FORMS and media.family(have) in _FORMS:
            change(answer, wanted, limit)

    return step


JSON_TO_XML = request_to(media.XML)
XML_TO_JSON = request_to(media.JSON)
PRESERVE_ACCEPT = Native(preserve, flows=frozenset({"request"}))
APPLY_ACCEPT = Native(None, apply, flows=frozenset({"response", "fault"}))
