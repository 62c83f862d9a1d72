"""Reads the marks: which test proves which id."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
CORPUS = TESTS / "corpus" / "mediation"


def ids() -> list[str]:
    """Every id, in the order of the list."""
    return HERE.joinpath("ids.txt").read_text().split()


def reasons() -> list[tuple[str, str]]:
    """Patterns of ids and why they are missing; the first that fits counts."""
    lines = HERE.joinpath("reasons.tsv").read_text().splitlines()
    return [tuple(line.split("\t", 1)) for line in lines if line and not line.startswith("#")]  # type: ignore[misc]


def reason(name: str) -> str:
    """Why `name` is missing; empty when nobody said."""
    return next((why for pattern, why in reasons() if fnmatchcase(name, pattern)), "")


def proofs() -> dict[str, str]:
    """Id → the test that proves it: a path below tests/, with the function or the case's number."""
    found: dict[str, str] = {}
    for name, where in [*_of_corpus(), *_of_functions()]:
        found.setdefault(name, where)
    return found


def _of_corpus() -> Iterator[tuple[str, str]]:
    for file in sorted(CORPUS.rglob("*.yaml")):
        for number, case in enumerate(yaml.safe_load_all(file.read_text()), 1):
            for name in (case or {}).get("covers", []):
                yield name, f"{file.relative_to(TESTS)}#{number}"


def _of_functions() -> Iterator[tuple[str, str]]:
    for file in sorted(TESTS.rglob("test_*.py")):
        text = file.read_text()
        if "covers(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for name in _marked(node):
                    yield name, f"{file.relative_to(TESTS)}::{node.name}"


def _marked(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "covers":
            yield from (one.value for one in mark.args if isinstance(one, ast.Constant))
