"""send: one message by SMTP, with attachments and inline images."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, make_msgid
from typing import Any

from integrator.connectors.email.connection import (
    CONFIGURATION,
    CONNECTIVITY,
    CONNECTOR,
    CREDENTIALS,
    SENDING,
    address_of,
    context_of,
    oauth_of,
)
from integrator.connectors.file.local import LocalFiles
from integrator.connectors.file.places import clean
from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Parameter
from integrator.engine.content.payload import decode_json

MOST_RECIPIENTS = 500


@CONNECTOR.operation(
    "send",
    Parameter("from", "Address of the sender.", required=True),
    Parameter("personalName", "Name of the sender."),
    Parameter("to", "Recipients, parted by commas.", required=True),
    Parameter("cc", "Recipients of copies."),
    Parameter("bcc", "Recipients that the others do not see."),
    Parameter("replyTo", "Where answers go."),
    Parameter("subject", "Subject.", default=""),
    Parameter("content", "Text of the message.", default=""),
    Parameter("contentType", "Its media type.", default="text/html"),
    Parameter("encoding", "Its charset.", default="UTF-8"),
    Parameter("contentTransferEncoding", "Encoding on the way: 7bit, 8bit, quoted-printable or base64; chosen without it."),
    Parameter("attachments", "Files below the folders the operator allows, parted by commas; or a JSON array of "
              "`{name, contentType, content}` with the content in base64.", "any"),
    Parameter("inlineImages", "A JSON array of `{contentID, contentType, content}`, the content in base64.", "json"),
)  # fmt: skip
async def send(call: Call) -> Any:
    """Send a message."""
    host, port = address_of(call, SENDING)
    message = await _message(call)
    recipients = [address for _, address in getaddresses([call[name] or "" for name in ("to", "cc", "bcc")]) if address]
    if not recipients or len(recipients) > MOST_RECIPIENTS:
        raise ConnectorError(*CONFIGURATION, f"to: 1 to {MOST_RECIPIENTS} recipients are expected")
    token = await oauth_of(call)
    await call.blocking(_deliver, call, host, port, message, recipients, token)
    return {"success": True}


def _deliver(call: Call, host: str, port: int, message: EmailMessage, recipients: list[str], token: str) -> None:
    given = call.connection
    seconds = given["connectionTimeout"] / 1000
    try:
        if given["connectionType"] == "SMTPS":
            client: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=seconds, context=context_of(call))
        else:
            client = smtplib.SMTP(host, port, timeout=seconds)
        with client:
            client.ehlo()
            if given["connectionType"] == "SMTP" and given["requireTLS"]:
                client.starttls(context=context_of(call))
                client.ehlo()
            if token:
                client.auth("XOAUTH2", lambda _=None: token, initial_response_ok=True)
            elif given["requireAuthentication"]:
                client.login(given["username"] or "", given["password"] or "")
            client.send_message(message, call["from"], recipients)
    except smtplib.SMTPAuthenticationError as error:
        raise ConnectorError(*CREDENTIALS, f"{host}:{port}: log-in was refused ({error.smtp_code})") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise ConnectorError(*CONNECTIVITY, f"recipients were refused: {', '.join(error.recipients)}") from None
    except (smtplib.SMTPException, ssl.SSLError, OSError) as error:
        raise ConnectorError(*CONNECTIVITY, f"{host}:{port}: {error}") from None


async def _message(call: Call) -> EmailMessage:
    message = EmailMessage()
    main, _, sub = call["contentType"].partition("/")
    try:
        message["From"] = (
            Address(call["personalName"] or "", addr_spec=call["from"]) if call["personalName"] else call["from"]
        )
        for header, name in (("To", "to"), ("Cc", "cc"), ("Reply-To", "replyTo"), ("Subject", "subject")):
            if call[name]:
                message[header] = call[name]
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="integrator")
        if main == "text":
            message.set_content(
                call["content"], subtype=sub.partition(";")[0].strip() or "plain", charset=call["encoding"],
                cte=call["contentTransferEncoding"],
            )  # fmt: skip
        else:
            message.set_content(call["content"].encode(call["encoding"]), main, sub.partition(";")[0].strip())
        for image in call["inlineImages"] or []:
            main, _, sub = str(image.get("contentType") or "image/png").partition("/")
            message.add_related(_bytes(image), main, sub, cid=f"<{image.get('contentID', '')}>")
        for name, kind, data in await _attachments(call):
            main, _, sub = (kind or mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
            message.add_attachment(data, main, sub.partition(";")[0].strip(), filename=name)
    except (ValueError, TypeError, LookupError, AttributeError, IndexError) as error:
        raise ConnectorError(*CONFIGURATION, f"the message cannot be made: {error}") from None
    return message


def _bytes(item: Any) -> bytes:
    try:
        return base64.b64decode(str(item["content"]), validate=True)
    except (KeyError, TypeError, binascii.Error) as error:
        raise ConnectorError(*CONFIGURATION, "an attachment needs content in base64") from error


async def _attachments(call: Call) -> list[tuple[str, str, bytes]]:
    given = call["attachments"]
    if isinstance(given, str) and given.lstrip().startswith("["):
        given = decode_json(given)
    if not given:
        return []
    if isinstance(given, list):
        return [(str(item.get("name") or "file"), str(item.get("contentType") or ""), _bytes(item)) for item in given]
    files = LocalFiles(call)
    found = []
    for name in str(given).split(","):
        path = clean("", name.strip())
        found.append((path.rpartition("/")[2], "", await files.read(path)))
    return found
