"""One holder at a time, and no lock outlives its holder for long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from integrator import locks, runtime, tasks
from tests.integrator.coverage import covers


def test_a_lock_has_one_holder_and_is_free_afterwards() -> None:
    with locks.held("test:one") as first, locks.held("test:one") as second:
        assert first is not None and first.renew()
        assert second is None
    with locks.held("test:one") as third:
        assert third is not None


def test_a_lost_lock_is_noticed_and_not_released_for_the_new_holder() -> None:
    with locks.held("test:lost") as first:
        locks.connection().delete("apim:integrator:lock:test:lost")
        with locks.held("test:lost") as second:
            assert second is not None
            assert first is not None and not first.renew()
            assert second.renew()


def test_a_lock_runs_out_by_itself() -> None:
    with locks.held("test:lease"):
        assert 0 < locks.connection().pttl("apim:integrator:lock:test:lease") <= locks.LEASE * 1000


def test_a_limit_is_never_passed_by_parallel_callers() -> None:
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(lambda _: locks.counted("test:count", 5), range(60))) == 5
    locks.forget_count("test:count")
    assert locks.counted("test:count", 1)


@covers("obs.coordination")
def test_only_one_worker_runs_a_task_or_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one holds it, the same task and the same processor are left alone by others."""
    asked: list[str] = []
    monkeypatch.setattr(runtime, "run_task", lambda home, name, renew, every: asked.append(name))
    monkeypatch.setattr(runtime, "process_once", lambda home, name, renew, every: asked.append(name))
    with locks.held("task:/srv/h:tick"), locks.held("processor:/srv/h:mover"):
        tasks.run_task(home="/srv/h", name="tick")
        tasks.process_store(home="/srv/h", name="mover")
    assert asked == []
