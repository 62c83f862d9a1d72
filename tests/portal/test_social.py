"""What people read and say about APIs: documents, pictures, stars, comments, categories; over pages and REST."""

from __future__ import annotations

import uuid

import pytest

from apim.accounts.models import AuditRow, Organisation, User
from portal.actions.comments import say
from portal.actions.ratings import rate
from publisher.models import Api, Comment, Document, DocumentFile, State, Thumbnail, Visibility
from tests.portal.builders import browser, make_api, rest
from tests.support.people import make_user

pytestmark = pytest.mark.django_db
ROOT = "/api/am/devportal/v3"


@pytest.fixture
def api(developer: User) -> Api:
    return make_api(developer.organisation, "Pizza")


def _document(api: Api, name: str, **values: object) -> Document:
    usual = {"source": "MARKDOWN", "text": "# Hello", "created_by": "x", "updated_by": "x"}
    return Document.objects.create(api=api, name=name, **usual | values)


def test_stars_are_given_changed_counted_and_taken_back(developer: User, api: Api) -> None:
    client, path = rest(developer), f"{ROOT}/apis/{api.pk}"
    assert client.get(f"{path}/user-rating").status_code == 404
    assert client.put(f"{path}/user-rating", {"rating": 2}, format="json").json()["rating"] == 2
    assert client.put(f"{path}/user-rating", {"rating": 4}, format="json").status_code == 200
    rate(by=make_user(developer.organisation, "Internal/subscriber"), api=api, stars=5)
    body = client.get(f"{path}/ratings").json()
    assert (body["avgRating"], body["userRating"], body["count"]) == ("4.5", 4, 2)
    assert rest().get(f"{path}/ratings").json()["userRating"] == 0
    assert rest().get(f"{ROOT}/apis").json()["list"][0]["avgRating"] == "4.5"
    assert rest().get(path).json()["avgRating"] == "4.5"
    stale = client.delete(f"{path}/user-rating", HTTP_IF_MATCH='"other"')
    assert stale.status_code == 412
    assert client.delete(f"{path}/user-rating").status_code == 200
    assert client.get(f"{path}/ratings").json()["avgRating"] == "5.0"
    assert AuditRow.objects.filter(action__in=("api.rate", "api.unrate")).count() == 4


@pytest.mark.parametrize("stars", [0, 6, "4", None, True, 2.5, "x" * 1000])
def test_stars_are_whole_numbers_from_one_to_five(developer: User, api: Api, stars: object) -> None:
    answer = rest(developer).put(f"{ROOT}/apis/{api.pk}/user-rating", {"rating": stars}, format="json")
    assert answer.status_code == 400
    assert answer.json()["error"][0]["field"] == "rating"


def test_rating_needs_a_developer_who_sees_the_api(developer: User, publisher_user: User, api: Api) -> None:
    path = f"{ROOT}/apis/{api.pk}/user-rating"
    assert rest().put(path, {"rating": 4}, format="json").status_code == 401
    assert rest(publisher_user).put(path, {"rating": 4}, format="json").status_code == 403
    Api.objects.filter(pk=api.pk).update(state=State.CREATED)
    assert rest(developer).put(path, {"rating": 4}, format="json").status_code == 404


def test_comments_are_read_by_all_and_written_by_developers(developer: User, api: Api) -> None:
    client, path = rest(developer), f"{ROOT}/apis/{api.pk}/comments"
    assert rest().post(path, {"content": "Hi"}, format="json").status_code == 401
    made = client.post(path, {"content": "How many a minute?"}, format="json")
    assert made.status_code == 201
    one = made.json()
    assert made["Location"] == f"/apis/{api.pk}/comments/{one['id']}"
    assert (one["entryPoint"], one["createdBy"]) == ("devPortal", "developer")
    answered = client.post(f"{path}?replyTo={one['id']}", {"content": "Ten."}, format="json").json()
    assert answered["parentCommentId"] == one["id"]
    body = rest().get(path, {"includeCommenterInfo": "true"}).json()
    assert [row["content"] for row in body["list"]] == ["How many a minute?"]
    assert body["list"][0]["replies"]["list"][0]["content"] == "Ten."
    assert body["list"][0]["commenterInfo"]["fullName"]
    assert rest().get(f"{path}/{one['id']}/replies").json()["count"] == 1


