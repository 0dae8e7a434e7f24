"""Beat and workers after their broker was killed and came back, and what their signs of life say."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery
from celery.app.trace import build_tracer
from kombu import Connection
from kombu.exceptions import KombuError
from pytest_django import Settings

from portal import heartbeats
from portal.celery import app
from portal.schedule import Schedule
from tests.faults.relay import Relay, relay_to

HERE = ("127.0.0.1", 5672)
LOGIN = "guest:guest"


def rabbitmq_answers() -> bool:
    """Whether this machine's RabbitMQ lets its guest in."""
    try:
        with Connection(f"amqp://{LOGIN}@{HERE[0]}:{HERE[1]}//", connect_timeout=2) as there:
            there.connect()
    except (OSError, KombuError):
        return False
    return True


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


@pytest.fixture
def rabbitmq() -> Iterator[Relay]:
    """A way to this machine's RabbitMQ that can be cut, as if it had been killed."""
    if not rabbitmq_answers():
        pytest.skip("no RabbitMQ answers here")
    with relay_to(*HERE) as relay:
        yield relay


@pytest.fixture
def queue(rabbitmq: Relay) -> Iterator[str]:
    name = f"beat-{uuid4()}"
    yield name
    with Connection(f"amqp://{LOGIN}@{HERE[0]}:{HERE[1]}//") as there:
        there.SimpleQueue(name).queue.delete()


def beat(broker: str, queue: str, *jobs: str) -> Schedule:
    sender = Celery(broker=broker, set_as_current=False)
    sender.conf.update(
        task_default_queue=queue,
        task_publish_retry=False,
        broker_connection_timeout=2,
        beat_schedule={job: {"task": job, "schedule": timedelta(days=1)} for job in jobs},
    )
    return Schedule(app=sender)


def came(queue: str) -> list[str]:
    """The jobs that came to the queue, and were taken from it: beat waits until RabbitMQ says that it has them."""
    found: list[str] = []
    with Connection(f"amqp://{LOGIN}@{HERE[0]}:{HERE[1]}//") as there, there.SimpleQueue(queue) as waiting:
        while True:
            try:
                message = waiting.get_nowait()
            except waiting.Empty:
                return found
            message.ack()
            found.append(message.headers["task"])


def test_beat_sends_again_after_rabbitmq_was_killed_and_came_back(
    rabbitmq: Relay, queue: str, signs: dict[str, float], caplog: pytest.LogCaptureFixture
) -> None:
    plan = beat(f"amqp://{LOGIN}@127.0.0.1:{rabbitmq.port}//", queue, "first", "second")
    plan.tick()
    assert len(sent := came(queue)) == 1
    assert 0 <= heartbeats.age_s(process="beat") < 60
    signs.clear()

    rabbitmq.cut()
    with caplog.at_level(logging.CRITICAL, logger="celery.beat"):
        assert plan.tick() > 0, "it does not try again without a pause"
    assert heartbeats.age_s(process="beat") == float("inf"), "nothing went through"

    # Back again. What could not be sent is sent now, not a day later.
    plan.tick()
    assert sorted(sent + came(queue)) == ["first", "second"]
    assert 0 <= heartbeats.age_s(process="beat") < 60
    plan.close()


def test_beat_that_sends_nothing_gives_no_sign(signs: dict[str, float]) -> None:
    plan = beat("memory://", "none")
    plan.tick()
    assert heartbeats.age_s(process="beat") == float("inf")
    plan = beat("memory://", "some", "one")
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
