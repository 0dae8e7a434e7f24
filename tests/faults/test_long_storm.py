"""Everything killed at random during thousands of stops, the database too: `python -m tests.faults.run --long`."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import redis
from django.db import connections
from pytest_django import Settings

from consent.gate import deciding
from revocations.models import TO_PUSH, Order
from tests.faults.fixtures import World, a_world
from tests.faults.invariants import Asker, deliver_what_is_left, invariants
from tests.faults.long import RESULTS, SEED, STOPS, long_run
from tests.faults.postgres import Postgres, lived_in, own_server
from tests.faults.programs import until
from tests.faults.stopping import Stopper

# One fault for every so many stops, and how often each is drawn.
EVERY = 12
DRAWN = {
    "GeoBridge": 6, "NorthLink": 6, "broker": 4, "one": 4, "two": 4, "web": 3, "database": 2, "emptied": 3,
    "slow": 2, "err500": 2, "duplicate": 2, "down": 2,
}  # fmt: skip


@long_run
def test_a_long_storm(committed_db: None, settings: Settings, tmp_path: Path) -> None:
    chance, began, done = random.Random(SEED), time.monotonic(), Counter[str]()
    with (
        own_server(tmp_path) as server,
        lived_in(server) as relay,
        a_world(settings, database=f"127.0.0.1:{relay.port}") as world,
    ):
        for name in ("one", "two"):
            world.programs.worker(name)
        lines = [world.a_line() for _ in range(STOPS)]
        asker = Asker(world, lines)
        stopper = Stopper(world, lines, asker)
        asker.start()
        stopper.start()
        until(lambda: len(stopper.took) > 0, 60)
        faults = _faults(world, server)
        while stopper.is_alive():
            (drawn,) = chance.choices(list(DRAWN), weights=list(DRAWN.values()))
            faults[drawn]()
            done[drawn] += 1
            _wait_for(stopper, EVERY)
        stopper.join()
        connections.close_all()
        for name in ("GeoBridge", "NorthLink", "web"):
            next(one for one in world.programs.all if one.name == name).wait()
        faults["none"]()
        assert len(stopper.took) == STOPS
        until(lambda: deciding.read_opening().is_open, 30, lambda: deciding.read_opening().why)
        for name in ("one", "two"):
            next(one for one in world.programs.all if one.name == name).kill()
        deliver_what_is_left(within_s=600)
        asker.end()
        invariants(world, stopped=lines, asker=asker)
        assert not Order.objects.filter(state__in=TO_PUSH).exists()
        _write_down(done, asker, stopper, time.monotonic() - began)


def _faults(world: World, server: Postgres) -> Mapping[str, Callable[[], None]]:
    programs = {program.name: program for program in world.programs.all}

    def again(name: str) -> Callable[[], None]:
        def kill() -> None:
            programs[name].kill()
            programs[name].start()

        return kill

    def database() -> None:
        server.kill()
        server.start()

    def emptied() -> None:
        with suppress(redis.RedisError), redis.Redis(port=world.programs.broker_port) as broker:
            broker.flushall()

    def partner(fault: str) -> Callable[[], None]:
        def misbehave() -> None:
            for one in world.partners.values():
                one.misbehave(fault)

        return misbehave

    killed = {name: again(name) for name in ("GeoBridge", "NorthLink", "broker", "one", "two", "web")}
    told = {fault: partner(fault) for fault in ("slow", "err500", "duplicate", "down", "none")}
    return {**killed, **told, "database": database, "emptied": emptied}


def _wait_for(stopper: Stopper, more: int) -> None:
    """Until so many have stopped since, or five seconds."""
    wanted, end = len(stopper.took) + more, time.monotonic() + 5
    while stopper.is_alive() and len(stopper.took) < wanted and time.monotonic() < end:
        threading.Event().wait(0.02)


def _write_down(done: Counter[str], asker: Asker, stopper: Stopper, seconds: float) -> None:
    if not RESULTS:
        return
    took = sorted(stopper.took)
    faults = ", ".join(f"{name} {count}" for name, count in sorted(done.items()))
    with Path(RESULTS).open("a") as file:
        file.write(
            f"| {SEED} | {STOPS:,} | {sum(done.values())} ({faults}) | {asker.asked:,} | {took[len(took) // 2]:.3f} s |"
            f" {took[-1]:.1f} s | {seconds / 60:.0f} min | all held |\n"
        )
