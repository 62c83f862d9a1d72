"""SecurityTokenReference: how a message names the key of a signature or an encryption, written and resolved."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable

from cryptography import x509
from lxml import etree

from integrator.engine.wss.keystore import Certificate, KeyStore
from integrator.engine.wss.names import (
    BASE64,
    ENCRYPTED_KEY,
    ENCRYPTED_KEY_SHA1,
    INVALID_TOKEN,
    THUMBPRINT,
    UNAVAILABLE,
    WSSE11,
    X509SKI,
    X509V3,
    SecurityRefusal,
    ds,
    wsse,
    wsu,
)
from integrator.engine.wss.tokens import new_id
from integrator.engine.xmltools import Element, children, text_of

Find = Callable[[str], Element]
"""Finds an element of the message by its id. Raises SecurityRefusal."""


def add_binary(security: Element, certificate: Certificate) -> str:
    """Append a BinarySecurityToken; its id."""
    identity = new_id("X509")
    made = etree.SubElement(
        security, wsse("BinarySecurityToken"), {wsu("Id"): identity, "EncodingType": BASE64, "ValueType": X509V3}
    )
    made.text = base64.b64encode(certificate.der).decode()
    return identity


def name_certificate(holder: Element, how: str, certificate: Certificate, token_id: str = "") -> None:
    """A KeyInfo that names a certificate: binary (with the id of its token), thumbprint, ski or issuer."""
    reference = _reference(holder)
    if how == "binary":
        etree.SubElement(reference, wsse("Reference"), {"URI": f"#{token_id}", "ValueType": X509V3})
    elif how == "issuer":
        serial = etree.SubElement(etree.SubElement(reference, ds("X509Data")), ds("X509IssuerSerial"))
        etree.SubElement(serial, ds("X509IssuerName")).text = certificate.x509.issuer.rfc4514_string()
        etree.SubElement(serial, ds("X509SerialNumber")).text = str(certificate.x509.serial_number)
    elif how == "ski":
        _identifier(reference, X509SKI, certificate.ski)
    else:
        _identifier(reference, THUMBPRINT, certificate.thumbprint)


def name_key(holder: Element, *, key_id: str = "", sha1: bytes = b"") -> None:
    """A KeyInfo that names a session key: by the id of its EncryptedKey in this message, or by that one's hash."""
    reference = _reference(holder)
    reference.set(f"{{{WSSE11}}}TokenType", ENCRYPTED_KEY)
    if key_id:
        etree.SubElement(reference, wsse("Reference"), {"URI": f"#{key_id}", "ValueType": ENCRYPTED_KEY})
    else:
        _identifier(reference, ENCRYPTED_KEY_SHA1, sha1)


def _reference(holder: Element) -> Element:
    return etree.SubElement(etree.SubElement(holder, ds("KeyInfo")), wsse("SecurityTokenReference"))


def _identifier(reference: Element, kind: str, value: bytes) -> None:
    made = etree.SubElement(reference, wsse("KeyIdentifier"), {"EncodingType": BASE64, "ValueType": kind})
    made.text = base64.b64encode(value).decode()


class Resolver:
    """Finds keys that a message names. `session` holds session keys by the hash of their encrypted form."""

    def __init__(self, find: Find, trust: KeyStore, session: dict[bytes, bytes]):
        self.find = find
        self.trust = trust
        self.session = session
        self.by_id: dict[str, bytes] = {}

    def add_key(self, identity: str, encrypted: bytes, key: bytes) -> None:
        """Remember a session key that this message carries."""
        self.session[hashlib.sha1(encrypted, usedforsecurity=False).digest()] = key
        if identity:
            self.by_id[identity] = key

    def resolve(self, holder: Element) -> Certificate | bytes:
        """What the KeyInfo of an element names: a certificate or a session key. Raises SecurityRefusal."""
        info = holder.find(ds("KeyInfo"))
        reference = info.find(wsse("SecurityTokenReference")) if info is not None else None
        named = reference if reference is not None else info
        inner = children(named)[0] if named is not None and children(named) else None
        if inner is None:
            raise SecurityRefusal(UNAVAILABLE, "a key is used that the message does not name")
        if inner.tag == wsse("Reference"):
            return self._direct(inner)
        if inner.tag == wsse("KeyIdentifier"):
            return self._identified(inner)
        if inner.tag == ds("X509Data"):
            return self._x509(inner)
        raise SecurityRefusal(INVALID_TOKEN, "a kind of key reference is not known")

    def _direct(self, reference: Element) -> Certificate | bytes:
        uri = str(reference.get("URI") or "")
        if uri[1:] in self.by_id:
            return self.by_id[uri[1:]]
        if not uri.startswith("#"):
            raise SecurityRefusal(UNAVAILABLE, "a key reference does not point into the message")
        token = self.find(uri[1:])
        if token.tag != wsse("BinarySecurityToken") or (token.get("ValueType") or X509V3) != X509V3:
            raise SecurityRefusal(INVALID_TOKEN, "a key reference points to no X.509 certificate")
        return self._own(decode(token))

    def _identified(self, identifier: Element) -> Certificate | bytes:
        kind, value = identifier.get("ValueType"), decode(identifier)
        if kind == ENCRYPTED_KEY_SHA1:
            if value in self.session:
                return self.session[value]
        elif kind == X509V3:
            return self._own(value)
        elif kind in (THUMBPRINT, X509SKI):
            for held in self.trust.known():
                if value == (held.thumbprint if kind == THUMBPRINT else held.ski):
                    return held
        raise SecurityRefusal(UNAVAILABLE, "the referenced security token is not known")

    def _x509(self, data: Element) -> Certificate:
        certificate = data.find(ds("X509Certificate"))
        if certificate is not None:
            return self._own(decode(certificate))
        serial = text_of(data.find(f"{ds('X509IssuerSerial')}/{ds('X509SerialNumber')}"))
        for held in self.trust.known():
            if serial == str(held.x509.serial_number):
                return held
        raise SecurityRefusal(UNAVAILABLE, "the referenced security token is not known")

    def _own(self, der: bytes) -> Certificate:
        try:
            return Certificate("", x509.load_der_x509_certificate(der))
        except ValueError as error:
            raise SecurityRefusal(INVALID_TOKEN, "a certificate is not readable") from error


def decode(element: Element) -> bytes:
    """Base64 content of an element. Raises SecurityRefusal."""
    try:
        return base64.b64decode("".join(text_of(element).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecurityRefusal(INVALID_TOKEN, "a value is no base64 text") from error
