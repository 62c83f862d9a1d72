"""A static event hub: it gives our gateway one snapshot and then nothing new, so that no control plane is measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import msgspec

from benchmarks.credentials import CLIENT, Credentials
from gateway.schema import (
    Api,
    Application,
    Batch,
    Endpoint,
    Event,
    Key,
    KeyManager,
    Limit,
    Operation,
    Policy,
    Record,
    Subscription,
)

ORGANISATION = "carbon.super"
MANAGER = f"{ORGANISATION}:Resident Key Manager"
PLENTY = Limit(amount=10**12, seconds=60)
"""A limit that is counted on every call and never reached."""


def records(backend: str, credentials: Credentials) -> list[tuple[str, str, Record]]:
    """(kind, key, record): one API with JWT, subscription, three limits and CORS, and one open to all."""
    operations = tuple(Operation(verb=verb, target="/*") for verb in ("GET", "POST"))
    about = {
        "organisation": ORGANISATION,
        "version": "1.0",
        "provider": "admin",
        "revision": 1,
        "production": Endpoint(url=backend),
    }
    full = Api(id="full", name="Full", context="/full/1.0", operations=operations, policy="plenty", **about)
    free = tuple(Operation(verb=verb, target="/*", auth="none") for verb in ("GET", "POST"))
    bare = Api(id="bare", name="Bare", context="/bare/1.0", operations=free, **about)
    manager = KeyManager(ORGANISATION, "Resident Key Manager", credentials.issuer, credentials.jwks)
    levels = ("api", "application", "subscription")
    return [
        ("api", "Default:full", full),
        ("api", "Default:bare", bare),
        ("application", "app", Application("app", ORGANISATION, "Bench", "admin", policy="plenty")),
        ("key", f"{MANAGER}:{CLIENT}", Key(CLIENT, MANAGER, "app")),
        ("subscription", "sub", Subscription("sub", "full", "app", "plenty")),
        ("key_manager", MANAGER, manager),
        *(
            ("policy", f"{ORGANISATION}:{level}:plenty", Policy(ORGANISATION, level, "plenty", PLENTY))
            for level in levels
        ),
    ]


def many(backend: str, apis: int, subscriptions: int) -> list[tuple[str, str, Record]]:
    """`apis` APIs with five operations each, and so many subscriptions of applications with one client each."""
    verbs = (
        ("GET", "/things"),
        ("POST", "/things"),
        ("GET", "/things/{id}"),
        ("PUT", "/things/{id}"),
        ("DELETE", "/things/{id}"),
    )
    found: list[tuple[str, str, Record]] = []
    for number in range(apis):
        one = Api(
            id=f"api-{number}",
            organisation=ORGANISATION,
            name=f"Api{number}",
            version="1.0",
            context=f"/api{number}/1.0",
            provider="admin",
            revision=1,
            operations=tuple(Operation(verb=verb, target=target, policy="plenty") for verb, target in verbs),
            production=Endpoint(url=backend),
        )
        found.append(("api", f"Default:{one.id}", one))
    per_application = 10
    for number in range(subscriptions // per_application):
        name = f"app-{number}"
        found.append(("application", name, Application(name, ORGANISATION, name, "admin", policy="plenty")))
        found.append(("key", f"{MANAGER}:client-{number}", Key(f"client-{number}", MANAGER, name)))
        for place in range(per_application):
            key = f"sub-{number}-{place}"
            api = f"api-{(number * per_application + place) % apis}"
            found.append(("subscription", key, Subscription(key, api, name, "plenty")))
    return found


class Hub:
    """What the static hub serves: a snapshot, and what was published since."""

    def __init__(self, url: str, what: list[tuple[str, str, Record]]) -> None:
        self.url = url
        self.events = [
            Event(number, kind, key, ORGANISATION, "", msgspec.Raw(msgspec.json.encode(record)))
            for number, (kind, key, record) in enumerate(what, 1)
        ]
        self.snapshot = msgspec.json.encode(Batch(len(self.events), self.events, snapshot=True))

    def publish(self, kind: str, key: str, record: Record) -> None:
        """One change more; gateways see it when they ask again."""
        raw = msgspec.Raw(msgspec.json.encode(record))
        self.events.append(Event(len(self.events) + 1, kind, key, ORGANISATION, "", raw))

    def after(self, sequence: int) -> bytes:
        """The answer to a gateway that has everything up to `sequence`."""
        if sequence == 0:
            return self.snapshot
        return msgspec.json.encode(Batch(len(self.events), self.events[sequence:]))


@contextmanager
def static_hub(port: int, what: list[tuple[str, str, Record]]) -> Iterator[Hub]:
    """Serve the records as the control plane would; its `url` is for GATEWAY_CONTROL_PLANE_URL."""
    hub = Hub(f"http://127.0.0.1:{port}", what)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            after = parse_qs(urlsplit(self.path).query).get("after", ["0"])[0]
            self._answer(hub.after(int(after)))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self._answer(b"{}")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
