"""A database server loses its power, another its network, and Redis its master, while people stop through pages."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings as portal
from django.core.management import call_command
from django.db import OperationalError, connections, transaction
from pytest_django import Settings

from consent.gate import deciding
from consent.models import ArchiveHead, ArchiveQueueEntry, Choice, Tightening
from consent.workers import archive_comparison
from partners.models import Client
from revocations.models import Order
from tests.faults.failover.nodes import REDIS_URL, SHIPPED, Cluster, Node, measured, run
from tests.faults.failover.people import AskerInside, Crowd, Person, Probe, sign_in
from tests.faults.fixtures import World, a_token, a_world
from tests.faults.invariants import Asker, deliver_what_is_left, invariants
from tests.faults.programs import Program, free_port, until
from tools.demo.processes import UVICORN

STOPS = int(os.environ.get("FAILOVER_STOPS") or 0)
A_SECOND = 40.0
# The lock's time to live, a round of Patroni's, and what is left of both when two cores do all of this.
BACK_WITHIN_S = 60.0
# On a machine on which much else runs: at an even pace it is a quarter of a minute.
QUARTER_WITHIN_S = 600.0


@pytest.fixture
def world(cluster: Cluster, committed_db: None, settings: Settings) -> Iterator[World]:
    settings.CACHES["default"]["LOCATION"] = REDIS_URL
    with a_world(settings, more={"REDIS_URL": REDIS_URL, "CELERY_BROKER_URL": REDIS_URL}) as world:
        world.programs.worker()
        yield world


def test_no_stop_is_lost_when_the_primary_dies_or_is_cut_off(cluster: Cluster, world: World) -> None:
    people, token = _people(world, 2 * STOPS), a_token(Client.Kind.GATEWAY, "decisions:read")
    asker = Asker(world, [one.line for one in people], token=token)
    asker.start()
    with _probed(world, token) as probe:
        dead = cluster.primary()
        crowd = _stopping(world, people[:STOPS], asker, dead.kill)
        _tell("server lost its power", crowd, probe)
        _hold(crowd, people[:STOPS])
    dead.start()
    cluster.wait_until_whole()

    with _probed(world, token) as probe:
        apart = cluster.primary()
        with _gate_beside(apart, world) as address:
            inside = AskerInside(world, [one.line for one in people], token=token, at=address).on(apart)
            inside.confirmed = STOPS
            inside.start()
            until(lambda: inside.asked > 0, 30)
            crowd = _stopping(world, people[STOPS:], asker, apart.cut, inside)
            inside.end()
        _tell("server lost its network", crowd, probe)
        _hold(crowd, people[STOPS:])
        assert inside.wrong == []
    apart.mend()
    cluster.wait_until_whole()

    asker.end()
    assert asker.asked > STOPS
    next(one for one in world.programs.all if one.name == "worker").kill()
    deliver_what_is_left(within_s=300)
    invariants(world, stopped=[one.line for one in people], asker=asker)


def test_the_gate_denies_until_the_archive_was_compared(cluster: Cluster, world: World) -> None:
    (person,) = _people(world, 1)
    archive, away = Path(portal.STOP_ARCHIVE_DIR), Path(portal.STOP_ARCHIVE_DIR).with_name("away")
    with _probed(world, a_token(Client.Kind.GATEWAY, "decisions:read")) as probe:
        asker = Asker(world, [person.line])
        crowd = Crowd(world.programs.web_port, [person], A_SECOND, asker)
        crowd.run()
        until(_is_archived, 2 * BACK_WITHIN_S, cluster.logs)
        archive.rename(away)
        was = cluster.primary()
        to = next(name for name, role in cluster.roles().items() if role == "sync_standby")
        began = time.monotonic()
        was.as_postgres("patronictl", "-c", "/etc/patroni/config.yml", "switchover", "--force", "--candidate", to)
        until(lambda: probe.newest() == "restoring", BACK_WITHIN_S)
        connections.close_all()
        # Whoever stops is still heard.
        crowd = Crowd(world.programs.web_port, [person], A_SECOND, asker)
        crowd.run()
        assert probe.newest() == "restoring"
        until(lambda: deciding.read_opening().why == deciding.NOT_LOOKED, BACK_WITHIN_S, cluster.logs)
        back = time.monotonic()
        away.rename(archive)
        until(lambda: probe.newest() == "allowed", BACK_WITHIN_S)
    measured.append(f"planned switchover: a stop is taken again within {back - began:.1f} s")
    measured.append(f"the archive back: the gate allows again after {time.monotonic() - back:.1f} s")


def _is_archived() -> bool:
    """Whether all is written outside: nobody is just writing."""
    waits = ArchiveQueueEntry.objects.exists() or Tightening.objects.filter(archived_at__isnull=True).exists()
    return ArchiveHead.objects.exists() and not waits


def test_an_asynchronous_standby_waits_for_after_restore(cluster: Cluster, world: World) -> None:
    with _probed(world, a_token(Client.Kind.GATEWAY, "decisions:read")) as probe:
        was, roles = cluster.primary(), cluster.roles()
        to = next(cluster.nodes[name] for name, role in roles.items() if role == "replica")
        log = to.folder / "patroni.log"
        before = len(log.read_text())
        was.as_postgres("patronictl", "-c", "/etc/patroni/config.yml", "failover", "--force", "--candidate", to.name)
        until(lambda: "run manage.py after_restore" in log.read_text()[before:], BACK_WITHIN_S, cluster.logs)
        until(lambda: probe.newest() == "restoring", BACK_WITHIN_S, probe.newest)
        cluster.wait_until_whole()
        connections.close_all()
        assert not archive_comparison.compare_archive().is_open
        assert deciding.read_opening().why == deciding.ANOTHER
        call_command("after_restore", "--confirm-lost-events", "Nothing.")
    measured.append(f"failover to an asynchronous standby ({was.name} to {to.name}): denied until after_restore")


def test_no_order_is_lost_with_the_master_of_redis(cluster: Cluster, world: World) -> None:
    people, token = _people(world, max(STOPS // 10, 20)), a_token(Client.Kind.GATEWAY, "decisions:read")
    asker = Asker(world, [one.line for one in people])
    (master,) = _masters_of_redis(cluster)
    crowd = Crowd(world.programs.web_port, people, A_SECOND / 4, asker)
    with _probed(world, token) as probe:
        crowd.start()
        until(lambda: len(crowd.moments) > len(people) // 4, QUARTER_WITHIN_S)
        began = time.monotonic()
        run(*master.inside("pkill", "-KILL", "redis-server"))
        until(lambda: _masters_of_redis(cluster) != [], BACK_WITHIN_S)
        measured.append(f"master of Redis killed: another after {time.monotonic() - began:.1f} s")
        crowd.join()
    _tell("  meanwhile", crowd, probe)
    # Nobody moves the clock here: the workers and beat go on by themselves, or as their units start them again.
    worker = next(one for one in world.programs.all if one.name == "worker")
    until(lambda: _has_sent_all(worker), 120, lambda: _what_waits(worker))
    measured.append(f"  the last order sent {time.monotonic() - began:.1f} s after the kill")
    deliver_what_is_left()
    invariants(world, stopped=[one.line for one in people])
    configuration = str(master.folder / "redis" / "redis.conf")
    run(*master.inside("redis-server", configuration, "--daemonize", "yes"))


def _has_sent_all(worker: Program) -> bool:
    worker.keep_up()
    return not Order.objects.filter(sent_at__isnull=True).exists()


def _what_waits(worker: Program) -> str:
    waiting = Counter(Order.objects.filter(sent_at__isnull=True).values_list("state", "note"))
    return f"{waiting} {worker.log.read_text(errors='replace')[-3000:]}"


def _people(world: World, number: int) -> list[Person]:
    with transaction.atomic():
        lines = [world.a_line() for _ in range(number)]
    with transaction.atomic():
        return sign_in(lines)


@contextmanager
def _probed(world: World, token: str) -> Iterator[Probe]:
    probe = Probe(world, world.a_line(), token)
    probe.start()
    until(lambda: probe.newest() == "allowed", 30, probe.newest)
    yield probe
    until(lambda: probe.newest() == "allowed", BACK_WITHIN_S, lambda: str(Counter(said for _, said in probe.answers)))
    probe.end()


def _stopping(world: World, people: Sequence[Person], asker: Asker, fault: object, also: Asker | None = None) -> Crowd:
    """Everybody stops, and after the first quarter it happens."""
    assert callable(fault)
    crowd = Crowd(world.programs.web_port, people, A_SECOND, asker, asker.confirmed)
    crowd.start()
    until(
        lambda: len(crowd.moments) > len(people) // 4,
        QUARTER_WITHIN_S,
        lambda: f"{len(crowd.moments)} stopped: {crowd.refused}",
    )
    fault()
    while crowd.is_alive():
        crowd.join(0.05)
        if also is not None:
            also.confirmed = asker.confirmed
    connections.close_all()
    return crowd


def _tell(what: str, crowd: Crowd, probe: Probe) -> None:
    measured.append(
        f"{what}: {len(crowd.confirmed)} stops, {crowd.refused.total()} tries refused, most {crowd.longest_wait():.1f}"
        f" s between two that were confirmed; the gate allowed nothing for {probe.longest_denial():.1f} s:"
        f" {dict(Counter(said for _, said in probe.answers))}"
    )


def _hold(crowd: Crowd, people: Sequence[Person]) -> None:
    """Each confirmed stop is there, as the choice that its page led to, and nobody's line has two."""
    until(_answers, BACK_WITHIN_S)
    ids = [one.line.pk for one in people]
    held = list(Choice.objects.filter(line_id__in=ids, kind=Choice.Kind.STOP).values_list("line_id", "id"))
    assert len(crowd.confirmed) == len(people)
    assert set(crowd.confirmed.items()) - set(held) == set()
    assert [line for line, times in Counter(line for line, _ in held).items() if times > 1] == []
    told = Counter(Order.objects.filter(line_id__in=ids).values_list("line_id", "contract_id"))
    assert len(told) == 2 * len(people)
    assert [pair for pair, times in told.items() if times > 1] == []


