"""NTLM: credentials for the blocking call with initAxis2ClientOptions="false" that follows (reference 3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from integrator.engine.endpoints.ntlm import NTLM, Credentials
from integrator.engine.errors import Fault
from integrator.engine.expressions import Constant, Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message


@register("NTLM")
@dataclass(frozen=True, kw_only=True)
class Ntlm(Mediator):
    """User, password and domain; the version must be 2."""

    username: Expression
    password: Expression
    domain: Expression | None
    version: Expression | None

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element. Raises DeploymentError for version 1, which is broken."""
        version = reader.optional_value(element, "ntlmVersion")
        if isinstance(version, Constant) and not _second(version.text):
            raise reader.fail(element, f"attribute ntlmVersion={version.text!r}: allowed is v2")
        reader.optional_value(element, "host")
        return cls(
            **cls.common(element, reader),
            username=reader.value(element, "username"),
            password=reader.value(element, "password"),
            domain=reader.optional_value(element, "domain"),
            version=version,
        )

    @property
    def reads_content(self) -> bool:
        """The body is sent more than once."""
        return True

    def compile(self) -> Step:
        """A step that keeps the credentials with the message's client options."""

        def step(message: Message) -> None:
            version = self.version.string(message) if self.version else None
            if version and not _second(version):
                raise Fault(0, f"NTLM: ntlmVersion {version!r}: allowed is v2")
            domain = self.domain.string(message) if self.domain else None
            user = self.username.string(message) or ""
            message.client_options[NTLM] = Credentials(
                f"{domain}\\{user}" if domain else user, self.password.string(message) or ""
            )

        return step


def _second(text: str) -> bool:
    return text.strip().lower() in ("v2", "2", "")
