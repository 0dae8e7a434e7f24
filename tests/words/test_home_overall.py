"""Home as a whole: nobody, one company, an emergency alone, long ago; on, partly, paused, off, and by whose word."""

import pytest
import time_machine
from django.utils import timezone

from disclosures import tasks
from tests.factories import a_line, an_approval
from tests.feeds import choice_row, take_choices, told
from tests.people import Browser, number_of, signed_in
from tests.words.exact import as_before
from tests.words.lives import AID, ASH, Life
from tests.words.pages import main, press
from tests.words.partners import Market
from tests.words.worlds import DAY

pytestmark = pytest.mark.usefixtures("db", "clock")


@pytest.fixture
def life(market: Market) -> Life:
    return Life.begin(market)


def pause(person: Browser) -> None:
    press(person, main(person, "/choices/pause/"), "Pause all sharing", length="7")


def allow(person: Browser, life: Life) -> None:
    page = main(person, f"/choices/allow/?campaign={life.market.partners[ASH].campaign.ref}")
    press(person, page, f"Allow {AID}", days="")


def test_nobody_asked_and_everything_that_can_be_said_then(life: Life) -> None:
    person = signed_in(life.line)
    with as_before("home_of_nobody") as pages:
        pages.look("on", person, "/home/")
        pause(person)
        pages.look("paused", person, "/home/")
        press(person, main(person, "/home/"), "Stop all sharing")
        pages.look("off", person, "/home/")


def test_one_company_paused_allowed_stopped_and_allowed_again(life: Life) -> None:
    life.agrees()
    life.looked(3)
    person = signed_in(life.line)
    with as_before("home_of_one_company") as pages:
        pages.look("on", person, "/home/")
        pause(person)
        pages.look("paused", person, "/home/")
        allow(person, life)
        pages.look("allowed within the pause", person, "/home/")
        press(person, main(person, "/home/"), "Stop all sharing")
        pages.look("stopped", person, "/home/")
        allow(person, life)
        # The pause runs on, but what was said last was a stop, which does not end with it.
        pages.look("allowed after the stop", person, "/home/")


def test_after_a_stop_home_counts_who_received_and_signed(market: Market) -> None:
    line, partners = a_line(), [market.a_partner(name) for name in (ASH, "Beech Link")]
    for partner in partners:
        an_approval(line, partner.campaign, at=timezone.now() - 90 * DAY)
    person = signed_in(line)
    press(person, main(person, "/home/"), "Stop all sharing")
    with as_before("home_after_a_stop") as pages:
        pages.look("stopped", person, "/home/", but=("cards",))
        for partner in partners:
            partner.is_told()
            pages.look(f"{partner.name} received", person, "/home/", but=("cards",))
            partner.signs()
            pages.look(f"{partner.name} signed", person, "/home/", but=("cards",))


def test_given_out_for_reasons_that_never_ask_or_long_ago(market: Market) -> None:
    one, several, former, twice, doubtful, lately = (Life.begin(market) for _ in range(6))
    one.outside("emergency", 5)
    several.outside("emergency", 5)
    several.outside("legal_process", 6, path=("urn:police",))
    several.outside("network", 50, 51, path=("urn:network",))
    for life, days in ((former, (60,)), (twice, (60, 61))):
        life.agrees()
        life.looked(*days)
    sellers = [market.partners[ASH].party.uri, market.companies[AID].party.uri]
    doubtful.outside("emergency", 40, path=sellers)
    doubtful.outside("network", 41, path=sellers)
    lately.outside("emergency", 2, 3, 4, 40, path=sellers)
    lately.outside("legal_process", 5, 6)
    lately.outside("legal_process", 50)
    with as_before("home_of_others") as pages:
        lives = {"one": one, "several": several, "long ago": former, "twice": twice, "in doubt": doubtful}
        lives["in doubt lately"] = lately
        for title, life in lives.items():
            pages.look(title, signed_in(life.line), "/home/", of=title)
        with time_machine.travel(several.now + 37 * DAY):
            pages.look("several, a month later", signed_in(several.line), "/home/", of="several")


def test_a_stop_from_a_file_is_nobodys_here(life: Life) -> None:
    life.agrees()
    life.looked(3)
    row = choice_row(msisdn=number_of(life.line), made_at=life.noon(2).isoformat())
    assert told(take_choices(row)) == [("accepted",)]
    with as_before("home_stopped_by_a_file") as pages:
        pages.look("off", signed_in(life.line), "/home/")


def test_what_does_not_look_right_is_told(life: Life) -> None:
    life.looked(2, 3, 4)
    tasks.find_anomalies()
    paths = {"home": "/home/", "history": "/history/", "the company": life.path()}
    with as_before("what_does_not_look_right") as pages:
        for title, path in paths.items():
            pages.look(title, signed_in(life.line), path)
        with time_machine.travel(life.now + 15 * DAY):
            tasks.act_on_anomalies()
            for title, path in paths.items():
                pages.look(f"{title}, suspended", signed_in(life.line), path)