def _answers() -> bool:
    try:
        return Choice.objects.exists()
    except OperationalError:
        connections.close_all()
        return False


@contextmanager
def _gate_beside(node: Node, world: World) -> Iterator[str]:
    """A process of the gate's, and HAProxy, on a database server's own network; and its address there."""
    port = free_port()
    gate = (sys.executable, "-m", "uvicorn", *UVICORN, "--host", "127.0.0.1", "--port", str(port))
    with (world.programs.folder / "gate-beside.log").open("ab") as log:
        for command in (("haproxy", "-db", "-f", str(SHIPPED / "haproxy.cfg")), (*gate, "portal.asgi:application")):
            node.beside.append(
                subprocess.Popen(
                    node.on_its_network(*command),
                    env=world.programs.environment,
                    cwd=world.programs.code,
                    stdout=log,
                    stderr=log,
                )
            )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        for one in node.beside:
            one.kill()
            one.wait()
        node.beside.clear()


def _masters_of_redis(cluster: Cluster) -> list[Node]:
    """Those that say that they are."""
    masters = []
    for node in cluster.nodes.values():
        asked = ("redis-cli", "-h", node.address, "-a", "change-me-3", "--no-auth-warning", "role")
        done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=5)
        masters += [node] * done.stdout.startswith("master")
    return masters
