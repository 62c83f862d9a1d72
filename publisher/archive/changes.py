"""What an import changes, file by file and field by field: the archives of before and after, compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from publisher.archive import texts
from publisher.archive.tree import Tree

ADDED, CHANGED, REMOVED = "added", "changed", "removed"
MOST = 500
LONGEST = 200
_OWN = frozenset(
    {
        "id",
        "apiId",
        "policyId",
        "documentId",
        "createdTime",
        "lastUpdatedTime",
        "lastUpdatedTimestamp",
        "updatedTime",
        "usedProductIds",
        "x-apim",
        "api_meta",
    }
)
"""Fields that differ from row to row and say nothing of the design."""


@dataclass(frozen=True)
class Change:
    """One difference. `field` is empty for a file as a whole; values are short texts for people."""

    kind: str
    file: str
    field: str = ""
    before: str = ""
    after: str = ""

    def row(self) -> dict[str, str]:
        """For JSON."""
        return {"change": self.kind, "file": self.file, "field": self.field, "before": self.before, "after": self.after}


def between(before: Tree, after: Tree) -> list[Change]:
    """The differences, at most MOST; those beyond are counted in the last one."""
    found = []
    for path in sorted(before.files.keys() | after.files.keys()):
        found += _of_file(path, before.files.get(path), after.files.get(path))
    if len(found) > MOST:
        found[MOST:] = [Change(CHANGED, f"{len(found) - MOST} more")]
    return found


def normalised(tree: Tree) -> dict[str, Any]:
    """The files of an archive without what differs from row to row: two of them are equal when the designs are."""
    return {
        path: dict(_leaves(plain)) if (plain := _plain(path, content)) is not None else content
        for path, content in tree.files.items()
    }


def _of_file(path: str, before: bytes | None, after: bytes | None) -> Iterator[Change]:
    if before == after:
        return
    first, second = _plain(path, before), _plain(path, after)
    if first is None and second is None:
        kind = ADDED if before is None else REMOVED if after is None else CHANGED
        sizes = [f"{len(one)} bytes" if one is not None else "" for one in (before, after)]
        yield Change(kind, path, "", *sizes)
        return
    left, right = (dict(_leaves(one)) if one is not None else {} for one in (first, second))
    for field in [*left, *(name for name in right if name not in left)]:
        if left.get(field, _MISSING) != right.get(field, _MISSING):
            kind = ADDED if field not in left else REMOVED if field not in right else CHANGED
            yield Change(kind, path, field, _shown(left, field), _shown(right, field))


_MISSING = object()


def _plain(path: str, content: bytes | None) -> Any:
    """The data of a described file; None for others: definitions are compared as texts."""
    if content is None or path.startswith("Definitions/swagger") or not path.endswith(texts.ENDINGS):
        return None
    if path.rpartition("/")[2].startswith(("asyncapi.", "swagger.", "schema.")):
        return None
    return texts.data(Tree({path: content}), path, *_TYPES)


_TYPES = (
    "api",
    "api_product",
    "deployment_environments",
    "document",
    "graphql-complexity",
    "operation_policy_specification",
    "endpoint_certificates",
    "client_certificates",
    "application",
)


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in _OWN:
                yield from _leaves(item, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{place}[{_name(item, number)}]")
    else:
        yield place, value


def _name(item: Any, number: int) -> str:
    """Operations, policies and the like are told apart by what they are called, so that a new one moves no other."""
    if not isinstance(item, dict):
        return str(number)
    if item.get("verb") and item.get("target"):
        return f"{item['verb']} {item['target']}"
    scope = item.get("scope")
    if isinstance(scope, dict) and scope.get("name"):
        return str(scope["name"])
    for name in ("name", "alias", "deploymentEnvironment"):
        if item.get(name):
            return f"{item[name]} {item['version']}" if item.get("version") else str(item[name])
    return str(number)


def _shown(leaves: dict[str, Any], field: str) -> str:
    if field not in leaves:
        return ""
    value = leaves[field]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
