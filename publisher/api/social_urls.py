"""Addresses of what people read and say about APIs, below /api/am/publisher/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path

from publisher.api import comments, documents, monetization, thumbnails

API, PRODUCT = "apis/<str:api_id>", "api-products/<str:api_id>"
urlpatterns = [
    path(f"{API}/monetize", monetization.Monetize.as_view()),
    path(f"{API}/monetization", monetization.Monetization.as_view()),
    path(f"{API}/revenue", monetization.Revenue.as_view()),
    path(f"{API}/thumbnail", thumbnails.ApiThumbnail.as_view()),
    path(f"{PRODUCT}/thumbnail", thumbnails.ProductThumbnail.as_view()),
    path(f"{API}/comments", comments.Comments.as_view()),
    path(f"{API}/comments/<str:comment_id>", comments.OneComment.as_view()),
    path(f"{API}/comments/<str:comment_id>/replies", comments.Replies.as_view()),
    path(f"{API}/documents", documents.Documents.as_view()),
    path(f"{API}/documents/validate", documents.ValidateDocument.as_view()),
    path(f"{API}/documents/<str:document_id>", documents.OneDocument.as_view()),
    path(f"{API}/documents/<str:document_id>/content", documents.DocumentContent.as_view()),
    path(f"{PRODUCT}/documents", documents.ProductDocuments.as_view()),
    path(f"{PRODUCT}/documents/<str:document_id>", documents.OneProductDocument.as_view()),
    path(f"{PRODUCT}/documents/<str:document_id>/content", documents.ProductDocumentContent.as_view()),
]
