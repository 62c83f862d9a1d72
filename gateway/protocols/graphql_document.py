"""GraphQL documents: parsed and validated within bounds, remembered, and measured – root fields, depth, complexity.

Everything a caller can make expensive is bounded before it is done: tokens before parsing, repeated fields before validation
(whose rule on overlapping fields takes the square of their number), fragments are measured once however often they are spread.
"""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    build_ast_schema,
    get_named_type,
    parse,
    validate,
)

from gateway.schema import Complexity

SLICES = frozenset({"first", "last", "limit"})
"""Arguments that say how many items a list has: they multiply the cost of what is below."""

MOST_OVERLAP = 100_000
"""Sum of the squares of how often each name is selected: what validation compares at worst."""

MOST_DIGITS = 30
"""Characters of a number that was sent as text."""

LARGEST_KEPT = 32_768
"""Characters of a document that is remembered; larger ones are parsed each time."""

Variables = Mapping[str, Any]


class InvalidQuery(Exception):
    """The document cannot be run; the text says why."""


def read_schema(definition: str) -> GraphQLSchema:
    """The schema of an SDL text. Raises ValueError saying what is wrong with it, and where."""
    try:
        schema = build_ast_schema(parse(definition, no_location=True), assume_valid_sdl=True)
    except (GraphQLError, TypeError, RecursionError) as error:
        raise ValueError(f"definition: not a GraphQL schema: {error}") from error
    if schema.query_type is None:
        raise ValueError("definition: the GraphQL schema has no type Query")
    return schema


@dataclass(frozen=True, slots=True)
class Measure:
    """How deep a selection goes, and what it costs."""

    depth: int
    cost: int


class Document:
    """A valid document of one schema."""

    def __init__(self, schema: GraphQLSchema, costs: Mapping[tuple[str, str], int], node: DocumentNode) -> None:
        self.schema = schema
        self.costs = costs
        self.operations: dict[str, OperationDefinitionNode] = {}
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        for definition in node.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self.operations[definition.name.value if definition.name else ""] = definition
            elif isinstance(definition, FragmentDefinitionNode):
                self.fragments[definition.name.value] = definition

    def operation(self, name: str) -> OperationDefinitionNode:
        """The operation that a call runs. Raises InvalidQuery when it is not said which, or there is none of that name."""
        if name:
            if name not in self.operations:
                raise InvalidQuery(f"Unknown operation named {name[:100]!r}.")
            return self.operations[name]
        if len(self.operations) != 1:
            raise InvalidQuery("Must provide an operation.")
        return next(iter(self.operations.values()))

    def roots(self, operation: OperationDefinitionNode, variables: Variables) -> list[str]:
        """Names of the root fields that are run, fragments followed, `@skip` and `@include` heeded; aliases do not matter."""
        values = self.values(operation, variables)
        found: dict[str, None] = {}
        seen: set[str] = set()
        waiting = [operation.selection_set]
        while waiting:
            for selection in waiting.pop().selections:
                if not _included(selection, values):
                    continue
                if isinstance(selection, FieldNode):
                    found[selection.name.value] = None
                elif isinstance(selection, InlineFragmentNode):
                    waiting.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in seen:
                    seen.add(selection.name.value)
                    waiting.append(self.fragments[selection.name.value].selection_set)
        return list(found)

    def values(self, operation: OperationDefinitionNode, variables: Variables) -> dict[str, Any]:
        """The variables of a call with the defaults of those it does not give."""
        found = {}
        for definition in operation.variable_definitions or ():
            name = definition.variable.name.value
            if name in variables:
                found[name] = variables[name]
            elif definition.default_value is not None:
                found[name] = _literal(definition.default_value)
        return found

    def measure(self, operation: OperationDefinitionNode, variables: Variables) -> Measure:
        """Depth and complexity of an operation; introspection costs nothing."""
        root = self.schema.get_root_type(operation.operation)
        return _Measuring(self, self.values(operation, variables)).selection(operation.selection_set, root)


