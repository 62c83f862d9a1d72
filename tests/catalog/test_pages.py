"""The catalog's pages: empty and filled, search, one service, import, removal, and tenants apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apim.accounts.models import User
from catalog.actions.services import import_services
from catalog.models import Service
from publisher.models import Api
from tests.catalog.archives import archive, files

PAGE = "/service-catalog/"


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """A browser of a user."""

    def build(user: User) -> Client:
        client = Client(headers={"Accept": "text/html"})
        client.force_login(user)
        return client

    return build


@pytest.fixture
def service(integration_dev: User) -> Service:
    """A registered service with something to escape."""
    (made,) = import_services(by=integration_dev, archive=archive(files(description="<script>alert(1)</script>")))
    return made


def test_an_empty_catalog_says_how_services_come(creator: User, client_of: Any) -> None:
    text = client_of(creator).get(PAGE).content.decode()
    assert "No services yet" in text and "Integration first" in text


def test_services_are_listed_and_found(service: Service, creator: User, client_of: Any) -> None:
    client = client_of(creator)
    assert "Customers" in client.get(PAGE).content.decode()
    assert "Customers" in client.get(f"{PAGE}?q=custom&type=OAS3").content.decode()
    assert "Nothing matches" in client.get(f"{PAGE}?q=%22%3E%3Cx").content.decode()
    assert client.get(f"{PAGE}?page=99&type=nonsense").status_code == 200


def test_a_service_is_shown_with_its_apis(service: Service, creator: User, client_of: Any) -> None:
    Api.objects.create(
        organisation=creator.organisation, name="Shop", version="1", context="/shop", provider=creator, service=service
    )
    text = client_of(creator).get(f"{PAGE}services/{service.pk}/").content.decode()
    assert "<script>alert" not in text and "&lt;script&gt;" in text
    for told in ("openapi: 3.0.3", service.url, "Shop 1", "service changed since"):
        assert told in text, told
    download = client_of(creator).get(f"{PAGE}services/{service.pk}/definition/")
    assert (
        download.content.decode() == service.definition
        and "customers-1.0.yaml" in download.headers["Content-Disposition"]
    )


def test_an_archive_is_imported_by_hand(creator: User, client_of: Any) -> None:
    client = client_of(creator)
    good = client.post(f"{PAGE}import/", {"file": SimpleUploadedFile("a.zip", archive())})
    assert good.status_code == 302 and Service.objects.count() == 1
    bad = client.post(f"{PAGE}import/", {"file": SimpleUploadedFile("a.zip", b"no zip")})
    assert bad.status_code == 400 and "not a readable zip archive" in bad.content.decode()


def test_a_service_is_removed_unless_it_is_used(service: Service, creator: User, client_of: Any) -> None:
    client, path = client_of(creator), f"{PAGE}services/{service.pk}/delete/"
    used = Api.objects.create(
        organisation=creator.organisation, name="Shop", version="1", context="/shop", provider=creator, service=service
    )
    assert client.post(path).status_code == 302 and Service.objects.exists()
    used.delete()
    assert client.get(path).status_code == 405
    assert client.post(path).status_code == 302 and not Service.objects.exists()


def test_strangers_see_nothing(
    service: Service, developer: User, other_organisation: Any, make_user: Callable[..., User], client_of: Any
) -> None:
    assert Client().get(PAGE).status_code == 302
    assert client_of(developer).get(PAGE).status_code == 403
    other = client_of(make_user(other_organisation, "Internal/creator"))
    for path in (f"services/{service.pk}/", f"services/{service.pk}/definition/"):
        assert other.get(PAGE + path).status_code == 404
    assert other.post(f"{PAGE}services/{service.pk}/delete/").status_code == 404 and Service.objects.exists()


def test_the_admin_lists_services_of_the_own_organisation(
    service: Service, other_organisation: Any, make_user: Callable[..., User], organisation: Any, client_of: Any
) -> None:
    assert (
        b"customers"
        in client_of(make_user(organisation, "admin", is_staff=True)).get("/admin/catalog/service/").content
    )
    assert (
        b"customers-1.0"
        not in client_of(make_user(other_organisation, "admin", is_staff=True)).get("/admin/catalog/service/").content
    )
