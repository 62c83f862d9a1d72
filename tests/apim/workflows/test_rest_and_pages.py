"""REST and pages: lists, decisions, states that requesters see, tenants kept apart."""

from __future__ import annotations

import json
import uuid

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apim.accounts.actions.roles import set_roles
from apim.keymanager.rest import Token
from apim.workflows.models import Kind, Task
from portal.actions.subscriptions import change_plan
from portal.models import Application, ApplicationKey, Subscription
from publisher.models import Api
from tests.portal.builders import browser, make_api, make_application, make_key, make_subscription
from tests.portal.builders import rest as rest_client
from tests.publisher import make
from tests.support.people import make_user

pytestmark = pytest.mark.django_db
ADMIN, PORTAL, PUBLISHER = "/api/am/admin/v4", "/api/am/devportal/v3", "/api/am/publisher/v4"
UPDATE = f"{ADMIN}/workflows/update-workflow-status?workflowReferenceId="


def test_the_list_is_paged_and_narrowed(asks, boss, developer):
    asks(Kind.APPLICATION_CREATION, Kind.USER_SIGNUP)
    for _ in range(3):
        make_application(developer)
    client = rest_client(boss)
    page = client.get(f"{ADMIN}/workflows?limit=2").json()
    assert page["count"] == 2 and page["next"] == "/workflows?limit=2&offset=2" and page["previous"] == ""
    assert client.get(f"{ADMIN}/workflows?workflowType=AM_APPLICATION_CREATION").json()["count"] == 3
    assert client.get(f"{ADMIN}/workflows?workflowType=AM_USER_SIGNUP").json()["count"] == 0
    assert client.get(f"{ADMIN}/workflows?workflowType=X").status_code == 400
    one = page["list"][0]
    assert one["workflowType"] == "APPLICATION_CREATION" and one["workflowStatus"] == "CREATED"
    assert client.get(f"{ADMIN}/workflows/{one['referenceId']}").json() == one


def test_a_decision_over_rest(asks, boss, developer):
    asks(Kind.APPLICATION_CREATION)
    make_application(developer)
    task, client = Task.objects.get(), rest_client(boss)
    for bad in ({}, {"status": "CREATED"}, {"status": "APPROVED", "description": 5}, []):
        assert client.post(UPDATE + str(task.pk), bad, format="json").status_code == 400
    done = client.post(UPDATE + str(task.pk), {"status": "APPROVED", "description": "ok"}, format="json")
    assert done.json() == {"status": "APPROVED", "attributes": {}, "description": "ok"}
    assert client.post(UPDATE + str(task.pk), {"status": "APPROVED"}, format="json").status_code == 200
    assert client.post(UPDATE + str(task.pk), {"status": "REJECTED"}, format="json").status_code == 409
    assert client.get(f"{ADMIN}/workflows/{task.pk}").status_code == 404, "it waits no more"
    assert client.post(UPDATE + str(uuid.uuid4()), {"status": "APPROVED"}, format="json").status_code == 404
    assert client.post(f"{ADMIN}/workflows/update-workflow-status", {"status": "APPROVED"}).status_code == 400


@pytest.mark.parametrize(("scopes", "see", "decide"), [
    ({"apim:api_workflow_view"}, 200, 403), ({"apim:api_workflow_approve"}, 403, 200), ({"apim:admin"}, 200, 200),
    ({"apim:api_view"}, 403, 403),
])  # fmt: skip
def test_scopes(asks, boss, developer, scopes, see, decide):
    asks(Kind.APPLICATION_CREATION)
    make_application(developer)
    client = APIClient()
    client.force_authenticate(boss, token=Token("x", "y", frozenset(scopes)))
    assert client.get(f"{ADMIN}/workflows").status_code == see
    reference = str(Task.objects.get().pk)
    assert client.post(UPDATE + reference, {"status": "APPROVED"}, format="json").status_code == decide


def test_another_tenant_and_other_roles_see_nothing(asks, boss, developer, other_organisation):
    asks(Kind.APPLICATION_CREATION)
    make_application(developer, "Very private")
    task = Task.objects.get()
    stranger = set_roles(by=None, user=make_user(other_organisation), roles=["admin"])
    client = rest_client(stranger)
    assert client.get(f"{ADMIN}/workflows").json()["count"] == 0
    assert client.get(f"{ADMIN}/workflows/{task.pk}").status_code == 404
    assert client.post(UPDATE + str(task.pk), {"status": "APPROVED"}, format="json").status_code == 404
    page = browser(stranger).get("/admin/workflows/task/").content.decode()
    assert "Very private" not in page
    assert browser(stranger).get(f"/admin/workflows/task/{task.pk}/change/").status_code == 302
    assert rest_client(developer).get(f"{ADMIN}/workflows").status_code == 403
    assert Task.objects.get().is_waiting


def test_requesters_see_states_over_rest(asks, boss, developer, publisher_user):
    kinds = (Kind.APPLICATION_DELETION, Kind.PRODUCTION_KEY, Kind.SUBSCRIPTION_CREATION, Kind.SUBSCRIPTION_DELETION)
    asks(*kinds)
    client, api, application = rest_client(developer), make_api(developer.organisation), make_application(developer)
    wanted = {"applicationId": str(application.pk), "apiId": str(api.pk), "throttlingPolicy": "Gold"}
    made = client.post(f"{PORTAL}/subscriptions", wanted, format="json")
    assert (made.status_code, made.json()["status"]) == (201, "ON_HOLD")
    Subscription.objects.update(state="UNBLOCKED")
    Task.objects.all().delete()
    gone = client.delete(f"{PORTAL}/subscriptions/{made.json()['subscriptionId']}")
    assert (gone.status_code, gone.json()["workflowStatus"]) == (202, "CREATED")
    body = {"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"]}
    key = client.post(f"{PORTAL}/applications/{application.pk}/generate-keys", body, format="json")
    assert (key.status_code, key.json()["keyState"]) == (200, "CREATED")
    Task.objects.all().delete()
    gone = client.delete(f"{PORTAL}/applications/{application.pk}")
    assert (gone.status_code, gone["Location"]) == (202, f"/applications/{application.pk}")
    assert client.get(f"{PORTAL}/applications/{application.pk}").json()["status"] == "DELETE_PENDING"


