"""Other parties of the token service: key pairs, issuers of JWTs and of SAML assertions, and short ways to ask for tokens."""

from __future__ import annotations

import base64
import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey
from lxml import etree
from signxml.signer import XMLSigner

from apim.keymanager.actions.clients import create_client
from apim.keymanager.actions.trust import save_issuer
from apim.keymanager.issue import issuer
from apim.keymanager.models import TrustedIssuer
from tests.apim.keymanager.conftest import CALLBACK, Registered

IDP = "https://idp.example"


def client_of(organisation: Any, developer: Any, *grants: str, **columns: Any) -> Registered:
    """A client with `grants`; further columns are set as they are."""
    options = {name: columns.pop(name) for name in ("public", "scopes") if name in columns}
    callback = CALLBACK if {"authorization_code", "implicit"} & set(grants) else ""
    client, secret = create_client(
        by=developer, organisation=organisation, name="App", grant_types=grants, callback_url=callback, **options
    )
    for name, value in columns.items():
        setattr(client, name, value)
    client.save()
    return Registered(client, secret)


class Party:
    """Somebody with an RSA key who signs."""

    def __init__(self, name: str = IDP) -> None:
        self.name = name
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        form = serialization.PrivateFormat.PKCS8
        self.pem = self.private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
        self.key = RSAKey.import_key(self.pem, {"kid": "k1"})

    @property
    def jwks(self) -> str:
        """The public key as a document."""
        return json.dumps({"keys": [self.key.as_dict(private=False)]})

    def jwt(self, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A JWT for our token endpoint; claims that are None are left out."""
        now = int(time.time())
        whole = {"iss": self.name, "aud": issuer(), "iat": now, "exp": now + 60, "jti": secrets.token_hex(8), **claims}
        whole = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "k1", **(header or {})}, whole, self.key, algorithms=["RS256"])

    def certificate(self) -> str:
        """A certificate of the key, PEM."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
        now = datetime.now(UTC)
        built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.private.public_key())
        built = (
            built.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        )
        return built.sign(self.private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def saml(self, subject: str, *, sign: bool = True, **changes: Any) -> str:
        """A signed SAML assertion, base64url. `changes`: audience, recipient, issuer, ends (seconds from now), identifier."""
        moment = datetime.now(UTC)
        begins = (moment - timedelta(seconds=5)).isoformat()
        ends = (moment + timedelta(seconds=changes.get("ends", 300))).isoformat()
        text = f"""<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Version="2.0"
            ID="{changes.get("identifier", "_" + secrets.token_hex(8))}" IssueInstant="{begins}">
          <saml:Issuer>{changes.get("issuer", self.name)}</saml:Issuer>
          <ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"></ds:Signature>
          <saml:Subject><saml:NameID>{subject}</saml:NameID>
            <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
              <saml:SubjectConfirmationData NotOnOrAfter="{ends}" Recipient="{changes.get("recipient", issuer())}"/>
            </saml:SubjectConfirmation></saml:Subject>
          <saml:Conditions NotBefore="{begins}" NotOnOrAfter="{ends}">
            <saml:AudienceRestriction><saml:Audience>{changes.get("audience", issuer())}</saml:Audience>
            </saml:AudienceRestriction>
          </saml:Conditions></saml:Assertion>"""
        root = etree.fromstring(text)
        if sign:
            signer = XMLSigner(c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#")
            root = signer.sign(root, key=self.pem, cert=self.certificate(), reference_uri=root.get("ID"))
        return encoded(etree.tostring(root))


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def trust(admin: Any, organisation: Any, party: Party, kind: str = "JWT", **columns: Any) -> TrustedIssuer:
    """Let the organisation believe `party`."""
    keys = {"jwks": party.jwks} if kind == "JWT" else {"certificate": party.certificate()}
    row = TrustedIssuer(organisation=organisation, name=kind, kind=kind, issuer=party.name, **keys, **columns)
    return save_issuer(by=admin, trusted=row)
