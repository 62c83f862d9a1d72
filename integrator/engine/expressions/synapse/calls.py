"""Calls in `${…}` expressions: the functions, and those whose arguments are looked at when they are compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrator.engine.expressions.jsonpath import MISSING
from integrator.engine.expressions.synapse import roots
from integrator.engine.expressions.synapse.functions import FUNCTIONS
from integrator.engine.expressions.synapse.tokens import Token, token_at, unquoted
from integrator.engine.expressions.synapse.values import Compiled, Empty, is_nodes
from integrator.engine.message import Message

if TYPE_CHECKING:
    from integrator.engine.expressions.synapse.parser import Parser

SPECIAL = ("xpath", "registry", "secret", "wso2-vault", "hashicorp-vault", "exists")


def call(parser: Parser, name: Token) -> Compiled:
    """A call of a function, with the path behind it. Raises SynapseError for a wrong name or number of arguments."""
    found = FUNCTIONS.get(name.text)
    if found is None:
        known = ", ".join(sorted((*FUNCTIONS, *SPECIAL)))
        raise parser.fail(f"unknown function {name.text!r}; known are {known}", name)
    least, most, function = found
    given = arguments(parser, name, least, most)
    return parser.behind(lambda message, item: function(*(argument(message, item) for argument in given)))


def arguments(parser: Parser, name: Token, least: int, most: int) -> list[Compiled]:
    """Arguments in brackets."""
    parser.need("(")
    found: list[Compiled] = []
    while not parser.at(")"):
        if found:
            parser.need(",")
        found.append(parser.expression())
    parser.need(")")
    if not least <= len(found) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise parser.fail(f"function {name.text!r} takes {wanted} arguments, not {len(found)}", name)
    return found


def special(parser: Parser, name: Token) -> Compiled | None:
    """A call that is more than a function of values; None for the others."""
    if name.text == "xpath":
        return _xpath(parser, name)
    if name.text == "registry":
        return _registry(parser, name)
    if name.text in ("secret", "wso2-vault"):
        given = arguments(parser, name, 1, 2)
        return lambda message, item: roots.secret(message, *(argument(message, item) for argument in given))
    if name.text == "hashicorp-vault":
        raise parser.fail(
            "hashicorp-vault: there is no such vault here; use secret(alias) or secret(alias, 'ENV')", name
        )
    return _exists(parser) if name.text == "exists" else None


def _literal(parser: Parser, what: str) -> str:
    token = parser.next()
    if token.kind != "string":
        raise parser.fail(f"{what} must be a text in quotes", token)
    return unquoted(token.text)


def _xpath(parser: Parser, name: Token) -> Compiled:
    parser.need("(")
    place = parser.token
    text = _literal(parser, "the path of xpath")
    variable = _literal(parser, "the variable's name") if parser.take(",") else ""
    parser.need(")")
    try:
        path = parser.xml(text)
    except ValueError as error:
        raise parser.fail(str(error), place) from error
    if not variable:
        parser.reads_content = parser.reads_content or path.reads_content
        return lambda message, item: _result(path.value(message))

    def on_variable(message: Message, item: Any) -> Any:
        held = roots.NAMED["vars"](message, variable)
        node = held[0] if isinstance(held, list) and held else held
        if not hasattr(node, "tag") or not hasattr(path, "on"):
            raise Empty("the variable holds no XML")
        return _result(path.on(message, node))

    return on_variable


def _result(value: Any) -> Any:
    if value is None or value == []:
        return MISSING
    if isinstance(value, list) and not is_nodes(value):
        return "".join(str(part) for part in value)
    return value


def _registry(parser: Parser, name: Token) -> Compiled:
    (key,) = arguments(parser, name, 1, 1)
    if parser.at("."):
        here = parser.token
        parser.next()
        if parser.at("property"):
            word = parser.next()
            if parser.at("("):
                (property_name,) = arguments(parser, word, 1, 1)
                return lambda message, item: roots.resource_property(
                    message, key(message, item), property_name(message, item)
                )
        parser.token = here
    if parser.at(".", "[", ".."):
        return parser.behind(lambda message, item: roots.resource_json(message, key(message, item)))
    return lambda message, item: roots.resource(message, key(message, item))


def _exists(parser: Parser) -> Compiled:
    """exists(vars.a), and exists('vars.a') which the original's examples write."""
    from integrator.engine.expressions.synapse.parser import Parser as Inner  # noqa: PLC0415  (the two need each other)

    parser.need("(")
    token = parser.token
    if token.kind == "string" and token_at(parser.text, token.end).text == ")":
        text = unquoted(token.text)
        if text.startswith(roots.ROOTS):
            inner = Inner(text, 0, parser.xml)
            value = inner.whole("")
            parser.reads_content = parser.reads_content or inner.reads_content
            parser.next()
            parser.need(")")
            return _is_there(value)
    value = parser.expression()
    parser.need(")")
    return _is_there(value)


def _is_there(value: Compiled) -> Compiled:
    def there(message: Message, item: Any) -> bool:
        try:
            found = value(message, item)
        except Empty:
            return False
        return found is not MISSING and found is not None

    return there
