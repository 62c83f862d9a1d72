"""A SAML 2.0 identity provider for tests: signs assertions and answers, right ones and any others."""

from __future__ import annotations

import base64
import uuid
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.test import Client
from lxml import etree
from signxml.algorithms import CanonicalizationMethod
from signxml.signer import XMLSigner

FIXED = uuid.UUID("22222222-2222-4333-8444-555555555555")
ENTITY = "https://saml-idp.example/entity"
SSO = "https://saml-idp.example/sso?realm=corp"
PATH = f"/accounts/login/saml/{FIXED}/"
NAMES = {"saml": "urn:oasis:names:tc:SAML:2.0:assertion", "samlp": "urn:oasis:names:tc:SAML:2.0:protocol"}
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


class Signer:
    """An RSA key with its certificate."""

    def __init__(self) -> None:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
            .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .sign(private, hashes.SHA256())
        )  # fmt: skip
        form = serialization.PrivateFormat.PKCS8
        self.key = private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        self.certificate = made.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, element: Any) -> Any:
        """`element` with a signature over all of it."""
        method = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
        signer = XMLSigner(c14n_algorithm=method)
        return signer.sign(element, key=self.key, cert=self.certificate, reference_uri=element.get("ID"))


IDP, STRANGER = Signer(), Signer()


class Asked:
    """A request that the browser carries to the provider."""

    def __init__(self, client: Client, prefix: str = "", **query: str) -> None:
        answer = client.get(f"{prefix}{PATH}", query)
        assert answer.status_code == 302, answer.content
        assert answer["Location"].startswith(f"{SSO}&")
        given = parse_qs(urlsplit(answer["Location"]).query)
        self.relay = given["RelayState"][0]
        self.xml = etree.fromstring(zlib.decompress(base64.b64decode(given["SAMLRequest"][0]), wbits=-15))
        self.identifier = self.xml.get("ID")
        self.acs = self.xml.get("AssertionConsumerServiceURL")
        self.audience = self.xml.findtext("saml:Issuer", namespaces=NAMES)


def moment(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def assertion(asked: Asked, **changes: Any) -> Any:
    given = {
        "id": f"_{uuid.uuid4().hex}", "issuer": ENTITY, "subject": "ann-1", "audience": asked.audience, "recipient": asked.acs,
        "request": asked.identifier, "begins": -5, "ends": 120, "confirmed": 120, "groups": ["api-team", "sales"],
        "format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "mail": "ann@corp.example", **changes,
    }  # fmt: skip
    groups = "".join(f"<saml:AttributeValue>{escape(one)}</saml:AttributeValue>" for one in given["groups"])
    answers = f'InResponseTo="{given["request"]}"' if given["request"] else ""
    return etree.fromstring(f"""<saml:Assertion xmlns:saml="{NAMES["saml"]}" Version="2.0" ID="{given["id"]}"
      IssueInstant="{moment(0)}"><saml:Issuer>{given["issuer"]}</saml:Issuer>
      <saml:Subject><saml:NameID Format="{given["format"]}">{given["subject"]}</saml:NameID>
      <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
        {answers} Recipient="{given["recipient"]}" NotOnOrAfter="{moment(given["confirmed"])}"/></saml:SubjectConfirmation>
      </saml:Subject>
      <saml:Conditions NotBefore="{moment(given["begins"])}" NotOnOrAfter="{moment(given["ends"])}">
        <saml:AudienceRestriction><saml:Audience>{given["audience"]}</saml:Audience></saml:AudienceRestriction>
      </saml:Conditions><saml:AuthnStatement AuthnInstant="{moment(0)}"/>
      <saml:AttributeStatement>
        <saml:Attribute Name="uid"><saml:AttributeValue>ann</saml:AttributeValue></saml:Attribute>
        <saml:Attribute Name="mail"><saml:AttributeValue>{given["mail"]}</saml:AttributeValue></saml:Attribute>
        <saml:Attribute Name="givenName"><saml:AttributeValue>Ann</saml:AttributeValue></saml:Attribute>
        <saml:Attribute Name="groups">{groups}</saml:Attribute>
      </saml:AttributeStatement></saml:Assertion>""")  # fmt: skip


def response(asked: Asked, *inside: Any, status: str = "Success", **changes: Any) -> Any:
    given = {"request": asked.identifier, "destination": asked.acs, "issuer": ENTITY, **changes}
    answers = f'InResponseTo="{given["request"]}"' if given["request"] else ""
    root = etree.fromstring(f"""<samlp:Response xmlns:samlp="{NAMES["samlp"]}" xmlns:saml="{NAMES["saml"]}" Version="2.0"
      ID="_{uuid.uuid4().hex}" IssueInstant="{moment(0)}" Destination="{given["destination"]}" {answers}>
      <saml:Issuer>{given["issuer"]}</saml:Issuer><samlp:Status>
      <samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status></samlp:Response>""")
    root.extend(inside)
    return root


def signed(asked: Asked, by: Signer = IDP, **changes: Any) -> Any:
    return response(asked, by.sign(assertion(asked, **changes)))


def post(asked: Asked, whole: Any, *, client: Client | None = None, relay: str | None = None) -> Any:
    """The post from the provider's site: without the session's cookie, as browsers send it, and with CSRF checks on."""
    raw = whole if isinstance(whole, bytes) else etree.tostring(whole)
    form = {"SAMLResponse": base64.b64encode(raw).decode(), "RelayState": asked.relay if relay is None else relay}
    return (client or Client(enforce_csrf_checks=True)).post(urlsplit(asked.acs).path, form)
