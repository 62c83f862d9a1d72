"""Documents: who may write and read them, what is refused, and that their content never acts in a browser."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile

from apim.accounts.models import AuditRow
from apim.errors import Forbidden, Invalid, NotFound
from publisher.actions.apis import copy_api
from publisher.actions.documents import create_document, upload_document, write_document
from publisher.checks import documents as checks
from publisher.documents import visible_documents
from tests.publisher.make import make_api
from tests.support.people import make_user

BODY = {"name": "Guide", "type": "HOWTO", "summary": "s", "sourceType": "INLINE", "visibility": "API_LEVEL"}
FIELDS = {"name": "Guide", "kind": "HOWTO", "source": "INLINE", "visibility": "API_LEVEL"}


def add(rest, user, api, **fields):
    answer = rest(user).call("post", f"/apis/{api.pk}/documents", BODY | fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def upload(rest, user, api, row, name, content, declared="text/html"):
    file = SimpleUploadedFile(name, content, declared)
    path = f"/apis/{api.pk}/documents/{row['documentId']}/content"
    return rest(user).call("post", path, {"file": file}, format="multipart")


def test_a_document_lives_from_creation_to_deletion(rest, creator):
    api = make_api(creator)
    answer = rest(creator).call("post", f"/apis/{api.pk}/documents", BODY)
    row = answer.json()
    assert answer["Location"] == f"/apis/{api.pk}/documents/{row['documentId']}"
    assert row["createdBy"] == "creator"
    path = f"/apis/{api.pk}/documents/{row['documentId']}"
    rest(creator).call("post", f"{path}/content", {"inlineContent": "Grüße"}, format="multipart")
    content = rest(creator).call("get", f"{path}/content")
    assert content.content.decode() == "Grüße"
    assert content["Content-Type"].startswith("text/plain")
    assert rest(creator).call("put", path, {"summary": "Other"}).json()["summary"] == "Other"
    assert rest(creator).call("delete", path).status_code == 200
    assert rest(creator).call("get", path).status_code == 404
    assert set(AuditRow.objects.filter(target_kind="document").values_list("action", flat=True)) == {
        "document.create",
        "document.update",
        "document.delete",
    }


def test_entity_tags_guard_changes(rest, creator):
    api = make_api(creator)
    row = add(rest, creator, api)
    path = f"/apis/{api.pk}/documents/{row['documentId']}"
    tag = rest(creator).call("get", path)["ETag"]
    assert rest(creator).call("get", path, headers={"If-None-Match": tag}).status_code == 304
    assert rest(creator).call("put", path, {"summary": "b"}, headers={"If-Match": tag}).status_code == 200
    assert rest(creator).call("put", path, {"summary": "c"}, headers={"If-Match": tag}).status_code == 412
    assert rest(creator).call("delete", path, headers={"If-Match": tag}).status_code == 412
    assert rest(creator).call("delete", path, headers={"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"type": "NOVEL"}, "type"),
        ({"type": "OTHER"}, "otherTypeName"),
        ({"sourceType": "MAGIC"}, "sourceType"),
        ({"visibility": None}, "visibility"),
        ({"sourceType": "URL"}, "sourceUrl"),
        ({"sourceType": "URL", "sourceUrl": "javascript:alert(1)"}, "sourceUrl"),
        ({"sourceType": "URL", "sourceUrl": "http://a.example/\r\nX: y"}, "sourceUrl"),
        ({"sourceType": "URL", "sourceUrl": "http://[::1"}, "sourceUrl"),
        ({"summary": "x" * 40_000}, "summary"),
    ],
)
def test_what_is_wrong_is_named(rest, creator, fields, place):
    answer = rest(creator).call("post", f"/apis/{make_api(creator).pk}/documents", BODY | fields)
    assert answer.status_code == 400, answer.content
    assert [one["field"] for one in answer.json()["error"]] == [place]


def test_names_are_unique_in_an_api(rest, creator):
    api = make_api(creator)
    add(rest, creator, api)
    assert rest(creator).call("post", f"/apis/{api.pk}/documents", BODY).status_code == 409
    other = add(rest, creator, api, name="Other")
    answer = rest(creator).call("put", f"/apis/{api.pk}/documents/{other['documentId']}", {"name": "Guide"})
    assert answer.status_code == 409
    add(rest, creator, make_api(creator))
    for name, status in (("Guide", 200), ("Nothing", 404)):
        assert rest(creator).call("post", f"/apis/{api.pk}/documents/validate?name={name}").status_code == status


def test_an_address_is_a_redirection(rest, creator):
    api = make_api(creator)
    row = add(rest, creator, api, sourceType="URL", sourceUrl="https://docs.example/a?b=c")
    answer = rest(creator).call("get", f"/apis/{api.pk}/documents/{row['documentId']}/content")
    assert (answer.status_code, answer["Location"]) == (303, "https://docs.example/a?b=c")


@pytest.mark.parametrize("name", ["page.html", "picture.svg", "data.xml", "x.xhtml", "noname", "../../etc/passwd.HTM"])
def test_files_that_would_act_are_only_saved(rest, creator, name):
    api = make_api(creator)
    row = add(rest, creator, api, sourceType="FILE")
    assert upload(rest, creator, api, row, name, b"<script>alert(1)</script>").status_code == 200
    answer = rest(creator).call(
        "get", f"/apis/{api.pk}/documents/{row['documentId']}/content", headers={"Accept": "text/html"}
    )
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "/" not in answer["Content-Disposition"]


def test_inline_html_stays_text(rest, creator):
    api = make_api(creator)
    row = add(rest, creator, api, inlineContent="<script>alert(1)</script>")
    answer = rest(creator).call("get", f"/apis/{api.pk}/documents/{row['documentId']}/content")
    assert answer["Content-Type"].startswith("text/plain")
    assert "sandbox" in answer["Content-Security-Policy"]


def test_content_fits_the_source_and_the_bounds(rest, creator, monkeypatch):
    api = make_api(creator)
    inline, file = add(rest, creator, api), add(rest, creator, api, name="File", sourceType="FILE")
    assert upload(rest, creator, api, inline, "a.txt", b"a").status_code == 400
    path = f"/apis/{api.pk}/documents/{file['documentId']}/content"
    assert rest(creator).call("get", path).status_code == 404
    assert rest(creator).call("post", path, {"inlineContent": "a"}, format="multipart").status_code == 400
    assert rest(creator).call("post", path, {}, format="multipart").status_code == 400
    monkeypatch.setattr("publisher.checks.documents.MOST_BYTES", 10)
    assert upload(rest, creator, api, file, "a.txt", b"a" * 11).status_code == 400
    assert upload(rest, creator, api, file, "a.txt", b"a" * 10).status_code == 200
    monkeypatch.setattr("publisher.checks.documents.MOST_TEXT", 10)
    path = f"/apis/{api.pk}/documents/{inline['documentId']}/content"
    assert rest(creator).call("post", path, {"inlineContent": "a" * 11}, format="multipart").status_code == 400


def test_another_source_drops_the_file(creator):
    document = create_document(by=creator, api=make_api(creator), **FIELDS | {"source": "FILE"})
    upload_document(by=creator, document=document, name="a.pdf", content=b"%PDF")
    from publisher.actions.documents import update_document

    document = update_document(by=creator, document=document, source="INLINE")
    assert (document.file_name, document.media_type) == ("", "")
    assert not type(document).objects.filter(pk=document.pk, file__isnull=False).exists()


def test_only_designers_write(creator):
    api = make_api(creator)
    for role in ("Internal/devops", "Internal/subscriber"):
        with pytest.raises(Forbidden):
            create_document(by=make_user(creator.organisation, role), api=api, **FIELDS)


def test_another_organisation_finds_nothing(rest, creator, other_organisation):
    api = make_api(creator)
    row = add(rest, creator, api)
    stranger = make_user(other_organisation, "admin")
    path = f"/apis/{api.pk}/documents"
    calls = (
        ("get", path),
        ("post", path),
        ("get", f"{path}/{row['documentId']}"),
        ("delete", f"{path}/{row['documentId']}"),
    )
    for verb, where in calls:
        assert rest(stranger).call(verb, where, BODY if verb == "post" else None).status_code == 404
    mine = make_api(stranger, name="Mine", context="/mine")
    assert rest(stranger).call("get", f"/apis/{mine.pk}/documents/{row['documentId']}").status_code == 404
    with pytest.raises(NotFound):
        create_document(by=stranger, api=api, **FIELDS)


def test_the_portal_shows_what_the_visibility_says(creator, other_organisation):
    api = make_api(creator)
    for visibility in ("API_LEVEL", "PRIVATE", "OWNER_ONLY"):
        create_document(by=creator, api=api, **FIELDS | {"name": visibility, "visibility": visibility})

    seen = {
        who: [row.name for row in visible_documents(user, api)]
        for who, user in {
            "nobody": AnonymousUser(),
            "stranger": make_user(other_organisation, "Internal/subscriber"),
            "member": make_user(creator.organisation, "Internal/subscriber"),
        }.items()
    }
    assert seen == {"nobody": ["API_LEVEL"], "stranger": ["API_LEVEL"], "member": ["API_LEVEL", "PRIVATE"]}


def test_an_api_has_a_bounded_number(creator, monkeypatch):
    monkeypatch.setattr(checks, "MOST_DOCUMENTS", 1)
    api = make_api(creator)
    create_document(by=creator, api=api, **FIELDS)
    with pytest.raises(Invalid):
        create_document(by=creator, api=api, **FIELDS | {"name": "Second"})


def test_a_new_version_has_the_documents(creator):
    api = make_api(creator)
    write_document(by=creator, document=create_document(by=creator, api=api, **FIELDS), text="Read me")
    file = create_document(by=creator, api=api, **FIELDS | {"name": "File", "source": "FILE"})
    upload_document(by=creator, document=file, name="a.pdf", content=b"%PDF")
    copied = copy_api(by=creator, api=api, version="2.0.0")
    assert {row.name: row.text for row in copied.documents.all()} == {"Guide": "Read me", "File": ""}
    assert bytes(copied.documents.get(name="File").file.content) == b"%PDF"


def test_lists_take_the_same_number_of_queries(rest, creator, django_assert_max_num_queries):
    api = make_api(creator)
    for number in range(30):
        create_document(by=creator, api=api, **FIELDS | {"name": f"Guide {number:02}"})
    client = rest(creator)
    with django_assert_max_num_queries(8):
        body = client.call("get", f"/apis/{api.pk}/documents?limit=10&offset=10").json()
    assert [row["name"] for row in body["list"]][:2] == ["Guide 10", "Guide 11"]
    assert body["pagination"]["total"] == 30
