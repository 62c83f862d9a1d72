"""Documents, pictures, ratings and comments of APIs in the portal."""

from __future__ import annotations

from portal.actions.comments import say
from portal.actions.ratings import rate
from publisher.models import Api, Comment, Document, Thumbnail
from tests.contracts.harness import Answer, case
from tests.contracts.world import World


def _document(w: World) -> Document:
    return Document.objects.create(
        api=w.published(), name="Guide", summary="How to", source="MARKDOWN", text="# Hello", created_by="admin"
    )


@case("devportal", "GET /apis/{apiId}/documents")
def documents(w: World) -> Answer:
    return w.devportal.get(f"/apis/{_document(w).api_id}/documents")


@case("devportal", "GET /apis/{apiId}/documents/{documentId}")
def one_document(w: World) -> Answer:
    document = _document(w)
    return w.devportal.get(f"/apis/{document.api_id}/documents/{document.pk}")


@case("devportal", "GET /apis/{apiId}/documents/{documentId}/content")
def document_content(w: World) -> Answer:
    document = _document(w)
    return w.devportal.get(f"/apis/{document.api_id}/documents/{document.pk}/content")


@case("devportal", "GET /apis/{apiId}/thumbnail")
def thumbnail(w: World) -> Answer:
    api = w.published()
    Thumbnail.objects.create(api=api, media_type="image/gif", content=b"GIF89a", digest="d" * 64)
    return w.devportal.get(f"/apis/{api.pk}/thumbnail")


def _rated(w: World) -> Api:
    api = w.published()
    rate(by=w.user, api=api, stars=4)
    return api


@case("devportal", "GET /apis/{apiId}/ratings")
def ratings(w: World) -> Answer:
    return w.devportal.get(f"/apis/{_rated(w).pk}/ratings")


@case("devportal", "GET /apis/{apiId}/user-rating")
def own_rating(w: World) -> Answer:
    return w.devportal.get(f"/apis/{_rated(w).pk}/user-rating")


@case("devportal", "PUT /apis/{apiId}/user-rating")
def rate_api(w: World) -> Answer:
    return w.devportal.put(f"/apis/{w.published().pk}/user-rating", {"rating": 5})


@case("devportal", "DELETE /apis/{apiId}/user-rating")
def delete_rating(w: World) -> Answer:
    return w.devportal.delete(f"/apis/{_rated(w).pk}/user-rating")


def _comment(w: World) -> Comment:
    api = w.published()
    comment = say(by=w.user, api=api, text="What is the limit?")
    say(by=w.user, api=api, text="Ten a second.", parent=comment)
    return comment


@case("devportal", "getAllCommentsOfAPI")
def comments(w: World) -> Answer:
    return w.devportal.get(f"/apis/{_comment(w).api_id}/comments?includeCommenterInfo=true")


@case("devportal", "addCommentToAPI")
def comment(w: World) -> Answer:
    return w.devportal.post(f"/apis/{w.published().pk}/comments", {"content": "Fine.", "category": "general"})


def _path(row: Comment) -> str:
    return f"/apis/{row.api_id}/comments/{row.pk}"


@case("devportal", "getCommentOfAPI")
def one_comment(w: World) -> Answer:
    return w.devportal.get(_path(_comment(w)))


@case("devportal", "editCommentOfAPI")
def edit_comment(w: World) -> Answer:
    return w.devportal.patch(_path(_comment(w)), {"content": "What is the daily limit?"})


@case("devportal", "deleteComment")
def delete_comment(w: World) -> Answer:
    return w.devportal.delete(_path(_comment(w)))


@case("devportal", "getRepliesOfComment")
def replies(w: World) -> Answer:
    return w.devportal.get(_path(_comment(w)) + "/replies")
