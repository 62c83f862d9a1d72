"""Deliveries by a real Celery worker, which is killed in the middle of one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.apim.websub.callback import Callback
from tests.support.processes import ROOT, Process
from tests.support.wait import until

SET_UP = """
from django.db import transaction
from apim.eventhub.publish import publish
from apim.websub.actions import Request, change_subscription
from gateway import schema
topics = (schema.Operation("SUBSCRIBE", "/orders"),)
with transaction.atomic():
    api = schema.Api("api", "carbon.super", "hub", "1", "/hub/1", "admin", 1, topics, kind="WEBSUB")
    publish("api", "Default:api", api, organisation="carbon.super", environment="Default")
change_subscription(Request("Default", "api", "", "", "subscribe", "/orders", "{url}"))
"""
EVENT = """
from apim.websub.actions import take_event
take_event("Default", "api", "/orders", "", "text/plain", b"{body}")
"""
LATER = """
from datetime import timedelta
from django.utils import timezone
from apim.websub import tasks
from apim.websub.models import Delivery
Delivery.objects.filter(claimed__isnull=False).update(claimed=timezone.now() - timedelta(seconds=1))
Delivery.objects.update(due=timezone.now() - timedelta(seconds=1))
tasks.sweep()
"""
OUTCOMES = """
from apim.websub.models import Delivery
print(sorted(Delivery.objects.values_list("outcome", flat=True)))
"""


def test_deliveries_survive_the_death_of_their_worker(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    environment = os.environ | {
        "APIM_VAR": str(tmp_path / "var"), "REDIS_URL": os.environ["REDIS_URL"].rpartition("/")[0] + "/7",
        "APIM_WEBSUB_NETWORKS": "127.0.0.0/8", "PYTHONPATH": str(ROOT), "DATABASE_URL": "",
    }  # fmt: skip
    worker = [
        sys.executable,
        "-m",
        "celery",
        "--app=apim",
        "worker",
        "--pool=threads",
        "--concurrency=2",
        "--queues=control",
    ]

    def manage(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with Callback() as callback:
        manage("migrate", "--verbosity=0")
        manage("shell", "--verbosity=0", "-c", SET_UP.format(url=callback.url) + EVENT.format(body="one"))
        with Process(worker, environment, tmp_path / "first.log") as first:
            until(lambda: callback.events, seconds=30, what="the worker delivers")
            until(
                lambda: "DELIVERED" in manage("shell", "--verbosity=0", "-c", OUTCOMES), seconds=20, what="it is noted"
            )
            callback.delay = 3600.0
            manage("shell", "--verbosity=0", "-c", EVENT.format(body="two"))
            until(lambda: callback.waiting == 1, seconds=30, what="the second event is under way")
            first.kill()
        callback.delay = 0.0
        assert [body for _, body in callback.events] == [b"one"]
        with Process(worker, environment, tmp_path / "second.log") as second:
            manage("shell", "--verbosity=0", "-c", LATER)
            until(lambda: len(callback.events) >= 2, seconds=30, what="another worker delivers it")
            assert callback.events[1][1] == b"two"
            second.signal(signal.SIGTERM)
        assert "PENDING" not in manage("shell", "--verbosity=0", "-c", OUTCOMES)
