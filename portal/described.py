"""GraphQL and SOAP APIs for callers: the schema, the WSDL with the gateway's address, lines to paste."""

from __future__ import annotations

import json
import shlex

from graphql import (
    GraphQLInputType,
    GraphQLSchema,
    build_ast_schema,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
    parse,
)

from portal.addresses import Address
from publisher.models import Api, Operation
from publisher.wsdl.about import readdressed
from publisher.wsdl.bundle import Bundle, load

EXAMPLES = {"Int": "1", "Float": "1.0", "Boolean": "true"}
"""Values of required arguments in an example; everything else is text."""


def call_line(api: Api, places: list[Address], token: str) -> str:
    """A line that asks a GraphQL API for its first field, or sends a SOAP message from a file."""
    url, operation = shlex.quote(places[0].urls[0]), api.operations.first()
    header = f'-H "{api.authorization_header or "Authorization"}: Bearer {token}" '
    header = "" if operation and operation.auth == "none" else header
    if api.kind == "GRAPHQL":
        body = shlex.quote(json.dumps({"query": example(api)}))
        return f"curl -k {header}-H 'Content-Type: application/json' -d {body} {url}"
    return f"curl -k {header}-H 'Content-Type: text/xml' -H 'SOAPAction: \"\"' --data-binary @request.xml {url}"


def example(api: Api) -> str:
    """A query that runs: the first field, with its required arguments and the simple fields below it."""
    operation = api.operations.filter(verb="QUERY").first() or api.operations.first()
    if operation is None:
        return "{ __typename }"
    schema = build_ast_schema(parse(api.definition), assume_valid_sdl=True)
    return f"{operation.verb.lower()} {{ {_field(schema, operation)} }}"


def _field(schema: GraphQLSchema, operation: Operation) -> str:
    root = {"QUERY": schema.query_type, "MUTATION": schema.mutation_type}.get(operation.verb, schema.subscription_type)
    field = root.fields.get(operation.target) if root else None
    if field is None:
        return operation.target
    given = [f"{name}: {_value(one.type)}" for name, one in field.args.items() if is_non_null_type(one.type)]
    text = operation.target + (f"({', '.join(given)})" if given else "")
    below = getattr(get_named_type(field.type), "fields", None)
    if below is None:
        return text
    simple = [name for name, one in below.items() if is_leaf_type(get_named_type(one.type)) and not one.args][:5]
    return f"{text} {{ {' '.join(simple) or '__typename'} }}"


def _value(kind: GraphQLInputType) -> str:
    return EXAMPLES.get(get_named_type(kind).name, '"1"')


def wsdl(api: Api, places: list[Address]) -> Bundle:
    """The WSDL with the gateway's address; as it was given when no gateway runs the API."""
    urls = [url for place in places for url in place.urls]
    return readdressed(api.wsdl, urls[0]) if urls else load(api.wsdl)
