"""SAML 2.0 assertions: hardened parsing, and checks of nothing but what the signature covers (RFC 7522 3)."""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from apim.keymanager.assertions import LEEWAY, BadAssertion

LONGEST = 128 * 1024
"""Characters of an assertion that are read."""

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
NAMES = {"saml": SAML}
LONGEST_LIFE = 3600
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

STRONG = SignatureConfiguration(
    require_x509=True,
    location="./",
    expect_references=1,
    signature_methods=frozenset(
        {
            SignatureMethod.RSA_SHA256,
            SignatureMethod.RSA_SHA384,
            SignatureMethod.RSA_SHA512,
            SignatureMethod.ECDSA_SHA256,
            SignatureMethod.ECDSA_SHA384,
            SignatureMethod.ECDSA_SHA512,
        }
    ),
    digest_algorithms=frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512}),
)
"""One signature, directly below the assertion, over one thing: no SHA-1, no HMAC."""


@dataclass(frozen=True)
class Document:
    """An assertion that is parsed, and not believed yet."""

    root: Any
    claimed_issuer: str


@dataclass(frozen=True)
class Found:
    """What a signed assertion says."""

    subject: str
    identifier: str
    expires: float


def parse(text: str) -> Document:
    """An assertion from base64url, without entities, network or a document type. Raises BadAssertion."""
    if len(text) > LONGEST:
        raise BadAssertion("It is too long.")
    try:
        raw = base64.b64decode(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadAssertion("It is not base64url of XML.") from error
    root = hardened(raw)
    if root.tag != f"{{{SAML}}}Assertion":
        raise BadAssertion("It is not a plain SAML 2.0 assertion.")
    return Document(root, text_of(root, "saml:Issuer"))


def hardened(raw: bytes) -> Any:
    """The root of a document without entities, network or a document type; the caller bounds its length. Raises BadAssertion."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(raw, parser)
    except (ValueError, etree.XMLSyntaxError) as error:
        raise BadAssertion("It is not XML.") from error
    if root.getroottree().docinfo.doctype:
        raise BadAssertion("It has a document type, which is never accepted.")
    return root


def check(document: Document, certificates: str, issuer: str, audiences: Iterable[str], recipient: str) -> Found:
    """What the assertion says, if `issuer` signed it by one of `certificates` (PEM) for us. Raises BadAssertion."""
    signed = signed_part(document.root, PEM.findall(certificates))
    if text_of(signed, "saml:Issuer") != issuer:
        raise BadAssertion("Its issuer is another one.")
    now = time.time()
    ends = [*conditions_end(signed, audiences, now), confirmation_end(signed, recipient, now)]
    subject = text_of(signed, "saml:Subject/saml:NameID")
    return Found(subject, signed.get("ID") or "", min(ends))


def signed_part(root: Any, certificates: list[str]) -> Any:
    """What the signature directly below `root` covers, which must be all of `root`: what stands beside it counts for nothing.

    Raises BadAssertion unless one of `certificates` (PEM) made the signature.
    """
    for certificate in certificates:
        try:
            found = XMLVerifier().verify(root, x509_cert=certificate, expect_config=STRONG, id_attribute="ID")
        except (SignXMLException, ValueError, TypeError, etree.LxmlError):
            continue
        signed = (found[0] if isinstance(found, list) else found).signed_xml
        if signed is not None and signed.tag == root.tag and signed.get("ID") == root.get("ID"):
            return signed
    raise BadAssertion("Its signature is not right.")


def conditions_end(signed: Any, audiences: Iterable[str], now: float) -> list[float]:
    """When the conditions end. Raises BadAssertion unless they are fulfilled and name us as an audience."""
    conditions = signed.find("saml:Conditions", NAMES)
    if conditions is None:
        raise BadAssertion("It has no conditions.")
    restrictions = conditions.findall("saml:AudienceRestriction", NAMES)
    known = set(audiences)
    for one in restrictions:
        named = {(audience.text or "").strip() for audience in one.findall("saml:Audience", NAMES)}
        if not named & known:
            raise BadAssertion("It is not made for this server.")
    if not restrictions:
        raise BadAssertion("It is not made for this server.")
    end = _window(conditions, now)
    return [end] if end is not None else []


def confirmation_end(signed: Any, recipient: str, now: float, request: str | None = None) -> float:
    """When the bearer confirmation for our address `recipient`, in answer to `request` if one is named, ends.

    Raises BadAssertion when there is none.
    """
    for one in signed.findall("saml:Subject/saml:SubjectConfirmation", NAMES):
        data = one.find("saml:SubjectConfirmationData", NAMES)
        if one.get("Method") != BEARER or data is None or data.get("Recipient") != recipient:
            continue
        if request is not None and data.get("InResponseTo") != request:
            raise BadAssertion("Its confirmation answers another request (InResponseTo).")
        end = _window(data, now)
        if end is not None and end <= now + LONGEST_LIFE + LEEWAY:
            return end
    raise BadAssertion("No bearer confirmation is for this server and of reasonable length.")


def _window(element: Any, now: float) -> float | None:
    """`NotOnOrAfter` in Unix seconds. Raises BadAssertion outside of the times that `element` names."""
    begin, end = _moment(element.get("NotBefore")), _moment(element.get("NotOnOrAfter"))
    if begin is not None and begin > now + LEEWAY:
        raise BadAssertion("It is not valid yet.")
    if end is not None and end <= now - LEEWAY:
        raise BadAssertion("It has expired.")
    return end


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment.timestamp()
    except (ValueError, OverflowError) as error:
        raise BadAssertion(f"{text[:40]!r} is not a time.") from error


def text_of(element: Any, path: str) -> str:
    """The text of an element without children: a comment inside would cut it in two (the CVE-2017-11427 kind)."""
    found = element.find(path, NAMES)
    return "".join(found.itertext()).strip() if found is not None and not len(found) else ""
