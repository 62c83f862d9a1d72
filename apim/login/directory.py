"""Asks an LDAP directory: search as the service, bind as the person. Nothing here touches the database.

One directory is asked at one checked address, in a thread that is waited for no longer than the time-out; then its connection
is cut.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.views.decorators.debug import sensitive_variables
from ldap3 import ANONYMOUS, DEREF_NEVER, NONE, SIMPLE, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPExceptionError
from ldap3.utils.conv import escape_filter_chars

from apim.keymanager import outbound

MOST_BYTES = 1024 * 1024
MOST_AT_ONCE = 8
"""Questions to one directory from one process; more wait for nobody."""
SUCCESS, NO_SUCH_OBJECT, SIZE_LIMIT = 0, 32, 4
TROUBLE = {1, 3, 8, 11, 13, 51, 52, 80}
"""Result codes of a bind that say nothing about the password: the directory cannot, or will not at this moment."""


class DirectoryDown(Exception):
    """The directory cannot be asked, or is set up wrongly; the text says why, without passwords."""


@dataclass(frozen=True)
class Access:
    """Where the directory is and how it is asked."""

    key: int
    host: str
    port: int
    tls: bool
    start_tls: bool
    authority: str
    bind_dn: str
    bind_password: str = field(repr=False)
    base_dn: str
    user_filter: str
    attributes: tuple[str, ...]
    timeout: int


@dataclass(frozen=True)
class Entry:
    """What the directory says about somebody: texts by attribute in small letters; what is no text, in hexadecimal."""

    dn: str
    attributes: dict[str, list[str]]

    def first(self, name: str) -> str:
        """The first value, empty for none."""
        return next(iter(self.attributes.get(name.lower(), [])), "")


Tell = Callable[[str], None]


class _Pinned(Server):
    """The host's name is what the certificate must hold; the connection goes to the address that was checked."""

    pinned: Any = ()

    @property
    def address_info(self) -> list[Any]:
        """The one address."""
        return [[*self.pinned, None, None]]


class _Bounded:
    """A socket that gives MOST_BYTES at most: a directory must not fill our memory."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner, self._left = inner, MOST_BYTES

    def recv(self, size: int) -> bytes:
        """As a socket's. Raises OSError beyond the bound."""
        found = self._inner.recv(size)
        self._left -= len(found)
        if self._left < 0:
            raise OSError(f"more than {MOST_BYTES // 1024} KB")
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


_turns: defaultdict[int, threading.BoundedSemaphore] = defaultdict(lambda: threading.BoundedSemaphore(MOST_AT_ONCE))


def filter_for(pattern: str, name: str) -> str:
    """The search filter for what somebody typed, which can never be more than a value in it."""
    return pattern.replace("{name}", escape_filter_chars(name))


@sensitive_variables("password")
def ask(access: Access, name: str, password: str | None, tell: Tell = lambda _: None) -> Entry | None:
    """The one person called `name` whose password is `password`; None when there is none or the password is wrong.

    Without a name only the connection is tried; with `password` None it is not looked at. Raises DirectoryDown, at the latest
    after the time-out.
    """
    if password == "":  # an LDAP server takes a name without a password for nobody, and says yes
        return None
    turn = _turns[access.key]
    if not turn.acquire(blocking=False):
        raise DirectoryDown(f"{MOST_AT_ONCE} log-ins wait for it already")
    asking = _Asking(access, name, password, tell)
    threading.Thread(target=asking.run, args=(turn.release,), daemon=True).start()
    if not asking.done.wait(access.timeout):
        asking.cut()
        raise DirectoryDown(f"no answer within {access.timeout} s")
    if asking.failure:
        raise DirectoryDown(asking.failure)
    return asking.found


