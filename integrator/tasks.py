"""Celery's edge of the integrator: scheduled tasks and message processors of deployed homes run in workers.

Everything is safe to run twice: a lock keeps a processor to one worker, a message leaves its store only when delivered.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from celery import shared_task
from celery.signals import worker_ready, worker_shutdown

from integrator import homes, runtime
from integrator.actions import schedule, status
from integrator.actions.status import Outcome
from integrator.dashboard import watching
from integrator.locks import LEASE, counted, forget_count, held

log = structlog.get_logger(__name__)
WINDOW = 4.0
"""Seconds for which one run of a processor goes on while there are messages; then the next run takes over."""


@shared_task(queue=schedule.QUEUE, acks_late=True, reject_on_worker_lost=True, ignore_result=True)
def run_task(home: str, name: str, limit: int | None = None, entry: str = "", seconds: list[int] | None = None) -> None:
    """Run a scheduled task artifact once, unless its count is used up. `seconds`: when in this minute."""
    if seconds:
        for second in seconds:
            run_task.apply_async(kwargs={"home": home, "name": name}, countdown=second)
        return
    if limit is not None and not counted(entry, limit):
        schedule.finish(entry)
        return
    started = time.monotonic()
    with held(f"task:{home}:{name}") as lock:
        if lock is None:
            log.info("integrator.task_still_running", home=home, name=name)
            return
        outcome = runtime.run_task(home, name, lock.renew, every=LEASE / 3)
    status.record_run(home, "task", name, started, outcome)


@shared_task(queue=schedule.QUEUE, acks_late=True, reject_on_worker_lost=True, ignore_result=True)
def process_store(home: str, name: str, seconds: list[int] | None = None) -> None:
    """Let a message processor work for a moment: as long as there are messages, at most WINDOW seconds."""
    if seconds:
        for second in seconds:
            process_store.apply_async(kwargs={"home": home, "name": name}, countdown=second)
        return
    started = time.monotonic()
    with held(f"processor:{home}:{name}") as lock:
        if lock is None:
            return
        done, outcome = _drain(home, name, lock.renew, started + WINDOW)
    if done or outcome.error:
        outcome.result = f"{done} message{'' if done == 1 else 's'} delivered"
        status.record_run(home, "processor", name, started, outcome)


def _drain(home: str, name: str, renew: Callable[[], bool], deadline: float) -> tuple[int, Outcome]:
    """Deliver until the store is empty, a delivery fails or the window ends; the artifact's interval lies between."""
    done = 0
    while renew():
        outcome, word, pause = runtime.process_once(home, name, renew, every=LEASE / 3)
        if word != "delivered":
            return done, outcome
        done += 1
        if time.monotonic() + pause > deadline:
            break
        time.sleep(pause)
    return done, Outcome()


@shared_task(queue=schedule.QUEUE, acks_late=False, ignore_result=True, expires=30)
def sync(home: str = "") -> None:
    """Bring beat's schedule and the artifact list in step with what is deployed in one home, or in all."""
    for each in [home] if home else homes.known():
        with held(f"sync:{each}") as lock:
            if lock is not None:
                _sync(each)


@shared_task(queue=schedule.QUEUE, acks_late=False, ignore_result=True, expires=30)
def watch() -> None:
    """Look at every registered integrator; one worker at a time does."""
    with held("watch") as lock:
        if lock is not None:
            watching.watch_all()


def _sync(home: str) -> None:
    snapshot = runtime.snapshot(home)
    begun, refused = schedule.apply(snapshot)
    for entry in begun:
        forget_count(entry.name)
        run_task.apply_async(kwargs=entry.arguments)
    wrong = {(artifact.kind, artifact.name) for artifact in refused}
    good = [artifact for artifact in snapshot.artifacts if (artifact.kind, artifact.name) not in wrong]
    status.record_artifacts(home, [*good, *refused])


@worker_ready.connect
def _sync_on_start(**_: Any) -> None:
    """Do not wait for beat: a fresh worker looks at once."""
    sync.delay()
    watch.delay()


@worker_shutdown.connect
def _stop_engines(**_: Any) -> None:
    """Close connections in an orderly way."""
    runtime.host.stop()
