"""What a run says: to people, as JUnit XML for CI, and as the JSON of the original's agent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lxml import etree

from integrator.engine.errors import DeploymentError
from integrator.engine.xmltools import Element
from integrator.unittests.run import FAILED, PASSED, SKIPPED, CaseResult, Failure, SuiteResult

Result = SuiteResult | DeploymentError
"""A suite that ran, or why its file cannot be read."""
MARKS = {True: "✓", False: "✗"}
COLOURS = {"✓": "32", "✗": "31", "-": "31", "+": "32"}
_ILLEGAL = {number: "�" for number in range(32) if number not in (9, 10, 13)}


def exit_code(results: Sequence[Result]) -> int:
    """0: all passed; 1: something failed; 2: a suite cannot be read or its artifacts are refused, or nothing ran."""
    if not results or any(isinstance(item, DeploymentError) or item.refused for item in results):
        return 2
    ran = [item for item in results if isinstance(item, SuiteResult)]
    if not any(item.cases for item in ran):
        return 2
    return 0 if all(item.passed for item in ran) else 1


def human(results: Sequence[Result], *, colour: bool) -> str:
    """Lines for people: a line a case, the difference where one failed, and the sum."""
    lines: list[str] = []
    for item in results:
        lines += [f"✗ {item}", ""] if isinstance(item, DeploymentError) else [*_suite(item), ""]
    cases = [case for item in results if isinstance(item, SuiteResult) for case in item.cases]
    failed = sum(not case.passed for case in cases)
    broken = sum(isinstance(item, DeploymentError) or bool(item.refused) for item in results)
    total = f"{_counted(len(cases), 'case')} in {_counted(len(results), 'suite')}: {len(cases) - failed} passed, {failed} failed"
    lines.append(total + (f"; {_counted(broken, 'suite')} could not run" if broken else ""))
    return "\n".join(_coloured(line) for line in lines) if colour else "\n".join(lines)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _suite(result: SuiteResult) -> list[str]:
    suite = result.suite
    lines = [f"{suite.file}  {suite.artifact.kind} {suite.artifact.name}  ({result.seconds * 1000:.0f} ms)"]
    if result.refused:
        return [*lines, *(f"  ✗ refused: {line}" for line in result.refused.splitlines())]
    for case in result.cases:
        lines.append(f"  {MARKS[case.passed]} {case.case.name}  ({case.seconds * 1000:.0f} ms)")
        lines += [f"      {line}" for line in explanation(case)]
    return lines


def explanation(result: CaseResult) -> list[str]:
    """Why a case failed; nothing when it passed."""
    if result.passed:
        return []
    lines = [f"{result.case.place}: {result.error}"] if result.error else []
    for failure in result.failures:
        lines += _failure(failure)
    return [part for line in [*lines, *result.hints] for part in line.splitlines()]


def _failure(failure: Failure) -> list[str]:
    said = f": {failure.assertion.message}" if failure.assertion.message else ""
    head = f"{failure.assertion.place} {failure.assertion.actual}{said} ({failure.reason})"
    return [head, *failure.lines]


def _coloured(line: str) -> str:
    colour = COLOURS.get(line.lstrip()[:1])
    return f"\x1b[{colour}m{line}\x1b[0m" if colour else line


def junit(results: Sequence[Result]) -> bytes:
    """A JUnit file, as CI servers read it. Times in seconds."""
    root = etree.Element("testsuites")
    for item in results:
        root.append(_broken(item) if isinstance(item, DeploymentError) else _junit_suite(item))
    return etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8")  # type: ignore[no-any-return]


def _broken(error: DeploymentError) -> Element:
    suite = etree.Element("testsuite", name=error.place.file, tests="1", failures="0", errors="1", time="0")
    case = etree.SubElement(suite, "testcase", classname=error.place.file, name="the suite's file", time="0")
    _text(etree.SubElement(case, "error", message=_legal(error.reason)), str(error))
    return suite


def _junit_suite(result: SuiteResult) -> Element:
    name = f"{result.suite.artifact.kind} {result.suite.artifact.name}"
    failed = sum(not case.passed and not case.error for case in result.cases)
    errors = sum(bool(case.error) for case in result.cases) + bool(result.refused)
    suite = etree.Element("testsuite", name=name, file=result.suite.file, time=f"{result.seconds:.3f}")
    for key, count in (("tests", len(result.cases) or 1), ("failures", failed), ("errors", errors)):
        suite.set(key, str(count))
    if result.refused:
        case = etree.SubElement(suite, "testcase", classname=name, name="deployment", time="0")
        _text(etree.SubElement(case, "error", message="refused"), result.refused)
    for item in result.cases:
        case = etree.SubElement(
            suite, "testcase", classname=name, name=_legal(item.case.name), time=f"{item.seconds:.3f}"
        )
        if not item.passed:
            kind = "error" if item.error else "failure"
            told = item.error or "; ".join(failure.assertion.message or failure.reason for failure in item.failures)
            _text(etree.SubElement(case, kind, message=_legal(told)), "\n".join(explanation(item)))
    return suite


def _text(element: Element, text: str) -> None:
    element.text = _legal(text)


def _legal(text: str) -> str:
    return text.translate(_ILLEGAL)


def summary(result: Result) -> dict[str, Any]:
    """The JSON object with which the original's agent answers one suite."""
    refused = str(result) if isinstance(result, DeploymentError) else result.refused
    cases = [] if isinstance(result, DeploymentError) else result.cases
    broken = next((case for case in cases if case.error), None)
    status = SKIPPED if refused or not cases else FAILED if broken else PASSED
    return {
        "deploymentStatus": FAILED if refused else PASSED,
        "deploymentException": refused or None,
        "deploymentDescription": "the artifacts could not be deployed" if refused else None,
        "mediationStatus": status,
        "currentTestCase": cases[-1].case.name if cases else None,
        "mediationException": broken.error if broken else None,
        "testCases": [_case(case) for case in cases],
    }


def _case(result: CaseResult) -> dict[str, Any]:
    return {
        "testCaseName": result.case.name,
        "mediationStatus": result.mediation,
        "assertionStatus": result.assertions,
        "exception": result.error or None,
        "failureAssertions": [
            {
                "assertionType": "assertNotNull" if failure.assertion.expected is None else "assertEquals",
                "assertionExpression": failure.assertion.actual,
                "actual": failure.actual,
                "expected": failure.assertion.expected,
                "assertionDescription": failure.reason,
                "message": failure.assertion.message,
            }
            for failure in result.failures
        ],
    }
