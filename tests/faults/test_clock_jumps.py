"""Clocks that jump an hour, of the database and of workers: what was said last counts, and no chain breaks."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings as portal
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

import audit.queries
from audit.models import AuditEvent
from audit.queries import database_clock
from consent import tasks as consent_tasks
from consent.actions.choices import pause
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.models import Choice, EndedPause
from consent.workers import archive_comparison, archive_writing, expiry
from consent.workers.archive_comparison import find_missing
from partners.actions.terms import RuleTerms, add_rule
from partners.clients import checkpoint_places
from partners.workers import checkpoints
from revocations.models import Order, State
from revocations.workers.delivery import delivery_rounds
from support import tasks as support_tasks
from tests.factories import ADS
from tests.partners.outside import Outside
from tests.revocations.scenes import a_scene, allow, stop_all
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
HOUR = timedelta(hours=1)


@pytest.fixture
def shift() -> Iterator[Callable[[str], None]]:
    """Let the database's clock be off by so much for us, as only the owner can."""
    before = connection.settings_dict

    def put(by: str) -> None:
        owner, app = (str(portal.DATABASES[alias]["USER"]) for alias in ("owner", "default"))
        connection.close()
        connection.settings_dict = {
            **before,
            "USER": owner,
            "PASSWORD": portal.DATABASES["owner"]["PASSWORD"],
            "OPTIONS": {"options": f"-c role={app} -c whereabouts.clock_shift={by}"},
        }

    yield put
    connection.close()
    connection.settings_dict = before


def test_a_clock_that_jumps_an_hour_changes_nothing_of_what_was_said_last(
    outside: Outside, shift: Callable[[str], None], settings: Settings, tmp_path: Path
) -> None:
    settings.STOP_ARCHIVE_DIR, settings.CHECKPOINT_DIR = tmp_path / "archive", tmp_path / "checkpoints"
    scene = a_scene(outside)
    line = scene.a_line()

    def answer() -> str:
        question = as_agreed(campaign=scene.campaign, line=line.carrier_id)
        return deciding.evaluate(questions=[question], for_release=True)[0].reason

    def worked(at_worker: timedelta) -> None:
        """All that workers do, by a clock of theirs that is as far off."""
        now = timezone.now() + at_worker
        delivery_rounds.sweep(now=database_clock() + at_worker)
        expiry.end_pauses(now=database_clock() + at_worker)
        archive_writing.write(now=now)
        checkpoints.write(place=checkpoint_places.place(), at=now)

    for jump in ("1h", "-1h", "0s", "-1h", "1h"):
        shift(jump)
        stop_all(line)
        assert answer() == "stopped_all"
        worked(-HOUR)
        allow(line, scene.campaign)
        assert answer() == ""
        worked(HOUR)
    pause(line_id=line.pk, scope="all", until=database_clock() + 2 * HOUR, actor="subscriber:1", channel="web")
    shift("0s")
    assert answer() == "paused"
    stop_all(line)
    for off in (-HOUR, HOUR, timedelta(0)):
        worked(off)
    assert answer() == "stopped_all"
    delivery_rounds.sweep(now=database_clock() + 10 * HOUR)
    said = list(Choice.objects.filter(line_id=line.pk).order_by("made_at").values_list("kind", flat=True))
    assert said == ["stop", "allow"] * 5 + ["pause", "stop"]
    newest = Order.objects.order_by("-version").first()
    assert newest is not None
    assert (newest.state, newest.snapshot["state"]) == (State.ACKNOWLEDGED, [])
    place = checkpoint_places.place()
    assert (checkpoints.find_gap(place=place), checkpoints.find_missing_events(place=place)) == ("", False)
    assert (archive_comparison.describe_missing_entries(), find_missing(now=timezone.now() + 2 * HOUR)) == ("", 0)
    assert audit.queries.verify_chains(since=None, until=None, signed={}).fault is None


def test_a_worker_whose_clock_is_ahead_sees_to_no_end_before_it_comes(outside: Outside) -> None:
    """What was seen to too early would be told to nobody when it comes."""
    line, soon = a_scene(outside).a_line(), database_clock() + HOUR / 2
    pause(line_id=line.pk, scope="all", until=soon, actor="subscriber:1", channel="web")
    add_rule(
        terms=RuleTerms("UT", soon, (ADS,), sale_test=False, source="A law"), reason="Due", actor=an_actor(),
        at=database_clock(),
    )  # fmt: skip
    with time_machine.travel(timezone.now() + HOUR):
        consent_tasks.end_pauses()
        support_tasks.settle()
    assert (EndedPause.objects.count(), AuditEvent.objects.filter(action="act.settled").count()) == (0, 0)
