"""Service-catalog metadata beside artifacts: pairs of NAME_metadata.yaml and NAME_swagger.yaml (reference 1.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from integrator.engine.deployment import Metadata

_NAME = re.compile(r"(?P<name>.+?)(?P<proxy>_proxy)?_(?P<kind>metadata|swagger)(?:[-_][\w.-]*)?\.ya?ml\Z")


def pairs(files: Mapping[str, str]) -> list[Metadata]:
    """Metadata of each service by file name, with its definition when there is one."""
    definitions = definitions_of(files)
    found = []
    for file, text in files.items():
        match = _NAME.match(file)
        if match and match["kind"] == "metadata":
            found.append(Metadata(match["name"], text, definitions.get(match["name"], "")))
    return found


def definitions_of(files: Mapping[str, str]) -> dict[str, str]:
    """OpenAPI text by service name."""
    return {
        match["name"]: text
        for file, text in files.items()
        if (match := _NAME.match(file)) and match["kind"] == "swagger"
    }
