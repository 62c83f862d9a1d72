"""The counters of an application at an API: its plan's burst and quota, its own, and its backend's."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.counters import Counter, Counters
from gateway.schema import Api, Application, Policy, Subscription, ThrottleReset

NOT_KNOWN = "it is in use and not known here: no such limit is applied"


def counted(
    policies: dict[str, Policy],
    api: Api,
    application: Application,
    subscription: Subscription,
    counters: Counters,
    sandbox: bool = False,
) -> tuple[Counter, ...]:
    """In their order: burst, quota, application, application's burst, backend. A quota that does not stop counts only."""
    found = []
    plan = policies.get(f"{api.organisation}:subscription:{subscription.plan}")
    if plan is not None and plan.burst is not None:
        found.append(counters.get(f"burst:{subscription.id}", plan.burst, "900807"))
    if plan is not None and plan.quota is not None:
        lenient = not plan.stop_on_quota_reach
        found.append(counters.get(f"subscription:{subscription.id}", plan.quota, "900804", lenient))
    own = policies.get(f"{application.organisation}:application:{application.policy}")
    if own is not None and own.quota is not None:
        found.append(counters.get(f"application:{application.id}", own.quota, "900803"))
    if own is not None and own.burst is not None:
        found.append(counters.get(f"application-burst:{application.id}", own.burst, "900809"))
    return (*found, *backend(api, sandbox, counters))


def backend(api: Api, sandbox: bool, counters: Counters) -> tuple[Counter, ...]:
    """The counter of what an API's backend is given at most, all callers together."""
    limit = None
    if api.throughput is not None:
        limit = api.throughput.sandbox if sandbox else api.throughput.production
    if limit is None:
        return ()
    return (counters.get(f"backend:{api.id}:{'sandbox' if sandbox else 'production'}", limit, "900801"),)


def missing(
    policies: dict[str, Policy], api: Api, application: Application, subscription: Subscription
) -> list[tuple[str, str]]:
    """Keys of the policies that are to be applied and are not known, each with what to say about it."""
    named = (
        f"{application.organisation}:application:{application.policy}",
        f"{api.organisation}:subscription:{subscription.plan}",
    )
    return [(key, NOT_KNOWN) for key in named if key not in policies and not key.endswith(":Unlimited")]


def resets(records: Iterable[ThrottleReset]) -> dict[str, float]:
    """From counters' keys to when they were reset by hand."""
    return {f"{kind}:{one.application}": one.at for one in records for kind in ("application", "application-burst")}
