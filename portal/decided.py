"""What happens when a request about an application, key or subscription was decided: it is carried out, or put back.

Each runs in the transaction of the decision. What is gone by then is left alone: its owner removed it in the meantime.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db.models import Model

from apim.accounts import audit
from apim.accounts.models import User
from apim.keymanager.actions.remote_clients import elsewhere
from apim.keymanager.models import RemoteClient
from apim.workflows.models import Kind, Task
from apim.workflows.registry import Step, handles
from portal.actions import applications, keys, subscriptions
from portal.actions.remote_keys import client_for
from portal.models import Application, ApplicationKey, ApplicationStatus, KeyState, Subscription, SubscriptionState
from portal.records import publish_application, publish_subscription

Row = TypeVar("Row", bound=Model)


def register() -> None:
    """Say who carries out what."""
    handles(Kind.APPLICATION_CREATION, approve_application, reject_application)
    handles(Kind.APPLICATION_DELETION, delete_application, keep_application)
    handles(Kind.PRODUCTION_KEY, make_keys, refuse_keys, prepared_keys)
    handles(Kind.SANDBOX_KEY, make_keys, refuse_keys, prepared_keys)
    handles(Kind.SUBSCRIPTION_CREATION, approve_subscription, reject_subscription)
    handles(Kind.SUBSCRIPTION_UPDATE, change_plan, keep_plan)
    handles(Kind.SUBSCRIPTION_DELETION, end_subscription, keep_subscription)


def approve_application(task: Task) -> None:
    """Gateways learn of it; its owner may get keys."""
    _application_becomes(task, ApplicationStatus.APPROVED)


def reject_application(task: Task) -> None:
    """It stays visible as rejected until its owner deletes it."""
    _application_becomes(task, ApplicationStatus.REJECTED)


def delete_application(task: Task) -> None:
    """It goes with everything that hangs on it."""
    application = _locked(Application, task)
    if application is not None:
        applications.remove(_actor(task, application.owner), application)


def keep_application(task: Task) -> None:
    """It goes on as before."""
    _application_becomes(task, ApplicationStatus.APPROVED)


def make_keys(task: Task, client: RemoteClient | None = None) -> None:
    """The client is made, or is one that was made elsewhere; its secret is for the owner to ask for."""
    key = _locked(ApplicationKey, task)
    if key is not None:
        keys.complete(_actor(task, key.application.owner), key, client)


@contextmanager
def prepared_keys(task: Task) -> Iterator[Step]:
    """At a key manager elsewhere the client is made before anything is locked here."""
    rows = ApplicationKey.objects.select_related("key_manager__organisation", "application__owner")
    key = rows.filter(pk=task.subject_id).first()
    if key is None or not elsewhere(key.key_manager):
        yield make_keys
        return
    with client_for(key) as client:
        yield lambda row: make_keys(row, client)


def refuse_keys(task: Task) -> None:
    """The request stays visible as rejected until its owner clears it away."""
    key = _locked(ApplicationKey, task)
    if key is not None:
        key.state = KeyState.REJECTED
        key.save(update_fields=["state"])
        audit.record(_actor(task, key.application.owner), "key.rejected", key.application, after={"state": key.state})


def approve_subscription(task: Task) -> None:
    """Calls pass."""
    _subscription_becomes(task, SubscriptionState.UNBLOCKED)


def reject_subscription(task: Task) -> None:
    """Calls are refused; the row stays visible until its owner removes it."""
    _subscription_becomes(task, SubscriptionState.REJECTED)


def change_plan(task: Task) -> None:
    """The plan that was asked for counts from now on."""
    row = _locked(Subscription, task)
    if row is not None:
        subscriptions.settle(_actor(task, row.application.owner), row, plan=row.requested_plan)


def keep_plan(task: Task) -> None:
    """The old plan goes on."""
    row = _locked(Subscription, task)
    if row is not None:
        subscriptions.settle(_actor(task, row.application.owner), row)


def end_subscription(task: Task) -> None:
    """It ends."""
    row = _locked(Subscription, task)
    if row is not None:
        subscriptions.end(_actor(task, row.application.owner), row)


keep_subscription = keep_plan
"""It goes on as before."""


def _application_becomes(task: Task, status: ApplicationStatus) -> None:
    application = _locked(Application, task)
    if application is None:
        return
    before, application.status = application.status, status
    application.save(update_fields=["status", "updated"])
    by = _actor(task, application.owner)
    audit.record(by, "application.set_status", application, before={"status": before}, after={"status": str(status)})
    publish_application(application)


def _subscription_becomes(task: Task, state: SubscriptionState) -> None:
    row = _locked(Subscription, task)
    if row is None:
        return
    before, row.state = row.state, state
    row.save(update_fields=["state", "updated"])
    by = _actor(task, row.application.owner)
    audit.record(by, "subscription.set_state", row, before={"state": before}, after={"state": str(state)})
    publish_subscription(row)


def _locked(model: type[Row], task: Task) -> Row | None:
    return model._default_manager.select_for_update(of=("self",)).filter(pk=task.subject_id).first()


def _actor(task: Task, owner: User) -> User:
    """In whose name it is done: who asked, else the owner. Who decided is in the decision's own audit row."""
    return task.requester or owner
