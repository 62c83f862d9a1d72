"""The contract of a mediator: parse (XML -> record), write (record -> XML), compile (record -> step)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, is_dataclass
from difflib import get_close_matches
from typing import Any, ClassVar, Self

from integrator.engine import libraries
from integrator.engine.errors import DeploymentError, Place
from integrator.engine.expressions import Expression
from integrator.engine.expressions.keys import key_of
from integrator.engine.mediators.refused import INSTEAD
from integrator.engine.reader import Reader
from integrator.engine.sequence import Chain, Step
from integrator.engine.xmltools import Element, clone, local

__all__ = ["Chain", "Element", "Mediator", "Reader", "Step", "chain_of", "compile_list", "mediators", "register"]

_registry: dict[str, type[Mediator]] = {}
Dotted = Callable[[Element, Reader], "Mediator | None"]
_dotted: list[Dotted] = []


@dataclass(frozen=True, kw_only=True)
class Mediator(ABC):
    """An immutable record of one element. `source` is the element it was read from."""

    tag: ClassVar[str] = ""
    place: Place
    source: Element = field(repr=False, compare=False)

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the record from its element; one without settings has no children either. Raises DeploymentError."""
        reader.only(element, ("description",))
        return cls(**cls.common(element, reader))

    @staticmethod
    def common(element: Element, reader: Reader) -> dict[str, Any]:
        """The arguments every record takes."""
        return {"place": reader.place(element), "source": element}

    def write(self) -> Element:
        """The record as XML, with comments and descriptions as they were read."""
        return clone(self.source)

    @abstractmethod
    def compile(self) -> Step:
        """The step to run."""

    def children(self) -> tuple[Mediator, ...]:
        """Mediators inside this one, in document order."""
        return ()

    @property
    def reads_content(self) -> bool:
        """Whether the step itself needs the body; what its children need they ask for themselves."""
        return any(expression.reads_content for expression in self.expressions())

    def expressions(self) -> Iterable[Expression]:
        """Expressions that the step evaluates."""
        return _expressions(tuple(vars(self).values()))


def _expressions(value: Any) -> Iterator[Expression]:
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _expressions(item)
    elif isinstance(value, Branch):
        yield from _expressions(value.key)
    elif is_dataclass(value) and not isinstance(value, Mediator | Place):
        yield from _expressions(tuple(vars(value).values()))


def register(*names: str) -> Callable[[type[Mediator]], type[Mediator]]:
    """Class decorator: read elements of these names with the class."""

    def decorate(cls: type[Mediator]) -> type[Mediator]:
        for name in names:
            if name in _registry:
                raise ValueError(f"two mediators for <{name}>")
            _registry[name] = cls
        cls.tag = names[0]
        return cls

    return decorate


def register_dotted(read: Dotted) -> Dotted:
    """Decorator: reads elements `<connector.operation>`, or gives None for a connector that is not its own.

    Readers are asked in the order of their registration. Raises DeploymentError.
    """
    _dotted.append(read)
    return read


def known() -> list[str]:
    """Names of all mediators, sorted."""
    return sorted(_registry, key=str.lower)


def mediators(element: Element, reader: Reader, skip: Iterable[str] = ()) -> tuple[Mediator, ...]:
    """Read the children of a list mediator. Unknown elements are refused with what is allowed."""
    skipped = {"description", *skip}
    return tuple(
        parse_one(item, reader) for item in element if isinstance(item.tag, str) and local(item) not in skipped
    )


def parse_one(element: Element, reader: Reader) -> Mediator:
    """Read one mediator element."""
    cls = _registry.get(local(element))
    if cls is None:
        if "." in local(element):
            return _connected(element, reader)
        if local(element) in INSTEAD:
            raise reader.fail(element, f"<{local(element)}> does not run here: {INSTEAD[local(element)]}")
        raise DeploymentError(reader.place(element), _unknown(local(element)))
    return cls.parse(element, reader)


def _unknown(name: str) -> str:
    near = get_close_matches(name.lower(), [one.lower() for one in known()], 1, 0.7)
    meant = "".join(f" (did you mean <{one}>?)" for one in known() if one.lower() in near)
    return f"unknown mediator <{name}>{meant}; known are {', '.join(known())}"


def _connected(element: Element, reader: Reader) -> Mediator:
    for read in _dotted:
        found = read(element, reader)
        if found is not None:
            return found
    connector, _, operation = local(element).partition(".")
    raise reader.fail(element, libraries.refusal(connector, operation))


def compile_list(records: Iterable[Mediator], name: str = "", on_error: str | None = None) -> Chain:
    """Compile mediators into one chain."""
    held = tuple(records)
    steps = [(record.compile(), record.reads_content, record.place) for record in held]
    return Chain(steps, name, on_error, [record.source for record in held])


@dataclass(frozen=True)
class Branch:
    """A branch of a composite: inline children or a sequence by key."""

    children: tuple[Mediator, ...] = ()
    key: Expression | None = None
    on_error: str | None = None

    def compile(self, name: str) -> Step:
        """One step that runs the branch."""
        if self.key is not None:
            return run_key(self.key)
        return compile_list(self.children, name, self.on_error).run


def chain_of(element: Element, reader: Reader, attribute: str = "sequence", skip: Iterable[str] = ()) -> Branch:
    """Branch of an element: its `sequence` attribute wins over its children."""
    if element.get(attribute):
        return Branch(key=reader.value(element, attribute))
    return Branch(mediators(element, reader, skip), on_error=element.get("onError"))


def run_key(key: Expression) -> Step:
    """A step that runs the sequence whose key the expression gives."""

    def step(message: Any) -> Any:
        return message.deployment.required_sequence(key_of(key, message)).run(message)

    return step
