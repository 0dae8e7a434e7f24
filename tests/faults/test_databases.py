"""The database killed, failed over and filled up, the broker emptied, two beats, gateways away; each time all holds."""

import io
import random
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from io import StringIO
from pathlib import Path

import pytest
import redis
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.utils import timezone
from pytest_django import Settings

import audit.queries
from accounts.models import Line
from consent.actions.choices import stop
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.models import Choice
from consent.workers import archive_comparison, archive_writing
from tests.factories import a_campaign, a_line, an_approval
from tests.faults.fixtures import World, a_world
from tests.faults.invariants import Asker, deliver_what_is_left, invariants
from tests.faults.long import long_run
from tests.faults.postgres import Postgres, lived_in, own_server, small_disk
from tests.faults.programs import until
from tests.faults.relay import Relay
from tests.faults.stopping import Stopper


@pytest.fixture
def server(committed_db: None, tmp_path: Path) -> Iterator[Postgres]:
    with own_server(tmp_path) as started:
        yield started


@pytest.mark.nightly
def test_a_database_that_is_killed_and_one_that_takes_over(
    server: Postgres, settings: Settings, tmp_path: Path
) -> None:
    with lived_in(server) as relay, a_world(settings, database=f"127.0.0.1:{relay.port}") as world:
        # Two beats at once: each job finds in its rows what is to be done.
        workers = [world.programs.worker("one"), world.programs.worker("two")]
        lines = [world.a_line() for _ in range(36)]
        asker = Asker(world, lines)
        asker.start()

        _killed_while_people_stop(server, world, lines[:20], asker)
        _emptied_broker(world, lines[:26], asker)
        for worker in workers:
            worker.kill()
        deliver_what_is_left()
        invariants(world, stopped=lines[:26], asker=asker)

        _failed_over(server, relay, lines[26:], tmp_path)
        asker.confirmed = len(lines)
        deliver_what_is_left()
        until(lambda: asker.asked > 0, 20)
        asker.end()
        invariants(world, stopped=lines, asker=asker)


def _killed_while_people_stop(server: Postgres, world: World, lines: Sequence[Line], asker: Asker) -> None:
    stopper = Stopper(world, lines, asker)
    stopper.start()
    until(lambda: len(stopper.took) > 0, 60)
    chance = random.Random(7)
    for _ in range(2):
        threading.Event().wait(chance.uniform(0.2, 0.8))
        server.kill()
        server.start()
    connections.close_all()
    stopper.join()
    assert len(stopper.took) == len(lines)
    # Whoever comes first has looked at the archive, and the gate is open again.
    until(lambda: deciding.read_opening().is_open, 20, lambda: deciding.read_opening().why)


def _emptied_broker(world: World, lines: Sequence[Line], asker: Asker) -> None:
    stopper = Stopper(world, lines[20:], asker, before=20)
    stopper.start()
    broker = redis.Redis(port=world.programs.broker_port)
    while stopper.is_alive():
        broker.flushall()
        threading.Event().wait(0.02)
    stopper.join()
    broker.close()


def _failed_over(server: Postgres, relay: Relay, lines: Sequence[Line], folder: Path) -> None:
    """The follower had not heard of the last stops when the server died. The archive had."""
    follower = server.replica(folder / "follower")
    try:
        follower.kill()
        for line in lines:
            stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
        archive_writing.write(now=timezone.now())
        server.kill()
        connections.close_all()
        follower.promote()
        relay.turn_to("127.0.0.1", follower.port)
        until(lambda: not deciding.read_opening().is_open, 10)
        assert deciding.read_opening().why == "the database was restored, or another server took over"
        assert Choice.objects.filter(line_id__in=[line.pk for line in lines]).count() == 0
        said = StringIO()
        call_command("after_restore", stdout=said)
        assert f"{len(lines)} of them lost with the database" in said.getvalue()
        assert deciding.read_opening().is_open
    finally:
        server.data_dir, server.port, server.process = follower.data_dir, follower.port, follower.process


@long_run
def test_a_full_disk_refuses_stops_aloud_and_allows_nothing(
    committed_db: None, no_broker: None, tmp_path: Path
) -> None:
    campaign = a_campaign()
    lines = [a_line() for _ in range(40)]
    for line in lines:
        an_approval(line, campaign)
    try:
        disk = ExitStack()
        where = disk.enter_context(small_disk(tmp_path, megabytes=220))
    except PermissionError as error:
        pytest.skip(f"no disk of a size of its own may be mounted here: {error}")
    with disk, own_server(where) as server, lived_in(server):
        confirmed = _stopped(lines[:5])
        filler = where / "filler"
        with suppress(OSError), filler.open("wb") as file:
            shutil.copyfileobj(Endless(), file)
        refused = 0
        for line in lines[5:35]:
            try:
                confirmed += _stopped([line])
            except DatabaseError:
                connections.close_all()
                refused += 1
        assert refused > 0
        filler.unlink()
        server.start()
        connections.close_all()
        confirmed += _stopped([line for line in lines if line not in confirmed])
        until(lambda: archive_comparison.compare_archive().is_open, 20)
        asked = [as_agreed(campaign=campaign, line=line.carrier_id) for line in lines]
        assert {answer.reason for answer in deciding.evaluate(questions=asked, for_release=True)} == {"stopped_all"}
        assert set(Choice.objects.values_list("line_id", flat=True)) == {line.pk for line in lines}
        assert audit.queries.verify_chains(since=None, until=None, signed={}).fault is None


def _stopped(lines: Sequence[Line]) -> list[Line]:
    for line in lines:
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    return list(lines)


class Endless(io.RawIOBase):
    """As many noughts as anybody wants."""

    def read(self, size: int = -1, /) -> bytes:
        return bytes(max(size, 1))
