"""Who calls: the bearer token of the call, verified once and remembered (gateway.realm)."""

from __future__ import annotations

import logging

from gateway import faults
from gateway.call import Call
from gateway.plan import Plan
from gateway.realm import Realm, Rejected
from gateway.schema import Api, Operation
from gateway.stages import Step

log = logging.getLogger("gateway")


def stage(plan: Plan) -> Step | None:
    """The token check of an operation; APIs of one organisation that take their token from the same header share it."""
    if plan.operation.auth == "none":
        return None
    header = plan.record.authorization_header
    realm = plan.services.realm(plan.record.organisation)
    found = realm.steps.get(header)
    if found is None:
        found = realm.steps[header] = compile(realm, header)
    return found


def rights_stage(plan: Plan) -> Step | None:
    """What the operation asks of a token besides being valid."""
    return None if plan.operation.auth == "none" else compile_rights(plan.record, plan.operation)


def compile(realm: Realm, header: str) -> Step:
    """The token check of a realm's APIs whose tokens come in `header`."""
    name = header.lower().encode()
    missing = faults.missing_credentials(header)
    tokens = realm.tokens

    def authenticate(call: Call) -> bool | None:
        raw = call.exchange.fields.get(name)
        if raw is None:
            return call.refuse(missing)
        principal = tokens.get(raw)
        if principal is None or principal.expires <= call.now:
            tokens.pop(raw, None)
            if raw[:7].lower() != b"bearer ":
                return call.refuse(missing, "not a bearer token")
            try:
                principal = realm.verify(raw, call.now)
            except Rejected as rejected:
                return call.refuse(faults.INVALID, str(rejected))
        call.principal = principal
        return None

    return authenticate


def compile_rights(api: Api, operation: Operation) -> Step | None:
    """What the token must be besides valid: its issuer, audience, kind and scopes. Nothing when the API asks for nothing."""
    managers = None if "all" in api.key_managers else frozenset(api.key_managers)
    audiences = frozenset(api.audiences)
    kind = operation.auth
    scopes = frozenset(operation.scopes)
    if managers is None and not audiences and kind == "any" and not scopes:
        return None
    no_scope = faults.missing_scope(operation.target)

    def rights(call: Call) -> bool | None:
        principal = call.principal
        if principal is None:
            return call.refuse(faults.UNCLASSIFIED, "no principal")
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
