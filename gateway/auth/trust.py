"""Which client certificates a TLS listener lets callers show: those uploaded for APIs, and those of given authorities."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable
from pathlib import Path
from weakref import WeakSet

from gateway.schema import ClientCertificate

log = logging.getLogger("gateway")


class Trust:
    """The contexts of all listeners. Nobody is asked for a certificate before the first one could be of use.

    Certificates are only ever added: one that was taken away from its API may still be shown, and is refused by the API.
    """

    def __init__(self, authorities: Path | None) -> None:
        self._authorities = authorities
        self._contexts: WeakSet[ssl.SSLContext] = WeakSet()
        self._known: dict[str, str] = {}

    def serve(self, context: ssl.SSLContext) -> None:
        """Adds a listener's context. Raises OSError or ssl.SSLError when the authorities cannot be read."""
        self._contexts.add(context)
        if self._authorities is not None:
            context.load_verify_locations(cafile=self._authorities)
            _ask(context)
        for pem in self._known.values():
            _add(context, pem)

    def know(self, certificates: Iterable[ClientCertificate]) -> None:
        """Lets callers show these from their next connection on."""
        for one in certificates:
            if one.pem and one.thumbprint not in self._known:
                self._known[one.thumbprint] = one.pem
                for context in self._contexts:
                    _add(context, one.pem)


def _add(context: ssl.SSLContext, pem: str) -> None:
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        log.warning("client certificate cannot be used", extra={"fields": {"reason": str(error)}})
    else:
        _ask(context)


def _ask(context: ssl.SSLContext) -> None:
    """Callers may show a certificate. Partial chains: an uploaded one counts by itself, whoever signed it."""
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    if context.verify_mode is ssl.CERT_NONE:
        context.verify_mode = ssl.CERT_OPTIONAL
