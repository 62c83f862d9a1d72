"""The publisher's pages of documents, comments, pictures, shared scopes, monetization; categories and custom properties."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apim.traffic.models import BillingPlan, Level, Policy
from publisher.actions.comments import add_comment
from publisher.actions.documents import create_document
from publisher.models import ApiCategory, Comment, Document, SharedScope
from tests.publisher.make import make_api
from tests.publisher.test_thumbnails import PNG
from tests.support.people import make_user


def browser(user):
    client = Client()
    client.force_login(user)
    return client


def page(user, name, /, *args):
    return browser(user).get(reverse(f"publisher:{name}", args=args))


def post(user, name, /, *args, **data):
    return browser(user).post(reverse(f"publisher:{name}", args=args), data)


NEW = {"name": "Guide", "summary": "", "kind": "HOWTO", "source": "INLINE", "visibility": "API_LEVEL"}


def test_a_document_is_added_written_and_deleted(publisher_user):
    api = make_api(publisher_user)
    assert "No documents yet" in page(publisher_user, "documents", api.pk).content.decode()
    assert post(publisher_user, "documents", api.pk, **NEW).status_code == 302
    row = Document.objects.get()
    post(publisher_user, "document_write", api.pk, row.pk, text="Hello <b>\r\nyou")
    row.refresh_from_db()
    assert row.text == "Hello <b>\nyou"
    shown = page(publisher_user, "document", api.pk, row.pk).content.decode()
    assert "Hello &lt;b&gt;" in shown
    assert page(publisher_user, "document_content", api.pk, row.pk)["Content-Type"].startswith("text/plain")
    assert post(publisher_user, "document", api.pk, row.pk, **NEW | {"source": "FILE"}).status_code == 302
    post(publisher_user, "document_write", api.pk, row.pk, file=SimpleUploadedFile("a.html", b"<b>"))
    assert page(publisher_user, "document_content", api.pk, row.pk)["Content-Type"] == "application/octet-stream"
    assert "a.html" in page(publisher_user, "documents", api.pk).content.decode()
    post(publisher_user, "document_delete", api.pk, row.pk)
    assert not Document.objects.exists()


def test_mistakes_stand_beside_their_fields(publisher_user):
    api = make_api(publisher_user)
    answer = post(publisher_user, "documents", api.pk, **NEW | {"source": "URL", "url": "javascript:alert(1)"})
    assert answer.status_code == 400
    assert "is not an http or https address" in answer.content.decode()
    create_document(by=publisher_user, api=api, **NEW)
    assert post(publisher_user, "documents", api.pk, **NEW).status_code == 400


def test_people_talk_about_an_api(publisher_user, creator):
    api = make_api(publisher_user)
    post(publisher_user, "comment_add", api.pk, content="<i>Why?</i>")
    first = Comment.objects.get()
    post(creator, "comment_add", api.pk, content="Because", replyTo=str(first.pk))
    shown = page(publisher_user, "comments", api.pk).content.decode()
    assert "&lt;i&gt;Why?" in shown
    assert shown.index("Why?") < shown.index("Because")
    assert post(creator, "comment_edit", api.pk, first.pk, content="Mine").status_code == 403
    post(publisher_user, "comment_edit", api.pk, first.pk, content="When?")
    first.refresh_from_db()
    assert first.text == "When?"
    post(publisher_user, "comment_delete", api.pk, first.pk)
    assert not Comment.objects.exists()


def test_the_page_of_comments_takes_the_same_number_of_queries(publisher_user, django_assert_max_num_queries):
    api = make_api(publisher_user)
    for number in range(15):
        parent = add_comment(by=publisher_user, api=api, text=f"c{number}")
        add_comment(by=publisher_user, api=api, text="answer", parent=parent)
    client = browser(publisher_user)
    address = reverse("publisher:comments", args=[api.pk])
    client.get(address)
    with django_assert_max_num_queries(12):
        assert client.get(address).content.decode().count("answer-") > 15


def test_a_picture_is_put_shown_and_removed(publisher_user):
    api = make_api(publisher_user)
    post(publisher_user, "thumbnail_put", api.pk, file=SimpleUploadedFile("a.png", PNG))
    assert page(publisher_user, "thumbnail", api.pk)["Content-Type"] == "image/png"
    assert "Picture of" in page(publisher_user, "info", api.pk).content.decode()
    post(publisher_user, "thumbnail_put", api.pk, file=SimpleUploadedFile("a.png", b"<html>"))
    assert page(publisher_user, "thumbnail", api.pk).content == PNG
    post(publisher_user, "thumbnail_put", api.pk, do="remove")
    assert page(publisher_user, "thumbnail", api.pk).status_code == 404


def test_shared_scopes_are_managed(creator):
    data = {"name": "orders:read", "display_name": "Read", "description": "", "roles": ["Internal/creator"]}
    assert post(creator, "scopes", **data).status_code == 302
    scope = SharedScope.objects.get()
    assert post(creator, "scopes", **data).status_code == 400
    api = make_api(creator, operations=[{"verb": "GET", "target": "/a", "scopes": ["orders:read"]}])
    assert api.name in page(creator, "scope", scope.pk).content.decode()
    post(creator, "scope_delete", scope.pk)
    assert SharedScope.objects.exists()
    post(creator, "scope", scope.pk, display_name="See", description="", roles=[])
    scope.refresh_from_db()
    assert (scope.display_name, scope.roles) == ("See", [])
    assert "orders:read" in page(creator, "scopes").content.decode()


def test_monetization_says_what_is_missing_and_what_it_earns(publisher_user):
    api = make_api(publisher_user)
    assert post(publisher_user, "monetization", api.pk, enabled="on", properties="").status_code == 400
    Policy.objects.filter(organisation=api.organisation, level=Level.SUBSCRIPTION, name="Gold").update(
        billing_plan=BillingPlan.COMMERCIAL,
        monetization={"monetizationPlan": "FIXEDRATE", "properties": {"fixedPrice": "5", "currencyType": "EUR"}},
    )
    assert post(publisher_user, "monetization", api.pk, enabled="on", properties="account = 7").status_code == 302
    api.refresh_from_db()
    assert api.monetization == {"enabled": True, "properties": {"account": "7"}}
    assert "EUR per month" in page(publisher_user, "monetization", api.pk).content.decode()


def test_categories_and_custom_properties_on_the_info_page(publisher_user):
    api = make_api(publisher_user)
    ApiCategory.objects.create(organisation=api.organisation, name="Food")
    data = {"visibility": "PUBLIC", "categories": ["Food"], "additional_properties": "team* = Blue\ncost = 1"}
    assert post(publisher_user, "info", api.pk, **data).status_code == 302
    api.refresh_from_db()
    assert [one.name for one in api.categories.all()] == ["Food"]
    assert api.additional_properties == [
        {"name": "team", "value": "Blue", "display": True},
        {"name": "cost", "value": "1", "display": False},
    ]
    assert "team* = Blue" in page(publisher_user, "info", api.pk).content.decode()
    wrong = post(publisher_user, "info", api.pk, **data | {"additional_properties": "name = x"})
    assert wrong.status_code == 400
    assert "reserved" in wrong.content.decode()


@pytest.mark.parametrize("name", ["documents", "comments", "monetization", "thumbnail"])
def test_pages_of_other_organisations_are_not_there(publisher_user, other_organisation, name):
    api = make_api(publisher_user)
    assert page(make_user(other_organisation, "admin"), name, api.pk).status_code == 404


def test_lookers_change_nothing(publisher_user):
    api, looker = make_api(publisher_user), make_user(publisher_user.organisation, "Internal/devops")
    assert post(looker, "documents", api.pk, **NEW).status_code == 403
    assert post(looker, "scopes", name="a").status_code == 403
    assert post(looker, "monetization", api.pk).status_code == 403
    assert "Add a document" not in page(looker, "documents", api.pk).content.decode()
