"""What the mediators that ask a security server read alike."""

from __future__ import annotations

from integrator.engine.endpoints.parse import injected
from integrator.engine.mediators.base import Branch, Element, Reader, chain_of
from integrator.engine.xmltools import child


def read_text(element: Element, name: str, reader: Reader) -> tuple[str, str, bool]:
    """(attribute, text, whether the text is a key) of `name` or `nameKey`. Raises DeploymentError."""
    if element.get(f"{name}Key"):
        return name, element.get(f"{name}Key"), True
    text = injected(element, reader.required(element, name), reader)
    if text.startswith("enc:") or "vault-lookup(" in text:
        raise reader.fail(element, f"attribute {name}: there is no secure vault here; write $ENV:NAME or $FILE:name")
    return name, text, False


def secured_branch(element: Element, reader: Reader, name: str) -> Branch | None:
    """A branch given as an attribute with a sequence's name, or as a child."""
    if element.get(name):
        return Branch(key=reader.value(element, name))
    inner = child(element, name)
    return chain_of(inner, reader) if inner is not None else None
