"""conf/deployment.toml and conf/file.properties of a home (reference 1.6, 1.7)."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from integrator.engine.connectors.limits import Limits
from integrator.engine.databases import DatabaseUrlError, Source
from integrator.engine.errors import DeploymentError, Place
from integrator.engine.outgoing import read_routes
from integrator.engine.tracing.rules import Given, settings_of
from integrator.engine.vault import plain
from wire.routes import Routes

DEEPEST = 8
"""References through references."""
SOURCES = {
    "env": "the environment",
    "sys": "the environment",
    "ref": "the file",
    "secret": "[secrets]",
}

SHORT = {
    "synapse.json_out_auto_array": "synapse.commons.json.output.jsonoutAutoArray",
    "synapse.disable_auto_primitive_regex": "synapse.commons.json.output.disableAutoPrimitive.regex",
    "synapse.enable_auto_primitive": "synapse.commons.json.output.autoPrimitive",
    "synapse.enable_namespace_declaration": "synapse.commons.json.output.enableNSDeclarations",
    "synapse.preserve_namespace_on_xml_to_json": "synapse.commons.json.preserve.namespace",
    "synapse.enable_xml_nil": "synapse.commons.enableXmlNilReadWrite",
    "synapse.enable_xpath_dom_failover": "synapse.xpath.dom.failover.enabled",
}
"""Keys of [mediation] and the properties they stand for."""

_REFERENCE = re.compile(r"\$(env|sys|ref|secret)\{([^}]+)\}")


@dataclass(frozen=True)
class User:
    """A user of the management API."""

    name: str
    password: str
    admin: bool
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalog:
    """Where services are registered."""

    host: str
    username: str
    password: str


@dataclass(frozen=True)
class Config:
    """What the engine takes from deployment.toml."""

    tables: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    data_sources: dict[str, Source] = field(default_factory=dict)
    users: tuple[User, ...] = ()
    catalogs: tuple[Catalog, ...] = ()
    routes: Routes = field(default_factory=Routes)
    unresolved: tuple[str, ...] = ()
    """References that have no value, one sentence each."""
    tracing: Given = field(default_factory=Given)

    @property
    def hostname(self) -> str:
        """Name under which this server is reached."""
        return str(self.tables.get("server", {}).get("hostname") or "localhost")

    @property
    def hot_deployment(self) -> bool:
        """Whether changes of files are followed."""
        return bool(self.tables.get("server", {}).get("hot_deployment", True))

    @property
    def roles(self) -> frozenset[str]:
        """Server roles whose parts of a car are deployed; empty for the usual ones."""
        return frozenset(str(role) for role in self.tables.get("server", {}).get("roles", ()))

    @property
    def default_content_type(self) -> bytes | None:
        """What a body without a type is taken for; None: bytes."""
        transport = self.tables.get("transport", {})
        given = transport.get("default_content_type") or transport.get("http", {}).get("default_content_type")
        return str(given).encode("latin-1", "replace") if given else None

    @property
    def python_packages(self) -> tuple[str, ...]:
        """Packages whose Python classes artifacts may name."""
        given = self.tables.get("python", {}).get("packages", ())
        return tuple(str(name) for name in given) if isinstance(given, list) else ()

    @cached_property
    def connector_limits(self) -> Limits:
        """[connectors]: what the operator allows them."""
        return Limits.of(self)

    @property
    def global_timeout_ms(self) -> int:
        """Longest wait for an answer."""
        return int(self.mediation("synapse.global_timeout_interval", 120_000))

    def mediation(self, name: str, default: Any) -> Any:
        """A key of [mediation]; dotted keys may be written as tables."""
        table: Any = self.tables.get("mediation", {})
        if name in table:
            return table[name]
        for part in name.split("."):
            table = table.get(part) if isinstance(table, dict) else None
        return default if table is None else table

    @property
    def synapse_properties(self) -> dict[str, str]:
        """[synapse_properties] and the synapse.* keys of [mediation], as text; a full name goes before its short one."""
        given = {**_flat(self.tables.get("mediation", {})), **_flat(self.tables.get("synapse_properties", {}))}
        return {**{full: given[short] for short, full in SHORT.items() if short in given}, **given}

    def file_property(self, name: str) -> str | None:
        """A key of conf/file.properties."""
        return self.properties.get(name)


def read_config(home: Path) -> Config:
    """Read the configuration of a home; a missing file means defaults. Raises DeploymentError."""
    file = home / "conf" / "deployment.toml"
    try:
        tables = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeploymentError(Place("conf/deployment.toml"), str(error)) from error
    missing: set[str] = set()
    tables = _resolve(tables, tables, missing)
    return Config(
        tables=tables,
        unresolved=tuple(sorted(missing)),
        properties=_read_properties(home / "conf" / "file.properties"),
        data_sources=dict(_data_source(item) for item in tables.get("datasource", ())),
        users=tuple(_users(tables)),
        catalogs=tuple(_catalogs(tables)),
        routes=read_routes(tables, home),
        tracing=settings_of(tables.get("tracing", {})),
    )


def _flat(table: dict[str, Any], before: str = "") -> dict[str, str]:
    """Values by dotted key: `a.b = 1` is the same with and without quotes."""
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{key}.")
        elif not isinstance(value, list):
            found[before + key] = str(value)
    return found


def _resolve(value: Any, root: dict[str, Any], missing: set[str], depth: int = 0) -> Any:
    """A value with its references filled in; what has no value is noted in `missing` and becomes empty."""
    if isinstance(value, dict):
        return {key: _resolve(item, root, missing, depth) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, root, missing, depth) for item in value]
    if not isinstance(value, str) or "$" not in value:
        return value

    def replace(found: re.Match[str]) -> str:
        kind, name = found.groups()
        if depth > DEEPEST:
            missing.add(f"{found.group()} refers to itself")
            return ""
        text = os.environ.get(name) if kind in ("env", "sys") else _referred(kind, name, root)
        if text is None:
            missing.add(f"{found.group()} has no value: {SOURCES[kind]} has no {name}")
            return ""
        if kind in ("env", "sys"):
            return text
        return str(_resolve(text, root, missing, depth + 1))

    return _REFERENCE.sub(replace, value)


def _referred(kind: str, name: str, root: dict[str, Any]) -> str | None:
    if kind == "secret":
        return plain(root.get("secrets", {}).get(name))
    target: Any = root
    for part in name.split("."):
        target = target.get(part) if isinstance(target, dict) else None
    return None if target is None or isinstance(target, dict | list) else str(target)


def _data_source(item: dict[str, Any]) -> tuple[str, Source]:
    name = str(item.get("id", ""))
    options = item.get("pool_options", {})
    source = Source(
        str(item.get("url", "")),
        str(item.get("username", "")),
        str(item.get("password", "")),
        int(options.get("maxActive", 10)),
    )
    try:
        source.parts()
    except DatabaseUrlError as error:
        raise DeploymentError(Place("conf/deployment.toml", element=f"datasource {name}"), str(error)) from error
    return name, source


def _users(tables: dict[str, Any]) -> list[User]:
    found = []
    for item in tables.get("internal_apis", {}).get("users", ()):
        user = item.get("user", item)
        roles = user.get("roles", ())
        names = tuple(str(role) for role in (roles.split(",") if isinstance(roles, str) else roles))
        admin = bool(user.get("is_admin", False))
        found.append(User(str(user.get("name", "")), str(user.get("password", "")), admin, names))
    return found


def _catalogs(tables: dict[str, Any]) -> list[Catalog]:
    return [
        Catalog(
            str(item.get("apim_host", "")).rstrip("/"), str(item.get("username", "")), str(item.get("password", ""))
        )
        for item in tables.get("service_catalog", ())
        if item.get("enable", True) and item.get("apim_host")
    ]


def _read_properties(file: Path) -> dict[str, str]:
    found = {}
    if file.exists():
        for line in file.read_text("utf-8").splitlines():
            if line.strip() and not line.lstrip().startswith(("#", "!")):
                name, _, value = line.partition("=")
                found[name.strip()] = value.strip()
    return found
