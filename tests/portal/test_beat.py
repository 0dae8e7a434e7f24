"""What the signs of life of beat and of workers say."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery
from celery.app.trace import build_tracer
from pytest_django import Settings

from portal import heartbeats
from portal.celery import app
from portal.schedule import Schedule


@pytest.fixture
def signs(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """The signs of life given; none was given before."""
    kept: dict[str, float] = {}

    def put(name: str, value: float, *, timeout: None) -> None:
        assert timeout is None
        kept[name] = value

    monkeypatch.setattr("portal.heartbeats.cache.set", put)
    monkeypatch.setattr("portal.heartbeats.cache.get", kept.get)
    monkeypatch.setattr("portal.heartbeats.EVERY_S", 0.0)
    return kept


def beat(queue: str, *jobs: str, broker: str = "memory://") -> Schedule:
    sender = Celery(broker=broker, set_as_current=False)
    sender.conf.update(
        task_default_queue=queue, beat_schedule={job: {"task": job, "schedule": timedelta(days=1)} for job in jobs}
    )
    return Schedule(app=sender)


def test_beat_that_sends_nothing_gives_no_sign(signs: dict[str, float]) -> None:
    plan = beat("none")
    plan.tick()
    assert heartbeats.age_s(process="beat") == float("inf")
    # Of two brokers the first is away: the same tick goes on to the other.
    plan = beat("some", "one", broker="redis://127.0.0.1:1/0;memory://")
    plan.tick()
    assert 0 <= heartbeats.age_s(process="beat") < 60
    plan.close()


def well() -> None:
    pass


def badly() -> None:
    raise ValueError("it fails")


@pytest.mark.parametrize(("work", "alive"), [(well, True), (badly, False)])
def test_a_worker_s_sign_of_life_is_a_task_that_was_done(
    work: Callable[[], None], alive: bool, signs: dict[str, float], settings: Settings, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    name = f"tests.{uuid4()}"
    task = app.task(name=name)(work)
    try:
        assert heartbeats.age_s(process="worker") == float("inf"), "a process that is there says nothing"
        build_tracer(name, task, app=app)(str(uuid4()), [], {}, {})
        assert (heartbeats.age_s(process="worker") < 60) is alive
        # While the database is away every task fails, and no container is restarted for that.
        assert (tmp_path / "heartbeat-worker").exists()
    finally:
        app.tasks.unregister(name)
