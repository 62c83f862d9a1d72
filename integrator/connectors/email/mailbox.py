"""Operations on a mailbox by IMAP: list, getEmailBody, getEmailAttachment, markAsRead, markAsDeleted, delete, expungeFolder."""

from __future__ import annotations

import base64
import email
import imaplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from itertools import islice
from typing import Any, cast

from integrator.connectors.email import heads
from integrator.connectors.email.connection import (
    CONFIGURATION,
    CONNECTIVITY,
    CONNECTOR,
    CREDENTIALS,
    FOLDER,
    NOT_FOUND,
    PARSING,
    READING,
    address_of,
    context_of,
    oauth_of,
)
from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Parameter, Result

DEFAULT_FOLDER = Parameter("folder", "Folder of the mailbox.", default="INBOX")
EMAIL_ID = Parameter("emailId", "Message-ID of the message, as `list` gives it.", required=True)
FLAGS = {"seen": ("SEEN", "UNSEEN"), "answered": ("ANSWERED", "UNANSWERED"), "deleted": ("DELETED", "UNDELETED"),
         "recent": ("RECENT", "OLD")}  # fmt: skip
DATES = {"receivedSince": "SINCE", "receivedUntil": "BEFORE", "sentSince": "SENTSINCE", "sentUntil": "SENTBEFORE"}
MOST = 1000


def quoted(text: str) -> str:
    """An IMAP string. Raises ConnectorError for text that would end it."""
    if not text.isascii() or any(ord(sign) < 32 for sign in text):
        raise ConnectorError(*CONFIGURATION, f"{text!r}: only printable ASCII is allowed")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@contextmanager
def _mailbox(call: Call, host: str, port: int, token: str, write: bool) -> Iterator[imaplib.IMAP4]:
    given, folder = call.connection, call["folder"]
    seconds = given["connectionTimeout"] / 1000
    try:
        if given["connectionType"] == "IMAPS":
            client: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, port, ssl_context=context_of(call), timeout=seconds)
        else:
            client = imaplib.IMAP4(host, port, timeout=seconds)
    except (imaplib.IMAP4.error, ssl.SSLError, OSError) as error:
        raise ConnectorError(*CONNECTIVITY, f"{host}:{port}: {error}") from None
    try:
        if given["connectionType"] == "IMAP" and given["requireTLS"]:
            client.starttls(context_of(call))
        _log_in(call, client, token)
        if client.select(quoted(folder), readonly=not write)[0] != "OK":
            raise ConnectorError(*FOLDER, f"folder {folder!r} cannot be opened")
        yield client
    except (imaplib.IMAP4.error, ssl.SSLError, OSError) as error:
        raise ConnectorError(*CONNECTIVITY, f"{host}:{port}: {error}") from None
    finally:
        with suppress(imaplib.IMAP4.error, OSError):  # a connection that is broken says nothing of why
            client.logout()
        with suppress(OSError):
            client.shutdown()


def _log_in(call: Call, client: imaplib.IMAP4, token: str) -> None:
    given = call.connection
    try:
        if token:
            client.authenticate("XOAUTH2", lambda _: token.encode())
        else:
            client.login(quoted(given["username"] or ""), given["password"] or "")
    except imaplib.IMAP4.error:
        raise ConnectorError(*CREDENTIALS, f"{given['host']}: log-in was refused") from None


async def _with(call: Call, work: Callable[[imaplib.IMAP4], Any], write: bool = False) -> Any:
    host, port = address_of(call, READING)
    token = await oauth_of(call)

    def run() -> Any:
        with _mailbox(call, host, port, token, write) as client:
            return work(client)

    return await call.blocking(run)


def _find(call: Call, client: imaplib.IMAP4) -> bytes:
    _, found = client.uid("SEARCH", "HEADER", "Message-ID", quoted(call["emailId"]))
    uids = (found[0] or b"").split() if found else []
    if not uids:
        raise ConnectorError(*NOT_FOUND, f"no message {call['emailId']!r} in folder {call['folder']!r}")
    return cast("bytes", uids[0])


def _fetch(client: imaplib.IMAP4, uid: bytes, largest: int) -> EmailMessage:
    _, sizes = client.uid("FETCH", uid.decode(), "(RFC822.SIZE)")
    size = int(str(sizes[0]).rpartition("RFC822.SIZE ")[2].split(")")[0]) if sizes and sizes[0] else 0
    if size > largest:
        raise ConnectorError(*PARSING, f"a message of {size} bytes is longer than the {largest} allowed")
    _, found = client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")
    data = next((part[1] for part in found if isinstance(part, tuple)), b"")
    return email.message_from_bytes(data, policy=default)


def _shown(message: EmailMessage) -> dict[str, Any]:
    return {
        "emailId": str(message.get("Message-ID", "")).strip(),
        "to": str(message.get("To", "")),
        "from": str(message.get("From", "")),
        "cc": str(message.get("Cc", "")),
        "bcc": str(message.get("Bcc", "")),
        "replyTo": str(message.get("Reply-To", "")),
        "subject": str(message.get("Subject", "")),
    }


def _parts(message: EmailMessage) -> list[EmailMessage]:
    return list(message.iter_attachments())


def _listed(parts: list[EmailMessage]) -> list[dict[str, Any]]:
    return [
        {"index": index, "name": part.get_filename() or "", "contentType": part.get_content_type()}
        for index, part in enumerate(parts)
    ]


