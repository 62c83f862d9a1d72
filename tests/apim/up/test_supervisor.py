"""The supervisor on real, small processes: order, restart, hopeless starts, and a stop that leaves nobody behind."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import psutil
import pytest

from apim.up.parts import Part
from apim.up.printer import StreamPrinter
from apim.up.supervisor import Supervisor
from tests.support.ports import free_port
from tests.support.wait import until

SERVER = """
import http.server, os, subprocess, sys
port = int(sys.argv[1])
grandchild = subprocess.Popen(["sleep", "600"])
print('{"event": "serving", "pid": %d}' % os.getpid(), flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def server(name: str, after: tuple[str, ...] = (), *, last: bool = False) -> Part:
    port = free_port()
    return Part(name, (sys.executable, "-c", SERVER, str(port)), f"http://127.0.0.1:{port}/", after, last=last)


def once(name: str, code: int = 0, *, optional: bool = False, after: tuple[str, ...] = ()) -> Part:
    return Part(
        name,
        (sys.executable, "-c", f"print('done', flush=True); raise SystemExit({code})"),
        "",
        after,
        optional=optional,
    )


class Trial:
    """A supervisor that runs in a thread."""

    def __init__(self, *parts: Part) -> None:
        self.output = io.StringIO()
        self.ready: list[set[str]] = []
        self.run = Supervisor(StreamPrinter(self.output), dict(os.environ), self._note)
        self.run.add(parts)
        self.code: int | None = None
        self.thread = Thread(target=self._loop, daemon=True)
        self.thread.start()

    def _note(self, run: Supervisor) -> None:
        self.ready.append({name for name, child in run.children.items() if child.ready})

    def _loop(self) -> None:
        self.code = self.run.loop()

    def pid(self, name: str) -> int:
        return until(
            lambda: self.run.children[name].ready and self.run.children[name].pid, seconds=20, what=f"{name} is ready"
        )

    def said(self, words: str) -> None:
        until(lambda: words in self.output.getvalue(), seconds=20, what=f"{words!r} is said")


@contextmanager
def trial(monkeypatch: pytest.MonkeyPatch, *parts: Part) -> Iterator[Trial]:
    monkeypatch.setattr(
        signal, "signal", lambda *_: None
    )  # only the main thread may; the tests ask for the stop themselves
    made = Trial(*parts)
    try:
        yield made
    finally:
        made.run.stop()
        made.thread.join(30)
        assert not made.thread.is_alive()


def test_parts_start_when_what_they_need_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    with trial(monkeypatch, server("store"), once("tables", after=("store",)), server("web", ("tables",))) as made:
        made.pid("web")
    assert made.ready == [{"store"}, {"store", "tables"}, {"store", "tables", "web"}]
    assert made.code == 0


def test_a_killed_process_is_said_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with trial(monkeypatch, server("web")) as made:
        first = made.pid("web")
        orphan = psutil.Process(first).children()[0]
        os.kill(first, signal.SIGKILL)
        made.said("web was killed by SIGKILL; starting it again in 0.25 s")
        made.said("web is back")
        assert made.pid("web") != first
        until(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE, what="its child is gone too")


def test_nobody_is_left_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    with trial(monkeypatch, server("store", last=True), server("web", ("store",))) as made:
        made.pid("web")
        tree = [psutil.Process(made.pid(name)) for name in ("store", "web")]
        tree += [child for process in tree for child in process.children(recursive=True)]
        assert len(tree) == 4
    until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in tree), what="all are gone")


def test_a_failed_step_ends_the_start_and_an_optional_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with trial(monkeypatch, server("web"), once("sample", 3, optional=True, after=("web",))) as made:
        made.said("sample ended with code 3, the reason is above; all else goes on")
        assert made.run.children["web"].running
    with trial(monkeypatch, once("tables", 1)) as made:
        made.said("the platform cannot start")
        until(lambda: made.code == 1, what="the exit code")


def test_a_process_that_never_gets_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Part("web", (sys.executable, "-c", "raise SystemExit('no module named web')"), "http://127.0.0.1:1/")
    with trial(monkeypatch, broken) as made:
        until(lambda: made.code == 1, seconds=20, what="the exit code")
    assert "no module named web" in made.output.getvalue()
    assert "starting it again in 0.5 s" in made.output.getvalue()


def test_lines_carry_their_process_and_stay_json_in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    with trial(monkeypatch, server("web")) as made:
        pid = made.pid("web")
    line = next(line for line in made.output.getvalue().splitlines() if "serving" in line)
    assert line.endswith(f'web    | {{"event": "serving", "pid": {pid}}}')


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells children of their parent's death")
    script = (
        "import os, sys; from apim.up.parts import Part; from apim.up.printer import StreamPrinter; "
        "from apim.up.supervisor import Supervisor; "
        "run = Supervisor(StreamPrinter(sys.stdout), dict(os.environ), lambda run: None); "
        "run.add([Part('web', ('sleep', '600'), 'tcp://127.0.0.1:1')]); run.loop()"
    )
    parent = psutil.Popen([sys.executable, "-c", script])
    child = until(lambda: [p for p in parent.children() if p.name() == "sleep"], seconds=20, what="the child runs")[0]
    parent.kill()
    parent.wait(10)
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, what="the child is gone")
