"""/apis/{apiId}/documents and /api-products/{apiProductId}/documents: what they are, and their content."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import FieldError, Invalid, NotFound
from publisher import documents
from publisher.actions import documents as actions
from publisher.api.base import Resource, body_of, renamed, tagged
from publisher.api.products import ProductResource
from publisher.api.shapes import documents as shapes
from publisher.checks.documents import MOST_BYTES
from publisher.models import Document

VIEW = ("apim:api_view", "apim:api_manage", "apim:document_manage")
CREATE = ("apim:api_create", "apim:api_manage", "apim:document_create", "apim:document_manage")
CHANGE = ("apim:api_create", "apim:api_manage", "apim:document_manage")
PRODUCT_VIEW = ("apim:api_view", "apim:api_publish", "apim:api_manage")
PRODUCT_CHANGE = ("apim:api_publish", "apim:api_manage")


class Documents(Resource):
    """GET and POST …/documents."""

    scopes = {"GET": VIEW, "POST": CREATE}

    def get(self, request: Request, api_id: str) -> Response:
        """The API's documents."""
        return self.page(documents.documents(self.api(api_id)), shapes.shown)

    def post(self, request: Request, api_id: str) -> Response:
        """A new document, whose content follows. Text may come along as `inlineContent`."""
        body = body_of(request)
        api = self.api(api_id)
        with renamed(shapes.FIELDS):
            document = actions.create_document(by=request.user, api=api, **shapes.given(body, new=True))
            if body.get("inlineContent"):
                document = actions.write_document(by=request.user, document=document, text=body["inlineContent"])
        place = f"{request.path.partition('/publisher/v4')[2].rstrip('/')}/{document.pk}"
        return _answer(request, document, 201, {"Location": place})


class OneDocument(Resource):
    """GET, PUT and DELETE …/documents/{documentId}."""

    scopes = {"GET": VIEW, "PUT": CHANGE, "DELETE": CHANGE}

    def get(self, request: Request, api_id: str, document_id: str) -> Response:
        """The document without its content, or 304."""
        return _answer(request, documents.one(documents.documents(self.api(api_id)), document_id))

    def put(self, request: Request, api_id: str, document_id: str) -> Response:
        """Change what it is."""
        document = documents.one(self.api(api_id).documents.all(), document_id)
        with renamed(shapes.FIELDS):
            changes = shapes.given(body_of(request))
            document = actions.update_document(by=request.user, document=document, expected=self.if_match(), **changes)
        return _answer(request, document)

    def delete(self, request: Request, api_id: str, document_id: str) -> Response:
        """Delete it with its content."""
        document = documents.one(self.api(api_id).documents.all(), document_id)
        actions.delete_document(by=request.user, document=document, expected=self.if_match())
        return Response(status=200)


class DocumentContent(Resource):
    """GET and POST …/documents/{documentId}/content."""

    scopes = {"GET": VIEW, "POST": CREATE}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Whatever `Accept` says: the content has the type it has."""
        return super().perform_content_negotiation(request, force=True)

    def get(self, request: Request, api_id: str, document_id: str) -> HttpResponse | Response:
        """The text, the file, or a redirection to the address."""
        document = documents.one(self.api(api_id).documents.all(), document_id)
        tag = actions.document_etag(document)
        if self.has(tag):
            return Response(status=304, headers={"ETag": tag})
        answer = documents.content(document)
        answer["ETag"] = tag
        return answer

    def post(self, request: Request, api_id: str, document_id: str) -> Response:
        """The content: `file` for a document of source FILE, `inlineContent` for INLINE and MARKDOWN."""
        document = documents.one(self.api(api_id).documents.all(), document_id)
        upload, text = request.data.get("file"), request.data.get("inlineContent")
        if (upload is None) == (text is None):
            message = "Send either file or inlineContent."
            raise Invalid(message, [FieldError("file", message)])
        shared = {"by": request.user, "document": document, "expected": self.if_match()}
        if text is not None:
            return _answer(request, actions.write_document(text=_text(text), **shared))
        if not hasattr(upload, "read"):
            raise Invalid("file: is no file.", [FieldError("file", "Send a file as multipart/form-data.")])
        content = upload.read(MOST_BYTES + 1)
        return _answer(request, actions.upload_document(name=upload.name, content=content, **shared))


class ValidateDocument(Resource):
    """POST /apis/{apiId}/documents/validate."""

    scopes = {"POST": (*CHANGE, "apim:document_create")}

    def post(self, request: Request, api_id: str) -> Response:
        """200 when the API has a document called `name`, else 404."""
        api, name = self.api(api_id), self.required("name")
        if not api.documents.filter(name=name).exists():
            raise NotFound(f"{api} has no document {name[:80]!r}.")
        return Response(status=200)


class ProductDocuments(ProductResource, Documents):
    """GET and POST /api-products/{apiProductId}/documents."""

    scopes = {"GET": PRODUCT_VIEW, "POST": PRODUCT_CHANGE}


class OneProductDocument(ProductResource, OneDocument):
    """GET, PUT and DELETE /api-products/{apiProductId}/documents/{documentId}."""

    scopes = {"GET": PRODUCT_VIEW, "PUT": PRODUCT_CHANGE, "DELETE": PRODUCT_CHANGE}


class ProductDocumentContent(ProductResource, DocumentContent):
    """GET and POST /api-products/{apiProductId}/documents/{documentId}/content."""

    scopes = {"GET": PRODUCT_VIEW, "POST": PRODUCT_CHANGE}


def _text(given: Any) -> Any:
    """The text of a form field, which some clients send as a file."""
    return given.read(MOST_BYTES + 1).decode("utf-8", "replace") if hasattr(given, "read") else given


def _answer(request: Request, document: Document, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    moment = document.updated.strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"Last-Modified": moment, **(headers or {})}
    return tagged(request, shapes.shown(document), actions.document_etag(document), status, headers)
