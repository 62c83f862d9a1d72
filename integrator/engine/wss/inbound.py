"""Enforces a policy on a message that came in: decrypts, verifies, and checks that all that must be protected is.

Header blocks are processed in the order in which they stand, as the specification asks. What a signature covers is known
by the element itself (not by its name or place), so a signed copy of the body somewhere else protects nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lxml import etree

from integrator.engine.wss import encryption, signature
from integrator.engine.wss.keystore import Certificate, KeyStore
from integrator.engine.wss.names import (
    CONTENT,
    FAILED_AUTHENTICATION,
    FAILED_CHECK,
    INVALID_SECURITY,
    UNAVAILABLE,
    WSSE11,
    SecurityRefusal,
    ds,
    wsse,
    wsu,
    xenc,
)
from integrator.engine.wss.policy import Policy
from integrator.engine.wss.references import Resolver
from integrator.engine.wss.replay import Nonces
from integrator.engine.wss.tokens import WRONG, Passwords, check_timestamp, check_username
from integrator.engine.xmltools import Element, children, namespace, text_of

MAX_BLOCKS, MAX_SIGNATURES, MAX_KEYS, MAX_DATA = 64, 4, 8, 64


@dataclass
class Facts:
    """What a message proved: its user, who signed it, and what an answer to it needs."""

    user: str = ""
    nonce: bytes = b""
    basic: bool = False
    signer: Certificate | None = None
    signatures: list[str] = field(default_factory=list)
    session: dict[bytes, bytes] = field(default_factory=dict)


def enforce(
    envelope: Element,
    policy: Policy,
    keys: KeyStore,
    passwords: Passwords,
    nonces: Nonces,
    sent: Facts | None = None,
) -> Facts:
    """Check one envelope, in place. `sent` holds what a request of ours had when this is its answer.

    Raises SecurityRefusal. Passwords are asked of requests only: an answer carries no UsernameToken.
    """
    return _Inspection(envelope, policy, keys, sent).run(passwords, nonces)


def security_of(envelope: Element) -> Element | None:
    """The Security header for us: the one without an actor. Raises SecurityRefusal when there are two."""
    soap = namespace(envelope)
    headers = envelope.findall(f"{{{soap}}}Header")
    if len(headers) > 1 or len(envelope.findall(f"{{{soap}}}Body")) != 1:
        raise SecurityRefusal(INVALID_SECURITY, "the envelope repeats its Header or has not one Body")
    found = [
        item
        for item in (headers[0].findall(wsse("Security")) if headers else ())
        if not item.get(f"{{{soap}}}actor") and not item.get(f"{{{soap}}}role")
    ]
    if len(found) > 1:
        raise SecurityRefusal(INVALID_SECURITY, "there is more than one Security header")
    return found[0] if found else None


class _Inspection:
    """One run over one message."""

    def __init__(self, envelope: Element, policy: Policy, keys: KeyStore, sent: Facts | None):
        self.envelope, self.policy, self.keys, self.sent = envelope, policy, keys, sent
        self.facts = Facts(session=dict(sent.session) if sent else {})
        self.signed: list[Element] = []
        self.encrypted: list[Element] = []
        self.resolver = Resolver(self._find, keys, self.facts.session)
        self.data_left = MAX_DATA
        self.ids: dict[str, Element] = {}

    def run(self, passwords: Passwords, nonces: Nonces) -> Facts:
        security = security_of(self.envelope)
        if security is None:
            raise SecurityRefusal(INVALID_SECURITY, "Missing wsse:Security header in request")
        if len(security) > MAX_BLOCKS:
            raise SecurityRefusal(INVALID_SECURITY, f"more than {MAX_BLOCKS} blocks in the Security header")
        signature.ids(self.envelope, self.ids)
        self._count(security, ds("Signature"), MAX_SIGNATURES)
        self._count(security, xenc("EncryptedKey"), MAX_KEYS)
        for block in children(security):
            self._process(block)
        self._check_parts(security)
        self._check_timestamp(security)
        if self.policy.username is not None and self.sent is None:
            self._check_user(security, passwords, nonces)
        if self.sent is not None and self.policy.confirm:
            self._check_confirmation(security, self.sent)
        return self.facts

    @staticmethod
    def _count(security: Element, tag: str, most: int) -> None:
        if len(security.findall(tag)) > most:
            raise SecurityRefusal(INVALID_SECURITY, f"more than {most} {etree.QName(tag).localname} blocks")

    def _find(self, identity: str) -> Element:
        found = self.ids.get(identity)
        if found is None or found.getparent() is None:
            raise SecurityRefusal(UNAVAILABLE, "a reference points to nothing in the message")
        return found

    def _process(self, block: Element) -> None:
        if block.getparent() is None:
            return
        if block.tag == xenc("EncryptedKey"):
            self._open_key(block)
        elif block.tag == xenc("ReferenceList"):
            self._decrypt(block, None)
        elif block.tag == ds("Signature"):
            self._verify(block)

    def _open_key(self, block: Element) -> None:
        certificate = self.resolver.resolve(block)
        private = self.keys.private_for(certificate) if isinstance(certificate, Certificate) else None
        if private is None:
            raise SecurityRefusal(UNAVAILABLE, "the message is encrypted for a key that is not ours")
        encrypted, key = encryption.open_key(block, private, self.policy.suite)
        self.resolver.add_key(str(block.get("Id") or ""), encrypted, key)
        references = block.find(xenc("ReferenceList"))
        if references is not None:
            self._decrypt(references, key)

    def _decrypt(self, references: Element, key: bytes | None) -> None:
        for reference in references.findall(xenc("DataReference")):
            self.data_left -= 1
            if self.data_left < 0:
                raise SecurityRefusal(INVALID_SECURITY, f"more than {MAX_DATA} pieces of encrypted data")
            data = self._find(str(reference.get("URI") or "#")[1:])
            if data.tag != xenc("EncryptedData"):
                raise SecurityRefusal(FAILED_CHECK, "a reference points to no encrypted data")
            held = key if key is not None else self._session_key(data)
            whole = data.getparent() if data.get("Type") == CONTENT and len(data.getparent()) == 1 else None
            plain = encryption.decrypt(data, held, self.policy.suite)
            for item in plain:
                signature.ids(item, self.ids)
            if any(data is item for item in self.signed):  # signed as it was encrypted
                self.signed += plain
            self.encrypted += [whole] if whole is not None else plain

    def _session_key(self, data: Element) -> bytes:
        held = self.resolver.resolve(data)
        if isinstance(held, Certificate):
            raise SecurityRefusal(UNAVAILABLE, "encrypted data names a certificate, a session key is expected")
        return held

    def _verify(self, block: Element) -> None:
        key = self.resolver.resolve(block)
        policy = self.policy
        if isinstance(key, Certificate):
            if policy.binding == "symmetric" or not self.keys.trusts(key.x509):
                raise SecurityRefusal(FAILED_AUTHENTICATION, WRONG)
            self.facts.signer = key
        elif policy.binding == "asymmetric":
            raise SecurityRefusal(FAILED_CHECK, "the policy asks for a signature of a certificate")
        self.signed += signature.verify(block, self.ids, policy.suite, key)
        self.facts.signatures.append("".join(text_of(block.find(ds("SignatureValue"))).split()))

    def _body(self) -> Element:
        return self.envelope.find(f"{{{namespace(self.envelope)}}}Body")

    def _need(self, parts: Iterable[Element], what: str) -> None:
        for part in parts:
            if not any(part is held for held in self.signed):
                raise SecurityRefusal(FAILED_CHECK, f"{what} is not signed")

    def _check_parts(self, security: Element) -> None:
        """Everything that the policy names is covered by a signature, and was encrypted."""
        policy, body = self.policy, self._body()
        if not policy.uses_keys:
            return
        if policy.sign_body:
            self._need([body], "the Body")
        if policy.encrypt_body and len(body) and not any(body is held for held in self.encrypted):
            raise SecurityRefusal(FAILED_CHECK, "the Body is not encrypted")
        header = security.getparent()
        for space, name in policy.sign_headers:
            found = [item for item in children(header) if namespace(item) == space]
            self._need([item for item in found if not name or item.tag == f"{{{space}}}{name}"], "a header")
        if policy.timestamp:
            self._need(security.findall(wsu("Timestamp")), "the Timestamp")
        if policy.username is not None and policy.username.signed and self.sent is None:
            self._need(security.findall(wsse("UsernameToken")), "the UsernameToken")

    def _check_timestamp(self, security: Element) -> None:
        found = security.findall(wsu("Timestamp"))
        if len(found) > 1 or (self.policy.timestamp and not found):
            raise SecurityRefusal(INVALID_SECURITY, "one Timestamp is expected in the Security header")
        if found:
            check_timestamp(found[0], self.policy.config)

    def _check_user(self, security: Element, passwords: Passwords, nonces: Nonces) -> None:
        token, found = self.policy.username, security.findall(wsse("UsernameToken"))
        if token is None or len(found) != 1:
            raise SecurityRefusal(INVALID_SECURITY, "one UsernameToken is expected in the Security header")
        self.facts.user, self.facts.nonce = check_username(found[0], token, passwords, nonces, self.policy.config)

    def _check_confirmation(self, security: Element, sent: Facts) -> None:
        """The answer belongs to our request: it repeats the values of its signatures, and is signed itself."""
        found = security.findall(f"{{{WSSE11}}}SignatureConfirmation")
        given = ["".join((item.get("Value") or "").split()) for item in found]
        if any(value not in given for value in sent.signatures) or (self.policy.uses_keys and not found):
            raise SecurityRefusal(FAILED_CHECK, "the answer does not confirm the signature of the request")
        if self.policy.uses_keys:
            self._need(found, "the SignatureConfirmation")
