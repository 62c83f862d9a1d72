"""TLS of connectors: servers of a known authority are believed under their own name; all others are refused and the reason told.

RabbitMQ's is in test_rabbitmq.py, where the broker runs. Redis, Kafka and LDAP stand behind a proxy that speaks TLS.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from confluent_kafka import Producer

from tests.integrator.connectors.world import flows_of
from tests.support.authority import Authority, Certified
from tests.support.ldap_server import SERVICE, SERVICE_PASSWORD, running_directory
from tests.support.mail_servers import running_dovecot
from tests.support.ports import free_port
from tests.support.redis_server import running_redis
from tests.support.tls_proxy import tls_before

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
UNKNOWN, MISNAMED = "unable to get local issuer certificate", "certificate is not valid for 'localhost'"


@dataclass(frozen=True)
class Authorities:
    """The one that is trusted and signs, and its certificates with the right and with a wrong name; one that signed none."""

    right: Authority
    other: Authority
    named: Certified
    misnamed: Certified


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Authorities:
    """Made once for all tests."""
    folder = tmp_path_factory.mktemp("authorities")
    right = Authority(folder, "right")
    named, misnamed = right.certify("localhost", "127.0.0.1"), right.certify("other.example")
    return Authorities(right, Authority(folder, "other"), named, misnamed)


class Server:
    """A kind of server: how it is run with a certificate, and how a flow uses it."""

    code: str

    def running(self, certified: Certified, folder: Path) -> AbstractAsyncContextManager[int]:
        """The port."""
        raise AssertionError

    def entry(self, port: int) -> str:
        """The connection."""
        raise AssertionError

    def step(self) -> str:
        """An operation; its connection is K."""
        raise AssertionError


@dataclass
class Smtp(Server):
    """aiosmtpd, by TLS from the begin or after STARTTLS."""

    kind: str
    code: str = "700203"

    @asynccontextmanager
    async def running(self, certified: Certified, folder: Path) -> AsyncIterator[int]:
        secure = {"ssl_context" if self.kind == "SMTPS" else "tls_context": certified.context()}
        made = Controller(Box(), hostname="127.0.0.1", port=free_port(), server_hostname="localhost", **secure)
        made.start()
        try:
            yield made.port
        finally:
            made.stop()

    def entry(self, port: int) -> str:
        more = "<requireAuthentication>false</requireAuthentication>"
        return f"<email.init><connectionType>{self.kind}</connectionType>{where(port)}{more}</email.init>"

    def step(self) -> str:
        inner = "<from>a@x.example</from><to>b@x.example</to><subject>s</subject><content>c</content>"
        return f'<email.send configKey="K">{inner}</email.send>'


class Box:
    """Takes every message."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  (the library's name)
        return "250 OK"


@dataclass
class Imap(Server):
    """Dovecot, likewise."""

    kind: str
    code: str = "700203"

    @asynccontextmanager
    async def running(self, certified: Certified, folder: Path) -> AsyncIterator[int]:
        folder.mkdir()
        secure = free_port()
        with running_dovecot(folder, "ann", "word", (secure, certified)) as (plain, _):
            yield secure if self.kind == "IMAPS" else plain

    def entry(self, port: int) -> str:
        more = "<username>ann</username><password>word</password>"
        return f"<email.init><connectionType>{self.kind}</connectionType>{where(port)}{more}</email.init>"

    def step(self) -> str:
        return '<email.list configKey="K"/>'


class Ftps(Server):
    """pyftpdlib, which wants TLS for log-in and data."""

    code = "700101"

    @asynccontextmanager
    async def running(self, certified: Certified, folder: Path) -> AsyncIterator[int]:
        folder.mkdir()
        (folder / "a.txt").write_text("a")
        with ftps(certified, folder) as port:
            yield port

    def entry(self, port: int) -> str:
        more = "<username>ann</username><password>word</password>"
        return f"<file.init><connectionType>FTPS</connectionType>{where(port)}{more}</file.init>"

    def step(self) -> str:
        return '<file.read configKey="K"><path>/a.txt</path></file.read>'


@contextmanager
def ftps(certified: Certified, folder: Path) -> Iterator[int]:
    """The server in a thread."""
    with warnings.catch_warnings():  # it stands on asyncore, which warns
        warnings.simplefilter("ignore")
        from pyftpdlib.authorizers import DummyAuthorizer  # noqa: PLC0415
        from pyftpdlib.handlers import TLS_FTPHandler  # noqa: PLC0415
        from pyftpdlib.ioloop import IOLoop  # noqa: PLC0415
        from pyftpdlib.servers import FTPServer  # noqa: PLC0415
    accounts = DummyAuthorizer()
    accounts.add_user("ann", "word", str(folder), perm="elr")

    class Handler(TLS_FTPHandler):  # type: ignore[misc]
        certfile, authorizer = str(certified.both), accounts
        tls_control_required = tls_data_required = True

    server, ended = FTPServer(("127.0.0.1", 0), Handler, ioloop=IOLoop()), threading.Event()

    def serve() -> None:
        while not ended.is_set():
            server.serve_forever(timeout=0.05, blocking=False)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.socket.getsockname()[1]
    finally:
        ended.set()
        thread.join(5)
        server.close_all()


