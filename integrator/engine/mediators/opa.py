"""opa: asks an Open Policy Agent whether the request may go on (reference 3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.endpoints.parse import injected
from integrator.engine.errors import Fault
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.outbound import Unreachable, post_json
from integrator.engine.scripting.context import MessageContext
from integrator.engine.scripting.python import class_of
from integrator.engine.xmltools import child, children, local, text_of

_JAVA = "org.apache.synapse.mediators.opa.OPASynapseRequestGenerator"
_MORE = "additionalMCProperties"
PARTS = ("serverUrl", "accessKey", "policy", "rule", "requestGenerator", "additionalParameters", "description")


@register("opa")
@dataclass(frozen=True, kw_only=True)
class Opa(Mediator):
    """Server, policy, rule, and who makes the input."""

    url: str
    key: str
    rule: str
    generator: str
    parameters: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, PARTS)
        given = {name: injected(element, text_of(child(element, name)), reader) for name in PARTS}
        for name in ("serverUrl", "policy"):
            if not given[name]:
                raise reader.fail(element, f"child <{name}> is required")
        generator = given["requestGenerator"]
        if generator.startswith("org.") and generator != _JAVA:
            raise reader.fail(
                element, f"requestGenerator {generator!r}: allowed are {_JAVA} and Python classes by dotted path"
            )
        holder = child(element, "additionalParameters")
        parts = [given["serverUrl"].rstrip("/"), given["policy"].strip("/"), given["rule"].strip("/")]
        return cls(
            **cls.common(element, reader),
            url="/".join(part for part in parts if part),
            key=given["accessKey"],
            rule=given["rule"],
            generator="" if generator == _JAVA else generator,
            parameters=tuple(
                (reader.required(item, "name"), injected(item, text_of(item), reader))
                for item in (children(holder) if holder is not None else ())
                if local(item) == "parameter"
            ),
        )

    def compile(self) -> Step:
        """A step that goes on only when the policy says true."""
        headers = {"authorization": self.key} if self.key else {}

        async def step(message: Message) -> None:
            try:
                answer = await post_json(message.deployment.runtime, self.url, await self.request(message), headers)
            except Unreachable as error:
                raise Fault(0, f"the policy server cannot be asked: {error.message}") from error
            result = answer.get("result") if isinstance(answer, dict) else None
            if isinstance(result, dict) and not self.rule:
                result = result.get("allow")
            if not isinstance(result, bool):
                raise Fault(0, f"{self.url} gave no true or false as result")
            if not result:
                raise Fault(0, "access revoked by the policy")

        return step

    async def request(self, message: Message) -> Any:
        """What is asked: {"input": {...}}."""
        if self.generator:
            made = class_of(message.deployment, self.generator, "createRequest")()
            work = message.deployment.runtime.run
            return {"input": await work(made.createRequest, MessageContext(message), dict(self.parameters))}
        forwarded = (message.headers.get("X-Forwarded-For") or "").split(",", 1)[0].strip()
        given: dict[str, Any] = {
            "requestOrigin": forwarded or message.axis2.get("REMOTE_ADDR"),
            "method": message.axis2.get("HTTP_METHOD"),
            "path": message.axis2.get("TRANSPORT_IN_URL") or message.to,
            "transportHeaders": dict(message.headers),
        }
        for name in dict(self.parameters).get(_MORE, "").replace(";", ",").split(","):
            if name.strip() and message.properties.get(name.strip()) is not None:
                given[name.strip()] = str(message.properties[name.strip()])
        return {"input": given}
