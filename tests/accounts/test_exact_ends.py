"""Codes, waits, numbers, proofs and texts end at their very moment, not a microsecond later, and not before."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

import audit.actions
from accounts import queries
from accounts.actions import delegations as delegations_actions
from accounts.actions import sms_outbox
from accounts.actions.codes import FRESH, LONG_FRESH, text_code, verify_code
from accounts.actions.contacts import prove_contact, request_contact
from accounts.actions.delegations import NotDelegated, answer_delegation, end_delegation, invite_line_user
from accounts.actions.incoming_texts import claim_text, may_answer
from accounts.actions.line_separation import close_separation, request_separation
from accounts.actions.people import get_or_create_person
from accounts.actions.rate_limits import remember_device
from accounts.actions.sign_ins import NotYet, record_device, replace_password, set_first_password, start_new_password
from accounts.actions.sms_outbox import SentEnough, enqueue_alerts, enqueue_email, enqueue_receipt
from accounts.clients.texts import MemoryBackend
from accounts.domain import auth_factors, sessions
from accounts.domain.session_store import SessionStore
from accounts.models import (
    DeviceCookie,
    KnownDevice,
    Line,
    LineNumber,
    Message,
    NewPassword,
    OutgoingEmail,
    Separation,
    TextedCode,
    Throttle,
    User,
)
from accounts.policies import delegations
from accounts.primitives.sealing import number_hash, seal, token_hash, unseal
from accounts.workers import email_outbox, sms_delivery
from accounts.workers.clocks import forget_codes
from accounts.workers.email_outbox import Mail
from tests.factories import LONG_AGO, a_line
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.people import number_of
from tests.properties import undone
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("db")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SIGN_IN = TextedCode.Purpose.SIGN_IN
ELSEWHERE = "+13605550111"


@pytest.fixture
def user(line: Line, now: datetime) -> User:
    return get_or_create_person(line=line, at=now)


def newest_code() -> str:
    return next(text.code for text in reversed(MemoryBackend.outbox) if text.code)


# Codes


def ask(line: Line, at: datetime) -> str:
    text_code(
        msisdn=queries.msisdn_of(line_id=line.pk, at=at), purpose=SIGN_IN, asker="b1", at=at
    )  # fmt: skip
    return newest_code()


def opens(line: Line, code: str) -> Callable[[datetime], object]:
    return lambda at: verify_code(
        msisdn=queries.msisdn_of(line_id=line.pk, at=at), purpose=SIGN_IN, asker="b1", typed=code, at=at
    )


@pytest.mark.parametrize(("is_long", "lasts"), [(False, FRESH), (True, LONG_FRESH)], ids=["short", "long"])
def test_a_code_lasts_from_when_it_was_last_sent(line: Line, now: datetime, is_long: bool, lasts: timedelta) -> None:
    code = ask(line, now)
    TextedCode.objects.update(long=is_long)
    assert ends_at(opens(line, code), now + lasts)
    again = now + lasts - A_MOMENT
    assert ask(line, again) == code
    assert ends_at(opens(line, code), again + lasts)


def test_once_a_code_is_over_another_is_made(line: Line, now: datetime) -> None:
    code = ask(line, now)
    assert ends_at(lambda at: ask(line, at) == code, now + FRESH)


def test_codes_are_forgotten_a_day_after_they_were_sent(line: Line, now: datetime) -> None:
    ask(line, now)
    assert begins_at(lambda at: forget_codes(now=at), now + DAY)


def test_what_slows_guessing_down_is_kept_until_it_has_faded(now: datetime) -> None:
    Throttle.objects.create(mark_hash=b"m", level_milli=2000, last_at=now, wait_until=now)

    def is_kept(at: datetime) -> bool:
        forget_codes(now=at)
        return Throttle.objects.exists()

    assert ends_at(is_kept, now + 3 * DAY)


def test_wrong_guesses_count_for_a_day(line: Line, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.actions.codes.SHORT_COMPARISONS_A_DAY", 1)
    ask(line, now)
    opens(line, "0000000")(now)
    code = ask(line, now + DAY)
    assert begins_at(opens(line, code), now + DAY)


def test_a_browser_that_never_came_back_is_known_for_a_year(user: User, now: datetime) -> None:
    remember_device(user_id=user.pk, token="one", at=now)

    def is_known(at: datetime) -> bool:
        forget_codes(now=at)
        return DeviceCookie.objects.exists()

    assert ends_at(is_known, now + 365 * DAY)


def test_the_code_of_a_safe_contact_lasts_ten_minutes(line: Line, user: User, now: datetime) -> None:
    request_contact(line_id=line.pk, msisdn=ELSEWHERE, at=now)
    code = newest_code()
    assert ends_at(
        lambda at: prove_contact(line_id=line.pk, user=user, typed=code, at=at), now + 10 * MINUTE
    )  # fmt: skip
    assert ends_at(lambda at: delegations.get_pending_contact(line_id=line.pk, at=at), now + 10 * MINUTE)


# Whose number and line it is


def test_line_has_its_number_from_its_beginning_to_its_end(now: datetime) -> None:
    line = a_line(msisdn=ELSEWHERE, activated_at=now, deactivated_at=now + DAY)

    def is_theirs(at: datetime) -> bool:
        return queries.line_of_number(msisdn=ELSEWHERE, at=at) == line

    assert begins_at(is_theirs, now)
    assert ends_at(is_theirs, now + DAY)
    assert begins_at(lambda at: queries.line_named(carrier_id=line.carrier_id, msisdn="", at=at), now)
    assert ends_at(lambda at: queries.line_named(carrier_id=line.carrier_id, msisdn="", at=at), now + DAY)


def test_a_number_is_another_line_s_from_the_moment_on(line: Line, now: datetime) -> None:
    number = line.numbers.get()
    msisdn = queries.msisdn_of(line_id=line.pk, at=now)
    LineNumber.objects.filter(pk=number.pk).update(ends_at=now)
    next_one = a_line(activated_at=LONG_AGO)
    LineNumber.objects.filter(line=next_one).update(ends_at=now)
    LineNumber.objects.create(line=next_one, msisdn_hash=number_hash(msisdn), msisdn_sealed=seal(msisdn), starts_at=now)
    assert ends_at(lambda at: queries.line_of_number(msisdn=msisdn, at=at) == line, now)
    assert begins_at(lambda at: queries.line_of_number(msisdn=msisdn, at=at) == next_one, now)


@pytest.mark.parametrize("what", ["sim_changed_at", "number_changed_at", "forwarding_changed_at"])
def test_a_change_holds_for_a_day_what_lets_somebody_see(line: Line, now: datetime, what: str) -> None:
    # Long over by the database's clock, which is asked as well.
    setattr(line, what, now - 2 * DAY)
    assert ends_at(lambda at: queries.get_hold_end(line=line, at=at), now - DAY)
    setattr(line, what, line.activated_at)
    assert queries.get_hold_end(line=line, at=line.activated_at) is None
    setattr(line, what, line.activated_at + A_MOMENT)
    assert queries.get_hold_end(line=line, at=line.activated_at + A_MOMENT) is not None


# Passwords


def test_the_wait_for_a_new_password_counts_for_a_week(user: User, now: datetime) -> None:
    user = set_first_password(user=user, password="three quiet words", at=now)
    start_new_password(user=user, at=now)
    waited = NewPassword.objects.get()
    NewPassword.objects.update(token_hash=token_hash(token="in the link"))

    def is_replaced(at: datetime) -> bool:
        try:
            replace_password(user=user, password="four other quiet words", at=at)
        except NotYet:
            return False
        return True

    assert begins_at(is_replaced, now + DAY)
    assert ends_at(is_replaced, now + 8 * DAY)
    assert ends_at(lambda at: auth_factors.get_pending_password(user=user, at=at), waited.expires_at)
    assert ends_at(lambda at: auth_factors.find_pending_password(token="in the link", at=at), waited.expires_at)

    # Only then may another wait begin.
    def begins_anew(at: datetime) -> bool:
        start_new_password(user=user, at=at)
        return NewPassword.objects.count() == 2

    assert begins_at(begins_anew, waited.expires_at)


# Who else looks after a line


def test_what_was_asked_waits_a_week(line: Line, user: User, now: datetime) -> None:
    other = a_line(msisdn=ELSEWHERE)
    helper = get_or_create_person(line=other, at=now)
    ends = now + 30 * DAY
    asked = delegations_actions.delegate(line_id=line.pk, user=user, msisdn=ELSEWHERE, may="see", ends_at=ends, at=now)

    def waits(at: datetime) -> object:
        return delegations.list_open_requests(line_id=other.pk, at=at)

    assert ends_at(waits, now + 7 * DAY)
    assert ends_at(lambda at: delegations.list_given_delegations(line_id=line.pk, at=at), now + 7 * DAY)

    def is_asked_anew(at: datetime) -> bool:
        try:
            delegations_actions.delegate(line_id=line.pk, user=user, msisdn=ELSEWHERE, may="see", ends_at=ends, at=at)
        except NotDelegated:
            return False
        return True

    assert begins_at(is_asked_anew, now + 7 * DAY)
    answer_delegation(delegation_id=asked, user=helper, line_id=other.pk, answer="yes", at=now)
    for known in (
        lambda at: delegations.list_given_delegations(line_id=line.pk, at=at),
        lambda at: delegations.list_received_delegations(user=helper, at=at),
        lambda at: [one for one in queries.list_lines_of_person(user=helper, at=at) if one.line == line],
    ):
        assert ends_at(known, ends)

    def is_said_again(at: datetime) -> bool:
        try:
            answer_delegation(delegation_id=asked, user=helper, line_id=other.pk, answer="yes", at=at)
        except NotDelegated:
            return False
        return True

    assert ends_at(is_said_again, ends)


def test_a_number_is_texted_of_so_many_requests_a_day_and_no_more(now: datetime) -> None:
    asked = a_line(msisdn=ELSEWHERE)

    def is_texted(at: datetime) -> bool:
        line, before = a_line(), Message.objects.filter(line=asked).count()
        user = get_or_create_person(line=line, at=at)
        delegations_actions.delegate(
            line_id=line.pk, user=user, msisdn=ELSEWHERE, may="see", ends_at=at + 30 * DAY, at=at
        )
        return Message.objects.filter(line=asked).count() > before

    assert [is_texted(now) for _ in range(3)] == [True, True, False]
    assert begins_at(is_texted, now + DAY)


def test_so_many_wait_for_an_answer_and_no_more(line: Line, user: User, now: datetime) -> None:
    def asks(at: datetime, n: int = 9) -> bool:
        try:
            delegations_actions.delegate(
                line_id=line.pk, user=user, msisdn=f"+1360555012{n}", may="see", ends_at=at + 30 * DAY, at=at
            )
        except NotDelegated:
            return False
        return True

    assert all(asks(now + n * DAY, n) for n in range(5))
    # A week after it was asked the first waits no more.
    assert begins_at(asks, now + 7 * DAY)


@pytest.mark.parametrize(("numbers", "most"), [(1, 2), (9, 5)], ids=["one number", "any numbers"])
def test_so_often_is_asked_in_a_day(line: Line, user: User, now: datetime, numbers: int, most: int) -> None:
    asked = count()

    def asks(at: datetime) -> bool:
        msisdn = f"+1360555012{next(asked) % numbers}"
        try:
            made = delegations_actions.delegate(
                line_id=line.pk, user=user, msisdn=msisdn, may="see", ends_at=at + 30 * DAY, at=at
            )
        except NotDelegated:
            return False
        end_delegation(delegation_id=made, line_id=line.pk, user=user, at=at)
        return True

    assert [asks(now) for _ in range(most)] == [True] * most
    assert begins_at(asks, now + DAY)


def test_an_invitation_to_sign_in_is_texted_once_a_week(line: Line, user: User, now: datetime) -> None:
    def invites(at: datetime) -> bool:
        invite_line_user(line_id=line.pk, account_id=line.account_id, user=user, at=at)
        return Message.objects.filter(kind=Message.Kind.INVITED).count() == 2

    assert not invites(now)
    assert begins_at(invites, now + 7 * DAY)


def test_a_device_that_never_came_back_is_known_for_a_year_and_a_day(user: User, now: datetime) -> None:
    record_device(user=user, device="one", at=now)

    def is_known(at: datetime) -> bool:
        forget_codes(now=at)
        return KnownDevice.objects.exists()

    assert ends_at(is_known, now + 366 * DAY)


def test_whoever_had_the_number_before_was_asked_something_else(line: Line, user: User, now: datetime) -> None:
    a_line(msisdn=ELSEWHERE, activated_at=LONG_AGO, deactivated_at=now)
    other = a_line(msisdn=ELSEWHERE, activated_at=now)
    asked = delegations_actions.delegate(
        line_id=line.pk, user=user, msisdn=ELSEWHERE, may="see", ends_at=now + 30 * DAY, at=now - A_MOMENT
    )  # fmt: skip
    assert delegations.list_open_requests(line_id=other.pk, at=now) == []
    end_delegation(delegation_id=asked, line_id=line.pk, user=user, at=now)
    delegations_actions.delegate(
        line_id=line.pk, user=user, msisdn=ELSEWHERE, may="see", ends_at=now + 30 * DAY, at=now
    )
    assert len(delegations.list_open_requests(line_id=other.pk, at=now)) == 1
    for rows, changed in (
        (Line.objects.filter(pk=other.pk), {"deactivated_at": now + DAY}),
        (LineNumber.objects.filter(line=other), {"ends_at": now + DAY}),
    ):
        with undone():
            rows.update(**changed)
            assert ends_at(lambda at: delegations.list_open_requests(line_id=other.pk, at=at), now + DAY)


def test_a_line_has_its_number_to_its_end_for_whoever_writes_to_it(now: datetime) -> None:
    line = a_line(activated_at=now)
    line.numbers.update(ends_at=now + DAY)
    for has in (
        lambda at: delegations.get_current_number(line_id=line.pk, at=at),
        lambda at: delegations.list_current_numbers(line_ids=[line.pk], at=at),
    ):
        assert begins_at(has, now)
        assert ends_at(has, now + DAY)


def test_a_person_reads_the_new_number_from_its_moment_on(line: Line, user: User, now: datetime) -> None:
    line.numbers.update(ends_at=now + DAY)
    LineNumber.objects.create(
        line=line, msisdn_hash=number_hash(ELSEWHERE), msisdn_sealed=seal(ELSEWHERE), starts_at=now + DAY
    )

    def reads(at: datetime) -> bool:
        return [one.msisdn for one in queries.list_lines_of_person(user=user, at=at)] == [ELSEWHERE]

    assert begins_at(reads, now + DAY)
    assert begins_at(lambda at: texted_numbers(line, at) == [ELSEWHERE], now + DAY)


def texted_numbers(line: Line, at: datetime) -> list[str]:
    """Where news that comes now waits to go."""
    sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.STAFF, words="Something.", at=at)
    return [unseal(one.to_sealed) for one in Message.objects.filter(line=line)]


def test_a_phone_hears_of_its_contacts_news_for_a_day(line: Line, user: User, now: datetime) -> None:
    request_contact(line_id=line.pk, msisdn=ELSEWHERE, at=now)
    prove_contact(line_id=line.pk, user=user, typed=newest_code(), at=now)
    own = queries.msisdn_of(line_id=line.pk, at=now)

    def texted(at: datetime) -> list[str]:
        before = Message.objects.count()
        sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.STAFF, words="Something.", at=at)
        return [own] if Message.objects.count() - before == 2 else []

    assert ends_at(texted, now + DAY)
    # From the moment on at which its number is another line's, news goes to the phone again.
    a_line(msisdn=ELSEWHERE, activated_at=now + 2 * DAY)
    assert ends_at(lambda at: sms_delivery.list_active_contacts(line_ids=[line.pk], at=at), now + 2 * DAY)


def test_news_for_a_number_given_away_goes_to_no_phone(line: Line, user: User, now: datetime) -> None:
    def choose(number: str, at: datetime) -> None:
        request_contact(line_id=line.pk, msisdn=number, at=at)
        prove_contact(line_id=line.pk, user=user, typed=newest_code(), at=at)

    choose(ELSEWHERE, now)
    sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.STAFF, words="Something.", at=now + 2 * DAY)
    # News goes elsewhere again, and the number that this was for is somebody else's before it is sent.
    choose("+13605550112", now + 2 * DAY + MINUTE)
    a_line(msisdn=ELSEWHERE, activated_at=now + 2 * DAY + HOUR)
    MemoryBackend.outbox.clear()
    sms_delivery.deliver(now=now + 2 * DAY + 2 * HOUR)
    assert [text.msisdn for text in MemoryBackend.outbox if "Something." in text.text] == []


# Texts and mails


def test_what_answers_the_phone_goes_to_no_contact(line: Line, user: User, now: datetime) -> None:
    request_contact(line_id=line.pk, msisdn=ELSEWHERE, at=now)
    prove_contact(line_id=line.pk, user=user, typed=newest_code(), at=now)
    phone = queries.msisdn_of(line_id=line.pk, at=now)
    for kind, numbers in (
        (Message.Kind.REPLY, {phone}),
        (Message.Kind.INVITED, {phone}),
        (Message.Kind.AGENT, {phone}),
        (Message.Kind.RECEIPT, {phone}),
        (Message.Kind.STAFF, {ELSEWHERE}),
        (Message.Kind.CASE, {ELSEWHERE}),
    ):
        before = set(Message.objects.values_list("pk", flat=True))
        # On the contact's first day the phone is told as well.
        sms_outbox.enqueue_text(line_id=line.pk, kind=kind, words="Something.", at=now + DAY)
        made = Message.objects.exclude(pk__in=before)
        assert {unseal(bytes(one.to_sealed)) for one in made} == numbers, kind


def test_a_text_goes_out_from_its_moment_to_its_end(line: Line, now: datetime, settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.STOPPED, words="It happened.", at=now)
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    message = Message.objects.get()

    def goes_out(at: datetime) -> int:
        return sms_delivery.deliver(now=at)

    assert begins_at(goes_out, now)
    # And while the number is the line's own.
    number = line.numbers.get()
    for rows, field, is_exact in (
        (line.numbers.all(), "ends_at", ends_at),
        (Line.objects.filter(pk=line.pk), "activated_at", begins_at),
        (Line.objects.filter(pk=line.pk), "deactivated_at", ends_at),
    ):
        with undone():
            rows.update(**{field: now + HOUR})
            assert is_exact(goes_out, now + HOUR), field
    with undone():
        line.numbers.update(ends_at=now)
        LineNumber.objects.create(
            line=line, msisdn_hash=number.msisdn_hash, msisdn_sealed=number.msisdn_sealed, starts_at=now + HOUR
        )
        assert begins_at(goes_out, now + HOUR)
    assert ends_at(goes_out, message.expires_at)
    assert ends_at(lambda at: sms_delivery.deliver_one(message_id=message.pk, now=at), message.expires_at)


def test_an_answer_to_a_text_is_old_after_an_hour(line: Line, now: datetime, settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.REPLY, words="Hello.", at=now)
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    assert ends_at(lambda at: sms_delivery.deliver(now=at), now + HOUR)


def test_so_does_a_mail(line: Line, now: datetime) -> None:
    enqueue_email(line_id=line.pk, to="ada@example.org", mail=Mail("Receipt", "Here."), at=now)
    assert begins_at(lambda at: email_outbox.deliver(now=at), now)
    assert ends_at(lambda at: email_outbox.deliver(now=at), OutgoingEmail.objects.get().expires_at)


def test_limits_of_a_day_and_an_hour_end_after_them(line: Line, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.actions.sms_outbox.LETTERS_A_DAY", 1)
    monkeypatch.setattr("accounts.actions.sms_outbox.RECEIPT_TEXTS_A_DAY", 1)
    monkeypatch.setattr("accounts.actions.incoming_texts.ANSWERS_AN_HOUR", 1)

    def mails(at: datetime) -> bool:
        try:
            enqueue_email(line_id=line.pk, to="ada@example.org", mail=Mail("Receipt", "Here."), at=at)
        except SentEnough:
            return False
        return True

    def links(at: datetime) -> bool:
        try:
            enqueue_receipt(line_id=line.pk, words="Your receipt", at=at)
        except SentEnough:
            return False
        return True

    # What others had sent counts for nothing here.
    other = a_line()
    enqueue_email(line_id=other.pk, to="bo@example.org", mail=Mail("Receipt", "Here."), at=now)
    enqueue_receipt(line_id=other.pk, words="Your receipt", at=now)
    assert mails(now)
    assert begins_at(mails, now + DAY)
    assert links(now)
    assert begins_at(links, now + DAY)
    assert may_answer(line_id=line.pk, at=now), "no link is an answer"
    sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.REPLY, words="Hello.", at=now)
    assert begins_at(lambda at: may_answer(line_id=line.pk, at=at), now + HOUR)


def test_news_of_one_kind_come_once_a_day(line: Line, now: datetime) -> None:
    Line.objects.filter(pk=line.pk).update(recorded_at=now)

    def news(at: datetime) -> int:
        return enqueue_alerts(line_ids=[line.pk], kind=Message.Kind.RECORDS, words=lambda _: "New.", at=at)

    assert begins_at(news, now + DAY)
    assert news(now + 2 * DAY) == 1
    assert begins_at(news, now + 3 * DAY)


def test_a_text_is_known_for_a_day(now: datetime) -> None:
    claim_text(text_id="m-1", at=now)

    def is_known(at: datetime) -> bool:
        forget_codes(now=at)
        return not claim_text(text_id="m-1", at=at)

    assert ends_at(is_known, now + DAY)


# What a session has shown


def a_request(**session: object) -> HttpRequest:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    request.session.update(session)
    return request


def test_what_was_proved_at_door_lasts_quarter_of_an_hour(line: Line, now: datetime) -> None:
    request = a_request()
    sessions.prove_line(request, door="stop", line_id=line.pk, msisdn=ELSEWHERE, at=now)
    assert ends_at(lambda at: sessions.proved_line(request, door="stop", at=at), now + 15 * MINUTE)
    sessions.store_progress_link(request, token="t", at=now, msisdn=ELSEWHERE)
    assert ends_at(lambda at: sessions.get_recent_link(request, at=at), now + 15 * MINUTE)
    assert ends_at(lambda at: sessions.number_of_link(request, token="t", at=at), now + 15 * MINUTE)


@pytest.mark.parametrize(
    ("is_staff", "unused", "in_all"),
    [(False, timedelta(hours=12), timedelta(days=7)), (True, timedelta(minutes=30), timedelta(hours=12))],
    ids=["a_subscriber", "staff"],
)
def test_a_sign_in_ends_unused_or_in_all(now: datetime, is_staff: bool, unused: timedelta, in_all: timedelta) -> None:
    def is_on(seen: datetime, at: datetime) -> bool:
        clock = {"of": "1", "staff": is_staff, "began": now.isoformat(), "seen": seen.isoformat()}
        request = a_request(**{SESSION_KEY: "1", sessions.CLOCK_KEY: clock})
        return not sessions.is_over(request, by_hand=True, stops=False, at=at)

    assert ends_at(lambda at: is_on(now, at), now + unused)
    assert ends_at(lambda at: is_on(at, at), now + in_all)


def test_a_number_is_nobodys_from_the_moment_its_line_ends(line: Line, now: datetime) -> None:
    Line.objects.filter(pk=line.pk).update(deactivated_at=now + DAY)
    number = number_of(line)
    assert ends_at(lambda at: queries.line_of_number(msisdn=number, at=at) is not None, now + DAY)
    assert ends_at(lambda at: texted_numbers(line, at), now + DAY)


def test_a_holder_may_be_told_from_a_day_ago_to_a_year_ahead(line: Line, now: datetime) -> None:
    request_separation(line_id=line.pk, user=get_or_create_person(line=line, at=now), reach="-", note="", at=now)
    found, officer = Separation.objects.get(), an_actor()

    def is_taken(tell_from: datetime) -> bool:
        try:
            close_separation(
                separation_id=found.pk, done=True, tell_from=tell_from, actor=officer, reason="Done.", at=now
            )
        except ValidationError:
            return False
        return True

    assert begins_at(is_taken, now - DAY + A_MOMENT)
    assert ends_at(is_taken, now + 365 * DAY + A_MOMENT)


def test_a_new_number_is_near_for_a_week_and_a_first_one_is_none(line: Line, now: datetime) -> None:
    def is_held(at: datetime) -> bool:
        return auth_factors.is_on_hold_only_for_new_number(line=line, at=at)

    # Long over by the database's clock, which is asked as well.
    now -= 8 * DAY
    line.number_changed_at = now
    assert ends_at(is_held, now + 7 * DAY)
    # What else moved is near as long, and so is its report; what was set from the change on shows nothing.
    for what in ("sim_changed_at", "forwarding_changed_at", "history_known_at"):
        setattr(line, what, now - 3 * DAY)
        assert begins_at(is_held, now + 4 * DAY), what
        setattr(line, what, None)
    for action, at in (("line.changed", now - 3 * DAY), ("line.password_changed", now - A_MOMENT)):
        detail: dict[str, object] = {"changed": ["sim_changed_at"]} if action == "line.changed" else {}
        audit.actions.record(
            action=action, actor="system:test", target=f"line:{line.pk}", line_id=line.pk, at=at, detail=detail
        )
        assert begins_at(is_held, now + 4 * DAY), action
    audit.actions.record(
        action="line.password_changed", actor="system:test", target=f"line:{line.pk}", line_id=line.pk, at=now
    )
    assert not is_held(now + 5 * DAY)
    line.activated_at = now
    assert not auth_factors.is_on_hold_only_for_new_number(line=line, at=now)
