"""The integrator on the three commonest jobs, beside bare nginx: pass-through, routing by JSON content, payloadFactory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.load import Target, interleave, wait_for
from benchmarks.machine import free_port
from benchmarks.ours import data_plane, embedded_redis
from benchmarks.peers import BODY_BYTES, nginx_backend, nginx_proxy
from benchmarks.results import Result, result

CONNECTIONS = (64,)
NGINX = "nginx.proxy"
JSON = {"Content-Type": "application/json"}

API = """\
<api xmlns="http://ws.apache.org/ns/synapse" name="{name}" context="/{name}">
  <resource methods="GET POST" uri-template="/orders">
    <inSequence>
      {steps}
      <call><endpoint><http method="{method}" uri-template="http://127.0.0.1:{backend}/orders"/></endpoint></call>
      <respond/>
    </inSequence>
  </resource>
</api>
"""
SWITCH = """\
<switch source="json-eval($.order.kind)">
        <case regex="retail"><property name="route" value="retail"/></case>
        <case regex="wholesale"><property name="route" value="wholesale"/></case>
        <default><property name="route" value="other"/></default>
      </switch>"""
FACTORY = """\
<payloadFactory media-type="json">
        <format>{"id": "$1", "lines": $2, "kind": "$3"}</format>
        <args><arg evaluator="json" expression="$.order.id"/><arg evaluator="json" expression="$.order.lines"/>
          <arg evaluator="json" expression="$.order.kind"/></args>
      </payloadFactory>"""
JOBS = {
    "integrator.pass_through": ("passthrough", "", "get"),
    "integrator.json_switch": ("jsonswitch", SWITCH, "post"),
    "integrator.payload_factory": ("payloadfactory", FACTORY, "post"),
}


def order() -> str:
    """A JSON order of 1 KB."""
    head = (
        '{"order":{"id":"o-1","kind":"wholesale","lines":[{"sku":"a","quantity":2},{"sku":"b","quantity":1}],"note":"'
    )
    return head + "x" * (BODY_BYTES - len(head) - 3) + '"}}'


def measure(folder: Path, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Result]:
    """Requests a second of each job and of nginx, in interleaved rounds."""
    with _targets(folder) as targets:
        interleave(targets, CONNECTIONS, rounds, seconds, say)
    rates = {target.name: target.rate(CONNECTIONS[0]) for target in targets}
    return [result(name, rates[name], "requests/s", NGINX, rates[NGINX]) for name in JOBS]


@contextmanager
def _targets(folder: Path) -> Iterator[list[Target]]:
    backend, nginx, ours, store = (free_port() for _ in range(4))
    home = _home(folder / "integrator", backend)
    script = folder / "post.lua"
    script.write_text(
        f'wrk.method = "POST"\nwrk.body = {_lua(order())}\nwrk.headers["Content-Type"] = "application/json"\n'
    )
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(nginx_backend(folder, backend))
        proxy = enter(nginx_proxy(folder, nginx, backend))
        told = {"INTEGRATOR_HOME": str(home), "INTEGRATOR_SCHEDULER": "none"}
        engine = enter(data_plane("integrator", folder, ours, enter(embedded_redis(folder, store)), told))
        targets = [Target(NGINX, f"http://127.0.0.1:{nginx}/orders", proxy)]
        for name, (context, _steps, method) in JOBS.items():
            url = f"http://127.0.0.1:{ours}/{context}/orders"
            wait_for(url, JSON, order().encode() if method == "post" else None)
            targets.append(Target(name, url, engine, script=script if method == "post" else None))
        yield targets


def _home(home: Path, backend: int) -> Path:
    """An integrator home with one API for each job."""
    folder = home / "repository" / "deployment" / "server" / "synapse-configs" / "default" / "api"
    folder.mkdir(parents=True)
    for name, steps, method in JOBS.values():
        (folder / f"{name}.xml").write_text(API.format(name=name, steps=steps, method=method, backend=backend))
    return home


def _lua(text: str) -> str:
    return f"[==[{text}]==]"
