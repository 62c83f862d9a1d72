"""CORS of REST APIs: headers for a listed origin, on the answer to OPTIONS and on every other (reference 5.3)."""

from __future__ import annotations

from collections.abc import Iterable

from integrator.engine.config import Config
from integrator.engine.message import Message
from integrator.engine.services.reply import Header, HttpReply, headers_of
from wire.exchange import Exchange

_PREFIX = "synapse.rest.CORSConfig."


def origins_of(config: Config) -> frozenset[str]:
    """Origins that may call the APIs from a browser; empty when CORS is off or none is listed."""
    if str(config.mediation(f"{_PREFIX}enabled", True)).lower() == "false":
        return frozenset()
    text = str(config.mediation(f"{_PREFIX}Access-Control-Allow-Origin", ""))
    return frozenset(item.strip() for item in text.split(",") if item.strip())


def cors_headers(message: Message, methods: Iterable[str]) -> list[Header]:
    """The headers for the caller's origin; none when it is not listed."""
    config, origin = message.deployment.config, message.headers.get("Origin")
    listed = origins_of(config)
    if not origin or not (origin in listed or "*" in listed):
        return []
    found = [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-methods", ", ".join(sorted(methods)).encode()),
    ]
    wanted = str(config.mediation(f"{_PREFIX}Access-Control-Allow-Headers", ""))
    if wanted:
        found.append((b"access-control-allow-headers", wanted.encode("latin-1")))
    return found


class _Reply(HttpReply):
    """Answers with CORS headers; a backend's own of the same names give way."""

    def __init__(self, exchange: Exchange, added: list[Header]):
        super().__init__(exchange)
        self.added = added

    def headers(self, message: Message, content_type: str | None) -> list[Header]:
        """Transport headers of the answer, with the CORS ones."""
        names = {name for name, _ in self.added}
        return [pair for pair in headers_of(message, content_type) if pair[0].lower() not in names] + self.added


def answer_with_cors(exchange: Exchange, message: Message) -> bool:
    """A handler of APIs: remembers the CORS headers for the answer. It is there only where origins are listed."""
    added = cors_headers(message, (str(message.axis2.get("HTTP_METHOD")),))
    if added:
        message.flow.reply = _Reply(exchange, added)
    return True
