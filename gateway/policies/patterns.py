"""Regex Policy: refuses requests in which a pattern of an attack is found. RE2 matches in linear time, whatever the pattern."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote_to_bytes

from gateway import faults
from gateway.call import Call
from gateway.policies import body
from gateway.policies.base import Native, Use
from gateway.schema.patterns import pattern
from gateway.stages import Step

PATTERNS = {
    "SQL-Injection": r"'|alter|create\s*(database|procedure|schema|table|view)|delete\s*from|drop\s*(database|procedure|table)"
    r"|select\s*.*\s*from|truncate\s*table|insert\s*into",
    "Server-Side-Include-Injection": r"#include|#exec|#echo|#config",
    "Java-Exception-Injection": r"Exception in thread",
    "XPath-Injection": r"'|\bor\b|1=1|alter|create\s*(database|procedure|schema|table|view)|delete|drop|select",
    "XPath-Expanded-Syntax-Injection": r"/?(ancestor(-or-self)?|descendant(-or-self)?|following(-sibling)?)::?",
    "JavaScript-Injection": r"<\s*script\b[^>]*>[^<]*<\s*/\s*script\s*>|<\s*script\b",
}
"""What is looked for, by kind of threat. Letters match in either case."""

LONGEST, MEMORY = 100_000, 16 << 20
"""Characters and bytes: lists of what attacks look like grow long."""

DEFAULT = "SQL-Injection"
PAYLOAD, QUERY, HEADERS = "Payload", "Query Parameters", "HTTP Headers"
_ESCAPE = re.compile(rb"\\u([0-9a-fA-F]{4})|\\(.)", re.DOTALL)
_UNCHECKED = frozenset({b"authorization", b"host", b"content-length", b"cookie-signature"})
"""Credentials and the gateway's own matter: as in the credentials that the API names, chance would find words in them."""


def forms(data: bytes) -> list[str]:
    """A body as it stands, and without the escapes of JSON and XML behind which a pattern can hide.

    In UTF-16 and UTF-32, which JSON and XML may be sent in, the letters stand between NULs.
    """
    found = [data]
    if b"\0" in data:
        data = data.replace(b"\0", b"")
        found.append(data)
    if b"\\" in data:
        found.append(_ESCAPE.sub(_unescape, data))
    shown = [one.decode("utf-8", "replace") for one in found]
    if b"&" in data:
        shown.append(html.unescape(data.decode("utf-8", "replace")))
    if b"%" in data:
        shown.append(unquote_to_bytes(data.replace(b"+", b" ")).decode("utf-8", "replace"))
    return shown


def _unescape(found: re.Match[bytes]) -> bytes:
    if found.group(1) is not None:
        return chr(int(found.group(1), 16)).encode("utf-8", "replace")
    return {b"n": b"\n", b"t": b"\t", b"r": b"\r"}.get(found.group(2), found.group(2))


def compile(use: Use) -> Step:
    """The step: body, then path and query, then headers, as far as they are to be looked at."""
    kind = use.choice("threatType", DEFAULT, *PATTERNS, "Custom")
    text = use.text("regex", None if kind == "Custom" else PATTERNS[kind])
    try:
        search = pattern(text, LONGEST, MEMORY, any_case=True).search
    except ValueError as error:
        raise use.wrong("regex", text[:200], f"usable: {error}") from error
    in_body, in_headers = use.flag("enabledCheckBody", True), use.flag("enabledCheckHeaders", True)
    in_path = use.flag("enabledCheckPathParams", True)
    refusals = {
        one: faults.threat(400, "Bad Request", f"{kind} Threat detected in {one}") for one in (PAYLOAD, QUERY, HEADERS)
    }
    unchecked = _UNCHECKED | use.credentials

    def head(call: Call) -> bool | None:
        exchange = call.exchange
        if in_path and any(search(one) for one in _path_forms(exchange.target[call.cut :])):
            return call.refuse(refusals[QUERY])
        if in_headers and any(
            search(value.decode("latin-1")) for name, value in exchange.headers if name not in unchecked
        ):
            return call.refuse(refusals[HEADERS])
        return None

    async def with_body(call: Call) -> bool | None:
        data = await body.of_request(call, use.limit)
        if data and any(search(one) for one in forms(data)):
            return call.refuse(refusals[PAYLOAD])
        return head(call)

    return lambda call: with_body(call) if in_body and call.exchange.has_body else head(call)


def _path_forms(target: bytes) -> list[str]:
    shown = [target.decode("latin-1")]
    if b"%" in target or b"+" in target:
        shown.append(unquote_to_bytes(target.replace(b"+", b" ")).decode("utf-8", "replace"))
    return shown


POLICY = Native(compile, flows=frozenset({"request"}))
