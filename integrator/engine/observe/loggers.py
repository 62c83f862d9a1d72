"""Loggers by the names of the original's configuration, with levels that are set while the integrator runs and kept."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from integrator.engine.mediators.log import TRACE

ROOT = "rootLogger"
WIRE, HEADERS = "integrator.wire", "integrator.headers"
LEVELS = {
    "OFF": logging.CRITICAL + 10, "FATAL": logging.CRITICAL, "ERROR": logging.ERROR, "WARN": logging.WARNING,
    "INFO": logging.INFO, "DEBUG": logging.DEBUG, "TRACE": TRACE, "ALL": 1,
}  # fmt: skip
MOST = 500
"""Loggers that may be known, and characters of a name below."""
_NAME = re.compile(r"[\w.$-]{1,200}\Z", re.ASCII)
COMPONENTS = {
    "org.apache.synapse.transport.http.wire": WIRE,
    "org.apache.synapse.transport.http.headers": HEADERS,
    "org.apache.synapse.mediators.builtin.LogMediator": "integrator.log",
    "org.apache.synapse.rest": "integrator.http",
    "org.apache.synapse.core.axis2.ProxyService": "integrator.http",
    "org.apache.synapse.endpoints": "integrator.endpoint",
    "org.apache.synapse.message.processor": "integrator.processors",
    "org.apache.synapse.startup": "integrator.tasks",
    "org.apache.synapse.inbound": "integrator.inbound",
    "org.apache.synapse.deployers": "integrator.deployment",
    "org.wso2.micro.integrator.management.apis": "integrator.management",
    "org.apache.synapse": "integrator.mediation",
}
"""Classes of the original and the logger that says here what they say there; the longest beginning counts."""
STOCK = {
    ROOT: "",
    "synapse-wire": "org.apache.synapse.transport.http.wire",
    "synapse-headers": "org.apache.synapse.transport.http.headers",
    "LogMediator": "org.apache.synapse.mediators.builtin.LogMediator",
    "org-apache-synapse": "org.apache.synapse",
    "org-apache-synapse-rest": "org.apache.synapse.rest",
    "org-apache-synapse-endpoints": "org.apache.synapse.endpoints",
    "org-apache-synapse-deployers": "org.apache.synapse.deployers",
    "management-api": "org.wso2.micro.integrator.management.apis",
}
"""Loggers that are there from the beginning: name → component."""


class Logger(NamedTuple):
    """One logger as the management API tells it."""

    name: str
    level: str
    component: str


class LoggerError(ValueError):
    """A name, level or class that cannot be taken; the text says what is allowed."""


class Loggers:
    """Names, components and levels; `changed` is called with each Python logger whose level was set."""

    def __init__(self, file: Path, changed: Callable[[logging.Logger], None]):
        self.file = file
        self.changed = changed
        self.components = dict(STOCK)
        self.levels: dict[str, str] = {}

    def restore(self) -> None:
        """Set again what was set before the last stop. Wires are quiet unless they are asked for, whatever the root says."""
        for name in (WIRE, HEADERS):
            logging.getLogger(name).setLevel(LEVELS["OFF"])
        try:
            held = json.loads(self.file.read_text("utf-8"))
            self.components |= held["components"]
            levels = dict(held["levels"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        for name, level in levels.items():
            if name in self.components and level in LEVELS:
                self._set(name, level)

    def all(self) -> list[Logger]:
        """Every known logger."""
        return [self._told(name) for name in self.components]

    def get(self, name: str) -> Logger | None:
        """One logger; None for an unknown name."""
        return self._told(name) if name in self.components else None

    def set(self, name: str, level: str, component: str | None = None) -> bool:
        """Set a level; with a component a new logger is made. True when it is new. Raises LoggerError."""
        if level.upper() not in LEVELS:
            raise LoggerError(f"Invalid log level {level[:40]}: allowed are {', '.join(LEVELS)}")
        new = name not in self.components
        if new:
            self._check_new(name, component)
            self.components[name] = str(component)
        self._set(name, level.upper())
        self._keep()
        return new

    def _check_new(self, name: str, component: str | None) -> None:
        if component is None:
            raise LookupError(name)
        if not _NAME.match(name) or not _NAME.match(component):
            raise LoggerError("loggerName and loggerClass: letters, digits and . _ $ - are allowed, up to 200")
        if len(self.components) >= MOST:
            raise LoggerError(f"There are {MOST} loggers already; no more are taken.")

    def _set(self, name: str, level: str) -> None:
        self.levels[name] = level
        logger = python_logger(self.components[name])
        logger.setLevel(LEVELS[level])
        self.changed(logger)

    def _told(self, name: str) -> Logger:
        held = self.levels.get(name)
        number = python_logger(self.components[name]).getEffectiveLevel()
        level = held or next((word for word, value in LEVELS.items() if value <= number), "ALL")
        return Logger(name, level, self.components[name])

    def _keep(self) -> None:
        added = {name: component for name, component in self.components.items() if name not in STOCK}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.file.with_suffix(".new")
        scratch.write_text(json.dumps({"components": added, "levels": self.levels}), "utf-8")
        scratch.replace(self.file)


def python_logger(component: str) -> logging.Logger:
    """The logger that says what a component of the original says; any other name is a logger of Python itself."""
    if not component:
        return logging.getLogger("integrator")
    fitting = [known for known in COMPONENTS if component == known or component.startswith(known + ".")]
    return logging.getLogger(COMPONENTS[max(fitting, key=len)] if fitting else component)
