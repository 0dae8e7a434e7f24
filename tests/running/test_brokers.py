"""Beat and a worker while their broker is killed and comes back, twice: Valkey, and by night RabbitMQ, each our own."""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery
from django.core.cache import cache
from kombu import Connection
from kombu.exceptions import OperationalError

from portal import heartbeats
from portal.celery import app
from portal.embedded import cluster
from portal.schedule import Schedule
from tests.faults.programs import Program, Programs, free_port, listening, until
from tests.running.conftest import the_program
from tests.running.units import get_own_command

# A node of RabbitMQ takes 8 s to start on a quiet core.
STARTS_WITHIN_S, BACK_WITHIN_S = 90.0, 60.0


@dataclass(frozen=True)
class Broker:
    """One that can be killed and started again, and what it is asked by."""

    program: Program
    url: str

    def back(self) -> None:
        self.program.start()
        self.wait()

    def wait(self) -> None:
        until(self._answers, STARTS_WITHIN_S, lambda: self.program.log.read_text(errors="replace")[-2000:])

    def _answers(self) -> bool:
        there = Connection(self.url, connect_timeout=1)
        try:
            there.ensure_connection(max_retries=0)
        except OperationalError:
            return False
        finally:
            there.release()
        return True

    def take(self, queue: str) -> list[str]:
        """The jobs that lie in a queue, taken from it."""
        found: list[str] = []
        with Connection(self.url) as there, there.SimpleQueue(queue) as waiting:
            while True:
                try:
                    message = waiting.get_nowait()
                except waiting.Empty:
                    return found
                message.ack()
                found.append(message.headers["task"])


@pytest.fixture(params=["valkey", pytest.param("rabbitmq", marks=pytest.mark.nightly)])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    with ExitStack() as stack:
        made = _valkey(tmp_path) if request.param == "valkey" else _rabbitmq(tmp_path, stack)
        stack.callback(made.program.end)
        made.back()
        yield made


def _valkey(folder: Path) -> Broker:
    port = free_port()
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
    program = Program("valkey", (str(cluster.valkey_binary()), *options), dict(os.environ), folder / "valkey.log", port)
    return Broker(program, f"redis://127.0.0.1:{port}/0")


def _rabbitmq(folder: Path, stack: ExitStack) -> Broker:
    """A node with a name, a port mapper, ports and a folder of its own; nothing is shared with the machine's."""
    the_program("rabbitmq-server", "rabbitmq-server")
    port = free_port()
    (folder / "rabbitmq.conf").touch()
    (folder / "plugins").write_text("[].")
    environment = {
        **os.environ, "HOME": str(folder), "ERL_EPMD_PORT": str(free_port()), "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"tests-{os.getpid()}@localhost", "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"), "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"), "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"), "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
    }  # fmt: skip
    # One that the node starts leaves its process group, and can be told to end only while it has no node.
    port_of_mapper = int(environment["ERL_EPMD_PORT"])
    mapper = Program("epmd", (the_program("epmd", "erlang-base"),), environment, folder / "epmd.log", port_of_mapper)
    stack.callback(_end_for_good, mapper)
    mapper.start()
    mapper.wait()
    # What Debian has on the path changes to another user first.
    program = Program(
        "rabbitmq", ("/usr/lib/rabbitmq/bin/rabbitmq-server",), environment, folder / "rabbitmq.log", port
    )
    return Broker(program, f"amqp://guest:guest@127.0.0.1:{port}//")


def _end_for_good(mapper: Program) -> None:
    mapper.end()
    assert not listening(mapper.port), "another one runs in its place"


