"""Talks XACML 3.0 to a policy server: the SOAP service with Basic credentials, or the JSON profile over REST."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from integrator.engine.outbound import Unreachable, basic, post, post_json
from integrator.engine.runtime import Runtime
from integrator.engine.xmltools import Element, XmlError, envelope, local, parse

CLIENTS = ("basicAuth", "json")
XACML = "urn:oasis:names:tc:xacml:3.0:core:schema:wd-17"
_SUBJECT = (
    "urn:oasis:names:tc:xacml:1.0:subject-category:access-subject",
    "urn:oasis:names:tc:xacml:1.0:subject:subject-id",
)
_CATEGORY = "urn:oasis:names:tc:xacml:3.0:attribute-category"
_RESOURCE = (f"{_CATEGORY}:resource", "urn:oasis:names:tc:xacml:1.0:resource:resource-id")
_ACTION = (f"{_CATEGORY}:action", "urn:oasis:names:tc:xacml:1.0:action:action-id")
_SERVICE = "http://org.apache.axis2/xsd"


@dataclass(frozen=True)
class Asked:
    """Who wants to do what with which resource."""

    subject: str
    resource: str
    action: str

    def attributes(self) -> tuple[tuple[tuple[str, str], str], ...]:
        """((category, attribute), value) of each."""
        return ((_SUBJECT, self.subject), (_RESOURCE, self.resource), (_ACTION, self.action))


@dataclass(frozen=True)
class Decision:
    """Permit, Deny, NotApplicable or Indeterminate, with what is to be done."""

    result: str
    obligations: Element | None = field(default=None, repr=False)
    advice: Element | None = field(default=None, repr=False)


async def ask(runtime: Runtime, client: str, server: tuple[str, str, str], asked: Asked) -> Decision:
    """The decision of the server (URL, user, password). Raises Unreachable."""
    url, user, password = server
    headers = {"authorization": basic(user, password)}
    if client == "json":
        return from_json(url, await post_json(runtime, url, to_json(asked), headers))
    where = url if url.rstrip("/").endswith("EntitlementService") else f"{url.rstrip('/')}/EntitlementService"
    headers["soapaction"] = '"urn:getDecision"'
    return from_soap(where, await post(runtime, where, to_soap(asked), "text/xml; charset=UTF-8", headers))


def to_soap(asked: Asked) -> bytes:
    """The getDecision call with the request as text."""
    root = envelope()
    call = etree.SubElement(root[1], f"{{{_SERVICE}}}getDecision", nsmap={"xsd": _SERVICE})
    etree.SubElement(call, f"{{{_SERVICE}}}request").text = etree.tostring(to_xml(asked), encoding="unicode")
    return etree.tostring(root)  # type: ignore[no-any-return]


def to_xml(asked: Asked) -> Element:
    """The request as XML."""
    root = etree.Element(
        f"{{{XACML}}}Request", nsmap={None: XACML}, ReturnPolicyIdList="false", CombinedDecision="false"
    )
    for (category, name), value in asked.attributes():
        holder = etree.SubElement(root, f"{{{XACML}}}Attributes", Category=category)
        attribute = etree.SubElement(holder, f"{{{XACML}}}Attribute", AttributeId=name, IncludeInResult="false")
        kind = "http://www.w3.org/2001/XMLSchema#string"
        etree.SubElement(attribute, f"{{{XACML}}}AttributeValue", DataType=kind).text = value
    return root


def to_json(asked: Asked) -> dict[str, Any]:
    """The request in the JSON profile."""
    return {
        "Request": {
            "Category": [
                {"CategoryId": category, "Attribute": [{"AttributeId": name, "Value": value}]}
                for (category, name), value in asked.attributes()
            ]
        }
    }


def from_soap(url: str, answer: bytes) -> Decision:
    """The decision in a getDecision answer: the response stands as text, or as XML. Raises Unreachable."""
    try:
        root = parse(answer)
        texts = [item.text for item in root.iter() if local(item) == "return" and item.text and item.text.strip()]
        if texts:
            root = parse(texts[0].strip())
    except XmlError as error:
        raise Unreachable(0, f"{url} answered with what is no XML: {error}") from error
    found = {local(item): item for item in root.iter() if isinstance(item.tag, str)}
    if "Decision" not in found:
        raise Unreachable(0, f"{url} answered without a decision")
    return Decision((found["Decision"].text or "").strip(), found.get("Obligations"), found.get("AssociatedAdvice"))


def from_json(url: str, answer: Any) -> Decision:
    """The decision in the JSON profile. Raises Unreachable."""
    results = answer.get("Response") if isinstance(answer, dict) else None
    result = results[0] if isinstance(results, list) and results else results
    if isinstance(result, dict) and isinstance(result.get("Result"), list | dict):
        inner = result["Result"]
        result = inner[0] if isinstance(inner, list) and inner else inner
    if not isinstance(result, dict) or "Decision" not in result:
        raise Unreachable(0, f"{url} answered without a decision")
    return Decision(
        str(result["Decision"]),
        _listed("Obligation", result.get("Obligations")),
        _listed("Advice", result.get("AssociatedAdvice")),
    )


def _listed(name: str, given: Any) -> Element | None:
    """Obligations or advice of the JSON profile as the XML that a sequence reads."""
    if not isinstance(given, list) or not given:
        return None
    root = etree.Element(
        f"{{{XACML}}}{'Obligations' if name == 'Obligation' else 'AssociatedAdvice'}", nsmap={None: XACML}
    )
    for item in given:
        if not isinstance(item, dict):
            continue
        made = etree.SubElement(root, f"{{{XACML}}}{name}", {f"{name}Id": str(item.get("Id", ""))})
        for one in item.get("AttributeAssignment") or ():
            identity = {"AttributeId": str(one.get("AttributeId", ""))}
            etree.SubElement(made, f"{{{XACML}}}AttributeAssignment", identity).text = str(one.get("Value", ""))
    return root
