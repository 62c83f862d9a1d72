"""GraphQL APIs: what is asked for decides who may ask, how often and how much; the backend runs exactly what was checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.graphql_backend import SDL, GraphqlBackend
from tests.gateway.process import Answer

FIELDS = (
    schema.Operation("QUERY", "allFilms"),
    schema.Operation("QUERY", "film"),
    schema.Operation("QUERY", "secret", scopes=("spy",)),
    schema.Operation("MUTATION", "rate", auth="user"),
    schema.Operation("SUBSCRIPTION", "released"),
)


@pytest.fixture(scope="module")
def graph() -> Iterator[GraphqlBackend]:
    """The server behind all APIs of this module."""
    one = GraphqlBackend()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def films(served: Served, graph: GraphqlBackend) -> Served:
    """The API `films`, subscribed to without limits."""
    add(served, graph, "films", *FIELDS)
    return served


def add(served: Served, graph: GraphqlBackend, name: str, *operations: schema.Operation, **more: Any) -> None:
    """Publishes a GraphQL API and a subscription of application 1."""
    plan = more.pop("plan", "Unlimited")
    records = more.pop("records", [])
    one = world.api(name, graph.url, *operations, kind="GRAPHQL", definition=SDL, **more)
    served.publish(*records, ("api", f"Default:{one.id}", one), world.subscription(name, plan=plan))


def ask(served: Served, name: str, query: Any, token: str | None = None, **more: Any) -> Answer:
    """POSTs a query (text or the whole body as an object) to the API `name`."""
    body = {"query": query, **more} if isinstance(query, str) else query
    token = served.signer.token() if token is None else token
    headers = {"content-type": "application/json"}
    return served.gateway.call(f"/{name}/1.0", "POST", token, json.dumps(body).encode(), headers)


def test_a_query_reaches_the_endpoint_itself_with_its_body_untouched(films: Served, graph: GraphqlBackend) -> None:
    body = b'{ "query" : "query Q($n: Int) { allFilms(first: $n) { title } }", "variables": {"n": 2} }'
    answer = films.gateway.call(
        "/films/1.0", "POST", films.signer.token(), body, {"content-type": "application/json; charset=utf-8"}
    )
    assert answer.json == {"data": {"allFilms": [{"title": "A New Hope"}]}}
    assert graph.requests[-1]["body"] == body
    assert graph.requests[-1]["path"] == "/graphql"
    assert "Authorization" not in graph.requests[-1]["headers"]


def test_a_get_carries_its_query_in_the_address(films: Served, graph: GraphqlBackend) -> None:
    query = quote("query Q($i: ID) { film(id: $i) { id } }")
    variables = quote('{"i": "7"}')
    answer = films.gateway.call(f"/films/1.0?query={query}&variables={variables}", token=films.signer.token())
    assert answer.json == {"data": {"film": {"id": "7"}}}


def test_a_mutation_by_get_is_refused(films: Served) -> None:
    answer = films.gateway.call(
        f"/films/1.0?query={quote('mutation { rate(id: 1) { id } }')}", token=films.signer.token()
    )
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_application_graphql_is_a_query_as_it_is(films: Served) -> None:
    answer = films.gateway.call(
        "/films/1.0", "POST", films.signer.token(), b"{ film(id: 3) { id } }", {"content-type": "application/graphql"}
    )
    assert answer.json == {"data": {"film": {"id": "3"}}}


@pytest.mark.parametrize(
    ("query", "description"),
    [
        ("{ film { nothing } }", "Cannot query field 'nothing' on type 'Film'. (line 1 column 10)"),
        ("{ film { id ", "Syntax Error: Expected Name, found <EOF>. (line 1 column 13)"),
        ("query A { secret } query B { secret }", "Must provide an operation."),
        ("   ", "Invalid query parameter"),
        (
            "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
            "Cannot spread fragment 'a' within itself",
        ),
        ("{ " + "film { id } " * 400 + "}", "The document selects the same names too often."),
        ("{" + "film { next " * 5000 + "}", "Document is nested too deeply"),
    ],
)
def test_an_invalid_query_is_told_why(films: Served, graph: GraphqlBackend, query: str, description: str) -> None:
    before = len(graph.requests)
    answer = ask(films, "films", query)
    assert answer.status == 422
    assert answer.json["code"] == "900422"
    assert answer.json["message"] == "INVALID QUERY"
    assert description in answer.json["description"]
    assert len(graph.requests) == before


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'[{"query": "{ film { id } }"}]',
        b"{",
        b'{"query": 7}',
        b'{"query": "{ film { id } }", "variables": []}',
        b'{"query": "{ film { id } }", "query": "{ secret }"}',
        b'{"query": "{ film(id: 1) { id } }", "variables": {"a": true, "a": false}}',
        b"\xff",
    ],
)
def test_a_body_that_two_servers_would_read_differently_or_none_is_refused(
    films: Served, graph: GraphqlBackend, body: bytes
) -> None:
    before = len(graph.requests)
    answer = films.gateway.call("/films/1.0", "POST", films.signer.token(), body, {"content-type": "application/json"})
    assert (answer.status, answer.json["code"]) == (422, "900422")
    assert len(graph.requests) == before


HIDDEN = b"+ACIAfQAsACIAcQB1AGUAcgB5ACIAOgAiAHsAIABzAGUAYwByAGUAdAAgAH0AIgAsACIAeAAiADoAewAiAHkAIgA6ACI-"
"""In UTF-7: an end of the variables and a query for `secret`."""


@pytest.mark.parametrize("charset", ["utf-7", '"UTF-7"', "utf-8; charset=utf-7", "utf-16", "ibm037"])
def test_a_body_that_is_another_text_in_its_charset_is_refused(
    films: Served, graph: GraphqlBackend, charset: str
) -> None:
    body = b'{"query": "{ film(id: 1) { id } }", "variables": {"a": "' + HIDDEN + b'"}}'
    assert b'"query":"{ secret }"' in body.decode("utf-7").encode()
    before = len(graph.requests)
    answer = films.gateway.call(
        "/films/1.0", "POST", films.signer.token(), body, {"content-type": f"application/json; charset={charset}"}
    )
    assert (answer.status, len(graph.requests)) == (422, before)


@pytest.mark.parametrize("charset", ["utf-8", '"UTF-8"', "us-ascii", "iso-8859-1"])
def test_charsets_in_which_it_is_the_same_text_pass(films: Served, charset: str) -> None:
    body = b'{"query": "{ film(id: 1) { id } }"}'
    answer = films.gateway.call(
        "/films/1.0", "POST", films.signer.token(), body, {"content-type": f"application/json;charset={charset}"}
    )
    assert answer.status == 200


def test_a_query_behind_a_semicolon_is_refused(films: Served, graph: GraphqlBackend) -> None:
    mine, hidden = quote("{ film(id: 1) { id } }"), quote("{ secret }")
    before = len(graph.requests)
    for query in (f"query={mine}&a=b;query={hidden}", f"query={mine};qu%65ry={hidden}"):
        assert films.gateway.call(f"/films/1.0?{query}", token=films.signer.token()).status == 422
    body = b'{"query": "{ film(id: 1) { id } }"}'
    json_body = {"content-type": "application/json"}
    answer = films.gateway.call(f"/films/1.0?a;query={hidden}", "POST", films.signer.token(), body, json_body)
    assert (answer.status, len(graph.requests)) == (422, before)
    assert films.gateway.call(f"/films/1.0?query={mine}&a=b;c", token=films.signer.token()).status == 200


def test_members_that_no_standard_names_do_not_reach_the_backend(films: Served, graph: GraphqlBackend) -> None:
    ask(
        films,
        "films",
        {"id": "secret-by-hash", "Query": "{ secret }", "query": "{ film { id } }", "extensions": {"a": 1}},
    )
    assert json.loads(graph.requests[-1]["body"]) == {"query": "{ film { id } }", "extensions": {"a": 1}}


def test_a_query_in_address_and_body_is_refused(films: Served) -> None:
    body = json.dumps({"query": "{ film { id } }"}).encode()
    path = f"/films/1.0?Query={quote('{ secret }')}"
    answer = films.gateway.call(path, "POST", films.signer.token(), body, {"content-type": "application/json"})
    assert (answer.status, answer.json["code"]) == (422, "900422")


@pytest.mark.parametrize(
    "query",
    [
        "{ secret }",
        "{ harmless: secret }",
        "{ ...hidden } fragment hidden on Query { ... on Query { s: secret } }",
        "{ film { id } secret }",
        "query A { film { id } } query B { secret }",
        "query B($no: Boolean = false) { secret @skip(if: $no) }",
        "query B { secret @include(if: true) __typename }",
    ],
)
def test_a_field_with_a_scope_is_found_wherever_it_hides(films: Served, query: str) -> None:
    name = {"operationName": "B"} if "query B" in query else {}
    refused = ask(films, "films", query, **name)
    assert (refused.status, refused.json["code"]) == (403, "900910")
    granted = ask(films, "films", query, films.signer.token(scope="spy"), **name)
    assert granted.status == 200


def test_a_field_that_is_not_run_asks_for_nothing(films: Served) -> None:
    query = "query Q($spy: Boolean!) { film { id } secret @include(if: $spy) }"
    assert ask(films, "films", query, variables={"spy": False}).json == {"data": {"film": {"id": None}}}
    assert ask(films, "films", query, variables={"spy": True}).status == 403


def test_all_root_fields_must_be_allowed_and_are_named_in_the_log(films: Served) -> None:
    answer = ask(films, "films", "{ secret film { id } allFilms { id } }", films.signer.token(scope="spy"))
    assert answer.status == 200
    assert '"allFilms,film,secret"' in films.gateway.log


def test_a_mutation_has_its_own_rules(films: Served) -> None:
    mutation = "mutation { rate(id: 1, stars: 5) { stars } }"
    assert ask(films, "films", mutation).json["code"] == "900905"
    user = films.signer.token(aut="APPLICATION_USER", sub="amy")
    assert ask(films, "films", mutation, user).json == {"data": {"rate": {"stars": 5}}}


def test_a_field_that_is_not_offered_is_refused(films: Served) -> None:
    answer = ask(films, "films", "mutation { drop(id: 1) }", films.signer.token(aut="APPLICATION_USER", sub="amy"))
    assert (answer.status, answer.json["code"]) == (403, "900906")


def test_without_a_token_nothing_is_read(films: Served) -> None:
    answer = ask(films, "films", "{ nonsense", "")
    assert (answer.status, answer.json["code"]) == (401, "900902")


def test_introspection_needs_a_token_and_no_scope(films: Served) -> None:
    assert (
        ask(films, "films", "{ __schema { queryType { name } } }").json["data"]["__schema"]["queryType"]["name"]
        == "Query"
    )
    assert ask(films, "films", '{ __type(name: "Film") { name } }', "").status == 401


def test_introspection_can_be_off(served: Served, graph: GraphqlBackend) -> None:
    add(served, graph, "closed", *FIELDS, properties=(("graphql_introspection", "off"),))
    assert ask(served, "closed", "{ __schema { queryType { name } } }").json["code"] == "900422"
    assert ask(served, "closed", "{ __typename }").status == 200


def test_a_field_may_be_open_to_all(served: Served, graph: GraphqlBackend) -> None:
    add(served, graph, "mixed", schema.Operation("QUERY", "open", auth="none"), schema.Operation("QUERY", "secret"))
    assert ask(served, "mixed", "{ open }", "").json == {"data": {"open": "house"}}
    assert ask(served, "mixed", "{ open secret }", "").json["code"] == "900902"
    assert ask(served, "mixed", "{ open secret }").status == 200


def test_each_field_has_its_own_limit_and_a_call_counts_once_for_its_application(
    served: Served, graph: GraphqlBackend
) -> None:
    fields = (
        schema.Operation("QUERY", "film", policy="TwoOfThem"),
        schema.Operation("QUERY", "secret", policy="ManyOfThem"),
        schema.Operation("QUERY", "open"),
    )
    limits = [
        world.policy("api", "TwoOfThem", 2),
        world.policy("api", "ManyOfThem", 50),
        world.policy("subscription", "FiveGraph", 5),
    ]
    add(served, graph, "limited", *fields, plan="FiveGraph", records=limits)
    for _ in range(2):
        assert ask(served, "limited", "{ secret film { id } }").status == 200
    refused = ask(served, "limited", "{ secret film { id } }")
    assert (refused.status, refused.json["code"]) == (429, "900802")
    for _ in range(3):
        assert ask(served, "limited", "{ open }").status == 200
    assert ask(served, "limited", "{ open }").json["code"] == "900804"


COSTS = (schema.Complexity("Film", "id", 3), schema.Complexity("Film", "planets", 2))
EXAMPLES = [
    (8, COSTS, "{ allFilms { id title planets { climate } } }", {}),
    (35, (), "{ allFilms(first: 5) { id title planets(first: 2) { climate } } }", {}),
    (
        225,
        (*COSTS, schema.Complexity("Planet", "climate", 3)),
        "{ allFilms(first: 5) { id title planets(first: 2) { climate films(first: 5) { createdAt director } } } }",
        {},
    ),
    (35, (), "query Q($n: Int = 5, $m: Int) { allFilms(first: $n) { ...f } } fragment f on Film "
     "{ id title planets(first: $m) { climate } }", {"m": 2}),
    (5, (), "{ allFilms(last: 5) @skip(if: false) { id @include(if: false) __typename } }", {}),
]  # fmt: skip


@pytest.mark.parametrize(("cost", "costs", "query", "variables"), EXAMPLES)
def test_complexity_is_counted_as_the_original_does(
    served: Served, graph: GraphqlBackend, cost: int, costs: Any, query: str, variables: dict[str, Any]
) -> None:
    number = EXAMPLES.index((cost, costs, query, variables))
    plans = [
        world.policy("subscription", f"Just{number}", graphql_max_complexity=cost),
        world.policy("subscription", f"Less{number}", graphql_max_complexity=cost - 1),
    ]
    add(served, graph, f"just{number}", *FIELDS, complexities=costs, plan=f"Just{number}", records=plans)
    add(served, graph, f"less{number}", *FIELDS, complexities=costs, plan=f"Less{number}")
    assert ask(served, f"just{number}", query, variables=variables).status == 200
    refused = ask(served, f"less{number}", query, variables=variables)
    assert refused.status == 400
    assert refused.json == {
        "code": "900821",
        "message": "QUERY TOO COMPLEX",
        "description": f"maximum query complexity exceeded {cost} > {cost - 1}",
    }


@pytest.mark.parametrize("first", [5, 5.0, 4.5, "5", "5.0"])
def test_a_number_in_other_clothes_counts_as_much(served: Served, graph: GraphqlBackend, first: Any) -> None:
    plans = [world.policy("subscription", "Cost9", graphql_max_complexity=9)]
    add(served, graph, "clothes", *FIELDS, plan="Cost9", records=plans)
    refused = ask(served, "clothes", "query Q($n: Int) { allFilms(first: $n) { id } }", variables={"n": first})
    assert refused.json["description"] == "maximum query complexity exceeded 10 > 9"


@pytest.mark.parametrize("first", [None, True, [5], {}, "x", "", "nan", "inf", -5, -5.0, "9" * 31])
def test_what_is_no_number_counts_as_one(served: Served, graph: GraphqlBackend, first: Any) -> None:
    plans = [world.policy("subscription", "Cost1", graphql_max_complexity=1)]
    add(served, graph, "naked", *FIELDS, plan="Cost1", records=plans)
    refused = ask(served, "naked", "query Q($n: Int) { allFilms(first: $n) { id } }", variables={"n": first})
    assert refused.json["description"] == "maximum query complexity exceeded 2 > 1"


def test_depth_is_limited_by_the_plan_through_fragments_too(served: Served, graph: GraphqlBackend) -> None:
    plans = [world.policy("subscription", "Deep3", graphql_max_depth=3)]
    add(served, graph, "deep", *FIELDS, plan="Deep3", records=plans)
    assert ask(served, "deep", "{ film { next { id } } }").status == 200
    refused = ask(served, "deep", "{ film { ...a } } fragment a on Film { next { next { id } } }")
    assert (refused.status, refused.json["code"]) == (400, "900820")
    assert ask(served, "deep", "{ __schema { types { fields { type { ofType { name } } } } } }").status == 200


def test_a_body_longer_than_allowed_is_413(films: Served) -> None:
    assert ask(films, "films", "{ film { id } }" + " " * 1024 * 1024).status == 413


def test_a_definition_that_is_no_schema_is_refused_by_name(films: Served, graph: GraphqlBackend) -> None:
    bad = world.api("broken", graph.url, *FIELDS, kind="GRAPHQL", definition="type Query {")
    films.publish(("api", "Default:id-broken", bad))
    refusals = films.gateway.ready()
    assert "not a GraphQL schema" in json.dumps(refusals) or films.gateway.call("/broken/1.0").status == 404


def test_a_blocked_api_is_503_before_anything_is_read(served: Served, graph: GraphqlBackend) -> None:
    add(served, graph, "stopped", *FIELDS, lifecycle="BLOCKED")
    assert ask(served, "stopped", "{ nonsense").json["code"] == "700700"
