"""Promise 7. A line that is moved under its person: they are told wherever they can be reached, and it is held."""

from collections.abc import Callable
from datetime import UTC, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.actions.line_separation import close_separation, request_separation
from accounts.actions.people import start_history_hold
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, LineNumber, Message
from accounts.policies.delegations import HOLD
from accounts.primitives.sealing import number_hash, seal
from accounts.queries import get_hold_end
from accounts.workers import sms_delivery
from audit.models import AuditEvent
from consent.domain.snapshots import reason_against
from consent.feeds.lines import LinesFeed
from consent.models import Choice, ChoiceReceipt
from partners.domain import keys
from partners.models import JurisdictionRule, SigningKey
from tests.clocks import standing_still
from tests.factories import ADS, LONG_AGO, a_campaign, a_line, a_safe_contact, an_approval
from tests.feeds import line_row, ndjson, take_lines, taken, told
from tests.overlapping import overlap
from tests.people import as_contact_reads, sign_in_by_code, signed_in, texts_to
from tests.staff import a_staff_user, an_actor

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
OLD, NEW, SAFE = "+12065550142", "+12065550143", "+14155550199"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LATE = timedelta(hours=25)
MOVES = ("sim_changed_at", "forwarding_changed_at", "number_changed_at")
ANOTHER = {
    "number": "another number", "sim": "another SIM", "forwarding": "new call forwarding",
    "holder": "another account or account holder",
}  # fmt: skip
HELD = {"number": "the new number alone opens none of", "holder": ""}


def ago(span: timedelta) -> str:
    return (timezone.now() - span).astimezone(UTC).isoformat()


def the_line() -> Line:
    return Line.objects.get(carrier_id="L1")


@pytest.fixture
def line() -> Line:
    """A line that an earlier file brought."""
    take_lines(line_row())
    return the_line()


def warning(what: str) -> str:
    """The text in which a line's person reads what was changed."""
    start = f"localhost: our records now show {ANOTHER[what]} for your phone line. If you didn't ask for this, "
    held = HELD.get(what, "nobody can open")
    return f"{start}call us now at the number on your bill." + (
        f" For 24 hours {held} the line's location pages." if held else ""
    )


def read(number: str) -> list[str]:
    return [text.text for text in texts_to(number)]


# --- how long it is held


@pytest.mark.parametrize("moment", MOVES)
def test_a_late_report_holds_a_day_from_its_arrival(line: Line, moment: str) -> None:
    changed = {"msisdn": NEW} if moment == "number_changed_at" else {}
    take_lines(line_row(**changed, **{moment: ago(LATE)}))
    now = timezone.now()
    until = get_hold_end(line=the_line(), at=now)
    assert until is not None
    assert now + HOLD - MINUTE < until <= now + HOLD
    assert sign_in_by_code(the_line()).get("/history/").status_code == 403


@pytest.mark.parametrize("moment", MOVES)
def test_a_first_import_holds_from_when_it_was(moment: str) -> None:
    later = {"msisdn": NEW} if moment == "number_changed_at" else {}
    take_lines(line_row(), line_row(**later, **{moment: ago(LATE)}))
    assert get_hold_end(line=the_line(), at=timezone.now()) is None
    take_lines(line_row(line_id="L2", msisdn="+12065550144", sim_changed_at=ago(2 * HOUR)))
    until = get_hold_end(line=Line.objects.get(carrier_id="L2"), at=timezone.now())
    assert until is not None
    assert abs(until - timezone.now() - 22 * HOUR) < MINUTE


@pytest.mark.parametrize("beside", ["sim_changed_at", "forwarding_changed_at"])
@pytest.mark.parametrize("together", [True, False])
def test_a_move_reported_late_is_near_a_number_by_its_arrival(line: Line, beside: str, *, together: bool) -> None:
    """Whoever had the phone's texts for a month may have chosen the password."""
    browser = signed_in(the_line())
    moved = {beside: ago(30 * 24 * HOUR)}
    if not together:
        take_lines(line_row(**moved))
    take_lines(line_row(msisdn=NEW, number_changed_at=ago(MINUTE * 0), **moved))
    assert [browser.get(page).status_code for page in ("/home/", "/history/")] == [403, 403]


def test_a_new_number_alone_leaves_an_older_password_reading(line: Line) -> None:
    browser = signed_in(the_line())
    take_lines(line_row(msisdn=NEW, number_changed_at=ago(MINUTE * 0)))
    assert [browser.get(page).status_code for page in ("/home/", "/history/")] == [200, 200]


