"""Runs suites: deploys into an engine of their own, calls the artifact, and compares what came of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from integrator.engine import certificates
from integrator.engine.content.payload import Payload
from integrator.engine.engine import Engine
from integrator.engine.errors import DeploymentError, Fault
from integrator.engine.expressions import scopes
from integrator.engine.headers import Headers
from integrator.engine.message import Flow, Message
from integrator.engine.replies import Collector
from integrator.engine.sequence import note_fault
from integrator.engine.services.listener import Listener
from integrator.engine.settings import Settings
from integrator.engine.tasks import flow_end
from integrator.engine.xmltools import serialise
from integrator.unittests.compare import difference, same
from integrator.unittests.home import lay_out
from integrator.unittests.mocks import Mock, guessed_type
from integrator.unittests.suite import Assertion, Case, Suite
from wire.client import AnswerTooLarge, Client, Limits
from wire.server import Server
from wire.service import Service
from wire.upstream import UpstreamError

PASSED, FAILED, SKIPPED = "PASSED", "FAILED", "SKIPPED"
CALL_SECONDS = 60.0
Actual = Callable[[str], str | None]
"""Value behind the text of an <actual>. Raises LookupError for one that is not known there."""


@dataclass(frozen=True)
class Failure:
    """An assertion that did not hold."""

    assertion: Assertion
    actual: str | None
    reason: str
    lines: list[str]


@dataclass
class CaseResult:
    """How a case went. `error`: the artifact failed before anything could be compared."""

    case: Case
    mediation: str = SKIPPED
    assertions: str = SKIPPED
    error: str = ""
    failures: list[Failure] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return self.assertions == PASSED


@dataclass
class SuiteResult:
    """How a suite went. `refused`: its artifacts cannot be deployed, no case ran."""

    suite: Suite
    refused: str = ""
    cases: list[CaseResult] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether everything was deployed and every case passed."""
        return not self.refused and all(item.passed for item in self.cases)


class _Door(Service):
    """Hands requests to the listener, as the integrator does."""

    def __init__(self, engine: Engine):
        self.listener = Listener(lambda: engine.deployment)

    def handle(self, exchange: object) -> None:
        """Serve one request."""
        self.listener.handle(exchange)  # type: ignore[arg-type]


@dataclass
class Bench:
    """A suite that is deployed and can be called."""

    suite: Suite
    engine: Engine
    mocks: dict[str, Mock]
    client: Client
    servers: list[Server] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)

    async def port(self, protocol: str) -> int:
        """The port of http or https; opened when first asked for."""
        if protocol not in self.ports:
            server, sock = Server(_Door(self.engine)), socket.socket()
            sock.bind(("127.0.0.1", 0))
            tls = (
                certificates.server_context(self.engine.settings.secrets, "localhost") if protocol == "https" else None
            )
            await server.listen(sock, tls)
            self.servers.append(server)
            self.ports[protocol] = sock.getsockname()[1]
        return self.ports[protocol]


async def run_suite(suite: Suite, only: str = "") -> SuiteResult:
    """Deploy a suite in a scratch folder, run its cases (those whose name holds `only`), and take all away again."""
    result, started = SuiteResult(suite), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="unit-test-") as folder:
        home = Path(folder) / "home"
        settings = Settings(home=home, var=Path(folder) / "var", scheduler="none", bind="127.0.0.1", threads=4)
        engine, mocks = Engine(settings), {item.name: Mock(item) for item in suite.mocks}
        bench = Bench(suite, engine, mocks, Client(tls=_trusting_itself()))
        try:
            for mock in mocks.values():
                await mock.open()
            known = lay_out(suite, home, mocks)
            await engine.start(watch=False)
            result.refused = _refusals(engine, known)
            for case in suite.cases:
                if not result.refused and only in case.name:
                    result.cases.append(await run_case(bench, case))
        except DeploymentError as error:
            result.refused = str(error)
        finally:
            await _close(bench)
    result.seconds = time.perf_counter() - started
    return result


