"""Several credentials for one API: which must be there, which may, and what a caller hears when none will do.

As in the original: transport security (client certificate) and application security (the others) are each mandatory or
optional; of the application's schemes any one is enough; what is optional and fails is passed over when the mandatory side holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway import faults
from gateway.auth.remote import Unanswered
from gateway.auth.schemes import Found, Scheme
from gateway.principal import Principal
from gateway.tokens.jwt import Rejected

if TYPE_CHECKING:
    from gateway.call import Call
    from gateway.fault_forms import Fault
    from gateway.schema import Api
    from gateway.stages import Step

APPLICATION = ("oauth2", "basic_auth", "api_key")
"""Schemes of the application level, in the order in which they are looked for."""

CHALLENGES = {
    "oauth2": faults.CHALLENGE,
    "basic_auth": 'Basic realm="WSO2 API Manager", charset="UTF-8"',
    "api_key": 'APIKey realm="WSO2 API Manager"',
    "mutualssl": 'MutualTLS realm="WSO2 API Manager"',
}
"""Scheme → what `www-authenticate` says of it."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What an API asks for, worked out from its record."""

    application: tuple[str, ...]
    mutual: bool
    application_mandatory: bool
    mutual_mandatory: bool

    @property
    def plain(self) -> bool:
        """Whether it is OAuth2 and nothing else, as most APIs have it."""
        return self.application == ("oauth2",) and not self.mutual


def demand(api: Api) -> Demand:
    """What `api` asks for. A level that stands alone is mandatory, whatever the record says."""
    application = tuple(scheme for scheme in APPLICATION if scheme in (api.security or ("oauth2",)))
    mutual = "mutualssl" in api.security
    return Demand(
        application,
        mutual,
        application_mandatory=bool(application) and (api.application_security_mandatory or not mutual),
        mutual_mandatory=mutual and (api.mutual_tls_mandatory or not application),
    )


@dataclass(frozen=True, slots=True)
class Refusals:
    """The refusals of one API, each with the challenges of what it accepts."""

    missing: Fault
    invalid: Fault
    certificate: Fault


def refusals(api: Api, asked: Demand) -> Refusals:
    """Made once for each API."""
    schemes = asked.application + (("mutualssl",) if asked.mutual else ())
    lines = f"www-authenticate: {', '.join(CHALLENGES[scheme] for scheme in schemes)}\r\n".encode()
    missing = faults.missing_credentials(api.authorization_header, api.api_key_header)
    known = (missing, faults.INVALID, faults.CERTIFICATE_REFUSED)
    return Refusals(*(replace(fault, lines=lines) for fault in known))


def compile(
    asked: Demand, answers: Refusals, mutual: Callable[[Call], Principal | None] | None, schemes: Sequence[Scheme]
) -> Step:
    """The step that tries `schemes` in turn. `mutual` reads the client certificate, None when the API takes none."""

    def certified(call: Call) -> tuple[Principal | None, str]:
        """The certificate's holder, or why there is none."""
        if mutual is None:
            return None, ""
        try:
            holder = mutual(call)
        except Rejected as rejected:
            return None, str(rejected)
        return holder, "" if holder else "no client certificate"

    def authenticate(call: Call) -> bool | Awaitable[bool] | None:
        holder, problem = certified(call)
        if asked.mutual_mandatory and holder is None:
            return call.refuse(answers.certificate, problem)
        return attempt(call, holder, 0, None)

    def attempt(
        call: Call, holder: Principal | None, begin: int, problem: Rejected | None
    ) -> bool | Awaitable[bool] | None:
        for place in range(begin, len(schemes)):
            try:
                found = schemes[place](call)
            except Rejected as rejected:
                problem = problem or rejected
                continue
            if isinstance(found, Principal):
                call.principal = found
                return None
            if found is not None:
                return later(call, holder, place, problem, found)
        return settle(call, holder, problem)

    async def later(
        call: Call, holder: Principal | None, place: int, problem: Rejected | None, found: Awaitable[Principal]
    ) -> bool:
        try:
            call.principal = await found
        except Rejected as rejected:
            rest = attempt(call, holder, place + 1, problem or rejected)
            return bool(rest if isinstance(rest, bool) or rest is None else await rest)
        return False

    def settle(call: Call, holder: Principal | None, problem: Rejected | None) -> bool | None:
        """No application credential counted: the certificate alone may do."""
        if holder is not None and not asked.application_mandatory:
            call.principal = holder
            return None
        if problem is None:
            return call.refuse(answers.missing)
        if isinstance(problem, Unanswered):
            return call.refuse(faults.UNCLASSIFIED, str(problem))
        return call.refuse(answers.invalid, str(problem))

    return authenticate


__all__ = ["Demand", "Found", "Refusals", "compile", "demand", "refusals"]
