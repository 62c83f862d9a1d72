"""One call of the management API, and the ways to answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from integrator.engine.deployment import Deployment
from integrator.management_api.auth import bearer
from wire.exchange import Exchange

if TYPE_CHECKING:
    from integrator.management_api.api import Management

BODY_LIMIT = 1024 * 1024
LONGEST_VALUE = 2000


class Refusal(Exception):
    """The caller's mistake: an HTTP status and a text."""

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Raw:
    """An answer that is no JSON; with a file name it is offered as a download."""

    body: bytes
    media_type: str = "text/plain; charset=utf-8"
    file: str = ""


@dataclass(frozen=True)
class Call:
    """An authorised request: who asks for what. `rest` is what stands in the path behind the resource."""

    management: Management
    exchange: Exchange
    query: dict[str, str]
    user: str
    admin: bool
    rest: str = ""

    @property
    def token(self) -> str:
        """The token that the caller came with."""
        return bearer((self.exchange.header(b"authorization") or b"").decode("latin-1"))

    @property
    def deployment(self) -> Deployment:
        """What is deployed now."""
        return self.management.current()

    async def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises Refusal."""
        found = await self.json_any()
        if not isinstance(found, dict):
            raise Refusal(400, "a JSON object is expected")
        return found

    async def json_any(self) -> Any:
        """The body as JSON. Raises Refusal."""
        try:
            return msgspec.json.decode(await self.exchange.body(BODY_LIMIT))
        except (msgspec.DecodeError, RecursionError) as error:
            raise Refusal(400, f"a JSON body is expected: {error}") from error

    def required(self, name: str) -> str:
        """A query parameter. Raises Refusal when it is missing or too long."""
        value = self.query.get(name, "")
        if not value:
            raise Refusal(400, f"query parameter {name!r} is required")
        if len(value) > LONGEST_VALUE:
            raise Refusal(400, f"query parameter {name!r} is longer than {LONGEST_VALUE} characters")
        return value

    def audit(self, action: str, kind: str, info: dict[str, Any]) -> None:
        """Note a change in audit.log."""
        line = {"performedBy": self.user, "action": action, "type": kind, "info": info}
        self.management.audit(line)


def text_of(body: dict[str, Any], name: str, allowed: tuple[str, ...] = ()) -> str:
    """A text of a JSON body. Raises Refusal naming field, value and what is allowed."""
    value = body.get(name)
    if not isinstance(value, str) or not value or len(value) > LONGEST_VALUE:
        raise Refusal(400, f"field {name!r}: a text of 1 to {LONGEST_VALUE} characters is required")
    if allowed and value not in allowed:
        raise Refusal(400, f"field {name!r}: {value!r}: allowed are {', '.join(allowed)}")
    return value


def listed(items: list[dict[str, Any]], query: dict[str, str], name: str = "name") -> dict[str, Any]:
    """A list answer; `searchKey` keeps what holds it in its name."""
    wanted = query.get("searchKey", "").lower()
    found = [item for item in items if wanted in str(item.get(name, "")).lower()]
    return {"count": len(found), "list": found}