def test_the_same_row_again_holds_no_longer(line: Line) -> None:
    row = line_row(sim_changed_at=ago(LATE))
    take_lines(row)
    first = get_hold_end(line=the_line(), at=timezone.now())
    take_lines(row)
    assert get_hold_end(line=the_line(), at=timezone.now()) == first


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("moment", MOVES)
def test_a_line_that_continues_a_held_one_is_held_as_long(line: Line, moment: str, *, late: bool) -> None:
    """Also where a later row is the first to name the line before."""
    moved = {moment: ago(LATE), "msisdn": NEW if moment == "number_changed_at" else OLD}
    take_lines(line_row(**moved))
    until = get_hold_end(line=the_line(), at=timezone.now())
    assert until is not None
    take_lines(line_row(**moved, deactivated_at=ago(MINUTE)))
    next_row = {"line_id": "L2", "msisdn": moved["msisdn"], "activated_at": ago(MINUTE / 2)}
    if late:
        take_lines(line_row(**next_row))
    assert told(take_lines(line_row(**next_row, continues_line_id="L1"))) == [("accepted",)]
    assert get_hold_end(line=Line.objects.get(carrier_id="L2"), at=timezone.now()) == until
    assert sign_in_by_code(Line.objects.get(carrier_id="L2")).get("/history/").status_code == 403


def changed_row(moment: str) -> dict[str, str]:
    return {moment: ago(LATE)} | ({"msisdn": NEW} if moment == "number_changed_at" else {})


@pytest.mark.parametrize("in_one_file", [True, False])
@pytest.mark.parametrize("moment", MOVES)
def test_a_change_reported_after_the_line_that_continues_it_holds_that_too(
    line: Line, moment: str, *, in_one_file: bool
) -> None:
    """However far: the next line's successor, too. Its person is told; what one file brings is no news."""
    over = ago(2 * MINUTE)
    next_rows = [
        line_row(line_id="L2", activated_at=ago(MINUTE), deactivated_at=ago(MINUTE / 2), continues_line_id="L1"),
        line_row(line_id="L3", activated_at=ago(MINUTE / 3), continues_line_id="L2"),
    ]
    late = line_row(**changed_row(moment), deactivated_at=over)
    if in_one_file:
        assert told(take_lines(line_row(deactivated_at=over), *next_rows, late)) == [("accepted",)] * 4
    else:
        take_lines(line_row(deactivated_at=over), *next_rows)
        browser = signed_in(Line.objects.get(carrier_id="L3"))
        assert browser.get("/history/").status_code == 200
        assert told(take_lines(late)) == [("accepted",)]
        assert read(OLD)[-1] == warning(moment.removesuffix("_changed_at"))
        assert browser.get("/history/").status_code == 403
    until = get_hold_end(line=the_line(), at=timezone.now())
    assert until is not None
    ends = [get_hold_end(line=one, at=timezone.now()) for one in Line.objects.filter(carrier_id__in=("L2", "L3"))]
    assert ends == [until, until]
    # What came before holds it no longer, and nothing tells it twice.
    take_lines(late)
    assert get_hold_end(line=Line.objects.get(carrier_id="L3"), at=timezone.now()) == until
    told_of = AuditEvent.objects.filter(line_id=Line.objects.get(carrier_id="L3").pk, action="line.changed")
    before = {"changed": [moment], "continues": Line.objects.get(carrier_id="L2").pk}
    assert [(one.actor, one.detail) for one in told_of] == [("import:lines", before)] * (not in_one_file)
    assert read(OLD).count(warning(moment.removesuffix("_changed_at"))) == (0 if in_one_file else 1)


@pytest.mark.parametrize("late", [True, False])
def test_another_holder_of_the_line_before_holds_as_long_in_either_order(*, late: bool) -> None:
    first = line_row(user_role="user")
    rows = [
        first | {"holder_name": "Boris Crane"},
        line_row(line_id="L2", msisdn=NEW, user_role="user", activated_at=ago(MINUTE), continues_line_id="L1"),
    ]
    take_lines(first)
    take_lines(first | {"deactivated_at": ago(2 * MINUTE)})
    rows[0]["deactivated_at"] = ago(2 * MINUTE)
    for row in reversed(rows) if late else rows:
        take_lines(row)
    known = the_line().holder_known_at
    assert known is not None
    assert Line.objects.get(carrier_id="L2").holder_known_at == known


