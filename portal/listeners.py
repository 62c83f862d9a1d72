"""What the portal does when the floors below change something: subscriptions follow their API, policies in use stay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from django.db.models import Count, Max, QuerySet

from apim.accounts import audit
from apim.accounts.models import Organisation, User
from apim.keymanager.models import OAuthClient
from apim.traffic.models import Level, Policy
from gateway.schema import KeyUse
from portal.actions.api_keys import NEVER
from portal.actions.subscriptions import UNDECIDED, WAITING, end
from portal.models import ApiKey, Application, Subscription, SubscriptionState
from portal.queries import plans
from portal.records import publish_subscription
from publisher.actions.lifecycle import RESUBSCRIBE
from publisher.models import Api, Operation, SharedScope, State

NAMED = 20
"""Most uses that are told one by one."""

CLOCKS_APART = 300
"""Seconds that a gateway's clock may be ahead."""


def subscriptions_of(api: Api) -> int:
    """How many subscriptions keep `api` from being deleted."""
    return Subscription.objects.filter(api=api).count()


def subscriptions_by_plan(api: Api) -> dict[str, int]:
    """How many live subscriptions to `api` each plan has."""
    rows = Subscription.objects.filter(api=api).exclude(
        state__in=(SubscriptionState.ON_HOLD, SubscriptionState.REJECTED)
    )
    return dict(rows.order_by().values_list("plan").annotate(Count("pk")))


def follow_state(by: User, api: Api, before: str, after: str, checklist: frozenset[str]) -> None:
    """Subscriptions end with a retired API; a newly published version takes over those of its older versions,
    unless re-subscription is asked for (reference A2)."""
    if after == State.RETIRED:
        _end(by, Subscription.objects.filter(api=api))
    elif after == State.PUBLISHED and before in (State.CREATED, State.PROTOTYPED):
        if RESUBSCRIBE in checklist:
            _end(by, Subscription.objects.filter(api=api))
        else:
            _take_over(by, api)


def uses_of_policy(policy: Policy) -> Iterator[str]:
    """Applications and subscriptions under `policy`, as descriptions for people."""
    if policy.level == Level.APPLICATION:
        rows = Application.objects.filter(organisation=policy.organisation, policy=policy.name)
        yield from (f"application {row.name} of {row.owner}" for row in rows.select_related("owner")[:NAMED])
    elif policy.level == Level.SUBSCRIPTION:
        taken = Subscription.objects.filter(api__organisation=policy.organisation, plan=policy.name)
        found = taken.select_related("application", "api")[:NAMED]
        yield from (f"subscription of {row.application.name} to {row.api}" for row in found)


def has_application(organisation: Organisation, value: str) -> bool:
    """Whether `value` names an application of the organisation as `owner:name`."""
    owner, _, name = value.partition(":")
    return Application.objects.filter(organisation=organisation, owner__username=owner, name=name).exists()


def last_api_key() -> datetime | None:
    """Until when the last of all API keys may be used."""
    if ApiKey.objects.filter(expires=None).exists():
        return NEVER
    last: datetime | None = ApiKey.objects.aggregate(last=Max("expires"))["last"]
    return last


def note_key_uses(uses: list[KeyUse]) -> None:
    """Remember when API keys were used last. Keys that are gone, and times that are none or not yet, are passed over."""
    latest = time.time() + CLOCKS_APART
    told = {use.id: datetime.fromtimestamp(use.at, UTC) for use in uses if 0 < use.at <= latest}
    changed = []
    for key in ApiKey.objects.filter(jti__in=told):
        if key.last_used is None or key.last_used < told[key.jti]:
            key.last_used = told[key.jti]
            changed.append(key)
    ApiKey.objects.bulk_update(changed, ["last_used"], batch_size=200)


def scopes_of_client(client: OAuthClient, user: User | None) -> dict[str, str]:
    """Scopes of the APIs that the client's application is subscribed to, with the API's name as description.

    A scope that its API binds to roles is for people with one of them: `user`, or the client's owner where no person is asked.
    """
    rows = Operation.objects.filter(api__subscriptions__application__keys__client=client).exclude(scopes=[])
    shared = SharedScope.objects.filter(apis__subscriptions__application__keys__client=client)
    of_organisation = dict(shared.values_list("name", "roles"))
    person = user or client.user
    roles = person.role_names if person is not None else frozenset()
    return {
        scope: f"Call {name}"
        for scopes, name, bound in rows.values_list("scopes", "api__name", "api__scope_roles")
        for scope in scopes
        if isinstance(scope, str) and _has(roles, of_organisation.get(scope, bound.get(scope)))
    }


def _has(roles: frozenset[str], bound: list[str] | None) -> bool:
    return not bound or not roles.isdisjoint(bound)


def _end(by: User, rows: QuerySet[Subscription]) -> None:
    for row in list(rows.select_related("organisation", "api", "application")):
        end(by, row)


def _take_over(by: User, api: Api) -> None:
    """Each application keeps the plan and state it has with the newest older version, if the new one offers the plan."""
    older = Subscription.objects.filter(
        api__organisation=api.organisation, api__name__iexact=api.name, api__created__lt=api.created
    )
    offered = {plan.name for plan in plans(api)}
    done = set(Subscription.objects.filter(api=api).values_list("application_id", flat=True))
    for row in older.exclude(api=api).select_related("organisation", "application").order_by("-api__created"):
        if row.application_id in done or row.plan not in offered or row.state in UNDECIDED:
            continue
        done.add(row.application_id)
        state = row.state_before if row.state in WAITING else row.state
        kept = {"organisation": row.organisation, "application": row.application, "plan": row.plan, "state": state}
        made = Subscription.objects.create(api=api, **kept)
        audit.record(by, "subscription.take_over", made, after={"plan": made.plan, "from": str(row.api_id)})
        publish_subscription(made)
