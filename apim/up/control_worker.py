"""gunicorn's threaded worker with TLS on one socket only, and its log joined to the platform's."""

from __future__ import annotations

import copy
import socket
import struct
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

from apim.config import config
from apim.logs import logging_config
from apim.up import hold

READ_SECONDS = 30
"""Longest silence of a client in the middle of a request or a TLS handshake; gunicorn itself would wait for ever."""


class ControlWorker(ThreadWorker):
    """Serves plain http on every socket but the https port."""

    def init_process(self) -> None:
        """Derive the configuration of plain connections once."""
        self.plain = copy.copy(self.cfg)
        self.plain.settings = {name: copy.copy(setting) for name, setting in self.cfg.settings.items()}
        self.plain.set("certfile", None)
        self.plain.set("keyfile", None)
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, then wait for its tables."""
        super().load_wsgi()
        hold.wait(lambda: self.alive)

    def enqueue_req(self, conn: TConn) -> None:
        """Choose the configuration of a new connection by the port it came in on."""
        if not conn.initialized:
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", READ_SECONDS, 0))
            if conn.server[1] != config.port(9443):
                conn.cfg = self.plain
        super().enqueue_req(conn)


class ControlLogger(Logger):
    """gunicorn's messages through the platform's handler."""

    def setup(self, cfg: Any) -> None:
        """Hand everything to the root logger."""
        logging_config(config)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(config.log_level)
