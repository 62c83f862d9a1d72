"""FreeMarker templates, a documented subset (docs/mediators.md): parsed once, evaluated on plain values with no way to Python.

Directives: `#if` `#elseif` `#else`, `#list … as …` (also of hashes), `#sep`, `#assign`, comments.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from integrator.engine.content.freemarker_expressions import (
    Expression,
    Scope,
    TemplateError,
    one_by_one,
    parse_expression,
    shown,
    truth,
)

STEPS, OUTPUT, DEPTH = 250_000, 16 * 1024 * 1024, 50
"""Pieces one rendering may run, characters it may give, and directives that may stand in each other."""

_TOKEN = re.compile(
    r"<#--(?:(?!<#--).)*?-->|<(?P<close>/)?#(?P<name>[a-z]+)(?P<rest>(?:\s(?:[^>\"']|\"[^\"]*\"|'[^']*')*)?)>"
    r"|\$\{(?P<value>(?:[^{}\"']|\"[^\"]*\"|'[^']*')*)\}",
    re.DOTALL,
)
_LIST = re.compile(r"(?P<source>.+)\s+as\s+(?P<item>\w+)(?:\s*,\s*(?P<value>\w+))?\Z", re.DOTALL)
_ASSIGN = re.compile(r"(?P<name>\w+)\s*=(?!=)\s*(?P<value>.+)\Z", re.DOTALL)
_KNOWN = ("if", "elseif", "else", "list", "sep", "assign")


class Output:
    """What a rendering has given so far, within bounds."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.size = self.steps = 0

    def step(self) -> None:
        """Count a piece. Raises TemplateError."""
        self.steps += 1
        if self.steps > STEPS:
            raise TemplateError(f"the template runs more than {STEPS} pieces")

    def add(self, text: str) -> None:
        """Give text. Raises TemplateError."""
        self.size += len(text)
        if self.size > OUTPUT:
            raise TemplateError(f"the template gives more than {OUTPUT} characters")
        self.parts.append(text)


Piece = Callable[[Scope, Output], None]


@dataclass
class Block:
    """An open directive while a template is read."""

    name: str
    rest: str = ""
    pieces: list[Piece] = field(default_factory=list)
    branches: list[tuple[Expression | None, list[Piece]]] = field(default_factory=list)
    otherwise: list[Piece] | None = None


class Template:
    """A parsed template. Raises TemplateError with the line of a mistake."""

    def __init__(self, text: str):
        self.text = text
        self.stack = [Block("")]
        last = 0
        for found in _TOKEN.finditer(text):
            self._text(text[last : found.start()])
            last = found.end()
            try:
                self._token(found)
            except TemplateError as error:
                raise TemplateError(f"line {text.count(chr(10), 0, found.start()) + 1}: {error}") from error
        self._text(text[last:])
        if len(self.stack) > 1:
            raise TemplateError(f"<#{self.stack[-1].name}> is not closed")
        self.pieces = self.stack[0].pieces

    def render(self, values: dict[str, Any]) -> str:
        """The text for these values. Raises TemplateError."""
        out = Output()
        run(self.pieces, Scope(values), out)
        return "".join(out.parts)

    def _text(self, text: str) -> None:
        if "<#" in text or "${" in text:
            raise TemplateError(f"not understood: {text[max(text.find('<#'), text.find('${')) :][:40]!r}")
        if text:
            self.stack[-1].pieces.append(lambda scope, out: out.add(text))

    def _token(self, found: re.Match[str]) -> None:
        if found["value"] is not None:
            value = parse_expression(found["value"])
            self.stack[-1].pieces.append(lambda scope, out: out.add(shown(value(scope))))
        elif found["name"]:
            self._directive(found["name"], (found["rest"] or "").strip(), bool(found["close"]))

    def _directive(self, name: str, rest: str, close: bool) -> None:
        if name not in _KNOWN:
            raise TemplateError(f"<#{name}> is not supported; known are {', '.join(_KNOWN)}")
        block = self.stack[-1]
        if close:
            if name == "sep":
                raise TemplateError("</#sep> is not supported; <#sep> ends with its list")
            self._close(name)
        elif name in ("if", "list"):
            if len(self.stack) > DEPTH:
                raise TemplateError(f"more than {DEPTH} directives in each other")
            self.stack.append(Block(name, rest))
            if name == "if":
                self.stack[-1].branches.append((parse_expression(rest), self.stack[-1].pieces))
        elif name == "assign":
            self._assign(rest)
        elif name == "elseif" and block.name == "if":
            block.pieces = []
            block.branches.append((parse_expression(rest), block.pieces))
        elif name == "else" and block.name == "if":
            block.pieces = []
            block.branches.append((None, block.pieces))
        elif name == "sep" and block.name == "list":
            self.stack.append(Block("sep"))
        else:
            raise TemplateError(f"<#{name}> stands at the wrong place")

    def _assign(self, rest: str) -> None:
        found = _ASSIGN.match(rest)
        if found is None:
            raise TemplateError(f"<#assign {rest}>: NAME = EXPRESSION is expected")
        name, value = found["name"], parse_expression(found["value"])
        self.stack[-1].pieces.append(lambda scope, out: scope.set(name, value(scope)))

    def _close(self, name: str) -> None:
        block = self.stack.pop() if len(self.stack) > 1 else self.stack[0]
        separator: list[Piece] = []
        if name == "list" and block.name == "sep":
            separator, block = block.pieces, self.stack.pop()
        if block.name != name:
            raise TemplateError(f"</#{name}> closes <#{block.name or 'nothing'}>")
        self.stack[-1].pieces.append(_if(block) if name == "if" else _list(block, separator))


def run(pieces: list[Piece], scope: Scope, out: Output) -> None:
    """Run pieces in order."""
    for piece in pieces:
        out.step()
        piece(scope, out)


def _if(block: Block) -> Piece:
    def piece(scope: Scope, out: Output) -> None:
        for condition, pieces in block.branches:
            if condition is None or truth(condition(scope)):
                run(pieces, scope, out)
                return

    return piece


def _list(block: Block, separator: list[Piece]) -> Piece:
    found = _LIST.match(block.rest)
    if found is None:
        raise TemplateError(f"<#list {block.rest}>: EXPRESSION as NAME is expected")
    source, name, second = parse_expression(found["source"]), found["item"], found["value"]

    def piece(scope: Scope, out: Output) -> None:
        held = source(scope)
        if isinstance(held, dict) and second:
            rows = [{name: key, second: value} for key, value in held.items()]
        elif isinstance(held, list):
            rows = [{name: value} for value in one_by_one(held)]
        else:
            raise TemplateError(f"<#list {block.rest}>: a sequence is expected")
        for index, row in enumerate(rows):
            last = index == len(rows) - 1
            inner = Scope({**row, f"{name}_index": index, f"{name}_has_next": not last}, scope)
            run(block.pieces, inner, out)
            if separator and not last:
                run(separator, inner, out)

    return piece
