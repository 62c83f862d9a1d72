"""Every code of the error contract, in every form a caller may understand."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from lxml import etree

from gateway import faults
from gateway.fault_forms import NAMESPACES
from wire.exchange import Exchange

CORPUS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).resolve().parents[1] / "corpus" / "gateway" / "faults.yaml").read_text()
)
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"


def found(row: dict[str, Any]) -> faults.Fault:
    """The table's fault that a row of the corpus describes."""
    names = ("status", "message", "description", "type", "family")
    for fault in faults.catalogue():
        if fault.code == row["code"] and all(getattr(fault, name) == row[name] for name in names if name in row):
            return fault
    alike = [fault for fault in faults.catalogue() if fault.code == row["code"]]
    raise AssertionError(f"{row} is not in the table; with this code there are {alike}")


def rendered(fault: faults.Fault, **headers: str) -> tuple[str, bytes]:
    """Content type and body for a caller with these headers."""
    fields = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    kind, body = faults.render(fault, cast("Exchange", SimpleNamespace(fields=fields)))
    return kind.decode(), body


@pytest.mark.parametrize("row", CORPUS, ids=lambda row: f"{row['code']}-{row['status']}")
def test_the_code_has_its_status_and_texts_in_every_form(row: dict[str, Any]) -> None:
    fault = found(row)
    kind, body = rendered(fault)
    shown = json.loads(body)
    assert kind == "application/json; charset=UTF-8"
    assert all(isinstance(value, str) for value in shown.values())
    for name in ("code", "message", "description", "type"):
        if row.get(name):
            assert shown[name] == row[name]
        elif name in row:
            assert name not in shown
    assert ("nextAccessTime" in shown) is bool(row.get("next_access"))

    kind, body = rendered(fault, accept="application/xml")
    prefix, space = NAMESPACES[row["family"]]
    root = etree.fromstring(body)
    assert (kind, root.tag, root.prefix) == ("application/xml; charset=UTF-8", f"{{{space}}}fault", prefix)
    assert {etree.QName(one).localname: one.text or "" for one in root} == shown

    callers = row["family"] == "security"
    kind, body = rendered(fault, content_type="text/xml", soapaction="x")
    envelope = etree.fromstring(body)
    assert kind == "text/xml; charset=UTF-8"
    assert envelope.findtext(f".//{{{SOAP11}}}Fault/faultcode") == f"soapenv:{'Client' if callers else 'Server'}"
    assert envelope.findtext(f".//{{{SOAP11}}}Fault/detail")

    kind, body = rendered(fault, content_type="application/soap+xml")
    envelope = etree.fromstring(body)
    assert kind == "application/soap+xml; charset=UTF-8"
    assert envelope.findtext(f".//{{{SOAP12}}}Value") == f"soapenv:{'Sender' if callers else 'Receiver'}"
    reason = envelope.findtext(f".//{{{SOAP12}}}Text")
    assert reason == ("Authentication Failure" if callers else fault.message or fault.type)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/xml", "application/xml"),
        ("text/xml, application/xml;q=0.9", "application/xml"),
        ("application/xml, */*;q=0.1", "application/json"),
        ("application/xml, application/json", "application/json"),
        ("text/html", "application/json"),
    ],
)
def test_the_form_follows_what_the_caller_accepts(accept: str, kind: str) -> None:
    assert rendered(faults.INVALID, accept=accept)[0].startswith(kind)


def test_texts_are_escaped_in_xml() -> None:
    fault = faults.missing_scope("/a<b>&c")
    assert b"/a&lt;b&gt;&amp;c" in rendered(fault, accept="application/xml")[1]
    assert "&lt;" in rendered(faults.Fault(500, "1", "<x>", "d"), content_type="application/soap+xml")[1].decode()


def test_every_fault_says_when_it_is_sent() -> None:
    assert [fault.code for fault in faults.catalogue() if not fault.when] == []


def test_answers_of_401_carry_a_challenge() -> None:
    for fault in faults.catalogue():
        assert (b"www-authenticate: " in fault.lines) is (fault.status == 401), fault
