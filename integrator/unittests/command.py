"""`manage.py integrator test`: finds suites, runs them, says how they went."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from integrator.engine.errors import DeploymentError
from integrator.unittests import agent, report
from integrator.unittests.run import SuiteResult, run_suite
from integrator.unittests.suite import is_suite, read_file

AGENT_PORT = 9008


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = argparse.ArgumentParser("manage.py integrator test", description="Run unit tests of artifacts.")
    made.add_argument("suites", nargs="*", type=Path, help="suite files, or folders in which all suites are taken")
    made.add_argument("--case", default="", help="run only the cases whose name holds this")
    made.add_argument("--junit", type=Path, metavar="FILE", help="also write a JUnit file")
    made.add_argument("--json", type=Path, metavar="FILE", help="also write the results as JSON; - for standard output")
    made.add_argument("--verbose", action="store_true", help="show the logs of the engine")
    made.add_argument(
        "--agent", action="store_true", help="take suites over TCP instead, as the original's test server"
    )
    made.add_argument("--port", type=int, default=AGENT_PORT, help=f"port of the agent ({AGENT_PORT})")
    made.add_argument(
        "--host", default="127.0.0.1", help="address of the agent; whoever reaches it can run artifacts here"
    )
    return made


def main(arguments: Sequence[str]) -> int:
    """Run. Returns 0: all passed, 1: something failed, 2: something could not run."""
    options = parser().parse_args(arguments)
    _logs(options.verbose)
    if options.agent:
        return _agent(options.host, options.port)
    if not options.suites:
        parser().error("suite files or folders are required")
    results = asyncio.run(_run(options.suites, options.case))
    if not results:
        sys.stderr.write(f"no suite in {', '.join(str(path) for path in options.suites)}\n")
    elif options.case and not any(isinstance(item, SuiteResult) and item.cases for item in results):
        sys.stderr.write(f"no case whose name holds {options.case!r} ran\n")
    quiet = options.json is not None and str(options.json) == "-"
    try:
        if options.junit:
            options.junit.write_bytes(report.junit(results))
        if options.json:
            text = json.dumps([_named(item) for item in results], indent=2, ensure_ascii=False) + "\n"
            sys.stdout.write(text) if quiet else options.json.write_text(text)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if not quiet:
        sys.stdout.write(report.human(results, colour=sys.stdout.isatty()) + "\n")
    return report.exit_code(results)


def _named(result: report.Result) -> dict[str, object]:
    file = result.place.file if isinstance(result, DeploymentError) else result.suite.file
    return {"file": file, **report.summary(result)}


def _logs(verbose: bool) -> None:
    logger = logging.getLogger("integrator")
    logger.handlers = [logging.StreamHandler(sys.stderr)] if verbose else [logging.NullHandler()]
    logger.propagate = False
    logger.setLevel("INFO")


async def _run(paths: Sequence[Path], only: str) -> list[report.Result]:
    results: list[report.Result] = []
    for file in found(paths):
        try:
            results.append(await run_suite(read_file(file), only))
        except DeploymentError as error:
            results.append(error)
    return results


def found(paths: Sequence[Path]) -> Iterator[Path]:
    """Files as they are given; of folders the suites below them, by name."""
    for path in paths:
        if path.is_dir():
            yield from (file for file in sorted(path.rglob("*.xml")) if file.is_file() and is_suite(file))
        else:
            yield path


def _agent(host: str, port: int) -> int:
    async def listen() -> None:
        server = await agent.serve(host, port)
        sys.stdout.write(f"the unit test agent listens on {host}:{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()

    try:
        asyncio.run(listen())
    except OSError as error:
        sys.stderr.write(f"The agent cannot listen on {host}:{port}: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 0
    return 0
