"""House rules that a machine can read from the code: documented, small, and without silent failure."""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

import pytest

from tests.contract.source import ROOT, files, functions, module_name, tree

LONGEST_FILE = 500
LONGEST_FUNCTION = 60


def _length(node: ast.AST) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", [path for path in files() if path.read_text().strip()], ids=module_name)
def test_module_says_why_it_exists(path: Path) -> None:
    assert ast.get_docstring(tree(path)), f"{path}: no module docstring"


@pytest.mark.parametrize("path", files(), ids=module_name)
def test_files_and_functions_stay_small(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST_FILE, f"{path}: {lines} lines"
    long = [node for node in functions(path) if _length(node) > LONGEST_FUNCTION]
    assert not long, "\n".join(f"{path}:{node.lineno} {node.name}: {_length(node)} lines" for node in long)


def test_the_typical_file_and_function_are_small() -> None:
    every = files()
    assert statistics.median(len(path.read_text().splitlines()) for path in every) <= 120
    assert statistics.median(_length(node) for path in every for node in functions(path)) <= 8


@pytest.mark.parametrize("path", files(), ids=module_name)
def test_no_unfinished_work_is_left(path: Path) -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")
    lines = enumerate(path.read_text().splitlines(), 1)
    found = [f"{path}:{number} {line.strip()}" for number, line in lines if marks.search(line)]
    assert not found, "\n".join(found)


def test_public_functions_are_annotated() -> None:
    rooms = files("wire", "gateway") + [p for p in files("integrator") if "engine" in p.parts]
    public = [node for path in rooms for node in functions(path) if not node.name.startswith("_")]
    annotated = [node for node in public if node.returns is not None]
    assert len(annotated) >= 0.95 * len(public), f"{len(annotated)} of {len(public)}"


TEXT = (".py", ".md", ".toml", ".yaml", ".sh", ".xml", ".html", ".txt")
FOREIGN = re.compile(r"/work/(main|shared|\.library)")


def test_nothing_names_this_machine() -> None:
    ours = [path for path in ROOT.rglob("*") if not {".venv", "var", ".git"} & set(path.relative_to(ROOT).parts)]
    texts = [path for path in ours if path.suffix in TEXT and path.is_file() and path != Path(__file__)]
    bad = [str(path) for path in texts if FOREIGN.search(path.read_text(errors="replace"))]
    assert not bad, bad
