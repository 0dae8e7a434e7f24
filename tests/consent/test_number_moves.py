"""A number that moves to another line while its person stops: they are told that it stopped only where that is so."""

from datetime import UTC

import pytest
from django.utils import timezone

from accounts.models import Line
from audit.queries import database_clock
from consent.actions import choices, without_account
from consent.actions.system_stops import stop_company
from consent.domain.change_notices import TextCommand
from consent.models import Choice
from partners.models import Campaign
from tests.factories import an_approval
from tests.feeds import line_row, take_lines, told
from tests.gate_questions import ask
from tests.overlapping import overlap
from tests.people import Browser, newest_text, signed_in, user_of

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
NUMBER, ANOTHER = "+12065550142", "+12065550188"


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
    assert newest_text(NUMBER).text.startswith("localhost: all sharing of this phone's location is now off.")


def stops(line: Line, by: str = "subscriber:1") -> None:
    choices.stop(line_id=line.pk, scope="all", actor=by, channel="web")


def test_a_stop_of_who_has_a_line_that_continues_theirs_by_then_holds_there(old: Line, campaign: Campaign) -> None:
    begun = line_row(line_id="L2", msisdn=ANOTHER, continues_line_id="L1")
    overlap(lambda: take_lines(begun), lambda: stops(old))
    new = Line.objects.get(carrier_id="L2")
    an_approval(new, campaign)
    assert ask(new, campaign) == "stopped_all"


def test_so_does_one_of_who_is_said_to_have_it_meanwhile(old: Line, campaign: Campaign) -> None:
    moves(account_id="A1")
    new = Line.objects.get(carrier_id="L2")
    later = line_row(
        line_id="L2", msisdn=NUMBER, activated_at=new.activated_at.isoformat(), continues_line_id=old.carrier_id
    )
    overlap(lambda: take_lines(later), lambda: stops(old))
    an_approval(new, campaign)
    assert ask(new, campaign) == "stopped_all"


def test_it_reads_as_their_own(old: Line) -> None:
    signed_in(old)
    person = f"subscriber:{user_of(old).pk}"
    moves(account_id="A1", continues_line_id="L1")
    stops(old, person)
    page = signed_in(Line.objects.get(carrier_id="L2")).get("/choices/").text
    assert "You stopped all sharing" in page
    assert "Made by the account holder" not in page


def test_what_we_stop_on_a_line_takes_no_newer_yes_from_the_next(old: Line, campaign: Campaign) -> None:
    take_lines(line_row(line_id="L2", msisdn=ANOTHER, continues_line_id="L1"))
    new = Line.objects.get(carrier_id="L2")
    signed_in(new)
    done = database_clock()
    choices.allow(line_id=new.pk, campaign=campaign.ref, actor=f"subscriber:{user_of(new).pk}", channel="web")
    for line in (old, new):
        stop_company(line_id=line.pk, party=campaign.lbs_provider.uri, after=done, actor="system:test", at=done)
    assert ask(new, campaign) == ""
