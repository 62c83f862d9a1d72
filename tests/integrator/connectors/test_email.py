"""The email connector: SMTP against aiosmtpd, IMAP against Dovecot."""

from __future__ import annotations

import base64
import email
import imaplib
import os
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from integrator.connectors.email import heads
from tests.integrator.connectors.world import flows_of
from tests.integrator.engine.harness import backend
from tests.support.certificate import make_certificate
from tests.support.mail_servers import running_dovecot
from tests.support.ports import free_port

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")  # what the test server says of itself
USER, PASSWORD = "ann", "mail-word-5"  # noqa: S105 - for tests


class Box:
    """Keeps what an SMTP server took."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  (the library's name)
        self.taken.append(envelope)
        return "250 OK"


def authenticated(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@pytest.fixture
def smtp() -> Iterator[tuple[Box, int]]:
    """A server that wants a log-in."""
    box = Box()
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=authenticated,
        auth_required=True,
        auth_require_tls=False,
        server_hostname="localhost",
    )
    controller.start()
    yield box, controller.port
    controller.stop()


@pytest.fixture(scope="module")
def imap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """Dovecot with an empty inbox."""
    with running_dovecot(tmp_path_factory.mktemp("imap"), USER, PASSWORD) as running:
        yield running


def connection(kind: str, port: int, password: str = PASSWORD, more: str = "<requireTLS>false</requireTLS>") -> str:
    return (
        f"<email.init><connectionType>{kind}</connectionType><host>127.0.0.1</host><port>{port}</port>"
        f"<username>{USER}</username><password>{password}</password>{more}</email.init>"
    )


def step(operation: str, **parameters: str) -> str:
    inner = "".join(f"<{name.rstrip('_')}>{escape(value)}</{name.rstrip('_')}>" for name, value in parameters.items())
    return f'<email.{operation} configKey="E">{inner}</email.{operation}>'


SEND = step(
    "send", from_="me@x.example", personalName="Me", to="you@x.example, two@x.example", bcc="hid@x.example",
    subject="{json-eval($.subject)}", content="<b>hällo</b>", attachments="{json-eval($.files)}",
)  # fmt: skip


async def test_a_message_with_attachments_is_sent(tmp_path: Path, smtp: tuple[Box, int]) -> None:
    box, port = smtp
    file = {"name": "a.txt", "contentType": "text/plain", "content": base64.b64encode(b"inside").decode()}
    async with flows_of(tmp_path / "h", {"f": SEND}, {"E": connection("SMTP", port)}) as world:
        assert await world.json("f", {"subject": "Grüße", "files": [file]}) == {"success": True}
    envelope = box.taken[0]
    assert envelope.rcpt_tos == ["you@x.example", "two@x.example", "hid@x.example"]
    found = email.message_from_bytes(envelope.content, policy=default)
    assert (found["Subject"], found["From"], found["Bcc"]) == ("Grüße", "Me <me@x.example>", None)
    body = found.get_body(("html",))
    assert body is not None
    assert "hällo" in body.get_content()
    assert [part.get_content() for part in found.iter_attachments()] == ["inside"]


async def test_headers_cannot_be_injected_and_files_stay_inside(tmp_path: Path, smtp: tuple[Box, int]) -> None:
    box, port = smtp
    (tmp_path / "secret.txt").write_text("secret")
    data = tmp_path / "h" / "data"
    data.mkdir(parents=True)
    (data / "ok.txt").write_text("fine")
    toml = '[connectors]\nfile_roots = ["data"]\n'
    async with flows_of(tmp_path / "h", {"f": SEND}, {"E": connection("SMTP", port)}, toml) as world:
        fault = await world.fault("f", {"subject": "x\r\nBcc: evil@x.example", "files": ""})
        assert fault["code"] == "700204"
        assert (await world.fault("f", {"subject": "x", "files": f"{tmp_path}/secret.txt"}))["code"] == "700105"
        assert box.taken == []
        await world.json("f", {"subject": "x", "files": f"{data}/ok.txt"})
        assert b"ok.txt" in box.taken[0].content


async def test_log_in_and_tls_are_insisted_on_and_secrets_stay(tmp_path: Path, smtp: tuple[Box, int]) -> None:
    box, port = smtp
    entries = {
        "E": connection("SMTP", port, "wrong-word-3"),
        "T": connection("SMTP", port, more=""),
        "I": connection("IMAP", port),
    }
    flows = {"f": SEND, "g": SEND.replace('"E"', '"T"'), "i": SEND.replace('"E"', '"I"')}
    async with flows_of(tmp_path / "h", flows, entries) as world:
        fault = await world.fault("f", {"subject": "x", "files": ""})
        assert (fault["code"], "wrong-word-3" in str(fault)) == ("700206", False)
        assert (await world.fault("g", {"subject": "x", "files": ""}))["code"] == "700203", "no STARTTLS, no message"
        assert "needs SMTP or SMTPS" in (await world.fault("i", {"subject": "x", "files": ""}))["message"]
    assert box.taken == []


def put(inbox: Path, number: int, subject: str, sender: str = "bob@x.example") -> str:
    """Lay a message into the inbox; its Message-ID."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "ann@x.example", subject
    message["Message-ID"], message["Date"] = f"<m{number}@x.example>", "Sat, 31 Jan 2026 10:00:00 +0000"
    message.set_content("plain text")
    message.add_alternative("<p>html</p>", subtype="html")
    message.add_attachment(b"\0\1data", "application", "octet-stream", filename="d.bin")
    path = inbox / "new" / f"17{number:03}.m{number}.x"
    path.write_bytes(message.as_bytes())
    status = inbox.stat()
    os.chown(path, status.st_uid, status.st_gid)
    return str(message["Message-ID"])


