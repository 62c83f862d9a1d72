"""What makes two requests the same for a cache: URL, chosen headers, and the body of methods that have one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass

from integrator.engine.content.writers import write
from integrator.engine.mediators.base import Element, Reader
from integrator.engine.message import Message
from integrator.engine.scripting.context import MessageContext
from integrator.engine.scripting.python import class_of
from integrator.engine.xmltools import child, text_of

BODILESS = frozenset({"GET", "DELETE", "HEAD"})
NEVER = frozenset({"date", "user-agent"})
"""Headers that are in no hash."""
_JAVA = "org.wso2.carbon.mediator.cache.digest."
_BODY = f"{_JAVA}DOMHASHGenerator"
_KNOWN = (f"{_JAVA}HttpRequestHashGenerator", f"{_JAVA}REQUESTHASHGenerator", _BODY)
_OLD = "org.wso2.caching.digest."
"""The package of the same classes in artifacts of older servers."""


class Digest(ABC):
    """Makes the hash of a request."""

    @abstractmethod
    async def of(self, message: Message, method: str) -> bytes:
        """The hash. Raises Fault."""


@dataclass(frozen=True)
class RequestDigest(Digest):
    """URL, headers and body. `included` names headers in lower case; with `others` it names those that are left out."""

    included: frozenset[str] = frozenset()
    others: bool = False
    url: bool = True

    async def of(self, message: Message, method: str) -> bytes:
        """The hash; the body is read only for methods that have one."""
        made = hashlib.sha256()
        if self.url:
            made.update(f"{method}\0{message.to or ''}\0".encode())
        if self.included or self.others:
            for name, value in sorted((name.lower(), value) for name, value in message.headers):
                if (name in self.included) is not self.others and name not in NEVER:
                    made.update(f"{name}\0{value}\0".encode())
        if method not in BODILESS or not self.url:
            payload = message.payload
            await payload.read()
            made.update(write(payload, "" if payload.data is not None else payload.content_type)[0])
        return made.digest()


@dataclass(frozen=True)
class ClassDigest(Digest):
    """A Python class with `getDigest(mc)`, run on a worker thread."""

    name: str

    async def of(self, message: Message, method: str) -> bytes:
        """What the class gives, hashed."""
        await message.payload.read()
        made = class_of(message.deployment, self.name, "getDigest")()
        text = await message.deployment.runtime.run(made.getDigest, MessageContext(message))
        return hashlib.sha256(str(text).encode()).digest()


def read_digest(element: Element, protocol: Element | None, reader: Reader) -> Digest:
    """How a cache makes its hashes. Raises DeploymentError for an unknown Java class."""
    inner = child(protocol, "hashGenerator") if protocol is not None else None
    name = text_of(inner) or (element.get("hashGenerator") or "").strip()
    if name.startswith(_OLD):
        name = _JAVA + name.removeprefix(_OLD)
    if name and name not in _KNOWN:
        if name.startswith("org.wso2.") or "." not in name or not all(part.isidentifier() for part in name.split(".")):
            raise reader.fail(
                element, f"hashGenerator {name!r}: allowed are {', '.join(_KNOWN)} and Python classes by dotted path"
            )
        return ClassDigest(name)
    if name == _BODY:
        return RequestDigest(url=False)
    if protocol is None:
        return RequestDigest()
    included, excluded = (_names(protocol, f"headersTo{word}InHash") for word in ("Include", "Exclude"))
    if included:
        return RequestDigest(others=True) if "*" in included else RequestDigest(included - excluded)
    if excluded and "*" not in excluded:
        return RequestDigest(excluded, others=True)
    return RequestDigest()


def _names(protocol: Element, name: str) -> frozenset[str]:
    return frozenset(text_of(child(protocol, name)).lower().replace(",", " ").split())
