"""What the gateway shows backends: Basic, Digest, OAuth2 and API keys, checked by servers of our own making."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from itertools import count
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest

from gateway import schema
from gateway.endpoints.security import Request
from gateway.endpoints.security.oauth import OAuth
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.deciding import Asked, Reply, Scripted
from tests.gateway.process import Answer
from wire.client import Client

_names = count(1)
SECRET = "s3cr3t-öf-the-backend"


@pytest.fixture
def backend_() -> Iterator[Scripted]:
    """A backend."""
    one = Scripted()
    yield one
    one.stop()


@pytest.fixture
def tokens() -> Iterator[Scripted]:
    """A token endpoint."""
    one = Scripted()
    yield one
    one.stop()


def publish(served: Served, url: str, security: schema.EndpointSecurity, **changes: object) -> str:
    name = f"sec{next(_names)}"
    endpoint = schema.Endpoint(url, connect_timeout_ms=1000, timeout_ms=3000, security=security, **changes)  # type: ignore[arg-type]
    served.publish(("api", f"Default:id-{name}", world.api(name, "", production=endpoint)), world.subscription(name))
    return f"/{name}/1.0"


def call(served: Served, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    return served.gateway.call(path, method, served.signer.token(), body, headers)


def test_basic(served: Served, backend_: Scripted) -> None:
    context = publish(served, backend_.url, schema.EndpointSecurity("basic", "us er", SECRET))
    assert call(served, f"{context}/x").status == 200
    shown = backend_.asked[-1].headers["authorization"]
    assert base64.b64decode(shown.removeprefix("Basic ")).decode() == f"us er:{SECRET}"


def test_api_keys(served: Served, backend_: Scripted) -> None:
    header = schema.EndpointSecurity("api_key", name="X-Key", value="k 1", place="header")
    query = schema.EndpointSecurity("api_key", name="key", value="a&b", place="query")
    call(served, f"{publish(served, backend_.url, header)}/x", **{"X-Key": "the caller's own"})
    assert backend_.asked[-1].headers["x-key"] == "k 1"
    context = publish(served, backend_.url, query)
    call(served, f"{context}/x")
    call(served, f"{context}/x?q=%20")
    assert [one.target for one in backend_.asked[-2:]] == ["/x?key=a%26b", "/x?q=%20&key=a%26b"]


class DigestServer:
    """Checks Digest answers by the letter of RFC 7616; nonces are good for `uses` requests."""

    def __init__(self, algorithm: str, qop: str, uses: int = 100) -> None:
        self.algorithm, self.qop, self.uses = algorithm, qop, uses
        self.nonce = ""
        self.counts: list[str] = []
        self.challenges = 0

    def hash(self, text: str) -> str:
        kind = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}[self.algorithm.removesuffix("-sess")]
        return hashlib.new(kind, text.encode()).hexdigest()

    def challenge(self) -> Reply:
        self.challenges += 1
        stale = ", stale=true" if self.nonce else ""
        self.nonce, self.counts = f"nonce-{self.challenges}", []
        qop = f', qop="{self.qop}"' if self.qop else ""
        value = (
            f'Digest realm="r, \\"quoted\\"", nonce="{self.nonce}", algorithm={self.algorithm}{qop}, opaque="o="{stale}'
        )
        return Reply(401, b"x" * 2000, {"www-authenticate": value})

    def __call__(self, asked: Asked) -> Reply:
        shown = asked.headers.get("authorization", "")
        if not shown.startswith("Digest "):
            return self.challenge()
        given = {
            name: quoted or plain
            for name, quoted, plain in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))', shown)
        }
        if given["nonce"] != self.nonce or len(self.counts) >= self.uses:
            return self.challenge()
        first = self.hash(f'user:r, "quoted":{SECRET}')
        if self.algorithm.endswith("-sess"):
            first = self.hash(f"{first}:{self.nonce}:{given['cnonce']}")
        second = f"{asked.method}:{asked.target}"
        if given.get("qop") == "auth-int":
            second += ":" + self.hash(asked.body.decode())
        if self.qop:
            assert given["nc"] not in self.counts, "a count is used once"
            self.counts.append(given["nc"])
            middle = f"{self.nonce}:{given['nc']}:{given['cnonce']}:{given['qop']}"
        else:
            self.counts.append("")
            middle = self.nonce
        good = self.hash(f"{first}:{middle}:{self.hash(second)}") == given["response"]
        good = good and given["uri"] == asked.target and given["opaque"] == "o=" and given["username"] == "user"
        return Reply(200, b"in") if good else Reply(403, b"wrong")


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256"])
@pytest.mark.parametrize("qop", ["auth", "auth-int", "auth,auth-int", ""])
def test_digest(served: Served, backend_: Scripted, algorithm: str, qop: str) -> None:
    backend_.answer = server = DigestServer(algorithm, qop)
    context = publish(served, backend_.url + "/base", schema.EndpointSecurity("digest", "user", SECRET))
    for number in range(3):
        answer = call(served, f"{context}/x?n={number}", "POST", b"body")
        assert (answer.status, answer.body) == (200, b"in")
    assert server.challenges == 1, "the nonce is used again"
    assert backend_.asked[0].body == b"", "no body without credentials"


def test_digest_goes_along_with_new_nonces(served: Served, backend_: Scripted) -> None:
    backend_.answer = server = DigestServer("SHA-256", "auth", uses=2)
    context = publish(served, backend_.url, schema.EndpointSecurity("digest", "user", SECRET))
    assert [call(served, f"{context}/x", "POST", b"b").body for _ in range(7)] == [b"in"] * 7
    assert server.challenges == 4


def test_digest_with_a_wrong_password_ends(served: Served, backend_: Scripted) -> None:
    backend_.answer = lambda asked: Reply(
        401, b"no", {"www-authenticate": 'Digest realm="r", nonce="same", qop="auth"'}
    )
    context = publish(served, backend_.url, schema.EndpointSecurity("digest", "user", "wrong"))
    assert call(served, f"{context}/x").status == 401
    assert len(backend_.asked) <= 3


@pytest.mark.parametrize(
    "challenge",
    [
        b'Digest realm="r, digest x", nonce="n"',
        b'Basic realm="a, Digest nonce=b", Digest realm="r", nonce="n", Bearer realm="z", nonce="m"',
        b'NTLM, Negotiate ab==, DIGEST REALM="r", NONCE="n", stale=true',
        'Digest realm="rîng €", nonce="n"'.encode(),
        b'Digest realm="r\xeeng", nonce="n"',
        b'Digest realm="r", nonce="n", algorithm=unheard-of, Digest realm="r", nonce="n", algorithm=MD5',
        b'Digest realm="r",nonce="n",domain="/a /b",qop="auth-conf" , digest realm="r", nonce="n"',
    ],
    ids=range(7),
)
def test_odd_digest_challenges(served: Served, backend_: Scripted, challenge: bytes) -> None:
    def answer(asked: Asked) -> Reply:
        shown = asked.headers.get("authorization", "")
        return Reply() if shown else Reply(401, headers={"www-authenticate": challenge.decode("latin-1")})

    backend_.answer = answer
    context = publish(served, backend_.url, schema.EndpointSecurity("digest", "user", SECRET))
    assert call(served, f"{context}/x").status == 200
    shown = backend_.asked[-1].headers["authorization"].encode("latin-1")
    realm = re.findall(rb'(?i)realm="([^"]*)", nonce="n"', challenge)[0]
    assert b'realm="' + realm + b'", nonce="n"' in shown
    first = hashlib.md5(b"user:" + realm + b":" + SECRET.encode()).hexdigest()
    second = hashlib.md5(b"GET:/x").hexdigest()
    assert hashlib.md5(f"{first}:n:{second}".encode()).hexdigest().encode() in shown


def granting(tokens: Scripted, seconds: int = 3600, delay: float = 0.0) -> list[dict[str, list[str]]]:
    """The token endpoint grants token-1, token-2, …; returns the forms it was sent."""
    forms: list[dict[str, list[str]]] = []

    def grant(asked: Asked) -> Reply:
        forms.append(parse_qs(asked.body.decode()))
        number = len(forms)
        time.sleep(delay)
        body = {"access_token": f"token-{number}", "token_type": "Bearer", "expires_in": seconds}
        return Reply(200, json.dumps(body).encode(), {"content-type": "application/json"})

    tokens.answer = grant
    return forms


def oauth(tokens: Scripted, **changes: object) -> schema.EndpointSecurity:
    fields = {
        "grant": "client_credentials", "token_url": f"{tokens.url}/token", "client_id": "id", "client_secret": SECRET,
    }  # fmt: skip
    return schema.EndpointSecurity("oauth", **fields | changes)  # type: ignore[arg-type]


def test_client_credentials_are_fetched_once_for_all(served: Served, backend_: Scripted, tokens: Scripted) -> None:
    forms = granting(tokens, delay=0.3)
    context = publish(served, backend_.url, oauth(tokens, parameters=(("scope", "a b"),)))
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(call(served, f"{context}/x").status)) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert statuses == [200] * 12
    assert forms == [{"grant_type": ["client_credentials"], "scope": ["a b"]}]
    assert {one.headers["authorization"] for one in backend_.asked} == {"Bearer token-1"}


def test_password_grant(served: Served, backend_: Scripted, tokens: Scripted) -> None:
    forms = granting(tokens)
    context = publish(served, backend_.url, oauth(tokens, grant="password", username="u", password="p&w"))
    assert call(served, f"{context}/x").status == 200
    assert forms == [{"grant_type": ["password"], "username": ["u"], "password": ["p&w"]}]


def test_tokens_are_renewed_before_their_end(served: Served, backend_: Scripted, tokens: Scripted) -> None:
    forms = granting(tokens, seconds=2)
    context = publish(served, backend_.url, oauth(tokens))
    began = time.monotonic()
    while time.monotonic() < began + 5:
        assert call(served, f"{context}/x").status == 200
        time.sleep(0.05)
    assert 2 <= len(forms) <= (time.monotonic() - began) / 1.8 + 2
    used = {one.headers["authorization"] for one in backend_.asked}
    assert len(used) >= 2


@pytest.mark.parametrize(
    ("expires_in", "status"), [("NaN", 200), ("Infinity", 200), ("null", 200), ("9" * 400, 500), ('"soon"', 500)]
)
def test_lives_of_tokens_that_are_no_time(
    served: Served, backend_: Scripted, tokens: Scripted, expires_in: str, status: int
) -> None:
    tokens.answer = lambda asked: Reply(200, f'{{"access_token": "t", "expires_in": {expires_in}}}'.encode())
    context = publish(served, backend_.url, oauth(tokens))
    answer = call(served, f"{context}/x")
    assert answer.status == status
    if status == 500:
        assert answer.json["code"] == "303003"


@pytest.mark.parametrize("expires_in", ["NaN", "Infinity", "1e999", "null"])
def test_nobody_uses_a_token_for_ever(tokens: Scripted, expires_in: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens.answer = lambda asked: Reply(200, f'{{"access_token": "t", "expires_in": {expires_in}}}'.encode())
    now = time.monotonic()
    monkeypatch.setattr("gateway.endpoints.security.oauth.time", SimpleNamespace(monotonic=lambda: now))

    async def fetched() -> OAuth:
        client = Client()
        try:
            one = OAuth(oauth(tokens), client)
            await one.prepare(Request(b"GET", b"/", b""))
            return one
        finally:
            await client.close()

    one = asyncio.run(fetched())
    assert one.ready()
    now += 1_000_000
    assert not one.ready()


def test_a_refused_token_is_replaced_once(served: Served, backend_: Scripted, tokens: Scripted) -> None:
    forms = granting(tokens)
    good = {"Bearer token-2"}
    backend_.answer = lambda asked: (
        Reply(200, asked.body) if asked.headers["authorization"] in good else Reply(401, b"no")
    )
    context = publish(served, backend_.url, oauth(tokens))
    assert call(served, f"{context}/x", "POST", b"kept").body == b"kept"
    assert len(forms) == 2
    good.clear()
    assert call(served, f"{context}/x").status == 401
    assert len(forms) == 3
    assert len(backend_.asked) == 4


def test_without_a_token_nothing_goes_to_the_backend(served: Served, backend_: Scripted, tokens: Scripted) -> None:
    tokens.answer = lambda asked: Reply(401, SECRET.encode())
    context = publish(served, backend_.url, oauth(tokens))
    for _ in range(5):
        answer = call(served, f"{context}/x")
        assert (answer.status, answer.json["code"]) == (500, "303003")
    assert backend_.asked == []
    assert len(tokens.asked) < 5, "a token endpoint that refuses is left alone for a while"
    tokens.stop()
    time.sleep(1.1)
    assert call(served, f"{context}/x").json["code"] == "303003"


def test_production_and_sandbox_have_their_own(served: Served, backend_: Scripted) -> None:
    sides = {
        name: schema.Endpoint(backend_.url, security=schema.EndpointSecurity("basic", name, "x"))
        for name in ("production", "sandbox")
    }
    served.publish(("api", "Default:id-both", world.api("both", "", **sides)), world.subscription("both"))
    for client, name in (("client-1", b"production"), ("sandbox-1", b"sandbox")):
        served.gateway.call("/both/1.0/x", token=served.signer.token(client))
        shown = backend_.asked[-1].headers["authorization"]
        assert base64.b64decode(shown.removeprefix("Basic ")) == name + b":x"


def test_no_secret_is_ever_logged_or_reported(served: Served) -> None:
    bad = schema.EndpointSecurity("api_key", name="X-Key", value=f"{SECRET}\n", place="header")
    served.publish(
        ("api", "Default:id-bad", world.api("bad", "", production=schema.Endpoint("http://a", security=bad)))
    )
    served.publish(("api", "Default:id-bad", None))
    assert SECRET not in served.gateway.log
    assert SECRET not in repr(served.hub.statuses)
    assert any("X-Key" in repr(status) for status in served.hub.statuses)
