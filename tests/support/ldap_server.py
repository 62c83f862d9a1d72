"""An independent LDAP server (ldaptor, on Twisted) for tests, run as a process of its own: plain with StartTLS, and LDAPS."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVICE, SERVICE_PASSWORD = "cn=reader,dc=corp,dc=example", "reader's own secret"
BASE = "ou=people,dc=corp,dc=example"
PASSWORD = "an ldap password 9"  # noqa: S105 - for tests
LDIF = f"""dn: dc=corp,dc=example
objectClass: dcObject
dc: corp

dn: {SERVICE}
objectClass: person
cn: reader
userPassword: {SERVICE_PASSWORD}

dn: {BASE}
objectClass: organizationalUnit
ou: people

dn: uid=ann,{BASE}
objectClass: person
uid: ann
mail: ann@corp.example
givenName: Ann
sn: Arbor
entryUUID: 11111111-aaaa-4bbb-8ccc-000000000001
memberOf: cn=api-team,ou=groups,dc=corp,dc=example
userPassword: {PASSWORD}

dn: uid=ben,{BASE}
objectClass: person
uid: ben
mail: shared@corp.example
entryUUID: 11111111-aaaa-4bbb-8ccc-000000000002
userPassword: {PASSWORD}

dn: cn=odd,{BASE}
objectClass: person
cn: odd
uid: o(k)*
entryUUID: 11111111-aaaa-4bbb-8ccc-000000000004
userPassword: {PASSWORD}

dn: uid=bea,{BASE}
objectClass: person
uid: bea
mail: shared@corp.example
entryUUID: 11111111-aaaa-4bbb-8ccc-000000000003
userPassword: {PASSWORD}

"""


@dataclass(frozen=True)
class Directory:
    """The running server."""

    port: int
    tls_port: int
    authority: str


@contextmanager
def running_directory(folder: Path) -> Iterator[Directory]:
    """The server with the people above. Skips, saying why, without ldaptor."""
    import pytest  # noqa: PLC0415 - the server process itself runs without it

    from tests.support.certificate import make_certificate  # noqa: PLC0415
    from tests.support.ports import free_port  # noqa: PLC0415
    from tests.support.processes import Process  # noqa: PLC0415
    from tests.support.wait import until  # noqa: PLC0415

    if importlib.util.find_spec("ldaptor") is None:
        pytest.skip("ldaptor is not installed (requirements-dev.txt): there is no LDAP server to ask")
    certificate, key = make_certificate(folder)
    directory = Directory(free_port(), free_port(), certificate.read_text())
    command = [sys.executable, __file__, str(directory.port), str(directory.tls_port), str(certificate), str(key)]
    with Process(command, os.environ, folder / "ldap.log") as process:

        def answers() -> bool:
            assert process.running, process.log
            return all(_open(port) for port in (directory.port, directory.tls_port))

        until(answers, seconds=60, every=0.1, what="the LDAP server answers")
        yield directory


def _open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


def serve(port: int, tls_port: int, certificate: str, key: str) -> None:
    """Until killed."""
    from io import BytesIO  # noqa: PLC0415 - only the server process has a need of these

    from ldaptor.inmemory import fromLDIFFile  # noqa: PLC0415
    from ldaptor.interfaces import IConnectedLDAPEntry  # noqa: PLC0415
    from ldaptor.protocols.ldap.ldapserver import LDAPServer  # noqa: PLC0415
    from ldaptor.protocols.pureldap import LDAPExtendedResponse  # noqa: PLC0415
    from twisted.internet import reactor, ssl  # noqa: PLC0415
    from twisted.internet.protocol import ServerFactory  # noqa: PLC0415
    from twisted.python.components import registerAdapter  # noqa: PLC0415

    context = ssl.DefaultOpenSSLContextFactory(key, certificate)

    class WithStartTls(LDAPServer):
        """ldaptor's server knows no StartTLS."""

        def handle_LDAPExtendedRequest(self, request, controls, reply):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N802
            if request.requestName == b"1.3.6.1.4.1.1466.20037":
                reply(LDAPExtendedResponse(resultCode=0, responseName=request.requestName))
                self.transport.startTLS(context)
                return None
            return LDAPServer.handle_LDAPExtendedRequest(self, request, controls, reply)

    class Factory(ServerFactory):
        """One tree for all connections."""

        protocol = WithStartTls

    registerAdapter(lambda factory: factory.root, Factory, IConnectedLDAPEntry)
    factory = Factory()

    def listen(root: object) -> None:
        factory.root = root
        reactor.listenTCP(port, factory, interface="127.0.0.1")
        reactor.listenSSL(tls_port, factory, context, interface="127.0.0.1")

    fromLDIFFile(BytesIO(LDIF.encode())).addCallback(listen)
    reactor.run()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
