"""Checks of backends: their addresses, how several work together, their security and patience."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gateway import schema
from publisher import backends
from publisher.checks.basics import Problems, shown, text

DEFAULT_TIMEOUT_MS = 60_000
LONGEST_TIMEOUT_MS = 600_000
LONGEST_SUSPENSION_MS = 7 * 24 * 3_600_000
MOST_FAILURES = 2**31 - 1
"""Before a suspension: only counted, so that any number of the original's (32 bits) does."""

MOST_MEMBERS = 50
MOST_RETRIES = 10
GROUPS = ("load_balance", "failover")
KINDS = ("http", "soap", *GROUPS, "dynamic", "mock", "aws_lambda", "websocket", "grpc")
TRANSPORT_CODES = tuple(str(code) for code in (101500, 101501, 101503, 101504, 101505, 101506, 101507, 101508, 101510))
"""The codes that suspend an endpoint or mark it."""

REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")
_AT = re.compile(r"^(.*?)(?: - at `\$?\.?([^`]*)`)?$", re.DOTALL)


def endpoints(problems: Problems, value: Any) -> dict[str, Any]:
    """`{"production": {…}, "sandbox": {…}}`, each part optional and in the form of gateway.schema.Endpoint, secrets sealed."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        problems.add("endpoints", f"{shown(value)} is not an object.")
        return {}
    for name in value.keys() - set(backends.SIDES):
        problems.add(f"endpoints.{name}", "The endpoints are production and sandbox.")
    found = {name: _endpoint(problems, f"endpoints.{name}", value.get(name)) for name in backends.SIDES}
    return backends.sealed({name: endpoint for name, endpoint in found.items() if endpoint})


def _endpoint(problems: Problems, field: str, value: Any) -> dict[str, Any]:
    if not value:
        return {}
    if not isinstance(value, dict):
        problems.add(field, f"{shown(value)} is not an object.")
        return {}
    url = value.get("url")
    if value.get("kind", "http") in ("http", "soap", "websocket", "grpc") and not url:
        return {}
    if isinstance(url, str):
        value = value | {"url": url.strip()}
        if url.strip().lower().startswith(("ws://", "wss://")):
            value = value | {"kind": "websocket"}
    record = _typed(problems, field, {"url": ""} | value)
    if record is None:
        return {}
    _check(problems, field, record)
    return stored(record)


def stored(record: schema.Endpoint) -> dict[str, Any]:
    """The form the design keeps: without defaults, but always with the timeout of an address."""
    found: dict[str, Any] = msgspec.to_builtins(record)
    if record.kind in ("http", "soap", "grpc"):
        found["timeout_ms"] = record.timeout_ms
    for member, plain in zip(record.members, found.get("members", ()), strict=False):
        plain["timeout_ms"] = member.timeout_ms
    return found


def _typed(problems: Problems, field: str, value: dict[str, Any]) -> schema.Endpoint | None:
    try:
        return msgspec.convert(value, schema.Endpoint)
    except msgspec.ValidationError as error:
        match = _AT.match(str(error))
        message, below = (match[1], match[2]) if match else (str(error), "")
        problems.add(f"{field}.{below}" if below else field, f"{message}.")
        return None


def _check(problems: Problems, field: str, record: schema.Endpoint) -> None:
    if record.kind in ("http", "soap", "grpc"):
        http_url(problems, f"{field}.url", record.url)
        if record.kind == "grpc" and record.security is not None:
            problems.add(f"{field}.security", "gRPC backends take no endpoint security.")
    elif record.kind == "websocket":
        _websocket(problems, f"{field}.url", record.url)
    elif record.kind in GROUPS:
        _members(problems, field, record)
    elif record.kind == "aws_lambda":
        _functions(problems, field, record)
    _patience(problems, field, record)
    _suspension(problems, f"{field}.suspension", record.suspension)
    _security(problems, f"{field}.security", record.security)
    _bounds(problems, field, record)
    if not backends.usable(msgspec.to_builtins(record)):
        problems.add(field, "Holds a secret that was sealed elsewhere; enter it again.")


def _members(problems: Problems, field: str, record: schema.Endpoint) -> None:
    if not 1 <= len(record.members) <= MOST_MEMBERS:
        problems.add(f"{field}.members", f"Has {len(record.members)} addresses; 1 to {MOST_MEMBERS} are allowed.")
    for number, member in enumerate(record.members):
        place = f"{field}.members[{number}]"
        if member.kind not in ("http", "soap"):
            problems.add(f"{place}.kind", f"{shown(member.kind)} is not one of http, soap: members are addresses.")
            continue
        if not 1 <= member.weight <= 1000:
            problems.add(f"{place}.weight", f"{member.weight} is not a whole number from 1 to 1000.")
        _check(problems, place, member)
    if not 0 <= record.session_ms <= LONGEST_SUSPENSION_MS:
        problems.add(f"{field}.session_ms", f"{record.session_ms} is not a number from 0 to {LONGEST_SUSPENSION_MS}.")


def _patience(problems: Problems, field: str, record: schema.Endpoint) -> None:
    for name in ("timeout_ms", "connect_timeout_ms"):
        value = getattr(record, name)
        if not 1 <= value <= LONGEST_TIMEOUT_MS:
            problems.add(f"{field}.{name}", f"{value} is not a number from 1 to {LONGEST_TIMEOUT_MS}.")
    if not 0 <= record.retries <= MOST_RETRIES:
        problems.add(f"{field}.retries", f"{record.retries} is not a number from 0 to {MOST_RETRIES}.")


def _suspension(problems: Problems, field: str, record: schema.Suspension | None) -> None:
    if record is None:
        return
    for name in ("codes", "suspend_codes"):
        for code in getattr(record, name):
            if code not in TRANSPORT_CODES and code != "-1":
                problems.add(f"{field}.{name}", f"{shown(code)} is not one of {', '.join(TRANSPORT_CODES)}, -1 (none).")
    for name, most in (
        ("retries", MOST_FAILURES),
        ("retry_delay_ms", LONGEST_SUSPENSION_MS),
        ("initial_ms", LONGEST_SUSPENSION_MS),
    ):
        if not 0 <= getattr(record, name) <= most:
            problems.add(f"{field}.{name}", f"{getattr(record, name)} is not a number from 0 to {most}.")
    if not 0 <= record.maximum_ms <= LONGEST_SUSPENSION_MS:
        problems.add(f"{field}.maximum_ms", f"{record.maximum_ms} is not a number from 0 to {LONGEST_SUSPENSION_MS}.")
    if not 1 <= record.factor <= 100:
        problems.add(f"{field}.factor", f"{record.factor:g} is not a number from 1 to 100.")


def _bounds(problems: Problems, field: str, record: schema.Endpoint) -> None:
    check, breaker = record.health, record.breaker
    if check is not None:
        if not check.path.startswith("/") or not check.path.isascii() or " " in check.path:
            problems.add(f"{field}.health.path", f"{shown(check.path)} must begin with a slash.")
        if not 1 <= check.seconds <= 3600:
            problems.add(f"{field}.health.seconds", f"{check.seconds:g} is not a number from 1 to 3600.")
        if not 1 <= check.timeout_ms <= 60_000:
            problems.add(f"{field}.health.timeout_ms", f"{check.timeout_ms} is not a number from 1 to 60000.")
        for name in ("healthy", "unhealthy"):
            if not 1 <= getattr(check, name) <= 100:
                problems.add(f"{field}.health.{name}", f"{getattr(check, name)} is not a number from 1 to 100.")
    for name in ("connections", "pending") if breaker is not None else ():
        if not 0 <= getattr(breaker, name) <= 100_000:
            problems.add(f"{field}.breaker.{name}", f"{getattr(breaker, name)} is not a number from 0 to 100000.")


def _security(problems: Problems, field: str, record: schema.EndpointSecurity | None) -> None:
    if record is None:
        return
    needed = {
        "basic": ("username",),
        "digest": ("username",),
        "oauth": ("token_url", "client_id", "client_secret"),
        "api_key": ("name", "value"),
    }[record.kind]
    if record.kind == "oauth" and record.grant == "password":
        needed += ("username", "password")
    for name in needed:
        if not getattr(record, name):
            problems.add(f"{field}.{name}", "Must not be empty.")
    if record.token_url:
        http_url(problems, f"{field}.token_url", record.token_url)
    for name in ("username", "client_id", "name", "value"):
        if any(character in getattr(record, name) for character in "\r\n\0"):
            problems.add(f"{field}.{name}", "Must not hold a line break.")


def _functions(problems: Problems, field: str, record: schema.Endpoint) -> None:
    given = dict(record.properties)
    region = given.get("region", "")
    if not REGION.match(region) and (region or given.get("access_key")):
        problems.add(f"{field}.properties.region", f"{shown(region)} is not the name of an AWS region, as eu-west-1.")
    if bool(given.get("access_key")) != bool(given.get("secret_key")):
        missing = "secret_key" if given.get("access_key") else "access_key"
        problems.add(f"{field}.properties.{missing}", "Access key and secret key go together.")
    if record.url:
        http_url(problems, f"{field}.url", record.url)
    for number, function in enumerate(record.functions):
        if not function.name or len(function.name) > 512:
            problems.add(f"{field}.functions[{number}].name", f"{shown(function.name)} is not the ARN of a function.")


def http_url(problems: Problems, field: str, value: Any) -> str:
    """An absolute http or https address without user, query and fragment."""
    address = text(problems, field, value, most=2000, least=1).strip()
    fault = _fault(address) if address else ""
    if fault:
        problems.add(field, f"{shown(address)} {fault}")
    return address


def _websocket(problems: Problems, field: str, value: Any) -> None:
    address = text(problems, field, value, most=2000, least=1).strip()
    fault = _fault(address, ("ws", "wss")) if address else ""
    if fault:
        problems.add(field, f"{shown(address)} {fault}")


def _fault(address: str, schemes: tuple[str, ...] = ("http", "https")) -> str:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        return f"is not an address: {error}."
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        return f"must look like {schemes[0]}://host:port/path or {schemes[1]}://host/path."
    if any(character.isspace() or not character.isprintable() for character in address):
        return "must not hold spaces or control characters."
    if "@" in parts.netloc:
        return "must not hold a user name or password."
    return "must not have a query or a fragment." if parts.query or parts.fragment else ""
