"""TLS towards backends: whom we trust, with hostnames always verified, and what we show of ourselves."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path
from weakref import WeakValueDictionary

from gateway.schema import Endpoint


class Trust:
    """TLS contexts, one for each set of certificates in use. `authorities`: PEM files trusted besides the system's."""

    def __init__(self, authorities: tuple[Path, ...] = ()) -> None:
        self._authorities = authorities
        self._contexts: WeakValueDictionary[tuple[tuple[str, ...], str, str], ssl.SSLContext] = WeakValueDictionary()
        self._usual: ssl.SSLContext | None = None

    def usual(self) -> ssl.SSLContext:
        """For backends without certificates of their own."""
        if self._usual is None:
            self._usual = self._context((), "", "")
        return self._usual

    def of(self, endpoint: Endpoint) -> ssl.SSLContext:
        """For this backend. Raises ValueError for a certificate or key that is none; the text shows neither."""
        return self._context(endpoint.certificates, endpoint.client_certificate, endpoint.client_key)

    def http2(self, endpoint: Endpoint) -> ssl.SSLContext:
        """The same for a backend that is to speak HTTP/2. Raises ValueError."""
        context = self._made(endpoint.certificates, endpoint.client_certificate, endpoint.client_key)
        context.set_alpn_protocols(["h2"])
        return context

    def _context(self, certificates: tuple[str, ...], shown: str, key: str) -> ssl.SSLContext:
        found = self._contexts.get((certificates, shown, key))
        if found is None:
            found = self._contexts[certificates, shown, key] = self._made(certificates, shown, key)
        return found

    def _made(self, certificates: tuple[str, ...], shown: str, key: str) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        for path in self._authorities:
            if path.is_file():
                context.load_verify_locations(cafile=path)
        for number, pem in enumerate(certificates):
            try:
                context.load_verify_locations(cadata=pem)
            except (ssl.SSLError, ValueError):
                raise ValueError(f"certificates[{number}] of an endpoint is not a PEM certificate") from None
        if shown:
            _show(context, shown, key)
        return context


def _show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Loads a client certificate. Python reads keys from files only, so there is one, readable by us, for a moment."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{certificate}\n{key}\n")
        file.flush()
        try:
            context.load_cert_chain(file.name)
        except (ssl.SSLError, ValueError):
            raise ValueError(
                "client_certificate and client_key of an endpoint are not a PEM certificate and its key"
            ) from None
