"""Writes suite files for tests."""

from __future__ import annotations

SYNAPSE = 'xmlns="http://ws.apache.org/ns/synapse"'


def equals(actual: str, expected: str, message: str = "as told") -> str:
    """An assertEquals."""
    return (
        f"<assertEquals><actual>{actual}</actual><expected><![CDATA[{expected}]]></expected>"
        f"<message>{message}</message></assertEquals>"
    )


def not_null(actual: str, message: str = "is there") -> str:
    """An assertNotNull."""
    return f"<assertNotNull><actual>{actual}</actual><message>{message}</message></assertNotNull>"


def case(
    *assertions: str, name: str = "one", payload: str = "", path: str = "", method: str = "", more: str = ""
) -> str:
    """A test case. `more` stands in its input too."""
    given = f"<payload><![CDATA[{payload}]]></payload>" if payload else ""
    given = (f"<request-path>{path}</request-path>" if path else "") + given
    given += (f"<request-method>{method}</request-method>" if method else "") + more
    return f'<test-case name="{name}"><input>{given}</input><assertions>{"".join(assertions)}</assertions></test-case>'


def properties(*given: tuple[str, str, str]) -> str:
    """Properties of an input by name, value and scope."""
    return "".join(
        ["<properties>", *(f'<property name="{n}" value="{v}" scope="{s}"/>' for n, v, s in given), "</properties>"]
    )


def mock(name: str, *resources: str, context: str = "/back") -> str:
    """A mock service for the endpoint of that name."""
    return (
        f"<mock-service><service-name>{name}</service-name><port>9111</port><context>{context}</context>"
        f"<resources>{''.join(resources)}</resources></mock-service>"
    )


def resource(
    answer: str, *, method: str = "GET", sub: str = "/", status: int = 200, request: str = "", headers: str = ""
) -> str:
    """What a mock service answers."""
    asked = f"<request>{request}</request>" if request else ""
    return (
        f"<resource><sub-context>{sub}</sub-context><method>{method}</method>{asked}<response>"
        f"<status-code>{status}</status-code><headers>{headers}</headers><payload><![CDATA[{answer}]]></payload></response></resource>"
    )


def suite(
    artifact: str,
    *cases: str,
    supportive: str = "",
    registry: str = "",
    connectors: str = "",
    mocks: str = "",
    root: str = "unit-test",
) -> str:
    """A whole suite. `artifact` and `supportive` are XML (each supportive one inside its own <artifact>) or paths."""
    held = f"<test-artifact><artifact>{artifact}</artifact></test-artifact>"
    held += f"<supportive-artifacts>{supportive}</supportive-artifacts>" if supportive else ""
    held += f"<registry-resources>{registry}</registry-resources>" if registry else ""
    held += f"<connector-resources>{connectors}</connector-resources>" if connectors else ""
    end = f"<mock-services>{mocks}</mock-services>" if mocks else ""
    return f"<{root}><artifacts>{held}</artifacts><test-cases>{''.join(cases)}</test-cases>{end}</{root}>"


def sequence(*mediators: str, name: str = "S", **attributes: str) -> str:
    """A sequence."""
    more = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<sequence {SYNAPSE} name="{name}"{more}>{"".join(mediators)}</sequence>'


def api(*mediators: str) -> str:
    """An API at /t."""
    flow = f"<inSequence>{''.join(mediators)}</inSequence>"
    return (
        f'<api {SYNAPSE} name="t" context="/t"><resource methods="GET POST" uri-template="/*">{flow}</resource></api>'
    )
