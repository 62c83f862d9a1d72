"""The reference pages that are made from the code: every setting, every command."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.management import get_commands, load_command_class
from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from apim.config import ROOT
from apim.contracts import coverage
from apim.up.options import parser as up_parser
from gateway.alone import parser as gateway_parser
from integrator.settings import from_environment

HEAD = "<!-- Made by `make docs` from the code. Changes here are lost. -->\n\n"
SETTINGS = (
    ("Control plane, worker, beat and `up`", "apim.config", "Config"),
    ("Gateway", "gateway.settings", "Settings"),
)
ROOMS = ("apim.", "catalog", "publisher", "portal", "integrator", "gateway")


def pages() -> dict[str, str]:
    """File name → text of every generated page."""
    return {
        "settings.md": settings_page(),
        "cli.md": cli_page(),
        "faults.md": faults_page(),
        "connectors.md": connectors_page(),
        "../coverage/rest.md": coverage.page(HEAD),
    }


def settings_page() -> str:
    """Every environment variable, its default and what it means."""
    text = HEAD + "# Settings\n\nEnvironment variables; `up` has options for the usual ones (see [cli.md](cli.md)).\n"
    for title, module, name in SETTINGS:
        if find_spec(module):
            text += f"\n## {title}\n\n{_settings_table(getattr(import_module(module), name))}"
    return text + f"\n## Integrator\n\n{_asked_table(from_environment)}"


def connectors_page() -> str:
    """Every operation of the integrator's connectors."""
    made = import_module("integrator.connectors.reference")
    text: str = HEAD + made.page(made.built_in())
    return text


def faults_page() -> str:
    """Every answer that gateways give by themselves."""
    text = HEAD + (
        "# Answers of the gateway\n\nWhat a gateway answers by itself, by code. Bodies are JSON, XML where only XML is "
        "accepted, SOAP 1.1 or 1.2 faults for SOAP calls; every value is text.\n\n"
    )
    rows = [
        (f"`{one.code}`", str(one.status), one.message, one.description, one.when)
        for one in import_module("gateway.faults").catalogue()
    ]
    return text + _table(("code", "HTTP", "message", "description", "sent for"), rows)


class _Asked(dict[str, str]):
    """An empty environment that remembers what was looked up, and the default given for it."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, str] = {}

    def get(self, name: str, default: Any = None) -> Any:
        """Mapping's, noted."""
        self.names[name] = "" if default is None else str(default)
        return default


def _asked_table(reader: Callable[[Mapping[str, str]], Any]) -> str:
    """The variables that `reader` asks for, for settings that are not declared with pydantic."""
    asked = _Asked()
    reader(asked)
    rows = [(f"`{name}`", f"`{default}`" if default else "") for name, default in asked.names.items()]
    return "What each means: [the integrator's page](../integrator.md).\n\n" + _table(("variable", "default"), rows)


def _settings_table(model: type[BaseSettings]) -> str:
    prefix = str(model.model_config.get("env_prefix", ""))
    rows = [
        (_variables(name, field, prefix), _default(field), field.description or "")
        for name, field in model.model_fields.items()
    ]
    return _table(("variable", "default", "meaning"), rows)


def _variables(name: str, field: FieldInfo, prefix: str) -> str:
    alias = field.validation_alias
    names = (
        [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else [f"{prefix}{name}".upper()]
    )
    return ", ".join(f"`{one}`" for one in names if one == one.upper())


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={}) if not field.is_required() else None
    if isinstance(value, Path):
        value = value.relative_to(ROOT) if value.is_relative_to(ROOT) else value
    return "" if value in (None, "") else f"`{value}`"


def cli_page() -> str:
    """Every command of ours with its options."""
    text = HEAD + "# Commands\n\n`make help` lists the make targets. Everything else is `manage.py COMMAND`.\n"
    for name, parser in (("up", up_parser()), ("gateway", gateway_parser())):
        text += f"\n## {name}\n\n{_clean(parser.description)}\n\n{_options(parser)}"
    ours = {
        name: app
        for name, app in get_commands().items()
        if isinstance(app, str) and app.startswith(ROOMS) and name != "up"
    }
    for name, app in sorted(ours.items()):
        command = load_command_class(app, name)
        made = command.create_parser("manage.py", name)
        text += f"\n## {name}\n\n{_clean(command.help)}\n\n{_options(made)}"
    return text


DJANGO_OPTIONS = {
    "help",
    "version",
    "verbosity",
    "settings",
    "pythonpath",
    "traceback",
    "no_color",
    "force_color",
    "skip_checks",
}


def _options(made: argparse.ArgumentParser) -> str:
    rows = [
        (_spelling(action), _clean(action.help))
        for action in made._actions
        if action.dest not in DJANGO_OPTIONS and action.help != argparse.SUPPRESS
    ]
    return _table(("option", "meaning"), rows) if rows else ""


def _spelling(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    value = f" {action.metavar or action.dest.upper()}" if action.nargs != 0 else ""
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _clean(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip()