def test_only_the_author_edits_and_author_or_administrator_delete(developer: User, admin: User, api: Api) -> None:
    comment = say(by=developer, api=api, text="Hm")
    path = f"{ROOT}/apis/{api.pk}/comments/{comment.pk}"
    other = rest(make_user(developer.organisation, "Internal/subscriber"))
    assert other.patch(path, {"content": "No"}, format="json").status_code == 403
    assert other.delete(path).status_code == 403
    assert rest(developer).patch(path, {"content": "Ah"}, format="json").json()["content"] == "Ah"
    assert rest(developer).delete(path, HTTP_IF_MATCH='"other"').status_code == 412
    assert rest(admin).delete(path).status_code == 200
    assert not Comment.objects.exists()


@pytest.mark.parametrize("content", ["", "x" * 513, None, 5, ["a"]])
def test_a_comment_is_a_text_of_512_characters_at_most(developer: User, api: Api, content: object) -> None:
    answer = rest(developer).post(f"{ROOT}/apis/{api.pk}/comments", {"content": content}, format="json")
    assert answer.status_code == 400
    assert answer.json()["error"][0]["field"] == "content"


def test_comments_of_unseen_apis_and_of_others_are_not_found(developer: User, api: Api) -> None:
    comment = say(by=developer, api=api, text="Hm")
    hidden = make_api(developer.organisation, "Inner", visibility=Visibility.PRIVATE)
    assert rest().get(f"{ROOT}/apis/{hidden.pk}/comments").status_code == 404
    assert rest(developer).get(f"{ROOT}/apis/{hidden.pk}/comments/{comment.pk}").status_code == 404
    lost = f"{ROOT}/apis/{api.pk}/comments?replyTo={uuid.uuid4()}"
    assert rest(developer).post(lost, {"content": "x"}, format="json").status_code == 404


def test_documents_are_shown_to_whom_they_are_for(developer: User, api: Api) -> None:
    _document(api, "Open")
    inner = _document(api, "Inner", visibility="PRIVATE")
    _document(api, "Secret", visibility="OWNER_ONLY")
    path = f"{ROOT}/apis/{api.pk}/documents"
    assert [row["name"] for row in rest().get(path).json()["list"]] == ["Open"]
    assert [row["name"] for row in rest(developer).get(path).json()["list"]] == ["Inner", "Open"]
    assert rest().get(f"{path}/{inner.pk}").status_code == 404
    assert rest().get(f"{path}/{inner.pk}/content").status_code == 404
    assert browser().get(f"/devportal/apis/{api.pk}/documents/{inner.pk}/").status_code == 404


def test_the_content_of_documents_of_each_source(developer: User, api: Api) -> None:
    path = f"{ROOT}/apis/{api.pk}/documents"
    written = rest().get(f"{path}/{_document(api, 'A', text='<b>x</b>').pk}/content")
    assert written.content == b"<b>x</b>" and written["Content-Type"].startswith("text/plain")
    again = rest().get(written.request["PATH_INFO"], HTTP_IF_NONE_MATCH=written["ETag"])
    assert again.status_code == 304
    away = rest().get(f"{path}/{_document(api, 'B', source='URL', url='https://example.org/x').pk}/content")
    assert (away.status_code, away["Location"]) == (303, "https://example.org/x")
    file = _document(api, "C", source="FILE", file_name="evil.html")
    assert rest().get(f"{path}/{file.pk}/content").status_code == 404
    DocumentFile.objects.create(document=file, content=b"<script>alert(1)</script>")
    sent = rest().get(f"{path}/{file.pk}/content")
    assert sent["Content-Type"] == "application/octet-stream" and "attachment" in sent["Content-Disposition"]


