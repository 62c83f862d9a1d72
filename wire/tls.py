"""TLS for listeners: certificates by host name, client certificates asked for in any way, files reloaded while serving."""

from __future__ import annotations

import _ssl
import ctypes
import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

log = logging.getLogger("wire")

ClientMode = Literal["none", "optional", "required"]

ALPN = ("http/1.1",)


@dataclass(frozen=True)
class Pair:
    """A certificate chain and its private key, both PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Clients:
    """What a listener asks of its callers. `authorities`: PEM file of those whose certificates are taken.

    `unchecked`: any certificate is taken, whoever signed it; whoever reads `Exchange.peer_certificate` decides. That the
    caller holds its private key is proven in any case.
    """

    mode: ClientMode = "none"
    authorities: Path | None = None
    unchecked: bool = False


@dataclass
class Listener:
    """One TLS listener. `front` is the context to listen with; it stays the same through every `load`.

    `pairs` is asked at each load; the first is for callers that name no host, or none we have. `prepare` sees every context
    before its first use.
    """

    pairs: Callable[[], Sequence[Pair]]
    clients: Clients = field(default_factory=Clients)
    alpn: tuple[str, ...] = ALPN
    prepare: Callable[[ssl.SSLContext], None] | None = None

    def __post_init__(self) -> None:
        self._names: dict[str, ssl.SSLContext] = {}
        self._default: ssl.SSLContext | None = None
        self._stamp: object = None
        self.front = self._context(None)
        self.front.sni_callback = self._choose
        self.load()

    def load(self) -> None:
        """Reads all files anew. Raises ValueError or OSError, naming it, when one is unusable; then nothing changes."""
        stamp = self._look()
        names: dict[str, ssl.SSLContext] = {}
        contexts = []
        for pair in self.pairs():
            context = self._context(pair)
            contexts.append(context)
            for name in certificate_names(pair.certificate):
                names.setdefault(name, context)
        if not contexts:
            raise ValueError("a TLS listener needs a certificate")
        self._names, self._default, self._stamp = names, contexts[0], stamp

    def reload_if_changed(self) -> bool:
        """`load` when a file is another than before. What cannot be read is logged and left until it changes again."""
        stamp = self._look()
        if stamp == self._stamp:
            return False
        try:
            self.load()
        except (OSError, ValueError) as error:
            self._stamp = stamp
            log.error("the TLS certificates could not be read anew, the old ones stay in use: %s", error)
            return False
        log.info("TLS certificates read anew: %s", ", ".join(sorted(self._names)))
        return True

    def _look(self) -> object:
        files = [path for pair in self.pairs() for path in (pair.certificate, pair.key)]
        if self.clients.authorities is not None:
            files.append(self.clients.authorities)
        return tuple((path, _stamp(path)) for path in files)

    def _choose(self, connection: ssl.SSLObject, name: str | None, front: ssl.SSLContext) -> int | None:
        """For every handshake: the certificate of the host that the caller names."""
        chosen = self._default
        if name:
            name = name.lower().rstrip(".")
            chosen = self._names.get(name) or self._names.get("*." + name.partition(".")[2]) or chosen
        if chosen is None:
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        connection.context = chosen
        return None

    def _context(self, pair: Pair | None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.set_alpn_protocols(list(self.alpn))
        if pair is not None:
            try:
                context.load_cert_chain(pair.certificate, pair.key)
            except OSError as error:
                raise ValueError(
                    f"certificate {pair.certificate} with key {pair.key} cannot be used: {error}"
                ) from error
        clients = self.clients
        if clients.mode != "none":
            context.verify_mode = ssl.CERT_REQUIRED if clients.mode == "required" else ssl.CERT_OPTIONAL
        if clients.unchecked:
            accept_any_chain(context)
        elif clients.authorities is not None:
            context.load_verify_locations(cafile=clients.authorities)
        if self.prepare is not None:
            self.prepare(context)
        return context


def certificate_names(path: Path) -> list[str]:
    """The host names that the first certificate in a PEM file is for, lower-case; wildcards as written."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        found = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    else:
        found = [str(name) for name in extension.value.get_values_for_type(x509.DNSName)]  # type: ignore[attr-defined]
    return [name.lower() for name in found]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


# -- taking any chain: OpenSSL can, Python's ssl has no word for it

_MODES = {ssl.CERT_NONE: 0, ssl.CERT_OPTIONAL: 1, ssl.CERT_REQUIRED: 3}
_CHECK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


_yes = _CHECK(lambda store, argument: 1)
"""Kept for the life of the process: OpenSSL calls it."""


def accept_any_chain(context: ssl.SSLContext) -> None:
    """Lets the handshake succeed with whatever certificate the caller shows (it proves that it holds the key all the same).

    Raises RuntimeError when this Python's ssl module does not let us reach the OpenSSL function for it; then authorities must be
    configured.
    """
    try:
        library = ctypes.CDLL(_ssl.__file__)
        set_check, get_mode = library.SSL_CTX_set_cert_verify_callback, library.SSL_CTX_get_verify_mode
    except (AttributeError, OSError) as error:
        raise RuntimeError(
            "this Python cannot take unchecked client certificates: its OpenSSL is out of reach"
        ) from error
    get_mode.argtypes = [ctypes.c_void_p]
    set_check.argtypes = [ctypes.c_void_p, _CHECK, ctypes.c_void_p]
    set_check.restype = None
    # The pointer to OpenSSL's context is the first field of the Python object, behind its reference count and type.
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value
    if not pointer or get_mode(pointer) != _MODES[context.verify_mode]:
        raise RuntimeError(
            "this Python cannot take unchecked client certificates: its ssl contexts are laid out otherwise"
        )
    set_check(pointer, _yes, None)
