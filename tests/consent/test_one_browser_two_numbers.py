"""One browser, two numbers: a helper, a shelter, somebody with two phones. No page may act for, or lead to, another."""

import re

import pytest

from accounts.models import Line
from consent.domain.consent_requests import token_of
from consent.models import Choice, ConsentRequest
from tests.consent.claiming import a_partner, prove, text_now
from tests.factories import a_campaign, a_line, an_approval
from tests.people import Browser, Page, newest_text, number_of

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
ANOTHER = "Nothing has been stopped yet."


@pytest.fixture
def lines() -> tuple[Line, Line]:
    campaign = a_campaign()
    found = a_line(msisdn="+12065550142"), a_line(msisdn="+12065550178")
    for line in found:
        an_approval(line, campaign)
    return found


def proved(browser: Browser, line: Line) -> Page:
    """The page with the button, after number and code."""
    browser.post("/stop/", {"number": number_of(line)})
    browser.post("/stop/code/", {"code": newest_text(number_of(line)).code})
    return browser.get("/stop/all/")


def pressed(page: Page) -> dict[str, str]:
    """All that the button of this page sends."""
    (form,) = re.findall(r'<form class="panel act".*?</form>', page.text, re.DOTALL)
    return dict(re.findall(r'name="([^"]*)" value="([^"]*)"', form))


def stopped() -> list[int]:
    return list(Choice.objects.order_by("made_at").values_list("line_id", flat=True))


def test_an_old_page_stops_nothing_for_another_number(lines: tuple[Line, Line]) -> None:
    first, second = lines
    browser = Browser()
    lay_open = pressed(proved(browser, first))
    now = proved(browser, second)
    answer = browser.client.post("/stop/all/", lay_open)
    said = answer.content.decode()
    assert (answer.status_code, stopped()) == (200, [])
    assert ANOTHER in said
    assert "<bdi>(206) 555-0178</bdi>" in said
    assert ANOTHER not in now.text
    browser.post("/stop/all/", pressed(now))
    assert stopped() == [second.pk]
    proved(browser, first)
    browser.post("/stop/all/", pressed(browser.get("/stop/all/")))
    assert stopped() == [second.pk, first.pk]


def test_whoever_comes_next_is_not_led_to_what_was_done_before(lines: tuple[Line, Line]) -> None:
    first, second = lines
    browser = Browser()
    done = browser.post("/stop/all/", pressed(proved(browser, first))).url
    assert browser.get("/stop/all/").url == done
    browser.post("/stop/", {"number": number_of(second)})
    assert browser.get("/stop/all/").url == "/stop/"


def test_progress_names_the_number_to_who_just_stopped_it(lines: tuple[Line, Line]) -> None:
    first, second = lines
    browser = Browser()
    done = browser.post("/stop/all/", pressed(proved(browser, first))).url
    assert "<bdi>(206) 555-0142</bdi>" in browser.get(done).text
    other = Browser()
    other.post("/stop/all/", pressed(proved(other, second)))
    for elsewhere in (Browser(), other):
        page = elsewhere.get(done).text
        assert "You stopped all sharing</h1>" in page
        assert "555-0142" not in page


def test_a_code_for_one_question_answers_no_other() -> None:
    partner = a_partner()
    line = a_line(msisdn="+12065550142")
    partner.one(partner.claim())
    assert text_now() == 1
    first = ConsentRequest.objects.get(line_id=line.pk)
    browser, page = prove(f"/ask/{token_of(ask_id=first.id)}/", number_of(line))
    assert "<button>No</button>" in page.text
    other = a_partner("NorthLink", provider="BankCheck")
    other.one(other.claim(id="c-2"))
    second = ConsentRequest.objects.exclude(pk=first.pk).get(line_id=line.pk)
    unproved = browser.get(f"/ask/{token_of(ask_id=second.id)}/")
    assert "<button>No</button>" not in unproved.text
    assert "<button>No</button>" in browser.get(f"/ask/{token_of(ask_id=first.id)}/").text
