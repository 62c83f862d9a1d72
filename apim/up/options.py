"""The command line of `up`. Every option is a setting of `apim.config`, passed on to all processes by environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

SETTINGS = {
    "port_offset": "APIM_PORT_OFFSET",
    "var": "APIM_VAR",
    "database": "DATABASE_URL",
    "redis": "REDIS_URL",
    "public_url": "APIM_PUBLIC_URL",
    "workers": "APIM_WORKERS",
}


def parser() -> argparse.ArgumentParser:
    """The options, with the environment variable that does the same in each help text."""
    made = argparse.ArgumentParser(prog="manage.py up", description="Run the whole platform in the foreground.")
    option = made.add_argument
    option("--port-offset", type=int, metavar="N", help="added to every port (APIM_PORT_OFFSET; 0)")
    option("--var", metavar="FOLDER", help="folder of all state (APIM_VAR; var in the checkout)")
    option("--database", metavar="URL", help="postgres://user:password@host/name (DATABASE_URL; SQLite below var)")
    option("--redis", metavar="URL", help="redis://host:6379/0 (REDIS_URL; an embedded server)")
    option("--public-url", metavar="URL", help="outside address (APIM_PUBLIC_URL; https://localhost:9443)")
    option("--workers", type=int, metavar="N", help="worker processes of the gateway (APIM_WORKERS; 1)")
    option("--no-sample", action="store_true", help="do not load the order-processing sample (APIM_SAMPLE=false)")
    return made


def apply(argv: Sequence[str]) -> None:
    """Turn the options into environment variables, which win over those that are set already."""
    given = parser().parse_args(argv)
    for option, variable in SETTINGS.items():
        value = getattr(given, option)
        if value is not None:
            os.environ[variable] = str(Path(value).resolve()) if option == "var" else str(value)
    if given.no_sample:
        os.environ["APIM_SAMPLE"] = "false"
