"""Who calls: checked once and remembered. APIs that take OAuth2 tokens only, as most do, pay for nothing else."""

from __future__ import annotations

from collections.abc import Awaitable

from gateway import faults
from gateway.auth import combined, schemes
from gateway.call import Call
from gateway.plan import Plan
from gateway.principal import Principal
from gateway.realm import Realm
from gateway.schema import Api, Operation
from gateway.services import Services
from gateway.stages import Step

__all__ = ["compile_rights", "hidden_headers", "rights_stage", "stage"]


def stage(plan: Plan) -> Step | None:
    """The check of an operation; APIs of one organisation that take nothing but tokens in the same header share it."""
    if plan.operation.auth == "none":
        return None
    record = plan.record
    realm = plan.services.realm(record.organisation)
    asked = combined.demand(record)
    if not asked.plain:
        return plan.once("authenticate", lambda: _several(plan.services, realm, record, asked))
    header, named = record.authorization_header, record.api_key_header
    found: Step | None = realm.steps.get((header, named))
    if found is None:
        found = realm.steps[header, named] = compile(realm, header, _several(plan.services, realm, record, asked))
    return found


def rights_stage(plan: Plan) -> Step | None:
    """What the operation asks of a token besides being valid."""
    return None if plan.operation.auth == "none" else compile_rights(plan.record, plan.operation)


def hidden_headers(api: Api, services: Services) -> tuple[str, ...]:
    """The headers with credentials, or with what only the gateway may say: no backend is shown what a caller puts there."""
    asked = combined.demand(api)
    found = ["internal-key"]
    if {"oauth2", "basic_auth"} & set(asked.application):
        found.append(api.authorization_header)
    if "api_key" in asked.application:
        found.append(api.api_key_header)
    if asked.mutual:
        found.append("x-wso2-client-certificate")
    if services.assertions is not None:
        found.append(services.settings.backend_jwt_header)
    return tuple(found)


def compile(realm: Realm, header: str, otherwise: Step) -> Step:
    """The token check of a realm's APIs whose tokens come in `header`: one look-up for a token that was checked before.

    `otherwise` does the rest: tokens seen for the first time or bound to certificates, test keys, refusals.
    """
    name = header.lower().encode()
    tokens = realm.tokens

    def authenticate(call: Call) -> bool | Awaitable[bool | None] | None:
        principal = tokens.get(call.exchange.fields.get(name))  # type: ignore[arg-type]  # None is no key of it
        if principal is None or principal.expires <= call.now:
            return otherwise(call)
        call.principal = principal
        return None

    return authenticate


def _several(services: Services, realm: Realm, record: Api, asked: combined.Demand) -> Step:
    """The step that looks for every credential that the API takes; the publisher's test keys open each."""
    header = record.authorization_header.lower().encode()
    makers = {
        "oauth2": lambda: schemes.bearer(realm, header, services.certificates),
        "basic_auth": lambda: schemes.basic(services, record.organisation, header),
        "api_key": lambda: schemes.api_key(realm, record.api_key_header.lower().encode(), services),
    }
    tried = [schemes.test_key(realm), *(makers[scheme]() for scheme in asked.application)]
    mutual = schemes.certificate(services, record.id) if asked.mutual else None
    return combined.compile(asked, combined.refusals(record, asked), mutual, tried)


def compile_rights(api: Api, operation: Operation) -> Step | None:
    """What the token must be besides valid: its issuer, audience, kind and scopes. Nothing when the API asks for nothing."""
    managers = None if "all" in api.key_managers else frozenset(api.key_managers)
    audiences = frozenset(api.audiences)
    kind = operation.auth
    scopes = frozenset(operation.scopes)
    if managers is None and not audiences and kind == "any" and not scopes:
        return None
    no_scope = faults.missing_scope(operation.target)
    roles = role_rule(api, operation)

    def rights(call: Call) -> bool | None:
        principal = call.principal
        if principal is None:
            return call.refuse(faults.UNCLASSIFIED, "no principal")
        if principal.free:
            return None if may(principal, roles) else call.refuse(no_scope, "no role of a scope")
        if managers is not None and principal.key_manager not in managers:
            return call.refuse(faults.INVALID, f"key manager {principal.key_manager} is not accepted by this API")
        if audiences and audiences.isdisjoint(principal.audiences):
            return call.refuse(faults.AUDIENCE, f"audience {sorted(principal.audiences)}")
        if kind != "any" and principal.is_application != (kind == "application"):
            return call.refuse(faults.WRONG_TOKEN_TYPE)
        if scopes and scopes.isdisjoint(principal.scopes):
            return call.refuse(no_scope)
        return None

    return rights


def role_rule(api: Api, operation: Operation) -> frozenset[str] | None:
    """The roles that stand in for the operation's scopes when a person comes with a password; None: everybody's will do,
    because there is no scope, or one that is bound to no role."""
    bound = dict(api.scope_roles)
    if not operation.scopes or any(not bound.get(scope) for scope in operation.scopes):
        return None
    return frozenset(role for scope in operation.scopes for role in bound[scope])


def may(principal: Principal, roles: frozenset[str] | None) -> bool:
    """Whether a caller without scopes passes: by its roles when it has some, always otherwise."""
    return roles is None or principal.roles is None or not roles.isdisjoint(principal.roles)
