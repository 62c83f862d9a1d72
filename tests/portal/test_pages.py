"""The portal's pages as a person without JavaScript uses them."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from apim.accounts.models import Organisation, User
from portal.models import Application, ApplicationKey, Subscription
from publisher.models import Operation, State
from tests.portal.builders import browser, make_api, make_application, make_key, make_subscription

pytestmark = pytest.mark.django_db
PORTAL = "/devportal"


def text(answer: object) -> str:
    """The page."""
    return answer.content.decode()


def test_an_empty_catalogue_says_what_comes_next(organisation: Organisation) -> None:
    assert "No APIs yet" in text(browser().get(f"{PORTAL}/"))


def test_the_catalogue_is_open_searched_filtered_and_paged(organisation: Organisation) -> None:
    for number in range(26):
        make_api(organisation, f"Api{number:02}", tags=["even" if number % 2 == 0 else "odd"])
    first = text(browser().get(f"{PORTAL}/"))
    assert "Api00" in first and "Api25" not in first and "26 APIs" in first
    assert "Api25" in text(browser().get(f"{PORTAL}/", {"page": 2}))
    found = text(browser().get(f"{PORTAL}/", {"query": "name:Api0*", "tag": "odd"}))
    assert "Api01" in found and "Api00" not in found and "5 APIs" in found
    assert "No API matches" in text(browser().get(f"{PORTAL}/", {"query": "nothing"}))
    newest = text(browser().get(f"{PORTAL}/", {"order": "newest"}))
    assert "Api25" in newest and "Api00" not in newest


def test_an_api_page_invites_strangers_to_log_in_and_come_back(organisation: Organisation) -> None:
    api = make_api(organisation, "Pizza", description="<script>alert(1)</script>")
    page = text(browser().get(f"{PORTAL}/apis/{api.pk}/"))
    assert "https://localhost:8243/pizza/1.0" in page
    assert f"/accounts/login/?next=/devportal/apis/{api.pk}/" in page
    assert f"/accounts/signup/?next=/devportal/apis/{api.pk}/" in page
    assert "5,000 requests a minute" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("security", "line", "said"),
    [
        (
            ["oauth2", "api_key"],
            "-H &quot;Authorization: Bearer $TOKEN&quot;",
            ["Access token in Auth", "API key in X-K"],
        ),
        (["api_key"], "-H &quot;X-Key: $API_KEY&quot;", ["API key in X-Key"]),
        (["basic_auth"], "-u &quot;$USER_NAME&quot;", ["User name and password"]),
        (["mutualssl", "mutualssl_mandatory"], "--cert &quot;$CERTIFICATE&quot;", ["Client certificate (mutual TLS)"]),
    ],
)
def test_an_api_page_says_what_credentials_it_takes(
    organisation: Organisation, security: list[str], line: str, said: list[str]
) -> None:
    """In words, and in a line to paste that is not for another kind."""
    api = make_api(organisation, security=security, api_key_header="X-Key")
    page = text(browser().get(f"{PORTAL}/apis/{api.pk}/")).replace("&#x27;", "'")
    assert line in page
    assert all(one in page for one in said)


def test_subscribing_in_one_step_makes_the_application(developer: User) -> None:
    api, client = make_api(developer.organisation), browser(developer)
    address = f"{PORTAL}/apis/{api.pk}/subscribe"
    form = {"application": "", "new_application": "", "throttlingPolicy": "Gold"}
    assert client.post(address, form).status_code == 400
    bad = client.post(address, {**form, "new_application": "Shop", "throttlingPolicy": "Never"})
    assert bad.status_code == 400 and not Application.objects.exists()
    done = client.post(address, {**form, "new_application": "Shop"}, follow=True)
    assert "Shop is subscribed to" in text(done) and "Generate keys for Shop" in text(done)
    assert Subscription.objects.get().application.name == "Shop"
    taken = client.post(address, {**form, "new_application": "Shop"})
    assert taken.status_code == 400 and "already" in text(taken)
    second = make_application(developer, "Second")
    client.post(address, {**form, "application": second.pk})
    assert second.subscriptions.count() == 1


def test_a_name_is_proposed_for_the_first_application_only(developer: User) -> None:
    api = make_api(developer.organisation)
    assert 'value="My application"' in text(browser(developer).get(f"{PORTAL}/apis/{api.pk}/"))
    make_subscription(make_application(developer, "My application"), api)
    assert 'value="My application"' not in text(browser(developer).get(f"{PORTAL}/apis/{api.pk}/"))


def test_people_without_the_role_are_told_so(publisher_user: User) -> None:
    api, client = make_api(publisher_user.organisation), browser(publisher_user)
    assert "needs the role of an app developer" in text(client.get(f"{PORTAL}/apis/{api.pk}/"))
    form = {"new_application": "Shop", "throttlingPolicy": "Gold"}
    assert client.post(f"{PORTAL}/apis/{api.pk}/subscribe", form).status_code == 403


def test_somebody_elses_application_cannot_be_chosen(developer: User, admin: User) -> None:
    api, theirs = make_api(developer.organisation), make_application(admin)
    form = {"application": theirs.pk, "throttlingPolicy": "Gold"}
    assert browser(developer).post(f"{PORTAL}/apis/{api.pk}/subscribe", form).status_code == 400
    assert not theirs.subscriptions.exists()


def test_the_definition_downloads_as_json_and_yaml(organisation: Organisation) -> None:
    api = make_api(organisation, "Pizza")
    answer = browser().get(f"{PORTAL}/apis/{api.pk}/definition.json?download")
    assert answer["Content-Disposition"] == 'attachment; filename="Pizza-1-0.json"'
    document = json.loads(answer.content)
    assert yaml.safe_load(browser().get(f"{PORTAL}/apis/{api.pk}/definition.yaml").content) == document
    assert document["components"]["securitySchemes"]["default"]["type"] == "oauth2"


@pytest.mark.parametrize(
    "given",
    [
        '{"swagger": "2.0", "info": {"title": "t", "version": "1"}, "host": "inner:1", "basePath": "/x", '
        '"securityDefinitions": {"k": {"type": "basic"}}, "paths": {"/menu": {"get": {"responses": {}}}}}',
        "openapi: 3.1.0\ninfo: {title: t, version: '1'}\nservers: [{url: 'http://inner:1'}]\npaths: {}\n",
        "",
        "not: [readable",
    ],
)
def test_every_kind_of_definition_is_served_for_the_gateway(organisation: Organisation, given: str) -> None:
    api = make_api(organisation, "Pizza", definition=given)
    document = json.loads(browser().get(f"{PORTAL}/apis/{api.pk}/definition.json").content)
    assert "inner" not in json.dumps(document)
    if "swagger" in document:
        assert (document["host"], document["basePath"], document["schemes"]) == (
            "localhost:8243",
            "/pizza/1.0",
            ["https"],
        )
        assert list(document["securityDefinitions"]) == ["default"]
    else:
        assert document["servers"][0]["url"] == "https://localhost:8243/pizza/1.0"


def test_an_open_operation_asks_for_no_token(organisation: Organisation) -> None:
    api = make_api(organisation)
    Operation.objects.filter(api=api, verb="GET").update(auth="none")
    document = json.loads(browser().get(f"{PORTAL}/apis/{api.pk}/definition.json").content)
    assert document["paths"]["/menu"]["get"]["security"] == []


def test_the_console_comes_from_our_own_files_and_may_call_the_gateway_only(developer: User) -> None:
    api = make_api(developer.organisation)
    answer = browser(developer).get(f"{PORTAL}/apis/{api.pk}/tryout/")
    page = text(answer)
    assert "https://localhost:8243" in answer["Content-Security-Policy"]
    assert "swagger-ui-bundle.js" in page and "portal/tryout.js" in page
    assert "Subscribe first" in page
    application = make_application(developer, "Shop")
    make_subscription(application, api)
    assert "Generate keys for Shop" in text(browser(developer).get(f"{PORTAL}/apis/{api.pk}/tryout/"))
    make_key(application)
    assert "Get test token" in text(browser(developer).get(f"{PORTAL}/apis/{api.pk}/tryout/"))
    for word in ("<script>", "onclick=", "style="):
        assert word not in page


def test_applications_from_empty_list_to_deletion(developer: User) -> None:
    client = browser(developer)
    assert "No applications yet" in text(client.get(f"{PORTAL}/applications/"))
    wrong = client.post(f"{PORTAL}/applications/new/", {"name": "", "throttlingPolicy": "Never"})
    assert "field-error" in text(wrong)
    made = client.post(f"{PORTAL}/applications/new/", {"name": "Shop", "throttlingPolicy": "10PerMin"})
    application = Application.objects.get()
    assert made["Location"] == f"{PORTAL}/applications/{application.pk}/"
    page = text(client.get(made["Location"]))
    assert "10 requests a minute" in page and "Find an API" in page
    client.post(f"{made['Location']}edit/", {"name": "Store", "throttlingPolicy": "Unlimited", "description": "d"})
    assert "Store" in text(client.get(f"{PORTAL}/applications/"))
    assert "already" in text(
        client.post(f"{PORTAL}/applications/new/", {"name": "Store", "throttlingPolicy": "Unlimited"})
    )
    gone = client.post(f"{made['Location']}delete", follow=True)
    assert "Store is deleted." in text(gone) and not Application.objects.exists()


def test_the_secret_is_in_one_answer_only(developer: User) -> None:
    client, application = browser(developer), make_application(developer)
    root = f"{PORTAL}/applications/{application.pk}"
    assert "Generate production keys" in text(client.get(f"{root}/production/"))
    wrong = client.post(f"{root}/production/generate", {"grantTypes": ["authorization_code"]})
    assert wrong.status_code == 400 and "field-error" in text(wrong)
    made = client.post(f"{root}/production/generate", {"grantTypes": ["client_credentials"]})
    assert made["Cache-Control"] == "no-store"
    assert "Copy the consumer secret now" in text(made)
    assert f'href="{root}/production/" aria-current="page"' in text(made)
    key = ApplicationKey.objects.get()
    later = text(client.get(f"{root}/production/"))
    assert key.consumer_key in later and "Copy the consumer secret now" not in later and "$CONSUMER_SECRET" in later
    again = client.post(f"{root}/production/generate", {"grantTypes": ["client_credentials"]})
    assert again.status_code == 400 or "already" in text(again)
    renewed = client.post(f"{root}/production/{key.pk}/secret")
    assert "Copy the consumer secret now" in text(renewed)
    client.post(f"{root}/production/{key.pk}/update", {"grantTypes": ["client_credentials"], "validityPeriod": "90"})
    key.client.refresh_from_db()
    assert key.client.token_lifetime == 90
    client.post(f"{root}/production/{key.pk}/delete")
    assert not ApplicationKey.objects.exists()
    assert client.post(f"{root}/staging/generate", {"grantTypes": ["client_credentials"]}).status_code in (
        400,
        404,
    )


def test_a_test_token_comes_as_page_and_as_json(developer: User) -> None:
    client, application = browser(developer), make_application(developer)
    key = make_key(application)
    address = f"{PORTAL}/applications/{application.pk}/production/{key.pk}/token"
    assert "issued-token" in text(client.post(address, {"validityPeriod": "60"}))
    issued = client.post(address, headers={"accept": "application/json"}).json()
    assert issued["access_token"].count(".") == 2 and issued["expires_in"] == 3600
    refused = client.post(address, {"validityPeriod": "0"}, headers={"accept": "application/json"})
    assert refused.status_code == 400 and refused.json()["error"][0]["field"] == "validityPeriod"
    assert client.post(address, {"validityPeriod": "999999999999"}).status_code == 400


def test_an_existing_client_is_mapped_on_the_page(developer: User) -> None:
    client, application = browser(developer), make_application(developer)
    address = f"{PORTAL}/applications/{application.pk}/sandbox/map"
    answer = client.post(address, {"consumerKey": "nobody", "consumer_secret": "x"})
    assert answer.status_code == 400 and "no OAuth client" in text(answer)


def test_plans_are_changed_and_subscriptions_ended(developer: User) -> None:
    client, api, application = browser(developer), make_api(developer.organisation), make_application(developer)
    address = f"{PORTAL}/applications/{application.pk}/subscriptions/"
    assert "Not subscribed to any API" in text(client.get(address))
    row = make_subscription(application, api)
    assert api.name in text(client.get(address))
    changed = client.post(f"{PORTAL}/subscriptions/{row.pk}/plan", {"plan": "Bronze"}, follow=True)
    assert "is now on the plan Bronze" in text(changed)
    assert "not one of" in text(client.post(f"{PORTAL}/subscriptions/{row.pk}/plan", {"plan": "Never"}, follow=True))
    assert "no longer subscribed" in text(client.post(f"{PORTAL}/subscriptions/{row.pk}/delete", follow=True))
    assert not Subscription.objects.exists()


def test_a_deprecated_api_is_shown_to_its_subscribers_without_form(developer: User) -> None:
    api = make_api(developer.organisation)
    make_subscription(make_application(developer), api)
    api.state = State.DEPRECATED
    api.save()
    assert browser().get(f"{PORTAL}/apis/{api.pk}/").status_code == 404
    assert "no new subscriptions" in text(browser(developer).get(f"{PORTAL}/apis/{api.pk}/"))


def test_publishers_see_and_steer_the_subscribers(developer: User, publisher_user: User, creator: User) -> None:
    api, client = make_api(developer.organisation), browser(publisher_user)
    address = f"/publisher/apis/{api.pk}/subscriptions/"
    assert "Nobody has subscribed yet" in text(client.get(address))
    row = make_subscription(make_application(developer, "Shop"), api)
    page = text(client.get(address))
    assert "Shop" in page and "developer@example.org" in page
    assert "Shop is blocked." in text(
        client.post(f"/publisher/subscriptions/{row.pk}/state", {"state": "BLOCKED"}, follow=True)
    )
    assert "Shop" not in text(client.get(address, {"state": "UNBLOCKED"}))
    moved = client.post(f"/publisher/subscriptions/{row.pk}/plan", {"plan": "Bronze"}, follow=True)
    assert "now on the plan Bronze" in text(moved)
    assert "Block" not in text(browser(creator).get(address)).split("<tbody>")[1].split("</tbody>")[0].replace(
        "Blocked", ""
    )
    assert browser(creator).post(f"/publisher/subscriptions/{row.pk}/state", {"state": "UNBLOCKED"}).status_code == 403
    assert browser(developer).get(address).status_code == 403
    assert browser().get(address).status_code == 302


def test_no_two_fields_of_a_page_share_an_id(developer: User) -> None:
    application = make_application(developer)
    make_key(application)
    page = text(browser(developer).get(f"{PORTAL}/applications/{application.pk}/production/"))
    ids = re.findall(r' id="([^"]+)"', page)
    assert "id_token_validityPeriod" in ids
    assert sorted(ids) == sorted(set(ids))
