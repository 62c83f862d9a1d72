"""What policies may say, and what is refused with the element, the reason and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from integrator.engine.errors import DeploymentError
from integrator.engine.reader import read_xml
from integrator.engine.wss.keystore import KeyStoreError, generated, read_store
from integrator.engine.wss.policy import Policy, read_policy
from tests.integrator.engine.wss.parties import (
    SIGNED,
    TRANSPORT,
    USER,
    asymmetric,
    policy,
    policy_text,
    private,
    symmetric,
    write_p12,
)

P12 = "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702"
SP = "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy"


def read(text: str) -> Policy:
    """The record of a document."""
    return read_policy(*read_xml(text, "policy.xml"))


def test_newer_namespaces() -> None:
    """WS-SecurityPolicy 1.2 and WS-Policy 1.5."""
    text = policy_text(asymmetric("Basic256Sha256") + SIGNED, "a").replace(SP, P12)
    found = read(text.replace("http://schemas.xmlsoap.org/ws/2004/09/policy", "http://www.w3.org/ns/ws-policy"))
    assert (found.binding, found.suite.name, found.sign_body, found.timestamp) == (
        "asymmetric",
        "Basic256Sha256",
        True,
        True,
    )


def test_config() -> None:
    """Users, times, stores and roles; a ServerCrypto names no file."""
    crypto = (
        '<rampart:signatureCrypto><rampart:crypto provider="org.apache.ws.security.components.crypto.Merlin">'
        '<rampart:property name="org.apache.ws.security.crypto.merlin.file">k.p12</rampart:property>'
        '<rampart:property name="org.apache.ws.security.crypto.merlin.keystore.password">pw</rampart:property>'
        "</rampart:crypto></rampart:signatureCrypto><rampart:encryptionCrypto><rampart:crypto>"
        '<rampart:property name="org.wso2.carbon.security.crypto.privatestore">wso2carbon.jks</rampart:property>'
        '<rampart:property name="org.wso2.carbon.security.crypto.alias">wso2carbon</rampart:property>'
        "</rampart:crypto></rampart:encryptionCrypto><rampart:timestampTTL>60</rampart:timestampTTL>"
        "<rampart:timestampStrict>false</rampart:timestampStrict>"
    )
    config = read(policy_text(TRANSPORT + USER.format(kind=""), "ann", "peer", crypto, roles="a, b")).config
    assert (config.user, config.encryption_user, config.ttl_s, config.skew_s) == ("ann", "peer", 60, 300)
    assert (config.signature.file, config.signature.password) == ("k.p12", "pw")
    assert (config.encryption.file, config.encryption.alias) == ("", "wso2carbon")
    assert config.roles == {"a", "b"}


TOKEN = "<sp:{name} xmlns:sp='" + SP + "'/>"


@pytest.mark.parametrize(
    ("assertions", "reason"),
    [
        ("", "the policy asks for nothing"),
        (SIGNED, "need an AsymmetricBinding or SymmetricBinding"),
        (asymmetric("TripleDes") + SIGNED, "algorithm suite 'TripleDes' is not allowed; allowed are Basic256"),
        (symmetric(extra="<sp:RequireDerivedKeys/>") + SIGNED, "<RequireDerivedKeys> is not supported"),
        (asymmetric(extra="<sp:EncryptSignature/>") + SIGNED, "<EncryptSignature> is not supported"),
        (
            symmetric() + "<sp:EncryptedParts><sp:Header/></sp:EncryptedParts>",
            "<Header> in EncryptedParts is not known",
        ),
        (asymmetric() + "<sp:SignedElements/>", "elements by XPath are not protected"),
        (asymmetric() + "<sp:Whatever/>", "assertion <Whatever> is not known; allowed are TransportBinding"),
        (asymmetric() + "<sp:EndorsingSupportingTokens/>", "assertion <EndorsingSupportingTokens> is not known"),
        (
            "<sp:SupportingTokens><wsp:Policy><sp:IssuedToken/></wsp:Policy></sp:SupportingTokens>",
            "tokens of a security token service (SAML) are not read",
        ),
        (
            "<sp:SupportingTokens><wsp:Policy><sp:KerberosToken/></wsp:Policy></sp:SupportingTokens>",
            "Kerberos is not there; allowed are UsernameToken and X509Token",
        ),
        ("<wsp:PolicyReference URI='#x'/>", "references to other policies are not followed"),
    ],
)
def test_refused(assertions: str, reason: str) -> None:
    """Nothing that is not understood is passed over in silence."""
    with pytest.raises(DeploymentError) as caught:
        policy(assertions)
    assert reason in str(caught.value)


def test_refused_config() -> None:
    """Times out of range, unknown elements, roles that nobody could have, and another document."""
    for text, reason in (
        (policy_text(asymmetric(), config="<rampart:timestampTTL>-1</rampart:timestampTTL>"), "0 to 86400 seconds"),
        (policy_text(asymmetric(), config="<rampart:timestampTTL>soon</rampart:timestampTTL>"), "a whole number"),
        (policy_text(asymmetric(), config="<rampart:nonsense/>"), "<nonsense> is not allowed in RampartConfig"),
        (policy_text(asymmetric() + SIGNED, roles="a"), "allowed roles need a UsernameToken"),
        ("<a/>", "a WS-Policy document is expected"),
    ):
        with pytest.raises(DeploymentError) as caught:
            read(text)
        assert reason in str(caught.value)


def test_stores(tmp_path: Path) -> None:
    """PKCS#12 and PEM; a Java store is refused with the command that converts it."""
    write_p12(tmp_path / "a.p12", "client", "server")
    held = read_store(tmp_path / "a.p12", "changeit")
    assert [key.certificate.alias for key in held.keys] == ["client"]
    assert held.certificate("server").thumbprint == private("server").certificate.thumbprint
    pem = tmp_path / "own.pem"
    pem.write_bytes(private("client").certificate.pem + private("client").pem + private("server").certificate.pem)
    held = read_store(pem, "")
    assert (held.key("own").certificate.alias, [item.alias for item in held.trusted]) == ("own", ["server"])
    bad = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "ec.pem").write_bytes(bad)
    (tmp_path / "junk.p12").write_bytes(b"junk")
    for name, password, reason in (
        ("x.jks", "", "keytool -importkeystore"),
        ("a.p12", "wrong", "a.p12"),
        ("none.p12", "", "none.p12"),
        ("ec.pem", "", "RSA private key"),
        ("junk.p12", "", "junk.p12"),
    ):
        with pytest.raises(KeyStoreError) as caught:
            read_store(tmp_path / name, password)
        assert reason in str(caught.value)


def test_generated_store(tmp_path: Path) -> None:
    """Made once, readable by its owner only."""
    first, second = generated(tmp_path, "host"), generated(tmp_path, "host")
    assert first.keys[0].certificate.thumbprint == second.keys[0].certificate.thumbprint
    assert (tmp_path / "wss.pem").stat().st_mode & 0o777 == 0o600
