"""Promise 7. Rows that rewrite whose a number was move releases to another line: nobody opens them there for a day."""

from collections.abc import Callable
from datetime import UTC, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from accounts import queries
from accounts.domain.auth_factors import is_on_hold_only_for_new_number
from accounts.models import Delegation, Line, Message
from accounts.primitives.sealing import number_hash, seal
from audit.models import AuditEvent, Incident
from consent.feeds.lines import LinesFeed
from disclosures.models import Disclosure
from tests.clocks import standing_still
from tests.factories import a_safe_contact
from tests.feeds import (
    NUMBER,
    Row,
    approval_row,
    line_row,
    ndjson,
    release_row,
    take_approvals,
    take_lines,
    take_parties,
    take_releases,
    taken,
)
from tests.fixtures import Refusal
from tests.people import PASSWORD, Browser, as_contact_reads, sign_in_by_code, signed_in, texts_to, user_of

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
MINE, BURNER, SAFE = "+12065550666", "+12065550777", "+12065550199"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
FEED = "client:feed-1"
MOVED = (
    "localhost: our records now show that a number of yours belonged to another line for a time. That part of your "
    "location history has moved to that line, and nobody can open it for 24 hours. If this is wrong, call us now at "
    "the number on your bill."
)


def ago(span: timedelta) -> str:
    return (timezone.now() - span).astimezone(UTC).isoformat()


def the(carrier_id: str) -> Line:
    return Line.objects.get(carrier_id=carrier_id)


def mallory(**changes: object) -> Row:
    return line_row(line_id="LX", account_id="AX", holder_name="Mallory", msisdn=MINE) | changes


def known_for_long() -> None:
    Line.objects.update(recorded_at=timezone.now() - 300 * DAY)


def report(*rows: Row) -> None:
    """Rows of one request of a machine, each taken in."""
    assert {fate.status for fate in taken(LinesFeed(actor=FEED), ndjson(rows))} == {"accepted"}


@pytest.fixture
def victim() -> Line:
    """A line known for long, with four releases in its history and a safe contact."""
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    known_for_long()
    take_releases(*[release_row(occurred_at=ago(days * DAY)) for days in (3, 5, 10, 20)])
    a_safe_contact(the("L1"), msisdn=SAFE, at=timezone.now() - 3 * DAY)
    return the("L1")


def there_and_back() -> list[Row]:
    """The victim's line had another number for a month, until yesterday."""
    return [
        line_row(msisdn=BURNER, number_changed_at=ago(30 * DAY)),
        line_row(number_changed_at=ago(26 * timedelta(hours=1))),
    ]


def had_it(**changes: object) -> list[Row]:
    """Meanwhile the number was Mallory's."""
    since, until = {"number_changed_at": ago(30 * DAY)}, {"number_changed_at": ago(27 * timedelta(hours=1))}
    first = {"activated_at": ago(30 * DAY)} if not changes else changes | since
    later = {"activated_at": first["activated_at"]} if "activated_at" in first else {}
    return [mallory(msisdn=NUMBER, **first), mallory(**later, **until)]


def by_another_number() -> Browser:
    report(*there_and_back(), *had_it())
    return sign_in_by_code(the("LX"))


def by_an_end() -> Browser:
    report(line_row(deactivated_at=ago(30 * DAY)), *had_it())
    return sign_in_by_code(the("LX"))


def by_a_line_with_an_older_password() -> Browser:
    take_lines(mallory(), mallory(line_id="LB", msisdn="+12065550122"))
    known_for_long()
    with time_machine.travel(timezone.now() - 60 * DAY, tick=False):
        signed_in(the("LX"))
    report(*there_and_back(), *had_it(activated_at="2025-01-01T00:00:00Z"))
    return signed_in(the("LX"))


WAYS = [by_another_number, by_an_end, by_a_line_with_an_older_password]


@pytest.mark.parametrize("move", WAYS)
def test_nobody_opens_what_was_moved_for_a_day(victim: Line, move: Callable[[], Browser]) -> None:
    browser = move()
    assert set(Disclosure.objects.values_list("line_id", flat=True)) == {the("LX").pk}
    until = queries.get_hold_end(line=the("LX"), at=timezone.now())
    assert until is not None
    assert until - timezone.now() > DAY - MINUTE
    assert browser.post("/accounts/password/set/", {"password": PASSWORD}).status_code in {302, 403}
    pages = [browser.get(f"/{page}") for page in ("history/", "home/", "history/download.csv", "choices/")]
    assert [page.status_code for page in pages] == [403] * 4
    words = (
        "Location history of another line has moved to this one. For 24 hours no one can open it, in case our records "
        "are wrong."
    )
    assert words in pages[0].text
    with standing_still(until + MINUTE):
        assert "Roadaid" in signed_in(the("LX")).get("/history/").text


