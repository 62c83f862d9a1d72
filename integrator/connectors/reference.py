"""The page docs/reference/connectors.md, made from the connectors' declarations."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator

from integrator.connectors import ALIASES, NAMES
from integrator.engine.connectors.declare import ANSWER, Connector, Operation, Parameter

HEAD = """# Connectors

From the declarations in `integrator/connectors/`. How connectors are used, what the
operator allows and how to write one: [connectors.md](../connectors.md).

A parameter in *italics* is required. Every operation also takes `responseVariable` and `overwriteBody`.
"""


def built_in() -> list[Connector]:
    """All connectors that come with the integrator, by name."""
    return [importlib.import_module(f"integrator.connectors.{ALIASES.get(name, name)}").CONNECTOR for name in NAMES]


def page(connectors: Iterable[Connector]) -> str:
    """The whole page."""
    parts = [HEAD]
    for connector in connectors:
        parts.append("\n".join(_connector(connector)))
    return "\n".join(parts) + "\n"


def _connector(connector: Connector) -> Iterator[str]:
    yield f"## {connector.name}\n"
    yield f"{connector.description}\n"
    yield f"`<{connector.name}.init>`\n"
    yield from _table(connector.connection)
    yield "\n| operation | parameters | what it does |\n|---|---|---|"
    for operation in sorted(connector.operations.values(), key=lambda item: item.name.lower()):
        yield _row(operation)
    details = _details(connector)
    if details:
        yield "\n### Parameters\n"
        yield from _table(details)
    yield ""


def _row(operation: Operation) -> str:
    names = [f"*{item.name}*" if item.required else item.name for item in _shown(operation.parameters.values())]
    return f"| {operation.name} | {', '.join(names) or '–'} | {_cell(operation.description)} |"


def _shown(parameters: Iterable[Parameter]) -> list[Parameter]:
    return [item for item in parameters if not item.description.startswith("Taken and ignored")]


def _details(connector: Connector) -> list[Parameter]:
    found: dict[str, Parameter] = {}
    for operation in connector.operations.values():
        for parameter in operation.parameters.values():
            found.setdefault(parameter.name, parameter)
    answer = {item.name for item in ANSWER}
    return [found[name] for name in sorted(found, key=str.lower) if name not in answer]


def _table(parameters: Iterable[Parameter]) -> Iterator[str]:
    yield "| parameter | kind | default | meaning |\n|---|---|---|---|"
    given = list(parameters)
    for item in _shown(given):
        meaning = item.description + (f" Allowed: {', '.join(item.choices)}." if item.choices else "")
        name = f"*{item.name}*" if item.required else item.name
        default = "–" if item.default in (None, "") else f"`{item.default}`"
        yield f"| {name} | {item.kind}{', secret' if item.secret else ''} | {default} | {_cell(meaning)} |"
    ignored = [item.name for item in given if item not in _shown(given)]
    if ignored:
        yield f"\nTaken and ignored: {', '.join(ignored)}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
