"""Documents of APIs and API products."""

from __future__ import annotations

from typing import Any

from publisher.actions.documents import create_document, upload_document, write_document
from publisher.actions.products import create_product
from publisher.models import Api, Document
from tests.contracts.harness import Answer, case
from tests.contracts.world import World

BODY = {
    "name": "Guide",
    "type": "HOWTO",
    "summary": "How to call it",
    "sourceType": "INLINE",
    "visibility": "API_LEVEL",
}


def product(w: World) -> Api:
    api = w.api()
    resources = [{"api": str(api.pk), "operations": [{"verb": "GET", "target": "/*"}]}]
    return create_product(by=w.user, name="Bundle", context="/bundle", version="1.0.0", resources=resources)


def document(w: World, api: Api | None = None, **fields: Any) -> Document:
    usual = {"name": "Guide", "kind": "HOWTO", "source": "INLINE", "visibility": "API_LEVEL", "summary": "Read it"}
    made = create_document(by=w.user, api=api or w.api(), **usual | fields)
    return write_document(by=w.user, document=made, text="# Guide") if made.source != "FILE" else made


def place(row: Document, kind: str = "apis") -> str:
    return f"/{kind}/{row.api_id}/documents/{row.pk}"


@case("publisher", "getAPIDocuments")
def list_documents(w: World) -> Answer:
    return w.publisher.get(f"/apis/{document(w).api_id}/documents")


@case("publisher", "addAPIDocument")
def add_document(w: World) -> Answer:
    return w.publisher.post(f"/apis/{w.api().pk}/documents", BODY)


@case("publisher", "getAPIDocumentByDocumentId")
def one_document(w: World) -> Answer:
    return w.publisher.get(place(document(w)))


@case("publisher", "updateAPIDocument")
def change_document(w: World) -> Answer:
    return w.publisher.put(place(document(w)), BODY | {"summary": "Changed", "name": "Manual"})


@case("publisher", "deleteAPIDocument")
def delete_document(w: World) -> Answer:
    return w.publisher.delete(place(document(w)))


@case("publisher", "getAPIDocumentContentByDocumentId")
def document_content(w: World) -> Answer:
    row = document(w, source="FILE")
    upload_document(by=w.user, document=row, name="guide.pdf", content=b"%PDF-1.7")
    return w.publisher.get(f"{place(row)}/content", headers={"Accept": "application/octet-stream"})


@case("publisher", "addAPIDocumentContent")
def add_content(w: World) -> Answer:
    return w.publisher.post(f"{place(document(w))}/content", data={"inlineContent": "Text"})


@case("publisher", "validateDocument")
def validate_document(w: World) -> Answer:
    return w.publisher.post(f"/apis/{document(w).api_id}/documents/validate?name=Guide")


@case("publisher", "getAPIProductDocuments")
def list_product_documents(w: World) -> Answer:
    return w.publisher.get(f"/api-products/{document(w, product(w)).api_id}/documents")


@case("publisher", "addAPIProductDocument")
def add_product_document(w: World) -> Answer:
    return w.publisher.post(f"/api-products/{product(w).pk}/documents", BODY)


@case("publisher", "getAPIProductDocument")
def one_product_document(w: World) -> Answer:
    return w.publisher.get(place(document(w, product(w)), "api-products"))


@case("publisher", "updateAPIProductDocument")
def change_product_document(w: World) -> Answer:
    return w.publisher.put(place(document(w, product(w)), "api-products"), BODY | {"summary": "Changed"})


@case("publisher", "deleteAPIProductDocument")
def delete_product_document(w: World) -> Answer:
    return w.publisher.delete(place(document(w, product(w)), "api-products"))


@case("publisher", "getAPIProductDocumentContent")
def product_document_content(w: World) -> Answer:
    return w.publisher.get(f"{place(document(w, product(w)), 'api-products')}/content")


@case("publisher", "addAPIProductDocumentContent")
def add_product_content(w: World) -> Answer:
    row = document(w, product(w), source="FILE")
    return w.publisher.post(f"{place(row, 'api-products')}/content", files={"file": ("a.txt", b"text", "text/plain")})