def test_beat_sends_again_each_time_its_broker_comes_back(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("portal.heartbeats.EVERY_S", 0.0)
    jobs, queue = {"first", "second", "third"}, f"beat-{uuid4()}"
    sender = Celery(broker=broker.url, set_as_current=False)
    own = ("task_publish_retry", "broker_connection_timeout", "broker_transport_options")
    sender.conf.update({name: app.conf[name] for name in own}, task_default_queue=queue)
    sender.conf.beat_schedule = {job: {"task": job, "schedule": timedelta(days=1)} for job in jobs}
    plan = Schedule(app=sender)
    plan.tick()
    sent = broker.take(queue)
    for times in (1, 2):
        broker.program.kill()
        cache.delete("heartbeat:beat")
        # Over the connection that broke, and then over none: a tick waits for nothing, and the next comes ever later.
        with caplog.at_level(logging.CRITICAL, logger="celery.beat"):
            assert [plan.tick() for _ in range(5)] == [1.0, 2.0, 4.0, 8.0, 8.0]
        assert heartbeats.age_s(process="beat") == float("inf"), "nothing went through"
        broker.back()
        plan.tick()
        sent += broker.take(queue)
        assert (times, len(sent)) == (times, times + 1), "what could not be sent is sent now, not a day later"
        assert 0 <= heartbeats.age_s(process="beat") < 60
    assert {*sent} == jobs
    plan.close()


@pytest.mark.nightly
def test_beat_s_own_process_sends_again_each_time(broker: Broker, tmp_path: Path) -> None:
    """What the unit starts; its sign of life is a file that the health check of a container reads."""
    more = {"CELERY_BROKER_URL": broker.url, "REDIS_URL": os.environ["REDIS_URL"]}
    programs = Programs(tmp_path, free_port(), 0, more=more)
    command = get_own_command("whereabouts-beat.service")
    beat = Program("beat", command, programs.environment, tmp_path / "beat.log")
    beat.start()
    try:
        until(lambda: bool(broker.take("celery")), BACK_WITHIN_S, beat.log.read_text)
        for _ in range(2):
            _is_lost_and_comes_back(broker, beat, sign=tmp_path / "heartbeat-beat")
    finally:
        beat.end()


def _is_lost_and_comes_back(broker: Broker, beat: Program, *, sign: Path) -> None:
    def failures() -> int:
        return beat.log.read_text().count("beat can't reach its broker")

    broker.program.kill()
    before, given = failures(), sign.stat().st_mtime_ns
    until(lambda: failures() >= before + 2, BACK_WITHIN_S, beat.log.read_text)
    assert sign.stat().st_mtime_ns == given, "nothing went through"
    broker.back()
    until(lambda: bool(broker.take("celery")), BACK_WITHIN_S, beat.log.read_text)
    until(lambda: sign.stat().st_mtime_ns > given, BACK_WITHIN_S, beat.log.read_text)


@pytest.mark.nightly
def test_a_worker_s_own_process_does_tasks_again_each_time(broker: Broker, tmp_path: Path) -> None:
    """What the unit starts, and starts again where it ends; by its sign of life a task went through."""
    more = {"CELERY_BROKER_URL": broker.url, "REDIS_URL": os.environ["REDIS_URL"]}
    programs = Programs(tmp_path, free_port(), 0, more=more)
    command = get_own_command("whereabouts-worker.service")
    worker = Program("worker", command, programs.environment, tmp_path / "worker.log", gives_up=True)
    worker.start()
    sign = tmp_path / "heartbeat-worker"
    try:
        _does_tasks(broker, worker, sign, since=0)
        for _ in range(2):
            broker.program.kill()
            done = sign.stat().st_mtime_ns
            broker.back()
            _does_tasks(broker, worker, sign, since=done)
    finally:
        worker.end()


def _does_tasks(broker: Broker, worker: Program, sign: Path, *, since: int) -> None:
    """Hand it tasks, as a worker gives a sign for one in a while, until one was done after this moment."""

    def hand_over() -> bool:
        worker.keep_up()
        with Connection(broker.url) as there:
            app.send_task("revocations.tasks.deliver", kwargs={"party_ids": []}, connection=there)
        return sign.exists() and sign.stat().st_mtime_ns > since

    until(hand_over, BACK_WITHIN_S, worker.log.read_text)
