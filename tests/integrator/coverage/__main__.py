"""`python -m tests.integrator.coverage --write | --check`."""

from __future__ import annotations

import sys

from tests.integrator.coverage.page import PAGE, mistakes, page


def main(option: str) -> int:
    """Write or check the page; the exit status."""
    wrong = mistakes()
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    if option == "--write":
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page())
    elif not PAGE.is_file() or PAGE.read_text() != page():
        sys.stderr.write("docs/coverage/integration.md is stale: run make docs and commit it\n")
        return 1
    return 1 if wrong else 0


sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "--check"))
