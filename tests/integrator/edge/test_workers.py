"""Tasks and message processors run in real Celery workers, on beat's schedule, and survive what kills a worker."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from integrator.sample.install import install_sample
from tests.integrator.edge.platform import Platform, platform
from tests.support.wait import until

ORDER = {"customerId": 1, "sku": "TEA-001", "quantity": 1}
SYNAPSE = "repository/deployment/server/synapse-configs/default"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Worker, beat and integrator with the sample."""
    with platform(tmp_path_factory.mktemp("platform"), install_sample) as made:
        made.integrator(), made.worker(), made.beat()
        yield made


def test_a_scheduled_task_runs_and_its_result_can_be_seen(running: Platform) -> None:
    until(lambda: _runs(running, "task", "lowStockReport"), seconds=90, what="a run of lowStockReport")
    ok, result, error = _runs(running, "task", "lowStockReport")[0]
    assert (ok, error) == (1, "") and "POT-003" in result
    reports = requests.get(f"{running.url}/notifications/reports", timeout=20).json()
    assert reports[0]["name"] == "low-stock"
    found = running.rows(
        "SELECT task, kwargs, enabled FROM django_celery_beat_periodictask WHERE name LIKE '%task lowStockReport'"
    )
    assert found[0][0] == "integrator.tasks.run_task" and found[0][2] == 1
    assert json.loads(found[0][1]) == {"home": str(running.home.resolve()), "name": "lowStockReport"}


def test_a_stored_message_is_forwarded_by_a_worker(running: Platform) -> None:
    order = requests.post(f"{running.url}/orders", json=ORDER, timeout=20)
    assert order.status_code == 201, order.text
    identifier = order.json()["orderId"]
    until(lambda: identifier in _events(running), seconds=90, what="the event arrives")
    until(lambda: _runs(running, "processor", "orderEventsForwarder"), seconds=20, what="the run is noted")
    ok, result, error = _runs(running, "processor", "orderEventsForwarder")[0]
    assert (ok, error) == (1, "") and "delivered" in result


def test_artifacts_are_listed_with_what_can_be_told_at_a_glance(running: Platform) -> None:
    def store() -> list[tuple[Any, ...]]:
        return running.rows("SELECT deployed, detail FROM integrator_artifactstatus WHERE kind='message-store'")

    until(lambda: store() and json.loads(store()[0][1])["messages"] == 0, seconds=60, what="the store is empty")
    assert json.loads(store()[0][1])["durable"] is True


def test_a_broken_artifact_is_shown_with_file_line_and_reason_until_it_is_mended(running: Platform) -> None:
    bad = running.home / SYNAPSE / "sequences" / "bad.xml"
    bad.write_text('<sequence xmlns="http://ws.apache.org/ns/synapse" name="bad">\n  <nonsense/>\n</sequence>')

    def refused() -> list[tuple[Any, ...]]:
        return running.rows("SELECT kind, name, error FROM integrator_artifactstatus WHERE deployed = 0")

    until(refused, seconds=40, what="the refusal is shown")
    kind, name, error = refused()[0]
    assert (kind, name) == ("sequence file", "bad.xml")
    assert f"{SYNAPSE}/sequences/bad.xml:2" in error and "nonsense" in error
    bad.unlink()
    until(lambda: not refused(), seconds=40, what="the refusal is gone")


def test_the_schedule_follows_what_is_deployed(running: Platform) -> None:
    file = running.home / SYNAPSE / "tasks" / "twice.xml"
    file.write_text(
        '<task xmlns="http://ws.apache.org/ns/synapse" name="twice" class="org.apache.synapse.startup.tasks.MessageInjector">'
        '<trigger interval="1" count="2"/><property name="message"><a xmlns=""/></property>'
        '<property name="injectTo" value="sequence"/><property name="sequenceName" value="fault"/></task>'
    )

    def entry() -> list[tuple[Any, ...]]:
        return running.rows("SELECT enabled FROM django_celery_beat_periodictask WHERE name LIKE '%task twice'")

    until(lambda: entry() == [(0,)], seconds=60, what="the count is used up")
    assert len(_runs(running, "task", "twice")) == 2
    text = file.read_text()
    file.unlink()
    until(lambda: entry() == [], seconds=40, what="the entry is gone")
    file.write_text(text)
    until(lambda: len(_runs(running, "task", "twice")) == 4, seconds=60, what="it runs anew when it is deployed anew")


def test_no_message_is_lost_when_a_worker_is_killed_in_the_middle_of_a_delivery(tmp_path: Path) -> None:
    with slow_receiver() as receiver, platform(tmp_path, lambda home: _install(home, receiver.url)) as made:
        made.integrator()
        sent = [requests.post(f"{made.url}/orders", json=ORDER, timeout=20).json()["orderId"] for _ in range(3)]
        first, beat = made.worker(), made.beat()
        until(lambda: receiver.begun, seconds=90, what="a delivery is under way")
        first.kill()
        assert beat.running
        receiver.patient = False
        made.worker()
        until(lambda: set(sent) <= set(receiver.done), seconds=120, what="every event arrives")
        in_order = list(dict.fromkeys(receiver.done))
        assert in_order == sent
        until(lambda: not made.redis.keys("integrator:*:store:orderEvents"), seconds=20, what="the store is empty")


def _install(home: Path, url: str) -> None:
    install_sample(home)
    endpoint = home / SYNAPSE / "endpoints" / "NotificationsEP.xml"
    text = endpoint.read_text().replace("{uri.var.integrator}/notifications", url)
    endpoint.write_text(text.replace("<duration>5000<", "<duration>60000<"))


class Receiver(http.server.ThreadingHTTPServer):
    """Takes events; while `patient` is False at once, else it keeps the caller waiting for a minute."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/events"
        self.patient = True
        self.begun: list[str] = []
        self.done: list[str] = []
        self.leave = threading.Event()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        identifier = json.loads(body)["eventId"]
        self.server.begun.append(identifier)
        if self.server.patient:
            self.server.leave.wait(60)
            return
        self.server.done.append(identifier)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def slow_receiver() -> Iterator[Receiver]:
    """A real server that a delivery can hang on."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.leave.set()
        server.shutdown()
        thread.join(10)
        server.server_close()


def _runs(running: Platform, kind: str, name: str) -> list[tuple[Any, ...]]:
    return running.rows(
        "SELECT ok, result, error FROM integrator_taskrun WHERE kind=? AND name=? ORDER BY id DESC", kind, name
    )


def _events(running: Platform) -> set[str]:
    return {row["eventId"] for row in requests.get(f"{running.url}/notifications", timeout=20).json()}
