"""The contracts as OpenAPI documents, and what they say of an answer."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from apim.config import ROOT
from apim.contracts.operations import Operation

FOLDER = Path(os.environ.get("APIM_CONTRACTS") or ROOT.parent / "shared" / "specs")
FILES = {
    "publisher": "publisher-api.yaml",
    "devportal": "devportal-api.yaml",
    "admin": "admin-api.yaml",
    "catalog": "service-catalog-api.yaml",
    "gateway": "gateway-api.yaml",
    "governance": "governance-api.yaml",
}

MISTAKES = {
    "devportal GET /apis/{apiId}/subscription-policies": "declared as one policy; the original answers a list of them",
    "getAPISubscriptionPolicies $": "the same",
    "$.supportedApiTypes[]": "declared as objects; its text and example say names, as the original has them",
    "$.list[].supportedApiTypes[]": "the same",
    "$.conditionValue": "declared as an object; its examples and every client of the original send a text for APIs and users",
    "$.list[].conditionValue": "the same",
    "exportTenantConfig $": "declared as a text; the original answers the document itself, which its clients read",
    "$.keyManagers": "declared as an object; its own text, its examples and every client of the original say a list of names",
}
"""Places by JSON path, or operations, where the original and its clients agree with each other and not with the contract."""


class _Loader(yaml.CSafeLoader):
    """Leaves dates in examples as text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def present() -> bool:
    """Whether the contracts are on this machine."""
    return all((FOLDER / name).is_file() for name in FILES.values())


@cache
def document(contract: str) -> dict[str, Any]:
    """A contract."""
    return yaml.load((FOLDER / FILES[contract]).read_text(), _Loader)  # noqa: S506 - built on the safe loader


def faults(operation: Operation, answer: Any) -> list[str]:
    """What of `answer` is against the contract."""
    described = document(operation.contract)["paths"][operation.path][operation.method.lower()]["responses"]
    response = described.get(str(answer.status_code), described.get(answer.status_code))
    if response is None:
        return [f"status {answer.status_code} is none of {', '.join(map(str, described))}"]
    response = _resolved(operation.contract, response)
    content = response.get("content")
    if content is None and "schema" in response:
        # The gateway's contract keeps the form of OpenAPI 2 for its answers.
        return _schema_faults(operation, response["schema"], json.loads(answer.content))
    if not content or operation.method == "HEAD":
        return []
    media = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    if media not in content:
        media = next((name for name in content if name in ("*/*", "application/octet-stream")), media)
    if media not in content:
        return [f"media type {media or 'none'} is none of {', '.join(content)}"]
    schema = content[media].get("schema")
    # A text of JSON media is the text of a document (a definition, AWS's list): the original sends the document itself.
    if schema is None or "json" not in media or schema.get("type") == "string":
        return []
    if f"{operation.contract} {operation.method} {operation.path}" in MISTAKES:
        return []
    return _schema_faults(operation, schema, json.loads(answer.content))


def _schema_faults(operation: Operation, schema: dict[str, Any], value: Any) -> list[str]:
    registry = Registry().with_resource("contract", Resource(document(operation.contract), DRAFT4))
    pointed = _absolute(schema)
    validator = OAS30Validator(pointed, registry=registry, format_checker=oas30_format_checker)
    found = [(error.json_path, error.message[:300]) for error in validator.iter_errors(value)]
    return [f"{path}: {message}" for path, message in found if not _mistaken(operation, path)][:10]


def _mistaken(operation: Operation, path: str) -> bool:
    """Whether the contract itself is wrong there: see MISTAKES."""
    place = re.sub(r"\[\d+\]", "[]", path)
    return place in MISTAKES or f"{operation.key} {place}" in MISTAKES


def _absolute(schema: Any) -> Any:
    """`schema` with its references into the contract, which the registry knows as `contract`."""
    if isinstance(schema, dict):
        return {
            name: f"contract{value}" if name == "$ref" and str(value).startswith("#") else _absolute(value)
            for name, value in schema.items()
        }
    return [_absolute(one) for one in schema] if isinstance(schema, list) else schema


def _resolved(contract: str, value: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        found: Any = document(contract)
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value
