"""The page docs/coverage/integration.md, and what is wrong with the marks."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from tests.integrator.coverage.marks import ids, proofs, reason

PAGE = Path(__file__).parents[3] / "docs" / "coverage" / "integration.md"
HEAD = "<!-- Made by `make docs` from the tests. Changes here are lost. -->\n\n# Elements of the artifact language\n\n"


def page() -> str:
    """The whole page."""
    proved = proofs()
    names = ids()
    done = sum(name in proved for name in names)
    text = HEAD + f"{done} of {len(names)} run here: `done` names the test that proves it, `missing` the reason.\n"
    text += "\n| group | done | missing |\n|---|---|---|\n"
    groups = [(group, list(members)) for group, members in groupby(sorted(names, key=_group), key=_group)]
    for group, members in groups:
        count = sum(name in proved for name in members)
        text += f"| {group} | {count} | {len(members) - count} |\n"
    for group, members in groups:
        text += f"\n## {group}\n\n| id | state | test or reason |\n|---|---|---|\n"
        text += "".join(f"| `{name}` | {_state(name, proved)} |\n" for name in members)
    return text


def _group(name: str) -> str:
    first, _, rest = name.partition(".")
    return f"{first}.{rest.partition('.')[0]}" if first == "mediator" else first


def _state(name: str, proved: dict[str, str]) -> str:
    return f"done | `{proved[name]}`" if name in proved else f"missing | {reason(name)}"


def mistakes() -> list[str]:
    """What is wrong with marks and reasons, one sentence each."""
    known, proved = set(ids()), proofs()
    wrong = [
        f"{where} says that it covers {name}, which ids.txt does not have"
        for name, where in proved.items()
        if name not in known
    ]
    return wrong + [
        f"{name} has neither a test nor a reason" for name in known if name not in proved and not reason(name)
    ]
