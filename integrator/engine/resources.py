"""Documents that a schema or stylesheet includes: only those that the artifact names, never files or addresses."""

from __future__ import annotations

from typing import Any

from lxml import etree

from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.reader import Reader
from integrator.engine.xmltools import Element, children, local


def read_resources(element: Element, reader: Reader) -> tuple[tuple[str, Expression], ...]:
    """`resource` children: what documents named by a location are read from."""
    return tuple(
        (reader.required(item, "location"), reader.value(item, "key"))
        for item in children(element)
        if local(item) == "resource"
    )


class Known(etree.Resolver):  # type: ignore[misc]  # lxml carries no types
    """Gives out the texts that the artifact names by location; no file and no address is opened."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def resolve(self, url: str, _id: str, context: Any) -> Any:
        """The text of a location. Raises Fault for any other."""
        text = self.texts.get(url) or self.texts.get(url.rpartition("/")[2])
        if text is None:
            raise Fault(0, f"location {url!r} is no <resource>; given are {', '.join(self.texts) or 'none'}")
        return self.resolve_string(text, context)
