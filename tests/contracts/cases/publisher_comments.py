"""Comments on APIs, and pictures of APIs and products."""

from __future__ import annotations

from publisher.actions.comments import add_comment as add
from publisher.actions.products import create_product
from publisher.actions.thumbnails import put_thumbnail
from publisher.models import Api, Comment
from tests.contracts.harness import Answer, case
from tests.contracts.world import World
from tests.publisher.test_thumbnails import PNG


def comment(w: World, api: Api | None = None, parent: Comment | None = None) -> Comment:
    return add(by=w.user, api=api or w.api(), text="Good", parent=parent)


def thread(w: World) -> Comment:
    first = comment(w)
    comment(w, first.api, first)
    return first


def product(w: World) -> Api:
    resources = [{"api": str(w.api().pk), "operations": [{"verb": "GET", "target": "/*"}]}]
    return create_product(by=w.user, name="Bundle", context="/bundle", version="1.0.0", resources=resources)


@case("publisher", "getAllCommentsOfAPI")
def list_comments(w: World) -> Answer:
    return w.publisher.get(f"/apis/{thread(w).api_id}/comments?includeCommenterInfo=true")


@case("publisher", "addCommentToAPI")
def add_comment(w: World) -> Answer:
    first = comment(w)
    return w.publisher.post(f"/apis/{first.api_id}/comments?replyTo={first.pk}", {"content": "So it is"})


@case("publisher", "getCommentOfAPI")
def one_comment(w: World) -> Answer:
    row = thread(w)
    return w.publisher.get(f"/apis/{row.api_id}/comments/{row.pk}?replyLimit=5")


@case("publisher", "editCommentOfAPI")
def edit_comment(w: World) -> Answer:
    row = comment(w)
    return w.publisher.patch(f"/apis/{row.api_id}/comments/{row.pk}", {"content": "Better", "category": "bug"})


@case("publisher", "deleteComment")
def delete_comment(w: World) -> Answer:
    row = thread(w)
    return w.publisher.delete(f"/apis/{row.api_id}/comments/{row.pk}")


@case("publisher", "getRepliesOfComment")
def replies(w: World) -> Answer:
    row = thread(w)
    return w.publisher.get(f"/apis/{row.api_id}/comments/{row.pk}/replies")


def pictured(w: World, api: Api) -> Api:
    put_thumbnail(by=w.user, api=api, content=PNG)
    return api


@case("publisher", "getAPIThumbnail")
def thumbnail(w: World) -> Answer:
    return w.publisher.get(f"/apis/{pictured(w, w.api()).pk}/thumbnail", headers={"Accept": "image/*"})


@case("publisher", "updateAPIThumbnail")
def put_picture(w: World) -> Answer:
    return w.publisher.put(f"/apis/{w.api().pk}/thumbnail", files={"file": ("a.png", PNG, "image/png")})


@case("publisher", "getAPIProductThumbnail")
def product_thumbnail(w: World) -> Answer:
    return w.publisher.get(f"/api-products/{pictured(w, product(w)).pk}/thumbnail")


@case("publisher", "updateAPIProductThumbnail")
def put_product_picture(w: World) -> Answer:
    return w.publisher.put(f"/api-products/{product(w).pk}/thumbnail", files={"file": ("a.png", PNG, "image/png")})
