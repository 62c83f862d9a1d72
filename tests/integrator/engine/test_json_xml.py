"""JSON -> XML -> JSON gives the same value back, for every value the mapping can carry."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrator.engine.content import jsonxml
from integrator.engine.content.payload import Payload
from integrator.engine.content.writers import write
from integrator.engine.errors import BadPayload
from integrator.engine.xmltools import XmlError, parse, serialise

# Texts that XML and the primitive rules carry unchanged: no text that reads as a number or word, none that is only white space.
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=0xD7FF, exclude_characters="\x7f"), min_size=1).filter(
    lambda text: isinstance(jsonxml.primitive(text), str)
)
KEY = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=8).filter(
    lambda key: (
        not key.startswith(("@", "_JsonReader_")) and key != "$" and key not in jsonxml.WRAPPERS and key != "jsonEmpty"
    )
)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(-1e6, 1e6, allow_nan=False).map(lambda f: round(f, 3))
    | TEXT
)
VALUE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(KEY, VALUE, max_size=4) | st.lists(VALUE, max_size=4))
def test_round_trip(value: object) -> None:
    """Marked arrays make the way back exact, also through text."""
    element = parse(serialise(jsonxml.to_xml(value, mark_arrays=True)))
    assert jsonxml.to_json(element) == value


@pytest.mark.parametrize(
    ("xml", "value"),
    [
        ("<a>1</a>", {"a": 1}),
        ("<a>01</a>", {"a": "01"}),
        ("<a>1.50</a>", {"a": 1.5}),
        ("<a><b>true</b><b>x</b></a>", {"a": {"b": [True, "x"]}}),
        ('<a k="1">t</a>', {"a": {"@k": "1", "$": "t"}}),
        ("<a><b/></a>", {"a": {"b": None}}),
        ('<n:a xmlns:n="u"><n:b>1</n:b></n:a>', {"a": {"b": 1}}),
        ("<jsonObject><a/></jsonObject>", {"a": None}),
        ("<jsonArray><jsonElement>1</jsonElement></jsonArray>", [1]),
        ("<a><?xml-multiple b?><b>1</b></a>", {"a": {"b": [1]}}),
    ],
)
def test_xml_to_json(xml: str, value: object) -> None:
    """The table of reference 2.8."""
    assert jsonxml.to_json(parse(xml)) == value


@pytest.mark.parametrize(
    ("value", "xml"),
    [
        ({"a": [1, 2]}, "<jsonObject><a>1</a><a>2</a></jsonObject>"),
        (
            [[1]],
            "<jsonArray><jsonElement><jsonArray><jsonElement>1</jsonElement></jsonArray></jsonElement></jsonArray>",
        ),
        ({"a": {}}, "<jsonObject><a><jsonEmpty>_JsonScanner_EMPTY_OBJECT</jsonEmpty></a></jsonObject>"),
        ({"1a": None, "$b": 2}, "<jsonObject><_JsonReader_PD_1a/><_JsonReader_PS_b>2</_JsonReader_PS_b></jsonObject>"),
        ({"a": {"@k": 1, "$": "t"}}, '<jsonObject><a k="1">t</a></jsonObject>'),
        ("x", "<jsonValue>x</jsonValue>"),
    ],
)
def test_json_to_xml(value: object, xml: str) -> None:
    """The table of reference 2.8."""
    assert serialise(jsonxml.to_xml(value)) == xml


def test_unread_bytes_are_kept() -> None:
    """Reading a value does not change the text that is sent on."""
    payload = Payload(b'{ "a" : 1.0 }', "application/json")
    assert payload.json == {"a": 1.0}
    assert payload.json_text() == '{ "a" : 1.0 }'
    assert serialise(payload.root) == "<jsonObject><a>1.0</a></jsonObject>"
    assert payload.is_json


def test_a_mistake_in_xml_is_told_without_the_parsers_own_file_name() -> None:
    with pytest.raises(XmlError) as told:
        parse("<a>\n<b></c>\n</a>")
    assert (told.value.line, "<string>" in str(told.value)) == (2, False)
    assert "b line 2 and c" in str(told.value)


@settings(deadline=None)
@given(
    st.binary(max_size=60),
    st.sampled_from(
        [b"", b"charset=nonsense", b'name="a b"', b"name*=utf-8''%C3%A9", b"Content-Transfer-Encoding: base64"]
    ),
)
def test_any_multipart_is_read_or_refused(data: bytes, odd: bytes) -> None:
    """Whatever a part says of itself, it is read or refused as a bad payload."""
    head = b"Content-Disposition: form-data; " + odd + b"\r\nContent-Type: text/plain; " + odd + b"\r\n" + odd
    body = b"--X\r\n" + head + b"\r\n\r\n" + data + b"\r\n--X--\r\n" + data
    payload = Payload(body, "multipart/form-data; boundary=X")
    try:
        root = payload.root
    except BadPayload:
        return
    assert root is not None and root.tag == "mediate" and write(payload, "application/xml")
