"""What somebody may try on a secured service, each refused with the right code."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from integrator.engine.wss import suites, tokens
from integrator.engine.wss.inbound import Facts, enforce
from integrator.engine.wss.keystore import Certificate, KeyStore
from integrator.engine.wss.names import DS, WSSE, WSU, XENC, SecurityRefusal
from integrator.engine.wss.outbound import apply
from integrator.engine.wss.replay import Nonces
from tests.integrator.engine.wss.parties import (
    ENCRYPTED,
    SCENARIOS,
    SIGNED,
    USER,
    asymmetric,
    certificate,
    envelope,
    policy,
    private,
    sent,
    store,
    symmetric,
)

CLIENT, SERVER = store("client", "server"), store("server", "client")
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
SIGN = asymmetric() + SIGNED
DIGEST = "<wsp:Policy><sp:HashPassword/></wsp:Policy>"
Touch = Callable[[etree._Element], object]


def known(user: str) -> str | None:
    """The user store."""
    return {"ann": "s3cret"}.get(user)


def made(assertions: str, keys: KeyStore = CLIENT, text: str = "") -> etree._Element:
    """A request secured by the rules."""
    request = envelope(text) if text else envelope()
    apply(request, policy(assertions, "ann", "server"), keys, known)
    return sent(request)


def refused(request: etree._Element, assertions: str, nonces: Nonces | None = None, config: str = "") -> str:
    """The code of the refusal. Fails when the message passes."""
    with pytest.raises(SecurityRefusal) as caught:
        enforce(request, policy(assertions, config=config), SERVER, known, nonces or Nonces())
    return caught.value.code


def test_a_changed_body() -> None:
    """One changed character ends the signature."""
    request = made(SIGN)
    request.find(".//{urn:orders}id").text = "8"
    assert refused(request, SIGN) == "FailedCheck"


def wrap_in_header(request: etree._Element) -> None:
    """The signed body moves into the header; a new one with another content takes its place."""
    body = request.find(f"{SOAP}Body")
    forged = copy.deepcopy(body)
    forged.attrib.clear()
    forged.find(".//{urn:orders}id").text = "666"
    holder = etree.SubElement(request.find(f"{SOAP}Header"), "{urn:x}w")
    request.replace(body, forged)
    holder.append(body)


def wrap_with_same_id(request: etree._Element) -> None:
    """As above, and the forged body has the id of the signed one."""
    identity = request.find(f"{SOAP}Body").get(f"{{{WSU}}}Id")
    wrap_in_header(request)
    request.find(f"{SOAP}Body").set(f"{{{WSU}}}Id", identity)


def wrap_with_plain_id(request: etree._Element) -> None:
    """The forged body carries the id in another attribute."""
    identity = request.find(f"{SOAP}Body").get(f"{{{WSU}}}Id")
    wrap_in_header(request)
    request.find(f"{SOAP}Body").set("Id", identity)


def second_body(request: etree._Element) -> None:
    """Two bodies: which one is read?"""
    forged = copy.deepcopy(request.find(f"{SOAP}Body"))
    forged.attrib.clear()
    request.insert(1, forged)


def second_security(request: etree._Element) -> None:
    """Two Security headers for us."""
    header = request.find(f"{SOAP}Header")
    header.append(copy.deepcopy(header[0]))
    for item in header[1].iter(etree.Element):
        item.attrib.pop(f"{{{WSU}}}Id", None)
        item.attrib.pop("Id", None)


def wrapped_timestamp(request: etree._Element) -> None:
    """A fresh, unsigned timestamp in the place of the signed one, which is hidden below another element."""
    security = request.find(f".//{{{WSSE}}}Security")
    old = security.find(f"{{{WSU}}}Timestamp")
    tokens.add_timestamp(security, 300)
    holder = etree.SubElement(request.find(f"{SOAP}Header"), "{urn:x}w")
    holder.append(old)


@pytest.mark.parametrize(
    ("touch", "code"),
    [
        (wrap_in_header, "FailedCheck"),
        (wrap_with_same_id, "InvalidSecurity"),
        (wrap_with_plain_id, "InvalidSecurity"),
        (second_body, "InvalidSecurity"),
        (second_security, "InvalidSecurity"),
        (wrapped_timestamp, "FailedCheck"),
    ],
)
def test_signature_wrapping(touch: Touch, code: str) -> None:
    """What is signed is known by the element, not by its name: a signed copy elsewhere protects nothing."""
    request = made(SIGN)
    touch(request)
    assert refused(request, SIGN) == code


def test_unsigned_body() -> None:
    """A valid signature over the timestamp alone is not one over the body."""
    only_time = made(asymmetric() + "<sp:SignedParts><sp:Header Namespace='urn:none'/></sp:SignedParts>")
    assert refused(only_time, SIGN) == "FailedCheck"


def test_no_signature_and_no_header() -> None:
    """A message that simply leaves security out."""
    request = made(SIGN)
    security = request.find(f".//{{{WSSE}}}Security")
    security.remove(security.find(f"{{{DS}}}Signature"))
    assert refused(request, SIGN) == "FailedCheck"
    assert refused(envelope(), SIGN) == "InvalidSecurity"


def test_unencrypted_body() -> None:
    """Signed but readable where the policy asks for encryption."""
    assert refused(made(SIGN), SIGN + ENCRYPTED) == "FailedCheck"
    assert refused(made(SCENARIOS["SgnOnlyAnonymous"]), SCENARIOS["SgnEncrAnonymous"]) == "FailedCheck"


def test_replayed_nonce() -> None:
    """The same message twice; another one in between is fine."""
    rules = SCENARIOS["SgnOnlyAnonymous"] + USER.format(kind=DIGEST)
    nonces, request = Nonces(), made(rules)
    again = copy.deepcopy(request)
    enforce(request, policy(rules), SERVER, known, nonces)
    assert refused(again, rules, nonces) == "FailedAuthentication"
    enforce(made(rules), policy(rules), SERVER, known, nonces)


def test_nonces_are_bounded() -> None:
    """A full memory refuses what is new; what is too old to be accepted makes room."""
    nonces = Nonces(limit=2)
    assert [nonces.use(b"a", 10, now=1), nonces.use(b"b", 20, now=1), nonces.use(b"c", 30, now=1)] == [
        True,
        True,
        False,
    ]
    assert nonces.use(b"c", 30, now=11)
    assert not nonces.use(b"b", 20, now=12)
    assert len(nonces) == 2


@pytest.mark.parametrize(("created", "expires"), [(-600, -300), (-700, 300), (900, 1200), (-60, -1)])
def test_time(created: int, expires: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expired, older than the policy allows whatever it says itself, from the future."""
    rules, now = SCENARIOS["SgnOnlyAnonymous"], datetime.now(UTC)

    def add(security: etree._Element, _ttl: int) -> etree._Element:
        stamp = etree.SubElement(security, f"{{{WSU}}}Timestamp", {f"{{{WSU}}}Id": "TS-1"})
        etree.SubElement(stamp, f"{{{WSU}}}Created").text = tokens.instant(now + timedelta(seconds=created))
        etree.SubElement(stamp, f"{{{WSU}}}Expires").text = tokens.instant(now + timedelta(seconds=expires))
        return stamp

    monkeypatch.setattr("integrator.engine.wss.outbound.add_timestamp", add)
    assert refused(made(rules), rules) == "MessageExpired"