def test_releases_that_come_to_the_line_before_hold_the_line_that_continues_it(line: Line) -> None:
    take_lines(line_row(deactivated_at=ago(2 * MINUTE)))
    take_lines(line_row(line_id="L2", activated_at=ago(MINUTE), continues_line_id="L1"))
    start_history_hold(line_ids=[line.pk], at=timezone.now())
    until = get_hold_end(line=the_line(), at=timezone.now())
    assert until is not None
    assert get_hold_end(line=Line.objects.get(carrier_id="L2"), at=timezone.now()) == until


def test_a_line_that_begins_while_the_one_before_is_being_held_is_held_too(line: Line) -> None:
    take_lines(line_row(deactivated_at=ago(2 * MINUTE)))
    next_row = line_row(line_id="L2", activated_at=ago(MINUTE), continues_line_id="L1")
    overlap(lambda: start_history_hold(line_ids=[line.pk], at=timezone.now()), lambda: take_lines(next_row))
    ends = [get_hold_end(line=one, at=timezone.now()) for one in Line.objects.all()]
    assert ends == [ends[0]] * 2 != [None] * 2


@pytest.mark.parametrize("beside", ["sim_changed_at", "forwarding_changed_at"])
def test_a_move_of_the_line_before_is_near_a_new_number_too(line: Line, beside: str) -> None:
    take_lines(line_row(**{beside: ago(3 * 24 * HOUR)}))
    next_row = {"line_id": "L2", "activated_at": ago(2 * 24 * HOUR), "continues_line_id": "L1"}
    take_lines(line_row(deactivated_at=ago(2 * 24 * HOUR + MINUTE)), line_row(**next_row))
    a_day_ago = timezone.now() - 25 * HOUR
    Line.objects.update(recorded_at=a_day_ago)
    browser = signed_in(Line.objects.get(carrier_id="L2"))
    take_lines(line_row(**next_row, msisdn=NEW, number_changed_at=ago(MINUTE * 0)))
    assert [browser.get(page).status_code for page in ("/home/", "/history/")] == [403, 403]


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("ends", [True, False])
def test_a_line_that_continues_another_with_another_phone_is_held(line: Line, *, ends: bool, late: bool) -> None:
    """It shows what that line's person stopped. Who still has that line is told; whose has ended was told so."""
    signed_in(line).post("/choices/stop/", {"scope": "all"})
    next_row = {"line_id": "L2", "account_id": "A9", "holder_name": "B", "user_role": "user", "msisdn": NEW}
    MemoryBackend.outbox.clear()
    if ends:
        take_lines(line_row(deactivated_at=ago(LATE)))
    if late:
        take_lines(line_row(**next_row))
    take_lines(line_row(**next_row, continues_line_id="L1"))
    taken_over = signed_in(Line.objects.get(carrier_id="L2"))
    assert [taken_over.get(page).status_code for page in ("/home/", "/choices/")] == [403, 403]
    assert [text.startswith(warning("number")[:60]) for text in read(OLD)] == [not ends]
    with standing_still(timezone.now() + HOLD + MINUTE):
        assert signed_in(Line.objects.get(carrier_id="L2")).get("/choices/").status_code == 200


def test_a_line_that_continues_another_is_held_for_what_its_first_import_changes(line: Line) -> None:
    """However far, and whatever rows lie between: the first of them has that line's number."""
    next_row = {"line_id": "L2", "activated_at": ago(26 * HOUR), "continues_line_id": "L1"}
    ended = line_row(deactivated_at=ago(27 * HOUR))
    take_lines(ended, line_row(**next_row), line_row(**next_row, msisdn=NEW, number_changed_at=ago(LATE)))
    assert sign_in_by_code(Line.objects.get(carrier_id="L2")).get("/choices/").status_code == 403
    assert warning("number") in read(OLD)
    third = line_row(line_id="L3", msisdn=SAFE, activated_at=ago(HOUR), continues_line_id="L2")
    take_lines(line_row(**next_row, msisdn=NEW, number_changed_at=ago(LATE), deactivated_at=ago(2 * HOUR)), third)
    with standing_still(timezone.now() + HOLD - MINUTE):
        assert get_hold_end(line=Line.objects.get(carrier_id="L3"), at=timezone.now()) is not None


