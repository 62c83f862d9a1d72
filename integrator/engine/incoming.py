"""What the https port asks of its callers, from conf/deployment.toml: certificates of mutual TLS (reference 1.7)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from integrator.engine.errors import DeploymentError, Place

MODES = {"": ssl.CERT_NONE, "none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "require": ssl.CERT_REQUIRED}
PLACE = Place("conf/deployment.toml", element="transport.http listener")


def ask_for_certificates(context: ssl.SSLContext, tables: Mapping[str, Any], home: Path) -> bool:
    """Makes the context ask, when the configuration says so: listener.ssl_verify_client with listener.truststore.file_name (PEM).

    Whether it does. Raises DeploymentError for a mode that is not known or authorities that cannot be read.
    """
    listener = _table(tables, "transport", "http", "listener") | _table(tables, "transport", "https", "listener")
    mode = str(listener.get("ssl_verify_client") or _table(listener, "parameter").get("SSLVerifyClient") or "").lower()
    if mode not in MODES:
        raise DeploymentError(PLACE, f"ssl_verify_client = {mode!r}: allowed are none, optional, require")
    if MODES[mode] == ssl.CERT_NONE:
        return False
    name = str(_table(listener, "truststore").get("file_name") or "")
    try:
        context.load_verify_locations(cafile=home / name)
    except (OSError, ssl.SSLError) as error:
        raise DeploymentError(
            PLACE, f"truststore.file_name = {name!r}: not a PEM file of authorities: {error}"
        ) from error
    context.verify_mode = MODES[mode]
    return True


def _table(tables: Mapping[str, Any], *path: str) -> dict[str, Any]:
    found: Any = tables
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    return dict(found) if isinstance(found, dict) else {}
