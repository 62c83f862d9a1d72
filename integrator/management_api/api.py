"""Routes of the management port: login, resources, health and metrics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from integrator.engine.deployment import Deployment
from integrator.engine.metrics import text as metrics_text
from integrator.engine.processors import set_active
from integrator.engine.settings import Settings
from integrator.engine.stores.base import StoreError
from integrator.engine.users import check_basic, users
from integrator.management_api import auth
from integrator.management_api.resources import RESOURCES, View
from wire.exchange import BodyTooLarge, Exchange

log = logging.getLogger("integrator.management")

PREFIX = "/management"
CORS = [(b"access-control-allow-origin", b"*"), (b"access-control-allow-headers", b"Authorization, Content-Type")]
BODY_LIMIT = 1024 * 1024


class Management:
    """Answers requests on the management port."""

    def __init__(self, settings: Settings, current: Callable[[], Deployment]):
        self.settings = settings
        self.current = current
        self.tokens = auth.Tokens()
        self.tasks: set[asyncio.Task[None]] = set()

    def handle(self, exchange: Exchange) -> None:
        """Start serving one request."""
        task = asyncio.get_running_loop().create_task(self.serve(exchange))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def serve(self, exchange: Exchange) -> None:
        """Serve one request to its end."""
        try:
            await self._route(exchange)
        except BodyTooLarge as error:
            respond(exchange, 413, {"Error": str(error)})
        except StoreError as error:
            respond(exchange, 503, {"Error": str(error)})
        except Exception:
            log.exception("%s failed", exchange.path.decode("latin-1"))
            if not exchange.started:
                respond(exchange, 500, {"Error": "The request could not be processed."})

    async def _route(self, exchange: Exchange) -> None:
        path = exchange.path.decode("latin-1").rstrip("/")
        if path in ("/healthz", "/readyz"):
            respond(exchange, 200, {"status": "ok"})
        elif path == "/metrics":
            exchange.respond(200, [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")], metrics_text())
        elif exchange.method == b"OPTIONS":
            exchange.respond(200, [*CORS, (b"access-control-allow-methods", b"GET, POST, PATCH, DELETE")])
        elif path == f"{PREFIX}/login":
            self._login(exchange)
        elif not path.startswith(PREFIX):
            respond(exchange, 404, {"Error": "Not found"})
        else:
            await self._authorised(exchange, path[len(PREFIX) :].strip("/"))

    def _login(self, exchange: Exchange) -> None:
        user = check_basic(
            _text(exchange.header(b"authorization")), users(self.current().config, self.settings.secrets)
        )
        if user is None:
            exchange.respond(401, [*CORS, (b"www-authenticate", b'Basic realm="management"')])
        else:
            respond(exchange, 200, {"AccessToken": self.tokens.issue(user)})

    async def _authorised(self, exchange: Exchange, name: str) -> None:
        token = auth.bearer(_text(exchange.header(b"authorization")))
        if self.tokens.user(token) is None:
            exchange.respond(401, [*CORS, (b"www-authenticate", b"Bearer")])
        elif name == "logout":
            self.tokens.revoke(token)
            respond(exchange, 200, {})
        elif name == "":
            respond(exchange, 200, {"resources": [f"{PREFIX}/{key}" for key in RESOURCES]})
        elif name not in RESOURCES:
            respond(exchange, 404, {"Error": f"no resource {name!r}"})
        elif exchange.method == b"GET":
            await self._get(exchange, name)
        elif exchange.method == b"POST" and name == "message-processors":
            await self._switch_processor(exchange)
        else:
            exchange.respond(405, [*CORS, (b"allow", b"GET")])

    async def _get(self, exchange: Exchange, name: str) -> None:
        query = dict(parse_qsl(exchange.query.decode("latin-1"), keep_blank_values=True))
        view = View(
            self.current(),
            f"http://{self.current().config.hostname}:{self.settings.http_port}",
            str(self.settings.home),
        )
        found = await RESOURCES[name](view, query)
        if found is None:
            respond(exchange, 404, {"Error": f"Specified {name} entry {next(iter(query.values()), '')!r} not found"})
        else:
            respond(exchange, 200, found)

    async def _switch_processor(self, exchange: Exchange) -> None:
        try:
            body = msgspec.json.decode(await exchange.body(BODY_LIMIT))
            name, status = str(body["name"]), str(body["status"])
        except (msgspec.DecodeError, KeyError, TypeError):
            respond(exchange, 400, {"Error": "a JSON body with name and status is expected"})
            return
        if status not in ("active", "inactive"):
            respond(exchange, 400, {"Error": f"status {status!r}: allowed are active, inactive"})
            return
        try:
            await set_active(self.current(), name, status == "active")
        except LookupError as error:
            respond(exchange, 404, {"Error": str(error.args[0])})
            return
        respond(exchange, 200, {"message": f"{name} : is {'activated' if status == 'active' else 'deactivated'}"})


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def respond(exchange: Exchange, status: int, body: Any) -> None:
    """Answer with JSON."""
    exchange.respond(status, [*CORS, (b"content-type", b"application/json")], msgspec.json.encode(body))
