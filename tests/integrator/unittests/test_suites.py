"""Suites run: sequences, APIs and proxies with what they need; assertions and mock services as the original judges them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from integrator.unittests.report import summary
from integrator.unittests.run import SuiteResult, run_suite
from integrator.unittests.suite import read_suite
from tests.integrator.coverage import covers
from tests.integrator.engine.archives import packed
from tests.integrator.unittests.suites import (
    SYNAPSE,
    api,
    case,
    equals,
    mock,
    not_null,
    properties,
    resource,
    sequence,
    suite,
)


async def run(text: str) -> SuiteResult:
    """Read and run a suite."""
    return await run_suite(read_suite(text, "suite.xml", None))


async def passed(text: str) -> None:
    """The suite passes."""
    result = await run(text)
    assert result.passed, summary(result)


@pytest.mark.parametrize("root", ["unit-test", "synapse-unit-test"])
@covers("unittest.root", "unittest.artifacts", "unittest.case", "unittest.run", "unittest.actual", "unittest.input")
async def test_a_sequence(root: str) -> None:
    """Input payload and properties of three scopes; $body, $ctx, $axis2 and $trp afterwards; what is missing is null."""
    flow = sequence(
        '<property name="all" expression="concat($ctx:a, $axis2:b, $trp:C)"/>',
        '<property name="X-Out" value="out" scope="transport"/>',
        '<payloadFactory media-type="json"><format>{"got": $1}</format>'
        '<args><arg evaluator="json" expression="$.n"/></args></payloadFactory>',
    )
    given = properties(("a", "1", "default"), ("b", "2", "axis2"), ("C", "3", "transport"))
    told = [
        *(
            equals("$body", '{ "got":\n 5 }'),
            equals("$ctx:all", "123"),
            equals("$axis2:messageType", "application/json"),
        ),
        *(equals("$trp:x-out", "out"), equals("$ctx:none", "null"), not_null("$body"), not_null("$trp:C")),
    ]
    await passed(suite(flow, case(*told, payload='{"n": 5}', more=given), root=root))


@covers("unittest.assert")
async def test_every_failure_of_a_case_is_told() -> None:
    """All assertions are judged: what differs, what is missing, what is empty, and a prefix that is not known there."""
    assertions = [
        equals("$body", "<b>2</b>", "the body"),
        equals("$ctx:x", "1"),
        not_null("$ctx:none"),
        not_null("$ctx:empty"),
        equals("$statusCode", "200"),
        equals("$ctx:x", "2"),
    ]
    flow = sequence('<property name="x" value="1"/><property name="empty" expression="string(\'\')"/>')
    result = await run(suite(flow, case(*assertions, payload="<b>1</b>")))
    (only,) = result.cases
    told = [(failure.assertion.actual, failure.reason) for failure in only.failures]
    assert told == [
        ("$body", "it differs"),
        ("$ctx:none", "it is missing"),
        ("$ctx:empty", "it is empty"),
        ("$statusCode", "<actual> '$statusCode' is not known for a sequence; allowed are $body, $ctx:, $axis2:, $trp:"),
        ("$ctx:x", "it differs"),
    ]
    assert only.failures[0].lines == ["- <b>2</b>", "+ <b>1</b>"]
    assert (only.mediation, only.assertions, result.passed) == ("PASSED", "FAILED", False)


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ('{"a": 1, "b": [1, 2]}', '{"a":1,"b":[1,2]}', True),
        ("<a>\n  <b/>\n</a>", "<a><b></b></a>", True),
        ("<![CDATA[<a/>]]>", "<a/>", True),
        ("two words", "twowords", True),
        ('{"a": 1}', '{"a": 2}', False),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', False),
    ],
)
async def test_how_texts_are_compared(expected: str, actual: str, same: bool) -> None:
    """Written anew as XML or JSON, without white space; the order of members counts, as there."""
    flow = sequence(f'<payloadFactory media-type="text"><format><![CDATA[{actual}]]></format><args/></payloadFactory>')
    guarded = expected.replace("]]>", "]]]]><![CDATA[>")
    result = await run(suite(flow, case(equals("$body", guarded))))
    assert result.passed is same, summary(result)


@covers("unittest.supportive", "unittest.registry")
async def test_supportive_artifacts_and_the_registry() -> None:
    """A sequence, a template, a local entry and registry resources are deployed before the artifact under test."""
    supportive = "".join(
        f"<artifact>{text}</artifact>"
        for text in (
            sequence('<property name="s" expression="get-property(\'entry\')"/>', name="inner"),
            f'<localEntry {SYNAPSE} key="entry">hello</localEntry>',
            f'<template {SYNAPSE} name="T"><parameter name="p"/><sequence>'
            '<property name="t" expression="$func:p"/></sequence></template>',
        )
    )
    registry = (
        "<registry-resource><file-name>x.txt</file-name><artifact>from the registry</artifact>"
        "<registry-path>/_system/governance/texts</registry-path><media-type>text/plain</media-type></registry-resource>"
    )
    flow = sequence(
        '<sequence key="inner"/><call-template target="T"><with-param name="p" value="given"/></call-template>',
        "<property name=\"r\" expression=\"get-property('registry', 'gov:/texts/x.txt')\"/>",
    )
    told = (equals("$ctx:s", "hello"), equals("$ctx:t", "given"), equals("$ctx:r", "from the registry"))
    await passed(suite(flow, case(*told), supportive=supportive, registry=registry))


@covers("unittest.connector")
async def test_a_connector_resource() -> None:
    """A connector archive given as base64 is installed and enabled."""
    files = {
        "connector.xml": '<connector><component name="greeter" package="org.acme"><dependency component="ops"/>'
        "</component></connector>",
        "ops/component.xml": '<component name="ops" type="synapse/template"><subComponents><component name="greet">'
        "<file>greet.xml</file></component></subComponents></component>",
        "ops/greet.xml": f'<template {SYNAPSE} name="greet"><sequence><property name="said" value="hello"/>'
        "</sequence></template>",
    }
    data = base64.b64encode(packed(files)).decode()
    connectors = f"<connector-resource>{data}</connector-resource>"
    await passed(suite(sequence("<greeter.greet/>"), case(equals("$ctx:said", "hello")), connectors=connectors))


@covers("unittest.run", "unittest.actual", "unittest.input")
async def test_an_api() -> None:
    """Called over a socket by path, method and headers: $statusCode, $httpVersion, $body and $trp of the answer."""
    flow = api(
        '<property name="X-Path" expression="get-property(\'REST_SUB_REQUEST_PATH\')" scope="transport"/>',
        '<property name="X-Got" expression="$trp:X-In" scope="transport"/>',
        '<property name="HTTP_SC" value="418" scope="axis2"/><respond/>',
    )
    told = [
        *(equals("$statusCode", "418"), equals("$httpVersion", "HTTP/1.1"), equals("$body", '{"a":1}')),
        *(equals("$trp:X-Path", "/some/where?q=1"), equals("$trp:x-got", "in"), equals("$trp:none", "null")),
    ]
    given = properties(("X-In", "in", "transport"))
    await passed(suite(flow, case(*told, path="some/where?q=1", payload='{"a": 1}', more=given)))
    await passed(suite(flow, case(equals("$statusCode", "418"), equals("$body", "null"), method="GET")))


@pytest.mark.parametrize("protocol", ["http", "https"])
@covers("unittest.run", "unittest.input")
async def test_a_proxy(protocol: str) -> None:
    """A proxy is called at /services/NAME, over TLS when the case says so."""
    by = '<property name="X-By" expression="get-property(\'IN_TRANSPORT\')" scope="transport"/>'
    flow = f"<inSequence>{by}<respond/></inSequence>"
    proxy = f'<proxy {SYNAPSE} name="P" transports="http https"><target>{flow}</target></proxy>'
    more = f"<request-protocol>{protocol}</request-protocol>"
    await passed(suite(proxy, case(equals("$body", "<a/>"), equals("$trp:X-By", protocol), payload="<a/>", more=more)))


@covers("unittest.mock", "unittest.rewrite")
async def test_mock_services() -> None:
    """Addresses of named endpoints lead to mocks, also blocking calls; method, path, headers and payload must match."""
    header = '<headers><header name="X-Key" value="k"/></headers>'
    resources = (
        resource('{"one": 1}', headers='<header name="X-Mock" value="m"/>'),
        resource(
            "<posted/>", method="POST", request=f"{header}<payload><![CDATA[<p> <q/></p>]]></payload>", status=201
        ),
    )
    endpoints = (
        f'<artifact><endpoint {SYNAPSE} name="Back">\n<http method="get" uri-template="http://x.invalid/{{uri.var.x}}"/>'
        f'</endpoint></artifact><artifact><endpoint {SYNAPSE} name="Post"><address uri="https://x.invalid/a"/>'
        "</endpoint></artifact>"
    )
    flow = sequence(
        '<call blocking="true"><endpoint key="Back"/></call><property name="m" expression="$trp:X-Mock"/>',
        '<property name="first" expression="json-eval($.one)"/>',
        '<payloadFactory media-type="xml"><format><p xmlns=""><q/></p></format><args/></payloadFactory>',
        '<property name="X-Key" value="k" scope="transport"/><property name="HTTP_METHOD" value="POST" scope="axis2"/>',
        '<call><endpoint key="Post"/></call>',
    )
    told = (
        equals("$ctx:m", "m"),
        equals("$ctx:first", "1"),
        equals("$body", "<posted/>"),
        equals("$axis2:HTTP_SC", "201"),
    )
    mocks = mock("Back", resources[0]) + mock("Post", resources[1], context="/post")
    await passed(suite(flow, case(*told), supportive=endpoints, mocks=mocks))


async def test_a_request_that_no_mock_expects() -> None:
    """It gets 404, and the report says what was asked and why nothing matched."""
    endpoint = f'<artifact><endpoint {SYNAPSE} name="Back"><address uri="http://x/"/></endpoint></artifact>'
    flow = sequence('<call><endpoint key="Back"/></call>')
    wrong = resource("x", method="POST", request="<payload>other</payload>")
    result = await run(
        suite(
            flow, case(equals("$axis2:HTTP_SC", "200"), payload="<a/>"), supportive=endpoint, mocks=mock("Back", wrong)
        )
    )
    (only,) = result.cases
    assert only.failures[0].actual == "404"
    assert only.hints == ["mock service 'Back' expected no POST /back (POST /back/: another payload: <a/>)"]


async def test_a_sequence_that_fails() -> None:
    """The case fails with the message and the path of the step; the others still run."""
    flow = sequence(
        '<filter xpath="//bad"><then><property name="n" type="INTEGER" expression="string(\'x\')"/></then></filter>'
    )
    cases = (case(not_null("$body"), payload="<bad/>"), case(not_null("$body"), name="two", payload="<good/>"))
    result = await run(suite(flow, *cases))
    first, second = result.cases
    assert (first.mediation, first.assertions, second.assertions) == ("FAILED", "SKIPPED", "PASSED")
    assert first.error.endswith("in sequence S → filter → then → property")


@covers("unittest.result")
async def test_the_result_as_json() -> None:
    """The object that the original's agent answers, for a suite that passes in part."""
    flow = sequence('<property name="x" value="1"/>')
    found = summary(
        await run(suite(flow, case(equals("$ctx:x", "1")), case(equals("$ctx:x", "2", "is two"), name="two")))
    )
    passing: dict[str, Any] = {
        "mediationStatus": "PASSED",
        "assertionStatus": "PASSED",
        "exception": None,
        "failureAssertions": [],
    }
    failure = {
        "assertionType": "assertEquals",
        "assertionExpression": "$ctx:x",
        "actual": "1",
        "expected": "2",
        "assertionDescription": "it differs",
        "message": "is two",
    }
    assert found == {
        "deploymentStatus": "PASSED",
        "deploymentException": None,
        "deploymentDescription": None,
        "mediationStatus": "PASSED",
        "currentTestCase": "two",
        "mediationException": None,
        "testCases": [
            {"testCaseName": "one", **passing},
            {"testCaseName": "two", **passing, "assertionStatus": "FAILED", "failureAssertions": [failure]},
        ],
    }


async def test_artifacts_that_are_refused() -> None:
    """No case runs; the reason names the suite's file and the line in it."""
    flow = "\n\n" + sequence("\n<log level='loud'/>")
    result = await run(suite(flow, case(not_null("$body"))))
    assert result.cases == []
    assert result.refused.startswith("suite.xml:4 <log>: attribute level='loud': allowed are")
    assert summary(result)["deploymentStatus"] == "FAILED"
