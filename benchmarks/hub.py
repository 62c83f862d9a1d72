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


@contextmanager
def static_hub(port: int, what: list[tuple[str, str, Record]]) -> Iterator[str]:
    """Serve the records as the control plane would; yields the address for GATEWAY_CONTROL_PLANE_URL."""
    events = [
        Event(number, kind, key, ORGANISATION, "", msgspec.Raw(msgspec.json.encode(record)))
        for number, (kind, key, record) in enumerate(what, 1)
    ]
    snapshot = msgspec.json.encode(Batch(len(events), events, snapshot=True))
    nothing = msgspec.json.encode(Batch(len(events), []))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            after = parse_qs(urlsplit(self.path).query).get("after", ["0"])[0]
            self._answer(snapshot if after == "0" else nothing)

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
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()
