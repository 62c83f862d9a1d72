"""`manage.py integrator test`: exit codes, what people and CI read, files that a suite names; and the agent's port."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

from integrator.engine.errors import DeploymentError
from integrator.unittests import agent, command
from integrator.unittests.suite import read_file, read_suite
from tests.integrator.coverage import covers
from tests.integrator.unittests.suites import case, equals, mock, not_null, resource, sequence, suite

ROOT = Path(__file__).parents[3]
GOOD = suite(sequence('<property name="x" value="1"/>'), case(equals("$ctx:x", "1")))
BAD = suite(sequence('<property name="x" value="1"/>'), case(equals("$ctx:x", "2", "x is two"), name="wrong"))


def test_the_command_for_ci(tmp_path: Path) -> None:
    """As a process: 0 when all pass, 1 when something fails; the difference for people, JUnit and JSON for machines."""
    (tmp_path / "good.xml").write_text(GOOD)
    run = [sys.executable, "manage.py", "integrator", "test"]
    fine = subprocess.run([*run, tmp_path], cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert (fine.returncode, fine.stderr) == (0, "")
    assert "✓ one" in fine.stdout
    assert "1 case in 1 suite: 1 passed, 0 failed" in fine.stdout
    (tmp_path / "wrong.xml").write_text(BAD)
    files = ["--junit", tmp_path / "junit.xml", "--json", tmp_path / "out.json"]
    failed = subprocess.run(
        [*run, tmp_path, *files], cwd=ROOT, capture_output=True, text=True, timeout=180, check=False
    )
    assert failed.returncode == 1
    told = [line.strip() for line in failed.stdout.splitlines()]
    at = told.index(f"{tmp_path / 'wrong.xml'}:1 <assertEquals> $ctx:x: x is two (it differs)")
    assert told[at + 1 : at + 3] == ["- 2", "+ 1"]
    report = etree.parse(tmp_path / "junit.xml").getroot()
    assert [item.get("failures") for item in report] == ["0", "1"]
    assert report.xpath("string(//failure/@message)") == "x is two"
    assert [item["file"] for item in json.loads((tmp_path / "out.json").read_text())] == [
        str(tmp_path / "good.xml"),
        str(tmp_path / "wrong.xml"),
    ]


def test_the_sample_has_tests(capsys: pytest.CaptureFixture[str]) -> None:
    """The artifacts of the sample pass their own suites."""
    assert command.main([str(ROOT / "integrator/sample/tests")]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("names", [["none.xml"], ["broken.xml"], ["refused.xml", "good.xml"], ["empty"]])
def test_what_cannot_run(tmp_path: Path, names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """2 for a file that is not there or no suite, for refused artifacts, and when nothing ran at all."""
    (tmp_path / "good.xml").write_text(GOOD)
    (tmp_path / "broken.xml").write_text("<unit-test><artifacts>")
    (tmp_path / "refused.xml").write_text(suite(sequence("<nothing/>"), case(not_null("$body"))))
    (tmp_path / "empty").mkdir()
    junit = tmp_path / "junit.xml"
    assert command.main([*(str(tmp_path / name) for name in names), "--junit", str(junit)]) == 2
    assert names[0].rpartition(".")[0] in "".join(capsys.readouterr())
    assert etree.parse(junit).getroot().tag == "testsuites"


def test_only_some_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--case runs those whose name holds the text."""
    flow = sequence('<property name="x" value="1"/>')
    text = suite(flow, case(equals("$ctx:x", "1"), name="right"), case(equals("$ctx:x", "2"), name="wrong"))
    (tmp_path / "s.xml").write_text(text)
    assert command.main([str(tmp_path), "--case", "right"]) == 0
    assert "1 case in" in capsys.readouterr().out
    assert command.main([str(tmp_path), "--case", "no such"]) == 2
    assert "no case whose name holds 'no such' ran" in capsys.readouterr().err