@pytest.mark.parametrize("kind", ["apis", "api-products"])
def test_pending_tasks_of_the_life_cycle(asks, boss, publisher_user, kind):
    asks(Kind.API_STATE, Kind.API_PRODUCT_STATE)
    api = make.make_api(publisher_user)
    make.deploy(publisher_user, api)
    name = "apiId"
    if kind == "api-products":
        Api.objects.filter(pk=api.pk).update(kind="PRODUCT")
        name = "apiProductId"
    client = rest_client(publisher_user)
    step = client.post(f"{PUBLISHER}/{kind}/change-lifecycle?action=Publish&{name}={api.pk}&apiId={api.pk}")
    assert step.status_code == 202, step.content
    assert step.json()["workflowStatus"] == "CREATED" and step.json()["lifecycleState"]["state"] == "Created"
    reference = json.loads(step.json()["jsonPayload"])["workflowReference"]
    where = f"{PUBLISHER}/{kind}/{api.pk}/lifecycle-state/pending-tasks"
    assert client.get(where).json()["list"][0]["referenceId"] == reference
    assert client.delete(where).status_code == 200
    assert client.get(where).json()["count"] == 0 and client.delete(where).status_code == 404


def admin_browser(user) -> Client:
    return browser(user)


def test_the_admin_decides_with_a_comment(asks, boss, developer):
    asks(Kind.APPLICATION_CREATION)
    make_application(developer, "Shown")
    task, client = Task.objects.get(), admin_browser(boss)
    assert "Shown" in client.get("/admin/workflows/task/").content.decode()
    address = f"/admin/workflows/task/{task.pk}/change/"
    page = client.get(address).content.decode()
    assert "Approve" in page and "Reject" in page and "applicationName: Shown" in page
    client.post(address, {"comment": "welcome"})
    assert Task.objects.get().is_waiting, "saving alone decides nothing"
    assert client.post(address, {"comment": "welcome", "approve_task": "1"}).status_code == 302
    task.refresh_from_db()
    assert (task.status, task.comment, task.decided_by) == ("APPROVED", "welcome", "admin")
    assert "approve_task" not in client.get(address).content.decode()


def test_the_admin_decides_on_several(asks, boss, developer):
    asks(Kind.APPLICATION_CREATION)
    for _ in range(2):
        make_application(developer)
    chosen = {"action": "reject_chosen", "_selected_action": list(Task.objects.values_list("pk", flat=True))}
    assert (
        "2 requests rejected"
        in admin_browser(boss).post("/admin/workflows/task/", chosen, follow=True).content.decode()
    )
    assert set(Application.objects.values_list("status", flat=True)) == {"REJECTED"}


def test_the_admin_chooses_executors(boss):
    client = admin_browser(boss)
    form = {
        "organisation": boss.organisation_id,
        "kind": "API_STATE",
        "style": "HTTP",
        "url": "",
        "credentials": "NONE",
    }
    form |= {"transitions": "CREATED:Publish\n", "username": "", "token_url": "", "notify": "", "new_secret": ""}
    assert "is required" in client.post("/admin/workflows/executor/add/", form, follow=True).content.decode()
    form |= {"url": "https://wf.example/x", "credentials": "BASIC", "username": "u", "new_secret": "geheim"}
    assert client.post("/admin/workflows/executor/add/", form).status_code == 302
    from apim.workflows.models import Executor

    row = Executor.objects.get()
    assert row.transitions == ["CREATED:Publish"]
    page = client.get(f"/admin/workflows/executor/{row.pk}/change/").content.decode()
    assert "geheim" not in page and row.secret not in page and "CREATED:Publish" in page


def test_pages_show_what_waits(asks, boss, developer, publisher_user):
    application = make_application(developer, "Mine")
    row = make_subscription(application, make_api(developer.organisation))
    asks(Kind.SUBSCRIPTION_UPDATE, Kind.PRODUCTION_KEY, Kind.APPLICATION_CREATION, Kind.API_STATE)
    change_plan(by=developer, subscription=row, plan="Bronze")
    make_key(application)
    waiting = make_application(developer, "New one")
    client = browser(developer)
    text = client.get(f"/devportal/applications/{application.pk}/subscriptions/").content.decode()
    assert "Plan change pending" in text and "Bronze" in text
    assert "waits for approval" in client.get(f"/devportal/applications/{application.pk}/production/").content.decode()
    shown = client.get(f"/devportal/applications/{waiting.pk}/").content.decode()
    assert "waits for approval" in shown and "Find an API</a>" not in shown and "Generate keys</a>" not in shown
    assert "Waiting for approval" in client.get("/devportal/applications/").content.decode()
    api = make.make_api(publisher_user)
    make.deploy(publisher_user, api)
    publisher = browser(publisher_user)
    address = f"/publisher/apis/{api.pk}/lifecycle/"
    done = publisher.post(f"{address}change/", {"action": "Publish"}, follow=True).content.decode()
    assert "Publish waits for approval" in done and "Take back" in done
    publisher.post(f"{address}withdraw/")
    assert "Take back" not in publisher.get(address).content.decode()
    ApplicationKey.objects.update(state="REJECTED")
    assert "was rejected" in client.get(f"/devportal/applications/{application.pk}/production/").content.decode()
