"""What the tenant of a path means for sessions and for REST callers."""

from __future__ import annotations

import base64

import pytest
from django.http import HttpRequest, JsonResponse
from django.test import Client
from django.urls import include, path
from rest_framework.decorators import api_view
from rest_framework.response import Response

from apim.accounts.models import Organisation, User
from apim.errors import Invalid, Unauthenticated
from tests.support.people import PASSWORD, make_user


def page(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"user": str(request.user), "organisation": request.organisation.domain})


@api_view(["GET"])
def resource(request: HttpRequest) -> Response:
    return Response({"user": str(request.user), "organisation": request._request.organisation.domain})


def broken(request: HttpRequest) -> JsonResponse:
    raise Invalid("The colour 'pnk' is not one of red, blue.")


def private(request: HttpRequest) -> JsonResponse:
    raise Unauthenticated("Log in first.")


urlpatterns = [
    path("private", private),
    path("page", page), path("resource", resource), path("broken", broken),
    path("accounts/", include("apim.accounts.urls")), path("", include("apim.ui.urls")),
]  # fmt: skip

pytestmark = pytest.mark.urls(__name__)


def basic(name: str, password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
def alice(other_organisation: Organisation) -> User:
    return make_user(other_organisation, username="alice")


def test_user_is_known_at_home_with_and_without_prefix(client: Client, alice: User) -> None:
    client.force_login(alice)
    for address in ("/page", "/t/acme.com/page"):
        assert client.get(address).json() == {"user": "alice@acme.com", "organisation": "acme.com"}


def test_user_is_a_visitor_in_another_organisation(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/t/carbon.super/page").json() == {"user": "AnonymousUser", "organisation": "carbon.super"}


def test_visitor_belongs_to_the_path_or_the_first_organisation(client: Client, alice: User) -> None:
    assert client.get("/page").json()["organisation"] == "carbon.super"
    assert client.get("/t/acme.com/page").json()["organisation"] == "acme.com"


def test_unknown_organisation_is_not_found(client: Client, alice: User) -> None:
    answer = client.get("/t/nowhere.org/page")
    assert answer.status_code == 404
    assert "There is no organisation nowhere.org" in answer.content.decode()


def test_links_stay_inside_the_tenant(client: Client, alice: User) -> None:
    assert 'action="/t/acme.com/accounts/logout/"' not in client.get("/accounts/login/").content.decode()
    assert 'href="/t/acme.com/accounts/signup/"' in client.get("/t/acme.com/accounts/login/").content.decode()
    assert 'href="/accounts/signup/"' in client.get("/accounts/login/").content.decode()


def test_rest_caller_works_in_the_own_organisation(client: Client, alice: User) -> None:
    for address in ("/resource", "/t/acme.com/resource"):
        answer = client.get(address, headers=basic("alice@acme.com"))
        assert answer.json() == {"user": "alice@acme.com", "organisation": "acme.com"}


def test_rest_caller_is_refused_elsewhere(client: Client, alice: User) -> None:
    answer = client.get("/t/carbon.super/resource", headers=basic("alice@acme.com"))
    assert answer.status_code == 401
    assert answer.json()["code"] == 900401


def test_rest_guessing_is_slowed_down_too(client: Client, alice: User) -> None:
    for _ in range(5):
        client.get("/resource", headers=basic("alice@acme.com", "nope"))
    assert client.get("/resource", headers=basic("alice@acme.com")).status_code == 401


def test_callers_mistake_is_json_or_a_page(client: Client, organisation: Organisation) -> None:
    answer = client.get("/broken")
    assert (answer.status_code, answer.json()["description"]) == (400, "The colour 'pnk' is not one of red, blue.")
    as_page = client.get("/broken", headers={"Accept": "text/html"})
    assert as_page.status_code == 400
    assert "The colour &#x27;pnk&#x27; is not one of red, blue." in as_page.content.decode()


def test_who_must_log_in_is_led_there_and_back(client: Client, alice: User) -> None:
    answer = client.get("/t/acme.com/private", headers={"Accept": "text/html"})
    assert answer["Location"] == "/t/acme.com/accounts/login/?next=/t/acme.com/private"
    assert client.get("/private").status_code == 401


def test_correlation_id_is_taken_or_made(client: Client, organisation: Organisation) -> None:
    assert client.get("/page", headers={"activityid": "abc-1"})["activityid"] == "abc-1"
    assert len(client.get("/page", headers={"activityid": "<script>"})["activityid"]) == 36
