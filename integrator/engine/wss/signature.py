"""XML signatures of message parts, made and verified by xmlsec (libxmlsec1), with strict limits on what they may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lxml import etree

from integrator.engine.wss.keystore import Certificate, Private
from integrator.engine.wss.names import (
    EXC_C14N,
    FAILED_CHECK,
    INVALID_SECURITY,
    UNSUPPORTED,
    XML,
    SecurityRefusal,
    ds,
    wsu,
)
from integrator.engine.wss.suites import Suite
from integrator.engine.wss.tokens import new_id
from integrator.engine.xmltools import Element

if TYPE_CHECKING:
    from types import ModuleType

MAX_REFERENCES = 64
IDS = (wsu("Id"), "Id", "ID", "id", f"{{{XML}}}id")
_BAD = "The signature or decryption was invalid"


def library() -> ModuleType:
    """xmlsec, loaded when a policy with signatures is first used: it is not needed by anybody else."""
    import xmlsec  # noqa: PLC0415

    return xmlsec


def identity(element: Element, default: str = "id") -> str:
    """The wsu:Id of an element, made when absent."""
    held = element.get(wsu("Id")) or element.get("Id")
    if not held:
        held = new_id(default)
        element.set(wsu("Id"), held)
    return str(held)


def ids(root: Element, known: dict[str, Element] | None = None) -> dict[str, Element]:
    """Elements by id, added to those that are known.

    Raises SecurityRefusal when an id is not unique: two elements would answer to one signature.
    """
    found = {} if known is None else known
    for element in root.iter(etree.Element):
        for name in IDS:
            value = element.get(name)
            if value is None:
                continue
            if found.setdefault(value, element) is not element:
                raise SecurityRefusal(INVALID_SECURITY, "an id is used by two elements of the message")
    return found


def sign(
    security: Element, parts: Sequence[Element], suite: Suite, key: Private | bytes, name: Callable[[Element], None]
) -> Element:
    """Append a Signature over the parts; `name` adds its KeyInfo. The element, already signed."""
    xmlsec = library()
    made = etree.SubElement(security, ds("Signature"), {"Id": new_id("SIG")}, nsmap={"ds": ds("")[1:-1]})
    info = etree.SubElement(made, ds("SignedInfo"))
    etree.SubElement(info, ds("CanonicalizationMethod"), {"Algorithm": EXC_C14N})
    method = suite.symmetric if isinstance(key, bytes) else suite.asymmetric
    etree.SubElement(info, ds("SignatureMethod"), {"Algorithm": method})
    context = xmlsec.SignatureContext()
    for part in parts:
        reference = etree.SubElement(info, ds("Reference"), {"URI": f"#{identity(part)}"})
        transforms = etree.SubElement(reference, ds("Transforms"))
        etree.SubElement(transforms, ds("Transform"), {"Algorithm": EXC_C14N})
        etree.SubElement(reference, ds("DigestMethod"), {"Algorithm": suite.digest})
        etree.SubElement(reference, ds("DigestValue"))
        _register(context, part)
    etree.SubElement(made, ds("SignatureValue"))
    name(made)
    context.key = _key(xmlsec, key)
    context.sign(made)
    return made


def verify(signature: Element, found: dict[str, Element], suite: Suite, key: Certificate | bytes) -> list[Element]:
    """The elements that a valid signature covers. Raises SecurityRefusal; the reason is told in few words only."""
    covered = _check_form(signature, found, suite, key)
    xmlsec = library()
    context = xmlsec.SignatureContext()
    for element in covered:
        _register(context, element)
    try:
        if isinstance(key, Certificate):
            _ = key.public  # refuses keys that are too short
        context.key = _key(xmlsec, key)
        context.verify(signature)
    except xmlsec.Error as error:
        raise SecurityRefusal(FAILED_CHECK, _BAD) from error
    return covered


def _register(context: Any, element: Element) -> None:
    for name in IDS[:4]:
        if element.get(name) is not None:
            space, _, short = name.rpartition("}")
            context.register_id(element, short, space[1:] or None)


def _key(xmlsec: ModuleType, key: Private | Certificate | bytes) -> Any:
    if isinstance(key, bytes):
        return xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, key)
    if isinstance(key, Private):
        return _own_key(key)
    return xmlsec.Key.from_memory(key.pem, xmlsec.constants.KeyDataFormatCertPem)


@lru_cache(maxsize=64)
def _own_key(key: Private) -> Any:
    """The library's form of a key of ours; contexts take a copy of it."""
    xmlsec = library()
    return xmlsec.Key.from_memory(key.pem, xmlsec.constants.KeyDataFormatPem)


def _check_form(signature: Element, found: dict[str, Element], suite: Suite, key: Certificate | bytes) -> list[Element]:
    """Only ids of this message, exclusive canonicalisation, and the suite's algorithms."""
    info = _only(signature, ds("SignedInfo"))
    if _algorithm(info, ds("CanonicalizationMethod")) != EXC_C14N:
        raise SecurityRefusal(UNSUPPORTED, "signatures need exclusive canonicalisation")
    allowed = suite.symmetrics if isinstance(key, bytes) else suite.asymmetrics
    method = info.find(ds("SignatureMethod"))
    if _algorithm(info, ds("SignatureMethod")) not in allowed or (method is not None and len(method)):
        raise SecurityRefusal(UNSUPPORTED, "the signature method is not of the policy's algorithm suite")
    references = info.findall(ds("Reference"))
    if not 0 < len(references) <= MAX_REFERENCES:
        raise SecurityRefusal(INVALID_SECURITY, f"a signature needs 1 to {MAX_REFERENCES} references")
    return [_covered(reference, found, suite) for reference in references]


def _covered(reference: Element, found: dict[str, Element], suite: Suite) -> Element:
    uri = str(reference.get("URI") or "")
    if not uri.startswith("#") or uri[1:] not in found:
        raise SecurityRefusal(FAILED_CHECK, "a signature refers to nothing in the message")
    if _algorithm(reference, ds("DigestMethod")) not in suite.digests:
        raise SecurityRefusal(UNSUPPORTED, "a digest is not of the policy's algorithm suite")
    transforms = [item.get("Algorithm") for item in reference.iter(ds("Transform"))]
    if transforms != [EXC_C14N] or len(reference.findall(ds("Transforms"))) != 1:
        raise SecurityRefusal(UNSUPPORTED, "the only transform allowed is exclusive canonicalisation")
    return found[uri[1:]]


def _algorithm(element: Element, tag: str) -> str:
    return str(_only(element, tag).get("Algorithm") or "")


def _only(element: Element, tag: str) -> Element:
    held = element.findall(tag)
    if len(held) != 1:
        raise SecurityRefusal(INVALID_SECURITY, "a signature lacks or repeats an element")
    return held[0]
