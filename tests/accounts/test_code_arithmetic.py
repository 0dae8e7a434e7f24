"""How likely a texted code is guessed: the figures of decision 16, and that no way of guessing passes them."""

import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from django.db.models import F
from django.utils import timezone

from accounts.actions.codes import LONG, SHORT, SHORT_COMPARISONS_A_DAY, text_code, verify_code
from accounts.actions.contacts import request_contact
from accounts.models import BrowserSession, Line, LineNumber, SafeContact, TextedCode
from accounts.primitives.sealing import number_hash, seal
from audit.queries import database_clock
from consent.feeds.lines import LinesFeed
from tests.factories import a_line
from tests.feeds import line_row, ndjson, taken
from tests.people import NO_CODE, Browser, newest_text, number_of, signed_in, texts_to

RECORD = Path(__file__).parents[2] / "docs/decisions/0016-bind-texted-codes-to-the-browser-that-requested-them.md"
STOP, MINUTE, DAY = TextedCode.Purpose.STOP, timedelta(minutes=1), timedelta(days=1)
pytestmark = pytest.mark.usefixtures("db", "no_broker")


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """When guesses were compared with short codes: once for each guess and code, on the guesser's clock."""
    found: list[datetime] = []

    def compare(code: bytes, typed: bytes) -> bool:
        if len(code) == SHORT:
            found.append(Guesser.clock)
        return secrets.compare_digest(code, typed)

    watched = SimpleNamespace(randbelow=secrets.randbelow, compare_digest=compare)
    monkeypatch.setattr("accounts.actions.codes.secrets", watched)
    return found


class Guesser:
    """Somebody with as many browser sessions as they want, all of which ask for every code there is."""

    clock = timezone.now()

    def __init__(self, msisdn: str, sessions: int) -> None:
        self.msisdn, self.sessions = msisdn, [f"{number:032}" for number in range(sessions)]

    def asks(self) -> None:
        for asker in self.sessions:
            text_code(msisdn=self.msisdn, purpose=STOP, asker=asker, at=Guesser.clock)

    def guesses(self, times: int) -> None:
        for asker in self.sessions * times:
            verify_code(msisdn=self.msisdn, purpose=STOP, asker=asker, typed=NO_CODE, at=Guesser.clock)


def most_in_a_day(moments: list[datetime]) -> int:
    return max(sum(start <= moment < start + DAY for moment in moments) for start in moments)


def test_no_way_of_asking_and_guessing_passes_the_limit(compared: list[datetime]) -> None:
    """One who gathers three codes first, one who guesses at each at once, one who comes back when a day is over."""
    for step, times in ((11, 1), (15, 5), (61, 3)):
        line, began = a_line(), timezone.now()
        guesser = Guesser(number_of(line), sessions=3)
        compared.clear()
        for minutes in (*range(0, 90, step), *range(1430, 1520, step)):
            Guesser.clock = began + minutes * MINUTE
            guesser.asks()
            if minutes % 90 > 20 or times > 1:
                guesser.guesses(times)
        assert compared
        assert most_in_a_day(compared) <= SHORT_COMPARISONS_A_DAY


def test_the_limit_is_reached_and_a_long_code_still_works(compared: list[datetime]) -> None:
    line, began = a_line(), timezone.now()
    msisdn = number_of(line)
    guesser = Guesser(msisdn, sessions=9)
    for minutes in (0, 10, 19):
        Guesser.clock = began + minutes * MINUTE
        guesser.asks()
        guesser.guesses(1)
    guesser.guesses(30)
    Guesser.clock += 10 * MINUTE
    guesser.asks()
    assert 20 <= len(compared) <= SHORT_COMPARISONS_A_DAY
    text_code(msisdn=msisdn, purpose=STOP, asker="mine", at=Guesser.clock)
    code = newest_text(msisdn).code
    assert len(code) == LONG
    assert verify_code(msisdn=msisdn, purpose=STOP, asker="mine", typed=code, at=Guesser.clock) == line
    assert len(texts_to(msisdn)) < 60


