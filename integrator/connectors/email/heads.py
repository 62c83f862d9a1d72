"""What a list of e-mails shows without fetching them: chosen headers, and the outline of the parts."""

from __future__ import annotations

import email
import imaplib
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from typing import Any

SHOWN = "MESSAGE-ID TO FROM CC BCC REPLY-TO SUBJECT"
LONGEST = 64 * 1024
"""Bytes of the headers of one message that are fetched; what is behind them is left out."""
AT_ONCE = 50
"""Messages of one request."""
DEEPEST = 50
"""Levels of parts in parts; what is deeper is not outlined."""
_UID = re.compile(rb"\bUID (\d+)")
_TOKEN = re.compile(rb'\(|\)|"((?:[^"\\]|\\.)*)"|([^\s()"]+)')


def headers(client: imaplib.IMAP4, uids: list[bytes]) -> Iterator[tuple[bytes, EmailMessage]]:
    """Uid and headers of each message that is still there, in the order of `uids`. Nothing is marked as read."""
    for start in range(0, len(uids), AT_ONCE):
        some = uids[start : start + AT_ONCE]
        what = f"(UID BODY.PEEK[HEADER.FIELDS ({SHOWN})]<0.{LONGEST}>)"
        _, answer = client.uid("FETCH", b",".join(some).decode(), what)
        found: dict[bytes, EmailMessage] = {}
        for item in answer or ():
            uid = _UID.search(item[0]) if isinstance(item, tuple) else None
            if uid is not None:
                found[uid[1]] = email.message_from_bytes(item[1], policy=default)
        yield from ((uid, found[uid]) for uid in some if uid in found)


def structure(client: imaplib.IMAP4, uid: bytes) -> EmailMessage:
    """A message with the types and names of the parts that one has, and no content."""
    _, answer = client.uid("FETCH", uid.decode(), "(BODYSTRUCTURE)")
    text = b"".join(_inlined(item) for item in answer or () if item)
    _, mark, outline = text.partition(b"BODYSTRUCTURE ")
    return _message(_tree(outline)) if mark else EmailMessage()


def _inlined(item: bytes | tuple[bytes, bytes]) -> bytes:
    """A piece of an answer; a literal in it becomes a quoted string."""
    if isinstance(item, bytes):
        return item
    quoted = item[1].replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return item[0][: item[0].rindex(b"{")] + b'"' + quoted + b'"'


def _tree(text: bytes) -> list[Any]:
    """The first list in brackets: lists, texts, and None for NIL."""
    open_lists: list[list[Any]] = []
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign == b"(":
            open_lists.append([])
        elif not open_lists:
            break
        elif sign == b")":
            done = open_lists.pop()
            if not open_lists:
                return done
            open_lists[-1].append(done)
        else:
            open_lists[-1].append(_text(token))
    return []


def _text(token: re.Match[bytes]) -> str | None:
    if token[2] is not None:
        return None if token[2].upper() == b"NIL" else token[2].decode("latin-1")
    return re.sub(rb"\\(.)", rb"\1", token[1]).decode("utf-8", "replace")


def _message(outline: list[Any], depth: int = 0) -> EmailMessage:
    """A part: `(part part … subtype parameters disposition …)` or `(type subtype parameters … disposition …)`."""
    made = EmailMessage()
    parts = [item for item in outline if isinstance(item, list)] if outline and isinstance(outline[0], list) else []
    if parts:
        count = next((at for at, item in enumerate(outline) if not isinstance(item, list)), len(outline))
        kind, behind = f"multipart/{_at(outline, count)}", outline[count + 1 :]
        _set(made, "Content-Type", kind, None)
        _set(made, "Content-Disposition", *_disposition(_at(behind, 1)))
        made.set_payload([_message(item, depth + 1) for item in outline[:count]] if depth < DEEPEST else [])
        return made
    main, sub = str(_at(outline, 0) or "text").lower(), str(_at(outline, 1) or "plain").lower()
    _set(made, "Content-Type", f"{main}/{sub}", _at(outline, 2))
    at = 9 if main == "text" else 11 if (main, sub) == ("message", "rfc822") else 8
    _set(made, "Content-Disposition", *_disposition(_at(outline, at)))
    return made


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else None


def _disposition(given: Any) -> tuple[str, Any]:
    return (str(given[0] or ""), _at(given, 1)) if isinstance(given, list) and given else ("", None)


def _set(message: EmailMessage, header: str, value: str, parameters: Any) -> None:
    """A header with its parameters, `(name value name value …)`; the library reads them, whatever their form."""
    if not value:
        return
    given = [str(word or "") for word in parameters] if isinstance(parameters, list) else []
    for name, text in zip(given[::2], given[1::2], strict=False):
        quoted = text if name.endswith("*") else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        value += f"; {name}={quoted}"
    message[header] = re.sub(r"[\x00-\x1f]", " ", value)