async def test_a_mailbox(tmp_path: Path, imap: tuple[int, Path]) -> None:
    port, inbox = imap
    first, second = put(inbox, 1, "Order 1"), put(inbox, 2, "Hello", "eve@x.example")
    one = "{json-eval($.id)}"
    flows = {
        "list": step("list"),
        "orders": step("list", subjectRegex="^Order", seen="false", sentSince="2026-01-31", sentUntil="2026-01-31"),
        "none": step("list", sentSince="2026-02-01"),
        "body": step("getEmailBody", emailId=one),
        "file": step("getEmailAttachment", emailId=one, attachmentIndex="0"),
        "nofile": step("getEmailAttachment", emailId=one, attachmentIndex="1"),
        "read": step("markAsRead", emailId=one),
        "mark": step("markAsDeleted", emailId=one),
        "expunge": step("expungeFolder"),
        "delete": step("delete", emailId=one),
        "nowhere": step("list", folder="{json-eval($.folder)}"),
    }
    async with flows_of(tmp_path / "h", flows, {"E": connection("IMAP", port)}) as world:
        listed = await world.json("list")
        assert [(item["emailId"], item["subject"], item["from"]) for item in listed] == [
            (first, "Order 1", "bob@x.example"), (second, "Hello", "eve@x.example"),
        ]  # fmt: skip
        assert listed[0]["attachments"] == [{"index": 0, "name": "d.bin", "contentType": "application/octet-stream"}]
        assert [item["emailId"] for item in await world.json("orders")] == [first]
        assert await world.json("none") == []
        body = await world.json("body", {"id": first})
        assert (body["textContent"].strip(), body["htmlContent"].strip()) == ("plain text", "<p>html</p>")
        answer = await world.post("file", {"id": first})
        assert (answer.body, answer.headers["content-type"]) == (b"\0\1data", "application/octet-stream")
        assert "has 1 attachments" in (await world.fault("nofile", {"id": first}))["message"]
        await world.json("read", {"id": first})
        assert await world.json("orders") == []
        await world.json("mark", {"id": second})
        await world.json("expunge")
        assert [item["emailId"] for item in await world.json("list")] == [first]
        for hostile in ('x" OR ALL', "x\r\nA1 DELETE INBOX", "nothing"):
            assert (await world.fault("delete", {"id": hostile}))["code"] in ("700201", "700204")
        assert (await world.fault("nowhere", {"folder": "No such"}))["code"] == "700202"
        assert (await world.fault("nowhere", {"folder": "x\r\nA1 LOGOUT"}))["code"] == "700204"
        await world.json("delete", {"id": first})
        assert await world.json("list") == []


def lay(inbox: Path, number: int, message: EmailMessage) -> None:
    """Lay any message into the inbox."""
    message["Message-ID"], message["From"] = f"<s{number}@x.example>", "bob@x.example"
    path = inbox / "new" / f"18{number:03}.s{number}.x"
    path.write_bytes(message.as_bytes())
    os.chown(path, inbox.stat().st_uid, inbox.stat().st_gid)


def shapes() -> Iterator[EmailMessage]:
    """Messages of many shapes, all with subject Shape."""
    for names in ((), ("a.bin",), ('grüße (1) "x".bin', "b\\c.bin"), ("x" * 90 + "é.bin",)):
        made = EmailMessage()
        made.set_content("text")
        if names:
            made.add_alternative("<p>html</p>", subtype="html")
        for name in names:
            made.add_attachment(b"data", "application", "octet-stream", filename=name)
        made["Subject"] = "Shape"
        yield made
    inner = EmailMessage()
    inner["Subject"] = 'inside ("'
    inner.set_content("inner")
    inner.add_attachment(b"deep", "image", "png", filename="deep.png")
    outer = EmailMessage()
    outer["Subject"] = "Shape"
    outer.set_content("outer")
    outer.add_related(b"pixel", "image", "gif", cid="<p>", filename="inline.gif")
    outer.add_attachment(inner)
    outer.add_attachment("text", "csv", filename="t.csv")
    yield outer
    bare = EmailMessage()
    bare.set_content(b"only", "application", "pdf", filename="only.pdf")
    bare["Subject"] = "Shape"
    yield bare


