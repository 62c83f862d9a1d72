"""Who may import whom: the floors of docs/architecture.md, read from the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.source import files, imports, module_name

OURS = ("wire", "gateway", "integrator", "apim", "catalog", "publisher", "portal")
FRAMEWORKS = ("django", "celery", "rest_framework", "oauth2_provider", "kombu")

# The first matching prefix decides what a module may import of ours.
FLOORS: list[tuple[str, tuple[str, ...]]] = [
    ("wire", ("wire",)),
    ("integrator.engine", ("integrator.engine", "wire")),
    ("integrator.app", ("integrator.engine", "integrator.settings", "integrator.management_api", "wire")),
    ("integrator.settings", ("integrator.engine",)),
    ("integrator.connectors", ("integrator.connectors", "integrator.engine", "wire")),
    ("integrator.unittests", ("integrator.unittests", "integrator.engine", "wire")),
    ("integrator.management_api", ("integrator.engine", "integrator.settings", "integrator.management_api", "wire")),
    ("gateway.schema", ("gateway.schema",)),
    ("gateway.tokens", ("gateway.tokens", "gateway.schema")),
    ("gateway", ("gateway", "wire", "integrator.engine")),
    ("apim.errors", ()),
    ("apim.secrets", ()),
    ("apim.config", ()),
    ("apim.addresses", ()),
    ("apim.repeating", ()),
    ("apim.pinned", ("apim.addresses",)),
    ("apim.logs", ("apim.config",)),
    ("apim.ui", ("apim.ui", "apim.accounts", "apim.errors", "apim.config", "apim.secrets")),
    ("apim.accounts", ("apim.accounts", "apim.ui", "apim.errors", "apim.config", "apim.secrets")),
    (
        "apim.eventhub",
        ("apim.eventhub", "apim.accounts", "apim.ui", "apim.errors", "apim.config", "apim.repeating", "gateway.schema"),
    ),
]
FLOORS.append(
    (
        "apim.configuration",
        (
            "apim.configuration",
            "apim.eventhub",
            "apim.accounts",
            "apim.ui",
            "apim.errors",
            "apim.config",
            "apim.repeating",
            "gateway.schema",
        ),
    )
)
GROUND = (
    "apim.configuration",
    "apim.accounts",
    "apim.eventhub",
    "apim.ui",
    "apim.errors",
    "apim.config",
    "apim.secrets",
    "apim.addresses",
    "apim.pinned",
    "apim.repeating",
    "gateway.schema",
)
FLOORS += [
    ("apim.keymanager", ("apim.keymanager", "gateway.tokens", *GROUND)),
    ("apim.traffic", ("apim.traffic", *GROUND)),
    ("apim.analytics", ("apim.analytics", *GROUND)),
    ("apim.websub", ("apim.websub", "apim.keymanager", *GROUND)),
    ("apim.workflows", ("apim.workflows", "apim.keymanager", "apim.websub.outbound", *GROUND)),
    ("apim.login", ("apim.login", "apim.keymanager", *GROUND)),
]
SERVICES = ("apim.keymanager", "apim.traffic", "apim.analytics", "apim.websub", "apim.workflows", *GROUND)
FLOORS += [
    ("catalog", ("catalog", *SERVICES)),
    ("publisher", ("publisher", "catalog", *SERVICES)),
    ("portal", ("portal", "publisher", "catalog", *SERVICES)),
    ("integrator", ("integrator", "apim.keymanager.vault", *GROUND, "wire")),
    ("apim", OURS),
]
DATA_PLANES = (
    "wire", "gateway", "integrator.engine", "integrator.app", "integrator.settings", "integrator.management_api",
    "integrator.connectors", "integrator.unittests",
)  # fmt: skip


def _within(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def violations(module: str, imported: str) -> str | None:
    """Why `module` may not import `imported`, or None when it may."""
    if imported == "relative import":
        return "write imports in full"
    if _within(imported, FRAMEWORKS) and _within(module, DATA_PLANES):
        return "data planes know no framework of the control plane"
    if not _within(imported, OURS):
        return None
    allowed = next(allowed for prefix, allowed in FLOORS if _within(module, (prefix,)))
    return None if _within(imported, allowed) else f"allowed here: {', '.join(allowed) or 'nothing of ours'}"


@pytest.mark.parametrize("path", files(), ids=module_name)
def test_imports_stay_on_their_floor(path: Path) -> None:
    found = [
        f"{path}:{line}: {imported} ({why})"
        for line, imported in imports(path)
        if (why := violations(module_name(path), imported))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "imported", "refused"),
    [
        ("wire.server", "gateway.schema", True),
        ("gateway.sync", "django.conf.settings", True),
        ("gateway.sync", "wire.client.Client", False),
        ("integrator.engine.message", "integrator.models.TaskRun", True),
        ("integrator.tasks", "integrator.engine.Engine", False),
        ("publisher.actions.apis", "portal.models.Subscription", True),
        ("portal.actions.keys", "publisher.models.Api", False),
        ("apim.eventhub.publish", "gateway.state.State", True),
        ("apim.eventhub.publish", "gateway.schema.Api", False),
        ("apim.traffic.models", "publisher.models.Api", True),
    ],
)
def test_the_rule_itself_tells_good_from_bad(module: str, imported: str, refused: bool) -> None:
    assert bool(violations(module, imported)) is refused
