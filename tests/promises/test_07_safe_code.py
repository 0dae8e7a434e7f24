"""Promise 7. While a new number holds a line, a code sent to the safe contact from before opens what there is to read.

Whoever took the number over can do nothing with it, and doesn't learn whether there is a safe contact.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import transaction
from django.utils import timezone

import audit.actions
from accounts.actions.contacts import text_reading_code
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, SafeContact, TextedCode
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import pause
from tests.clocks import standing_still
from tests.factories import a_campaign, a_contract, a_line, a_party, a_safe_contact, an_approval
from tests.feeds import line_row, take_lines
from tests.overlapping import noted, overlap
from tests.people import (
    NO_CODE,
    PASSWORD,
    Browser,
    newest_text,
    number_of,
    sign_in_by_code,
    signed_in,
    texts_to,
    user_of,
)

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
OLD, NEW, NEWER, SAFE = "+12065550142", "+12065550143", "+12065550144", "+14155550199"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TEXT, TYPE = "/accounts/safe-code/text/", "/accounts/safe-code/"
READS = ("/home/", "/history/", "/choices/", "/access-log/", "/lines/", "/settings/archive/")
ACTS = ("/lines/delegates/", "/lines/contact/", "/accounts/password/change/", "/accounts/2fa/")
HELD, BUTTON = "You can stop sharing now. The rest waits 24 hours.", "Text a code to my safe number"
WRONG = "That code isn&#x27;t right. Check your newest text, or have the code sent again. A code works for 10 minutes."


@dataclass(frozen=True)
class Person:
    """Somebody whose line an earlier file brought, who signed in three days ago and chose a password then."""

    began: datetime

    @property
    def line(self) -> Line:
        return Line.objects.get(carrier_id="L1")

    def chooses_contact(self, number: str = SAFE, *, ago: timedelta = 2 * DAY) -> None:
        """Through the doors, so long before now."""
        with standing_still(self.began - ago):
            browser = signed_in(self.line)
            browser.post("/lines/contact/", {"number": number})
            assert browser.post("/lines/contact/code/", {"code": newest_text(number).code}).url == "/lines/contact/"

    def moves(self, number: str = NEW, *, ago: timedelta = HOUR, **more: object) -> None:
        take_lines(line_row(msisdn=number, number_changed_at=(self.began - ago).astimezone(UTC).isoformat(), **more))
        MemoryBackend.outbox.clear()

    def comes(self, browser: Browser | None = None) -> Browser:
        """Signs in with the code texted to the number that the line has now."""
        return sign_in_by_code(self.line, browser)


@pytest.fixture
def person() -> Person:
    now = timezone.now()
    take_lines(line_row())
    line = Line.objects.get()
    an_approval(line, a_campaign(a_contract(a_party("GeoBridge")), a_party("RoadAid", "lbs_provider")))
    with time_machine.travel(now - 3 * DAY, tick=True):
        signed_in(line)
    return Person(now)


def sent_to_safe() -> list[str]:
    return [text.text for text in texts_to(SAFE)]


def code_of(number: str = SAFE) -> str:
    return newest_text(number).code


def reads(browser: Browser, *pages: str) -> bool:
    """Whether every page that is read opens; the other answer is that none does. Two of them, if none is named."""
    answers = {browser.get(path).status_code for path in pages or READS[:2]}
    assert answers in ({200}, {403}, {302})
    return answers == {200}


def opened(person: Person) -> Browser:
    browser = person.comes()
    assert browser.post(TEXT).url == TYPE
    assert browser.post(TYPE, {"code": code_of()}).url == "/home/"
    return browser


def test_the_code_opens_reading_and_nothing_else(person: Person) -> None:
    person.chooses_contact()
    person.moves()
    browser = person.comes()
    assert not reads(browser, *READS)
    held = browser.get("/accounts/password/forgotten/").text
    form = re.search(
        r'<form class="card act" method="post" action="([^"]+)">(?:(?!</form>).)*<button>', held, re.DOTALL
    )
    assert form is not None
    assert (form[1], BUTTON in held) == (TEXT, True)
    page = browser.post(TEXT, follow=True).text
    assert "Type the code from your safe number" in page
    code = code_of()
    assert sent_to_safe() == [
        (
            f"localhost: {code} is your code to READ the pages of your other phone line, whose number has changed. "
            "It works for nothing else. We never ask you for it. If you did not ask for it, call us now at "
            "the number on your bill."
        )
    ]
    assert [text.msisdn for text in MemoryBackend.outbox if text.code == code] == [SAFE]
    key = browser.client.cookies[settings.SESSION_COOKIE_NAME].value
    assert browser.post(TYPE, {"code": code}).url == "/home/"
    assert reads(browser, *READS)
    home = browser.get("/home/").text
    assert "RoadAid" in home
    assert "Opened the pages, to read only, with a code sent to the safe number" in browser.get("/access-log/").text
    assert AuditEvent.objects.filter(line_id=person.line.pk, action="line.shown_by_contact").count() == 1
    assert browser.client.cookies[settings.SESSION_COOKIE_NAME].value != key
    # What allows or changes something waits, and asks for no code any more.
    for path in ACTS:
        answer = browser.get(path)
        assert (path, answer.status_code, HELD in answer.text, BUTTON in answer.text) == (path, 403, True, False)
    yes = {"campaign": "C", "confirm": "1"}
    for path in ("/choices/allow/", "/settings/texts/", "/settings/archive/ask/", "/accounts/password/set/"):
        answer = browser.post(path, yes)
        assert (path, answer.status_code, HELD in answer.text) == (path, 403, True)
    for shown in (held, page, home):
        assert not {"0199", "4155550199"} & set(re.findall(r"\d+", shown))


def test_a_code_works_once_and_for_this_alone(person: Person) -> None:
    person.chooses_contact()
    person.moves()
    for answer in (Browser().post(TEXT), Browser().get(TYPE), Browser().post(TYPE, {"code": NO_CODE})):
        assert answer.url.startswith("/accounts/login/")
    assert sent_to_safe() == []
    browser = opened(person)
    code = code_of()
    # Where it has opened the pages there is nothing left to type, and elsewhere it is used up.
    assert browser.get(TYPE).url == "/home/"
    again = person.comes(Browser())
    again.post(TYPE, {"code": code})
    assert not reads(again)
    somebody = Browser()
    somebody.post("/stop/", {"number": NEW})
    assert "That code isn&#x27;t right." in somebody.post("/stop/code/", {"code": code}).text
    # What is kept of it belongs to who signed in.
    browser.post("/accounts/logout/")
    assert not reads(person.comes(browser))
    assert user_of(person.line).has_usable_password()


def test_no_answer_says_whether_there_is_a_safe_contact(person: Person) -> None:
    person.chooses_contact()
    person.moves()
    with_one = answers(person)
    assert len(sent_to_safe()) == 2
    SafeContact.objects.update(ended_at=timezone.now())
    assert answers(person) == with_one
    assert len(sent_to_safe()) == 2


def answers(person: Person) -> list[tuple[int, str, str]]:
    """What whoever has the new number reads on the way, without what differs each time."""
    browser = person.comes(Browser())
    found = [browser.get("/accounts/password/forgotten/"), browser.post(TEXT), browser.get(TYPE)]
    found += [browser.post(TYPE, {"code": NO_CODE}) for _ in range(5)]
    found += [browser.post(TEXT), browser.get(TYPE), browser.post(TYPE, {"code": ""})]
    differs = r'csrfmiddlewaretoken" value="[^"]*"'
    return [(page.status_code, page.url, re.sub(differs, "", page.text)) for page in found]


@pytest.mark.parametrize("ago", [30 * MINUTE, HOUR], ids=["after", "at that very moment"])
def test_a_contact_from_after_the_change_does_not_count(person: Person, ago: timedelta) -> None:
    """As when the carrier reports the change late: whoever had the number by then may have chosen it."""
    person.chooses_contact(ago=ago)
    if ago == HOUR:
        contact = SafeContact.objects.get()
        assert contact.proved_at is not None
        person.moves(ago=person.began - contact.proved_at)
    else:
        person.moves()
    assert nothing_is_sent(person)


def nothing_is_sent(person: Person) -> bool:
    """But the code to sign in, to the number that the line has now."""
    MemoryBackend.outbox.clear()
    browser = person.comes(Browser())
    browser.post(TEXT)
    assert not reads(browser)
    return {text.msisdn for text in MemoryBackend.outbox} == {number_of(person.line)}


@pytest.mark.parametrize("how", ["took the place of another", "is in no trail", "is a number that it had itself"])
def test_a_contact_does_not_count_that(person: Person, how: str) -> None:
    if how == "took the place of another":
        person.chooses_contact("+14155550188")
        person.chooses_contact(ago=30 * MINUTE)
    elif how == "is in no trail":
        at, other = person.began - 2 * DAY, a_line()
        a_safe_contact(person.line, msisdn=SAFE, at=at)
        # Neither what else happened to the line at that moment nor another's contact shows where it comes from.
        for action, line in (("line.contact_removed", person.line), ("line.contact_set", other)):
            audit.actions.record(action=action, actor="subscriber:1", target="line:1", line_id=line.pk, at=at)
    else:
        person.chooses_contact(OLD)
    person.moves()
    assert nothing_is_sent(person)


def test_a_number_of_another_line_does_not_count(person: Person) -> None:
    person.chooses_contact()
    person.moves()
    browser = opened(person)
    take_lines(line_row(line_id="L2", msisdn=SAFE, activated_at=(person.began - MINUTE).astimezone(UTC).isoformat()))
    # Neither for a code nor for what was opened by one.
    assert not reads(browser)
    assert nothing_is_sent(person)


@pytest.mark.parametrize("change", ["sim_changed_at", "number_changed_at", "forwarding_changed_at"])
def test_a_line_changed_lately_itself_does_not_count(person: Person, change: str) -> None:
    """Whoever took one line over may have taken the other."""
    there = a_line(msisdn=SAFE)
    person.chooses_contact()
    Line.objects.filter(pk=there.pk).update(**{change: person.began - 3 * HOUR})
    person.moves()
    assert nothing_is_sent(person)


@pytest.mark.parametrize("beside", ["sim_changed_at", "forwarding_changed_at"])
def test_beside_a_new_sim_or_forwarding_it_opens_nothing(person: Person, beside: str) -> None:
    person.chooses_contact()
    person.moves()
    browser = opened(person)
    for days in (6.9, 3, 0):
        Line.objects.update(**{beside: person.began - timedelta(days=days)})
        assert not reads(browser), days
        held = browser.get("/home/").text
        assert (HELD in held, BUTTON in held) == (True, False), days
        assert nothing_is_sent(person), days


def test_a_password_set_since_the_change_closes_this_way_too(person: Person) -> None:
    """Whoever set it before the carrier reported the change may be somebody else."""
    person.chooses_contact()
    with time_machine.travel(person.began - 30 * MINUTE, tick=True):
        browser = signed_in(person.line)
        changed = {"oldpassword": PASSWORD, "password1": "four quiet words more", "password2": "four quiet words more"}
        assert browser.post("/accounts/password/change/", changed).status_code == 302
    person.moves()
    assert nothing_is_sent(person)


def test_only_who_asked_uses_the_code_and_guesses_end(person: Person) -> None:
    person.chooses_contact()
    person.moves()
    browser, other = person.comes(), person.comes(Browser())
    browser.post(TEXT)
    assert WRONG in other.post(TYPE, {"code": code_of()}).text
    assert not reads(other)
    said = [browser.post(TYPE, {"code": NO_CODE}).text for _ in range(5)]
    assert [WRONG in page for page in said] == [True] * 4 + [False]
    assert "Too many tries. Ask for a new code below." in said[-1]
    assert "Too many tries. Ask for a new code below." in browser.post(TYPE, {"code": code_of()}).text
    assert not reads(browser)
    first = code_of()
    browser.post(TEXT)
    assert code_of() != first
    assert browser.post(TYPE, {"code": code_of()}).url == "/home/"


def test_the_safe_contact_is_texted_five_times_a_day(person: Person) -> None:
    person.chooses_contact()
    person.moves()
    browsers = [person.comes(Browser()) for _ in range(3)]
    # Each time the code before has run out, and then for hours while a long one lasts.
    for n in range(24):
        with standing_still(person.began + n * 11 * MINUTE):
            assert browsers[n % 3].post(TEXT).url == TYPE
    assert len(sent_to_safe()) == 5


def test_neither_a_sixth_text_nor_a_new_sim_is_missed_at_the_same_moment(person: Person) -> None:
    person.chooses_contact()
    person.moves()
    browser = person.comes()
    browser.post(TEXT)
    TextedCode.objects.update(sends=4, used_at=timezone.now())

    def asks() -> None:
        text_reading_code(line_id=person.line.pk, asker="another", network="", at=database_clock())

    overlap(asks, asks)
    assert len(sent_to_safe()) == 2
    TextedCode.objects.update(sends=1)
    browser.post(TEXT)
    code, reported = code_of(), transaction.atomic(lambda: Line.objects.update(sim_changed_at=person.began - HOUR))
    _, page = overlap(reported, lambda: browser.post(TYPE, {"code": code}))
    assert (page.status_code, WRONG in page.text) == (200, True)
    assert noted("line.shown_by_contact") == 0


def test_a_code_dies_with_its_number_and_its_contact(person: Person) -> None:
    person.chooses_contact()
    person.moves()
    browser, read = person.comes(), opened(person)
    browser.post(TEXT)
    code = code_of()
    take_lines(line_row(msisdn=NEWER, number_changed_at=(person.began - 30 * MINUTE).astimezone(UTC).isoformat()))
    assert WRONG in browser.post(TYPE, {"code": code}).text
    # Nor does what an earlier code opened stay open.
    assert not reads(read)
    browser.post(TEXT)
    assert browser.post(TYPE, {"code": code_of()}).url == "/home/"
    other = person.comes(Browser())
    other.post(TEXT)
    SafeContact.objects.update(ended_at=timezone.now())
    assert WRONG in other.post(TYPE, {"code": code_of()}).text
    assert not reads(browser)


def test_after_the_day_it_opens_nothing(person: Person) -> None:
    person.chooses_contact()
    person.moves()
    browser, until = opened(person), person.line.change_known_at
    assert until is not None
    for hours in (8, 16, 24):
        with time_machine.travel(until + hours * HOUR - MINUTE, tick=False):
            assert reads(browser)
    MemoryBackend.outbox.clear()
    with standing_still(until + DAY):
        assert browser.get("/home/").url == "/accounts/reauthenticate/?next=%2Fhome%2F"
        assert (browser.post(TEXT).url, browser.get(TYPE).url) == (TYPE, "/home/")
        assert sent_to_safe() == []


def test_a_line_that_is_not_held_is_sent_nothing(person: Person) -> None:
    person.chooses_contact()
    browser = person.comes()
    MemoryBackend.outbox.clear()
    assert (browser.post(TEXT).url, browser.get(TYPE).url) == (TYPE, "/home/")
    assert MemoryBackend.outbox == []
    assert not TextedCode.objects.filter(purpose="read").exists()


def test_a_child_is_offered_no_code(person: Person) -> None:
    person.chooses_contact()
    person.moves()
    Line.objects.update(user_role="minor")
    browser = person.comes()
    assert BUTTON not in browser.get("/accounts/password/forgotten/").text
    assert nothing_is_sent(person)


def test_the_person_s_own_line_counts_whichever_is_named(person: Person) -> None:
    """A holder who is held reads their child's line by it too, and the child's code is nobody's."""
    child = a_line(role="minor", account="A1")
    pause(line_id=child.pk, scope="all", until=person.began + DAY, actor=f"line:{child.pk}", channel="web")
    person.chooses_contact()
    person.moves()
    browser = person.comes()
    named = {"line": str(child.public_id)}
    assert browser.get(f"/home/?line={child.public_id}").status_code in {302, 403}
    browser.post(TEXT, named)
    assert browser.post(TYPE, {"code": code_of(), **named}).url == "/home/"
    assert browser.get(f"/home/?line={child.public_id}").status_code == 200
    assert browser.post("/choices/allow/", named).status_code == 403
    assert sent_to_safe() != []


def test_the_text_speaks_the_line_s_language(person: Person) -> None:
    person.chooses_contact()
    person.moves(language="es")
    person.comes().post(TEXT)
    assert sent_to_safe() == [
        (
            f"localhost: {code_of()} es su código para VER su otra línea, que cambió de número. ¿No lo pidió? Llame ya "
            "al teléfono que figura en su factura."
        )
    ]
