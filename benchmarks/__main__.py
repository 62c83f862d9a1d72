"""`make bench [ONLY=a group of GROUPS]`: measures, prints a table, writes bench.json and the page."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from apim.config import ROOT, config
from benchmarks import gateway, integrator, issuing, lists, platform, scale, tokens
from benchmarks.machine import enough_cores
from benchmarks.results import Result, figures, store, write_page

GROUPS = {
    "gateway": gateway.measure,
    "integrator": integrator.measure,
    "issuing": issuing.measure,
    "lists": lists.measure,
    "platform": platform.measure,
    "scale": scale.measure,
    "tokens": tokens.measure,
}


def main() -> int:
    """Run the wanted groups one after the other."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", choices=sorted(GROUPS), help="measure one group")
    parser.add_argument("--rounds", type=int, default=3, help="rounds over all peers; the median counts (3)")
    parser.add_argument("--seconds", type=int, default=5, help="length of one measurement (5)")
    parser.add_argument("--no-page", action="store_true", help="leave docs/performance.md as it is")
    given = parser.parse_args()
    enough_cores()
    results: list[Result] = []
    for name in [given.only] if given.only else sorted(GROUPS):
        _say(f"{name}:")
        folder = Path(tempfile.mkdtemp(prefix=f"apim-bench-{name}-"))
        results += GROUPS[name](folder, given.rounds, given.seconds, _say)
        shutil.rmtree(folder, ignore_errors=True)
    everything = store(results, config.var / "bench.json")
    _say("\n" + figures(results))
    if not given.no_page:
        write_page(everything)
        _say(f"Written: {config.var / 'bench.json'} and {Path('docs/performance.md')} in {ROOT}")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
