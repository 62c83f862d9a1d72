"""Dynamic client registration v0.17 as WSO2's REST clients use it: a log-in with a user's password gives a client."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BooleanField, CharField, Serializer
from rest_framework.views import APIView

from apim.accounts.rest import BasicAuthentication
from apim.keymanager.actions.registration import register_client
from apim.keymanager.models import OAuthClient


class RegistrationFields(Serializer):
    """The body of a registration."""

    clientName = CharField(max_length=200)  # noqa: N815 - the contract's spelling
    owner = CharField(max_length=254, required=False, allow_blank=True)
    grantType = CharField(max_length=500, default="password refresh_token client_credentials")  # noqa: N815
    callbackUrl = CharField(max_length=2000, required=False, allow_blank=True)  # noqa: N815
    saasApp = BooleanField(required=False)  # noqa: N815
    tokenType = CharField(required=False)  # noqa: N815


class RegistrationView(APIView):
    """`/client-registration/v0.17/register`."""

    authentication_classes = [BasicAuthentication]
    permission_classes = [IsAuthenticated]

    def post(self, request: Request) -> Response:
        """Register a client for the caller and answer its credentials."""
        fields = RegistrationFields(data=request.data)
        fields.is_valid(raise_exception=True)
        given = fields.validated_data
        client, secret = register_client(
            by=request.user,
            name=given["clientName"],
            owner=given.get("owner", ""),
            grant_types=given["grantType"].split(),
            callback_url=given.get("callbackUrl", ""),
        )
        return Response(_answer(client, secret), headers={"Cache-Control": "no-store"})


def _answer(client: OAuthClient, secret: str) -> dict[str, Any]:
    attributes = {
        "redirect_uris": client.redirect_uris,
        "grant_types": " ".join(client.grant_types),
        "client_name": client.name,
    }
    return {
        "clientId": client.client_id,
        "clientName": client.name,
        "clientSecret": secret,
        "callBackURL": client.redirect_uris,
        "isSaasApplication": False,
        "appOwner": client.user.get_username(),
        "tokenType": "JWT",
        "jsonString": json.dumps(attributes),
        "jsonAppAttribute": "{}",
    }
