"""The page docs/coverage/rest.md: which operations of the contracts run here."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from apim.contracts.operations import TITLES, Operation, operations

MARKS = {
    "done": "runs, and a test calls it and holds its answer against the contract",
    "missing": "does not run; 404 or 405",
    "later": "came after version 4.2; 501 with an error object",
}


def state(operation: Operation) -> str:
    """One of MARKS."""
    if operation.routed():
        return "done"
    return "later" if operation.later else "missing"


def page(head: str) -> str:
    """The whole page below `head`."""
    marked = [(one, state(one)) for one in operations()]
    text = head + "# Operations of the REST contracts\n\n"
    text += "".join(f"- `{name}`: {meaning}.\n" for name, meaning in MARKS.items())
    text += "\n| contract | done | missing | later |\n|---|---|---|---|\n"
    for contract, title in TITLES.items():
        found = [mark for one, mark in marked if one.contract == contract]
        text += f"| {title} | {found.count('done')} | {found.count('missing')} | {found.count('later')} |\n"
    for contract, rows in groupby(marked, key=lambda row: row[0].contract):
        text += f"\n## {TITLES[contract]}\n\n| operation | id | tag | state |\n|---|---|---|---|\n" + _rows(rows)
    return text


def _rows(marked: Iterable[tuple[Operation, str]]) -> str:
    return "".join(
        f"| `{one.method} {one.path}` | {one.name} | {one.tag} | {mark}{f' ({one.later})' if mark == 'later' else ''} |\n"
        for one, mark in marked
    )
