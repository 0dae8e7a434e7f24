"""Two browsers, two buttons, two workers at the same moment: what may be done once is done once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.tokens import default_token_generator
from django.core import mail
from django.db import transaction
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from pytest_django import Settings

from accounts import queries
from accounts.actions import delegations as delegations_actions
from accounts.actions import sms_outbox
from accounts.actions.codes import text_code, verify_code
from accounts.actions.contacts import prove_contact, remove_contact, request_contact
from accounts.actions.delegations import NotDelegated, answer_delegation, end_delegation
from accounts.actions.incoming_texts import claim_text
from accounts.actions.line_separation import NotOpen, close_separation, request_separation, withdraw_separation
from accounts.actions.people import end_tenures, get_or_create_person, sign_in_by_carrier
from accounts.actions.rate_limits import STRICT, GuessTarget, TooManyTries, count_try
from accounts.actions.sign_ins import (
    HasProofAlready,
    NotYet,
    cancel_new_password,
    record_device,
    replace_password,
    set_first_password,
    start_new_password,
)
from accounts.actions.sms_outbox import SentEnough, enqueue_email, enqueue_receipt
from accounts.actions.staff import (
    NoInvitation,
    NoStaff,
    accept_invitation,
    end_staff,
    invite_again,
    make_staff,
    sign_in_vouched,
)
from accounts.clients.oidc import ClaimedLine, Identity
from accounts.clients.texts import MemoryBackend
from accounts.models import (
    AlertChoice,
    CodeAsker,
    Delegation,
    KnownDevice,
    Line,
    LineUser,
    Message,
    NewPassword,
    OutgoingEmail,
    SafeContact,
    Separation,
    TextedCode,
    Throttle,
    User,
    WrongCode,
)
from accounts.policies import delegations
from accounts.primitives import sealing
from accounts.primitives.browsers import Source
from accounts.primitives.slots import lock_job
from accounts.workers import email_outbox, sms_delivery
from accounts.workers.email_outbox import Mail
from tests.factories import a_line
from tests.overlapping import elsewhere, noted, overlap, overlap_at_a_row, wait_until_it_waits
from tests.people import Browser
from tests.staff import a_staff_user, an_actor

pytestmark = pytest.mark.usefixtures("committed_db")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
STOP, SIGN_IN = TextedCode.Purpose.STOP, TextedCode.Purpose.SIGN_IN
ELSEWHERE = "+13605550111"


def number(line: Line) -> str:
    return queries.msisdn_of(line_id=line.pk, at=timezone.now())


def newest_code() -> str:
    return next(text.code for text in reversed(MemoryBackend.outbox) if text.code)


def a_user(line: Line, at: datetime) -> User:
    return get_or_create_person(line=line, at=at)


def a_user_with_password(line: Line, at: datetime) -> User:
    return set_first_password(user=a_user(line, at), password="three quiet words", at=at)


def texts(line: Line) -> int:
    return Message.objects.filter(line=line).count()


# Codes


def ask_code(line: Line, at: datetime, asker: str = "b1") -> Callable[[], None]:
    msisdn = number(line)
    return lambda: text_code(msisdn=msisdn, purpose=SIGN_IN, asker=asker, at=at)


def type_code(line: Line, typed: str, at: datetime, asker: str = "b1") -> Callable[[], Line | None]:
    msisdn = number(line)
    return lambda: verify_code(msisdn=msisdn, purpose=SIGN_IN, asker=asker, typed=typed, at=at)


def test_a_code_typed_twice_at_once_opens_once(line: Line, now: datetime) -> None:
    ask_code(line, now)()
    takes = type_code(line, newest_code(), now)
    assert overlap(takes, takes) == (line, None)


@pytest.mark.parametrize(
    ("start", "code", "leads"),
    [
        ("/accounts/login/?next=/history/", "/accounts/login/code/", "/history/"),
        ("/stop/", "/stop/code/", "/stop/all/"),
    ],
)
def test_both_presses_of_the_button_under_a_code_lead_on(line: Line, start: str, code: str, leads: str) -> None:
    first, second = Browser(), Browser()
    first.post(start, {"number": number(line)})
    second.client.cookies.update(first.client.cookies)
    typed = {"code": newest_code()}
    pages = overlap(lambda: first.post(code, typed), lambda: second.post(code, typed))
    assert [page.status_code for page in pages] == [302, 302]
    assert pages[0].url == leads
    # The second answers for what the first opened, under the cookie that came with its answer.
    assert (first.get(pages[1].url).url or pages[1].url) == leads
    assert WrongCode.objects.count() == 0


def test_two_who_ask_at_once_are_texted_the_same_code(line: Line, now: datetime) -> None:
    overlap(ask_code(line, now, "b1"), ask_code(line, now, "b2"))
    assert TextedCode.objects.count() == 1
    assert len({text.code for text in MemoryBackend.outbox}) == 1
    assert sorted(CodeAsker.objects.values_list("asker", flat=True)) == ["b1", "b2"]


def test_no_guess_at_the_same_time_is_one_too_many(line: Line, now: datetime) -> None:
    ask_code(line, now)()
    wrong = type_code(line, "0000000", now)
    for _ in range(4):
        assert wrong() is None
    assert overlap(wrong, type_code(line, newest_code(), now)) == (None, None)


def test_nor_is_one_from_another_browser(line: Line, now: datetime) -> None:
    ask_code(line, now, "b1")()
    ask_code(line, now, "b2")()
    TextedCode.objects.update(tries_left=1)
    right = type_code(line, newest_code(), now, "b2")
    assert overlap(type_code(line, "0000000", now, "b1"), right) == (None, None)


def test_no_try_at_a_password_is_one_too_many(now: datetime) -> None:
    def tries() -> object:
        return count_try(door=GuessTarget.AGAIN, account="7", source=Source("198.51.100.0/24"), at=now)

    for _ in range(STRICT.free - 1):
        tries()
    with pytest.raises(TooManyTries):
        overlap_at_a_row(Throttle.objects.all(), tries, tries)


# Who signs in


def test_two_first_sign_ins_at_once_are_one_person(line: Line, now: datetime) -> None:
    first, second = overlap(lambda: a_user(line, now), lambda: a_user(line, now))
    assert first == second
    assert (User.objects.count(), LineUser.objects.count()) == (1, 1)


def test_a_new_device_is_told_of_once(line: Line, now: datetime) -> None:
    user = a_user(line, now)
    record_device(user=user, device="the first", at=now)

    def comes() -> None:
        record_device(user=user, device="another", at=now)

    overlap(comes, comes)
    assert (texts(line), noted("line.new_device"), KnownDevice.objects.count()) == (1, 1, 2)


def test_of_two_first_devices_at_once_one_is_told_of(line: Line, now: datetime) -> None:
    user = a_user(line, now)
    overlap(
        lambda: record_device(user=user, device="one", at=now),
        lambda: record_device(user=user, device="another", at=now),
    )
    assert (texts(line), noted("line.new_device")) == (1, 1)


def test_a_first_password_is_chosen_once(line: Line, now: datetime) -> None:
    user = a_user(line, now)

    def choose(password: str) -> Callable[[], User]:
        return lambda: set_first_password(user=user, password=password, at=now)

    with pytest.raises(HasProofAlready):
        overlap(choose("three quiet words"), choose("four other quiet words"))
    assert User.objects.get(pk=user.pk).check_password("three quiet words")
    assert noted("line.password_chosen") == 1


def test_the_wait_for_a_new_password_begins_and_ends_once(line: Line, now: datetime) -> None:
    user = a_user_with_password(line, now)
    Message.objects.all().delete()

    def asks() -> None:
        start_new_password(user=user, at=now)

    overlap(asks, asks)
    assert (NewPassword.objects.count(), texts(line)) == (1, 1)

    def cancels() -> bool:
        return cancel_new_password(user_id=user.pk, at=now)

    assert overlap(cancels, cancels) == (True, False)
    assert (noted("line.new_password_cancelled"), texts(line)) == (1, 2)


def test_forgotten_password_is_replaced_once_and_not_when_taken_back(line: Line, now: datetime) -> None:
    user = a_user_with_password(line, now)
    then = now + DAY

    def replaces(password: str) -> Callable[[], User]:
        return lambda: replace_password(user=user, password=password, at=then)

    start_new_password(user=user, at=now)
    with pytest.raises(NotYet):
        overlap(replaces("the first of two"), replaces("the second of two"))
    assert User.objects.get(pk=user.pk).check_password("the first of two")
    start_new_password(user=user, at=now)
    with pytest.raises(NotYet):
        overlap(lambda: cancel_new_password(user_id=user.pk, at=then), replaces("the second of two"))
    assert User.objects.get(pk=user.pk).check_password("the first of two")


def test_a_line_is_the_first_of_the_provider_s_people(line: Line, now: datetime) -> None:
    def comes(subject: str) -> Callable[[], User | None]:
        word = ClaimedLine("https://idp.example", subject, line.carrier_id, "", strong=True)
        return lambda: sign_in_by_carrier(word=word, at=now)

    first, second = overlap(comes("ada"), comes("eve"))
    assert first is not None
    assert second is None
    assert SocialAccount.objects.count() == 1


# Staff


def test_member_of_staff_is_pinned_to_one_name_of_provider(now: datetime) -> None:
    officer = a_staff_user()

    def comes(subject: str) -> Callable[[], User | None]:
        identity = Identity("https://idp.example", subject, officer.email, None)
        return lambda: sign_in_vouched(identity=identity, at=now)

    assert overlap(comes("ada"), comes("eve")) == (officer, None)
    assert noted("staff.pinned") == 1


def test_an_invitation_is_used_once(now: datetime) -> None:
    user = make_staff(email="new@carrier.example", role=User.Role.AGENT, actor="system:test", at=now)
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)

    def accepts(password: str) -> Callable[[], User]:
        return lambda: accept_invitation(uid=uid, token=token, password=password, at=now)

    with pytest.raises(NoInvitation):
        overlap(accepts("the first of two"), accepts("the second of two"))
    assert User.objects.get(pk=user.pk).check_password("the first of two")
    assert noted("staff.password_chosen") == 1


def test_who_has_left_is_ended_once_and_invited_no_more(now: datetime) -> None:
    user = a_staff_user("agent")
    with pytest.raises(NoStaff):
        overlap(
            lambda: end_staff(email=user.email, actor="system:test", at=now),
            lambda: invite_again(email=user.email, actor="system:test", at=now),
        )
    assert noted("staff.invited_again") == 0


# What a line is texted, and what it asks for


def test_an_invitation_to_sign_in_is_texted_once(line: Line, now: datetime) -> None:
    holder = a_user(a_line(), now)

    def invites() -> None:
        delegations_actions.invite_line_user(line_id=line.pk, account_id=line.account_id, user=holder, at=now)

    overlap(invites, invites)
    assert (texts(line), noted("line.invited")) == (1, 1)


def test_no_more_mails_and_links_of_receipts_than_day_has(line: Line, now: datetime) -> None:
    def mails() -> None:
        enqueue_email(line_id=line.pk, to="ada@example.org", mail=Mail("Receipt", "Here."), at=now)

    def links() -> None:
        enqueue_receipt(line_id=line.pk, words="Your receipt", at=now)

    for _ in range(9):
        mails()
    for _ in range(4):
        links()
    for verb in (mails, links):
        with pytest.raises(SentEnough):
            overlap(verb, verb)
    assert (OutgoingEmail.objects.count(), texts(line)) == (10, 5)


def test_who_waits_for_a_job_has_it_after_the_other() -> None:
    def has_it() -> bool:
        with lock_job(name="a.job", waits=True) as mine:
            return mine

    with ThreadPoolExecutor(1) as pool:
        with lock_job(name="a.job"):
            other = pool.submit(elsewhere, has_it)
            wait_until_it_waits(other)
            assert not other.done()
        assert other.result()


def test_a_text_that_comes_twice_is_acted_on_once(now: datetime) -> None:
    def comes() -> bool:
        return claim_text(text_id="m-1", at=now)

    assert overlap(comes, comes) == (True, False)


def test_a_reminder_is_sent_once_whoever_is_at_it(line: Line, now: datetime) -> None:
    Line.objects.update(recorded_at=now - 2 * DAY)

    def reminds() -> int:
        return sms_outbox.enqueue_reminders(line_ids=[line.pk], words=lambda _: "Still on.", at=now, every=30 * DAY)

    def sends_the_link_of_the_year() -> int:
        return sms_outbox.enqueue_yearly_reminder(line_ids=[line.pk], words=lambda _: "Your year.", at=now + 366 * DAY)

    AlertChoice.objects.create(line=line, topic=AlertChoice.Topic.YEARLY, wanted=True, chosen_at=now)
    for n, sends in enumerate((reminds, sends_the_link_of_the_year), start=1):
        assert overlap(sends, sends) == (1, 0)
        assert texts(line) == n


def test_a_mail_is_claimed_by_one_worker(line: Line, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue_email(line_id=line.pk, to="ada@example.org", mail=Mail("Receipt", "Here."), at=now)
    # As two who have both looked which mails are due; one of them alone has the turn.
    overlap(lambda: email_outbox._run(now, lambda: 0.0), lambda: email_outbox._run(now, lambda: 0.0))
    assert len(mail.outbox) == 1


def test_a_text_is_claimed_by_one_worker(line: Line, now: datetime, settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.STOPPED, words="It happened.", at=now)
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    message_id = Message.objects.get().pk

    def hands_over() -> object:
        return sms_delivery.deliver_one(message_id=message_id, now=now)

    overlap(hands_over, hands_over)
    assert len(MemoryBackend.outbox) == 1


# The safe contact


def test_no_guess_at_a_contacts_code_is_one_too_many(line: Line, now: datetime) -> None:
    user = a_user(line, now)
    assert request_contact(line_id=line.pk, msisdn=ELSEWHERE, at=now)
    SafeContact.objects.update(tries_left=1)

    def types(code: str) -> Callable[[], bool]:
        return lambda: prove_contact(line_id=line.pk, user=user, typed=code, at=now)

    assert overlap(types("0000000"), types(newest_code())) == (False, False)
    assert delegations.contact_of(line_id=line.pk) is None


def test_a_contact_is_proved_and_removed_once(line: Line, now: datetime) -> None:
    user = a_user(line, now)
    request_contact(line_id=line.pk, msisdn=ELSEWHERE, at=now)
    code = newest_code()

    def proves() -> bool:
        return prove_contact(line_id=line.pk, user=user, typed=code, at=now)

    def removes() -> bool:
        return remove_contact(line_id=line.pk, user=user, at=now)

    assert overlap(proves, proves) == (True, False)
    assert overlap(removes, removes) == (True, False)
    assert (noted("line.contact_set"), noted("line.contact_removed")) == (1, 1)


def test_no_more_numbers_are_texted_code_than_a_day_has(line: Line, now: datetime) -> None:
    def asks() -> bool:
        return request_contact(line_id=line.pk, msisdn=ELSEWHERE, at=now)

    assert [asks() for _ in range(4)] == [True] * 4
    assert overlap(asks, asks) == (True, False)


def test_a_contact_whose_number_is_another_s_ends_once(line: Line, now: datetime) -> None:
    user = a_user(line, now)
    request_contact(line_id=line.pk, msisdn=ELSEWHERE, at=now)
    prove_contact(line_id=line.pk, user=user, typed=newest_code(), at=now)
    a_line(msisdn=ELSEWHERE, activated_at=now + MINUTE)

    def tells() -> None:
        sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.STAFF, words="Something.", at=now + 2 * DAY)

    overlap(tells, tells)
    assert noted("line.contact_removed") == 1


# Who else looks after a line, and who leaves an account


def asks_to_look_after(line: Line, user: User, msisdn: str, at: datetime) -> Callable[[], UUID]:
    return lambda: delegations_actions.delegate(
        line_id=line.pk, user=user, msisdn=msisdn, may="see", ends_at=at + 30 * DAY, at=at
    )  # fmt: skip


def test_a_number_is_asked_to_look_after_a_line_once(line: Line, now: datetime) -> None:
    asks = asks_to_look_after(line, a_user(line, now), ELSEWHERE, now)
    with pytest.raises(NotDelegated, match="asked"):
        overlap(asks, asks)
    assert Delegation.objects.count() == 1


def test_nor_are_more_numbers_than_a_day_has(line: Line, now: datetime) -> None:
    user = a_user(line, now)
    for n in range(4):
        asks_to_look_after(line, user, f"+1360555022{n}", now)()
    with pytest.raises(NotDelegated, match="many"):
        overlap(
            asks_to_look_after(line, user, "+13605550227", now), asks_to_look_after(line, user, "+13605550228", now)
        )


def test_what_is_ended_is_not_taken_on(line: Line, now: datetime) -> None:
    user, other = a_user(line, now), a_line(msisdn=ELSEWHERE)
    helper = a_user(other, now)
    asked = asks_to_look_after(line, user, ELSEWHERE, now)()
    with pytest.raises(NotDelegated, match="over"):
        overlap(
            lambda: end_delegation(delegation_id=asked, line_id=line.pk, user=user, at=now),
            lambda: answer_delegation(
                delegation_id=asked, user=helper, line_id=other.pk, answer="yes", at=now
            ),
        )  # fmt: skip
    assert (noted("delegate.ended"), noted("delegate.taken_on")) == (1, 0)


def test_a_line_that_ends_takes_nothing_on(line: Line, now: datetime) -> None:
    user, other = a_user(line, now), a_line(msisdn=ELSEWHERE)
    helper = a_user(other, now)
    asked = asks_to_look_after(line, user, ELSEWHERE, now)()

    def ends() -> None:
        with transaction.atomic():
            Line.objects.filter(pk=other.pk).update(deactivated_at=now)

    def is_taken_on() -> None:
        answer_delegation(delegation_id=asked, user=helper, line_id=other.pk, answer="yes", at=now)

    with pytest.raises(NotDelegated, match="over"):
        overlap(ends, is_taken_on)
    assert noted("delegate.taken_on") == 0


def test_what_a_helper_says_twice_at_once_is_said_once(line: Line, now: datetime) -> None:
    user, other = a_user(line, now), a_line(msisdn=ELSEWHERE)
    helper = a_user(other, now)

    def says(asked: UUID, answer: str) -> Callable[[], None]:
        return lambda: answer_delegation(
            delegation_id=asked, user=helper, line_id=other.pk, answer=answer, at=now
        )  # fmt: skip

    asked = asks_to_look_after(line, user, ELSEWHERE, now)()
    for word in ("yes", "end"):
        overlap(says(asked, word), says(asked, word))
    with pytest.raises(NotDelegated, match="answer"):
        says(asked, "maybe")()
    anew = asks_to_look_after(line, user, ELSEWHERE, now)()
    overlap(says(anew, "no"), says(anew, "no"))
    assert (noted("delegate.taken_on"), noted("delegate.ended")) == (1, 2)
    elsewhere = asks_to_look_after(line, user, "+13605550229", now)()

    def ends() -> None:
        end_delegation(delegation_id=elsewhere, line_id=line.pk, user=user, at=now)

    overlap(ends, ends)
    assert noted("delegate.ended") == 3


def test_a_separation_is_asked_for_and_closed_once(line: Line, now: datetime) -> None:
    user, officer = a_user(line, now), an_actor()

    def asks() -> None:
        request_separation(line_id=line.pk, user=user, reach="by text", note="", at=now)

    overlap(asks, asks)
    assert (Separation.objects.count(), noted("separation.asked")) == (1, 1)
    asked = Separation.objects.get()

    def closes() -> None:
        close_separation(separation_id=asked.pk, done=True, tell_from=None, actor=officer, reason="Done.", at=now)

    with pytest.raises(NotOpen):
        overlap(lambda: withdraw_separation(line_id=line.pk, user=user, at=now), closes)
    assert (noted("separation.taken_back"), noted("separation.done")) == (1, 0)


def test_a_tenure_ends_once(line: Line, now: datetime) -> None:
    a_user(line, now)

    def ends() -> None:
        end_tenures(line_ids=[line.pk], at=now)

    overlap(ends, ends)
    assert noted("line.tenure_ended") == 1


def test_a_recovery_code_used_as_the_rest_are_hashed_stays_used(line: Line, now: datetime) -> None:
    user = a_user(line, now)
    code = RecoveryCodes.activate(user).get_unused_codes()[0]

    def is_used() -> None:
        with transaction.atomic():
            assert RecoveryCodes(Authenticator.objects.get()).validate_code(code)

    overlap(is_used, lambda: sealing.hash_codes(user=user))
    kept = Authenticator.objects.get()
    assert (len(kept.data["migrated_codes"]), sealing.count_used_codes(kept)) == (9, 1)
