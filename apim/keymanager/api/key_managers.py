"""/key-managers, /key-managers/{keyManagerId} and /key-managers/discover."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_admin import Resource, identifier, listing, named, text
from apim.errors import Conflict, NotFound
from apim.keymanager import discovery
from apim.keymanager.actions.key_managers import delete_key_manager, save_key_manager
from apim.keymanager.api import shapes
from apim.keymanager.models import KeyManager
from apim.keymanager.outbound import Unreachable

SCOPES = ("apim:admin", "apim:admin_operations")


class Managers(Resource):
    """A resource about key managers."""

    see = manage = SCOPES

    def manager(self, key_manager_id: str) -> KeyManager:
        """One of the caller's organisation. Raises NotFound."""
        rows = KeyManager.objects.filter(organisation=self.request.user.organisation).select_related("organisation")
        found = rows.filter(pk=identifier(key_manager_id, "key manager")).first()
        if found is None:
            raise NotFound(f"There is no key manager {key_manager_id}.")
        return found


class KeyManagers(Managers):
    """GET and POST."""

    def get(self, request: Request) -> Response:
        """Those of the caller's organisation."""
        return listing(KeyManager.objects.filter(organisation=request.user.organisation), shapes.info)

    def post(self, request: Request) -> Response:
        """Add one; 201 with its address."""
        body = self.body()
        row = KeyManager(organisation=request.user.organisation, name=text(body, "name").strip())
        if KeyManager.objects.filter(organisation=row.organisation, name=row.name).exists():
            raise Conflict(f"There is a key manager {row.name!r} already.")
        settings = shapes.fill(row, body)
        with named(shapes.renamed):
            saved = save_key_manager(by=request.user, manager=row, settings=settings)
        return Response(shapes.key_manager(saved), 201, headers={"Location": f"/key-managers/{saved.pk}"})


class OneKeyManager(Managers):
    """GET, PUT and DELETE of one."""

    def get(self, request: Request, key_manager_id: str) -> Response:
        """The key manager."""
        return Response(shapes.key_manager(self.manager(key_manager_id)))

    def put(self, request: Request, key_manager_id: str) -> Response:
        """Write all its members; masked secrets stay as they are."""
        row, body = self.manager(key_manager_id), self.body()
        if text(body, "name").strip() != row.name:
            raise Conflict(f"The name {row.name!r} stays: gateways and applications know it by that.")
        settings = shapes.fill(row, body)
        with named(shapes.renamed):
            saved = save_key_manager(by=request.user, manager=row, settings=settings)
        return Response(shapes.key_manager(saved))

    def delete(self, request: Request, key_manager_id: str) -> Response:
        """Accept its tokens no more."""
        delete_key_manager(by=request.user, manager=self.manager(key_manager_id))
        return Response(status=200)


class Discover(Managers):
    """POST: what a key manager says of itself; nothing is stored."""

    def post(self, request: Request) -> Response:
        """`valid` says whether the address could be read; `description`, our own addition, says why not."""
        body = dict(request.data.items()) if hasattr(request.data, "items") else {}
        kind = text(body, "type", default="")
        try:
            found = discovery.suggested(kind, text(body, "url").strip())
        except Unreachable as error:
            return Response({"valid": False, "description": str(error)})
        value = shapes.key_manager(found)
        value.pop("id")
        return Response({"valid": True, "value": value})
