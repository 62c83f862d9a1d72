"""What the mediators that talk to servers of their own read alike: texts, texts behind a key, secrets, and branches."""

from __future__ import annotations

from typing import Any

from integrator.engine.endpoints.parse import injected
from integrator.engine.errors import Fault
from integrator.engine.expressions import Constant, Expression, compile_path
from integrator.engine.mediators.base import Branch, Element, Reader, chain_of
from integrator.engine.message import Message
from integrator.engine.xmltools import child


class EntryText(Expression):
    """The text of a local entry or registry resource, as it is when it is asked for."""

    def __init__(self, key: str):
        self.text = key

    def value(self, message: Message) -> Any:
        """The text without white space around it. Raises Fault when there is none."""
        found = message.deployment.entry_text(self.text)
        if found is None:
            raise Fault(0, f"key {self.text!r} is neither a local entry nor in the registry")
        return found.strip()


def text_or_secret(element: Element, text: str, reader: Reader) -> Expression:
    """A text with $ENV: and the like resolved, or a vault-lookup, which is done when it is needed. Raises DeploymentError."""
    if "vault-lookup(" in text:
        return compile_path(text.strip().removeprefix("{").removesuffix("}"), element, reader.place(element), "xml")
    if text.startswith("enc:"):
        raise reader.fail(
            element, "a text encrypted by the Java server cannot be read; write wso2:vault-lookup, $ENV: or $FILE:"
        )
    return Constant(injected(element, text, reader))


def read_text(element: Element, name: str, reader: Reader) -> Expression:
    """The attribute `name`, or the text behind the key in `nameKey`. Raises DeploymentError."""
    if element.get(f"{name}Key"):
        return EntryText(element.get(f"{name}Key"))
    return text_or_secret(element, reader.required(element, name), reader)


def secured_branch(element: Element, reader: Reader, name: str) -> Branch | None:
    """A branch given as an attribute with a sequence's name, or as a child."""
    if element.get(name):
        return Branch(key=reader.value(element, name))
    inner = child(element, name)
    return chain_of(inner, reader) if inner is not None else None
