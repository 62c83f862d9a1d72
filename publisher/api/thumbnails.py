"""GET and PUT /apis/{apiId}/thumbnail and /api-products/{apiProductId}/thumbnail."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid
from publisher.actions.thumbnails import put_thumbnail, thumbnail_answer, thumbnail_etag, thumbnail_of
from publisher.api.base import Resource, tagged
from publisher.api.products import ProductResource
from publisher.pictures import MOST_BYTES


class ApiThumbnail(Resource):
    """The picture of an API."""

    scopes = {
        "GET": ("apim:api_view", "apim:api_manage"),
        "PUT": ("apim:api_create", "apim:api_manage", "apim:api_publish"),
    }
    collection = "apis"

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Whatever `Accept` says: a picture has the type it has."""
        return super().perform_content_negotiation(request, force=True)

    def get(self, request: Request, api_id: str) -> HttpResponse | Response:
        """The picture, or 304."""
        picture = thumbnail_of(self.api(api_id))
        if self.has(thumbnail_etag(picture)):
            return Response(status=304, headers={"ETag": thumbnail_etag(picture)})
        return thumbnail_answer(picture)

    def put(self, request: Request, api_id: str) -> Response:
        """Another picture, in the form field `file`."""
        api, upload = self.api(api_id), request.data.get("file") if isinstance(request.data, dict) else None
        if not hasattr(upload, "read"):
            raise Invalid("file: send a picture as multipart/form-data.", [FieldError("file", "Is required.")])
        content = upload.read(MOST_BYTES + 1)
        picture = put_thumbnail(by=request.user, api=api, content=content, expected=self.if_match())
        place = f"{self.collection}/{api.pk}/thumbnail"
        body = {"relativePath": place, "mediaType": picture.media_type}
        return tagged(request, body, thumbnail_etag(picture), headers={"Location": f"/{place}"})


class ProductThumbnail(ProductResource, ApiThumbnail):
    """The picture of an API product."""

    scopes = {
        "GET": ("apim:api_view", "apim:api_publish", "apim:api_manage"),
        "PUT": ("apim:api_publish", "apim:api_manage"),
    }
    collection = "api-products"
