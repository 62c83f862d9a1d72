"""Organisations as gateways know them: host names of their own, cross-tenant rules, and log levels changed while running."""

from __future__ import annotations

from typing import Literal

from gateway.schema.base import Record


class Domain(Record, frozen=True):
    """A host name of an organisation's own: calls to it are read as if `prefix` stood before their path. Key: the host."""

    host: str
    organisation: str
    prefix: str


class LogLevel(Record, frozen=True):
    """How much is logged of one API's calls. Key: the API's id."""

    api: str
    level: Literal["OFF", "BASIC", "STANDARD", "FULL"] = "OFF"
