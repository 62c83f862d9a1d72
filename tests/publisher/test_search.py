"""Unified search: what words and prefixes find, whose rows, paging, and queries that do not grow."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from publisher.actions.documents import create_document, write_document
from publisher.actions.products import create_product
from publisher.models import ApiCategory
from tests.publisher.make import make_api
from tests.support.people import make_user

DEFINITION = """openapi: 3.0.0
info: {title: Pizza, version: 1.0.0}
paths: {/margherita: {get: {responses: {'200': {description: ok}}}}}
"""


@pytest.fixture
def shop(publisher_user):
    """Three APIs, a product and two documents."""
    ApiCategory.objects.create(organisation=publisher_user.organisation, name="Food")
    pizza = make_api(
        publisher_user,
        name="Pizza Shack",
        context="/pizza",
        description="Order round things",
        tags=["dinner", "schön"],
        categories=["Food"],
        definition=DEFINITION,
        additional_properties=[{"name": "Team", "value": "Blue whales", "display": True}],
    )
    make_api(publisher_user, name="Pasta", context="/pasta", version="2.0.0")
    other = make_user(publisher_user.organisation, "Internal/creator", username="ida")
    make_api(other, name="Rice", context="/rice")
    resources = [{"api": str(pizza.pk), "operations": [{"verb": "GET", "target": "/*"}]}]
    create_product(by=publisher_user, name="Menu", context="/menu", version="1.0.0", resources=resources)
    for name, text in (("Baking", "The secret is oregano"), ("Slicing", "Use a wheel")):
        made = create_document(
            by=publisher_user, api=pizza, name=name, kind="HOWTO", source="INLINE", visibility="API_LEVEL"
        )
        write_document(by=publisher_user, document=made, text=text)
    return pizza


def found(rest, user, query, **more):
    answer = rest(user).call("get", f"/search?query={quote(query)}" + "".join(f"&{k}={v}" for k, v in more.items()))
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Baking", "Menu", "Pasta", "Pizza Shack", "Rice", "Slicing"]),
        ("pizza", ["Pizza Shack"]),
        ("round dinner", ["Pizza Shack"]),
        ("schön", ["Pizza Shack"]),
        ("oregano", ["Baking"]),
        ("content:oregano", ["Baking"]),
        ("content:margherita", ["Pizza Shack"]),
        ("margherita", ["Pizza Shack"]),
        ("name:p", ["Pasta", "Pizza Shack"]),
        ('name:"Pizza Shack"', ["Pizza Shack"]),
        ('name:"Pizza"', []),
        ("name:pizza version:2.0.0", []),
        ("version:2.0.0", ["Pasta"]),
        ("context:/pizza", ["Pizza Shack"]),
        ("provider:ida", ["Rice"]),
        ("status:created name:pasta", ["Pasta"]),
        ("status:published", []),
        ("description:round", ["Pizza Shack"]),
        ("tags:dinner", ["Pizza Shack"]),
        ("tag:schön", ["Pizza Shack"]),
        ("api-category:food", ["Pizza Shack"]),
        ("Team:whales", ["Pizza Shack"]),
        ('team:"Blue whales"', ["Pizza Shack"]),
        ("Team:red", []),
        ("Team:.*", []),
        ("doc:baking", ["Baking"]),
        ("type:product", ["Menu"]),
        ('type:"APIProduct" name:"Menu" version:"1.0.0" provider:"{me}"', ["Menu"]),
        ("type:API_PRODUCT", ["Menu"]),
        ("type:api", ["Pasta", "Pizza Shack", "Rice"]),
        ("type:rest name:pasta", ["Pasta"]),
        ('"', []),
        ("***", ["Baking", "Menu", "Pasta", "Pizza Shack", "Rice", "Slicing"]),
        ("name:%", []),
        ("x" * 5000, []),
    ],
)
def test_what_a_query_finds(rest, publisher_user, shop, query, names):
    if query == '"':
        names = ["Baking", "Menu", "Pasta", "Pizza Shack", "Rice", "Slicing"]
    asked = query.replace("{me}", publisher_user.username)
    assert [one["name"] for one in found(rest, publisher_user, asked)["list"]] == names


def test_rows_say_what_they_are(rest, publisher_user, shop):
    rows = {one["name"]: one for one in found(rest, publisher_user, "")["list"]}
    assert {name: row["type"] for name, row in rows.items()} == {
        "Baking": "DOC",
        "Slicing": "DOC",
        "Menu": "APIProduct",
        "Pasta": "API",
        "Pizza Shack": "API",
        "Rice": "API",
    }
    assert (rows["Baking"]["apiName"], rows["Baking"]["apiUUID"]) == ("Pizza Shack", str(shop.pk))


def test_pages_of_everything(rest, publisher_user, shop):
    first, second = (found(rest, publisher_user, "", limit=4, offset=start) for start in (0, 4))
    assert first["pagination"]["total"] == 6
    assert [one["name"] for one in first["list"] + second["list"]] == [
        "Baking",
        "Menu",
        "Pasta",
        "Pizza Shack",
        "Rice",
        "Slicing",
    ]


def test_other_organisations_and_hidden_apis_are_not_found(rest, publisher_user, shop, other_organisation):
    assert found(rest, make_user(other_organisation, "admin"), "")["list"] == []
    shop.access_roles = ["Internal/publisher"]
    shop.save()
    person = make_user(publisher_user.organisation, "Internal/creator")
    assert [one["name"] for one in found(rest, person, "")["list"]] == ["Menu", "Pasta", "Rice"]


def test_the_lists_of_apis_and_products_know_the_prefixes(rest, publisher_user, shop):
    for path, query, names in (
        ("/apis", "api-category:food", ["Pizza Shack"]),
        ("/apis", "doc:oregano", ["Pizza Shack"]),
        ("/api-products", "context:/menu", ["Menu"]),
        ("/api-products", "name:pizza", []),
    ):
        body = rest(publisher_user).call("get", f"{path}?query={quote(query)}").json()
        assert [one["name"] for one in body["list"]] == names


def test_queries_do_not_grow(rest, publisher_user, django_assert_max_num_queries):
    for _ in range(25):
        make_api(publisher_user)
    client = rest(publisher_user)
    with django_assert_max_num_queries(9):
        assert client.call("get", "/search?limit=20").json()["count"] == 20
