"""Each scenario of the original's tools, both ways: what one side applies, the other accepts, and only that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from integrator.engine.wss.inbound import Facts, enforce
from integrator.engine.wss.names import WSSE, SecurityRefusal
from integrator.engine.wss.outbound import apply
from integrator.engine.wss.replay import Nonces
from tests.integrator.engine.wss.parties import (
    ENCRYPTED,
    SCENARIOS,
    SIGNED,
    USER,
    asymmetric,
    envelope,
    policy,
    sent,
    store,
    symmetric,
)

CLIENT, SERVER = store("client", "server"), store("server", "client")


def known(user: str) -> str | None:
    """The user store."""
    return {"ann": "s3cret"}.get(user)


def round_trip(assertions: str, touch: Callable[[etree._Element], None] = lambda _: None) -> tuple[Facts, Facts]:
    """Request and answer under one policy; what the server and the client learned."""
    theirs, ours = policy(assertions, "ann", "server"), policy(assertions, "server")
    request = envelope()
    asked = apply(request, theirs, CLIENT, known)
    wire = sent(request)
    touch(wire)
    facts = enforce(wire, ours, SERVER, known, Nonces())
    assert wire.findtext(".//{urn:orders}price") == "12 & 3"
    answer = envelope()
    apply(answer, ours, SERVER, known, facts)
    back = sent(answer)
    learned = enforce(back, theirs, CLIENT, known, Nonces(), asked)
    assert back.findtext(".//{urn:orders}id") == "7"
    return facts, learned


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str) -> None:
    """Request and answer pass; the user is known where the scenario has one."""
    facts, _ = round_trip(SCENARIOS[name])
    assert facts.user == ("ann" if "Username" in name or name.startswith("UT") else "")


@pytest.mark.parametrize("name", [name for name in SCENARIOS if "Encr" in name])
def test_what_is_encrypted_is_not_readable(name: str) -> None:
    """Neither the body nor the password travels in clear."""
    request = envelope()
    apply(request, policy(SCENARIOS[name], "ann", "server"), CLIENT, known)
    text = etree.tostring(request)
    assert b"price" not in text
    assert b"s3cret" not in text
    assert b"EncryptedData" in text


@pytest.mark.parametrize(
    "suite", ["Basic128", "Basic192Sha256", "Basic256Sha256", "Basic256Sha256Rsa15", "Basic128Rsa15"]
)
def test_suites(suite: str) -> None:
    """Other algorithm suites."""
    round_trip(asymmetric(suite) + SIGNED + ENCRYPTED)
    round_trip(symmetric(suite) + SIGNED + ENCRYPTED)


@pytest.mark.parametrize(
    "reference",
    ["<sp:RequireIssuerSerialReference/>", "<sp:RequireKeyIdentifierReference/>", "<sp:RequireThumbprintReference/>"],
)
def test_references(reference: str) -> None:
    """Certificates named by issuer and serial, by key identifier and by thumbprint."""
    never = "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy/IncludeToken/Never"
    round_trip(asymmetric(reference=reference, include=never) + SIGNED + ENCRYPTED)


@pytest.mark.parametrize("binding", [asymmetric, symmetric])
def test_encrypt_before_signing(binding: Callable[..., str]) -> None:
    """The signature is over what is encrypted already, the user token among it."""
    facts, _ = round_trip(binding(extra="<sp:EncryptBeforeSigning/>") + SIGNED + ENCRYPTED + USER.format(kind=""))
    assert facts.user == "ann"


def test_digest_passwords() -> None:
    """HashPassword: the password is neither sent nor readable; a text password is not enough."""
    digest = USER.format(kind="<wsp:Policy><sp:HashPassword/></wsp:Policy>")
    facts, _ = round_trip(SCENARIOS["SgnOnlyAnonymous"] + digest)
    assert facts.user == "ann"
    request = envelope()
    apply(request, policy(SCENARIOS["SgnOnlyAnonymous"] + USER.format(kind=""), "ann", "server"), CLIENT, known)
    with pytest.raises(SecurityRefusal, match="no password of the type"):
        enforce(sent(request), policy(SCENARIOS["SgnOnlyAnonymous"] + digest), SERVER, known, Nonces())


def test_signed_headers() -> None:
    """A header that must be signed is; without the signature it is refused."""
    parts = "<sp:SignedParts><sp:Body/><sp:Header Namespace='urn:h' Name='Trace'/></sp:SignedParts>"
    text = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><h:Trace xmlns:h="urn:h">1</h:Trace>'
        "</s:Header><s:Body/></s:Envelope>"
    )
    request = envelope(text)
    apply(request, policy(asymmetric() + parts, "client", "server"), CLIENT, known)
    enforce(sent(request), policy(asymmetric() + parts), SERVER, known, Nonces())
    bare = envelope(text)
    apply(bare, policy(asymmetric() + SIGNED, "client", "server"), CLIENT, known)
    with pytest.raises(SecurityRefusal, match="a header is not signed"):
        enforce(sent(bare), policy(asymmetric() + parts), SERVER, known, Nonces())


def test_our_old_header_is_replaced() -> None:
    """A Security header meant for us is not passed on beside the new one."""
    request = envelope()
    rule = policy(asymmetric() + SIGNED, "client", "server")
    apply(request, rule, CLIENT, known)
    apply(request, rule, CLIENT, known)
    assert len(request.findall(f".//{{{WSSE}}}Security")) == 1
