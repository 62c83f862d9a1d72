"""GraphQL schemas in SDL: what is wrong with one, which operations it offers, which fields it has."""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    build_ast_schema,
    parse,
    validate_schema,
)
from graphql.validation.validate import validate_sdl

from apim.errors import FieldError
from publisher.checks.basics import storable
from publisher.errors import BadDefinition
from publisher.openapi.report import Mistake, Report

MAX_BYTES = 5 * 1024 * 1024
MAX_TOKENS = 500_000
MOST_MISTAKES = 50
KINDS = (OperationType.QUERY, OperationType.MUTATION, OperationType.SUBSCRIPTION)


class BadSchema(BadDefinition):
    """The text is no GraphQL schema that we can take; `fields` name the places."""

    message = "The GraphQL schema is not valid"


def check(text: str) -> Report:
    """The report on an SDL text. Its `suggestion` holds the operations; it never raises for what the text holds."""
    report = Report(text, openapi="GraphQL")
    if len(text.encode("utf-8", "replace")) > MAX_BYTES or not storable(text):
        report.mistakes.append(
            Mistake("", 0, f"Larger than {MAX_BYTES // 1024 // 1024} MB, or not valid Unicode text.")
        )
        return report
    try:
        document = parse(text, max_tokens=MAX_TOKENS)
        report.mistakes += [_mistake(error) for error in validate_sdl(document) if not _unknown_directive(error)]
        if report.valid:
            _build(report, document)
    except GraphQLError as error:
        report.mistakes.append(_mistake(error))
    except (RecursionError, TypeError) as error:
        report.mistakes.append(Mistake("", 0, f"The schema cannot be read: {str(error)[:300]}"))
    del report.mistakes[MOST_MISTAKES:]
    return report


def valid(text: str) -> Report:
    """The report on a text that must be a schema. Raises BadSchema naming every mistake with line and column."""
    report = check(text)
    if report.mistakes:
        errors = [FieldError(one.place, one.message) for one in report.mistakes]
        raise BadSchema(f"{errors[0].field}: {errors[0].message}", errors)
    return report


def types(text: str) -> list[dict[str, Any]]:
    """Object types of a schema that was checked, each `{"type", "fields"}`, root types first."""
    schema = build_ast_schema(parse(text, max_tokens=MAX_TOKENS), assume_valid_sdl=True)
    roots = {root.name for kind in KINDS if (root := schema.get_root_type(kind))}
    found = [
        {"type": name, "fields": sorted(one.fields)}
        for name, one in schema.type_map.items()
        if isinstance(one, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__")
    ]
    return sorted(found, key=lambda one: (one["type"] not in roots, one["type"]))


def _build(report: Report, document: DocumentNode) -> None:
    schema = build_ast_schema(document, assume_valid_sdl=True)
    report.mistakes += [_mistake(error) for error in validate_schema(schema)]
    if report.valid:
        report.suggestion = {"operations": _operations(schema)}


def _operations(schema: GraphQLSchema) -> list[dict[str, Any]]:
    """One for each field of the root types."""
    found = []
    for kind in KINDS:
        root = schema.get_root_type(kind)
        names = root.fields if root is not None else ()
        found += [{"verb": kind.value.upper(), "target": name} for name in names]
    return found


def _unknown_directive(error: GraphQLError) -> bool:
    """Schemas of federations and tools use directives that they do not define; they change nothing for callers."""
    return error.message.startswith("Unknown directive")


def _mistake(error: GraphQLError) -> Mistake:
    places = error.locations or []
    if not places:
        return Mistake("", 0, error.message)
    return Mistake(f"column {places[0].column}", places[0].line, error.message)
