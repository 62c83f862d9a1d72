"""Every element and attribute of secured messages removed, doubled or changed: refused in words, or still the signed content."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
from lxml import etree

from integrator.engine.wss.inbound import enforce
from integrator.engine.wss.names import SecurityRefusal
from integrator.engine.wss.outbound import apply
from integrator.engine.wss.policy import Policy
from integrator.engine.wss.replay import Nonces
from tests.integrator.engine.wss.parties import SCENARIOS, USER, asymmetric, envelope, policy, sent, store

CLIENT, SERVER = store("client", "server"), store("server", "client")
ORIGINAL = etree.tostring(envelope().find("{*}Body")[0], method="c14n", exclusive=True)
DIGEST = USER.format(kind="<wsp:Policy><sp:HashPassword/></wsp:Policy>")
ALL = (
    asymmetric()
    + "<sp:SignedParts><sp:Body/></sp:SignedParts><sp:EncryptedParts><sp:Body/></sp:EncryptedParts>"
    + DIGEST
)


def known(user: str) -> str | None:
    """The user store."""
    return {"ann": "s3cret"}.get(user)


def mutants(message: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """One change in each, with what it was."""
    count = sum(1 for _ in message.iter(etree.Element))
    for number in range(count):
        for change in ("remove", "double", "text", "rename", "unattribute", "attribute"):
            made = copy.deepcopy(message)
            item = list(made.iter(etree.Element))[number]
            parent = item.getparent()
            if (change in ("remove", "double") and parent is None) or ("attribute" in change and not item.attrib):
                continue
            if change == "remove":
                parent.remove(item)
            elif change == "double":
                item.addnext(copy.deepcopy(item))
            elif change == "text":
                item.text = "A" + (item.text or "")
            elif change == "rename":
                item.tag = "{urn:other}x"
            else:
                for name in item.attrib:
                    item.set(name, "#x") if change == "attribute" else item.attrib.pop(name)
            yield f"{change} {item.tag}", made


@pytest.mark.parametrize(
    "rules", [SCENARIOS["SigOnly"], SCENARIOS["SgnEncrUsername"], ALL], ids=["sign", "symmetric", "all"]
)
def test_mutants(rules: str) -> None:
    """Only refusals; and what passes holds the body that was signed."""
    request, ours = envelope(), policy(rules)
    apply(request, policy(rules, "ann", "server"), CLIENT, known)
    passed, refused = [], 0
    for what, made in mutants(sent(request)):
        if content(made, ours) is None:
            refused += 1
        else:
            passed.append(what)
    assert refused > 100, passed
    assert len(passed) < refused / 2, passed


def content(made: etree._Element, ours: Policy) -> bytes | None:
    """The payload of an admitted message, which must be the original; None when it was refused."""
    try:
        enforce(made, ours, SERVER, known, Nonces())
    except SecurityRefusal:
        return None
    bodies = made.findall("{*}Body")
    found = etree.tostring(bodies[0][0], method="c14n", exclusive=True)
    assert (len(bodies), len(bodies[0]), found) == (1, 1, ORIGINAL)
    return found
