"""Mock scripts written from the answers that a definition describes, in the form of the original, to be changed by people."""

from __future__ import annotations

import json
from typing import Any

import yaml

from gateway.schema.samples import Document, Sample, samples
from publisher.openapi import paths
from publisher.openapi.reading import Source

SCRIPT = "x-mediation-script"
_HEAD = """var accept = mc.getProperty('AcceptHeader');
var responseCode = mc.getProperty('query.param.responseCode');
var responses = [];
"""
_TAIL = """
responses[501] = [];
responses[501]["application/json"] = {"code": 501, "description": "Not Implemented"};

if (responseCode == null) {
  responseCode = "%s";
}
var found = responses[responseCode] || responses["default"];
if (!found) {
  responseCode = "501";
  found = responses[501];
}
if (accept == null || !(accept in found)) {
  accept = "application/json" in found ? "application/json" : Object.keys(found)[0];
}
mc.setProperty('HTTP_SC', responseCode === "default" ? "200" : responseCode);
if (accept) {
  mc.setProperty('CONTENT_TYPE', accept);
  if (accept.indexOf("xml") >= 0) {
    mc.setPayloadXML(found[accept]);
  } else {
    mc.setPayloadJSON(found[accept]);
  }
}
"""


def scripts(text: str) -> list[dict[str, str]]:
    """For every operation of a definition its path, verb and script. Raises Unreadable."""
    source = Source(text)
    document = Document(source.document)
    return [
        {
            "path": operation["target"],
            "verb": operation["verb"],
            "content": script(document, _at(source.document, operation)),
        }
        for operation in paths.operations(source.document)
    ]


def with_scripts(text: str) -> str:
    """The definition with a script in every operation that has none. Raises Unreadable."""
    source = Source(text)
    document = Document(source.document)
    for operation in paths.operations(source.document):
        described = _at(source.document, operation)
        described.setdefault(SCRIPT, script(document, described))
    if source.is_json:
        return json.dumps(source.document, indent=2, ensure_ascii=False)
    return yaml.safe_dump(source.document, sort_keys=False, allow_unicode=True, width=120)


def script(document: Document, operation: dict[str, Any]) -> str:
    """The script of one operation."""
    found = samples(document, operation)
    numbers = sorted(status for status in found if status.isdecimal())
    good = [status for status in numbers if status.startswith("2")]
    usual = (good or numbers or ["default" if "default" in found else "501"])[0]
    return _HEAD + "".join(_case(status, listed) for status, listed in found.items()) + _TAIL % usual


def _case(status: str, listed: list[Sample]) -> str:
    key = status if status.isdecimal() else json.dumps(status)
    lines = [f"\nresponses[{key}] = responses[{key}] || {{}};\n"]
    for one in listed:
        if one.body is not None:
            kind = json.dumps(one.type.decode("latin-1"))
            lines.append(f"responses[{key}][{kind}] = {_value(one)};\n")
    return "".join(lines)


def _value(one: Sample) -> str:
    """The sample as a literal: JSON as itself, everything else as text."""
    text = (one.body or b"").decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=True) if b"json" in one.type else json.dumps(text)
    except ValueError:
        return json.dumps(text)


def _at(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = document["paths"][operation["target"]][operation["verb"].lower()]
    return described
