"""Finds the connector behind an element `<name.operation>`: packages that are loaded when an artifact first names them.

The engine knows no connector. The packages to look in come from the settings (`Settings.connector_packages`) and from
`[connectors] packages` of conf/deployment.toml; a package holds one module or package a connector, whose `CONNECTOR` is
the declaration, and may name others for it in `ALIASES`.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from integrator.engine.connectors.declare import Connector

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
_packages: list[str] = []
_found: dict[str, Connector] = {}


def use(packages: Iterable[str], home: Path | None = None) -> None:
    """Look in these packages from now on, in this order; those of the house may lie in HOME/python. Nothing is loaded yet."""
    given = list(dict.fromkeys(packages))
    if home is not None and len(given) > 1 and str(home / "python") not in sys.path:
        sys.path.append(str(home / "python"))
    if given != _packages:
        _packages[:] = given
        _found.clear()


def find(name: str) -> Connector | None:
    """The connector of a name, loaded when first asked for; None when no package has it."""
    held = _found.get(name)
    if held is None and _NAME.match(name):
        held = next(filter(None, (_load(package, name) for package in _packages)), None)
        if held is not None:
            _found[name] = held
    return held


def _load(package: str, name: str) -> Connector | None:
    root = importlib.import_module(package)
    module = f"{package}.{getattr(root, 'ALIASES', {}).get(name, name)}"
    if importlib.util.find_spec(module) is None:
        return None
    found = getattr(importlib.import_module(module), "CONNECTOR", None)
    return found if isinstance(found, Connector) else None


def names() -> list[str]:
    """Names of all connectors of the packages in use, without loading them."""
    found: set[str] = set()
    for package in _packages:
        found.update(getattr(importlib.import_module(package), "NAMES", ()))
    return sorted(found)