class _Measuring:
    """One measurement: a field costs its slices times (its own cost and what is below it), as in the original."""

    def __init__(self, document: Document, values: dict[str, Any]) -> None:
        self.document = document
        self.values = values
        self.fragments: dict[str, Measure] = {}

    def selection(self, node: SelectionSetNode | None, parent: GraphQLNamedType | None) -> Measure:
        depth = cost = 0
        for selection in node.selections if node else ():
            if _included(selection, self.values):
                part = self.part(selection, parent)
                depth, cost = max(depth, part.depth), cost + part.cost
        return Measure(depth, cost)

    def part(self, node: Node, parent: GraphQLNamedType | None) -> Measure:
        if isinstance(node, FieldNode):
            return self.field(node, parent)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            return self.selection(node.selection_set, self.type(condition.name.value) if condition else parent)
        assert isinstance(node, FragmentSpreadNode)
        name = node.name.value
        if name not in self.fragments:
            fragment = self.document.fragments[name]
            self.fragments[name] = self.selection(fragment.selection_set, self.type(fragment.type_condition.name.value))
        return self.fragments[name]

    def field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Measure:
        name = node.name.value
        if name.startswith("__"):
            return Measure(0, 0)
        definition = getattr(parent, "fields", {}).get(name)
        below = self.selection(node.selection_set, get_named_type(definition.type) if definition else None)
        own = self.document.costs.get((parent.name if parent else "", name), 1)
        return Measure(below.depth + 1, self.slices(node) * (own + below.cost))

    def slices(self, node: FieldNode) -> int:
        """The values of slicing arguments and 1 for every other one, added up, as the original does; never less than 1."""
        total = 0
        for argument in node.arguments or ():
            total += self.number(argument.value) if argument.name.value.lower() in SLICES else 1
        return max(total, 1)

    def number(self, node: ValueNode) -> int:
        value = self.values.get(node.name.value) if isinstance(node, VariableNode) else _literal(node)
        return value if type(value) is int and value > 0 else _coerced(value)

    def type(self, name: str) -> GraphQLNamedType | None:
        return self.document.schema.type_map.get(name)


class Documents:
    """The documents of one API, the newest used remembered. `tokens`: the most a document may have."""

    def __init__(self, schema: GraphQLSchema, costs: tuple[Complexity, ...], tokens: int, kept: int) -> None:
        self.schema = schema
        self.costs = {(one.type, one.field): one.value for one in costs}
        self.tokens = tokens
        self.kept = kept
        self._known: OrderedDict[str, Document | InvalidQuery] = OrderedDict()

    def get(self, text: str) -> Document:
        """The document of a query text. Raises InvalidQuery with the first thing that is wrong with it."""
        found = self._known.get(text)
        if found is None:
            try:
                found = self._read(text)
            except InvalidQuery as error:
                found = error
            if len(text) <= LARGEST_KEPT:
                self._known[text] = found
                if len(self._known) > self.kept:
                    self._known.popitem(last=False)
        else:
            self._known.move_to_end(text)
        if isinstance(found, InvalidQuery):
            raise InvalidQuery(str(found))
        return found

    def _read(self, text: str) -> Document:
        try:
            node = parse(text, max_tokens=self.tokens)
            _bound(node)
            mistakes = validate(self.schema, node, max_errors=5)
        except GraphQLError as error:
            raise InvalidQuery(_told(error)) from error
        except RecursionError as error:
            raise InvalidQuery("The document is nested too deeply.") from error
        if mistakes:
            raise InvalidQuery(_told(mistakes[0]))
        return Document(self.schema, self.costs, node)


def _told(error: GraphQLError) -> str:
    places = ", ".join(f"line {place.line} column {place.column}" for place in error.locations or ())
    message = error.message[:500]
    return f"{message} ({places})" if places else message


def _bound(node: DocumentNode) -> None:
    """Raises InvalidQuery for documents whose validation would take too long."""
    names: Tally[str] = Tally()
    for selection in _selections(node):
        if isinstance(selection, FieldNode):
            names[(selection.alias or selection.name).value] += 1
        elif isinstance(selection, FragmentSpreadNode):
            names[f"...{selection.name.value}"] += 1
    if sum(count * count for count in names.values()) > MOST_OVERLAP:
        raise InvalidQuery("The document selects the same names too often.")


def _selections(node: DocumentNode) -> Iterator[Node]:
    waiting = [found for one in node.definitions if (found := getattr(one, "selection_set", None)) is not None]
    while waiting:
        for selection in waiting.pop().selections:
            yield selection
            below = getattr(selection, "selection_set", None)
            if below is not None:
                waiting.append(below)


def _included(node: Any, values: Mapping[str, Any]) -> bool:
    """Whether `@skip` and `@include` leave a selection in. What cannot be told counts as left in."""
    for directive in node.directives or ():
        name = directive.name.value
        if name not in ("skip", "include") or not directive.arguments:
            continue
        value = directive.arguments[0].value
        if isinstance(value, VariableNode):
            given = values.get(value.name.value)
        else:
            given = _literal(value)
        if given is (name == "skip"):
            return False
    return True


def _coerced(value: Any) -> int:
    """What servers make of a number that was sent as 5000.0, or (some of them) as text; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, float | str) or len(str(value)) > MOST_DIGITS:
        return 0
    try:
        number = float(value)
    except ValueError:
        return 0
    return math.ceil(number) if 0 < number < math.inf else 0


def _literal(node: ValueNode) -> Any:
    """Whole numbers and truth values of a document; None for anything else."""
    if isinstance(node, IntValueNode):
        return int(node.value) if len(node.value) < 20 else 10**19
    return node.value if isinstance(node, BooleanValueNode) else None
