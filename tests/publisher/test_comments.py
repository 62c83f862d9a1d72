"""Comments: threads and paging, whose they are, and that lists take a constant number of queries."""

from __future__ import annotations

import pytest

from apim.errors import Forbidden, NotFound
from publisher.actions.comments import add_comment, delete_comment, edit_comment
from publisher.models import Comment
from tests.publisher.make import make_api
from tests.support.people import make_user


def say(rest, user, api, text="Good", **query):
    answer = rest(user).call(
        "post", f"/apis/{api.pk}/comments" + (f"?replyTo={query['to']}" if query else ""), {"content": text}
    )
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_threads_with_answers(rest, creator, publisher_user):
    api = make_api(creator)
    first, second = say(rest, creator, api, "First"), say(rest, creator, api, "Second")
    answers = [say(rest, publisher_user, api, f"Answer {number}", to=first["id"]) for number in range(5)]
    below = say(rest, creator, api, "To an answer", to=answers[0]["id"])
    assert below["parentCommentId"] == first["id"]
    body = rest(creator).call("get", f"/apis/{api.pk}/comments").json()
    assert [one["content"] for one in body["list"]] == ["Second", "First"]
    assert body["list"][1]["replies"]["count"] == 3
    assert body["list"][1]["replies"]["pagination"]["total"] == 6
    assert body["list"][0]["replies"]["list"] == []
    one = rest(creator).call("get", f"/apis/{api.pk}/comments/{first['id']}?replyLimit=2&replyOffset=4").json()
    assert [reply["content"] for reply in one["replies"]["list"]] == ["Answer 4", "To an answer"]
    page = rest(creator).call("get", f"/apis/{api.pk}/comments/{first['id']}/replies?limit=2&offset=1").json()
    assert [reply["content"] for reply in page["list"]] == ["Answer 1", "Answer 2"]
    assert page["pagination"]["next"].endswith("offset=3")
    assert second["entryPoint"] == "publisher"


def test_the_author_edits_and_administrators_delete(rest, creator, publisher_user, admin):
    api = make_api(creator)
    row = say(rest, creator, api)
    path = f"/apis/{api.pk}/comments/{row['id']}"
    assert rest(publisher_user).call("patch", path, {"content": "Mine"}).status_code == 403
    assert rest(admin).call("patch", path, {"content": "Mine"}).status_code == 403
    edited = rest(creator).call("patch", path, {"content": "Better"}).json()
    assert (edited["content"], edited["category"], "updatedTime" in edited) == ("Better", "general", True)
    assert rest(publisher_user).call("delete", path).status_code == 403
    say(rest, creator, api, to=row["id"])
    assert rest(admin).call("delete", path).status_code == 200
    assert not Comment.objects.exists()


@pytest.mark.parametrize("content", ["", "  ", None, 5, "x" * 513, "a\x00b"])
def test_a_comment_has_1_to_512_characters(rest, creator, content):
    answer = rest(creator).call("post", f"/apis/{make_api(creator).pk}/comments", {"content": content})
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message", "description", "moreInfo", "error"}


def test_names_of_commenters_come_when_asked_for(rest, organisation):
    user = make_user(organisation, "Internal/creator", first_name="Ada", last_name="L")
    api = make_api(user)
    say(rest, user, api)
    shown = rest(user).call("get", f"/apis/{api.pk}/comments?includeCommenterInfo=true").json()["list"][0]
    assert shown["commenterInfo"] == {"firstName": "Ada", "lastName": "L", "fullName": "Ada L"}
    assert "commenterInfo" not in rest(user).call("get", f"/apis/{api.pk}/comments").json()["list"][0]


def test_organisations_do_not_hear_each_other(rest, creator, other_organisation):
    api = make_api(creator)
    row = say(rest, creator, api)
    stranger = make_user(other_organisation, "admin")
    path = f"/apis/{api.pk}/comments"
    assert rest(stranger).call("get", path).status_code == 404
    assert rest(stranger).call("post", path, {"content": "a"}).status_code == 404
    mine = make_api(stranger, name="Mine", context="/mine")
    for verb in ("get", "patch", "delete"):
        body = {"content": "a"} if verb == "patch" else None
        assert rest(stranger).call(verb, f"/apis/{mine.pk}/comments/{row['id']}", body).status_code == 404
    comment = Comment.objects.get()
    with pytest.raises(NotFound):
        delete_comment(by=stranger, comment=comment)
    with pytest.raises(NotFound):
        add_comment(by=stranger, api=mine, text="a", parent=comment)


def test_portal_people_comment_only_through_the_portal(creator):
    api, person = make_api(creator), make_user(creator.organisation, "Internal/subscriber")
    with pytest.raises(Forbidden):
        add_comment(by=person, api=api, text="a")
    said = add_comment(by=person, api=api, text="a", entry_point="devPortal")
    assert edit_comment(by=person, comment=said, text="b").text == "b"


def test_a_comment_outlives_its_author(rest, creator):
    api, person = make_api(creator), make_user(creator.organisation, "Internal/creator", username="gone")
    say(rest, person, api)
    person.delete()
    shown = rest(creator).call("get", f"/apis/{api.pk}/comments?includeCommenterInfo=true").json()["list"][0]
    assert (shown["createdBy"], shown["commenterInfo"]["fullName"]) == ("gone", "gone")


def test_lists_take_the_same_number_of_queries(rest, creator, django_assert_max_num_queries):
    api = make_api(creator)
    for number in range(20):
        parent = add_comment(by=creator, api=api, text=str(number))
        for _ in range(4):
            add_comment(by=creator, api=api, text="answer", parent=parent)
    client = rest(creator)
    with django_assert_max_num_queries(8):
        body = client.call("get", f"/apis/{api.pk}/comments?includeCommenterInfo=true").json()
    assert body["count"] == 20
    assert all(one["replies"]["count"] == 3 for one in body["list"])
