"""Log files of the integrator below APIM_VAR/logs/integrator: bounded, rotated, masked; what the management API lists."""

from __future__ import annotations

import logging
import re
from logging.handlers import RotatingFileHandler
from pathlib import Path

from integrator.engine.logs import TextFormatter, told_of

LARGEST = 10 * 1024 * 1024
"""Bytes of one log file; then it is put aside."""
KEPT = 5
"""Older files that are kept of each."""
MAIN, ERRORS, ACCESS, CORRELATION, AUDIT, ANALYTICS = (
    "integrator.log",
    "integrator-errors.log",
    "http_access.log",
    "correlation.log",
    "audit.log",
    "synapse-analytics.log",
)
PLAIN = {
    "integrator.access": ACCESS,
    "integrator.correlation": CORRELATION,
    "integrator.audit": AUDIT,
    "integrator.analytics": ANALYTICS,
}
"""Loggers with a file of their own, whose lines are written as they are and go nowhere else."""
OWN = {"API_LOGGER": "api", "SERVICE_LOGGER": "proxy"}
"""Begin of the names of loggers of one artifact → how log lines name the artifact."""
_UNSAFE = re.compile(r"[^\w.-]")


class LogFiles:
    """Opens the files while the integrator runs, and lists them."""

    def __init__(self, folder: Path, *filters: logging.Filter):
        self.folder = folder
        self.filters = filters
        self._handlers: list[tuple[logging.Logger, logging.Handler]] = []

    def open(self) -> None:
        """Begin to write. A folder that cannot be made is told in the log and leaves the integrator running."""
        root = logging.getLogger("integrator")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            root.error("log files cannot be written below %s: %s", self.folder, error)
            return
        for handler in root.handlers:
            self._filter(handler)
        self._add(root, MAIN, logging.NOTSET)
        self._add(root, ERRORS, logging.ERROR)
        for name, file in PLAIN.items():
            logger = logging.getLogger(name)
            logger.propagate = False
            logger.setLevel(logging.INFO)
            self._add(logger, file, logging.NOTSET, plain=True)

    def _add(self, logger: logging.Logger, file: str, level: int, plain: bool = False) -> None:
        handler = RotatingFileHandler(self.folder / file, maxBytes=LARGEST, backupCount=KEPT, delay=True)
        handler.setLevel(level)
        handler.setFormatter(logging.Formatter("%(message)s") if plain else TextFormatter(False))
        self._filter(handler)
        logger.addHandler(handler)
        self._handlers.append((logger, handler))

    def _filter(self, handler: logging.Handler) -> None:
        for one in self.filters:
            handler.addFilter(one)

    def follow(self, logger: logging.Logger) -> None:
        """Write a logger that does not belong to the integrator's own, such as that of a Python class, to the main file."""
        kind, _, name = logger.name.partition(".")
        if kind in OWN:
            self._own(logger, f"{OWN[kind]}:{name}")
        elif kind != "integrator" and not logger.handlers:
            self._add(logger, MAIN, logging.NOTSET)

    def _own(self, logger: logging.Logger, artifact: str) -> None:
        """Write what is about one artifact to a file named after its logger too, from the logger's level on."""
        root, file = logging.getLogger("integrator"), f"{_UNSAFE.sub('_', logger.name)}.log"
        for held, handler in list(self._handlers):
            if handler.get_name() == file:
                held.removeHandler(handler)
                handler.close()
                self._handlers.remove((held, handler))
        self._add(root, file, logger.level)
        own = self._handlers[-1][1]
        own.set_name(file)
        own.addFilter(lambda record: told_of(record).get("artifact") == artifact)

    def close(self) -> None:
        """End writing."""
        for logger, handler in self._handlers:
            logger.removeHandler(handler)
            handler.close()
        self._handlers.clear()
        for handler in logging.getLogger("integrator").handlers:
            for one in self.filters:
                handler.removeFilter(one)

    def listed(self) -> list[tuple[str, int]]:
        """Name and size in bytes of each file, the newest first."""
        if not self.folder.is_dir():
            return []
        found = [(path, path.stat()) for path in self.folder.iterdir() if path.is_file() and not path.is_symlink()]
        return [(path.name, status.st_size) for path, status in sorted(found, key=lambda one: -one[1].st_mtime)]

    def path(self, name: str) -> Path | None:
        """The file of a listed name; None for any other text, whatever path it spells."""
        return self.folder / name if name in {known for known, _ in self.listed()} else None
