"""Checks a definition against the specification of its version, and names line and JSON pointer of each mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jsonschema.exceptions import ValidationError, best_match
from jsonschema_path import SchemaPath
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from publisher.openapi.reading import Path, Source, Unreadable
from publisher.openapi.references import reference_mistakes
from publisher.openapi.report import Mistake, Report, pointer
from publisher.openapi.suggestions import suggest

MOST_MISTAKES = 50
_VALIDATORS = {"2.0": OpenAPIV2SpecValidator, "3.0": OpenAPIV30SpecValidator, "3.1": OpenAPIV31SpecValidator}
_OPERATION = re.compile(r"'(?P<verb>get|put|post|delete|options|head|patch|trace)'.* in '(?P<target>/[^']*)'")
"""The validator tells the place of a mistake of meaning only in its text."""
_VERSION = re.compile(r"^(2\.0|3\.0|3\.1)(\.\d+)?$")


def validate(text: str) -> Report:
    """Read and check `text`; never raises for what a caller wrote, and fetches nothing."""
    report = Report(text=text)
    try:
        source = Source(text)
    except Unreadable as error:
        report.mistakes.append(Mistake("/", error.line, error.message))
        return report
    if _identify(source, report):
        _check(source, report)
    if report.valid:
        suggest(source, report)
    return report


def _identify(source: Source, report: Report) -> bool:
    document = source.document
    if not isinstance(document, dict):
        report.mistakes.append(
            Mistake("/", 1, "An OpenAPI definition is an object with openapi or swagger, info and paths.")
        )
        return False
    name = "swagger" if "swagger" in document else "openapi"
    found = document.get(name)
    match = _VERSION.match(str(found)) if isinstance(found, str | int | float) else None
    if match is None:
        what = (
            f"{found!r} is not a version we know" if name in document else "The field openapi (or swagger) is missing"
        )
        report.mistakes.append(
            Mistake(pointer((name,)), source.line((name,)), f'{what}; write swagger: "2.0", openapi: 3.0.x or 3.1.x.')
        )
        return False
    report.openapi, report.document = match[0], document
    return True


def _check(source: Source, report: Report) -> None:
    report.mistakes.extend(_mistake(source, *found) for found in reference_mistakes(source.document))
    if report.mistakes:
        # What refers to nothing, or to itself, cannot be checked further.
        return
    for path, message in _specification_mistakes(source.document, report.openapi):
        report.mistakes.append(_mistake(source, path, message))
        if len(report.mistakes) >= MOST_MISTAKES:
            return


def _mistake(source: Source, path: Path, message: str) -> Mistake:
    return Mistake(pointer(path), source.line(path), message)


def _specification_mistakes(document: dict[str, Any], version: str) -> Iterator[tuple[Path, str]]:
    validator = _VALIDATORS[version[:3]]
    errors = validator.schema_validator.iter_errors(document)
    shape = [(_path(error), _message(error)) for error in map(_sharpest, errors)]
    yield from dict.fromkeys(shape)
    if shape:
        # The checks of meaning below expect a document of the right shape.
        return
    try:
        # No handler for any scheme: a reference that slipped through cannot be fetched.
        checked = validator(SchemaPath.from_dict(document, handlers={}))
        yield from dict.fromkeys((_path(error), _message(error)) for error in checked.iter_errors())
    except RecursionError:
        yield (), "The definition refers to itself without end."


def _sharpest(error: ValidationError) -> ValidationError:
    """The most telling of the errors below a failed oneOf or anyOf."""
    return best_match([error]) if error.context else error


def _path(error: ValidationError) -> Path:
    path = tuple(error.absolute_path)
    match = None if path else _OPERATION.search(str(error.message))
    return ("paths", match["target"], match["verb"]) if match else path


def _message(error: ValidationError) -> str:
    text = str(error.message)
    if error.validator in ("type", "enum", "const") and isinstance(error.instance, int | float):
        text += ". Write it in quotes if it is meant as text"
    return text if len(text) <= 300 else text[:140] + " … " + text[-140:]
