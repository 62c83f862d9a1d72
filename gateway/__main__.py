"""`python -m gateway --standalone PATH`: the gateway on its own (gateway.alone)."""

from __future__ import annotations

import sys

from gateway.alone import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
