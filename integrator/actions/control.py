"""What administrators change in a running integrator through the dashboard: switches, levels, applications."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import FieldError, Invalid
from integrator.actions.nodes import require_platform
from integrator.dashboard.client import LARGEST_FILE, Node, NodeRefused
from integrator.dashboard.kinds import KINDS
from integrator.models import Integrator

VALUES = {"status": ("active", "inactive"), "trace": ("enable", "disable"), "statistics": ("enable", "disable")}
LEVELS = ("OFF", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE")
_CAR = re.compile(r"\w[\w.@+-]{0,150}\.car\Z", re.ASCII)


def switch(*, by: User, row: Integrator, kind: str, name: str, field: str, value: str) -> str:
    """Set status, trace or statistics of one artifact; what the integrator said. Raises Invalid, NodeDown, NodeRefused."""
    require_platform(by)
    known = KINDS.get(kind)
    allowed = {
        "status": known and known.state,
        "trace": known and known.traced,
        "statistics": known and known.counted,
    }
    if not allowed.get(field) or value not in VALUES[field]:
        raise Invalid(fields=[FieldError("field", f"{field}={value!r} cannot be set for {kind}.")])
    body = {"name": name, field: value, **({"type": "sequence"} if kind == "templates" else {})}
    said = Node(row).send("POST", f"/{kind}", body)
    _record(by, "integrator.switch", row, {"kind": kind, "name": name, field: value})
    return _told(said)


def set_level(*, by: User, row: Integrator, logger: str, level: str, component: str = "") -> str:
    """Set the level of a logger; with a component a new logger is made. Raises Invalid, NodeDown, NodeRefused."""
    require_platform(by)
    if level not in LEVELS:
        raise Invalid(fields=[FieldError("level", f"Allowed are {', '.join(LEVELS)}.")])
    body = {"loggerName": logger, "loggingLevel": level, **({"loggerClass": component} if component else {})}
    said = Node(row).send("PATCH", "/logging", body)
    _record(by, "integrator.log_level", row, {"logger": logger, "level": level})
    return _told(said)


def upload_application(*, by: User, row: Integrator, name: str, data: bytes) -> str:
    """Deploy a .car file; one of the same name is replaced. Raises Invalid, NodeDown, NodeRefused."""
    require_platform(by)
    if not _CAR.match(name):
        raise Invalid(fields=[FieldError("file", "A file whose name ends in .car, of letters, digits and . _ @ + -.")])
    if not data or len(data) > LARGEST_FILE:
        raise Invalid(fields=[FieldError("file", f"1 byte to {LARGEST_FILE // 1024 // 1024} MB are taken.")])
    node = Node(row)
    said = node.upload("/applications", name, data)
    _record(by, "integrator.application_upload", row, {"file": name, "bytes": len(data)})
    _deployed(node, name)
    return _told(said)


def redeploy_application(*, by: User, row: Integrator, name: str, file: str) -> str:
    """Deploy an application's own file again, as if it had just been uploaded. Raises NodeDown, NodeRefused."""
    require_platform(by)
    node = Node(row)
    data = node.file("/applications", "application/octet-stream", carbonAppName=name)
    stored = file if _CAR.match(file) else f"{name}.car"
    node.upload("/applications", stored, data)
    _record(by, "integrator.application_redeploy", row, {"name": name})
    _deployed(node, stored)
    return f"{name} was deployed again."


def remove_application(*, by: User, row: Integrator, name: str) -> str:
    """Remove an application and what it brought. Raises NodeDown, NodeRefused."""
    require_platform(by)
    said = Node(row).send("DELETE", f"/applications/{_quoted(name)}")
    _record(by, "integrator.application_remove", row, {"name": name})
    return _told(said)


def _deployed(node: Node, file: str) -> None:
    """An integrator says that a file came, also when it refuses what is in it. Raises NodeDown, NodeRefused."""
    refused = node.get("/applications").get("faultyList")
    for one in refused if isinstance(refused, list) else ():
        if isinstance(one, dict) and one.get("file") == file:
            raise NodeRefused(f"{file} is there but not deployed: {str(one.get('reason') or 'see its log')[:1000]}")


def _quoted(name: str) -> str:
    if not _CAR.match(f"{name}.car"):
        raise Invalid(fields=[FieldError("name", "That is no application's name.")])
    return name


def _record(by: User, action: str, row: Integrator, after: dict[str, Any]) -> None:
    with transaction.atomic():
        audit.record(by, action, row, after=after, organisation=by.organisation)


def _told(said: dict[str, Any]) -> str:
    return str(said.get("message") or said.get("Message") or "Done.")[:300]