class _Asking:
    """One question, asked in a thread of its own."""

    def __init__(self, access: Access, name: str, password: str | None, tell: Tell) -> None:
        self.access, self.name, self.password, self.tell = access, name, password, tell
        self.done, self.failure = threading.Event(), ""
        self.found: Entry | None = None
        self.connection: Connection | None = None
        self.late = False

    def run(self, finished: Callable[[], None]) -> None:
        """Ask, and note what came of it."""
        try:
            self.found = self._ask()
        except (DirectoryDown, outbound.Unreachable) as error:
            self.failure = str(error)
        except (LDAPExceptionError, OSError, ValueError) as error:
            self.failure = f"{type(error).__name__}: {str(error)[:300]}"
        except Exception as error:  # noqa: BLE001 - the library's decoder meets a stranger's bytes; the caller must hear of it
            self.failure = f"unreadable answer ({type(error).__name__})"
        finally:
            self.cut()
            self.done.set()
            finished()

    def cut(self) -> None:
        """Close the connection; a thread that waits on it wakes up."""
        self.late = True
        wire = self.connection.socket if self.connection is not None else None
        if wire is not None:
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                wire.close()

    def _ask(self) -> Entry | None:
        connection = self.connection = self._connection()
        if self.late:
            raise DirectoryDown("no answer in time")
        self._open(connection)
        self._bind_as_service(connection)
        if not self.name:
            return None
        entry = self._search(connection)
        if entry is None or self.password is None:
            return entry
        return entry if self._is_right(connection, entry.dn, self.password) else None

    def _connection(self) -> Connection:
        access = self.access
        address = outbound.resolved(access.host, access.port)
        self.tell(f"{access.host} is at {address}.")
        tls = None
        if access.tls or access.start_tls:
            tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_data=access.authority or None, sni=access.host)
        server = _Pinned(
            access.host, access.port, use_ssl=access.tls, tls=tls, get_info=NONE, connect_timeout=access.timeout
        )
        server.pinned = socket.getaddrinfo(address, access.port, type=socket.SOCK_STREAM)[0]
        known = {"user": access.bind_dn, "password": access.bind_password} if access.bind_dn else {}
        return Connection(
            server, authentication=SIMPLE if known else ANONYMOUS, auto_referrals=False, check_names=False,
            read_only=True, receive_timeout=access.timeout, **known,
        )  # fmt: skip

    def _open(self, connection: Connection) -> None:
        connection.open(read_server_info=False)
        if self.access.start_tls:
            connection.start_tls(read_server_info=False)
        secure = self.access.tls or self.access.start_tls
        self.tell(f"Connected{', its certificate is trusted' if secure else ' without TLS'}.")
        connection.socket = _Bounded(connection.socket)

    def _bind_as_service(self, connection: Connection) -> None:
        connection.bind(read_server_info=False)
        if connection.result["result"] != SUCCESS:
            raise DirectoryDown(f"the bind as {self.access.bind_dn or 'nobody'} fails: {_said(connection)}")
        self.tell(f"Bound as {self.access.bind_dn or 'nobody (anonymous)'}.")

    def _search(self, connection: Connection) -> Entry | None:
        access = self.access
        connection.search(
            access.base_dn, filter_for(access.user_filter, self.name), search_scope=SUBTREE, dereference_aliases=DEREF_NEVER,
            attributes=list(access.attributes), size_limit=2, time_limit=access.timeout,
        )  # fmt: skip
        found = [one for one in connection.response or () if one["type"] == "searchResEntry"]
        if connection.result["result"] not in (SUCCESS, SIZE_LIMIT):
            raise DirectoryDown(f"the search below {access.base_dn} fails: {_said(connection)}")
        if len(found) != 1 or connection.result["result"] == SIZE_LIMIT:
            self.tell("Nobody is found." if not found else "More than one entry is found: nobody gets in by that name.")
            return None
        entry = Entry(str(found[0]["dn"]), _texts(found[0]["raw_attributes"]))
        self.tell(f"Found {entry.dn}.")
        return entry if entry.dn else None

    def _is_right(self, connection: Connection, dn: str, password: str) -> bool:
        connection.rebind(user=dn, password=password, authentication=SIMPLE, read_server_info=False)
        code = connection.result["result"]
        if code in TROUBLE:
            raise DirectoryDown(f"the bind as the person fails: {_said(connection)}")
        self.tell("The password is right." if code == SUCCESS else f"The directory refuses them: {_said(connection)}.")
        return bool(code == SUCCESS)


def _said(connection: Connection) -> str:
    result = connection.result
    return f"{result['result']} {result['description']} {result['message']}".strip()[:300]


def _texts(raw: dict[str, list[bytes]]) -> dict[str, list[str]]:
    return {name.lower(): [_text(value) for value in values] for name, values in raw.items()}


def _text(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()