def test_a_newer_sim_of_a_line_that_continues_another_holds_from_its_arrival(line: Line) -> None:
    next_row = {"line_id": "L2", "activated_at": ago(26 * HOUR), "continues_line_id": "L1"}
    take_lines(line_row(deactivated_at=ago(27 * HOUR)), line_row(**next_row, sim_changed_at=ago(LATE)))
    assert sign_in_by_code(Line.objects.get(carrier_id="L2")).get("/choices/").status_code == 403


def test_who_has_no_password_is_held_too(line: Line) -> None:
    take_lines(line_row(msisdn=NEW, number_changed_at=ago(LATE)))
    browser = sign_in_by_code(the_line())
    assert browser.post("/accounts/password/set/", {"password": "three quiet words"}).status_code == 403
    assert [browser.get(page).status_code for page in ("/home/", "/history/", "/choices/")] == [403, 403, 403]
    assert browser.post("/choices/stop/", {"scope": "all"}).status_code == 302
    assert Choice.objects.get().kind == "stop"
    receipt = keys.verify_own(use=SigningKey.Use.RECEIPT, token=ChoiceReceipt.objects.get().token)
    assert str(receipt["phone"])[-2:] == NEW[-2:]


# --- who is told


def test_a_number_change_tells_old_number_and_safe_contact(line: Line) -> None:
    a_safe_contact(line, msisdn=SAFE, at=timezone.now() - timedelta(days=3))
    take_lines(line_row(msisdn=NEW, number_changed_at=ago(LATE)))
    assert read(OLD) == [warning("number")]
    assert read(SAFE) == [as_contact_reads(warning("number"))]
    # The new number may be with whoever took the line over: it reads none of it.
    assert warning("number") not in read(NEW)
    assert Message.objects.filter(kind="moved").count() == 2
    for text in read(OLD) + read(SAFE):
        assert not {"0143", "555", NEW} & set(text.replace("-", " ").split())


def a_line_begins_with_it() -> None:
    take_lines(line_row(line_id="L9", account_id="A9", msisdn=SAFE, activated_at=ago(HOUR)))


def a_line_had_it_for_a_time() -> None:
    other = a_line(account="A9")
    Line.objects.filter(pk=other.pk).update(recorded_at=timezone.now() - timedelta(days=9))
    now, mark = timezone.now(), number_hash(SAFE)
    LineNumber.objects.create(
        line=other, msisdn_hash=mark, msisdn_sealed=seal(SAFE), starts_at=now - 2 * HOUR, ends_at=now - HOUR
    )


@pytest.mark.parametrize("claims", [a_line_begins_with_it, a_line_had_it_for_a_time], ids=["begins", "had"])
def test_no_line_with_the_safe_contact_s_number_silences_a_warning(line: Line, claims: Callable[[], None]) -> None:
    a_safe_contact(line, msisdn=SAFE, at=timezone.now() - timedelta(days=3))
    claims()
    take_lines(line_row(msisdn=NEW, number_changed_at=ago(LATE)))
    assert as_contact_reads(warning("number")) in read(SAFE)


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("sim", {"sim_changed_at": LATE}),
        ("forwarding", {"forwarding_changed_at": LATE}),
        ("holder", {"holder_name": "Boris Crane"}),
        ("holder", {"account_id": "A9"}),
    ],
)
def test_other_changes_tell_the_phone_and_the_safe_contact(what: str, changes: dict[str, object]) -> None:
    row = line_row(user_role="user")
    take_lines(row)
    a_safe_contact(the_line(), msisdn=SAFE, at=timezone.now() - timedelta(days=3))
    take_lines(row | {name: ago(value) if isinstance(value, timedelta) else value for name, value in changes.items()})
    assert read(OLD) == [warning(what)]
    assert read(SAFE) == [as_contact_reads(warning(what))]


def test_an_end_is_told_once_whatever_else_the_row_says(line: Line) -> None:
    take_lines(line_row(deactivated_at=ago(MINUTE), sim_changed_at=ago(HOUR)))
    ended = "localhost: our records now show that your phone line has ended. If you didn't ask for this, call us now"
    assert read(OLD) == [f"{ended} at the number on your bill."]


TAKEN = "localhost: our records now show this number on another phone line, so what you stopped before may no longer"


def given_back(line_id: str, **more: object) -> tuple[dict[str, object], ...]:
    """A line that begins with the old number, and has ended since."""
    return (line_row(line_id=line_id, activated_at=ago(24 * HOUR), deactivated_at=ago(23 * HOUR), **more),)


