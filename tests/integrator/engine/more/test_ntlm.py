"""NTLM against a server that really speaks it, on one connection per handshake."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import spnego

from tests.integrator.coverage import covers
from tests.integrator.engine.harness import integrator, write

API = """<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="POST"><inSequence>
<NTLM username="{$trp:user}" password="pass word" domain="HOUSE" host="here" ntlmVersion="v2"/>
<call blocking="true" initAxis2ClientOptions="{fresh}"><endpoint><http method="post" uri-template="{url}"/></endpoint></call>
<respond/></inSequence><faultSequence><property name="HTTP_SC" value="502" scope="axis2"/>
<header name="M" expression="$ctx:ERROR_MESSAGE" scope="transport"/><respond/></faultSequence></resource></api>"""


class Handler(BaseHTTPRequestHandler):
    """Answers a request on a connection that has shown who it is."""

    protocol_version = "HTTP/1.1"
    context: Any = None

    def do_POST(self) -> None:
        """Challenge, or answer with the user and the body."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme not in ("NTLM", "Negotiate"):
            self.reply(401, b"", "NTLM")
            return
        self.context = self.context or spnego.server(protocol="ntlm")
        try:
            given = self.context.step(base64.b64decode(token))
        except spnego.exceptions.SpnegoError:
            self.reply(401, b"", "NTLM")
            return
        if self.context.complete:
            self.reply(200, f"{self.context.client_principal}:".encode() + body)
        else:
            self.reply(401, b"", f"NTLM {base64.b64encode(given).decode()}")

    def reply(self, status: int, body: bytes, challenge: str = "") -> None:
        """One answer; the connection stays open."""
        self.send_response(status)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def server() -> Iterator[str]:
    """A server on a free port."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}/s"
    finally:
        running.shutdown()
        running.server_close()


@covers("mediator.NTLM", "mediator.call.initAxis2ClientOptions")
async def test_credentials_are_used_only_when_the_call_keeps_the_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """initAxis2ClientOptions="false" keeps them, the default forgets them; a wrong user is refused."""
    users = tmp_path / "users"
    users.write_text("HOUSE:ann:pass word\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    with server() as url:
        for context, fresh in (("t", "false"), ("f", "true")):
            text = (
                API.replace("{url}", url)
                .replace("{fresh}", fresh)
                .replace('name="t" context="/t"', f'name="{context}" context="/{context}"')
            )
            write(tmp_path / "home", "api", context, text)
        async with integrator(tmp_path / "home") as running:
            kind = {"content-type": "text/plain"}
            answer = await running.call("POST", "/t", {"user": "ann", **kind}, b"hello")
            assert (answer.status, answer.body) == (200, b"HOUSE\\ann:hello")
            answer = await running.call("POST", "/t", {"user": "eve", **kind}, b"hello")
            assert (answer.status, answer.headers["m"]) == (502, "Transport error: 401 Error: Unauthorized")
            answer = await running.call("POST", "/f", {"user": "ann", **kind}, b"hello")
            assert (answer.status, answer.headers["m"]) == (502, "Transport error: 401 Error: Unauthorized")
