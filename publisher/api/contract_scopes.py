"""Which scopes open an operation of the publisher's contract to bearers of tokens, from `contract_scopes.tsv`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("contract_scopes.tsv")
_PARAMETER = re.compile(r"<[^>]*>|\{[^}]*\}")


def scopes_of(method: str, route: str) -> tuple[str, ...] | None:
    """The scopes, one of which is needed; None for what is no operation of the contract.

    `route` is a Django route or a path of the contract; a HEAD that the contract does not have is a GET.
    """
    path = _PARAMETER.sub("{}", route.rpartition("publisher/v4/")[2].strip("/^$"))
    found = _table().get((method, path))
    return _table().get(("GET", path)) if found is None and method == "HEAD" else found


@cache
def _table() -> dict[tuple[str, str], tuple[str, ...]]:
    rows = [line.split("\t") for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    return {(method, path): tuple(scopes.split()) for method, path, scopes in rows}