def test_files_that_a_suite_names(tmp_path: Path) -> None:
    """Artifacts and mock services may be files, from the suite's folder or a project's root above it, and nowhere else."""
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "test").mkdir()
    (project / "src/S.xml").write_text(sequence("<drop/>"))
    (project / "src/Mock.xml").write_text(mock("Back", resource("x")))
    file = project / "test/s.xml"
    file.write_text(suite("/src/S.xml", case(not_null("$body")), mocks="<mock-service>/src/Mock.xml</mock-service>"))
    found = read_file(file)
    assert (found.artifact.name, found.mocks[0].name) == ("S", "Back")
    (tmp_path / "outside.xml").write_text(sequence("<drop/>"))
    for name in ("/src/none.xml", "../../../../../../etc/passwd"):
        file.write_text(suite(name, case(not_null("$body"))))
        with pytest.raises(DeploymentError, match=r"s\.xml:1 <artifact>: file '.*' is neither below"):
            read_file(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<other/>", "<other>: root element <other>: allowed are unit-test, synapse-unit-test"),
        (suite(sequence("<drop/>")), "at least one <test-case> is required"),
        (suite(sequence("<drop/>"), case()), "<assertions>: at least one of <assertEquals>"),
        (
            suite("<endpoint name='e'/>", case(not_null("$body"))),
            "<endpoint> cannot be tested; allowed are sequence, proxy, api",
        ),
        (suite("<smooks/>", case(not_null("$body"))), "element <smooks>: allowed are sequence"),
        (suite(sequence("<drop/>"), case(not_null("$body"), method="BREW")), "request-method 'BREW': allowed are GET"),
        (
            suite(sequence("<drop/>"), case(not_null("$body")), mocks=mock("B", context="x")),
            "context 'x': it must begin with /",
        ),
        (
            suite(sequence("<drop/>"), case(not_null("$body")), mocks=mock("B", resource("x", status=99))),
            "status-code 99: allowed are 200 to 599",
        ),
        (
            suite(sequence("<drop/>"), case("<assertTrue/>")),
            "<assertTrue>: element <assertTrue> is not allowed in <assertions>; allowed are assertEquals, assertNotNull",
        ),
        (
            '<!DOCTYPE x [<!ENTITY a "b">]>' + suite(sequence("<drop/>"), case(not_null("$body"))),
            "not well-formed XML",
        ),
    ],
)
def test_mistakes_in_a_suite(text: str, told: str) -> None:
    """File, line and element are named, with what is allowed."""
    with pytest.raises(DeploymentError) as error:
        read_suite(text, "suite.xml", None)
    assert str(error.value).startswith("suite.xml")
    assert told in str(error.value)


@covers("unittest.agent", "unittest.suite")
async def test_the_agent() -> None:
    """One suite a connection, as a serialised Java string or as bare XML; one JSON text back; the next is a new world."""
    server = await agent.serve("127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def ask(data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return answer

    try:
        wrapped = await ask(agent.java_string(GOOD.encode()))
        assert wrapped[:5] == b"\xac\xed\x00\x05\x74"
        assert int.from_bytes(wrapped[5:7]) == len(wrapped) - 7
        assert json.loads(wrapped[7:])["testCases"][0]["assertionStatus"] == "PASSED"
        assert json.loads(await ask(BAD.encode()))["testCases"][0]["assertionStatus"] == "FAILED"
        long = GOOD.replace("</unit-test>", f"<!--{'ä€' * 20_000}--></unit-test>")
        packed = agent.java_string(long.encode())
        assert packed[4] == 0x7C
        assert json.loads((await ask(packed))[7:])["deploymentStatus"] == "PASSED"
        assert json.loads(await ask(b"<unit-test>"))["deploymentStatus"] == "FAILED"
        from_disk = suite("/etc/hostname", case(not_null("$body")))
        assert "not the name of a file" in json.loads(await ask(from_disk.encode()))["deploymentException"]
        assert await ask(b"\xac\xed\x00\x05\x73\x00") == b""
        assert await ask(b"\xac\xed\x00\x05\x74\x00\x01\xff") == b"", "no text"
    finally:
        server.close()


def test_java_strings() -> None:
    """As Java writes them: NUL in two bytes, what is beyond the first plane as two surrogates."""
    assert agent.java_string("a\0ä😀".encode())[5:] == b"\x00\x0b" + b"a\xc0\x80\xc3\xa4\xed\xa0\xbd\xed\xb8\x80"