def test_a_picture_with_its_entity_tag(api: Api) -> None:
    path = f"{ROOT}/apis/{api.pk}/thumbnail"
    assert rest().get(path).status_code == 404
    Thumbnail.objects.create(api=api, media_type="image/png", content=b"PNG", digest="d" * 64)
    found = rest().get(path)
    assert (found.content, found["Content-Type"]) == (b"PNG", "image/png")
    assert rest().get(path, HTTP_IF_NONE_MATCH=found["ETag"]).status_code == 304


def test_markdown_never_acts(developer: User, api: Api) -> None:
    text = "# Title\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![y](data:text/html,z) [ok](https://example.org)"
    document = _document(api, "Guide", text=text)
    page = browser().get(f"/devportal/apis/{api.pk}/documents/{document.pk}/").content.decode()
    assert "<h1>Title</h1>" in page
    assert "<script>alert" not in page and 'href="javascript' not in page and 'src="data' not in page
    assert 'rel="noopener noreferrer nofollow"' in page


def test_pages_of_comments_and_stars(developer: User, api: Api) -> None:
    client, path = browser(developer), f"/devportal/apis/{api.pk}"
    client.post(f"{path}/rate", {"stars": "3"})
    client.post(f"{path}/comments/write", {"content": "<i>Hello</i>"})
    comment = Comment.objects.get()
    client.post(f"{path}/comments/write", {"content": "Answer", "replyTo": comment.pk})
    client.post(f"{path}/comments/{comment.pk}/edit", {"content": "<i>Bye</i>"})
    page = client.get(f"{path}/comments/").content.decode()
    assert "&lt;i&gt;Bye&lt;/i&gt;" in page and "Answer" in page and "You gave 3 stars" in page
    client.post(f"{path}/rate", {"stars": "0"})
    assert "You gave" not in client.get(f"{path}/comments/").content.decode()
    assert client.post(f"{path}/rate", {"stars": "9"}).status_code == 302
    client.post(f"{path}/comments/{comment.pk}/delete")
    assert not Comment.objects.exists()
    assert browser().post(f"{path}/comments/write", {"content": "x"}).status_code == 302
    assert not Comment.objects.exists()


def test_categories_narrow_the_catalogue(organisation: Organisation, api: Api) -> None:
    make_api(organisation, "Other")
    finance = organisation.api_categories.create(name="Finance")
    api.categories.add(finance)
    found = browser().get("/devportal/?category=finance").content.decode()
    assert "Pizza" in found and "Other" not in found
    for term in ("api-category:finance", 'api-category:"Finance"'):
        listed = rest().get(f"{ROOT}/apis", {"query": term}).json()["list"]
        assert [row["name"] for row in listed] == ["Pizza"]
    assert rest().get(f"{ROOT}/api-categories").json()["list"][0]["name"] == "Finance"
    assert rest().get(f"{ROOT}/apis/{api.pk}").json()["categories"] == ["Finance"]


def test_a_search_of_everything_finds_documents_after_apis(developer: User, api: Api) -> None:
    _document(api, "Oven guide", text="Heat it.")
    _document(api, "Secret oven", visibility="OWNER_ONLY")
    make_api(developer.organisation, "Oven")
    body = rest().get(f"{ROOT}/search", {"query": "oven"}).json()
    assert [(row["type"], row["name"]) for row in body["list"]] == [("API", "Oven"), ("DOC", "Oven guide")]
    second = rest().get(f"{ROOT}/search", {"query": "oven", "limit": 1, "offset": 1}).json()
    assert [row["name"] for row in second["list"]] == ["Oven guide"] and second["pagination"]["total"] == 2
    assert [row["apiName"] for row in rest().get(f"{ROOT}/search", {"query": "doc:heat"}).json()["list"]] == ["Pizza"]
