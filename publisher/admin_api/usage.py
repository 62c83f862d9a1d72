"""/monetization/publish-usage and its status."""

from __future__ import annotations

from datetime import datetime

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_admin import Resource
from publisher import hooks
from publisher.actions.usage import publish_usage
from publisher.models import UsagePublication

MANAGE = ("apim:admin", "apim:monetization_usage_publish")


class PublishUsage(Resource):
    """POST."""

    manage = MANAGE

    def post(self, request: Request) -> Response:
        """Let the billing engines take the usage; says so where there is none."""
        row = publish_usage(by=request.user, organisation=request.user.organisation)
        engine = "" if hooks.has_billing() else " No billing engine is registered."
        return Response({"status": "successfull", "message": f"{row.records} usage records were published.{engine}"})


class UsageStatus(Resource):
    """GET."""

    see = MANAGE

    def get(self, request: Request) -> Response:
        """The last publication."""
        row = UsagePublication.objects.filter(organisation=request.user.organisation).first()
        if row is None:
            return Response({"state": "NOT_STARTED", "status": "", "startedTime": "", "lastPublsihedTime": ""})
        shown = {"state": row.state, "status": row.status}
        return Response({**shown, "startedTime": _time(row.started), "lastPublsihedTime": _time(row.published)})


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
