"""The publisher's pages through Django's client: what they show, save and refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from publisher.actions.access import etag
from publisher.actions.apis import update_api
from publisher.models import Api, State
from tests.publisher.make import deploy, make_api, make_service, plan

CORPUS = Path(__file__).parent.parent / "corpus" / "openapi"
TABS = ("api", "info", "operations", "endpoints", "plans", "definition", "deployments", "lifecycle", "copy")


@pytest.fixture
def pages(client, publisher_user):
    plan(publisher_user.organisation)
    client.force_login(publisher_user)
    return client


def url(name, *args):
    return reverse(f"publisher:{name}", args=args)


def text_of(response) -> str:
    return response.content.decode()


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens_for_all_who_may_look(client, publisher_user, make_user, organisation, tab):
    api = make_api(publisher_user)
    deploy(publisher_user, api)
    for role in ("Internal/creator", "Internal/publisher", "Internal/devops"):
        client.force_login(make_user(organisation, role))
        assert client.get(url(tab, api.pk)).status_code == 200, role
    client.force_login(make_user(organisation, "Internal/subscriber"))
    assert client.get(url(tab, api.pk)).status_code == 403
    client.logout()
    assert client.get(url(tab, api.pk)).status_code == 302


def test_those_who_may_only_look_get_no_buttons_and_cannot_post(client, publisher_user, make_user, organisation):
    api = make_api(publisher_user, description="as it was")
    client.force_login(make_user(organisation, "Internal/devops"))
    assert 'type="submit">Save' not in text_of(client.get(url("info", api.pk)))
    sent = client.post(url("info", api.pk), {"description": "mine", "visibility": "PUBLIC"})
    api.refresh_from_db()
    assert (sent.status_code, api.description) == (403, "as it was")


def test_the_list_is_searched_and_filtered(pages, publisher_user):
    make_api(publisher_user, name="Alpha", tags=["greek"])
    make_api(publisher_user, name="Beta", tags=["greek", "b"])
    make_api(publisher_user, name="Gamma")
    for query, shown in (
        ("q=alp", {"Alpha"}),
        ("tag=greek", {"Alpha", "Beta"}),
        ("state=BLOCKED", set()),
        ("q=greek beta", {"Beta"}),
    ):
        page = text_of(pages.get(url("apis") + "?" + query))
        assert {name for name in ("Alpha", "Beta", "Gamma") if f">{name}</a>" in page} == shown
    assert "Nothing matches" in text_of(pages.get(url("apis") + "?q=zzz"))
    assert pages.get(url("apis") + "?page=x&sort=y&state=z&q=%00").status_code == 200


def test_the_first_visit_shows_the_three_doors(pages):
    page = text_of(pages.get(url("apis")))
    for name in ("create_scratch", "create_openapi", "create_services"):
        assert url(name) in page


def test_the_list_needs_the_same_queries_for_few_and_many(pages, publisher_user):
    deploy(publisher_user, make_api(publisher_user))

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert pages.get(url("apis")).status_code == 200
        return len(caught)

    few = count()
    source = Api.objects.get()
    Api.objects.bulk_create(
        Api(
            organisation=source.organisation,
            provider=publisher_user,
            name=f"Bulk{n}",
            version="1",
            context=f"/bulk{n}",
            tags=["bulk"],
        )
        for n in range(5000)
    )
    for api in Api.objects.filter(name__in=["Bulk1", "Bulk2", "Bulk3"]):
        deploy_ready = update_api(by=publisher_user, api=api, endpoints={"production": {"url": "http://b.example"}})
        deploy(publisher_user, deploy_ready)
    assert count() == few <= 12
    assert "5001 APIs" in text_of(pages.get(url("apis")))


def test_from_scratch(pages):
    wrong = pages.post(url("create_scratch"), {"name": "a/b", "context": "/a", "version": "1", "endpoint": "ftp://x"})
    assert wrong.status_code == 400
    assert "must look like http" in text_of(wrong)
    made = pages.post(
        url("create_scratch"), {"name": "A", "context": "/a", "version": "1", "endpoint": "http://x.example"}
    )
    api = Api.objects.get()
    assert made["Location"] == url("api", api.pk)
    assert api.endpoints["production"]["url"] == "http://x.example"
    clash = pages.post(url("create_scratch"), {"name": "A", "context": "/a", "version": "1"})
    assert (clash.status_code, "already" in text_of(clash)) == (400, True)


def test_from_openapi_in_two_steps(pages):
    for name in ("10KPerMin", "20KPerMin"):
        plan(pages_user(pages).organisation, name, "api")
    text = (CORPUS / "valid" / "pizza-3.0.json").read_text()
    review = pages.post(url("create_openapi"), {"file": SimpleUploadedFile("pizza.json", text.encode())})
    assert review.status_code == 200
    assert "/orders/{id}" in text_of(review)
    form = review.context["form"]
    sent = {name: form.initial[name] for name in ("name", "context", "version", "endpoint", "text")}
    made = pages.post(url("create_openapi"), {**sent, "name": "MyPizza"})
    api = Api.objects.get()
    assert made["Location"] == url("api", api.pk)
    assert (api.name, api.context, api.operations.count()) == ("MyPizza", "/pizza", 3)
    assert api.definition.replace("\r\n", "\n") == text
    again = pages.post(url("create_openapi"), {**sent, "name": "MyPizza"})
    assert again.status_code == 400


def pages_user(pages):
    return pages.get(url("apis")).context["user"]


def test_a_broken_definition_is_shown_with_its_lines(pages):
    text = (CORPUS / "broken" / "no-responses.yaml").read_text()
    page = text_of(pages.post(url("create_openapi"), {"text": text}))
    assert '<a href="#L6">line 6</a>' in page
    assert 'id="L6"' in page
    for sent in ({}, {"text": " "}, {"file": SimpleUploadedFile("x", b"\xff\xfe")}):
        assert pages.post(url("create_openapi"), sent).status_code == 400


def test_from_a_service(pages, publisher_user):
    service = make_service(publisher_user.organisation, (CORPUS / "valid" / "stars-3.1.yaml").read_text())
    assert service.name in text_of(pages.get(url("create_services")))
    page = pages.get(url("create_from_service", service.pk))
    assert page.context["form"].initial == {"name": "StarsPlanets", "context": "/stars-planets", "version": "1.0.0"}
    pages.post(url("create_from_service", service.pk), {"name": "Stars", "context": "/stars", "version": "1"})
    api = Api.objects.get()
    assert (api.service, api.endpoints["production"]["url"]) == (service, service.url)
    service.md5 = "two"
    service.save()
    assert "has changed since" in text_of(pages.get(url("api", api.pk)))
    pages.post(url("reimport", api.pk), {"expected": etag(api)})
    assert "has changed since" not in text_of(pages.get(url("api", api.pk)))


def test_the_next_step_is_always_shown(pages, publisher_user):
    api = make_api(publisher_user, plans=[], endpoints={})

    def next_step() -> str | None:
        step = pages.get(url("api", api.pk)).context["next_step"]
        return step.label if step else None

    assert next_step() == "Design"
    pages.post(
        url("endpoints", api.pk),
        {"part": "form", "kind": "http", "production_url": "http://b.example"},
    )
    assert next_step() == "Choose plans"
    pages.post(url("plans", api.pk), {"plans": ["Gold"], "policy": ""})
    assert next_step() == "Deploy"
    pages.post(url("revision_create", api.pk), {"environment": ["Default"]})
    assert next_step() == "Publish"
    pages.post(url("lifecycle_change", api.pk), {"action": "Publish"})
    assert next_step() is None
    api.refresh_from_db()
    assert api.state == State.PUBLISHED


def test_basic_info_is_saved_and_mistakes_stand_beside_their_fields(pages, publisher_user):
    api = make_api(publisher_user)
    sent = {"description": "d", "tags": "a, b ,a", "visibility": "RESTRICTED", "business_owner": "Jane"}
    wrong = pages.post(url("info", api.pk), sent)
    assert wrong.status_code == 400
    assert "visible_roles" in wrong.context["form"].errors
    pages.post(url("info", api.pk), {**sent, "visible_roles": ["Internal/subscriber"], "is_default_version": "on"})
    api.refresh_from_db()
    assert (api.tags, api.visibility, api.visible_roles) == (["a", "b"], "RESTRICTED", ["Internal/subscriber"])
    assert api.is_default_version
    assert api.business_owner == "Jane"


def test_two_people_do_not_overwrite_each_other(pages, publisher_user):
    api = make_api(publisher_user)
    seen = etag(api)
    update_api(by=publisher_user, api=api, description="theirs")
    late = pages.post(url("info", api.pk), {"expected": seen, "description": "mine", "visibility": "PUBLIC"})
    assert late.status_code == 400
    assert "Somebody changed the API" in text_of(late)
    api.refresh_from_db()
    assert api.description == "theirs"


def test_endpoints_and_access(pages, publisher_user):
    api = make_api(publisher_user)
    wrong = pages.post(url("endpoints", api.pk), {"part": "form", "kind": "http", "production_url": "nope"})
    assert "'nope'" in wrong.context["form"].rows["production"][0].error
    sent = {
        "part": "access",
        "transports": ["https"],
        "cors_enabled": "on",
        "origins": "*",
        "credentials": "on",
    }
    wrong = pages.post(url("endpoints", api.pk), sent)
    assert "credentials" in wrong.context["access"].errors
    pages.post(url("endpoints", api.pk), {**sent, "origins": "https://a.example, https://b.example"})
    api.refresh_from_db()
    assert api.transports == ["https"]
    assert api.cors == {"enabled": True, "origins": ["https://a.example", "https://b.example"], "credentials": True}
    assert pages.post(url("endpoints", api.pk), {"part": "other"}).status_code == 400


def test_operations_are_edited_in_the_table(pages, publisher_user):
    api = make_api(publisher_user, operations=[{"verb": "GET", "target": "/a"}, {"verb": "GET", "target": "/b"}])
    table = {
        "verb": ["GET", "GET", "POST", "GET"],
        "target": ["/a", "/b", "/new/{id}", ""],
        "auth": ["none", "any", "user", "any"],
        "policy": ["Unlimited"] * 4,
        "scopes": ["", "", "read, write", ""],
        "remove": ["1"],
    }
    assert pages.post(url("operations", api.pk), table).status_code == 302
    found = [(o.verb, o.target, o.auth, o.scopes) for o in api.operations.all()]
    assert found == [("GET", "/a", "none", []), ("POST", "/new/{id}", "user", ["read", "write"])]
    wrong = pages.post(url("operations", api.pk), {**table, "target": ["/a", "/b", "no slash", ""]})
    assert wrong.status_code == 400
    assert [bool(row.errors) for row in wrong.context["rows"]] == [False, False, True, False]
    assert pages.post(url("operations", api.pk), {}).status_code == 400
    assert api.operations.count() == 2


def test_the_definition_is_shown_replaced_and_downloaded(pages, publisher_user):
    api = make_api(publisher_user)
    assert "written from its operations" in text_of(pages.get(url("definition", api.pk)))
    text = (CORPUS / "valid" / "stars-3.1.yaml").read_text()
    bad = pages.post(url("definition", api.pk), {"text": "openapi: 3.0.0\npaths: {}\n"})
    assert (bad.status_code, "&#x27;info&#x27; is a required property" in text_of(bad)) == (400, True)
    assert (
        pages.post(url("definition", api.pk), {"file": SimpleUploadedFile("s.yaml", text.encode())}).status_code == 302
    )
    download = pages.get(url("definition_download", api.pk))
    assert text_of(download) == text
    assert download["Content-Disposition"].endswith('-1.0.0.yaml"')


def test_revisions_from_the_page(pages, publisher_user):
    api = make_api(publisher_user)
    pages.post(url("revision_create", api.pk), {"description": "first"})
    pages.post(url("revision_create", api.pk), {"description": "second", "environment": ["Default"]})
    first, second = api.revisions.order_by("number")
    assert second.deployments.count() == 1
    pages.post(url("revision_deploy", api.pk, first.pk), {"environment": ["Default"]})
    assert first.deployments.count() == 1
    refused = pages.post(url("revision_delete", api.pk, first.pk), follow=True)
    assert "Undeploy it first" in text_of(refused)
    pages.post(url("revision_undeploy", api.pk, first.pk), {"environment": ["Default"]})
    pages.post(url("revision_delete", api.pk, first.pk))
    pages.post(url("revision_restore", api.pk, second.pk))
    assert list(api.revisions.all()) == [second]
    assert "Mars" in text_of(
        pages.post(url("revision_deploy", api.pk, second.pk), {"environment": ["Mars"]}, follow=True)
    )
    failed = pages.post(url("revision_create", api.pk), {"environment": ["Mars"]}, follow=True)
    assert "Mars" in text_of(failed)
    assert api.revisions.count() == 1


def test_the_life_cycle_page_lights_the_state(pages, publisher_user):
    api = make_api(publisher_user)
    page = text_of(pages.get(url("lifecycle", api.pk)))
    assert '<g class="state current">' in page
    assert page.count('<g class="state reachable">') == 2
    assert "Deploy a revision to a gateway environment." in page
    refused = pages.post(url("lifecycle_change", api.pk), {"action": "Retire"}, follow=True)
    assert "not possible in state CREATED" in text_of(refused)


def test_copy_and_delete(pages, publisher_user):
    api = make_api(publisher_user)
    assert pages.post(url("copy", api.pk), {"version": "1.0.0"}).status_code == 400
    made = pages.post(url("copy", api.pk), {"version": "2.0.0"})
    copy = Api.objects.get(version="2.0.0")
    assert made["Location"] == url("api", copy.pk)
    assert pages.post(url("delete", copy.pk))["Location"] == url("apis")
    assert list(Api.objects.all()) == [api]


def test_a_large_table_of_operations_fits(pages, publisher_user):
    operations = [{"verb": "GET", "target": f"/r{n}"} for n in range(600)]
    api = make_api(publisher_user, operations=operations)
    assert pages.get(url("operations", api.pk)).status_code == 200
    columns = {"verb": ["GET"] * 600, "target": [o["target"] for o in operations], "auth": ["any"] * 600}
    sent = {**columns, "policy": ["Unlimited"] * 600, "scopes": [""] * 600, "remove": ["0"]}
    assert pages.post(url("operations", api.pk), sent).status_code == 302
    assert api.operations.count() == 599


def test_the_tabs_of_an_api_have_titles_of_their_own(pages, publisher_user):
    api = make_api(publisher_user)
    titles = {
        text_of(pages.get(url(tab, api.pk))).split("<title>")[1].split("</title>")[0]
        for tab in TABS
        if tab not in ("copy", "api")
    }
    assert len(titles) == len(TABS) - 2 and f"Operations · {api} · Publisher" in titles


def test_a_step_says_what_the_api_is_now(client, publisher_user, make_user, organisation):
    api = make_api(publisher_user)
    deploy(publisher_user, api)
    client.force_login(make_user(organisation, "Internal/creator"))
    assert "checklist" not in text_of(client.get(url("lifecycle", api.pk)))
    client.force_login(publisher_user)
    steps = client.get(url("lifecycle", api.pk))
    assert "checklist" in text_of(steps)
    sent = {"action": "Deploy as a Prototype", "expected": steps.context["etag"]}
    told = client.post(url("lifecycle_change", api.pk), sent, follow=True)
    assert f"{api} is now pre-released." in text_of(told)