async def test_a_list_fetches_headers_and_outlines_only(
    tmp_path: Path, imap: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No content is fetched, nothing is marked as read, a long message is no trouble, and attachments are those of the whole."""
    port, inbox = imap
    long = EmailMessage()
    long["Subject"] = "Long"
    long.set_content("x" * 200_000)
    made = [long, *shapes()]
    for number, message in enumerate(made):
        lay(inbox, number, message)
    asked: list[str] = []
    real = imaplib.IMAP4.uid

    def uid(client: imaplib.IMAP4, command: str, *arguments: str) -> Any:
        asked.append(f"{command} {arguments[-1]}")
        return real(client, command, *arguments)

    flows = {
        "all": step("list", seen="false"),
        "some": step("list", subjectRegex="^Shape$", limit="2", offset="1"),
        "long": step("list", subjectRegex="^Long$", fromRegex="bob"),
        "take": step("list", deleteAfterRetrieve="true", limit="-1"),
        "body": step("getEmailBody", emailId="{json-eval($.id)}"),
    }
    toml = "[connectors]\nmax_bytes = 100000\n"
    async with flows_of(tmp_path / "h", flows, {"E": connection("IMAP", port)}, toml) as world:
        monkeypatch.setattr(imaplib.IMAP4, "uid", uid)
        assert [item["subject"] for item in await world.json("long")] == ["Long"]
        some = await world.json("some")
        assert [(item["index"], item["emailId"]) for item in some] == [(1, "<s2@x.example>"), (2, "<s3@x.example>")]
        listed = await world.json("all")
        assert len(listed) == len(made)
        assert {command.partition(" ")[0] for command in asked} == {"SEARCH", "FETCH"}
        assert not [command for command in asked if "BODY.PEEK[]" in command or "BODY[" in command]
        for item in listed[1:]:
            assert item["attachments"] == (await world.json("body", {"id": item["emailId"]}))["attachments"], item
        assert sum(len(item["attachments"]) for item in listed) >= 6
        assert "longer than the 100000 allowed" in (await world.fault("body", {"id": "<s0@x.example>"}))["message"]
        assert len(await world.json("all")) == len(made), "nothing was marked as read"
        assert len(await world.json("take")) == len(made)
        assert await world.json("all") == []


@pytest.mark.parametrize(
    "outline",
    [b"", b"NIL", b"(", b")", b"()", b"(" * 500, b"(" * 500 + b")" * 500, b'("TEXT")', b'(("A" "B") NIL NIL)', b'("a'],
)
def test_an_odd_outline_is_no_error(outline: bytes) -> None:
    """What a server sends instead of an outline is no error."""

    class Server:
        def uid(self, *_: str) -> Any:
            return "OK", [b"1 (UID 1 BODYSTRUCTURE " + outline + b")"]

    found = heads.structure(Server(), b"1")  # type: ignore[arg-type]
    assert len(list(found.iter_attachments())) <= 1


async def test_a_wrong_password_of_a_mailbox(tmp_path: Path, imap: tuple[int, Path]) -> None:
    async with flows_of(
        tmp_path / "h", {"f": step("list")}, {"E": connection("IMAP", imap[0], "wrong-word-3")}
    ) as world:
        fault = await world.fault("f")
        assert (fault["code"], "wrong-word-3" in str(fault)) == ("700206", False)


class OauthBox(Box):
    """Takes messages of who shows the right token."""

    async def auth_XOAUTH2(self, server: Any, arguments: list[str]) -> AuthResult:  # noqa: N802
        shown = base64.b64decode(arguments[1]).decode()
        return AuthResult(success=shown == "user=ann\1auth=Bearer mail-token\1\1")


async def test_starttls_and_a_token(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    box = OauthBox()
    controller = Controller(
        box, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True, auth_required=True,
        server_hostname="localhost",
    )  # fmt: skip
    controller.start()
    answer = {
        "path": "/token",
        "headers": {"content-type": "application/json"},
        "body": '{"access_token":"mail-token"}',
    }
    try:
        async with backend([answer]) as stub:
            more = (
                f"<enableOAuth2>true</enableOAuth2><refreshToken>r</refreshToken><clientId>c</clientId>"
                f"<tokenUrl>http://127.0.0.1:{stub.port}/token</tokenUrl>"
            )
            entries = {
                "E": connection("SMTP", controller.port, more=more),
                "P": connection("SMTP", controller.port, more=""),
            }
            flows = {"f": SEND, "p": SEND.replace('"E"', '"P"')}
            async with flows_of(tmp_path / "h", flows, entries, trust=str(certificate)) as world:
                assert await world.json("f", {"subject": "x", "files": ""}) == {"success": True}
                assert (await world.fault("p", {"subject": "x", "files": ""}))["code"] in ("700206", "700203")
            async with flows_of(tmp_path / "i", flows, entries) as world:
                assert (await world.fault("f", {"subject": "x", "files": ""}))["code"] == "700203", (
                    "nobody vouches for it"
                )
    finally:
        controller.stop()
    assert len(box.taken) == 1
