"""Policies as archives: a folder `name_version` with the specification and the definitions, as the original's tools use."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

import yaml

from apim.errors import FieldError, Invalid
from publisher.archive.tree import unpack
from publisher.models import OperationPolicy

MOST_BYTES = 2_000_000
MOST_FILES = 20
TYPE, VERSION = "operation_policy_specification", "v4.2.0"
SYNAPSE, CHOREO = ".j2", ".gotmpl"


def write(policy: OperationPolicy, form: str = "YAML") -> tuple[str, bytes]:
    """File name and bytes of the archive. `form` of the specification: JSON or YAML."""
    name = f"{policy.name}_{policy.version}"
    wrapped = {"type": TYPE, "version": VERSION, "data": policy.specification}
    files = {}
    if form.upper() == "JSON":
        files[f"{name}.json"] = json.dumps(wrapped, indent=2, ensure_ascii=False)
    else:
        files[f"{name}.yaml"] = yaml.safe_dump(wrapped, sort_keys=False, allow_unicode=True)
    if policy.definition:
        files[f"{name}{SYNAPSE}"] = policy.definition
    if policy.cc_definition:
        files[f"{name}{CHOREO}"] = policy.cc_definition
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, text in files.items():
            archive.writestr(f"{name}/{file}", text)
    return f"{name}.zip", held.getvalue()


def read(data: bytes) -> dict[str, str]:
    """Texts of an archive: `specification`, `definition`, `cc_definition`. Raises Invalid."""
    found = {"specification": "", "definition": "", "cc_definition": ""}
    tree = unpack(data)
    if len(tree.files) > MOST_FILES or sum(map(len, tree.files.values())) > MOST_BYTES:
        raise _wrong(f"has more than {MOST_FILES} files or {MOST_BYTES} bytes")
    for path in tree.files:
        place = _place(path)
        if place:
            found[place] = tree.text(path)
    if not found["specification"]:
        raise _wrong("has no specification (.json or .yaml)")
    return found


def _place(name: str) -> str:
    lower = name.lower()
    if lower.endswith((".json", ".yaml", ".yml")):
        return "specification"
    return "definition" if lower.endswith(SYNAPSE) else "cc_definition" if lower.endswith(CHOREO) else ""


def _wrong(text: str) -> Invalid:
    return Invalid(f"file: The archive {text}.", [FieldError("file", f"The archive {text}.")])


def digest(policy: OperationPolicy) -> str:
    """A mark of the policy's content, as the contract wants it."""
    held: Any = [policy.specification, policy.definition, policy.cc_definition]
    return hashlib.md5(json.dumps(held, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
