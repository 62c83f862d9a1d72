"""The JWT that tells a backend who calls (the original's `X-JWT-Assertion`), signed with the gateway's own key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from gateway.plan import Plan
from gateway.principal import Decision, Principal
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.call import Call
    from gateway.schema import Api
    from gateway.stages import Step

ISSUER = "wso2.org/products/am"
MARGIN = 30.0
"""Seconds before its end at which an assertion is made anew."""

MOST = 200
"""Assertions kept for one token, one for each API."""

OWN = frozenset(
    {
        "iss",
        "exp",
        "iat",
        "nbf",
        "jti",
        "aud",
        "azp",
        "cnf",
        "scope",
        "client_id",
        "aut",
        "org",
        "active",
        "application",
    }
)
"""Claims of tokens that are about the token itself and are not passed on."""


class Assertions:
    """Makes assertions. Raises ValueError, naming the file, when the key cannot be read."""

    def __init__(self, settings: Settings) -> None:
        path = settings.assertion_key
        try:
            self._key = RSAKey.import_key(path.read_text())
        except (OSError, ValueError) as error:
            raise ValueError(f"GATEWAY_BACKEND_JWT is on, but its key {path} cannot be read: {error}") from error
        self._kid = self._key.thumbprint()
        self._seconds = settings.backend_jwt_seconds
        self._dialect = settings.backend_jwt_dialect.rstrip("/")
        self._name = settings.backend_jwt_header
        self.header = settings.backend_jwt_header.lower().encode()

    def line(self, api: Api, principal: Principal, decision: Decision, now: float) -> bytes:
        """The header line for a caller of `api`, signed once and then remembered with the caller's token."""
        kept = principal.assertions
        if kept is None:
            kept = principal.assertions = {}
        found = kept.get(api.id)
        if found is not None and found[1] > now and found[2] is decision:
            return found[0]
        line, until = self._made(api, principal, decision, now)
        if len(kept) >= MOST:
            kept.clear()
        kept[api.id] = line, until, decision
        return line

    def _made(self, api: Api, principal: Principal, decision: Decision, now: float) -> tuple[bytes, float]:
        expires = int(now) + self._seconds
        claims = {"iss": ISSUER, "iat": int(now), "exp": expires, **self._claims(api, principal, decision)}
        text = jwt.encode({"alg": "RS256", "typ": "JWT", "kid": self._kid}, claims, self._key, algorithms=["RS256"])
        return f"{self._name}: {text}\r\n".encode(), expires - min(MARGIN, self._seconds / 3)

    def _claims(self, api: Api, principal: Principal, decision: Decision) -> dict[str, Any]:
        application, subscription = decision.application, decision.subscription
        person = not principal.is_application
        about: dict[str, str] = {
            "apiname": api.name,
            "apicontext": api.context,
            "version": api.version,
            "keytype": decision.key_type,
            "usertype": "Application_User" if person else "Application",
            "enduser": principal.subject,
            "enduserTenantId": api.organisation,
            "subscriber": application.owner if application is not None else principal.subject,
        }
        if application is not None:
            about |= {
                "applicationid": application.id,
                "applicationUUId": application.id,
                "applicationname": application.name,
                "applicationtier": application.policy,
            }
        if subscription is not None:
            about["tier"] = subscription.plan
        more = {name: value for name, value in principal.claims.items() if name not in OWN}
        return more | {"sub": principal.subject} | {f"{self._dialect}/{name}": value for name, value in about.items()}


def stage(plan: Plan) -> Step | None:
    """Adds the assertion to the request; nothing when the setting is off, or nobody is asked who calls."""
    assertions = plan.services.assertions
    if assertions is None or plan.operation.auth == "none":
        return None
    return plan.once("assertion", lambda: _step(plan.record, assertions))


def _step(api: Api, assertions: Assertions) -> Step:
    def assertion(call: Call) -> None:
        principal, decision = call.principal, call.decision
        if principal is not None and decision is not None:
            call.request_lines += assertions.line(api, principal, decision, call.now)

    return assertion
