"""What a client may do with an API: worked out from the records at its first call, then remembered until one of them changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import faults
from gateway.counters import Counter, Counters
from gateway.principal import SPECIAL, Decision
from gateway.schema import Api, Application, Key, Refusal, Subscription
from gateway.shares import counted, missing

if TYPE_CHECKING:
    from gateway.state import State


def decide(state: State, api: Api, consumer: str, counters: Counters) -> Decision:
    """What a caller may do with `api`. `consumer` (a principal's) is the key of a `Key` record, or one of the forms
    `@application:<key type>:<id>` (API keys), `@person:<name>`, `@certificate:<thumbprint>`, `@internal:<key type>`."""
    if consumer[:1] != SPECIAL:
        key: Key | None = state.records["key"].get(consumer)
        if key is None:
            return _stranger(api, consumer)
        return _of_application(state, api, key.application, key.key_type, counters)
    kind, _, rest = consumer[1:].partition(":")
    if kind == "application":
        key_type, _, application = rest.partition(":")
        return _of_application(state, api, application, key_type, counters)
    if kind == "certificate":
        return _of_certificate(state, api, rest, counters)
    return Decision(None, key_type=rest if kind == "internal" else "PRODUCTION")


def _of_application(state: State, api: Api, uuid: str, key_type: str, counters: Counters) -> Decision:
    application: Application | None = state.records["application"].get(uuid)
    if application is None:
        return Decision(faults.FORBIDDEN, f"there is no application {uuid}")
    decision = Decision(None, application=application, key_type=key_type)
    if application.organisation != api.organisation and not api.cross_tenant:
        decision.fault, decision.cause = faults.FORBIDDEN, f"application of {application.organisation}"
        return decision
    subscription = state.pairs.get((api.id, application.id))
    if subscription is None and not api.subscriptionless:
        decision.fault, decision.cause = faults.FORBIDDEN, "not subscribed"
        return decision
    decision.subscription = subscription
    if subscription is not None:
        decision.fault = _state_fault(subscription.state, key_type)
        decision.cause = f"subscription is {subscription.state}"
    paid = subscription or Subscription("", api.id, application.id, "Unlimited")
    decision.limits = limits(state, api, application, paid, counters, decision.sandbox)
    return decision


def _of_certificate(state: State, api: Api, thumbprint: str, counters: Counters) -> Decision:
    """Under the tier that the certificate was uploaded with; it stands in for application and subscription."""
    record = state.certificates.get(api.id, {}).get(thumbprint)
    if record is None:
        return Decision(faults.CERTIFICATE_REFUSED, "the client certificate is not one of this API's")
    name = f"certificate:{record.key_type}:{record.alias}"
    holder = Application(f"{api.id}:{name}", api.organisation, name, "", "Unlimited")
    plan = Subscription(holder.id, api.id, holder.id, record.tier)
    return Decision(
        None, limits=limits(state, api, holder, plan, counters, record.key_type == "SANDBOX"), key_type=record.key_type
    )


def _stranger(api: Api, consumer: str) -> Decision:
    """A valid token without an application here: good enough where no subscription is asked for, in its own organisation."""
    near = api.cross_tenant or consumer.startswith(f"{api.organisation}:")
    if api.subscriptionless and near:
        return Decision(None, key_type="PRODUCTION")
    return Decision(faults.FORBIDDEN, f"no application has the client {consumer}")


def limits(
    state: State,
    api: Api,
    application: Application,
    subscription: Subscription,
    counters: Counters,
    sandbox: bool = False,
) -> tuple[Counter, ...]:
    """The counters of a subscription: burst, quota, application, backend. A policy nobody knows is noted in the status."""
    policies = state.records["policy"]
    for key, text in missing(policies, api, application, subscription):
        state.refusals.setdefault(("policy", key), Refusal(state.sequence, "policy", key, text))
    return counted(policies, api, application, subscription, counters, sandbox)


def _state_fault(state: str, key_type: str) -> faults.Fault | None:
    if state == "BLOCKED" or (state == "PROD_ONLY_BLOCKED" and key_type == "PRODUCTION"):
        return faults.SUBSCRIPTION_BLOCKED
    return faults.SUBSCRIPTION_INACTIVE if state in ("ON_HOLD", "REJECTED") else None