def _trusting_itself() -> ssl.SSLContext:
    """For calls to the bench's own https port, whose certificate was made a moment ago."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _refusals(engine: Engine, known: dict[str, str]) -> str:
    found = []
    for error in engine.deployment.errors:
        text = str(error)
        for written, file in known.items():
            text = text.replace(written, file)
        found.append(text)
    return "\n".join(found)


async def _close(bench: Bench) -> None:
    for server in bench.servers:
        await server.stop(0.2)
    await bench.client.close()
    await bench.engine.stop()
    for mock in bench.mocks.values():
        await mock.close()


async def run_case(bench: Bench, case: Case) -> CaseResult:
    """Call the artifact, then judge all assertions."""
    result, started = CaseResult(case), time.perf_counter()
    for mock in bench.mocks.values():
        mock.unexpected.clear()
    try:
        work = _mediate(bench, case) if bench.suite.artifact.kind == "sequence" else _call(bench, case)
        actual = await asyncio.wait_for(work, CALL_SECONDS)
        result.mediation = PASSED
        result.failures = [failure for item in case.assertions if (failure := judge(item, actual)) is not None]
        result.assertions = FAILED if result.failures else PASSED
    except Fault as fault:
        path = f"\n  in {fault.path}" if fault.path else ""
        result.mediation, result.error = FAILED, f"{fault.message}{path}"
    except (OSError, ValueError, TimeoutError, UpstreamError, AnswerTooLarge) as error:
        result.mediation, result.error = FAILED, str(error) or f"no end within {CALL_SECONDS:g} s"
    result.hints = [text for mock in bench.mocks.values() for text in mock.unexpected]
    result.seconds = time.perf_counter() - started
    return result


def judge(assertion: Assertion, actual: Actual) -> Failure | None:
    """What is wrong with an assertion; None when it holds."""
    try:
        found = actual(assertion.actual)
    except LookupError as error:
        return Failure(assertion, None, str(error.args[0]), [])
    if assertion.expected is None:
        return None if found else Failure(assertion, found, "it is missing" if found is None else "it is empty", [])
    if same(assertion.expected, found):
        return None
    return Failure(assertion, found, "it differs", difference(assertion.expected, found))


async def _mediate(bench: Bench, case: Case) -> Actual:
    """Run the sequence on a message made of the input. Raises Fault."""
    deployment = bench.engine.deployment
    flow = Flow(deployment, Collector())
    flow.artifact = f"sequence:{bench.suite.artifact.name}"
    text = case.payload or ""
    message = Message(flow, Payload(text.encode(), guessed_type(text) if text else ""), Headers())
    for item in case.properties:
        scopes.write(message, item.scope, item.name, item.value)
    chain = deployment.required_sequence(bench.suite.artifact.name)
    try:
        await chain.run(message)
    except Fault as fault:
        note_fault(message, fault)
        raise
    await flow_end(flow)
    await message.payload.read()
    return lambda name: of_message(message, name)


def of_message(message: Message, name: str) -> str | None:
    """$body, $ctx:x, $axis2:x, $trp:x of a message. Raises LookupError."""
    prefix, _, key = name.partition(":")
    if name == "$body":
        return body_of(message)
    if prefix in ("$ctx", "$axis2", "$trp") and key:
        scope = {"$ctx": "default", "$axis2": "axis2", "$trp": "transport"}[prefix]
        value = scopes.read(message, scope, key)
        return None if value is None else scopes.as_text(value)
    raise LookupError(f"<actual> {name!r} is not known for a sequence; allowed are $body, $ctx:, $axis2:, $trp:")


def body_of(message: Message) -> str | None:
    """The whole body as text: JSON, the payload element, or the text inside a text body."""
    payload = message.payload
    if payload.empty:
        return None
    if payload.is_json:
        return payload.json_text()
    root = payload.root
    if root is None:
        return None
    return root.text or "" if payload.media.startswith("text/plain") and not len(root) else serialise(root)


async def _call(bench: Bench, case: Case) -> Actual:
    """Call the API or proxy over a socket. Raises ConnectionError and the like."""
    artifact, deployment = bench.suite.artifact, bench.engine.deployment
    if artifact.kind == "proxy":
        base = f"/services/{artifact.name}"
    else:
        base = next(api.root for api in deployment.apis if api.name == artifact.name).rstrip("/")
    path = f"{base}/{case.path.lstrip('/')}" if case.path.strip("/") else base + ("/" if case.path else "")
    headers = [
        (item.name.lower().encode(), item.value.encode()) for item in case.properties if item.scope == "transport"
    ]
    body = case.payload.encode() if case.payload else None
    if body and not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", guessed_type(case.payload or "").encode()))
    url = f"{case.protocol}://127.0.0.1:{await bench.port(case.protocol)}{path or '/'}"
    limits = Limits(connect=5.0, read=CALL_SECONDS, total=CALL_SECONDS)
    response = await bench.client.request(case.method, url, headers, body, limits)
    text = (await response.body()).decode("utf-8", "replace")
    found = {name.decode("latin-1"): value.decode("utf-8", "replace") for name, value in response.headers}

    def actual(name: str) -> str | None:
        if name in ("$body", "$statusCode", "$httpVersion"):
            return {"$body": text or None, "$statusCode": str(response.status), "$httpVersion": "HTTP/1.1"}[name]
        if name.startswith("$trp:"):
            return found.get(name.removeprefix("$trp:").lower())
        allowed = "$body, $statusCode, $httpVersion, $trp:"
        raise LookupError(f"<actual> {name!r} is not known for <{artifact.kind}>; allowed are {allowed}")

    return actual
