"""GraphQL subscriptions over WebSocket, with a backend that speaks both protocols and real callers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLError, build_schema, parse, validate
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.graphql_backend import SDL

FIELDS = (
    schema.Operation("QUERY", "film"),
    schema.Operation("SUBSCRIPTION", "released"),
    schema.Operation("SUBSCRIPTION", "rated", policy="TwoRated"),
    schema.Operation("SUBSCRIPTION", "secretly", scopes=("spy",)),
)
NEW, OLD = "graphql-transport-ws", "graphql-ws"
WORDS = {NEW: ("subscribe", "next"), OLD: ("start", "data")}


class Events:
    """Three events for each subscription (or `extensions.events`), then `complete`; remembers the messages that reached it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.schema = build_schema(SDL)
        self._server = serve(self._talk, "127.0.0.1", 0, subprotocols=[NEW, OLD], compression="deflate")
        self.url = f"http://127.0.0.1:{self._server.socket.getsockname()[1]}/graphql"
        self.paths: list[str] = []
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _talk(self, connection: ServerConnection) -> None:
        self.paths.append(connection.request.path)
        try:
            for raw in connection:
                message = json.loads(raw)
                self.messages.append(message)
                if message["type"] == "connection_init":
                    connection.send('{"type": "connection_ack"}')
                elif message["type"] in ("subscribe", "start"):
                    self._events(connection, message)
        except ConnectionClosed:
            return

    def _events(self, connection: ServerConnection, message: dict[str, Any]) -> None:
        document = parse(message["payload"]["query"])
        mistakes: list[GraphQLError] = validate(self.schema, document)
        assert not mistakes
        word = WORDS[NEW if message["type"] == "subscribe" else OLD][1]
        for number in range(message["payload"].get("extensions", {}).get("events", 3)):
            payload = {"data": {"released": {"title": f"{number}"}}}
            time.sleep(0.002)
            connection.send(json.dumps({"id": message["id"], "type": word, "payload": payload}))
        connection.send(json.dumps({"id": message["id"], "type": "complete"}))

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()


@pytest.fixture(scope="module")
def events() -> Iterator[Events]:
    """The backend of this module."""
    one = Events()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def films(served: Served, events: Events) -> Served:
    """The API `films`."""
    one = world.api("films", events.url, *FIELDS, kind="GRAPHQL", definition=SDL)
    served.publish(world.policy("api", "TwoRated", 2), ("api", f"Default:{one.id}", one), world.subscription("films"))
    return served


def caller(
    served: Served, name: str, protocol: str = NEW, token: str | None = None, query: str = ""
) -> ClientConnection:
    """A connection through the gateway, `connection_init` done."""
    token = served.signer.token() if token is None else token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    made = connect(
        f"ws://127.0.0.1:{served.gateway.http}/{name}/1.0{query}",
        subprotocols=[protocol],
        additional_headers=headers,
        proxy=None,
        legacy=True,
    )
    made.send('{"type": "connection_init", "payload": {}}')
    assert json.loads(made.recv(5)) == {"type": "connection_ack"}
    return made


def subscribe(
    connection: ClientConnection, query: str, identifier: str = "1", word: str = "subscribe", **more: Any
) -> None:
    """Starts a subscription."""
    connection.send(json.dumps({"id": identifier, "type": word, "payload": {"query": query} | more}))


def answer(connection: ClientConnection) -> dict[str, Any]:
    """The next message."""
    return json.loads(connection.recv(5))  # type: ignore[no-any-return]


@pytest.mark.parametrize("protocol", [NEW, OLD])
def test_events_reach_the_subscriber_in_both_protocols(films: Served, events: Events, protocol: str) -> None:
    start, word = WORDS[protocol]
    with caller(films, "films", protocol) as connection:
        assert connection.subprotocol == protocol
        subscribe(connection, "subscription { released { title } }", word=start)
        found = [answer(connection) for _ in range(4)]
    assert [one["type"] for one in found] == [word, word, word, "complete"]
    assert events.paths[-1] == "/graphql"


def refused(served: Served, query: str, token: str | None = None, **more: Any) -> dict[str, Any]:
    """The one error that a subscription earns, and its connection goes on."""
    with caller(served, "films", token=token) as connection:
        subscribe(connection, query, "a-7", **more)
        found = answer(connection)
        assert (found["type"], found["id"], len(found["payload"])) == ("error", "a-7", 1)
        subscribe(connection, "subscription { released { id } }", "b")
        assert answer(connection)["id"] == "b"
    return found["payload"][0]  # type: ignore[no-any-return]