def test_wrong_guess_counts_against_each_code_that_is_still_good() -> None:
    line, now = a_line(), timezone.now()
    msisdn = number_of(line)
    text_code(msisdn=msisdn, purpose=STOP, asker="a", at=now)
    for _ in range(5):
        verify_code(msisdn=msisdn, purpose=STOP, asker="a", typed=NO_CODE, at=now)
    for asker in ("a", "b"):
        text_code(msisdn=msisdn, purpose=STOP, asker=asker, at=now)
    # Whose who asked for no code cost nothing, and "b" asked for the newer code alone.
    for _ in range(50):
        verify_code(msisdn=msisdn, purpose=STOP, asker="theirs", typed=NO_CODE, at=now)
    verify_code(msisdn=msisdn, purpose=STOP, asker="b", typed=NO_CODE, at=now)
    assert sorted(TextedCode.objects.values_list("tries_left", flat=True)) == [14, 19]


def test_a_used_code_is_not_revived_by_its_row() -> None:
    line, now = a_line(), timezone.now()
    msisdn = number_of(line)
    text_code(msisdn=msisdn, purpose=STOP, asker="mine", at=now)
    code = newest_text(msisdn).code
    assert verify_code(msisdn=msisdn, purpose=STOP, asker="mine", typed=code, at=now) == line
    TextedCode.objects.update(used_at=None, tries_left=20, sent_at=now)
    assert verify_code(msisdn=msisdn, purpose=STOP, asker="mine", typed=code, at=now) is None
    text_code(msisdn=msisdn, purpose=STOP, asker="mine", at=now)
    assert newest_text(msisdn).code != code


def test_a_code_dies_with_the_number_it_was_texted_to() -> None:
    line, now = a_line(), timezone.now()
    before, after = number_of(line), "+12065550777"
    text_code(msisdn=before, purpose=STOP, asker="mine", at=now)
    code = newest_text(before).code
    change_number(line, after, at=now)
    # Whoever still has the old phone asks with the new number: its code goes to the new phone, and is another.
    text_code(msisdn=after, purpose=STOP, asker="mine", at=now + MINUTE)
    for number in (before, after):
        taken = verify_code(msisdn=number, purpose=STOP, asker="mine", typed=code, at=now + MINUTE)
        assert taken is None
    assert [len(texts_to(number)) for number in (before, after)] == [1, 1]
    new = newest_text(after).code
    assert verify_code(msisdn=after, purpose=STOP, asker="mine", typed=new, at=now + MINUTE) == line


@pytest.mark.parametrize("told", ["at once", "late", "in the import that brings the line"])
def test_a_code_stays_dead_when_its_number_comes_back(told: str) -> None:
    """However long ago a file says that the number came back: it was texted before we knew."""
    imports = [LinesFeed()] * 3 if told.startswith("in ") else [LinesFeed() for _ in range(3)]
    taken(imports[0], ndjson([line_row()]))
    own, other = "+12065550142", "+12065550143"
    text_code(msisdn=own, purpose=STOP, asker="mine", at=timezone.now() - 3 * MINUTE)
    code, ago = newest_text(own).code, timedelta(0) if told == "at once" else DAY
    for number, feed in zip((other, own), imports[1:], strict=True):
        changed_at = (timezone.now() - ago).astimezone(UTC).isoformat()
        taken(feed, ndjson([line_row(msisdn=number, number_changed_at=changed_at)]))
    assert LineNumber.objects.count() == 3
    now = timezone.now()
    assert verify_code(msisdn=own, purpose=STOP, asker="mine", typed=code, at=now) is None
    text_code(msisdn=own, purpose=STOP, asker="mine", at=now)
    new = newest_text(own).code
    line = Line.objects.get(carrier_id="L1")
    assert verify_code(msisdn=own, purpose=STOP, asker="mine", typed=new, at=now) == line


@pytest.mark.parametrize("wrong", [-20 * MINUTE, 20 * MINUTE], ids=["behind", "ahead"])
@pytest.mark.parametrize("door", ["/stop/", "/accounts/login/"])
def test_a_code_lasts_by_the_databases_clock(door: str, wrong: timedelta) -> None:
    """Whichever web process texts it, and whichever is asked, and however wrong their own clocks are."""
    number = number_of(a_line())
    for age, is_taken in ((timedelta(0), True), (11 * MINUTE, False)):
        browser = Browser()
        with time_machine.travel(timezone.now() - wrong):
            browser.post(door, {"number": number})
        TextedCode.objects.update(made_at=F("made_at") - age, sent_at=F("sent_at") - age)
        with time_machine.travel(timezone.now() + wrong):
            page = browser.post(f"{door}code/", {"code": newest_text(number).code})
        assert (page.status_code == 302) == is_taken, age


