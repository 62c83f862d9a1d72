"""Row locks that put two changes of one application or subscription in order."""

from __future__ import annotations

from apim.errors import NotFound
from apim.eventhub.publish import take_turn
from portal.models import Application, Subscription


def locked_application(application: Application) -> Application:
    """The application as it is now, ours until the transaction ends. Raises NotFound when it is gone."""
    take_turn()
    rows = Application.objects.select_for_update(of=("self",)).select_related("organisation", "owner")
    found = rows.filter(pk=application.pk).first()
    if found is None:
        raise NotFound(f"There is no application {application.pk}.")
    return found


def locked_subscription(subscription: Subscription) -> Subscription:
    """The subscription as it is now, ours until the transaction ends. Raises NotFound when it is gone."""
    take_turn()
    rows = Subscription.objects.select_for_update(of=("self",)).filter(pk=subscription.pk)
    found = rows.select_related(
        "organisation", "api__organisation", "application__owner", "application__organisation"
    ).first()
    if found is None:
        raise NotFound(f"There is no subscription {subscription.pk}.")
    return found
