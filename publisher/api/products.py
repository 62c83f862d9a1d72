"""/api-products: list, create, read, change, delete, outdated; their revisions, deployments and life cycle are those of APIs."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid, NotFound
from publisher import products, queries
from publisher.actions.access import etag
from publisher.actions.apis import copy_api, delete_api
from publisher.actions.products import create_product, update_product
from publisher.api import definitions, lifecycle, revisions
from publisher.api.base import Resource, body_of, tagged
from publisher.api.places import contract_places
from publisher.api.shapes import products as shapes
from publisher.models import Api
from publisher.search import matching

FIRST_VERSION = "1.0.0"
"""The version of a product whose creator names none: products had none in the original's first releases."""


class ProductResource(Resource):
    """A resource below /api-products: only products are found there."""

    def api(self, identifier: Any) -> Api:
        """The caller's product with that id. Raises NotFound."""
        found = queries.api(self.request.user, identifier)
        if found.kind != products.PRODUCT:
            raise NotFound(f"There is no API product {str(identifier)[:80]}.")
        return found

    def answer(self, product: Api, status: int = 200) -> Response:
        """The whole product with its entity tag."""
        headers = {"Location": f"/api-products/{product.pk}"} if status == 201 else {}
        return tagged(self.request, shapes.full(product), etag(product), status, headers)


class Products(ProductResource):
    """GET and POST /api-products."""

    def get(self, request: Request) -> Response:
        """The organisation's products that match `query`."""
        found = matching(queries.listed(request.user).filter(kind=products.PRODUCT), self.word("query"))
        return self.page(found.order_by("name", "version", "pk"), shapes.summary)

    def post(self, request: Request) -> Response:
        """A new product of resources of several APIs."""
        body = body_of(request)
        identity = {
            "name": body.get("name"),
            "context": body.get("context"),
            "version": body.get("version") or FIRST_VERSION,
        }
        fields = {"resources": None, **shapes.changes(body)}
        with contract_places():
            product = create_product(by=request.user, **identity, **fields)
        return self.answer(self.api(product.pk), 201)


class OneProduct(ProductResource):
    """GET, PUT and DELETE /api-products/{apiProductId}."""

    def get(self, request: Request, api_id: str) -> Response:
        """The product, or 304."""
        return self.answer(self.api(api_id))

    def put(self, request: Request, api_id: str) -> Response:
        """Change what the body names; name, version and context stay."""
        product, body = self.api(api_id), body_of(request)
        _require_same(product, body)
        with contract_places():
            update_product(by=request.user, product=product, expected=self.if_match(), **shapes.changes(body, product))
        return self.answer(self.api(api_id))

    def delete(self, request: Request, api_id: str) -> Response:
        """Delete the product; 409 while it has subscriptions."""
        delete_api(by=request.user, api=self.api(api_id), expected=self.if_match())
        return Response(status=200)


class Outdated(ProductResource):
    """GET /api-products/{apiProductId}/is-outdated."""

    def get(self, request: Request, api_id: str) -> Response:
        """Whether an API of the product changed since the product's last revision."""
        return tagged(request, {"isOutdated": products.is_outdated(self.api(api_id))})


class CopyProduct(ProductResource):
    """POST /api-products/copy-api-products."""

    def post(self, request: Request) -> Response:
        """A new version of the product `apiProductId`."""
        source = self.api(self.word("apiProductId") or self.required("apiproductId"))
        version, default = self.required("newVersion"), self.switch("defaultVersion")
        with contract_places():
            copy = copy_api(by=request.user, api=source, version=version, default_version=default)
        return self.answer(self.api(copy.pk), 201)


class Swagger(ProductResource, definitions.Swagger):
    """GET /api-products/{apiProductId}/swagger; the definition follows from the resources."""

    http_method_names = ["get", "head", "options"]


class Revisions(ProductResource, revisions.Revisions):
    """GET and POST /api-products/{apiProductId}/revisions."""


class OneRevision(ProductResource, revisions.OneRevision):
    """GET and DELETE /api-products/{apiProductId}/revisions/{revisionId}."""


class Deployments(ProductResource, revisions.Deployments):
    """GET /api-products/{apiProductId}/deployments."""


class OneDeployment(ProductResource, revisions.OneDeployment):
    """PUT /api-products/{apiProductId}/deployments/{deploymentId}."""


class Deploy(ProductResource, revisions.Deploy):
    """POST /api-products/{apiProductId}/deploy-revision."""

    done = 201


class Undeploy(ProductResource, revisions.Undeploy):
    """POST /api-products/{apiProductId}/undeploy-revision."""


class Restore(ProductResource, revisions.Restore):
    """POST /api-products/{apiProductId}/restore-revision."""

    def post(self, request: Request, api_id: str) -> Response:
        """Bring the design back to `revisionId`."""
        super().post(request, api_id)
        return self.answer(self.api(api_id), 201)


class ChangeLifecycle(ProductResource, lifecycle.ChangeLifecycle):
    """POST /api-products/change-lifecycle."""


class LifecycleState(ProductResource, lifecycle.LifecycleState):
    """GET /api-products/{apiProductId}/lifecycle-state."""


class PendingTasks(ProductResource, lifecycle.PendingTasks):
    """GET and DELETE /api-products/{apiProductId}/lifecycle-state/pending-tasks."""


class LifecycleHistory(ProductResource, lifecycle.LifecycleHistory):
    """GET /api-products/{apiProductId}/lifecycle-history."""


def _require_same(product: Api, body: dict[str, Any]) -> None:
    prefix = product.organisation.prefix
    known = {
        "name": {product.name},
        "version": {product.version},
        "context": {product.context, prefix + product.context, f"{prefix}{product.context}/{product.version}"},
    }
    for name, now in known.items():
        if body.get(name) not in (None, "", *now):
            message = f"{name} cannot be changed; it is {getattr(product, name)!r}."
            raise Invalid(message, [FieldError(name, message)])
