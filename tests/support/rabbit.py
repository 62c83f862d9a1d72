"""A real RabbitMQ broker for tests, from Debian's package, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.authority import Certified
from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.wait import until

SCRIPT = "/usr/lib/rabbitmq/bin/rabbitmq-server"
SECURE = """listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.certfile = {certificate}
ssl_options.keyfile = {key}
ssl_options.verify = verify_none
"""


@contextmanager
def running_rabbitmq(folder: Path, secure: tuple[int, Certified] | None = None) -> Iterator[int]:
    """Port of a broker with user guest; `secure`: also TLS on a port. Skips, saying why, without RabbitMQ."""
    import pytest  # noqa: PLC0415  (other helpers of this file run without it)

    if shutil.which("rabbitmq-server") is None and not Path(SCRIPT).exists():
        pytest.skip("RabbitMQ is not installed (Debian: rabbitmq-server): there is no broker to ask")
    port = free_port()
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\nlog.console = true\nlog.console.level = info\nlog.file = false\n"
        + (SECURE.format(port=secure[0], certificate=secure[1].certificate, key=secure[1].key) if secure else "")
    )
    (folder / "enabled_plugins").write_text("[].\n")
    environment = os.environ | {
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_NODENAME": f"test{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "ERL_EPMD_PORT": str(free_port()),
        "HOME": str(folder),
    }
    try:
        with Process([SCRIPT], environment, folder / "rabbitmq.log") as process:

            def started() -> bool:
                assert process.running, process.log
                return "completed with" in process.log or "Server startup complete" in process.log

            until(started, seconds=90, every=0.2, what="RabbitMQ starts")
            yield port
    finally:  # Erlang's name server is a daemon of its own
        subprocess.run(["epmd", "-kill"], env=environment, capture_output=True, check=False)
