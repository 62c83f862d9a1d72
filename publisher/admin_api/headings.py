"""/api-categories and /labels."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_admin import Resource, identifier, listing, named, text
from apim.errors import NotFound
from publisher.actions.headings import delete_category, delete_label, save_category, save_label
from publisher.models import ApiCategory, Label

OPERATIONS = ("apim:admin", "apim:admin_operations")
SEE_LABELS, MANAGE_LABELS = ("apim:admin", "apim:label_read"), ("apim:admin", "apim:label_manage")


class Categories(Resource):
    """GET and POST."""

    see = manage = OPERATIONS

    def get(self, request: Request) -> Response:
        """Those of the organisation, each with the number of its APIs."""
        return listing(_categories(request), category)

    def post(self, request: Request) -> Response:
        """Add one."""
        body = self.body()
        made = save_category(by=request.user, organisation=request.user.organisation, **_given(body))
        return Response(category(made), 201, headers={"Location": f"/api-categories/{made.pk}"})


class OneCategory(Resource):
    """PUT and DELETE."""

    see = manage = OPERATIONS

    def current(self, request: Request, **kwargs: Any) -> Any:
        """As it stands in the list."""
        return category(self.category(kwargs["category_id"]))

    def put(self, request: Request, category_id: str) -> Response:
        """Change it."""
        row = self.category(category_id)
        changed = save_category(by=request.user, organisation=row.organisation, category=row, **_given(self.body()))
        return Response(category(changed))

    def delete(self, request: Request, category_id: str) -> Response:
        """Delete it, unless APIs are in it."""
        delete_category(by=request.user, category=self.category(category_id))
        return Response(status=200)

    def category(self, category_id: str) -> ApiCategory:
        """The organisation's category of that id. Raises NotFound."""
        found = _categories(self.request).filter(pk=identifier(category_id, "category")).first()
        if found is None:
            raise NotFound(f"There is no category {category_id[:100]!r}.")
        return found


class Labels(Resource):
    """GET and POST."""

    see, manage = SEE_LABELS, MANAGE_LABELS

    def get(self, request: Request) -> Response:
        """Those of the organisation."""
        return listing(Label.objects.filter(organisation=request.user.organisation), label)

    def post(self, request: Request) -> Response:
        """Add one."""
        body = self.body()
        with named(_contract):
            made = save_label(by=request.user, organisation=request.user.organisation, **_given_label(body))
        return Response(label(made), 201, headers={"Location": f"/labels/{made.pk}"})


class OneLabel(Resource):
    """PUT and DELETE."""

    see, manage = SEE_LABELS, MANAGE_LABELS

    def current(self, request: Request, **kwargs: Any) -> Any:
        """As it stands in the list."""
        return label(self.label(kwargs["label_id"]))

    def put(self, request: Request, label_id: str) -> Response:
        """Change it."""
        row, body = self.label(label_id), self.body()
        with named(_contract):
            changed = save_label(by=request.user, organisation=row.organisation, label=row, **_given_label(body))
        return Response(label(changed))

    def delete(self, request: Request, label_id: str) -> Response:
        """Delete it."""
        delete_label(by=request.user, label=self.label(label_id))
        return Response(status=200)

    def label(self, label_id: str) -> Label:
        """The organisation's label of that id. Raises NotFound."""
        rows = Label.objects.filter(organisation=self.request.user.organisation).select_related("organisation")
        found = rows.filter(pk=identifier(label_id, "label")).first()
        if found is None:
            raise NotFound(f"There is no label {label_id[:100]!r}.")
        return found


def category(row: ApiCategory) -> dict[str, Any]:
    """A category as the contract has it."""
    count = getattr(row, "api_count", None)
    number = row.apis.count() if count is None else count
    return {"id": str(row.pk), "name": row.name, "description": row.description, "numberOfAPIs": number}


def label(row: Label) -> dict[str, Any]:
    """A label as the contract has it."""
    return {"id": str(row.pk), "name": row.name, "description": row.description, "accessUrls": row.access_urls}


def _categories(request: Request) -> Any:
    rows = ApiCategory.objects.filter(organisation=request.user.organisation).select_related("organisation")
    return rows.annotate(api_count=Count("apis"))


def _given(body: dict[str, Any]) -> dict[str, Any]:
    return {"name": text(body, "name"), "description": body.get("description") or ""}


def _given_label(body: dict[str, Any]) -> dict[str, Any]:
    return _given(body) | {"access_urls": body.get("accessUrls") or []}


def _contract(field: str) -> str:
    return field.replace("access_urls", "accessUrls")
