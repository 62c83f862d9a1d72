"""TLS of connectors to servers: whose certificates are believed."""

from __future__ import annotations

import ssl

from integrator.engine.connectors.calls import Call


def context_of(call: Call, authorities: str | None = None) -> ssl.SSLContext:
    """Checks the server's certificate and name: against a PEM file of authorities, else the system's and INTEGRATOR_TRUST.

    Raises OSError when a file cannot be read or holds no certificate.
    """
    context = ssl.create_default_context(cafile=authorities or None)
    if not authorities and call.runtime.settings.trust:
        context.load_verify_locations(call.runtime.settings.trust)
    return context
