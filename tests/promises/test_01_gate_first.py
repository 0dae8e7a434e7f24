"""Promise 1. Gate first, tell later: a stop is in force at the gate in the transaction of the click."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection, transaction

from audit.models import AuditEvent
from consent.actions.choices import allow, pause, stop
from consent.gate.deciding import evaluate_for, evaluate_in
from consent.gate.look_up import Caller
from consent.gate.pipeline import Pipeline
from consent.gate.shapes import Question
from consent.models import Choice
from partners.actions.clients import register_client
from partners.models import Client, SigningKey
from tests.factories import NOW, a_campaign, a_line, an_approval
from tests.partners.outside import Signer
from tests.promises import pairs
from tests.promises.asking import ask
from tests.selection import NIGHTLY

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def in_another_session[T](work: Callable[[], T]) -> T:
    """Run something in a thread, and so with a database session of its own."""

    def run() -> T:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(run).result()


def shift_clock(**options: str) -> None:
    """Give this thread's session the application's rights and a server whose clock is off, as only the owner can."""
    given = " ".join(f"-c {name}={value}" for name, value in options.items())
    connection.settings_dict = {
        **connection.settings_dict,
        "USER": settings.DATABASES["owner"]["USER"],
        "PASSWORD": settings.DATABASES["owner"]["PASSWORD"],
        "OPTIONS": {"options": f"-c role={settings.DATABASES['default']['USER']} {given}"},
    }


def test_no_is_the_answer_from_the_commit_on() -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    assert ask(line, campaign).allowed
    with transaction.atomic():
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
        assert ask(line, campaign).reason == "stopped_all"
        assert in_another_session(lambda: ask(line, campaign)).allowed
    assert in_another_session(lambda: ask(line, campaign)).reason == "stopped_all"


def test_a_stop_that_is_rolled_back_leaves_nothing() -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    with transaction.atomic():
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
        transaction.set_rollback(True)
    assert ask(line, campaign).allowed
    assert Choice.objects.count() == 0


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ("all", "stopped_all"),
        ("party", "stopped_party"),
        ("purpose", "stopped_purpose"),
        ("campaign", "stopped_campaign"),
    ],
)
def test_every_scope_of_a_stop_is_in_force_at_once(scope: str, reason: str) -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    ref = {"all": "", "party": campaign.lbs_provider.uri, "purpose": campaign.purpose, "campaign": campaign.ref}[scope]
    stop(line_id=line.pk, scope=scope, ref=ref, actor="subscriber:1", channel="web")
    assert ask(line, campaign).reason == reason


def test_a_pause_is_in_force_at_once() -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    pause(line_id=line.pk, scope="all", until=NOW.replace(year=2097), actor="subscriber:1", channel="web")
    assert ask(line, campaign).reason == "paused"


@pytest.mark.parametrize("rounds", [3, pytest.param(22, marks=pytest.mark.nightly)])
def test_pairs_from_servers_seconds_apart_end_in_commit_order(rounds: int) -> None:
    """1,000 pairs in all, over ten lines from four sessions, half of them on a server whose clock is 10 s ahead.

    What is said twice in a row is one choice.
    """
    campaign = a_campaign()
    lines = [a_line() for _ in range(10)]
    for line in lines:
        an_approval(line, campaign)

    def server(number: int) -> list[tuple[int, UUID]]:
        shift_clock(**{"whereabouts.clock_shift": "10s" if number % 2 else "0s"})
        said = list[tuple[int, UUID]]()
        for _ in range(rounds):
            for line in lines:
                stopped = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
                allowed = allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
                said += [(line.pk, stopped.choice_id), (line.pk, allowed.choice_id)]
        connection.close()
        return said

    with ThreadPoolExecutor(max_workers=4) as servers:
        running = [servers.submit(server, number) for number in range(4)]
    said = {one for each in running for one in each.result()}
    for line in lines:
        by_moment = Choice.objects.filter(line_id=line.pk).order_by("made_at").values_list("id", "kind")
        committed = AuditEvent.objects.filter(line_id=line.pk).order_by("seq").values_list("target", flat=True)
        assert [f"choice:{choice_id}" for choice_id, _ in by_moment] == list(committed)
        assert {choice_id for choice_id, _ in by_moment} == {choice_id for pk, choice_id in said if pk == line.pk}
        assert 2 * rounds <= len(by_moment) <= 8 * rounds
        assert ask(line, campaign).allowed is (by_moment[len(by_moment) - 1][1] == "allow")


def by_thread(caller: Caller) -> pairs.Asks:
    """What asks on the connection of whichever thread it is called in."""

    def asks(questions: Sequence[Question]) -> Sequence[str]:
        return [one.reason or "" for one in evaluate_for(caller=caller, questions=questions)]

    return asks


@contextmanager
def on_a_loop(caller: Caller) -> Iterator[pairs.Asks]:
    """What asks on the one connection of an event loop, which turns in a thread of its own."""
    loop, pipeline = asyncio.new_event_loop(), Pipeline()
    turning = threading.Thread(target=loop.run_forever)
    turning.start()

    def asks(questions: Sequence[Question]) -> Sequence[str]:
        asking = evaluate_in(pipeline=pipeline, caller=caller, questions=questions)
        return [one.reason or "" for one in asyncio.run_coroutine_threadsafe(asking, loop).result(60)]

    try:
        yield asks
    finally:
        loop.call_soon_threadsafe(pipeline.close)
        loop.call_soon_threadsafe(loop.stop)
        turning.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def test_no_check_that_started_after_a_stop_committed_is_allowed() -> None:
    """Eight pairs at a time, each on a line of its own; asked as the gateway asks. A thousand pairs by night.

    Half on connections of their own, half together on the one of an event loop, as the gate's own process does.
    """
    number = 1000 if NIGHTLY else 160
    asked = pairs.questions(number)
    gateway = register_client(
        client_id="gateway", kind=Client.Kind.GATEWAY, public_jwk=dict(Signer("gateway").public), party=None,
        actor="system:test", at=NOW,
    )  # fmt: skip
    kid = SigningKey.objects.get(use=SigningKey.Use.ACCESS, retired_at=None).kid
    caller = Caller("gateway", kid, str(gateway.changed_at))
    with on_a_loop(caller) as by_loop:
        found = pairs.run(asked=asked, asks=[by_thread(caller), by_loop] * 4, at_once=[1] * 8)
    assert len(found.committed) == number
    assert [one for one in found.after if not one.reason] == []
    assert len(found.after) >= number
    assert any(not one.reason for one in found.before)