@pytest.mark.parametrize("move", WAYS)
def test_who_lost_it_is_warned_and_officers_are_told(victim: Line, move: Callable[[], Browser]) -> None:
    move()
    told = as_contact_reads(MOVED)
    ended = "localhost: About your other phone line: our records now show that your phone line has ended. "
    texts = [text.text for text in texts_to(SAFE)]
    if move is by_an_end:
        assert [text.startswith(ended) for text in texts] == [True]
    else:
        assert (texts[-1], MOVED in [text.text for text in texts_to(NUMBER)]) == (told, True)
        # Nobody else is, not who got it.
        assert {*Message.objects.filter(about="moved:history").values_list("line_id", flat=True)} == {victim.pk}
    incident = Incident.objects.get()
    assert (incident.kind, incident.count, incident.closed_at) == ("history_moved", 4, None)
    logged = AuditEvent.objects.filter(action="line.history_moved")
    assert set(logged.values_list("line_id", flat=True)) == {victim.pk, the("LX").pk}
    # Who lost it still opens their own.
    assert [*Line.objects.filter(history_known_at__isnull=False)] == [the("LX")]


def test_neither_holder_nor_helper_opens_what_was_moved(victim: Line) -> None:
    take_lines(line_row(line_id="LF", account_id="AF", holder_name="F", msisdn="+12065550188"))
    by_a_line_with_an_older_password()
    friend, now = signed_in(the("LF")), timezone.now()
    # Asked before it was held.
    asked = Delegation.objects.create(
        id=uuid4(), line=the("LX"), by=user_of(the("LX")), asked_hash=number_hash("+12065550188"),
        asked_sealed=seal("+12065550188"), may=Delegation.May.SEE, asked_at=now, ends_at=now + 9 * DAY,
    )  # fmt: skip
    assert friend.post(f"/lines/asked/{asked.pk}/", {"answer": "yes"}).url == "/lines/"
    for browser in (friend, signed_in(the("LB"))):
        assert browser.get("/history/").status_code == 200
        page = browser.get(f"/history/?line={the('LX').public_id}")
        assert (page.status_code, "Roadaid" in page.text) == (403, False)
        assert browser.get("/lines/").text.count("Nothing is stopped") == 1  # on their own line


def test_an_older_password_does_not_show_whose_it_is(victim: Line) -> None:
    """Not even where the number alone would hold the line, for which an older password is enough to read."""
    browser = by_a_line_with_an_older_password()
    assert Line.objects.get(carrier_id="LX").number_changed_at is not None
    assert is_on_hold_only_for_new_number(line=the("LX"), at=timezone.now()) is False
    assert browser.get("/history/").status_code == 403


def test_a_helper_with_a_new_number_opens_nothing_either(victim: Line) -> None:
    take_lines(line_row(line_id="LF", account_id="AF", holder_name="F", msisdn="+12065550188"))
    by_a_line_with_an_older_password()
    with time_machine.travel(timezone.now() - 60 * DAY, tick=False):
        signed_in(the("LB"))
    report(mallory(line_id="LB", msisdn="+12065550123", number_changed_at=ago(MINUTE)))
    browser = signed_in(the("LB"))
    assert browser.get("/history/").status_code == 200
    assert browser.get(f"/history/?line={the('LX').public_id}").status_code == 403


def test_what_an_order_hides_holds_nothing(victim: Line) -> None:
    hidden = release_row(id="secret", occurred_at=ago(29 * DAY), suppressed_until="2190-01-01T00:00:00Z")
    take_releases(hidden | {"authority_ref": "order"})
    since, until = ago(30 * DAY), ago(28 * DAY)
    report(
        line_row(msisdn=BURNER, number_changed_at=since), line_row(number_changed_at=until),
        mallory(msisdn=NUMBER, activated_at=since), mallory(activated_at=since, number_changed_at=until),
    )  # fmt: skip
    assert Disclosure.objects.get(source_id="secret").line_id == the("LX").pk
    assert (the("LX").history_known_at, Incident.objects.count()) == (None, 0)


def test_what_holds_a_history_moves_on_and_never_back(victim: Line, refused: Refusal) -> None:
    Line.objects.update(history_known_at=timezone.now())
    for moment in ("NULL", "now() - interval '1 day'"):
        change = f"UPDATE accounts_line SET history_known_at = {moment}"
        refused(change, constraint="accounts_history_known_stays")
