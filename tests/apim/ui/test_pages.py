"""Start page, error pages, style guide and what every page carries."""

from __future__ import annotations

import re

import pytest
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import include, path

from apim.accounts.models import Organisation, User
from apim.ui.csp import allow, allows
from apim.ui.styleguide import SampleForm


def test_visitors_see_three_doors_and_the_portal_first(client: Client, organisation: Organisation) -> None:
    text = client.get("/").content.decode()
    assert re.findall(r'class="card door[^"]*" href="([^"]+)"', text) == [
        "/accounts/login/?next=/publisher/",
        "/devportal/",
        "/accounts/login/?next=/service-catalog/",
    ]
    assert 'btn-large" href="/devportal/"' in text


@pytest.mark.parametrize(
    ("roles", "labels"),
    [
        (["Internal/subscriber"], ["Developer portal"]),
        (["Internal/creator"], ["Publisher", "Developer portal", "Service catalog"]),
        (["Internal/integration_dev"], ["Developer portal", "Service catalog"]),
        (["admin"], ["Publisher", "Developer portal", "Service catalog", "Admin"]),
    ],
)
def test_navigation_shows_what_the_roles_allow(
    client: Client, organisation: Organisation, make_user, roles, labels
) -> None:
    user = make_user(organisation, *roles, is_staff="admin" in roles)
    client.force_login(user)
    text = client.get("/").content.decode()
    nav = re.search(r'<nav class="top-nav".*?</nav>', text, re.DOTALL).group()
    assert re.findall(r">([^<]+)</a>", nav) == labels


def test_tenants_addresses_keep_the_prefix(client: Client, other_organisation: Organisation) -> None:
    text = client.get("/t/acme.com/").content.decode()
    assert 'href="/t/acme.com/devportal/"' in text
    assert "/accounts/login/?next=/t/acme.com/publisher/" in text


def test_missing_page_says_so(client: Client, organisation: Organisation) -> None:
    answer = client.get("/no/such/page", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert answer["activityid"] in answer.content.decode()


def test_programs_get_errors_as_json(client: Client, organisation: Organisation) -> None:
    answer = client.get("/api/am/none")
    assert (answer.status_code, answer.json()["code"]) == (404, 900404)


def test_style_guide_is_for_administrators(client: Client, organisation: Organisation, admin: User) -> None:
    assert client.get("/ui/styleguide").status_code == 404
    client.force_login(admin)
    answer = client.get("/ui/styleguide?page=3")
    assert answer.status_code == 200
    assert "Page 3 of 10" in answer.content.decode()


def test_page_works_before_the_first_organisation_exists(client: Client, db: None) -> None:
    assert client.get("/").status_code == 200
    assert client.get("/accounts/signup/").status_code == 403


@pytest.mark.parametrize("address", ["/favicon.ico", "/robots.txt", "/static/ui/app.css", "/static/ui/app.js"])
def test_small_files_are_there(client: Client, organisation: Organisation, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200
    answer.close()


def test_pages_hold_no_inline_code_or_style(client: Client, organisation: Organisation, admin: User) -> None:
    client.force_login(admin)
    for address in ("/", "/ui/styleguide", "/accounts/profile/", "/nope"):
        text = client.get(address, headers={"Accept": "text/html"}).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=|\sstyle=|<style", text), address


def special(request: HttpRequest):
    from django.http import HttpResponse

    return allow(HttpResponse("x"), "connect-src", ["https://gw.example:8243"])


@allows("style-src", "'unsafe-inline'")
def styled(request: HttpRequest):
    from django.http import HttpResponse

    return HttpResponse("x")


def crash(request: HttpRequest):
    raise RuntimeError("our mistake")


urlpatterns = [
    path("special", special), path("styled", styled), path("crash", crash),
    path("accounts/", include("apim.accounts.urls")), path("", include("apim.ui.urls")),
]  # fmt: skip
handler500 = "apim.ui.views.server_error"


def directives(answer) -> dict[str, str]:
    return dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))


def test_policy_allows_ourselves_and_the_gateway_only(client: Client, organisation: Organisation) -> None:
    policy = directives(client.get("/"))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' https://localhost:8243 http://localhost:8280"
    assert (policy["frame-ancestors"], policy["object-src"], policy["base-uri"]) == ("'none'", "'none'", "'none'")


def test_admin_alone_gets_the_looser_policy(client: Client, organisation: Organisation) -> None:
    assert directives(client.get("/admin/"))["script-src"] == "'self' 'unsafe-eval'"
    assert directives(client.get("/administration"))["script-src"] == "'self'"


@pytest.mark.urls(__name__)
def test_view_may_ask_for_more(client: Client, organisation: Organisation) -> None:
    assert directives(client.get("/special"))["connect-src"].endswith(" https://gw.example:8243")
    assert directives(client.get("/styled"))["style-src"] == "'self' 'unsafe-inline'"
    assert directives(client.get("/"))["style-src"] == "'self'"


@pytest.mark.urls(__name__)
def test_our_own_mistake_shows_a_page_without_internals(organisation: Organisation) -> None:
    client = Client(raise_request_exception=False)
    assert client.get("/crash").json()["code"] == 900500
    answer = client.get("/crash", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
    assert "our mistake" not in answer.content.decode()


def test_field_names_its_help_and_its_error() -> None:
    form = SampleForm({"name": "", "plan": "gold"})
    text = render_to_string("ui/field.html", {"field": form["name"]})
    assert 'aria-describedby="id_name_helptext id_name_error"' in text
    assert 'aria-invalid="true"' in text
    assert 'id="id_name_error"' in text
    assert 'id="id_name_helptext"' in text


def test_form_is_whole() -> None:
    request = RequestFactory().get("/")
    text = render_to_string("ui/form.html", {"form": SampleForm(), "submit": "Go", "cancel": "/back"}, request)
    assert 'enctype="multipart/form-data"' in text
    assert "csrfmiddlewaretoken" in text
    assert ">Go</button>" in text
    assert 'href="/back"' in text


def test_pager_keeps_the_other_parameters() -> None:
    request = RequestFactory().get("/?q=pizza&page=2")
    text = render_to_string("ui/pager.html", {"page": Paginator(range(30), 10).page(2)}, request)
    assert "?q=pizza&amp;page=1" in text
    assert "?q=pizza&amp;page=3" in text
    assert "11–20 of 30" in text


def test_pager_of_one_page_is_nothing() -> None:
    request = RequestFactory().get("/")
    assert not render_to_string("ui/pager.html", {"page": Paginator(range(3), 10).page(1)}, request).strip()