@CONNECTOR.operation(
    "list",
    DEFAULT_FOLDER,
    Parameter("limit", f"Messages at most, not more than {MOST}; -1 for all of them.", "integer", default=20),
    Parameter("offset", "Messages to leave out.", "integer", default=0),
    *(
        Parameter(name, f"Whether only messages that are {name} are wanted, or only others.", "boolean")
        for name in FLAGS
    ),
    *(Parameter(name, "A date, `2026-01-31` or with a time behind it; days count.") for name in DATES),
    Parameter("subjectRegex", "Regular expression of the subject."),
    Parameter("fromRegex", "Regular expression of the sender."),
    Parameter("deleteAfterRetrieve", "Whether the messages are deleted then.", "boolean", default=False),
)
async def list_messages(call: Call) -> Any:
    """Messages of a folder, oldest first, as a JSON array."""
    criteria = _criteria(call)
    subject, sender = _pattern(call["subjectRegex"]), _pattern(call["fromRegex"])
    given = call["limit"]
    most, offset = (min(given, MOST) if given >= 0 else MOST), max(0, call["offset"])

    filtered = bool(call["subjectRegex"] or call["fromRegex"])

    def wanted(client: imaplib.IMAP4) -> Iterator[tuple[bytes, EmailMessage]]:
        _, found = client.uid("SEARCH", *criteria)
        uids = (found[0] or b"").split() if found else []
        for uid, head in heads.headers(client, uids if filtered else uids[: offset + most]):
            if subject(str(head.get("Subject", ""))) and sender(str(head.get("From", ""))):
                yield uid, head

    def work(client: imaplib.IMAP4) -> Any:
        chosen = list(islice(wanted(client), offset, offset + most))
        shown = [
            {"index": index, **_shown(head), "attachments": _listed(_parts(heads.structure(client, uid)))}
            for index, (uid, head) in enumerate(chosen, offset)
        ]
        if call["deleteAfterRetrieve"]:
            for uid, _ in chosen:
                client.uid("STORE", uid.decode(), "+FLAGS", r"(\Deleted)")
            client.expunge()
        return shown

    return await _with(call, work, call["deleteAfterRetrieve"])


def _criteria(call: Call) -> list[str]:
    found = ["ALL"]
    for name, words in FLAGS.items():
        if call[name] is not None:
            found.append(words[0] if call[name] else words[1])
    for name, word in DATES.items():
        if call[name]:
            found += [word, _day(call[name], 1 if name.endswith("Until") else 0)]
    return found


def _day(text: str, more: int) -> str:
    try:
        day = datetime.fromisoformat(text.strip()) + timedelta(days=more)
    except ValueError as error:
        raise ConnectorError(*CONFIGURATION, f"{text!r} is no date such as 2026-01-31") from error
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day.day:02}-{months[day.month - 1]}-{day.year}"


def _pattern(text: str | None) -> Callable[[str], bool]:
    if not text:
        return lambda _: True
    import re2  # noqa: PLC0415  (only homes that filter messages need it)

    try:
        compiled = re2.compile(text)
    except re2.error as error:
        raise ConnectorError(*CONFIGURATION, f"{text!r}: {error}") from error
    return lambda value: compiled.search(value) is not None


@CONNECTOR.operation("getEmailBody", EMAIL_ID, DEFAULT_FOLDER)
async def get_body(call: Call) -> Any:
    """Headers and text of a message."""

    def work(client: imaplib.IMAP4) -> Any:
        message = _fetch(client, _find(call, client), call.limits.largest)
        texts = {}
        for kind in ("html", "plain"):
            part = message.get_body((kind,))
            texts[kind] = part.get_content() if part is not None else ""
        found = _shown(message) | {"htmlContent": texts["html"], "textContent": texts["plain"]}
        return found | {"attachments": _listed(_parts(message))}

    return await _with(call, work)


@CONNECTOR.operation(
    "getEmailAttachment", EMAIL_ID, DEFAULT_FOLDER,
    Parameter("attachmentIndex", "Number of the attachment, from 0.", "integer", required=True),
)  # fmt: skip
async def get_attachment(call: Call) -> Any:
    """An attachment becomes the body."""

    def work(client: imaplib.IMAP4) -> Any:
        parts = _parts(_fetch(client, _find(call, client), call.limits.largest))
        index = call["attachmentIndex"]
        if not 0 <= index < len(parts):
            raise ConnectorError(*CONFIGURATION, f"attachmentIndex {index}: the message has {len(parts)} attachments")
        part = parts[index]
        data = part.get_payload(decode=True)
        data = data if isinstance(data, bytes) else part.as_bytes()
        facts = {"name": part.get_filename() or "", "contentType": part.get_content_type()}
        if call.values.get("responseVariable"):
            return Result({**facts, "base64Content": base64.b64encode(data).decode()}, attributes=facts)
        return Result(data, part.get_content_type(), attributes=facts)

    return await _with(call, work)


def _flagging(name: str, flag: str, about: str, expunge: bool = False) -> None:
    async def run(call: Call) -> Any:
        def work(client: imaplib.IMAP4) -> Any:
            client.uid("STORE", _find(call, client).decode(), "+FLAGS", f"({flag})")
            if expunge:
                client.expunge()
            return {"success": True}

        return await _with(call, work, True)

    CONNECTOR.operation(name, EMAIL_ID, DEFAULT_FOLDER, about=about)(run)


_flagging("markAsRead", r"\Seen", "Mark a message as read.")
_flagging("markAsDeleted", r"\Deleted", "Mark a message as deleted; `expungeFolder` removes it.")
_flagging("delete", r"\Deleted", "Remove a message, and what else is marked as deleted.", True)


@CONNECTOR.operation("expungeFolder", DEFAULT_FOLDER)
async def expunge(call: Call) -> Any:
    """Remove the messages that are marked as deleted."""

    def work(client: imaplib.IMAP4) -> Any:
        client.expunge()
        return {"success": True}

    return await _with(call, work, True)
