"""Worker, broker, web server and partners killed at random while people stop; and a broker that is not there at all."""

import random
import signal
import threading
import time
from collections import Counter

import pytest
from django.db import connection

from accounts.models import Line
from audit.queries import database_clock
from partners.domain import keysets, pairwise
from partners.models import PartnerKeySet
from revocations.models import TO_PUSH, Order, State
from tests.faults.fixtures import World
from tests.faults.invariants import deliver_what_is_left, invariants
from tests.faults.long import SEED
from tests.faults.programs import get, until
from tests.faults.stopping import Stopper
from tests.selection import EVERY_CELL

# By night at full size, and for as long as one likes: python -m tests.faults.run --long.
STOPS = 500 if EVERY_CELL else 50
KILLS = (
    {"GeoBridge": 16, "NorthLink": 16, "broker": 9, "worker": 9, "web": 4}
    if EVERY_CELL
    else {"GeoBridge": 2, "NorthLink": 1, "broker": 1, "worker": 2, "web": 1}
)
ENDED = (State.ACKNOWLEDGED, State.COMPLETED, State.PARTIAL)


def open_orders() -> int:
    return Order.objects.filter(state__in=TO_PUSH).count()


def states() -> Counter[str]:
    return Counter(Order.objects.values_list("state", flat=True))


def assert_all_told(world: World, lines: list[Line]) -> None:
    """Each partner's newest state is the gate's. An order came once for each try at the most: a partner that is killed
    between keeping an order and answering for it is told again, and must be."""
    for name, partner in world.partners.items():
        received = get(f"{world.partners[name].url}/received")
        newest = sorted(received, key=lambda one: (one["epoch"], one["version"]))
        state = {one["sub"]: one["state"] for one in newest}
        subs = pairwise.list_subjects(line_ids=[line.pk for line in lines], party_id=partner.party.pk)
        assert len(subs) == len(lines)
        assert [sub for sub in subs.values() if state[sub] != []] == []
        came = Counter(one["jti"] for one in received)
        tries = dict(Order.objects.filter(party_id=partner.party.pk).values_list("jti", "attempts"))
        assert set(came) == set(tries)
        assert [jti for jti, times in came.items() if times > tries[jti]] == []


def took_effect(world: World, name: str) -> Counter[int]:
    """How many orders were carried out how many times: a partner makes a receipt each time that it carries one out."""
    made = get(f"{world.partners[name].url}/receipts")
    return Counter(Counter(one["order"] for one in made).values())


def test_a_storm_of_kills_loses_nothing_and_doubles_nothing(world: World) -> None:
    lines = [world.a_line() for _ in range(STOPS)]
    programs = {program.name: program for program in [*world.programs.all, world.programs.worker()]}
    stopper = Stopper(world, lines)
    stopper.start()
    victims = [name for name, times in KILLS.items() for _ in range(times)]
    chance = random.Random(SEED)
    chance.shuffle(victims)
    for name in victims:
        programs[name].kill()
        programs[name].start()
        threading.Event().wait(chance.uniform(0, 0.6))
    stopper.join()
    for name in ("GeoBridge", "NorthLink", "web"):
        programs[name].wait()
    assert sum(program.kills for program in programs.values()) == sum(KILLS.values())
    assert len(stopper.took) == STOPS
    programs["worker"].kill()
    deliver_what_is_left()
    assert set(states()) <= set(ENDED)
    assert Order.objects.count() == 2 * STOPS
    assert_all_told(world, lines)
    # A partner that starts hands in what it has left at once, and not in a time that grew while nobody answered.
    for name in world.partners:
        programs[name].kill()
        programs[name].start()
        programs[name].wait()
    # GeoBridge's company signs, NorthLink can't say who else has it.
    expected = {
        world.partners["GeoBridge"].party.pk: State.COMPLETED,
        world.partners["NorthLink"].party.pk: State.PARTIAL,
    }

    def all_signed() -> bool:
        # Keys that a partner could not give just then are asked for again after a minute: the clock is moved, and
        # further than that, for requests that were under way before it was.
        PartnerKeySet.objects.update(fetched_at=database_clock() - 2 * keysets.REFETCH)
        return {*Order.objects.values_list("party_id", "state")} == {*expected.items()}

    until(all_signed, 90, lambda: f"{states()}; ended: {world.programs.list_ended()}")
    assert {name: took_effect(world, name) for name in world.partners} == {
        "GeoBridge": {1: STOPS},
        "NorthLink": {1: STOPS},
    }
    invariants(world, stopped=lines)
    connection.close()


@pytest.mark.parametrize("hung", [pytest.param(False, marks=pytest.mark.nightly), True], ids=["killed", "hung"])
def test_with_the_broker_gone_a_stop_is_quick_and_told_when_it_is_back(world: World, *, hung: bool) -> None:
    broker = next(program for program in world.programs.all if program.name == "broker")
    if hung:
        broker.send(signal.SIGSTOP)
    else:
        broker.kill()
    lines = [world.a_line() for _ in range(3)]
    stopper = Stopper(world, lines)
    stopper.start()
    stopper.join()
    assert max(stopper.took) < 2
    assert states() == {State.QUEUED: 6}
    if hung:
        broker.send(signal.SIGCONT)
    else:
        broker.start()
    broker.wait()
    world.programs.worker()
    began = time.monotonic()
    until(lambda: open_orders() == 0, 60, lambda: (world.programs.folder / "worker.log").read_text()[-2000:])
    assert time.monotonic() - began < 60
    assert_all_told(world, lines)
    for name in world.partners:
        received = get(f"{world.partners[name].url}/received")
        assert Counter(one["jti"] for one in received).total() == len(lines)
