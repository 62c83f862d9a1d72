"""Reads a WS-SecurityPolicy document (1.1, 1.2 and 1.3 namespaces) with its RampartConfig into one frozen record."""

from __future__ import annotations

from dataclasses import dataclass

from integrator.engine.reader import Reader
from integrator.engine.wss.rampart import Config, read_config
from integrator.engine.wss.suites import SUITES, Suite
from integrator.engine.xmltools import Element, children, local, namespace

POLICY = ("http://schemas.xmlsoap.org/ws/2004/09/policy", "http://www.w3.org/ns/ws-policy")
SP = (
    "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy",
    "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702",
    "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200802",
)
BINDINGS = {"TransportBinding": "transport", "AsymmetricBinding": "asymmetric", "SymmetricBinding": "symmetric"}
SUPPORTING = (
    "SupportingTokens",
    "SignedSupportingTokens",
    "EncryptedSupportingTokens",
    "SignedEncryptedSupportingTokens",
)
IGNORED = ("Wss10", "Wss11", "Trust10", "Trust13", "Policy", "All", "ExactlyOne", "UsingAddressing", "Addressing")
KNOWN = (*BINDINGS, *SUPPORTING, "SignedParts", "EncryptedParts", "SignedElements", "EncryptedElements")
REFUSED_TOKENS = {
    "SecureConversationToken": "WS-SecureConversation needs a security token service",
    "IssuedToken": "tokens of a security token service (SAML) are not read",
    "SamlToken": "SAML tokens are not read",
    "KerberosToken": "Kerberos is not there",
    "SpnegoContextToken": "Kerberos is not there",
    "RelToken": "REL tokens are not read",
    "SecurityContextToken": "WS-SecureConversation needs a security token service",
}


@dataclass(frozen=True)
class Token:
    """A username token: how the password travels, and whether it is signed with the message."""

    digest: bool
    password: bool
    nonce: bool
    signed: bool


@dataclass(frozen=True)
class Policy:
    """What messages must have, and how they get it. Tuples hold (namespace, local name or empty for all)."""

    binding: str
    suite: Suite
    timestamp: bool
    client_certificate: bool
    username: Token | None
    sign_body: bool
    sign_headers: tuple[tuple[str, str], ...]
    encrypt_body: bool
    encrypt_first: bool
    references: tuple[str, str]
    confirm: bool
    config: Config

    @property
    def uses_keys(self) -> bool:
        """Whether messages are signed or encrypted by themselves, so that key stores are needed."""
        return self.binding in ("asymmetric", "symmetric")


def read_policy(root: Element, reader: Reader) -> Policy:
    """Read a policy. Raises DeploymentError for what it does not know, so that nothing is left unprotected in silence."""
    if local(root) != "Policy" or namespace(root) not in POLICY:
        raise reader.fail(root, f"a WS-Policy document is expected (wsp:Policy of {POLICY[0]})")
    found = _assertions(root, reader)
    _refuse_unknown(root, found, reader)
    binding = next((item for item in found if local(item) in BINDINGS), None)
    config = read_config(root, reader)
    kind = BINDINGS[local(binding)] if binding is not None else "none"
    tokens = _username(found, kind, reader)
    policy = Policy(
        binding=kind,
        suite=_suite(binding, reader),
        timestamp=_inside(binding, "IncludeTimestamp") is not None,
        client_certificate=_client_certificate(binding),
        username=tokens,
        sign_body=_part(found, "SignedParts", "Body", reader),
        sign_headers=_headers(found, "SignedParts"),
        encrypt_body=_part(found, "EncryptedParts", "Body", reader),
        encrypt_first=_inside(binding, "EncryptBeforeSigning") is not None,
        references=_references(binding),
        confirm=any(_inside(item, "RequireSignatureConfirmation") is not None for item in found),
        config=config,
    )
    _check(root, binding, policy, reader)
    return policy


def _assertions(root: Element, reader: Reader) -> list[Element]:
    """Assertions of the first alternative; nested Policy and All elements are only brackets."""
    found: list[Element] = []
    for item in children(root):
        name = local(item)
        if name == "PolicyReference":
            raise reader.fail(item, "references to other policies are not followed; write the assertions here")
        if namespace(item) in POLICY and name in ("All", "Policy"):
            found += _assertions(item, reader)
        elif namespace(item) in POLICY and name == "ExactlyOne":
            first = next(iter(children(item)), None)
            found += _assertions(first, reader) if first is not None else []
        else:
            found.append(item)
    return found