@pytest.mark.parametrize("wrong", [-20 * MINUTE, 20 * MINUTE], ids=["behind", "ahead"])
def test_a_safe_contact_s_code_lasts_by_the_databases_clock(wrong: timedelta) -> None:
    line, path, number = a_line(), "/lines/contact/", "+14155550199"
    person, proved = signed_in(line), SafeContact.objects.filter(proved_at__isnull=False)
    request_contact(line_id=line.pk, msisdn=number, at=database_clock() - 11 * MINUTE)
    with time_machine.travel(timezone.now() + wrong):
        person.post(f"{path}code/", {"code": newest_text(number).code})
    assert not proved.exists()
    with time_machine.travel(timezone.now() - wrong):
        person.post(path, {"number": number})
    with time_machine.travel(timezone.now() + wrong):
        person.post(f"{path}code/", {"code": newest_text(number).code})
    assert proved.count() == 1


def change_number(line: Line, msisdn: str, *, at: datetime) -> None:
    LineNumber.objects.filter(line=line).update(ends_at=at)
    LineNumber.objects.create(line=line, msisdn_hash=number_hash(msisdn), msisdn_sealed=seal(msisdn), starts_at=at)


def test_the_figures_of_the_record_are_these() -> None:
    said = RECORD.read_text()
    short, long = 10**SHORT // SHORT_COMPARISONS_A_DAY, 10**LONG // 100_000
    assert f"at most {SHORT_COMPARISONS_A_DAY} comparisons in any 24 hours, so at most 1 in {short:,}" in said
    assert f"100,000 guesses a day at long codes make 1 in {long:,}" in said


@pytest.mark.parametrize("door", ["/stop/", "/accounts/login/"])
def test_after_too_many_tries_another_text_helps(door: str) -> None:
    line, too_many, wrong = a_line(), "Too many tries. Ask for a new code below.", "That code isn&#x27;t right."
    numbers = {"a line": number_of(line), "nobody": "+12065550999"}
    pages: dict[str, list[tuple[bool, bool]]] = {}
    left = ["4 tries left.", "3 tries left.", "2 tries left.", "1 try left."]
    for who, number in numbers.items():
        browser = Browser()
        browser.post(door, {"number": number})
        right = newest_text(number).code if who == "a line" else NO_CODE
        tries = [*(NO_CODE for _ in range(5)), right]
        read = [browser.post(f"{door}code/", {"code": typed}).text for typed in tries]
        pages[who] = [(wrong in page, too_many in page) for page in read]
        assert [re.findall(r"You have (\d \w+ left\.)", page) for page in read] == [*([one] for one in left), [], []]
        # Where no code is looked at, the page offers none to be typed: its button sends another.
        typed_in = [('name="code"' in page, '<button class="main">Send a new code</button>' in page) for page in read]
        assert typed_in == [(True, False)] * 4 + [(False, True)] * 2
        browser.post(f"{door}again/", {})
        if who == "a line":
            assert browser.post(f"{door}code/", {"code": newest_text(number).code}).status_code == 302
    assert pages["a line"] == pages["nobody"] == [(True, False)] * 4 + [(False, True)] * 2


@pytest.mark.parametrize("door", ["/stop/", "/accounts/login/"])
def test_tries_at_once_are_too_many_as_well(door: str) -> None:
    """Each of them writes the session as it was before the others: what it says of the rest is lost."""
    line = a_line()
    for number in (number_of(line), "+12065550999"):
        browser = Browser()
        browser.post(door, {"number": number})
        right = newest_text(number).code if number == number_of(line) else NO_CODE
        before = bytes(BrowserSession.objects.latest("pk").data)
        said = []
        for typed in [*[NO_CODE] * 6, right]:
            said.append("Too many tries." in browser.post(f"{door}code/", {"code": typed}).text)
            BrowserSession.objects.filter(pk=BrowserSession.objects.latest("pk").pk).update(data=before)
        assert said == [False] * 4 + [True] * 3
