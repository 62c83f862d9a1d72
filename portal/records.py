"""Turns the portal's rows into the records that gateways load; the one place that knows both forms."""

from __future__ import annotations

from apim.eventhub.publish import publish
from apim.keymanager.models import RESIDENT
from gateway import schema
from portal.models import Application, ApplicationKey, ApplicationStatus, Subscription, SubscriptionState


def application_record(application: Application) -> schema.Application:
    """The application as gateways see it."""
    return schema.Application(
        id=str(application.pk),
        organisation=application.organisation.domain,
        name=application.name,
        owner=application.owner.get_username(),
        policy=application.policy,
    )


def key_manager_of(key: ApplicationKey) -> str:
    """Whose tokens the key's client gets: ours when the client is ours, whatever tokens it may exchange for them."""
    manager = key.key_manager
    return manager.key if key.client_id is None else f"{manager.organisation.domain}:{RESIDENT}"


def key_record(key: ApplicationKey) -> schema.Key:
    """The OAuth client as gateways see it: it leads from a token to its application."""
    return schema.Key(
        client_id=key.consumer_key,
        key_manager=key_manager_of(key),
        application=str(key.application_id),
        key_type=str(key.key_type),
    )


def subscription_record(subscription: Subscription) -> schema.Subscription:
    """The subscription as gateways see it: while a change waits, what it was before counts (reference A9)."""
    waits = subscription.state in (SubscriptionState.TIER_UPDATE_PENDING, SubscriptionState.DELETE_PENDING)
    state = (subscription.state_before or SubscriptionState.UNBLOCKED) if waits else subscription.state
    return schema.Subscription(
        id=str(subscription.pk),
        api=str(subscription.api_id),
        application=str(subscription.application_id),
        plan=subscription.plan,
        state=str(state),
    )


def publish_application(application: Application, *, deleted: bool = False) -> None:
    """Tell gateways of `application`, or that it is gone. They do not know one that nobody has approved."""
    if not deleted and application.status not in (ApplicationStatus.APPROVED, ApplicationStatus.DELETE_PENDING):
        return
    record = None if deleted else application_record(application)
    publish("application", str(application.pk), record, organisation=application.organisation.domain)


def publish_key(key: ApplicationKey, *, deleted: bool = False) -> None:
    """Tell gateways of `key`, or that it is gone."""
    name = f"{key_manager_of(key)}:{key.consumer_key}"
    publish("key", name, None if deleted else key_record(key), organisation=key.application.organisation.domain)


def publish_subscription(subscription: Subscription, *, deleted: bool = False) -> None:
    """Tell gateways of `subscription`, or that it is gone."""
    record = None if deleted else subscription_record(subscription)
    publish("subscription", str(subscription.pk), record, organisation=subscription.organisation.domain)