def taken_in_between(line_id: str, **more: object) -> tuple[dict[str, object], ...]:
    """A known line that, as the file says, had the old number for a time before the one it has now."""
    began = {"line_id": line_id, "activated_at": "2025-01-01T00:00:00Z", **more}
    take_lines(line_row(**began, msisdn=SAFE))
    last = line_row(**began, msisdn="+12065550177", number_changed_at=ago(22 * HOUR))
    return last, line_row(**began, msisdn=OLD, number_changed_at=ago(24 * HOUR))


@pytest.mark.parametrize("since", [given_back, taken_in_between])
def test_a_number_since_another_line_s_is_told_that_alone(
    line: Line, since: Callable[..., tuple[dict[str, object], ...]]
) -> None:
    """It may be another person's by now, or still its own, while somebody lays the line between to keep it quiet."""
    between = since("L2", account_id="A9")
    take_lines(line_row(msisdn=NEW, number_changed_at=ago(LATE)), *between)
    assert [text.startswith(TAKEN) for text in read(OLD)] == [True]


def test_a_number_that_becomes_another_s_is_told_nothing(line: Line, settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    take_lines(line_row(msisdn=NEW, number_changed_at=ago(LATE)))
    waiting = Message.objects.filter(kind="moved")
    assert waiting.count() == 1
    other = a_line()
    LineNumber.objects.create(
        line=other, msisdn_hash=number_hash(OLD), msisdn_sealed=seal(OLD), starts_at=timezone.now()
    )
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    sms_delivery.deliver(now=timezone.now() + HOUR)
    assert (read(OLD), waiting.count()) == ([], 0)


def test_nothing_is_told_where_the_line_leaves_in_confidence(line: Line) -> None:
    user = a_staff_user("subscriber")
    request_separation(line_id=line.pk, user=user, reach="-", note="", at=timezone.now())
    a_safe_contact(line, msisdn=SAFE, at=timezone.now() - timedelta(days=3))
    Line.objects.update(recorded_at=timezone.now() - timedelta(days=3))
    take_lines(line_row(msisdn=NEW, number_changed_at=ago(LATE), sim_changed_at=ago(LATE)))
    separation = line.separations.get()
    close_separation(
        separation_id=separation.pk, done=True, tell_from=timezone.now() + timedelta(days=30), actor=an_actor(),
        reason="Done.", at=timezone.now(),
    )  # fmt: skip
    take_lines(line_row(msisdn=NEW, number_changed_at=ago(LATE), sim_changed_at=ago(HOUR), account_id="A9"))
    assert Message.objects.count() == 0
    assert get_hold_end(line=the_line(), at=timezone.now()) is not None


def test_others_on_the_account_are_told_nothing() -> None:
    grown, child = line_row(user_role="user"), line_row(line_id="L3", msisdn="+12065550133", user_role="minor")
    take_lines(line_row(line_id="L2", msisdn="+12065550122"), grown, child)
    take_lines(grown | {"msisdn": NEW, "number_changed_at": ago(LATE)}, child | {"sim_changed_at": ago(LATE)})
    assert read("+12065550122") == []
    assert read("+12065550133") == [warning("sim")]


def test_the_first_import_of_a_line_tells_nobody() -> None:
    take_lines(line_row(), line_row(msisdn=NEW, number_changed_at=ago(LATE)), line_row(msisdn=NEW, account_id="A2"))
    assert not Message.objects.filter(kind="moved").exists()


def test_nobody_is_flooded(line: Line) -> None:
    for hours in range(24, 12, -1):
        take_lines(line_row(sim_changed_at=ago(hours * HOUR)))
    assert len(read(OLD)) == 5


# --- who did it


def test_the_trail_names_the_machine_of_each_row() -> None:
    feed = "client:carrier-feed"

    def reported(*rows: dict[str, object]) -> None:
        taken(LinesFeed(actor=feed), ndjson(rows))

    reported(line_row(), line_row(line_id="L0", msisdn="+12065550100", activated_at="2024-01-01T00:00:00Z"))
    reported(line_row(msisdn=NEW, number_changed_at="2026-02-01T00:00:00Z"))
    reported(line_row(msisdn="+12065550144", number_changed_at="2026-01-01T00:00:00Z"))
    reported(line_row(msisdn=NEW, sim_changed_at=ago(HOUR), continues_line_id="L0"))
    reported(line_row(msisdn=NEW, state="OR", account_id="A9", user_role="user"))
    reported(line_row(msisdn=NEW, user_role="user", deactivated_at=ago(MINUTE)))
    of_rows = AuditEvent.objects.filter(line_id=the_line().pk).exclude(actor__startswith="system:").order_by("id")
    assert list(of_rows.values_list("actor", "action")) == [
        (feed, "line.recorded"),
        (feed, "line.number_changed"),
        (feed, "line.earlier_number"),
        (feed, "line.changed"),
        (feed, "line.continued"),
        (feed, "line.changed"),
        (feed, "line.ended"),
        (feed, "line.changed"),
    ]


# --- a line that comes to another holder


def test_a_new_holder_sees_nothing_for_a_day_and_stops() -> None:
    child = line_row(line_id="L3", msisdn="+12065550133", user_role="minor")
    take_lines(line_row(), line_row(line_id="L2", account_id="A2", msisdn="+12065550122", holder_name="B"), child)
    holder = signed_in(Line.objects.get(carrier_id="L2"))
    theirs = Line.objects.get(carrier_id="L3")
    an_approval(theirs, a_campaign())
    take_lines(child | {"account_id": "A2", "holder_name": "B"})
    asked = f"?line={theirs.public_id}"
    pages = [f"/{page}/{asked}" for page in ("home", "history", "choices", "access-log")]
    assert [holder.get(page).status_code for page in pages] == [404] * 4
    lines = holder.get("/lines/").text
    assert "This line or yours is new on the account. You can stop or pause its sharing now." in lines
    assert "Nothing is stopped" in lines.split("(206) 555-0122")[1].split("(206) 555-0133")[0]
    assert "Nothing is stopped" not in lines.split("(206) 555-0133")[1]
    assert holder.post("/choices/stop/", {"scope": "all", "line": str(theirs.public_id)}).status_code == 302
    assert Choice.objects.get().line_id == theirs.pk
    Line.objects.filter(pk=theirs.pk).update(holder_known_at=timezone.now())
    with standing_still(timezone.now() + HOLD + MINUTE):
        assert signed_in(Line.objects.get(carrier_id="L2")).get(pages[1]).status_code == 200


def test_another_state_that_opens_a_use_is_told_at_once() -> None:
    take_lines(line_row(state="MD"), line_row(line_id="L2", account_id="A2", msisdn=NEW, state="MD"))
    Line.objects.update(recorded_at=timezone.now() - timedelta(days=30))
    line, without_a_yes = the_line(), Line.objects.get(carrier_id="L2")
    ads, road = a_campaign(purpose=ADS, consideration="monetary"), a_campaign()
    for campaign in (ads, road):
        an_approval(line, campaign)
    assert (reason_against(line_id=line.pk, campaign=ads), reason_against(line_id=line.pk, campaign=road)) == (
        "jurisdiction_prohibits", "",
    )  # fmt: skip
    rows = (line_row(state="WA"), line_row(line_id="L2", account_id="A2", msisdn=NEW, state="WA"))
    taken(LinesFeed(actor="client:feed-1"), ndjson(rows))
    assert reason_against(line_id=line.pk, campaign=ads) == ""
    assert read(OLD) == [
        (
            "localhost: our records now show a new state for your phone line. Its laws allow sharing that your "
            "old state's don't. If the new state is wrong, call us now at the number on your bill."
        )
    ]
    assert read(NEW) == []
    changed = AuditEvent.objects.filter(action="line.changed").order_by("id").values_list("actor", "line_id", "detail")
    assert list(changed) == [
        ("client:feed-1", line.pk, {"changed": ["state"], "opened": [ads.ref]}),
        ("client:feed-1", without_a_yes.pk, {"changed": ["state"]}),
    ]
    # Back to where it is forbidden, nothing opens, and nobody is told.
    taken(LinesFeed(actor="client:feed-1"), ndjson([line_row(state="MD")]))
    assert len(read(OLD)) == 1
    # Where only a wider circle passes it opens, and again where it may be as exact as was agreed.
    JurisdictionRule.objects.create(
        state="NV", starts_at=LONG_AGO, purposes=[ADS], sale_test=False, source="A law", max_radius_m=534
    )
    for state, texts in (("NV", 2), ("WA", 3), ("NV", 3)):
        taken(LinesFeed(actor="client:feed-1"), ndjson([line_row(state=state)]))
        assert len(read(OLD)) == texts, state
