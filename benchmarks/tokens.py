"""A token on every call that was never seen before, beside Envoy without its token cache: what verifying one costs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.credentials import make_credentials
from benchmarks.hub import records, static_hub
from benchmarks.load import Target, interleave, wait_for
from benchmarks.machine import free_port
from benchmarks.ours import data_plane, embedded_redis
from benchmarks.peers import envoy, nginx_backend
from benchmarks.results import Result, result

TOKENS = 2000
"""Tokens used in turn. Our gateway remembers one (GATEWAY_TOKEN_CACHE=1), so that each is new when it comes."""

SCRIPT = """\
local tokens = {{}}
for line in io.lines("{path}") do tokens[#tokens + 1] = line end
local number = 0
request = function()
  number = number % #tokens + 1
  return wrk.format("GET", nil, {{["Authorization"] = "Bearer " .. tokens[number]}})
end
"""


def measure(folder: Path, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Result]:
    """Requests a second of both, in interleaved rounds."""
    credentials = make_credentials(TOKENS)
    path, script = folder / "tokens.txt", folder / "tokens.lua"
    path.write_text("\n".join(credentials.tokens) + "\n")
    script.write_text(SCRIPT.format(path=path))
    backend, other, ours, hub, store = (free_port() for _ in range(5))
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(nginx_backend(folder, backend))
        served = enter(static_hub(hub, records(f"http://127.0.0.1:{backend}", credentials)))
        told = {
            "GATEWAY_CONTROL_PLANE_URL": served.url,
            "GATEWAY_HTTPS_PORT": str(free_port()),
            "GATEWAY_TOKEN_CACHE": "1",
        }
        peer = Target(
            "envoy.fresh_jwt",
            f"http://127.0.0.1:{other}/orders",
            enter(envoy(folder, other, backend, credentials, cache=False)),
            script=script,
        )
        mine = Target(
            "gateway.fresh_jwt",
            f"http://127.0.0.1:{ours}/full/1.0/orders",
            enter(data_plane("gateway", folder, ours, enter(embedded_redis(folder, store)), told)),
            script=script,
        )
        for target in (peer, mine):
            wait_for(target.url, {"Authorization": f"Bearer {credentials.token}"})
        interleave([peer, mine], (64,), rounds, seconds, say)
    return [result(mine.name, mine.rate(64), "requests/s", peer.name, peer.rate(64))]
