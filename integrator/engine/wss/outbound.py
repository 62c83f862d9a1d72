"""Applies a policy to a message that goes out: timestamp, user, signature and encryption, as initiator or as recipient."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from integrator.engine.wss import encryption, signature
from integrator.engine.wss.inbound import Facts
from integrator.engine.wss.keystore import Certificate, KeyStore, Private
from integrator.engine.wss.names import UNAVAILABLE, WSSE, WSSE11, WSU, SecurityRefusal, wsse, wsu
from integrator.engine.wss.policy import Policy
from integrator.engine.wss.rampart import SIGNER
from integrator.engine.wss.references import add_binary, decode, name_certificate, name_key
from integrator.engine.wss.suites import Suite
from integrator.engine.wss.tokens import Passwords, add_timestamp, add_username, new_id
from integrator.engine.xmltools import Element, children, namespace


@dataclass
class Keys:
    """What signs and what encrypts one message; `name` writes KeyInfo of the session key."""

    sign: Private | bytes | None = None
    session: bytes | None = None
    peer: Certificate | None = None
    name: Callable[[Element], None] = field(default=lambda _: None)


def apply(envelope: Element, policy: Policy, keys: KeyStore, passwords: Passwords, asked: Facts | None = None) -> Facts:
    """Secure an envelope in place. `asked` holds what the request proved when this is the answer to it.

    Returns what the answer to this message must fit. Raises SecurityRefusal when a key or password is missing.
    """
    return _Work(envelope, policy, keys, asked).run(passwords)


def header_for(envelope: Element) -> Element:
    """A new Security header; one that was there is taken away, as it was meant for us."""
    soap = namespace(envelope)
    header = envelope.find(f"{{{soap}}}Header")
    if header is None:
        header = etree.Element(f"{{{soap}}}Header")
        envelope.insert(0, header)
    for old in header.findall(wsse("Security")):
        if not old.get(f"{{{soap}}}actor") and not old.get(f"{{{soap}}}role"):
            header.remove(old)
    made = etree.SubElement(header, wsse("Security"), nsmap={"wsse": WSSE, "wsu": WSU})
    made.set(f"{{{soap}}}mustUnderstand", "1")
    return made


class _Work:
    """One run over one message."""

    def __init__(self, envelope: Element, policy: Policy, store: KeyStore, asked: Facts | None):
        self.envelope, self.policy, self.store, self.asked = envelope, policy, store, asked
        self.security = header_for(envelope)
        self.body = envelope.find(f"{{{namespace(envelope)}}}Body")
        self.facts = Facts()
        self.parts: list[Element] = []
        self.user: Element | None = None
        self.carrier: Element | None = None

    def run(self, passwords: Passwords) -> Facts:
        policy = self.policy
        if policy.timestamp:
            self.parts.append(add_timestamp(self.security, policy.config.ttl_s))
        keys = self._keys()
        if policy.username is not None and self.asked is None:
            self._add_user(passwords)
        if self.asked is not None and policy.confirm and policy.uses_keys:
            self._confirm(self.asked)
        if policy.uses_keys:
            self._protect(keys)
        return self.facts

    def _add_user(self, passwords: Passwords) -> None:
        token, user = self.policy.username, self.policy.config.user
        if token is None or not user:
            raise SecurityRefusal(UNAVAILABLE, "RampartConfig names no user for the UsernameToken")
        password = passwords(user) if token.password else ""
        if password is None:
            raise SecurityRefusal(UNAVAILABLE, f"no password of user {user!r} is configured ([ws_security.passwords])")
        self.user = add_username(self.security, token, user, password)
        if token.signed:
            self.parts.append(self.user)

    def _confirm(self, asked: Facts) -> None:
        for value in asked.signatures or [""]:
            made = etree.SubElement(
                self.security,
                f"{{{WSSE11}}}SignatureConfirmation",
                {wsu("Id"): new_id("SC")},
                nsmap={"wsse11": WSSE11},
            )
            if value:
                made.set("Value", value)
            self.parts.append(made)

    def _keys(self) -> Keys:
        if self.policy.binding == "asymmetric":
            return self._asymmetric()
        return self._symmetric() if self.policy.binding == "symmetric" else Keys()

    def _asymmetric(self) -> Keys:
        config = self.policy.config
        alias = config.signature.alias or config.certificate_alias or config.user
        keys = Keys(sign=self.store.key(alias) if self._signs() else None)
        if self.policy.encrypt_body:
            keys.peer, keys.session = self._peer(), encryption.new_key(self.policy.suite)
        return keys

    def _signs(self) -> bool:
        policy = self.policy
        return policy.sign_body or bool(policy.sign_headers) or policy.timestamp

    def _peer(self) -> Certificate:
        wanted = self.policy.config.encryption_user
        if wanted not in ("", SIGNER):
            return self.store.certificate(wanted)
        if self.asked is None or self.asked.signer is None:
            raise SecurityRefusal(UNAVAILABLE, f"encryptionUser {wanted!r}: the alias of the receiver is needed")
        return self.asked.signer

    def _symmetric(self) -> Keys:
        """The session key: a new one for a request, the request's for its answer."""
        if self.asked is not None:
            held = next(iter(self.asked.session.items()), None)
            if held is None:
                raise SecurityRefusal(UNAVAILABLE, "the request had no session key to answer with")
            sha1, key = held
            return Keys(key, key, None, lambda holder: name_key(holder, sha1=sha1))
        key, peer = encryption.new_key(self.policy.suite), self._recipient()
        made = encryption.add_key(self.security, key, peer, self.policy.suite, self._names(peer))
        sha1 = hashlib.sha1(decode(made[-1][0]), usedforsecurity=False).digest()
        self.facts.session[sha1] = key
        return Keys(key, key, peer, lambda holder: name_key(holder, key_id=str(made.get("Id"))))

    def _recipient(self) -> Certificate:
        config = self.policy.config
        alias = config.encryption_user if config.encryption_user not in ("", SIGNER) else config.encryption.alias
        if not alias:
            raise SecurityRefusal(UNAVAILABLE, "RampartConfig names no encryptionUser")
        return self.store.certificate(alias)

    def _names(self, certificate: Certificate) -> Callable[[Element], None]:
        how = self.policy.references[1]
        if how == "binary":
            how = "thumbprint"
        return lambda holder: name_certificate(holder, how, certificate)

    def _protect(self, keys: Keys) -> None:
        if self.policy.encrypt_first:
            self._encrypt(keys)
            self._sign(keys)
        else:
            self._sign(keys)
            self._encrypt(keys)

    def _sign(self, keys: Keys) -> None:
        policy, header = self.policy, self.security.getparent()
        parts = [*self.parts, *([self.body] if policy.sign_body else [])]
        for space, name in policy.sign_headers:
            parts += [item for item in children(header) if namespace(item) == space and name in ("", _short(item))]
        if not parts or keys.sign is None:
            return
        made = signature.sign(self.security, parts, policy.suite, keys.sign, self._key_info(keys))
        if self.carrier is not None:
            self.carrier.addprevious(made)
        self.facts.signatures.append("".join(str(made.findtext("{*}SignatureValue")).split()))

    def _key_info(self, keys: Keys) -> Callable[[Element], None]:
        if not isinstance(keys.sign, Private):
            return keys.name
        certificate, how = keys.sign.certificate, self.policy.references[0 if self.asked is None else 1]
        token = add_binary(self.security, certificate) if how == "binary" else ""
        if token:  # the token stands before the signature that uses it
            self.security.insert(0, self.security[-1])
        return lambda holder: name_certificate(holder, how, certificate, token)

    def _encrypt(self, keys: Keys) -> None:
        """The body, and a password that would be readable otherwise."""
        suite, key = self.policy.suite, keys.session
        if key is None:
            return
        data = []
        if self.policy.encrypt_body and len(self.body):
            data.append(encryption.encrypt(self.body, key, suite, content=True))
        if self.user is not None:
            data.append(encryption.encrypt(self.user, key, suite, content=False))
            self.parts = [data[-1] if part is self.user else part for part in self.parts]
        if not data:
            return
        if self.policy.binding == "asymmetric":
            self._carry(keys, data, suite)
            return
        for item in data:
            keys.name(item)
            item.append(item[1])  # KeyInfo stands before CipherData
        self._place(lambda: encryption.refer(self.security, data))

    def _carry(self, keys: Keys, data: list[Element], suite: Suite) -> None:
        peer, key = keys.peer, keys.session
        assert peer is not None
        assert key is not None
        holder = self.security

        def write() -> None:
            made = encryption.add_key(holder, key, peer, suite, self._names(peer))
            encryption.refer(made, data)

        self._place(write)

    def _place(self, write: Callable[[], None]) -> None:
        """Receivers work in order: what was done last stands before what was done first, but after the session key."""
        count = len(self.security)
        write()
        made = self.carrier = self.security[count]
        blocks = [item for item in self.security if _short(item) == "Signature"]
        if blocks:
            blocks[0].addprevious(made)


def _short(element: Element) -> str:
    return str(etree.QName(element).localname)
