"""Python of the home and of installed packages: scripts by key, classes by dotted path, with the integrator's own rights.

Nothing runs that the configuration does not allow: `[python] scripts = true` for script files, `packages = [...]` for classes.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from integrator.engine.errors import Fault

if TYPE_CHECKING:
    from integrator.engine.deployment import Deployment


def scripts_allowed(deployment: Deployment) -> bool:
    """Whether `[python] scripts = true` stands in deployment.toml."""
    return deployment.config.tables.get("python", {}).get("scripts") is True


def packages(deployment: Deployment) -> tuple[str, ...]:
    """The packages whose classes may be named: `[python] packages` of deployment.toml."""
    given = deployment.config.tables.get("python", {}).get("packages", ())
    return tuple(str(name) for name in given) if isinstance(given, list) else ()


def script_function(deployment: Deployment, key: str, name: str) -> Callable[[Any], Any]:
    """The function of a script file. Raises Fault when scripts are not allowed or the file is none of the home's."""
    if not scripts_allowed(deployment):
        raise Fault(0, "script language='py': allow it by scripts = true in [python] of conf/deployment.toml")
    file = deployment.registry.file(key)
    if file is None or not file.is_file():
        raise Fault(0, f"script key {key!r}: a Python script must be a file below the home's registry (conf: or gov:)")
    found = _module(str(file), file.read_text("utf-8")).get(name)
    if not callable(found):
        raise Fault(0, f"script {key!r} has no function {name!r}")
    return found  # type: ignore[no-any-return]


@lru_cache(maxsize=256)
def _module(file: str, text: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "integrator_script", "__file__": file}
    try:
        exec(compile(text, file, "exec"), names)  # noqa: S102  (a file the operator put into the home and allowed)
    except Exception as error:
        raise Fault(0, f"script {file}: {type(error).__name__}: {error}") from error
    return names


def class_of(deployment: Deployment, path: str, method: str = "mediate") -> type[Any]:
    """A class by dotted path with a method. Raises Fault when its package is not allowed or it cannot be loaded."""
    allowed = packages(deployment)
    module, _, name = path.rpartition(".")
    if not any(module == package or module.startswith(f"{package}.") for package in allowed):
        listed = ", ".join(allowed) or "none"
        raise Fault(0, f"class {path!r}: allowed are classes of the packages in [python] packages, now {listed}")
    home = str(deployment.registry.home / "python")
    if home not in sys.path:
        sys.path.append(home)
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise Fault(0, f"class {path!r} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(found, type) or not callable(getattr(found, method, None)):
        raise Fault(0, f"class {path!r}: a class with a method {method}(mc) is expected")
    return found


def assign(instance: Any, name: str, value: Any) -> None:
    """Call setName, or set the attribute when the class declares it. Raises Fault."""
    setter = getattr(instance, f"set{name[0].upper()}{name[1:]}", None)
    if callable(setter):
        setter(value)
    elif hasattr(instance, name):
        setattr(instance, name, value)
    else:
        raise Fault(0, f"class {type(instance).__name__} has no property {name!r}")
