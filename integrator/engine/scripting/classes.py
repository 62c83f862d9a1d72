"""Python classes that artifacts name by dotted path, of the packages in `[python] packages`, from HOME/python or installed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class ClassProblem(ValueError):
    """The class is not allowed, or cannot be loaded, or has not the methods that are needed."""


def load(home: Path, packages: Iterable[str], path: str, methods: Iterable[str]) -> type[Any]:
    """The class of a dotted path with all these methods. Raises ClassProblem."""
    allowed = tuple(packages)
    module, _, name = path.rpartition(".")
    if not module or not all(part.isidentifier() for part in path.split(".")):
        raise ClassProblem(f"class {path!r}: a dotted path to a Python class is expected")
    if not any(module == package or module.startswith(f"{package}.") for package in allowed):
        listed = ", ".join(allowed) or "none"
        raise ClassProblem(f"class {path!r}: allowed are classes of the packages in [python] packages, now {listed}")
    place = str(home / "python")
    if place not in sys.path:
        sys.path.append(place)
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise ClassProblem(f"class {path!r} cannot be loaded: {type(error).__name__}: {error}") from error
    missing = [method for method in methods if not callable(getattr(found, method, None))]
    if not isinstance(found, type) or missing:
        raise ClassProblem(f"class {path!r}: a class with {', '.join(f'{method}()' for method in methods)} is expected")
    return found


def make(kind: type[Any], values: dict[str, Any]) -> Any:
    """An object with its properties set (by setName or as declared attributes) and init() called. Raises ClassProblem."""
    try:
        made = kind()
        for name, value in values.items():
            _assign(made, name, value)
        if callable(getattr(made, "init", None)):
            made.init()
    except ClassProblem:
        raise
    except Exception as error:
        raise ClassProblem(f"class {kind.__name__} cannot be made: {type(error).__name__}: {error}") from error
    return made


def _assign(made: Any, name: str, value: Any) -> None:
    plain = name.replace(".", "_").replace("-", "_")
    setter = getattr(made, f"set{name[:1].upper()}{name[1:]}", None)
    if callable(setter):
        setter(value)
    elif plain.isidentifier() and not plain.startswith("_") and hasattr(made, plain):
        setattr(made, plain, value)
    elif callable(getattr(made, "set_parameter", None)):
        made.set_parameter(name, value)
    else:
        raise ClassProblem(f"class {type(made).__name__} has no property {name!r}")
