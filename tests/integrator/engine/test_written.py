"""XML that payloadFactory makes without a parser is letter by letter what it makes with one."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrator.engine.content.payload import Payload
from integrator.engine.content.writers import write
from integrator.engine.errors import BadPayload
from integrator.engine.mediators.payload_factory import finish_xml
from integrator.engine.mediators.written import compile_written, kind_of
from integrator.engine.message import Message
from integrator.engine.services.reply import is_fault

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
TEMPLATES = {
    "envelope": f'<s:Envelope xmlns:s="{SOAP}"><s:Header/><s:Body><p xmlns="urn:p">$<q>$</q></p></s:Body></s:Envelope>',
    "envelope 1.2": f'<s:Envelope xmlns:s="{SOAP12}"><s:Body><p>$</p> $ </s:Body></s:Envelope>',
    "fault": f'<s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault><a>$</a>$</s:Fault></s:Body></s:Envelope>',
    "payload": '<p a="1"><q>$</q>and<!-- c -->$</p>',
    "fixed": "<p><q/></p>",
}
PARSED = {
    "attribute": '<p a="$">$</p>',
    "name": "<p$>$</p$>",
    "comment": "<p><!-- $ -->$</p>",
    "instruction": "<p><?a $?>$</p>",
    "whole": "$",
    "header block": f'<s:Envelope xmlns:s="{SOAP}"><s:Header><a>$</a></s:Header><s:Body><p>$</p></s:Body></s:Envelope>',
    "empty body": f'<s:Envelope xmlns:s="{SOAP}"><s:Body>$</s:Body></s:Envelope>',
    "not as written": "<p  a='1'>$</p>",
    "a wrapper": "<jsonObject><a>$</a></jsonObject>",
}
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", " ", "<b>bold</b>", "a]]>b", "\r\n", "\x0b", "&amp;", "\u2028", "\x85", "grün", "\ufffe", "😀"]
    ),
)
TYPES = ("application/json", "text/plain", "application/xml", "text/xml", "")


def _message(content_type: str) -> Message:
    nobody: Any = None
    data = b"<old/>" if "xml" in content_type else b'{"a":1}'
    return Message(nobody, Payload(data, content_type))


def _both(template: str, texts: list[str], content_type: str, markup: bool) -> list[Message | str]:
    """The message made by the compiled template and by the parser, or what it is refused with."""
    pieces = template.split("$")
    given = [text if markup and text.startswith("<") else escape(text) for text in texts[: len(pieces) - 1]]
    renders = [lambda message, text=text: text for text in given]
    step = compile_written(pieces, renders, finish_xml)
    assert step is not None
    whole = "".join(part for pair in zip(pieces, [*given, ""], strict=True) for part in pair)
    made: list[Message | str] = []
    for run in (step, lambda message: finish_xml(message, whole)):
        message = _message(content_type)
        try:
            run(message)
            made.append(message)
        except BadPayload as error:
            made.append(str(error.message))
    return made


@pytest.mark.parametrize("name", TEMPLATES)
@given(st.data())
def test_as_the_parser_makes_it(name: str, data: st.DataObject) -> None:
    texts, kind = data.draw(st.lists(TEXTS, min_size=2, max_size=2)), data.draw(st.sampled_from(TYPES))
    target = data.draw(st.sampled_from(["", "text/xml", "application/xml", "application/soap+xml", "application/json"]))
    look = data.draw(st.sampled_from([None, "root", "envelope", "copy", "is_fault", "empty", "soap"]))
    seen = []
    for message in _both(TEMPLATES[name], texts, kind, data.draw(st.booleans())):
        if isinstance(message, str):
            seen.append(message)
            continue
        payload = message.payload
        told = None
        if look == "copy":
            payload = payload.copy()
        elif look == "is_fault":
            told = is_fault(message)
        elif look is not None:
            value = getattr(payload, look)
            told = value if isinstance(value, bool | str) else value.tag
        state = (
            payload.built,
            payload.is_json,
            payload.pox,
            payload.content_type,
            message.axis2,
            list(message.headers),
        )
        seen.append((told, state, write(payload, target), write(payload, ""), payload.json))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_with_text_between_its_elements_is_not_parsed(name: str) -> None:
    message, _ = _both(TEMPLATES[name], ["1", "2"], "application/json", False)
    assert isinstance(message, Message) and message.payload.written
    assert b"<" in write(message.payload, "")[0] and message.payload.written
    assert message.payload.root is not None and not message.payload.written


@pytest.mark.parametrize("name", PARSED)
def test_any_other_template_is_parsed(name: str) -> None:
    assert kind_of(PARSED[name].split("$")) is None


def test_a_type_that_is_changed_later_counts() -> None:
    message, parsed = _both(TEMPLATES["envelope"], ["1", "2"], "application/json", False)
    for each in (message, parsed):
        assert isinstance(each, Message)
        each.payload.content_type = "application/json"
    assert isinstance(message, Message) and isinstance(parsed, Message)
    assert write(message.payload, "") == write(parsed.payload, "")
