"""/environments and the gateways that run there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_admin import Resource, as_list, as_object, identifier, listing, text, whole, wrong
from apim.errors import FieldError, Invalid, NotFound
from apim.eventhub.models import GatewayStatus
from apim.eventhub.queries import GONE_AFTER
from publisher.actions.environments import delete_environment, save_environment
from publisher.models import GatewayEnvironment
from publisher.vhosts import VirtualHost, usual, virtual_hosts

SEE, MANAGE = ("apim:admin", "apim:environment_read"), ("apim:admin", "apim:environment_manage")
_NAMES = {
    "display_name": "displayName", "kind": "type", "http_url": "vhosts[0].host", "https_url": "vhosts[0].host",
    "gateway_type": "gatewayType", "endpoint_uris": "endpointURIs", "additional_properties": "additionalProperties",
    "permission": "permissions.permissionType", "roles": "permissions.roles",
}  # fmt: skip
"""Our names of fields → the contract's."""


class Environments(Resource):
    """GET and POST."""

    see, manage = SEE, MANAGE

    def get(self, request: Request) -> Response:
        """Those of the organisation."""
        return listing(GatewayEnvironment.objects.filter(organisation=request.user.organisation), environment)

    def post(self, request: Request) -> Response:
        """Add one; its first virtual host is the usual one."""
        body = self.body()
        name, fields = text(body, "name"), fields_of(body, None)
        with contract_names():
            made = save_environment(by=request.user, organisation=request.user.organisation, name=name, **fields)
        return Response(environment(made), 201, headers={"Location": f"/environments/{made.pk}"})


class OneEnvironment(Resource):
    """PUT and DELETE."""

    see, manage = SEE, MANAGE

    def current(self, request: Request, **kwargs: Any) -> Any:
        """As it stands in the list."""
        return environment(own(request, kwargs["environment_id"]))

    def put(self, request: Request, environment_id: str) -> Response:
        """Change it; the name stays, as gateways are started with it."""
        row, body = own(request, environment_id), self.body()
        if text(body, "name") != row.name:
            raise wrong("name", f"must stay {row.name}: gateways are started with it")
        fields = fields_of(body, row)
        with contract_names():
            changed = save_environment(
                by=request.user, organisation=row.organisation, name=row.name, environment=row, **fields
            )
        return Response(environment(changed))

    def delete(self, request: Request, environment_id: str) -> Response:
        """Delete it, unless APIs run there."""
        delete_environment(by=request.user, environment=own(request, environment_id))
        return Response(status=200)


class Gateways(Resource):
    """GET of the gateway workers of an environment."""

    see = SEE

    def get(self, request: Request, environment_id: str) -> Response:
        """Those that reported within the last day."""
        rows = GatewayStatus.objects.filter(environment=own(request, environment_id).name)
        return listing(rows, gateway)


def own(request: Request, environment_id: str) -> GatewayEnvironment:
    """The organisation's environment of that id. Raises NotFound."""
    rows = GatewayEnvironment.objects.filter(organisation=request.user.organisation).select_related("organisation")
    found = rows.filter(pk=identifier(environment_id, "environment")).first()
    if found is None:
        raise NotFound(f"There is no environment {environment_id[:100]!r}.")
    return found


def environment(row: GatewayEnvironment) -> dict[str, Any]:
    """An environment as the contract has it; `type` is what the publisher's contract calls it."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "displayName": row.display_name or row.name,
        "description": row.description,
        "type": row.kind,
        "provider": row.provider,
        "gatewayType": row.gateway_type,
        "isReadOnly": False,
        "vhosts": [_vhost(one) for one in virtual_hosts(row)],
        "endpointURIs": row.endpoint_uris,
        "additionalProperties": row.additional_properties,
        "permissions": {"permissionType": row.permission, "roles": row.roles},
    }


def gateway(row: GatewayStatus) -> dict[str, Any]:
    """A gateway worker as the contract has it."""
    gone = (timezone.now() - row.seen).total_seconds() > GONE_AFTER
    return {
        "gatewayId": row.gateway,
        "lastActive": row.seen.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": "EXPIRED" if gone else "ACTIVE",
    }


def fields_of(body: dict[str, Any], row: GatewayEnvironment | None) -> dict[str, Any]:
    """The columns of what was sent; what was left out of a change stays. Raises Invalid naming the place."""
    hosts = [_host(one, place) for place, one in enumerate(as_list(body.get("vhosts"), "vhosts"))]
    if not hosts:
        raise wrong("vhosts", "name at least one")
    first = next((one for one in hosts if row is not None and one["host"] == usual(row).host), hosts[0])
    main = VirtualHost(first["host"], first["http_port"], first["https_port"], first["context"])
    permissions = as_object(body.get("permissions") or {}, "permissions")
    given = {
        "display_name": body.get("displayName") or body["name"],
        "description": body.get("description") or "",
        "http_url": main.http,
        "https_url": main.https,
        "vhosts": [one for one in hosts if one is not first],
        "kind": body.get("type"),
        "provider": body.get("provider"),
        "gateway_type": body.get("gatewayType"),
        "endpoint_uris": body.get("endpointURIs"),
        "additional_properties": body.get("additionalProperties"),
        "permission": permissions.get("permissionType"),
        "roles": permissions.get("roles"),
    }
    return {name: value for name, value in given.items() if value is not None}


@contextmanager
def contract_names() -> Iterator[None]:
    """Mistakes are told with the contract's names of fields."""
    try:
        yield
    except Invalid as error:
        fields = [FieldError(_place(one.field), one.message) for one in error.fields]
        raise Invalid(f"{fields[0].field}: {fields[0].message}" if fields else error.description, fields) from error


def _place(field: str) -> str:
    head = next((name for name in _NAMES if field == name or field.startswith(f"{name}[")), "")
    return _NAMES[head] + field[len(head) :] if head else field


def _host(value: Any, number: int) -> dict[str, Any]:
    place = f"vhosts[{number}]"
    one = as_object(value, place)
    context = text(one, "httpContext", place, "").strip("/ ")
    made = {
        "host": text(one, "host", place),
        "http_port": whole(one, "httpPort", place, 80),
        "https_port": whole(one, "httpsPort", place, 443),
        "context": f"/{context}" if context else "",
    }
    for ours, theirs in (("ws_port", "wsPort"), ("wss_port", "wssPort")):
        if one.get(theirs) is not None:
            made[ours] = whole(one, theirs, place)
    return made


def _vhost(one: VirtualHost) -> dict[str, Any]:
    return {
        "host": one.host,
        "httpContext": one.context.strip("/"),
        "httpPort": one.http_port,
        "httpsPort": one.https_port,
        "wsPort": one.ws_port,
        "wssPort": one.wss_port,
    }
