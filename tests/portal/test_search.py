"""The search language over real rows, and a catalogue whose number of queries does not grow."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apim.accounts.models import Organisation, User
from apim.errors import Invalid
from portal.catalogue import visible
from portal.search import Term, by_tag, parse, search
from publisher.models import Api, State
from tests.portal.builders import browser, make_api, rest

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(organisation: Organisation) -> Organisation:
    """Four APIs to look for."""
    make_api(
        organisation,
        "PizzaShack",
        version="1.0.0",
        context="/pizza",
        tags=["food", "hot food"],
        description="Hot food fast",
    )
    make_api(organisation, "PizzaShack", version="2.0.0", context="/pizza", tags=["food"], state=State.PROTOTYPED)
    make_api(
        organisation, "Käse", version="1.0.1", context="/kase", tags=["Käse", 'a"b'], description="Mild 100% cheese"
    )
    weather = [{"name": "region", "value": "emea", "display": True}]
    make_api(
        organisation, "Weather", version="1.0", context="/sky/weather", additional_properties=weather, definition="{}"
    )
    return organisation


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"PizzaShack 1.0.0", "PizzaShack 2.0.0", "Käse 1.0.1", "Weather 1.0"}),
        ("pizza", {"PizzaShack 1.0.0", "PizzaShack 2.0.0"}),
        ("sky", {"Weather 1.0"}),
        ("operationId", {"PizzaShack 1.0.0", "PizzaShack 2.0.0", "Käse 1.0.1"}),
        ("pizza fast", {"PizzaShack 1.0.0"}),
        ("name:shack", {"PizzaShack 1.0.0", "PizzaShack 2.0.0"}),
        ('name:"Pizza"', {"PizzaShack 1.0.0", "PizzaShack 2.0.0"}),
        ('name:"PizzaShack"', {"PizzaShack 1.0.0", "PizzaShack 2.0.0"}),
        ("name:p*shack", {"PizzaShack 1.0.0", "PizzaShack 2.0.0"}),
        ("name:shack*", set()),
        ("version:1.0", {"Weather 1.0"}),
        ("version:1.0*", {"PizzaShack 1.0.0", "Käse 1.0.1", "Weather 1.0"}),
        ("context:/sky", {"Weather 1.0"}),
        ("tag:food", {"PizzaShack 1.0.0", "PizzaShack 2.0.0"}),
        ('tag:"hot food"', {"PizzaShack 1.0.0"}),
        ("tag:hot*", {"PizzaShack 1.0.0"}),
        ("tag:Käse", {"Käse 1.0.1"}),
        ('tag:"foo"', set()),
        ("status:prototyped", {"PizzaShack 2.0.0"}),
        ("status:PUBLISHED name:pizza", {"PizzaShack 1.0.0"}),
        ('description:"hot food"', {"PizzaShack 1.0.0"}),
        ("description:100%", {"Käse 1.0.1"}),
        ("region:emea", {"Weather 1.0"}),
        ("region:apac", set()),
        ("provider:nobody", set()),
        ("provider:user*", {"PizzaShack 1.0.0", "PizzaShack 2.0.0", "Käse 1.0.1", "Weather 1.0"}),
        ("100%_'\"--;", set()),
    ],
)
def test_a_query_finds_what_it_says(shelf: Organisation, developer: User, query: str, found: set[str]) -> None:
    assert {str(api) for api in search(visible(developer, shelf), query)} == found


def test_free_words_of_the_list_resource_look_at_the_name_only(shelf: Organisation, developer: User) -> None:
    assert not search(visible(developer, shelf), "sky", content=False).exists()
    assert search(visible(developer, shelf), "weather", content=False).count() == 1


def test_the_tag_filter_takes_any_tag_literally(shelf: Organisation, developer: User) -> None:
    assert [api.name for api in by_tag(visible(developer, shelf), 'a"b')] == ["Käse"]
    assert not by_tag(visible(developer, shelf), "foo").exists()


def test_quotes_keep_spaces_and_odd_text_is_only_text() -> None:
    assert parse('name:"a b" c tag:x') == [Term("name", "a b"), Term("", "c"), Term("tag", "x")]
    assert parse('"') == [Term("", '"')]
    assert parse("   ") == []


@pytest.mark.parametrize("query", ["x" * 501, " ".join("abcdefghijklmnopqrstuvwxyz"), "\x00"])
def test_a_search_that_cannot_be_answered_is_refused(developer: User, query: str) -> None:
    with pytest.raises(Invalid):
        list(search(visible(developer, developer.organisation), query))
    assert browser().get("/devportal/", {"query": query}).status_code == 200
    assert rest().get("/api/am/devportal/v3/apis", {"query": query}).status_code == 400


@pytest.mark.parametrize("user", ["anonymous", "developer"])
def test_the_catalogue_asks_the_database_equally_often_for_any_number_of_apis(
    organisation: Organisation, request: pytest.FixtureRequest, user: str
) -> None:
    client = browser(None if user == "anonymous" else request.getfixturevalue(user))
    counts = []
    for amount in (2, 20):
        for _ in range(amount):
            make_api(organisation, tags=["food"])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get("/devportal/", {"query": "pizza"}).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[1] <= 12


@pytest.mark.parametrize("path", ["/api/am/devportal/v3/apis", "/api/am/devportal/v3/search"])
def test_so_does_the_list_resource(organisation: Organisation, path: str) -> None:
    counts = []
    for amount in (2, 20):
        for _ in range(amount):
            make_api(organisation)
        with CaptureQueriesContext(connection) as queries:
            assert rest().get(path, {"query": "pizza"}).json()["count"] >= amount
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert Api.objects.count() == 22
