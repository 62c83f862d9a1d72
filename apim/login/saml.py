"""SAML 2.0 web browser SSO as a service provider: the request, our metadata, and the checks of what comes back.

Nothing is read but what a signature of the provider covers; the signature and time checks are those of the bearer grant.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from lxml import etree

from apim.keymanager import saml
from apim.keymanager.assertions import BadAssertion, accept_once
from apim.login.models import IdentityProvider
from apim.login.oidc import LoginFailed

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
MOST_VALUES = 1000
NAMES = {"saml": saml.SAML, "samlp": PROTOCOL}
GIVEN = (
    "givenName", "urn:oid:2.5.4.42", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
)  # fmt: skip
FAMILY = ("sn", "urn:oid:2.5.4.4", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname")


@dataclass(frozen=True)
class Departure:
    """Where the browser goes, and what must be kept until it comes back."""

    address: str
    relay: str
    identifier: str


def entity_id(provider: IdentityProvider) -> str:
    """What we are called at `provider`: the address of our metadata for it below the public address."""
    return f"{settings.APIM.public}{provider.organisation.prefix}/accounts/login/saml/{provider.uuid}/metadata/"


def depart(provider: IdentityProvider, acs: str) -> Departure:
    """The AuthnRequest by HTTP-Redirect; the answer is wanted at our address `acs`."""
    identifier, relay = f"_{secrets.token_hex(20)}", secrets.token_urlsafe(32)
    root = etree.Element(
        f"{{{PROTOCOL}}}AuthnRequest", nsmap=NAMES, ID=identifier, Version="2.0", Destination=provider.sso_address,
        IssueInstant=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), ProtocolBinding=POST,
        AssertionConsumerServiceURL=acs,
    )  # fmt: skip
    etree.SubElement(root, f"{{{saml.SAML}}}Issuer").text = entity_id(provider)
    etree.SubElement(root, f"{{{PROTOCOL}}}NameIDPolicy", AllowCreate="true")
    deflated = zlib.compress(etree.tostring(root), wbits=-15)
    query = urlencode({"SAMLRequest": base64.b64encode(deflated).decode(), "RelayState": relay})
    return Departure(f"{provider.sso_address}{'&' if '?' in provider.sso_address else '?'}{query}", relay, identifier)


def metadata(provider: IdentityProvider, acs: str) -> bytes:
    """Our metadata for `provider`."""
    root = etree.Element(f"{{{METADATA}}}EntityDescriptor", nsmap={None: METADATA}, entityID=entity_id(provider))
    role = etree.SubElement(
        root, f"{{{METADATA}}}SPSSODescriptor", protocolSupportEnumeration=PROTOCOL, AuthnRequestsSigned="false",
        WantAssertionsSigned="true",
    )  # fmt: skip
    etree.SubElement(
        role, f"{{{METADATA}}}AssertionConsumerService", Binding=POST, Location=acs, index="0", isDefault="true"
    )
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def claims(provider: IdentityProvider, answer: str, request: str, acs: str) -> dict[str, Any]:
    """What `provider` says of the person, in answer (base64) to our request `request` at our address `acs`.

    Raises LoginFailed naming the check that failed. Each assertion counts once.
    """
    try:
        response = _parsed(answer)
        _check_response(response, provider, request, acs)
        signed = _signed_assertion(response, saml.PEM.findall(provider.certificates))
        if saml.text_of(signed, "saml:Issuer") != provider.issuer:
            raise BadAssertion("Its issuer is another one.")
        now = time.time()
        ends = [*saml.conditions_end(signed, [entity_id(provider)], now)]
        ends.append(saml.confirmation_end(signed, acs, now, request))
        if signed.find("saml:AuthnStatement", NAMES) is None:
            raise BadAssertion("It does not say that somebody logged in (AuthnStatement).")
        found = _said(provider, signed)
        accept_once(f"login:{provider.pk}", signed.get("ID"), min(ends))
    except BadAssertion as error:
        raise LoginFailed(f"The SAML answer is not accepted. {error}") from error
    return found


def _parsed(answer: str) -> Any:
    if len(answer) > saml.LONGEST:
        raise BadAssertion("It is too long.")
    try:
        raw = base64.b64decode("".join(answer.split()), validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadAssertion("It is not base64 of XML.") from error
    root = saml.hardened(raw)
    if root.tag != f"{{{PROTOCOL}}}Response" or root.get("Version") != "2.0":
        raise BadAssertion("It is not a SAML 2.0 response.")
    return root


def _check_response(response: Any, provider: IdentityProvider, request: str, acs: str) -> None:
    """The frame. It may be unsigned, so that passing here alone lets nobody in."""
    if response.get("InResponseTo") != request:
        raise BadAssertion("It answers another request (InResponseTo).")
    destination = response.get("Destination")
    if destination != acs and (destination or response.find(SIGNATURE) is not None):
        raise BadAssertion("Its destination is another address.")
    if response.find("saml:Issuer", NAMES) is not None and saml.text_of(response, "saml:Issuer") != provider.issuer:
        raise BadAssertion("Its issuer is another one.")
    codes = [one.get("Value", "").rpartition(":")[2][:60] for one in response.iterfind(".//samlp:StatusCode", NAMES)]
    status = response.find("samlp:Status/samlp:StatusCode", NAMES)
    if status is None or status.get("Value") != SUCCESS:
        raise BadAssertion(f"The provider said: {', '.join(codes[:2]) or 'nothing'}.")


def _signed_assertion(response: Any, certificates: list[str]) -> Any:
    """The only assertion, out of what a signature covers: of the response where it has one, else of the assertion itself."""
    if next(response.iter(f"{{{saml.SAML}}}EncryptedAssertion"), None) is not None:
        raise BadAssertion("It is encrypted, which was not asked for.")
    every, direct = list(response.iter(f"{{{saml.SAML}}}Assertion")), response.findall("saml:Assertion", NAMES)
    if len(every) != 1 or len(direct) != 1:
        raise BadAssertion("It must hold exactly one assertion, directly below the response.")
    ids = response.xpath("//@ID")
    if len(set(ids)) != len(ids):
        raise BadAssertion("Two of its elements have the same ID.")
    if response.find(SIGNATURE) is not None:
        return saml.signed_part(response, certificates).find("saml:Assertion", NAMES)
    if direct[0].find(SIGNATURE) is None:
        raise BadAssertion("Neither the response nor the assertion is signed.")
    alone = etree.fromstring(etree.tostring(direct[0], with_tail=False), etree.XMLParser(resolve_entities=False))
    return saml.signed_part(alone, certificates)


def _said(provider: IdentityProvider, signed: Any) -> dict[str, Any]:
    """As claims of OpenID Connect. The organisation chose whose addresses it trusts: SAML has no word for verified ones."""
    name = signed.find("saml:Subject/saml:NameID", NAMES)
    subject = saml.text_of(signed, "saml:Subject/saml:NameID")
    if not 0 < len(subject) <= 255 or "\x00" in subject:
        raise BadAssertion("Its NameID is missing or longer than 255 characters.")
    if name.get("Format") == TRANSIENT:
        raise BadAssertion("Its NameID is transient: the provider must send one that stays the same.")
    given = _attributes(signed)
    email = _first(given, (provider.email_attribute,))
    return {
        **({provider.roles_claim: given.get(provider.roles_claim, [])} if provider.roles_claim else {}),
        "sub": subject, "email": email, "email_verified": True, "given_name": _first(given, GIVEN),
        "family_name": _first(given, FAMILY),
        "preferred_username": _first(given, (provider.name_attribute,)) or email or subject,
    }  # fmt: skip


def _attributes(signed: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    values = signed.iterfind("saml:AttributeStatement/saml:Attribute/saml:AttributeValue", NAMES)
    for number, value in enumerate(values):
        if number >= MOST_VALUES:
            raise BadAssertion(f"It has more than {MOST_VALUES} values of attributes.")
        text = saml.text_of(value, ".")
        if text:
            found.setdefault(value.getparent().get("Name", ""), []).append(text)
    return found


def _first(given: dict[str, list[str]], names: tuple[str, ...]) -> str:
    return next((given[name][0] for name in names if name and name in given), "")
