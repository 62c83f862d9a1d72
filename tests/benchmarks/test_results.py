"""What the benchmarks write: ratios, the JSON file, the page, and their refusal of runs with failed calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import load, results
from benchmarks.results import result

SAID = """\
  2 threads and 64 connections
  Latency Distribution
     50%    1.50ms
     75%    2.00ms
     90%    3.00ms
     99%  812.00us
  1000 requests in 1.00s, 1.20MB read
Requests/sec:  12345.67
"""


def test_a_ratio_is_value_by_peer() -> None:
    one = result("gateway.full_policy", 15_000.4, "requests/s", "envoy.jwt_ratelimit", 10_000.0)
    assert (one.value, one.peer_value, one.ratio) == (15_000, 10_000, 1.5)
    assert result("platform.memory.up", 31.019, "MB").ratio is None


def test_a_later_run_replaces_figures_of_the_same_name_and_keeps_others(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    results.store([result("a", 1, "s"), result("b", 2, "s")], path)
    held = results.store([result("a", 3, "s")], path)
    assert {one.name: one.value for one in held} == {"a": 3, "b": 2}
    assert set(json.loads(path.read_text())[0]) == {"name", "value", "unit", "peer", "peer_value", "ratio"}


def test_the_page_keeps_what_is_around_the_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"Before\n{results.BEGIN}\nold\n{results.END}\nAfter\n")
    monkeypatch.setattr(results, "PAGE", page)
    for _ in range(2):
        results.write_page([result("gateway.full_policy", 2000, "requests/s", "nginx.proxy", 4000)])
    text = page.read_text()
    assert text.startswith("Before\n")
    assert text.endswith(f"{results.END}\nAfter\n")
    assert "old" not in text
    assert text.count("| gateway.full_policy | 2,000 | requests/s | nginx.proxy | 4,000 | 0.50 × |") == 1


def test_what_wrk_says_is_read() -> None:
    sample = load._parse(SAID, "ours", 0.9)
    assert (sample.rate, sample.p50, sample.p99) == (12345.67, 1.5, 0.812)


@pytest.mark.parametrize(
    "line", ["  Non-2xx or 3xx responses: 1\n", "  Socket errors: connect 0, read 3, write 0, timeout 0\n"]
)
def test_a_run_with_a_failed_call_is_refused(line: str) -> None:
    with pytest.raises(SystemExit, match="the numbers mean nothing"):
        load._parse(SAID + line, "ours", 0.9)
