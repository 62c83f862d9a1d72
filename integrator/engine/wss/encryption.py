"""XML encryption with the cryptography library: session keys under RSA, content under AES-CBC or AES-GCM.

Whatever goes wrong while decrypting is one and the same answer, so that nobody learns from it (padding oracles).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from integrator.engine.wss.keystore import Certificate, Private
from integrator.engine.wss.names import (
    CONTENT,
    DS,
    ELEMENT,
    FAILED_CHECK,
    UNSUPPORTED,
    XENC,
    XENC11,
    SecurityRefusal,
    ds,
    xenc,
)
from integrator.engine.wss.references import decode
from integrator.engine.wss.suites import BITS, OAEP, OAEP11, RSA15, SHA1, SHA256, SHA512, Suite
from integrator.engine.wss.tokens import new_id
from integrator.engine.xmltools import Element, XmlError, clone, parse

BLOCK = 16
_BAD = "The signature or decryption was invalid"
_HASHES: dict[str, hashes.HashAlgorithm] = {SHA1: hashes.SHA1(), SHA256: hashes.SHA256(), SHA512: hashes.SHA512()}  # noqa: S303  (SHA-1 is what rsa-oaep-mgf1p is defined with; no collision matters there)
_MGF: dict[str, hashes.HashAlgorithm] = {
    f"{XENC11}mgf1sha1": hashes.SHA1(),  # noqa: S303
    f"{XENC11}mgf1sha256": hashes.SHA256(),
    f"{XENC11}mgf1sha512": hashes.SHA512(),
}


def new_key(suite: Suite) -> bytes:
    """A session key of the suite's length."""
    return secrets.token_bytes(suite.bits // 8)


def add_key(
    holder: Element, key: bytes, certificate: Certificate, suite: Suite, name: Callable[[Element], None]
) -> Element:
    """Append an EncryptedKey for a certificate; `name` adds its KeyInfo."""
    made = etree.SubElement(holder, xenc("EncryptedKey"), {"Id": new_id("EK")}, nsmap={"xenc": XENC, "ds": DS})
    method = etree.SubElement(made, xenc("EncryptionMethod"), {"Algorithm": suite.wrap})
    if suite.wrap == OAEP:
        etree.SubElement(method, ds("DigestMethod"), {"Algorithm": SHA1})
    name(made)
    _value(made, certificate.public.encrypt(key, _padding(suite.wrap, SHA1, "")))
    return made


def _padding(algorithm: str, digest: str, mask: str) -> padding.AsymmetricPadding:
    if algorithm == RSA15:
        return padding.PKCS1v15()
    mgf = _MGF.get(mask, hashes.SHA1()) if algorithm == OAEP11 else hashes.SHA1()  # noqa: S303
    return padding.OAEP(padding.MGF1(mgf), _HASHES[digest], None)


def open_key(element: Element, private: Private, suite: Suite) -> tuple[bytes, bytes]:
    """(encrypted form, session key) of an EncryptedKey. Raises SecurityRefusal."""
    method = element.find(xenc("EncryptionMethod"))
    algorithm = str(method.get("Algorithm")) if method is not None else ""
    if method is None or algorithm not in suite.wraps:
        raise SecurityRefusal(UNSUPPORTED, "the key transport is not of the policy's algorithm suite")
    digest = method.find(ds("DigestMethod"))
    mask = method.find(f"{{{XENC11}}}MGF")
    wanted = str(digest.get("Algorithm")) if digest is not None else SHA1
    if wanted not in _HASHES:
        raise SecurityRefusal(UNSUPPORTED, "the digest of the key transport is not known")
    encrypted = _cipher(element)
    try:
        how = _padding(algorithm, wanted, str(mask.get("Algorithm")) if mask is not None else "")
        return encrypted, private.key.decrypt(encrypted, how)
    except ValueError as error:
        raise SecurityRefusal(FAILED_CHECK, _BAD) from error


def encrypt(element: Element, key: bytes, suite: Suite, *, content: bool) -> Element:
    """Put EncryptedData in the place of an element, or of its content; the EncryptedData."""
    if content:
        inner = (element.text or "").encode() + b"".join(etree.tostring(item, encoding="utf-8") for item in element)
    else:
        inner = etree.tostring(clone(element), encoding="utf-8")
    made = etree.Element(
        xenc("EncryptedData"), {"Id": new_id("ED"), "Type": CONTENT if content else ELEMENT}, {"xenc": XENC}
    )
    etree.SubElement(made, xenc("EncryptionMethod"), {"Algorithm": suite.cipher})
    _value(made, _seal(inner, key))
    if content:
        for item in list(element):
            element.remove(item)
        element.text = None
        element.append(made)
    else:
        made.tail = element.tail
        element.getparent().replace(element, made)
    return made


def _seal(data: bytes, key: bytes) -> bytes:
    count = BLOCK - len(data) % BLOCK
    iv = secrets.token_bytes(BLOCK)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return iv + encryptor.update(data + secrets.token_bytes(count - 1) + bytes([count])) + encryptor.finalize()


def refer(holder: Element, data: list[Element]) -> None:
    """Append a ReferenceList of EncryptedData."""
    made = etree.SubElement(holder, xenc("ReferenceList"), nsmap={"xenc": XENC})
    for item in data:
        etree.SubElement(made, xenc("DataReference"), {"URI": f"#{item.get('Id')}"})


def decrypt(data: Element, key: bytes, suite: Suite) -> list[Element]:
    """Put the plain content in the place of EncryptedData; the elements that came out. Raises SecurityRefusal."""
    method = data.find(xenc("EncryptionMethod"))
    algorithm = str(method.get("Algorithm")) if method is not None else ""
    if algorithm not in suite.ciphers:
        raise SecurityRefusal(UNSUPPORTED, "the cipher is not of the policy's algorithm suite")
    if data.get("Type") not in (CONTENT, ELEMENT):
        raise SecurityRefusal(UNSUPPORTED, "encrypted data must be an element or the content of one")
    parent = data.getparent()
    try:
        text, items = _fragment(_open(_cipher(data), key, algorithm), parent)
    except (ValueError, InvalidTag, XmlError) as error:
        raise SecurityRefusal(FAILED_CHECK, _BAD) from error
    if data.get("Type") == ELEMENT and len(items) != 1:
        raise SecurityRefusal(FAILED_CHECK, _BAD)
    index, tail = parent.index(data), data.tail
    parent.remove(data)
    for offset, item in enumerate(items):
        parent.insert(index + offset, item)
    if not index:
        parent.text = (parent.text or "") + text or None
    if items and tail:
        items[-1].tail = (items[-1].tail or "") + tail
    return items


def _open(data: bytes, key: bytes, algorithm: str) -> bytes:
    if len(key) * 8 != BITS[algorithm]:
        raise ValueError("length of the key")
    if algorithm.endswith("gcm"):
        return AESGCM(key).decrypt(data[:12], data[12:], None)
    if len(data) < 2 * BLOCK or len(data) % BLOCK:
        raise ValueError("length of the data")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(data[:BLOCK])).decryptor()
    plain = decryptor.update(data[BLOCK:]) + decryptor.finalize()
    if not 0 < plain[-1] <= BLOCK:
        raise ValueError("padding")
    return plain[: -plain[-1]]


def _fragment(plain: bytes, parent: Element) -> tuple[str, list[Element]]:
    """Parse content in the namespaces of its place; DTDs and anything but content are refused by the parser."""
    declared = "".join(
        f' xmlns{":" + prefix if prefix else ""}="{_quoted(uri)}"' for prefix, uri in parent.nsmap.items()
    )
    if plain.lstrip().startswith(b"<?xml"):
        plain = plain[plain.index(b"?>") + 2 :]
    holder = parse(f"<w{declared}>".encode() + plain + b"</w>")
    return holder.text or "", list(holder)


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def _value(holder: Element, data: bytes) -> None:
    inner = etree.SubElement(etree.SubElement(holder, xenc("CipherData")), xenc("CipherValue"))
    inner.text = base64.b64encode(data).decode()


def _cipher(element: Element) -> bytes:
    value = element.find(f"{xenc('CipherData')}/{xenc('CipherValue')}")
    if value is None:
        raise SecurityRefusal(UNSUPPORTED, "encrypted data must stand in the message itself")
    return decode(value)