def test_old_user_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user token that was made before the nonces of its time were forgotten."""
    rules = SCENARIOS["SgnOnlyAnonymous"] + USER.format(kind=DIGEST)
    real = tokens.add_username
    old = datetime.now(UTC) - timedelta(seconds=700)
    monkeypatch.setattr("integrator.engine.wss.outbound.add_username", lambda *given: real(*given, old))
    assert refused(made(rules), rules) == "MessageExpired"


@pytest.mark.parametrize("user", ["ann", "nobody"])
def test_wrong_password_and_unknown_user(user: str) -> None:
    """One and the same answer for both."""
    request = envelope()
    apply(request, policy(SCENARIOS["UTOverTransport"], user, "server"), CLIENT, lambda _: "wrong")
    with pytest.raises(SecurityRefusal) as caught:
        enforce(sent(request), policy(SCENARIOS["UTOverTransport"]), SERVER, known, Nonces())
    assert (caught.value.code, caught.value.text) == ("FailedAuthentication", tokens.WRONG)


def set_algorithm(path: str, value: str) -> Touch:
    """Change the algorithm of an element."""
    return lambda request: request.find(path).set("Algorithm", value)


MD5 = "http://www.w3.org/2001/04/xmldsig-more#rsa-md5"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"


@pytest.mark.parametrize(
    "touch",
    [
        set_algorithm(f".//{{{DS}}}SignatureMethod", MD5),
        set_algorithm(f".//{{{DS}}}SignatureMethod", suites.RSA_SHA1),
        set_algorithm(f".//{{{DS}}}SignatureMethod", suites.HMAC_SHA256),
        set_algorithm(f".//{{{DS}}}SignedInfo//{{{DS}}}DigestMethod", suites.SHA1),
        set_algorithm(f".//{{{DS}}}CanonicalizationMethod", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        set_algorithm(f".//{{{DS}}}Transform", XPATH),
        set_algorithm(f".//{{{XENC}}}EncryptedKey/{{{XENC}}}EncryptionMethod", suites.RSA15),
        set_algorithm(f".//{{{XENC}}}EncryptedData/{{{XENC}}}EncryptionMethod", suites.CBC[128]),
        set_algorithm(f".//{{{XENC}}}EncryptedData/{{{XENC}}}EncryptionMethod", f"{XENC}tripledes-cbc"),
    ],
)
def test_weaker_algorithms(touch: Touch) -> None:
    """Nothing weaker than the suite says: hash, key confusion (a public key as HMAC key), transforms, ciphers."""
    rules = asymmetric("Basic256Sha256") + SIGNED + ENCRYPTED
    request = made(rules)
    touch(request)
    assert refused(request, rules) == "UnsupportedAlgorithm"


def test_a_weaker_suite_as_a_whole() -> None:
    """A message made wholly by a weaker suite, with valid signatures."""
    weaker = asymmetric("Basic128Rsa15") + SIGNED + ENCRYPTED
    assert refused(made(weaker), asymmetric("Basic256Sha256") + SIGNED + ENCRYPTED) == "UnsupportedAlgorithm"


def test_symmetric_signature_where_a_certificate_is_asked() -> None:
    """Anybody can make a session key for us; that is no proof of who they are."""
    assert refused(made(symmetric() + SIGNED), SIGN) == "FailedCheck"


def test_untrusted_and_expired_certificates() -> None:
    """A valid signature by a key nobody vouches for, and by one whose time is over."""
    stranger = store("stranger", "server")
    assert refused(made(SIGN, stranger), SIGN) == "FailedAuthentication"
    key = private("client").key
    old = Certificate("old", certificate("client", key, days=-1))
    assert not KeyStore((), (old,)).trusts(old.x509)


def test_issued_certificate() -> None:
    """A self-signed leaf is no authority, even for itself with another name."""
    leaf = private("client").certificate
    assert not KeyStore((), (private("server").certificate,)).trusts(leaf.x509)
    assert KeyStore((), (leaf,)).trusts(leaf.x509)


def test_encrypted_for_somebody_else() -> None:
    """A key that is not ours."""
    other = KeyStore(CLIENT.keys, (Certificate("server", private("other").certificate.x509),))
    assert refused(made(SIGN + ENCRYPTED, other), SIGN + ENCRYPTED) == "SecurityTokenUnavailable"


def test_every_failure_of_decryption_is_the_same() -> None:
    """Wrong padding, wrong length and content that is no XML give one answer (padding oracles)."""
    rules, texts = SCENARIOS["EncrOnlyAnonymous"], set()
    for place, value in ((-1, 1), (-17, 0x80), (20, 0xFF)):
        request = made(rules)
        held = request.find(f".//{SOAP}Body//{{{XENC}}}CipherValue")
        data = bytearray(base64.b64decode(held.text))
        data[place] ^= value
        held.text = base64.b64encode(data).decode()
        with pytest.raises(SecurityRefusal) as caught:
            enforce(request, policy(rules), SERVER, known, Nonces())
        texts.add((caught.value.code, caught.value.text))
    assert texts == {("FailedCheck", "The signature or decryption was invalid")}


def test_too_many_references() -> None:
    """Lists are bounded."""
    request = made(SIGN)
    info = request.find(f".//{{{DS}}}SignedInfo")
    for _ in range(70):
        info.append(copy.deepcopy(info.find(f"{{{DS}}}Reference")))
    assert refused(request, SIGN) == "InvalidSecurity"
    security = request.find(f".//{{{WSSE}}}Security")
    for _ in range(70):
        etree.SubElement(security, "{urn:x}y")
    assert refused(request, SIGN) == "InvalidSecurity"


def test_external_reference() -> None:
    """A reference to an address or a file is not followed."""
    for uri in ("http://127.0.0.1:1/x", "file:///etc/passwd", ""):
        request = made(SIGN)
        request.find(f".//{{{DS}}}Reference").set("URI", uri)
        assert refused(request, SIGN) == "FailedCheck"


def test_answer_to_another_request() -> None:
    """An answer that does not confirm our signature is not ours."""
    theirs, ours = policy(SCENARIOS["SigEncr"], "ann", "server"), policy(SCENARIOS["SigEncr"], "server")
    first, second = envelope(), envelope()
    asked_first, asked_second = apply(first, theirs, CLIENT, known), apply(second, theirs, CLIENT, known)
    facts: Facts = enforce(sent(first), ours, SERVER, known, Nonces())
    answer = envelope()
    apply(answer, ours, SERVER, known, facts)
    enforce(sent(answer), theirs, CLIENT, known, Nonces(), asked_first)
    with pytest.raises(SecurityRefusal, match="does not confirm"):
        enforce(sent(answer), theirs, CLIENT, known, Nonces(), asked_second)
