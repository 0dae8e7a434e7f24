"""A number that moves to another line while its person stops: they are told that it stopped only where that is so."""

from datetime import UTC

import pytest
from django.utils import timezone

from accounts.models import Line
from consent.actions import choices, without_account
from consent.domain.change_notices import TextCommand
from consent.models import Choice
from partners.models import Campaign
from tests.factories import an_approval
from tests.feeds import line_row, take_lines, told
from tests.gate_questions import ask
from tests.overlapping import overlap
from tests.people import Browser, newest_text

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
NUMBER = "+12065550142"


@pytest.fixture
def old() -> Line:
    take_lines(line_row(line_id="L1", msisdn=NUMBER))
    return Line.objects.get()


def moves(**changes: str) -> None:
    """The carrier ends the line and gives its number to another."""
    at = timezone.now().astimezone(UTC).isoformat()
    ended = line_row(line_id="L1", msisdn=NUMBER, deactivated_at=at)
    begun = {"line_id": "L2", "account_id": "A2", "msisdn": NUMBER, "activated_at": at}
    assert told(take_lines(ended, line_row(**begun | changes))) == [("accepted",), ("accepted",)]


def test_by_a_code_for_the_line_before_nobody_reads_that_it_is_stopped(old: Line) -> None:
    browser = Browser()
    browser.post("/stop/", {"number": NUMBER})
    browser.post("/stop/code/", {"code": newest_text(NUMBER).code})
    moves()
    assert (browser.post("/stop/all/", {"stop-all": "1"}).url, Choice.objects.count()) == ("/stop/", 0)
    browser.post("/stop/", {"number": NUMBER})
    browser.post("/stop/code/", {"code": newest_text(NUMBER).code})
    done = browser.post("/stop/all/", {"stop-all": "1"}).url
    assert "(206) 555-0142" in browser.get(done).text
    assert Choice.objects.get().line_id == Line.objects.get(carrier_id="L2").pk


def test_a_text_for_a_stop_stops_the_line_that_has_its_number_by_then(old: Line, campaign: Campaign) -> None:
    def texts() -> None:
        without_account.handle_text(
            text_id="t1", msisdn=NUMBER, wish=TextCommand.STOP_LOCATION, on_network=True, at=timezone.now()
        )

    overlap(moves, texts)
    new = Line.objects.get(carrier_id="L2")
    an_approval(new, campaign)
    assert ask(new, campaign) == "stopped_all"
    assert newest_text(NUMBER).text.startswith("Whereabouts: all sharing of this phone's location is now off.")


def test_a_stop_of_who_has_a_line_that_continues_theirs_by_then_holds_there(old: Line, campaign: Campaign) -> None:
    def stops() -> None:
        choices.stop(line_id=old.pk, scope="all", actor="subscriber:1", channel="web")

    overlap(lambda: moves(account_id="A1", continues_line_id="L1"), stops)
    new = Line.objects.get(carrier_id="L2")
    an_approval(new, campaign)
    assert ask(new, campaign) == "stopped_all"
