"""Walks every address of the portal as its owner, another developer, another tenant and a stranger."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.urls import URLPattern

from apim.accounts.models import Organisation, User
from portal.actions.comments import say
from portal.api.urls import urlpatterns as rest_urls
from portal.models import Application, ApplicationKey, Subscription
from portal.publisher_api.urls import urlpatterns as publisher_rest_urls
from portal.publisher_urls import urlpatterns as publisher_urls
from portal.urls import urlpatterns as page_urls
from publisher.models import Api, Comment, Document, Visibility
from tests.portal.builders import browser, make_api, make_application, make_key, make_subscription, rest

pytestmark = pytest.mark.django_db
OWNED = ("application_id", "key_id", "subscription_id")


@dataclass
class Things:
    """What one developer has."""

    api: Api
    application: Application
    key: ApplicationKey
    subscription: Subscription
    document: Document
    comment: Comment

    def ids(self) -> dict[str, str]:
        """Values for the placeholders of addresses."""
        return {
            "api_id": str(self.api.pk),
            "application_id": str(self.application.pk),
            "key_id": str(self.key.pk),
            "subscription_id": str(self.subscription.pk),
            "level": "subscription",
            "name": "Gold",
            "key_type": "production",
            "document_id": str(self.document.pk),
            "comment_id": str(self.comment.pk),
            "language": "python",
        }


@pytest.fixture
def things(developer: User) -> Things:
    """An API that only its organisation sees, and a developer's application with a key and a subscription."""
    api = make_api(developer.organisation, "Inner", visibility=Visibility.PRIVATE)
    application = make_application(developer, "Very private name")
    document = Document.objects.create(api=api, name="Inner guide", source="INLINE", text="Inner words", created_by="x")
    comment = say(by=developer, api=api, text="Inner question")
    return Things(api, application, make_key(application), make_subscription(application, api), document, comment)


def addresses(patterns: list[URLPattern], root: str, things: Things) -> Iterator[tuple[str, set[str]]]:
    """Every address with the names of its placeholders."""
    for pattern in patterns:
        names = set(pattern.pattern.converters)
        route = str(pattern.pattern)
        for name, converter in pattern.pattern.converters.items():
            kind = {"UUIDConverter": "uuid", "StringConverter": "str"}[type(converter).__name__]
            route = route.replace(f"<{kind}:{name}>", things.ids()[name])
        assert "<" not in route
        yield f"{root}/{route}", names


def others(developer: User, other_organisation: Organisation, make_user: object) -> list[User]:
    """A colleague, and the mightiest person of another tenant."""
    everything = ("admin", "Internal/publisher", "Internal/creator", "Internal/subscriber")
    return [make_user(developer.organisation, "Internal/subscriber"), make_user(other_organisation, *everything)]


def test_pages_of_ones_own_things_do_not_exist_for_others(
    things: Things, developer: User, other_organisation: Organisation, make_user: object
) -> None:
    strangers = others(developer, other_organisation, make_user)
    for address, names in addresses(page_urls, "/devportal", things):
        if not names.intersection(OWNED):
            continue
        assert browser().get(address).status_code in (302, 405), address
        for stranger in strangers:
            client = browser(stranger)
            for answer in (client.get(address), client.post(address, {"plan": "Bronze"})):
                assert answer.status_code in (404, 405), (address, stranger)
                assert b"Very private name" not in answer.content
    assert_untouched(things)


def test_rest_resources_of_ones_own_things_do_not_exist_for_others(
    things: Things, developer: User, other_organisation: Organisation, make_user: object
) -> None:
    strangers = others(developer, other_organisation, make_user)
    for address, names in addresses(rest_urls, "/api/am/devportal/v3", things):
        for stranger in strangers:
            client = rest(stranger)
            for method in ("get", "post", "put", "delete"):
                answer = getattr(client, method)(address, {}, format="json") if method != "get" else client.get(address)
                assert answer.status_code < 500, (method, address, answer.content)
                assert b"Very private name" not in answer.content, (method, address)
                if names.intersection(OWNED):
                    assert answer.status_code in (404, 405), (method, address, answer.status_code)
    assert_untouched(things)


def test_another_tenant_sees_no_private_api_and_no_subscription(
    things: Things, other_organisation: Organisation, make_user: object
) -> None:
    stranger = make_user(other_organisation, "admin", "Internal/publisher")
    for root, patterns, client in (
        ("/devportal", page_urls, browser(stranger)),
        ("/publisher", publisher_urls, browser(stranger)),
        ("/api/am/devportal/v3", rest_urls, rest(stranger)),
        ("/api/am/publisher/v4", publisher_rest_urls, rest(stranger)),
    ):
        for address, names in addresses(patterns, root, things):
            answer = client.get(address)
            assert answer.status_code < 500, address
            assert b"Inner" not in answer.content, address
            if "api_id" in names or names.intersection(OWNED):
                assert answer.status_code in (404, 405), address
    assert_untouched(things)


def test_a_member_of_another_tenant_only_browses_in_our_portal(
    things: Things, other_organisation: Organisation, developer: User
) -> None:
    theirs = make_api(other_organisation, "Theirs")
    client = browser(developer)
    assert client.get("/t/acme.com/devportal/").status_code == 200
    page = client.get(f"/t/acme.com/devportal/apis/{theirs.pk}/")
    assert page.status_code == 200 and b"Log in to subscribe" in page.content
    assert client.get("/t/acme.com/devportal/applications/").status_code == 302
    address = f"/t/acme.com/devportal/apis/{theirs.pk}/subscribe"
    assert client.post(address, {"application": things.application.pk, "throttlingPolicy": "Gold"}).status_code == 302
    assert not theirs.subscriptions.exists()


def test_ids_that_do_not_exist_are_not_found(developer: User) -> None:
    api, client = uuid.uuid4(), browser(developer)
    for path in (f"apis/{api}/", f"apis/{api}/tryout/", f"apis/{api}/definition.json", f"applications/{api}/"):
        assert client.get(f"/devportal/{path}").status_code == 404


def assert_untouched(things: Things) -> None:
    """Everything is as it was."""
    assert Subscription.objects.get(pk=things.subscription.pk).plan == "Gold"
    assert ApplicationKey.objects.get().consumer_key == things.key.consumer_key
    assert Application.objects.filter(name="Very private name").count() == 1
