"""The management port: log-in, the routes, health and metrics."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote

import msgspec

from integrator.engine.deployment import Deployment
from integrator.engine.metrics import VERSION
from integrator.engine.metrics import text as metrics_text
from integrator.engine.observe.monitor import Monitor
from integrator.engine.settings import Settings
from integrator.engine.stores.base import StoreError
from integrator.management_api import auth, operations, routes
from integrator.management_api.answers import Call, Raw, Refusal
from integrator.management_api.resources import View, addresses
from integrator.management_api.userstore import UserStore
from wire.exchange import BodyTooLarge, Disconnected, Exchange

log = logging.getLogger("integrator.management")
audit_log = logging.getLogger("integrator.audit")
T = TypeVar("T")

PREFIX = "/management"
METHODS = b"GET, POST, PATCH, PUT, DELETE, OPTIONS"
CORS = [(b"access-control-allow-origin", b"*"), (b"access-control-allow-headers", b"Authorization, Content-Type")]
LOGINS_AT_ONCE, LOGINS_WAITING = 4, 50
"""Log-ins whose passwords are checked at the same time (a check costs memory and time on purpose), and that may be under way."""


class Management:
    """Answers requests on the management port."""

    def __init__(
        self,
        settings: Settings,
        current: Callable[[], Deployment],
        refresh: Callable[[], Awaitable[object]],
        monitor: Monitor,
        control: Callable[[str], None] = operations.tell_master,
    ):
        self.settings = settings
        self.current = current
        self.refresh = refresh
        self.monitor = monitor
        self.control = control
        self.tokens = auth.Tokens()
        self.store = UserStore(settings.secrets)
        self.tasks: set[asyncio.Task[None]] = set()
        self._started = time.monotonic()
        self._logins = asyncio.Semaphore(LOGINS_AT_ONCE)
        self._waiting = 0

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run blocking work on a worker thread."""
        return await self.current().runtime.run(function, *arguments)

    def view(self) -> View:
        """What is deployed, with the addresses under which it is served."""
        deployment = self.current()
        base = f"http://{deployment.config.hostname}:{self.settings.http_port}"
        return View(deployment, base, str(self.settings.home))

    def uptime(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def audit(self, line: dict[str, Any]) -> None:
        """Note who changed what."""
        moment = datetime.now().astimezone().isoformat(timespec="milliseconds")
        audit_log.info("%s", json.dumps({"timestamp": moment, **line}, ensure_ascii=False))

    def handle(self, exchange: Exchange) -> None:
        """Start serving one request."""
        task = asyncio.get_running_loop().create_task(self.serve(exchange))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def serve(self, exchange: Exchange) -> None:
        """Serve one request to its end."""
        try:
            await self._route(exchange)
        except Refusal as error:
            respond(exchange, error.status, {"Error": error.text})
        except BodyTooLarge as error:
            respond(exchange, 413, {"Error": str(error)})
        except StoreError as error:
            respond(exchange, 503, {"Error": str(error)})
        except Disconnected:
            exchange.abort()
        except Exception:
            log.exception("%s failed", exchange.path.decode("latin-1"))
            if not exchange.started:
                respond(exchange, 500, {"Error": "The request could not be processed."})

    async def _route(self, exchange: Exchange) -> None:
        path = exchange.path.decode("latin-1").rstrip("/")
        if self.probe(exchange, path):
            return
        if exchange.method == b"OPTIONS":
            exchange.respond(200, [*CORS, (b"access-control-allow-methods", METHODS)])
        elif path == f"{PREFIX}/login":
            await self._login(exchange)
        elif path != PREFIX and not path.startswith(f"{PREFIX}/"):
            raise Refusal(404, "Not found")
        else:
            await self._authorised(exchange, path[len(PREFIX) :].strip("/"))

    def probe(self, exchange: Exchange, path: str) -> bool:
        """Answer a probe or the metrics, which need no token; False for any other path."""
        if path == "/healthz":
            self._ready(exchange)
        elif path == "/readyz":
            respond(exchange, 200, {"status": "ok"})
        elif path == "/liveness":
            respond(exchange, 200, {"server": "started"})
        elif path in ("/metrics", "/metric-service/metrics"):
            kind = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
            exchange.respond(200, [kind], metrics_text(lambda: addresses(self.view())))
        else:
            return False
        return True

    def _ready(self, exchange: Exchange) -> None:
        faulty = sorted(
            {error.place.file.partition("!")[0] for error in self.current().errors if ".car" in error.place.file}
        )
        if faulty:
            respond(
                exchange, 500, {"status": "not ready", "Faulty CAPPs": [file.rpartition("/")[2] for file in faulty]}
            )
        else:
            respond(exchange, 200, {"status": "ready", "version": VERSION, "update_level": "-"})

    async def _login(self, exchange: Exchange) -> None:
        if exchange.method not in (b"GET", b"POST"):
            raise Refusal(405, "allowed are GET, POST")
        if self._waiting >= LOGINS_WAITING:
            raise Refusal(429, "too many log-ins are waiting; try again in a moment")
        self._waiting += 1
        try:
            async with self._logins:
                found = await self.run(
                    self.store.check, self.current().config, _text(exchange.header(b"authorization"))
                )
        finally:
            self._waiting -= 1
        if found is None:
            exchange.respond(401, [*CORS, (b"www-authenticate", b'Basic realm="management"')])
        else:
            respond(exchange, 200, {"AccessToken": self.tokens.issue(found.name, found.admin)})

    async def _authorised(self, exchange: Exchange, path: str) -> None:
        token = auth.bearer(_text(exchange.header(b"authorization")))
        holder = self.tokens.holder(token)
        if holder is None:
            exchange.respond(401, [*CORS, (b"www-authenticate", b"Bearer")])
        elif path == "logout":
            self.tokens.revoke(token)
            respond(exchange, 200, {})
        elif path == "":
            names = [name for name in routes.ROUTES if not name.endswith("*")]
            respond(exchange, 200, {"resources": [f"{PREFIX}/{name}" for name in names]})
        else:
            await self._call(exchange, path, holder)

    async def _call(self, exchange: Exchange, path: str, holder: auth.Holder) -> None:
        route, rest = routes.find(path)
        if not route:
            raise Refusal(404, f"no resource {path[:200]!r}")
        methods, method = routes.ROUTES[route], exchange.method.decode("latin-1")
        if method not in methods:
            exchange.respond(405, [*CORS, (b"allow", ", ".join(methods).encode())])
            return
        if not routes.allowed(route, method, holder.admin):
            raise Refusal(403, f"{holder.user} is no administrator.")
        query = dict(parse_qsl(exchange.query.decode("latin-1"), keep_blank_values=True))
        call = Call(self, exchange, query, holder.user, holder.admin, unquote(rest))
        answer = await methods[method](call)
        if isinstance(answer, Raw):
            _respond_raw(exchange, answer)
        else:
            respond(exchange, 200, answer)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _respond_raw(exchange: Exchange, answer: Raw) -> None:
    headers = [
        *CORS,
        (b"content-type", answer.media_type.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    if answer.file:
        headers.append((b"content-disposition", f'attachment; filename="{answer.file}"'.encode()))
    exchange.respond(200, headers, answer.body)


def respond(exchange: Exchange, status: int, body: Any) -> None:
    """Answer with JSON."""
    exchange.respond(status, [*CORS, (b"content-type", b"application/json")], msgspec.json.encode(body))
