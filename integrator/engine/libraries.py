"""Connector archives: sequence templates by connector and operation, which elements `<connector.operation>` call (reference 1.4).

What is installed is known to the whole process, as what is read from conf/file.properties is: elements are read
by it, and a home has one integrator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from integrator.engine.artifacts import SequenceTemplate

PACKAGE = "org.wso2.carbon.connector"


@dataclass(frozen=True)
class Operation:
    """One operation: its template, or why it does not run here."""

    name: str
    template: SequenceTemplate | None
    refusal: str = ""
    description: str = ""
    hidden: bool = False


@dataclass(frozen=True)
class Library:
    """One connector archive. Elements are read by it when it is enabled."""

    name: str
    package: str
    file: str
    operations: dict[str, Operation] = field(default_factory=dict)
    enabled: bool = True
    description: str = ""

    @property
    def qualified(self) -> str:
        """`{package}name`, as imports and the management API write it."""
        return f"{{{self.package}}}{self.name}"

    def template_name(self, operation: str) -> str:
        """The name by which `call-template` knows an operation."""
        return f"{self.package}.{self.name}.{operation}"


installed: dict[str, Library] = {}
"""Connectors of the home that is open, by name in lower case."""


def install(libraries: dict[str, Library]) -> bool:
    """Make these the installed ones; whether that changed anything."""
    if installed == libraries:
        return False
    installed.clear()
    installed.update(libraries)
    return True


def refusal(name: str, operation: str) -> str:
    """Why `<name.operation>` cannot be read; empty when it can."""
    found = installed.get(name.lower())
    if found is None:
        have = ", ".join(sorted(library.name for library in installed.values())) or "none"
        return f"connector {name!r} is not installed; archives in synapse-libs or cars give {have}"
    if not found.enabled:
        return f"connector {name!r} is not enabled: imports/{found.qualified}.xml with status='enabled' is missing"
    held = found.operations.get(operation)
    if held is None:
        return f"connector {name!r} has no operation {operation!r}; it has {', '.join(sorted(found.operations))}"
    return held.refusal
