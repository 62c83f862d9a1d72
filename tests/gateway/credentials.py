"""Everything a caller can show, by name: the corpus of tests/corpus/gateway/auth speaks these names."""

from __future__ import annotations

import http.client
import ssl
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from joserfc import jwk, jwt

from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.hub import FakeHub
from tests.gateway.issuer import PASSWORD, USER, Issuer
from tests.gateway.process import Answer, Gateway, running_gateway
from tests.support.client_certificate import ClientCertificate, make_client_certificate

OKTA = "https://okta.example/oauth2"
ROLES = ["Internal/subscriber", "keeper"]


@dataclass
class Stage:
    """A gateway with every kind of issuer, and callers with every kind of credential."""

    gateway: Gateway
    hub: FakeHub
    backend: Backend
    signer: world.Signer
    issuer: Issuer
    certificates: dict[str, ClientCertificate]
    okta: world.Signer = field(default_factory=lambda: world.Signer("o1", jwk.RSAKey.generate_key(2048, {"kid": "o1"})))

    def publish(self, *records: tuple[str, str, schema.Record | None]) -> None:
        """Publishes and waits until the gateway serves it."""
        for kind, key, record in records:
            self.hub.publish(kind, key, record, hint=False)
        self.gateway.until_sequence(self.hub.sequence)

    def offer(self, name: str, *operations: schema.Operation, subscribed: bool = True, **changes: Any) -> str:
        """Publishes an API with the certificate of alice; the base path for calls."""
        api = world.api(name, self.backend.url, *operations, **changes)
        alice = self.certificates["alice"]
        own = schema.ClientCertificate(api.id, "alice", alice.thumbprint, "Unlimited", "PRODUCTION", alice.pem)
        late = self.certificates["expired"]
        old = schema.ClientCertificate(api.id, "expired", late.thumbprint, "Unlimited", "PRODUCTION", late.pem)
        self.publish(
            ("api", f"Default:{api.id}", api),
            ("client_certificate", f"{api.id}:PRODUCTION:alice", own),
            ("client_certificate", f"{api.id}:PRODUCTION:expired", old),
            *([world.subscription(name)] if subscribed else []),
        )
        return api.context

    def api_key(self, **claims: Any) -> str:
        """An API key of application 1, as the control plane signs it; a claim given as None is left out."""
        application = {"uuid": "app-1", "name": "App 1", "owner": "somebody", "tier": "Unlimited"}
        return self.signed("apikey+jwt", {"application": application, "keytype": "PRODUCTION"} | claims)

    def test_key(self, name: str, **claims: Any) -> str:
        """A test key for the API `name`."""
        return self.signed("internal+jwt", {"api": f"id-{name}", "org": world.ORGANISATION} | claims)

    def signed(self, kind: str, claims: dict[str, Any], signer: world.Signer | None = None) -> str:
        """A JWT of the platform of type `kind`."""
        now = int(time.time())
        full = {
            "iss": world.ISSUER,
            "sub": "somebody",
            "iat": now,
            "exp": now + 600,
            "jti": f"k-{time.time_ns()}",
        } | claims
        full = {name: value for name, value in full.items() if value is not None}
        one = signer or self.signer
        return jwt.encode({"alg": "RS256", "kid": one.kid, "typ": kind}, full, one.key, algorithms=["RS256"])

    def bound_token(self, holder: str, **claims: Any) -> str:
        """A token that is bound to the certificate of `holder`."""
        digest = bytes.fromhex(self.certificates[holder].thumbprint)
        mark = urlsafe_b64encode(digest).rstrip(b"=").decode()
        return self.signer.token(cnf={"x5t#S256": mark}, **claims)

    def call(self, path: str, names: list[str], method: str = "GET", **headers: str) -> Answer:
        """A call with these credentials; TLS when one of them is a certificate."""
        shown = Shown(self, path)
        for name in names:
            kind, _, detail = name.partition(" ")
            getattr(shown, kind)(detail)
        return shown.send(method, headers)


