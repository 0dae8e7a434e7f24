"""What whoever restores a database reads: what was done, what is wrong, and that they are not alone at it."""

import re
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

import audit.actions
from accounts.models import Line
from accounts.primitives.slots import lock_job
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.workers.archive_writing import TURN
from partners.models import Campaign, Contract
from tests.factories import a_campaign, a_contract
from tests.faults.restored import dump, life_in
from tests.faults.restoring import after_restore, agreed, as_owner, kept_outside, reasons, the_server_started, told
from tests.feeds import line_row, take_lines

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker", "own_archive")
WHO: dict[str, Any] = {"actor": "subscriber:1", "channel": "web"}
LOOKED = ("--confirm-lost-events", "Looked through.")


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign(a_contract(ref="AGR-1"))


def refused(*args: str) -> list[str]:
    """What is said where the gate stays closed."""
    said = StringIO()
    with pytest.raises(CommandError, match=r"^The gate stays closed\."):
        call_command("after_restore", *args, stdout=said)
    return said.getvalue().splitlines()


def test_each_step_is_said_and_counted(campaign: Campaign, tmp_path: Path) -> None:
    before, lost = agreed(campaign, 2)
    stop(line_id=before.pk, scope="all", **WHO)
    kept_outside()
    backup = dump(tmp_path)
    stop(line_id=lost.pk, scope="all", **WHO)
    kept_outside()
    with life_in(backup):
        checked = AuditEvent.objects.count()
        said = re.sub(r"\d{4}-\d\d-\d\dT[\d:]{8}Z", "TIME", after_restore(*LOOKED)).splitlines()
        done = AuditEvent.objects.get(action="restore.completed")
    assert said == [
        f"Audit trail: {checked} events checked against the checkpoint of TIME.",
        "Archive: 1 entries since the backup, 1 of them lost with the database.",
        "Epochs of 1 contracts raised.",
        "2 orders queued anew.",
        "epochs raised: 1",
        "orders queued anew: 2",
        "stop replayed: 1",
        "The gate is open.",
    ]
    assert done.detail == {"stop replayed": 1, "epochs raised": 1, "orders queued anew": 2, "problems": []}


def test_a_lost_stop_of_a_line_that_is_not_here_keeps_the_gate_closed(campaign: Campaign, tmp_path: Path) -> None:
    kept_outside()
    backup = dump(tmp_path)
    take_lines(line_row())
    stop(line_id=Line.objects.get().pk, scope="all", **WHO)
    kept_outside()
    wrong = "1 lines with lost choices are not here: bring in the lines file, then run this again"
    with life_in(backup):
        assert [one for one in refused(*LOOKED) if one.startswith("WRONG")] == [f"WRONG: {wrong}"]
        (kept,) = AuditEvent.objects.filter(action__in=("restore.kept_closed", "restore.completed"))
        assert (kept.action, kept.actor, kept.detail["problems"]) == ("restore.kept_closed", "system:restore", [wrong])
        take_lines(line_row())
        assert after_restore(*LOOKED).endswith("The gate is open.\n")
        assert reasons(campaign, list(Line.objects.all())) == ["stopped_all"]


def test_an_event_of_the_trail_that_was_changed_keeps_the_gate_closed(campaign: Campaign, tmp_path: Path) -> None:
    audit.actions.record(action="test.done", actor="officer:1", target="thing:1", at=database_clock())
    kept_outside()
    backup = dump(tmp_path)
    stop(line_id=agreed(campaign, 1)[0].pk, scope="all", **WHO)
    kept_outside()
    event = AuditEvent.objects.get(target="thing:1")
    with life_in(backup):
        as_owner("UPDATE audit_auditevent SET actor = 'officer:2' WHERE target = 'thing:1'")
        assert f"WRONG: audit trail, chain {event.chain}, row {event.seq} was changed" in refused(*LOOKED)


def test_where_a_switch_lost_something_after_all_everybody_is_told_anew(campaign: Campaign, tmp_path: Path) -> None:
    (line,) = agreed(campaign, 1)
    kept_outside()
    backup = dump(tmp_path)
    stop(line_id=line.pk, scope="all", **WHO)
    kept_outside()
    with life_in(backup):
        after_restore("--switched-over", *LOOKED)
        assert (told([line]), Contract.objects.get().epoch) == ([(2, 0)], 2)


def test_while_another_is_at_the_archive_nothing_is_done(campaign: Campaign) -> None:
    (line,) = agreed(campaign, 1)
    the_server_started()

    def at_it_too() -> None:
        try:
            after_restore()
        finally:
            connections.close_all()

    busy = r"^Another process is writing to the archive\. Run this again\.$"
    with lock_job(name=TURN), ThreadPoolExecutor(1) as other, pytest.raises(CommandError, match=busy):
        other.submit(at_it_too).result()
    assert reasons(campaign, [line]) == ["restoring"]
    assert "Nothing to do" in after_restore()