def _refuse_unknown(root: Element, found: list[Element], reader: Reader) -> None:
    for item in root.iter():
        if namespace(item) in SP and local(item) in REFUSED_TOKENS:
            reason = REFUSED_TOKENS[local(item)]
            raise reader.fail(item, f"{reason}; allowed are UsernameToken and X509Token")
    for item in found:
        if namespace(item) in SP and local(item) not in (*KNOWN, *IGNORED):
            raise reader.fail(item, f"assertion <{local(item)}> is not known; allowed are {', '.join(KNOWN)}")
        if local(item) in ("SignedElements", "EncryptedElements"):
            raise reader.fail(item, "elements by XPath are not protected; allowed are SignedParts and EncryptedParts")


def _inside(element: Element | None, name: str) -> Element | None:
    if element is None:
        return None
    return next((item for item in element.iter() if local(item) == name and namespace(item) in SP), None)


def _suite(binding: Element | None, reader: Reader) -> Suite:
    held = _inside(binding, "AlgorithmSuite")
    names = (
        [local(item) for item in held.iter() if namespace(item) in SP and item is not held] if held is not None else []
    )
    for name in names:
        if name in SUITES:
            return SUITES[name]
    if names:
        raise reader.fail(held, f"algorithm suite {names[0]!r} is not allowed; allowed are {', '.join(SUITES)}")
    return SUITES["Basic256"]


def _client_certificate(binding: Element | None) -> bool:
    token = _inside(binding, "HttpsToken")
    if token is None:
        return False
    nested = _inside(token, "RequireClientCertificate") is not None
    return nested or (token.get("RequireClientCertificate") or "").strip() in ("true", "1")


def _username(found: list[Element], kind: str, reader: Reader) -> Token | None:
    for item in found:
        if local(item) not in SUPPORTING:
            continue
        token = _inside(item, "UsernameToken")
        if token is None:
            raise reader.fail(item, "a UsernameToken is expected; other supporting tokens are not known")
        digest = _inside(token, "HashPassword") is not None
        fresh = digest or any(_inside(token, name) is not None for name in ("Nonce", "Created"))
        return Token(
            digest=digest,
            password=_inside(token, "NoPassword") is None,
            nonce=fresh,
            signed=local(item).startswith("Signed") and kind in ("asymmetric", "symmetric"),
        )
    return None


def _part(found: list[Element], holder: str, name: str, reader: Reader) -> bool:
    """Whether a part is named; an empty SignedParts or EncryptedParts means the body."""
    wanted = False
    for item in found:
        if local(item) != holder:
            continue
        parts = children(item)
        wanted = wanted or not parts or any(local(part) == name for part in parts)
        for part in parts:
            if local(part) == "Attachments" or (holder == "EncryptedParts" and local(part) != "Body"):
                raise reader.fail(part, f"<{local(part)}> in {holder} is not known; allowed is Body")
    return wanted


def _headers(found: list[Element], holder: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (part.get("Namespace") or "", part.get("Name") or "")
        for item in found
        if local(item) == holder
        for part in children(item)
        if local(part) == "Header"
    )


def _references(binding: Element | None) -> tuple[str, str]:
    """How the initiator's and the recipient's certificates are named: binary, thumbprint, issuer or ski."""
    initiator = _inside(binding, "InitiatorToken")
    recipient = _inside(binding, "RecipientToken")
    if recipient is None:
        recipient = _inside(binding, "ProtectionToken")
    return _reference(initiator), _reference(recipient)


def _reference(holder: Element | None) -> str:
    token = _inside(holder, "X509Token")
    if token is None:
        return "thumbprint"
    included = next((value for name, value in token.attrib.items() if name.endswith("IncludeToken")), "")
    if included.rpartition("/")[2] in ("AlwaysToRecipient", "Always", "Once"):
        return "binary"
    if _inside(token, "RequireIssuerSerialReference") is not None:
        return "issuer"
    return "ski" if _inside(token, "RequireKeyIdentifierReference") is not None else "thumbprint"


def _check(root: Element, binding: Element | None, policy: Policy, reader: Reader) -> None:
    if binding is None and (policy.sign_body or policy.encrypt_body or policy.sign_headers):
        raise reader.fail(root, "signed or encrypted parts need an AsymmetricBinding or SymmetricBinding")
    if binding is None and policy.username is None:
        raise reader.fail(root, "the policy asks for nothing: a binding or a UsernameToken is expected")
    for name in ("RequireDerivedKeys", "EncryptSignature", "ProtectTokens"):
        if (item := _inside(binding, name)) is not None:
            raise reader.fail(item, f"<{name}> is not supported; leave it out on both sides")
    if policy.binding == "asymmetric" and _inside(binding, "InitiatorToken") is None:
        raise reader.fail(binding, "child <InitiatorToken> with an X509Token is required")
    if policy.config.roles and policy.username is None:
        raise reader.fail(root, "allowed roles need a UsernameToken: nobody else has roles")
    if policy.uses_keys and _inside(binding, "X509Token") is None:
        raise reader.fail(binding, "an X509Token is expected")
