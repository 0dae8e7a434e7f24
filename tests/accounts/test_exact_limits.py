"""Limits are reached at their very number; whose number, contact and line it is changes at the very moment."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from accounts import queries
from accounts.actions import delegations as delegations_actions
from accounts.actions import sms_outbox
from accounts.actions.codes import FRESH, LONG, SHORT, text_code, verify_code
from accounts.actions.contacts import prove_contact, request_contact
from accounts.actions.delegations import NotDelegated
from accounts.actions.people import get_or_create_person
from accounts.actions.rate_limits import GuessTarget, TooManyTries, count_try
from accounts.actions.sms_outbox import enqueue_alerts, enqueue_email
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, LineNumber, Message, OutgoingEmail, SafeContact, TextedCode, User, WrongCode
from accounts.policies import delegations
from accounts.primitives.browsers import Source
from accounts.primitives.sealing import number_hash, seal
from accounts.primitives.zones import zone_of
from accounts.workers import email_outbox, sms_delivery
from accounts.workers.clocks import forget_codes
from accounts.workers.email_outbox import Mail
from consent.domain.change_notices import MOVED, Change, notify_of_line_moves
from tests.factories import a_line
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.people import NO_CODE, number_of
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("db")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SIGN_IN = TextedCode.Purpose.SIGN_IN
ELSEWHERE, NEXT = "+13605550111", "+13605550112"


@pytest.fixture
def user(line: Line, now: datetime) -> User:
    return get_or_create_person(line=line, at=now)


# Codes


def asked(line: Line, at: datetime) -> str:
    """The code that is texted to whoever asks for one, "" for none."""
    MemoryBackend.outbox.clear()
    text_code(msisdn=number_of(line), purpose=SIGN_IN, asker="b1", at=at)
    return next((text.code for text in MemoryBackend.outbox if text.code), "")


def guess(line: Line, at: datetime) -> None:
    verify_code(msisdn=number_of(line), purpose=SIGN_IN, asker="b1", typed=NO_CODE, at=at)


def test_a_code_is_texted_five_times_and_is_another_ten_minutes_after_it_was_made(line: Line, now: datetime) -> None:
    code = asked(line, now)
    assert [asked(line, now) for _ in range(5)] == [code, code, code, code, ""]
    TextedCode.objects.update(sends=1, sent_at=now + FRESH - MINUTE)
    assert ends_at(lambda at: TextedCode.objects.count() == 1 and asked(line, at) == code, now + FRESH)


@pytest.mark.parametrize(("span", "most"), [(HOUR, 3), (DAY, 8)], ids=["an hour", "a day"])
def test_codes_are_long_while_so_many_went_unused(line: Line, now: datetime, span: timedelta, most: int) -> None:
    # The first is the one that a limit forgets; the others are too far apart for the other limit.
    for made_at in (now, *(now + span * n / most for n in range(2, most))):
        a_code(line, made_at)
    with undone():
        assert len(asked(line, now + span - A_MOMENT)) == SHORT
    a_code(line, now + span / most)
    assert ends_at(lambda at: len(asked(line, at)) == LONG, now + span)


def a_code(line: Line, made_at: datetime) -> None:
    """One that ran out at once, and that nobody typed."""
    mark, lately = number_hash(number_of(line)), made_at - 3 * HOUR
    TextedCode.objects.create(
        id=f"00000000-0000-0000-0000-{TextedCode.objects.count():012}", line=line, purpose=SIGN_IN, number_hash=mark,
        code_sealed=seal("123456"), made_at=made_at, sent_at=lately, long=False, tries_left=20,
    )  # fmt: skip


def test_codes_are_long_after_so_many_guesses(line: Line, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.actions.codes.LONG_AFTER", 2)
    monkeypatch.setattr("accounts.actions.codes.SHORT_COMPARISONS_A_DAY", 3)
    code = asked(line, now)
    for length in (SHORT, LONG):
        guess(line, now)
        # The one that was texted serves on, as long as guesses are compared with it.
        assert asked(line, now) == code
        with undone():
            assert len(asked(line, now + FRESH)) == length
    guess(line, now)
    assert len(asked(line, now)) == LONG

    def are_forgotten(at: datetime) -> bool:
        forget_codes(now=at)
        return not WrongCode.objects.exists()

    assert begins_at(are_forgotten, now + DAY)


def test_who_guessed_too_often_waits_to_the_moment(now: datetime) -> None:
    def may_try(at: datetime) -> bool:
        try:
            count_try(door=GuessTarget.FACTOR, account="7", source=Source("192.0.2.7"), at=at)
        except TooManyTries:
            return False
        return True

    assert [may_try(now) for _ in range(6)] == [True, True, True, True, True, False]
    assert begins_at(may_try, now + MINUTE)


# Whose number and line it is


def number_changes(line: Line, at: datetime) -> None:
    """Let a line have another number from a moment on."""
    LineNumber.objects.filter(line=line).update(ends_at=at)
    LineNumber.objects.create(line=line, msisdn_hash=number_hash(NEXT), msisdn_sealed=seal(NEXT), starts_at=at)


def test_a_line_has_another_number_from_the_moment_on(line: Line, user: User, now: datetime) -> None:
    number_changes(line, now + DAY)
    readings: tuple[Callable[[datetime], object], ...] = (
        lambda at: queries.msisdn_of(line_id=line.pk, at=at),
        lambda at: delegations.get_current_number(line_id=line.pk, at=at),
        lambda at: next(one.msisdn for one in queries.list_lines_of_person(user=user, at=at)),
    )
    for reading in readings:

        def is_next(at: datetime, reading: Callable[[datetime], object] = reading) -> bool:
            return reading(at) == NEXT

        assert begins_at(is_next, now + DAY)


def test_a_line_is_its_person_s_from_its_beginning_to_its_end(line: Line, user: User, now: datetime) -> None:
    def is_theirs(at: datetime) -> bool:
        return [one.line for one in queries.list_lines_of_person(user=user, at=at)] == [line]

    assert begins_at(is_theirs, line.activated_at)
    Line.objects.filter(pk=line.pk).update(deactivated_at=now + DAY)
    assert ends_at(is_theirs, now + DAY)


def test_a_line_gets_news_from_its_number_s_beginning_to_its_end(line: Line, now: datetime) -> None:
    Line.objects.filter(pk=line.pk).update(recorded_at=now - 9 * DAY)

    def news(at: datetime) -> bool:
        return enqueue_alerts(line_ids=[line.pk], kind=Message.Kind.RECORDS, words=lambda _: "New.", at=at) == 1

    LineNumber.objects.filter(line=line).update(ends_at=now + DAY)
    assert ends_at(news, now + DAY)
    assert ends_at(lambda at: delegations.get_current_number(line_id=line.pk, at=at), now + DAY)
    mark = number_hash(NEXT)
    LineNumber.objects.create(line=line, msisdn_hash=mark, msisdn_sealed=seal(NEXT), starts_at=now + 2 * DAY)
    assert begins_at(news, now + 2 * DAY)


def test_a_request_waits_while_the_line_has_the_number(line: Line, user: User, now: datetime) -> None:
    other = a_line(msisdn=ELSEWHERE)
    delegations_actions.delegate(
        line_id=line.pk, user=user, msisdn=ELSEWHERE, may="see", ends_at=now + 30 * DAY, at=now
    )
    lines, numbers = Line.objects.filter(pk=other.pk), LineNumber.objects.filter(line=other)
    ends: tuple[Callable[[], object], ...] = (
        lambda: lines.update(deactivated_at=now + DAY), lambda: numbers.update(ends_at=now + DAY),
    )  # fmt: skip
    for end in ends:
        with undone():
            end()
            assert ends_at(lambda at: delegations.list_open_requests(line_id=other.pk, at=at), now + DAY)


# Who else looks after a line


def test_what_is_over_is_asked_anew_at_its_end(line: Line, user: User, now: datetime) -> None:
    other = a_line(msisdn=ELSEWHERE)
    asked_before = delegations_actions.delegate(
        line_id=line.pk, user=user, msisdn=ELSEWHERE, may="see", ends_at=now + 2 * DAY, at=now
    )
    delegations_actions.answer_delegation(
        delegation_id=asked_before, user=get_or_create_person(line=other, at=now), line_id=other.pk, answer="yes",
        at=now,
    )  # fmt: skip

    def asks(at: datetime) -> bool:
        try:
            delegations_actions.delegate(
                line_id=line.pk, user=user, msisdn=ELSEWHERE, may="see", ends_at=at + DAY, at=at
            )
        except NotDelegated:
            return False
        return True

    assert begins_at(asks, now + 2 * DAY)


def test_a_number_is_texted_twice_a_day_that_it_was_asked(now: datetime) -> None:
    other = a_line(msisdn=ELSEWHERE)

    def is_texted(at: datetime) -> bool:
        line, before = a_line(), Message.objects.filter(line=other).count()
        delegations_actions.delegate(
            line_id=line.pk, user=get_or_create_person(line=line, at=at), msisdn=ELSEWHERE, may="see",
            ends_at=at + 30 * DAY, at=at,
        )  # fmt: skip
        return Message.objects.filter(line=other).count() > before

    assert [is_texted(now) for _ in range(3)] == [True, True, False]
    assert begins_at(is_texted, now + DAY)


def test_a_contact_is_asked_for_anew_after_a_day(line: Line, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.actions.contacts.ASKS_A_DAY", 1)
    request_contact(line_id=line.pk, msisdn=ELSEWHERE, at=now)

    def is_asked(at: datetime) -> bool:
        request_contact(line_id=line.pk, msisdn=NEXT, at=at)
        return SafeContact.objects.count() == 2

    assert begins_at(is_asked, now + DAY)


def test_a_contact_ends_a_day_after_we_knew_of_another_line(line: Line, user: User, now: datetime) -> None:
    request_contact(line_id=line.pk, msisdn=ELSEWHERE, at=now)
    code = next(text.code for text in reversed(MemoryBackend.outbox) if text.code)
    prove_contact(line_id=line.pk, user=user, typed=code, at=now)
    other = a_line(msisdn=ELSEWHERE, activated_at=now + HOUR)

    def has_ended(at: datetime) -> bool:
        sms_delivery.end_reassigned_contacts(now=at)
        return SafeContact.objects.filter(ended_at__isnull=False).exists()

    for known in ({"recorded_at": now + DAY}, {"recorded_at": now, "change_known_at": now + DAY}):
        with undone():
            Line.objects.filter(pk=other.pk).update(**known)
            assert begins_at(has_ended, now + 2 * DAY)


def test_what_was_written_while_a_contact_counted_goes_there(line: Line, user: User, now: datetime) -> None:
    request_contact(line_id=line.pk, msisdn=ELSEWHERE, at=now)
    code = next(text.code for text in reversed(MemoryBackend.outbox) if text.code)
    prove_contact(line_id=line.pk, user=user, typed=code, at=now)
    written = now + 2 * DAY
    sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.STAFF, words="Something.", at=written)
    for ended_at, goes in ((written, 1), (written - A_MOMENT, 0)):
        with undone():
            SafeContact.objects.update(ended_at=ended_at)
            MemoryBackend.outbox.clear()
            sms_delivery.deliver(now=written)
            assert sum("Something." in text.text for text in MemoryBackend.outbox) == goes


# Texts and mails


def test_so_many_warnings_of_a_kind_are_sent_in_a_day(line: Line, now: datetime) -> None:
    def warnings(at: datetime) -> int:
        notify_of_line_moves(lines=[line], change=Change.HISTORY, at=at)
        return Message.objects.count()

    assert [warnings(now) for _ in range(6)] == [1, 2, 3, 4, 5, 5]
    assert begins_at(lambda at: warnings(at) == 6, now + DAY)


def test_all_that_is_seldom_a_person_s_own_doing_is_told_however_often(line: Line, now: datetime) -> None:
    told = {}
    for change in (Change.NUMBER, *MOVED):
        for _ in range(7):
            notify_of_line_moves(lines=[line], change=change, numbers={line.pk: "+12065550188"}, at=now)
        told[change.value] = Message.objects.filter(about=f"moved:{change}").count()
    seldom = ("number", "holder", "joined", "taken", "ended")
    assert told == {**dict.fromkeys(seldom, 7), "sim": 5, "forwarding": 5, "state": 5, "history": 5}


def test_what_nobody_took_is_forgotten_at_its_end(line: Line, now: datetime, settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.STOPPED, words="It happened.", at=now)
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    enqueue_email(line_id=line.pk, to="ada@example.org", mail=Mail("Receipt", "Here."), at=now)
    message, mail = Message.objects.get(), OutgoingEmail.objects.get()
    Message.objects.update(taken_at=now)
    OutgoingEmail.objects.update(taken_at=now)

    def is_forgotten(at: datetime) -> bool:
        sms_delivery.deliver(now=at)
        return not Message.objects.exists()

    def is_mail_forgotten(at: datetime) -> bool:
        email_outbox.deliver(now=at)
        return not OutgoingEmail.objects.exists()

    assert begins_at(is_forgotten, message.expires_at)
    assert begins_at(is_mail_forgotten, mail.expires_at)


def test_saturday_and_sunday_are_no_business_days() -> None:
    zone = zone_of("WA")
    friday = datetime(2026, 10, 2, 17, tzinfo=UTC)
    ends = [delegations.business_days(start=friday, days=days, zone=zone).date().isoformat() for days in (1, 5, 6)]
    assert ends == ["2026-10-05", "2026-10-09", "2026-10-12"]
