"""Every action leaves an audit row: read from the code, across modules, down to `audit.record`."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.contract.source import files, module_name

ROOMS = ("apim", "catalog", "publisher", "portal", "integrator")
TARGET = ("apim.accounts.audit", "record")

NOT_WRITES = {
    "publisher.actions.access.locked": "locks a row for actions",
    "publisher.actions.access.locked_organisation": "locks a row for actions",
    "publisher.actions.access.open_to": "answers a question",
    "apim.accounts.actions.roles.may_manage": "asks for a permission",
    "apim.keymanager.actions.clients.require_owner": "asks for a permission",
    "apim.traffic.actions.policies.admit": "asks for a permission",
    "apim.traffic.actions.rules.require_platform": "asks for a permission",
    "integrator.actions.nodes.require_platform": "asks for a permission",
    "apim.configuration.actions.alerts.own_bot_alert": "finds a row",
    "apim.keymanager.actions.remote_clients.adopt": "stores nothing; whoever ties the client does",
    "portal.actions.remote_keys.map_existing": "is given the function that stores, which writes the row",
}
"""Functions with `by` in actions modules that change nothing, each with the reason."""


@cache
def module(name: str) -> tuple[dict[str, ast.FunctionDef], dict[str, tuple[str, str]]] | None:
    """Functions of a module by name, and what its imported names stand for: (module, name), name empty for a module."""
    path = Path(*name.split(".")).with_suffix(".py")
    if not path.exists():
        return None
    tree = ast.parse(path.read_text())
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    imported: dict[str, tuple[str, str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                whole = f"{node.module}.{one.name}"
                is_module = Path(*whole.split(".")).with_suffix(".py").exists()
                imported[one.asname or one.name] = (whole, "") if is_module else (node.module, one.name)
    return functions, imported


def references(name: str, function: ast.FunctionDef) -> set[tuple[str, str]]:
    """Functions (module, name) of ours that `function` of module `name` mentions."""
    functions, imported = module(name) or ({}, {})
    found: set[tuple[str, str]] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            where, what = imported[node.value.id]
            if not what:
                found.add((where, node.attr))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            found.add((name, node.attr))
        elif isinstance(node, ast.Name) and node.id in functions:
            found.add((name, node.id))
        elif isinstance(node, ast.Name) and node.id in imported and imported[node.id][1]:
            found.add(imported[node.id])
    return found


def is_audited(name: str, function: str) -> bool:
    """Whether a call of it can reach `audit.record`."""
    waiting, seen = [(name, function)], set()
    while waiting:
        one = waiting.pop()
        if one == TARGET:
            return True
        if one in seen or not one[0].startswith(ROOMS):
            continue
        seen.add(one)
        found = module(one[0])
        if found and one[1] in found[0]:
            waiting.extend(references(one[0], found[0][one[1]]))
    return False


def actions() -> list[tuple[str, str]]:
    """Public functions of actions modules whose first keyword is `by`."""
    found = []
    for path in files():
        name = module_name(path)
        if ".actions." not in f"{name}." or not name.startswith(ROOMS):
            continue
        known = module(name)
        for function, node in (known[0] if known else {}).items():
            named = [one.arg for one in (*node.args.args, *node.args.kwonlyargs)]
            if not function.startswith("_") and "by" in named and f"{name}.{function}" not in NOT_WRITES:
                found.append((name, function))
    return found


def test_there_are_actions() -> None:
    assert len(actions()) > 80


@pytest.mark.parametrize(("name", "function"), actions(), ids=lambda value: value)
def test_every_action_writes_an_audit_row(name: str, function: str) -> None:
    assert is_audited(name, function), f"{name}.{function} never reaches audit.record"


def test_the_search_itself_tells_good_from_bad() -> None:
    assert is_audited("portal.actions.applications", "create_application")
    assert not is_audited("portal.queries", "applications")
