"""The resources of the contract: who may ask, what is asked for, and the answer."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from gateway import schema
from gateway.auth.basic import People, credentials
from gateway.auth.remote import Unanswered
from gateway.rest import artifacts, shapes
from gateway.standalone.follow import Follower
from gateway.sync import Sync
from gateway.tokens.jwt import Rejected
from wire.exchange import Exchange

log = logging.getLogger("gateway.rest")

PREFIX = b"/api/am/gateway/v2/"
SUPER = "carbon.super"
ADMIN = "admin"
JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
TEXT = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")]


class Refused(Exception):
    """An answer that is not 200, with the contract's Error."""

    def __init__(self, status: int, message: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body = shapes.error(status, message, description)


@dataclass(frozen=True)
class Question:
    """One request: its query, the organisation it is about, and the rest of the path."""

    query: dict[str, str]
    rest: str

    @property
    def organisation(self) -> str:
        """`tenantDomain`."""
        return self.query.get("tenantDomain") or SUPER

    def required(self, name: str) -> str:
        """A query parameter that must be there. Raises Refused."""
        value = self.query.get(name, "")
        if not value:
            raise Refused(400, "Bad Request", f"The query parameter {name} is missing")
        return value


Answer = dict[str, Any]


class Rest:
    """Answers below PREFIX. `trusted` says whether a call comes from this machine or shows the cluster secret."""

    def __init__(self, sync: Sync | Follower, people: People, trusted: Callable[[Exchange], bool]) -> None:
        self.sync = sync
        self.people = people
        self.trusted = trusted
        self._tasks: set[asyncio.Task[None]] = set()
        self._get: dict[str, Callable[[Question], Answer]] = {
            "api-artifact": lambda question: {"api": artifacts.api_xml(self._api(question))},
            "local-entry": lambda question: {"localEntries": artifacts.local_entries(self._api(question))},
            "sequence": lambda question: {"sequences": artifacts.sequences(self._api(question))},
            "end-points": lambda question: {"endpoints": artifacts.endpoints(self._api(question))},
            "apis": self._apis,
            "applications": self._applications,
            "subscriptions": self._subscription,
        }
        self._post: dict[str, Callable[[Question], Awaitable[Answer]]] = {
            "redeploy-api": lambda question: self._deploy(question, gone=False),
            "undeploy-api": lambda question: self._deploy(question, gone=True),
        }

    def __call__(self, exchange: Exchange) -> bool:
        """Answers a call below PREFIX; False for others."""
        if not exchange.path.startswith(PREFIX):
            return False
        name = unquote(exchange.path[len(PREFIX) :].decode("latin-1")).rstrip("/")
        if name == "server-startup-healthcheck":
            ready = self.sync.loaded
            exchange.respond(200 if ready else 500, TEXT, b"OK" if ready else b"Internal Server Error.")
            return True
        task = asyncio.ensure_future(self._answer(exchange, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _answer(self, exchange: Exchange, name: str) -> None:
        try:
            query = dict(parse_qsl(exchange.query.decode("latin-1"), max_num_fields=50))
            first, _, rest = name.partition("/")
            question = Question(query, rest)
            await self._admit(exchange, question)
            status, body = 200, await self._work(exchange.method, first, question)
        except Refused as refused:
            status, body = refused.status, refused.body
        except (ValueError, UnicodeError):
            status, body = 400, shapes.error(400, "Bad Request", "The query cannot be read")
        except Exception:
            log.exception("a management call failed")
            status, body = 500, shapes.error(500, "Internal Server Error", "The gateway's log says more")
        headers = [*JSON, (b"www-authenticate", b'Basic realm="gateway"')] if status == 401 else JSON
        if not exchange.lost:
            exchange.respond(status, headers, json.dumps(body).encode())

    async def _work(self, method: bytes, name: str, question: Question) -> Answer:
        known = name in self._get or name in self._post
        if not known or (question.rest and name != "apis"):
            raise Refused(404, "Not Found", "There is no such resource")
        if method == b"POST" and name in self._post:
            return await self._post[name](question)
        if method in (b"GET", b"HEAD") and name in self._get:
            return self._get[name](question)
        raise Refused(405, "Method Not Allowed", f"{name} takes {'POST' if name in self._post else 'GET'}")

    async def _admit(self, exchange: Exchange, question: Question) -> None:
        """This machine, the cluster secret, or an administrator of the organisation asked about. Raises Refused."""
        raw = exchange.fields.get(b"authorization", b"")
        if raw[:6].lower() != b"basic ":
            if not self.trusted(exchange):
                raise Refused(
                    401, "Unauthorized", "Ask from this machine, with the cluster secret or as an administrator"
                )
            return
        try:
            name = credentials(raw)[0]
            organisation = name.rpartition("@")[2] if "@" in name else SUPER
            found = self.people.check(organisation, raw, exchange.client[0], time.time())
            person = await found if isinstance(found, Awaitable) else found
        except (Rejected, Unanswered) as error:
            raise Refused(401, "Unauthorized", str(error)) from error
        if ADMIN not in (person.roles or ()) or organisation not in (SUPER, question.organisation):
            raise Refused(403, "Forbidden", "This takes an administrator of the organisation")

    def _records(self, kind: str) -> dict[str, Any]:
        return self.sync.state.records[kind]

    def _key(self, question: Question) -> str:
        wanted = (question.organisation, question.required("apiName"), question.required("version"))
        for key, one in self._records("api").items():
            if (one.organisation, one.name, one.version) == wanted:
                return key
        raise Refused(404, "Not Found", f"There is no API {wanted[1]} {wanted[2]} of {wanted[0]} here")

    def _api(self, question: Question) -> schema.Api:
        found: schema.Api = self._records("api")[self._key(question)]
        return found

    async def _deploy(self, question: Question, gone: bool) -> Answer:
        key = self._key(question)
        if isinstance(self.sync, Follower):
            raise Refused(409, "Conflict", "The files of a standalone gateway say which APIs it serves")
        await self.sync.withdraw(key, gone)
        api: schema.Api = self._records("api")[key]
        refusal = self.sync.state.refusals.get(("api", key))
        served = key in self.sync.state.apis
        status = "UNDEPLOYED" if gone else ("DEPLOYED" if served else "ERROR")
        text = refusal.reason if refusal else f"{api.name} {api.version} is {'off' if gone else 'on'} this gateway"
        return {
            "deployStatus": status,
            "jsonPayload": json.dumps({"api": api.name, "version": api.version, "message": text}),
        }

    def _apis(self, question: Question) -> Answer:
        if question.rest:
            return self._one(question)
        context, version = question.query.get("context", ""), question.query.get("version", "")
        if bool(context) != bool(version):
            raise Refused(400, "Bad Request", "Name both context and version, or neither")
        found = [
            one
            for one in self._records("api").values()
            if one.organisation == question.organisation
            and (not context or (one.context, one.version) == (context, version))
        ]
        if context and not found:
            raise Refused(404, "Not Found", f"There is no API at {context} {version}")
        return {"count": len(found), "list": [shapes.api(one) for one in found]}

    def _one(self, question: Question) -> Answer:
        found = [one for one in self._records("api").values() if one.id == question.rest]
        if not found or found[0].organisation != question.organisation:
            raise Refused(404, "Not Found", f"There is no API {question.rest}")
        applications, rows = self._records("application"), self._records("subscription").values()
        of_api = [row for row in rows if row.api == question.rest and row.application in applications]
        keys = self._keys({row.application for row in of_api})
        return shapes.api_info(
            found[0],
            (
                shapes.subscription_info(
                    row, shapes.application(applications[row.application], keys.get(row.application, ()))
                )
                for row in of_api
            ),
        )

    def _applications(self, question: Question) -> Answer:
        name, identifier = question.query.get("name", ""), question.query.get("uuid", "")
        if not name and not identifier:
            raise Refused(400, "Bad Request", "Name the application by name or uuid")
        found = [
            one
            for one in self._records("application").values()
            if one.organisation == question.organisation and identifier in ("", one.id) and name in ("", one.name)
        ]
        if not found:
            raise Refused(404, "Not Found", f"There is no application {name or identifier}")
        keys = self._keys({one.id for one in found})
        return {"count": len(found), "list": [shapes.application(one, keys.get(one.id, ())) for one in found]}

    def _keys(self, applications: set[str]) -> dict[str, list[schema.Key]]:
        found: dict[str, list[schema.Key]] = {}
        for key in self._records("key").values():
            if key.application in applications:
                found.setdefault(key.application, []).append(key)
        return found

    def _subscription(self, question: Question) -> Answer:
        api, application = question.required("apiUUID"), question.required("appUUID")
        found = self.sync.state.pairs.get((api, application))
        owner = self._records("application").get(application)
        if found is None or owner is None or owner.organisation != question.organisation:
            raise Refused(404, "Not Found", "There is no such subscription")
        return shapes.subscription(found)
