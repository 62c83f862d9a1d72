"""/settings: what a client of the admin contract must know about the installation."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_admin import Resource
from apim.configuration.scopes import system_scopes
from apim.keymanager import connectors


class Settings(Resource):
    """GET."""

    see = ("apim:admin", "apim:admin_settings")

    def get(self, request: Request) -> Response:
        """Scopes of this contract, kinds of gateways, and the kinds of key managers with what each asks for."""
        return Response(
            {
                "scopes": [one.name for one in system_scopes().values() if one.section == "admin"],
                "gatewayTypes": ["Regular"],
                "keyManagerConfiguration": connectors.configurations(),
                "analyticsEnabled": False,
            }
        )
