"""HTTP hygiene: every `tests/corpus/gateway/http/*.req` is sent as it is and must be answered as `*.expect` says.

A `.req` file holds the bytes with `\\r\\n`, `\\t`, `\\x00` written out, `<<a*40000>>` is so many of one character; line ends
of the file itself do not count. An `.expect` file names the statuses in order (`statuses`, or `statuses_any` of several),
what the answers contain or lack, and how many calls the backend may have seen.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "gateway" / "http"
CASES = sorted(CORPUS.glob("*.req"))


@pytest.fixture(scope="module")
def ready(served: Served) -> Served:
    """An API that anybody may call with any of the usual verbs."""
    verbs = ("GET", "POST", "PUT", "DELETE", "HEAD")
    operations = [schema.Operation(verb, "/*", auth="none") for verb in verbs]
    served.publish(("api", "Default:id-echo", world.api("echo", served.backend.url, *operations)))
    return served


def raw(path: Path) -> bytes:
    """The bytes of a request file."""
    text = re.sub(r"<<(.)\*(\d+)>>", lambda found: found[1] * int(found[2]), path.read_text().replace("\n", ""))
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_corpus(ready: Served, path: Path) -> None:
    expected = json.loads(path.with_suffix(".expect").read_text())
    before = len(ready.backend.calls)
    answer = ready.gateway.raw(raw(path))
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
    assert statuses in expected.get("statuses_any", [expected.get("statuses")]), answer[:500]
    for text in expected.get("contains", []):
        assert text.encode() in answer
    for text in expected.get("lacks", []):
        assert text.encode() not in answer
    if "backend" in expected:
        assert len(ready.backend.calls) - before == expected["backend"]
    if expected.get("bodyless"):
        assert answer.endswith(b"\r\n\r\n")
    assert ready.gateway.call("/healthz").status == 200
