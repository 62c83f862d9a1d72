"""`Policies/`: the operation policies in an API's flows, with their definitions; those that ship with the product stay out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from apim.accounts.models import User
from publisher.actions.policies import add_policy, change_policy
from publisher.archive import texts
from publisher.archive.design import Design
from publisher.archive.texts import within
from publisher.archive.tree import Tree
from publisher.checks import Problems
from publisher.models import Api, OperationPolicy
from publisher.policies import specification
from publisher.policies.archive import CHOREO, SYNAPSE, TYPE

FOLDER = "Policies"
_SEQUENCES = {"IN": "request", "OUT": "response", "FAULT": "fault"}
_BODY = re.compile(r"^\s*(?:<\?xml[^>]*\?>\s*)?<(?:\w+:)?sequence\b[^>]*>(.*)</(?:\w+:)?sequence>\s*$", re.DOTALL)


def write(tree: Tree, seen: Design, form: str) -> None:
    """Add the policies that the design names, each once, and the API's own ones whether used or not."""
    api = seen.api
    rows = OperationPolicy.objects.filter(organisation=api.organisation_id, shipped=False)
    common = {(one.name, one.version): one for one in rows.filter(api=None)}
    own = {(one.name, one.version): one for one in rows.filter(api=api.pk)}
    named = {(use["name"], use.get("version", "v1")) for use in uses(seen.snapshot)}
    found = {key: row for key, row in common.items() if key in named} | own
    for (name, version), row in sorted(found.items()):
        stem = f"{FOLDER}/{name}_{version}"
        texts.put(tree, stem, TYPE, row.specification, form)
        if row.definition:
            tree.put(stem + SYNAPSE, row.definition)
        if row.cc_definition:
            tree.put(stem + CHOREO, row.cc_definition)


def uses(snapshot: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every use of a policy in a design."""
    for flows in (snapshot.get("flows"), *(one.get("flows") for one in snapshot["operations"])):
        for listed in (flows or {}).values():
            yield from listed


def apply(*, by: User, api: Api, tree: Tree) -> None:
    """Give `api` the archive's policies. One that is the organisation's common one to the letter needs nothing.

    Raises Invalid naming file and field.
    """
    stems = sorted(
        {_stem(path) for path in tree.files if path.startswith(f"{FOLDER}/") and path.endswith(texts.ENDINGS)}
    )
    for stem in stems:
        path = tree.first(*texts.names(stem))
        with within(path):
            _apply(by, api, tree, stem, path)


def _apply(by: User, api: Api, tree: Tree, stem: str, path: str) -> None:
    spec = texts.mapping(tree, path, TYPE)
    problems = Problems()
    checked = specification.check(problems, spec)
    problems.raise_any()
    held = {
        "definition": _held(tree, stem, (SYNAPSE, ".xml")),
        "cc_definition": _held(tree, stem, (CHOREO,)),
    }
    key = {"organisation": api.organisation_id, "name": checked["name"], "version": checked["version"]}
    wanted = (checked, held["definition"], held["cc_definition"])
    common = OperationPolicy.objects.filter(**key, api=None).first()
    if common is not None and (_value(common) == wanted or (common.shipped and not any(held.values()))):
        return
    own = OperationPolicy.objects.filter(**key, api=api).first()
    if own is None:
        add_policy(by=by, spec=json.dumps(spec), api=api, **held)
    elif _value(own) != wanted:
        change_policy(by=by, policy=own, spec=json.dumps(spec), **held)


def sequences(*, by: User, api: Api, tree: Tree, named: Any) -> dict[str, list[dict[str, Any]]]:
    """The flows that stand for `mediationPolicies` of versions before 4.1; each sequence becomes a policy of the API."""
    flows: dict[str, list[dict[str, Any]]] = {}
    for one in named if isinstance(named, list) else ():
        flow = _SEQUENCES.get(str(one.get("type")).upper()) if isinstance(one, dict) else None
        if flow is None or not one.get("name"):
            continue
        folder = f"Sequences/{one['type'].lower()}-sequence"
        path = tree.first(f"{folder}/{one['name']}.xml", f"{folder}/Custom/{one['name']}.xml")
        if not path:
            continue
        name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{flow}_{one['name']}")[:100]
        body = _BODY.match(tree.text(path))
        spec = {"name": name, "version": "v1", "applicableFlows": [flow], "supportedApiTypes": [api.kind]}
        with within(path):
            if not OperationPolicy.objects.filter(api=api, name=name, version="v1").exists():
                definition = body[1].strip() if body else tree.text(path)
                add_policy(by=by, api=api, spec=json.dumps(spec), definition=definition)
        flows.setdefault(flow, []).append({"name": name, "version": "v1", "parameters": {}})
    return flows


def _stem(path: str) -> str:
    return path.rpartition(".")[0]


def _held(tree: Tree, stem: str, endings: tuple[str, ...]) -> str:
    path = tree.first(*(stem + ending for ending in endings))
    return tree.text(path) if path else ""


def _value(row: OperationPolicy) -> tuple[dict[str, Any], str, str]:
    return row.specification, row.definition, row.cc_definition
