"""Expressions on a message, by the rules of reference 2.5 and 2.6."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from integrator.engine.config import Config
from integrator.engine.content.payload import Payload
from integrator.engine.deployment import Deployment
from integrator.engine.errors import DeploymentError, Place
from integrator.engine.expressions import compile_path, compile_value
from integrator.engine.expressions.jsonpath import MISSING, JsonPath, JsonPathError
from integrator.engine.headers import Headers
from integrator.engine.message import Flow, Message
from integrator.engine.registry import Registry
from integrator.engine.replies import Collector
from integrator.engine.runtime import Runtime
from integrator.settings import Settings

XML = b'<o:order xmlns:o="u"><id>7</id><item n="1">a</item><item n="2">b</item><e/></o:order>'
HERE = Place("test.xml", 1, "test")


@pytest.fixture
async def message(tmp_path: Path) -> Message:
    """A message with an XML body."""
    runtime = Runtime(Settings(home=tmp_path, var=tmp_path))
    deployment = Deployment(runtime, Config(properties={"f": "from file"}), Registry(tmp_path), {})
    made = Message(Flow(deployment, Collector()), Payload(XML, "application/xml"), Headers([("X-A", "head")]))
    made.to = "/p?q=a%20b&Q2=z"
    made.properties |= {"n": 5, "t": "text", "b": True, "map": {"k": "v"}, "j": '{"a":[1,2]}'}
    made.axis2["HTTP_METHOD"] = "POST"
    made.func.append({"p": "param"})
    return made


def path(text: str) -> object:
    """Compile with the prefix o."""
    element = etree.fromstring('<x xmlns="http://ws.apache.org/ns/synapse" xmlns:o="u"/>')
    return compile_path(text, element, HERE)


@pytest.mark.parametrize(
    ("text", "string", "reads"),
    [
        ("//id", "7", True),
        ("$body/o:order/item[2]", "b", True),
        ("//item", '<item n="1">a</item><item n="2">b</item>', True),
        ("count(//item)", "2.0", True),
        ("//item/@n", "12", True),
        ("//none", "", True),
        ("//e", "", True),
        ("$ctx:t", "text", False),
        ("get-property('t')", "text", False),
        ("get-property('none')", None, False),
        ("$ctx:n + 1", "6.0", False),
        ("$ctx:n = 5", "true", False),
        ("$trp:x-a", "head", False),
        ("get-property('transport', 'X-A')", "head", False),
        ("$axis2:HTTP_METHOD", "POST", False),
        ("$func:p", "param", False),
        ("$url:q", "a b", False),
        ("$url:q2", "z", False),
        ("$map:k", "v", False),
        ("get-property('file', 'f')", "from file", False),
        ("concat(get-property('t'), ' ', //id)", "text 7", True),
        ("fn:concat('a/b', $ctx:t)", "a/btext", False),
        ("base64Decode(base64Encode('hé'))", "hé", False),
        ("url-encode('a b/c?d')", "a%20b/c?d", False),
        ("get-property(concat('', 't'))", "text", False),
        ("json-eval($.order.id)", "7", True),
        ("json-eval($ctx:j.a[1])", "2", False),
    ],
)
async def test_string(message: Message, text: str, string: str | None, reads: bool) -> None:
    """Text of an expression, and whether it needs the body."""
    compiled = path(text)
    assert compiled.string(message) == string
    assert compiled.reads_content is reads


@pytest.mark.parametrize("text", ["//a[", "$ctx:", "q:a", "json-eval($.a[)", "json-eval($.a[?(@.b ==)])", ""])
def test_wrong_expressions_are_refused(text: str) -> None:
    """With file, line and element."""
    with pytest.raises(DeploymentError, match="test.xml:1 <test>: wrong expression"):
        path(text)


async def test_values(message: Message) -> None:
    """Literal, dynamic, and JSON that only looks dynamic."""
    element = etree.fromstring("<x/>")
    assert compile_value("{$ctx:t}", element, HERE).string(message) == "text"
    assert compile_value("plain", element, HERE).string(message) == "plain"
    assert compile_value('{"a":1}', element, HERE).string(message) == '{"a":1}'


BOOKS = {"s": {"b": [{"p": 1, "t": "x"}, {"p": 20, "t": "y"}], "k y": None}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$.s.b[0].t", "x"),
        ("$.s.b[-1].t", "y"),
        ("$..t", ["x", "y"]),
        ("$.s.b[?(@.p > 5)].t", ["y"]),
        ("$.s.b[?(@.t == 'x' || @.p in [20])].p", [1, 20]),
        ("$.s.b[?(@.t =~ /X/i)].p", [1]),
        ("$.s.b[?(!(@.q))].p", [1, 20]),
        ("$.s.b[*].p", [1, 20]),
        ("$.s.b[0:1].p", [1]),
        ("$['s']['k y']", None),
        ("$.s.b.length()", 2),
        ("$.s.b[*].p.sum()", 21),
        ("s.b[1].p", 20),
        ("$.nope.x", MISSING),
        ("$.s.b[9]", MISSING),
    ],
)
def test_jsonpath(text: str, value: object) -> None:
    """The jayway dialect."""
    found = JsonPath(text).value(BOOKS)
    assert found is value if value is MISSING else found == value


@pytest.mark.parametrize("text", ["$.a[", "$.a['b", "$.a[?(@.b]", "$a b", "$.[x]", "$.a[?(@.b =~ /(/)]"])
def test_bad_jsonpath(text: str) -> None:
    """A mistake names its position."""
    with pytest.raises(JsonPathError, match="position"):
        JsonPath(text)
