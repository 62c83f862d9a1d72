"""Handlers of REST APIs, by the class names that artifacts use (reference 5.3)."""

from __future__ import annotations

from collections.abc import Callable

from integrator.engine.message import Message
from integrator.engine.users import check_basic, users
from wire.exchange import Exchange

Handler = Callable[[Exchange, Message], bool]
"""Looks at a request; False when it has answered it."""


def basic_auth(exchange: Exchange, message: Message) -> bool:
    """RESTBasicAuthHandler: 401 without credentials, 403 with wrong ones."""
    given = message.headers.get("Authorization")
    if given is None:
        exchange.respond(401, [(b"www-authenticate", b'Basic realm="integrator"')])
        return False
    known = users(message.deployment.config, message.deployment.runtime.settings.secrets)
    if check_basic(given, known) is None:
        exchange.respond(403)
        return False
    message.headers.remove("Authorization")
    return True


HANDLERS: dict[str, Handler] = {"org.wso2.micro.integrator.security.handler.RESTBasicAuthHandler": basic_auth}