class Ldap(Server):
    """ldaptor."""

    code = "7000001"

    @asynccontextmanager
    async def running(self, certified: Certified, folder: Path) -> AsyncIterator[int]:
        folder.mkdir()
        with running_directory(folder) as directory:
            async with tls_before(directory.port, certified) as port:
                yield port

    def entry(self, port: int) -> str:
        who = f"<securityPrincipal>{SERVICE}</securityPrincipal>"
        word = f"<securityCredentials>{SERVICE_PASSWORD}</securityCredentials>"
        return f"<ldap.init><providerUrl>ldaps://localhost:{port}</providerUrl>{who}{word}</ldap.init>"

    def step(self) -> str:
        inner = "<dn>dc=corp,dc=example</dn><scope>OBJECT</scope>"
        return f'<ldap.searchEntry configKey="K">{inner}</ldap.searchEntry>'


@dataclass
class Redis(Server):
    """Redis, by host and port or by an address."""

    by_address: bool
    code: str = "700801"

    @asynccontextmanager
    async def running(self, certified: Certified, folder: Path) -> AsyncIterator[int]:
        folder.mkdir()
        with running_redis(folder) as url:
            async with tls_before(int(url.rpartition(":")[2].partition("/")[0]), certified) as port:
                yield port

    def entry(self, port: int) -> str:
        if self.by_address:
            uri = f"<redisConnectionURI>rediss://localhost:{port}/0</redisConnectionURI>"
            return f"<redis.init>{uri}</redis.init>"
        address = f"<redisHost>localhost</redisHost><redisPort>{port}</redisPort>"
        return f"<redis.init>{address}<useSsl>true</useSsl></redis.init>"

    def step(self) -> str:
        return '<redis.ping configKey="K"/>'


class Kafka(Server):
    """The broker of librdkafka, which is asked for its address and must name the proxy's."""

    code = "700501"

    @asynccontextmanager
    async def running(self, certified: Certified, folder: Path) -> AsyncIterator[int]:
        keeper = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "ignored:1", "log_level": 0})
        found = next(iter(keeper.list_topics(timeout=10).brokers.values()))
        host = found.host.encode()

        def renamed(data: bytes, own: int) -> bytes:
            return data.replace(host + found.port.to_bytes(4, "big"), host + own.to_bytes(4, "big"))

        async with tls_before(found.port, certified, renamed) as port:
            yield port
        keeper.flush(0)

    def entry(self, port: int) -> str:
        more = "<securityProtocol>SSL</securityProtocol><requestTimeout>5000</requestTimeout>"
        servers = f"<bootstrapServers>localhost:{port}</bootstrapServers>"
        return f"<kafkaTransport.init>{servers}{more}</kafkaTransport.init>"

    def step(self) -> str:
        inner = "<topic>t</topic><value>v</value>"
        return f'<kafkaTransport.publishMessages configKey="K">{inner}</kafkaTransport.publishMessages>'


def where(port: int) -> str:
    """Host and port of a connection."""
    return f"<host>localhost</host><port>{port}</port>"


SERVERS = {
    "SMTPS": Smtp("SMTPS"),
    "SMTP with STARTTLS": Smtp("SMTP"),
    "IMAPS": Imap("IMAPS"),
    "IMAP with STARTTLS": Imap("IMAP"),
    "FTPS": Ftps(),
    "LDAPS": Ldap(),
    "Redis": Redis(by_address=False),
    "Redis by address": Redis(by_address=True),
    "Kafka": Kafka(),
}


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
async def test_a_server_is_believed_or_refused(tmp_path: Path, server: Server, authorities: Authorities) -> None:
    """The right authority and name pass; a wrong name and an unknown authority are faults that say which."""
    step, trust = server.step(), str(authorities.right.file)
    async with (
        server.running(authorities.named, tmp_path / "n") as named,
        server.running(authorities.misnamed, tmp_path / "m") as misnamed,
    ):
        entries = {"K": server.entry(named), "M": server.entry(misnamed)}
        flows = {"f": step, "m": step.replace('"K"', '"M"')}
        async with flows_of(tmp_path / "h", flows, entries, trust=trust) as world:
            answer = await world.post("f")
            assert answer.status == 200, answer
            fault = await world.fault("m")
            assert (fault["code"], MISNAMED in fault["message"]) == (server.code, True), fault
        async with flows_of(tmp_path / "i", flows, entries, trust=str(authorities.other.file)) as world:
            fault = await world.fault("f")
            assert (fault["code"], UNKNOWN in fault["message"]) == (server.code, True), fault