class Shown:
    """The credentials of one call. Each method adds one; its name and `detail` are the corpus's words."""

    def __init__(self, stage: Stage, path: str) -> None:
        self.stage = stage
        self.path = path
        self.headers: dict[str, str] = {}
        self.certificate_of = ""
        self.tls = False

    def token(self, detail: str) -> None:
        """A signed access token: valid, or wrong in the named way."""
        now, signer = int(time.time()), self.stage.signer
        kinds: dict[str, Any] = {
            "": lambda: signer.token(),
            "sandbox": lambda: signer.token("sandbox-1"),
            "person": lambda: signer.token(sub="alice", aut="APPLICATION_USER"),
            "scoped": lambda: signer.token(scope="default keep"),
            "expired": lambda: signer.token(exp=now - 60),
            "stranger": lambda: world.Signer().token(),
            "unknown-client": lambda: signer.token("client-99"),
            "crit": lambda: signer.token(header={"crit": ["kid"]}),
            "okta": lambda: self.stage.okta.token(iss=OKTA),
        }
        self.headers["Authorization"] = f"Bearer {kinds[detail]()}"

    def raw(self, detail: str) -> None:
        """An authorization header as it is."""
        self.headers["Authorization"] = detail

    def opaque(self, detail: str) -> None:
        """An opaque token that the issuer knows by this name, or not."""
        self.headers["Authorization"] = f"Bearer opaque-{detail}"

    def bound(self, detail: str) -> None:
        """A token bound to the certificate of somebody."""
        self.headers["Authorization"] = f"Bearer {self.stage.bound_token(detail)}"

    def basic(self, detail: str) -> None:
        """User name and password, `name:password`."""
        self.headers["Authorization"] = "Basic " + b64encode(detail.encode()).decode()

    def api_key(self, detail: str) -> None:
        """An API key in the header `apikey`, or as said."""
        place, _, kind = detail.partition(" ")
        now = int(time.time())
        kinds: dict[str, dict[str, Any]] = {
            "": {}, "sandbox": {"keytype": "SANDBOX"}, "expired": {"exp": now - 60}, "endless": {"exp": -1},
            "endless-by-omission": {"exp": None}, "nobody": {"application": {"uuid": "app-99"}},
            "from-here": {"permittedIP": "10.0.0.0/8, 127.0.0.1"}, "from-elsewhere": {"permittedIP": "10.0.0.0/8,::/96"},
            "bad-range": {"permittedIP": "10.0.0.0/99"}, "for-page": {"permittedReferer": "*.example.com/shop/*"},
        }  # fmt: skip
        key = self.stage.api_key(**kinds[kind])
        if place == "query":
            self.path += ("&" if "?" in self.path else "?") + f"apikey={key}"
        else:
            self.headers[place or "apikey"] = key

    def access_token_as_api_key(self, detail: str) -> None:
        """An access token where an API key belongs."""
        self.headers["apikey"] = self.stage.signer.token()

    def api_key_as_token(self, detail: str) -> None:
        """An API key where an access token belongs."""
        self.headers["Authorization"] = f"Bearer {self.stage.api_key()}"

    def foreign_api_key(self, detail: str) -> None:
        """An API key that another issuer of the organisation signed."""
        claims = {"iss": OKTA, "application": {"uuid": "app-1"}, "keytype": "PRODUCTION"}
        self.headers["apikey"] = self.stage.signed("apikey+jwt", claims, self.stage.okta)

    def test_key(self, detail: str) -> None:
        """The publisher's test key, for this API or the named one."""
        name = detail or self.path.split("/")[1]
        self.headers["Internal-Key"] = self.stage.test_key(name)

    def certificate(self, detail: str) -> None:
        """A TLS connection with the certificate of somebody."""
        self.certificate_of, self.tls = detail, True

    def https(self, detail: str) -> None:
        """A TLS connection without certificate."""
        self.tls = True

    def certificate_header(self, detail: str) -> None:
        """The certificate of somebody as a proxy hands it on."""
        self.headers["X-WSO2-CLIENT-CERTIFICATE"] = quote(self.stage.certificates[detail].pem)

    def referer(self, detail: str) -> None:
        """The page the caller comes from."""
        self.headers["Referer"] = detail

    def forwarded(self, detail: str) -> None:
        """What a proxy says about the caller's address."""
        self.headers["X-Forwarded-For"] = detail

    def send(self, method: str, headers: dict[str, str]) -> Answer:
        """The answer."""
        gateway, sent = self.stage.gateway, self.headers | headers
        if not self.tls:
            return gateway.call(self.path, method, headers=sent)
        trusted = gateway.var / "secrets" / "tls.crt"
        holder = self.stage.certificates.get(self.certificate_of)
        context = holder.context(trusted) if holder else ssl.create_default_context(cafile=str(trusted))
        connection = http.client.HTTPSConnection("localhost", gateway.https, context=context, timeout=15)
        try:
            connection.request(method, self.path, headers=sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()


@contextmanager
def staged(var: Path, redis_url: str, backend: Backend, signer: world.Signer, **settings: str) -> Iterator[Stage]:
    """A running gateway with everything above."""
    hub, issuer = FakeHub(redis_url).start(), Issuer()
    hub.people[world.ORGANISATION, "alice", "s3cret:word"] = ROLES
    certificates = {name: make_client_certificate(var, name) for name in ("alice", "mallory")}
    certificates["expired"] = make_client_certificate(var, "expired", begins=-9, days=-1)
    asking = {"introspection_user": USER, "introspection_password": PASSWORD}
    records: list[tuple[str, str, schema.Record]] = [
        ("key_manager", world.MANAGER, world.key_manager(signer, resident=True)),
        *world.application(1),
        ("key", f"{world.ORGANISATION}:Okta:client-1", schema.Key("client-1", f"{world.ORGANISATION}:Okta", "app-1")),
    ]
    options = {"GATEWAY_POLL_SECONDS": "0.1"} | settings
    with running_gateway(var, hub.url, redis_url, **options) as gateway:
        stage = Stage(gateway, hub, backend, signer, issuer, certificates)
        okta = world.key_manager(
            stage.okta, name="Okta", issuer=OKTA, introspection_url=f"{issuer.url}/ask", jwks_url=f"{issuer.url}/keys", **asking
        )  # fmt: skip
        stage.publish(*records, ("key_manager", f"{world.ORGANISATION}:Okta", okta))
        yield stage
    issuer.stop()
    hub.stop()
