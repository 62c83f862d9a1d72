"""/alert-types, /alert-subscriptions and /bot-detection-data."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_admin import Resource, as_list, as_object, identifier, listing, strings, text
from apim.configuration import bots
from apim.configuration.actions import alerts as actions
from apim.configuration.alerts import ALERTS, BY_NAME, Alert
from apim.configuration.models import AlertSubscription, BotAlertSubscription

MANAGE = ("apim:admin", "apim:admin_alert_manage")


class AlertTypes(Resource):
    """GET of the alerts there are."""

    see = MANAGE

    def get(self, request: Request) -> Response:
        """All of them."""
        return Response({"count": len(ALERTS), "alerts": [_alert(one) for one in ALERTS]})


class AlertSubscriptions(Resource):
    """GET, PUT and DELETE of what the caller is mailed."""

    see = manage = MANAGE

    def get(self, request: Request) -> Response:
        """The caller's alerts and addresses."""
        return Response(_subscription(AlertSubscription.objects.filter(user=request.user).first()))

    def put(self, request: Request) -> Response:
        """Replace them."""
        body = self.body()
        places = enumerate(as_list(body.get("alerts"), "alerts"))
        names = [_named(as_object(one, f"alerts[{place}]"), f"alerts[{place}]") for place, one in places]
        row = actions.subscribe(by=request.user, alerts=names, emails=strings(body, "emailList"))
        return Response(_subscription(row))

    def delete(self, request: Request) -> Response:
        """No more alerts."""
        actions.unsubscribe(by=request.user)
        return Response(status=200)


class BotSubscriptions(Resource):
    """GET and POST of the addresses that are told of bots."""

    see = manage = MANAGE

    def get(self, request: Request) -> Response:
        """Those of the organisation."""
        return listing(BotAlertSubscription.objects.filter(organisation=request.user.organisation), _bot_subscription)

    def post(self, request: Request) -> Response:
        """Add one."""
        row = actions.subscribe_to_bots(
            by=request.user, organisation=request.user.organisation, email=text(self.body(), "email")
        )
        return Response(_bot_subscription(row))


class OneBotSubscription(Resource):
    """DELETE of one address."""

    manage = MANAGE

    def delete(self, request: Request, uuid: str) -> Response:
        """Tell it no more."""
        row = actions.own_bot_alert(request.user, identifier(uuid, "subscription"))
        actions.unsubscribe_from_bots(by=request.user, subscription=row)
        return Response(status=200)


class BotData(Resource):
    """GET of what looked like a bot."""

    see = ("apim:admin", "apim:bot_data")

    def get(self, request: Request) -> Response:
        """The newest sightings of the organisation."""
        return listing(bots.newest(request.user.organisation), bots.shown)


def _named(row: dict[str, Any], place: str) -> str:
    """The name in a row; the id does as well."""
    given = row.get("id")
    by_id = next((one.name for one in ALERTS if one.id == given), None)
    return by_id if by_id and not row.get("name") else text(row, "name", place)


def _alert(one: Alert) -> dict[str, str]:
    return {"id": one.id, "name": one.name, "description": one.description}


def _subscription(row: AlertSubscription | None) -> dict[str, Any]:
    if row is None:
        return {"alerts": [], "emailList": []}
    alerts = [{"id": BY_NAME[name].id, "name": name} for name in row.alerts if name in BY_NAME]
    return {"alerts": alerts, "emailList": row.emails}


def _bot_subscription(row: BotAlertSubscription) -> dict[str, str]:
    return {"uuid": str(row.pk), "email": row.email}
