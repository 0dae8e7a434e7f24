"""A choice that was lost with the database: until when it is written down again, and from when on it then counts."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.actions.restore import RestoreOutcome, notify_lost_approval, restore_choice
from consent.models import Choice
from consent.workers.archive_entries import ArchivedChoice
from tests.clocks import standing_still
from tests.factories import a_line
from tests.moments import A_MOMENT

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Lost:
    """A pause or stop of everything that its person made."""

    line: Line
    made_at: datetime
    until: datetime | None = None

    def restore(self) -> tuple[RestoreOutcome, datetime | None]:
        """Whether it is written down, and from when on it counts."""
        choice_id = uuid.uuid4()
        archived = ArchivedChoice(
            line=uuid.uuid4(), line_mac="", kind="pause" if self.until else "stop", scope="all", ref="",
            made_at=self.made_at, until=self.until, origin="person", channel="web", program="", reason="",
            actor="subscriber:1", recorded_at=self.made_at, source_id="", content_hash="", notice="",
        )  # fmt: skip
        came = restore_choice(line_id=self.line.pk, choice_id=choice_id, archived=archived)
        return came, Choice.objects.filter(id=choice_id).values_list("made_at", flat=True).first()


def test_a_lost_pause_is_written_down_again_until_its_very_end() -> None:
    line = a_line()
    with standing_still(database_clock()) as clock:
        made_at = clock.now - MINUTE
        assert Lost(line, made_at, until=clock.now).restore() == (RestoreOutcome.OVER, None)
        assert Lost(line, made_at, until=clock.now + A_MOMENT).restore() == (RestoreOutcome.REPLAYED, made_at)


def test_a_lost_stop_keeps_its_moment_unless_there_is_one_as_new() -> None:
    line = a_line()
    newest = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web").made_at
    with standing_still(newest + MINUTE) as clock:
        assert Lost(line, newest).restore() == (RestoreOutcome.REPLAYED, clock.now)
    line = a_line()
    newest = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web").made_at
    with standing_still(newest + MINUTE):
        assert Lost(line, newest + A_MOMENT).restore() == (RestoreOutcome.REPLAYED, newest + A_MOMENT)


def test_of_two_lost_yeses_each_is_news() -> None:
    line, other = a_line(), a_line()
    now, lost = database_clock(), uuid.uuid4()
    news = [
        notify_lost_approval(line_id=one.pk, choice_id=choice_id, campaign="CMP-unknown", at=now)
        for one, choice_id in ((line, lost), (line, lost), (line, uuid.uuid4()), (other, lost))
    ]
    assert news == [True, False, True, True]