def test_a_scope_is_asked_for_by_the_field(films: Served) -> None:
    hidden = "subscription S { ...x } fragment x on Subscription { harmless: secretly }"
    assert refused(films, hidden) == {"message": "User is NOT authorized to access the Resource", "code": 4002}
    with caller(films, "films", token=films.signer.token(scope="spy")) as connection:
        subscribe(connection, hidden)
        assert answer(connection)["type"] == "next"


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        ("subscription { released { nothing } }", 4022, "INVALID QUERY : Cannot query field 'nothing'"),
        ("subscription { released", 4022, "INVALID QUERY : Syntax Error"),
        ("{ film { id } }", 4005, "Invalid operation. Only allowed Subscription type operations"),
    ],
)
def test_what_may_not_run_is_told_why(films: Served, events: Events, query: str, code: int, text: str) -> None:
    error = refused(films, query)
    assert error["code"] == code
    assert text in error["message"]
    assert query not in [message.get("payload", {}).get("query") for message in events.messages]


def test_unknown_members_of_a_payload_do_not_pass(films: Served) -> None:
    assert refused(films, "subscription { released { id } }", id="by-hash")["code"] == 4005


@pytest.mark.parametrize(
    "raw",
    [
        "no json",
        '{"type": "subscribe", "payload": {"query": "subscription { secretly }"}}',
        '{"id": 7, "type": "subscribe", "payload": {"query": "subscription { secretly }"}}',
        '{"id": "1", "type": "ping", "type": "subscribe", "payload": {"query": "subscription { secretly }"}}',
        '{"Type": "subscribe", "id": "1", "payload": {"query": "subscription { secretly }"}}',
        '{"type": "subscribe", "id": "1", "payload": {}}'.encode("utf-16"),
        "[]",
    ],
)
def test_messages_that_are_none_end_the_connection(films: Served, events: Events, raw: str | bytes) -> None:
    before = len(events.messages)
    with caller(films, "films") as connection:
        connection.send(raw)
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4400
    assert [message["type"] for message in events.messages[before:]] == ["connection_init"]


def test_a_subscription_in_fragments_is_read_whole(films: Served) -> None:
    text = json.dumps({"id": "1", "type": "subscribe", "payload": {"query": "subscription { secretly }"}})
    with caller(films, "films") as connection:
        connection.send([text[:20], text[20:40], text[40:]])
        assert answer(connection)["payload"][0]["code"] == 4002
        connection.ping()


def test_subscriptions_take_from_their_fields_limit(films: Served) -> None:
    """Limits of streams are settled between workers a moment later, so a few more than two may start."""
    with caller(films, "films") as connection:
        for number in range(200):
            subscribe(connection, "subscription { rated { id } }", str(number))
            first = answer(connection)
            if first["type"] == "error":
                break
            assert [answer(connection)["type"] for _ in range(3)][-1] == "complete"
            time.sleep(0.05)
    assert number >= 2
    assert first["payload"] == [{"message": "Websocket frame throttled out", "code": 4003}]


def test_events_take_from_the_plan_and_end_the_connection_beyond_it(served: Served, events: Events) -> None:
    one = world.api("few", events.url, *FIELDS, kind="GRAPHQL", definition=SDL)
    plan = world.policy("subscription", "FourEvents", quota=schema.Limit(4, world.WINDOW, "events"))
    served.publish(plan, ("api", f"Default:{one.id}", one), world.subscription("few", plan="FourEvents"))
    found = []
    with caller(served, "few") as connection:
        subscribe(connection, "subscription { released { id } }", extensions={"events": 1000})
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                found.append(answer(connection)["type"])
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4003
    # The acknowledgement of the connection and the subscription itself are two of the four.
    assert 2 <= len(found) < 1000


def test_depth_and_complexity_hold_for_subscriptions(served: Served, events: Events) -> None:
    one = world.api("small", events.url, *FIELDS, kind="GRAPHQL", definition=SDL)
    plan = world.policy("subscription", "Small", graphql_max_depth=2, graphql_max_complexity=3)
    served.publish(plan, ("api", f"Default:{one.id}", one), world.subscription("small", plan="Small"))
    with caller(served, "small") as connection:
        subscribe(connection, "subscription { released { next { id } } }", "deep")
        assert answer(connection)["payload"][0]["code"] == 4020
        subscribe(connection, "subscription { released { id title stars } }", "dear")
        assert answer(connection)["payload"][0]["code"] == 4021
        subscribe(connection, "subscription { released { id } }", "fine")
        assert answer(connection)["type"] == "next"


def test_the_handshake_is_checked_like_any_call(films: Served) -> None:
    with pytest.raises(InvalidStatus) as caught:
        caller(films, "films", token="")
    assert caught.value.response.status_code == 401
    with caller(films, "films", token="", query=f"?access_token={films.signer.token()}") as connection:
        subscribe(connection, "subscription { released { id } }")
        assert answer(connection)["type"] == "next"


def test_a_lost_subscription_ends_the_connection(served: Served, events: Events) -> None:
    one = world.api("ended", events.url, *FIELDS, kind="GRAPHQL", definition=SDL)
    served.publish(("api", f"Default:{one.id}", one), world.subscription("ended"))
    with caller(served, "ended") as connection:
        served.publish(world.subscription("ended", state="BLOCKED"))
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4002
