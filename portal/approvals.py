"""Asks for decisions about applications, keys and subscriptions: what is asked, in words and in fields."""

from __future__ import annotations

from typing import Any

from apim.accounts.models import User
from apim.workflows.actions.tasks import begin
from apim.workflows.models import Kind, Task
from portal.models import Application, ApplicationKey, KeyType, Subscription


def creation(by: User, application: Application) -> Task | None:
    """A new application waits; None: it need not."""
    text = f"Approve application {application} of {application.owner} with the limit {application.policy}."
    return _application(by, application, Kind.APPLICATION_CREATION, text)


def deletion(by: User, application: Application) -> Task | None:
    """An application waits to be deleted; None: it need not."""
    text = f"Approve the deletion of application {application} of {application.owner}."
    return _application(by, application, Kind.APPLICATION_DELETION, text)


def registration(by: User, key: ApplicationKey) -> Task | None:
    """The client of a key waits to be made; None: it need not. The key's `request` says what was asked for."""
    kinds = {KeyType.PRODUCTION: Kind.PRODUCTION_KEY, KeyType.SANDBOX: Kind.SANDBOX_KEY}
    application = key.application
    return begin(
        by=by,
        kind=kinds[KeyType(key.key_type)],
        organisation=application.organisation,
        subject=key,
        description=f"Approve {key.key_type.lower()} keys for application {application} of {application.owner}.",
        properties={
            "keyType": str(key.key_type),
            "keyManager": key.key_manager.name,
            "applicationName": application.name,
            "userName": application.owner.get_username(),
            "applicationTier": application.policy,
            "grantTypes": " ".join(key.request.get("grant_types", ())),
        },
    )


def subscribing(by: User, row: Subscription) -> Task | None:
    """A new subscription waits; None: it need not."""
    text = f"Approve the subscription of application {row.application} to {row.api} under the plan {row.plan}."
    return _subscription(by, row, Kind.SUBSCRIPTION_CREATION, text)


def plan_change(by: User, row: Subscription, plan: str) -> Task | None:
    """A change of plan waits; None: it need not."""
    text = f"Approve the change of application {row.application} from plan {row.plan} to {plan} for {row.api}."
    return _subscription(by, row, Kind.SUBSCRIPTION_UPDATE, text, requestedTier=plan)


def leaving(by: User, row: Subscription) -> Task | None:
    """A subscription waits to be ended; None: it need not."""
    text = f"Approve the end of the subscription of application {row.application} to {row.api}."
    return _subscription(by, row, Kind.SUBSCRIPTION_DELETION, text)


def _application(by: User, application: Application, kind: Kind, text: str) -> Task | None:
    return begin(
        by=by,
        kind=kind,
        organisation=application.organisation,
        subject=application,
        description=text,
        properties={
            "applicationName": application.name,
            "userName": application.owner.get_username(),
            "applicationTier": application.policy,
        },
    )


def _subscription(by: User, row: Subscription, kind: Kind, text: str, **more: Any) -> Task | None:
    """The API's organisation decides: its plans and backends are used."""
    return begin(
        by=by,
        kind=kind,
        organisation=row.api.organisation,
        subject=row,
        description=text,
        properties={
            "apiName": row.api.name,
            "apiVersion": row.api.version,
            "apiContext": row.api.context,
            "subscriber": row.application.owner.get_username(),
            "applicationName": row.application.name,
            "subscriptionTier": row.plan,
            **more,
        },
    )
