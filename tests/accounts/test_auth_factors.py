"""What lets somebody in: each change in the log and told to the line; a forgotten password; devices; sign-ins ended."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.totp.internal.auth import yield_hotp_counters_from_time as counters
from allauth.mfa.utils import decrypt
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.actions.people import end_tenures
from accounts.clients.texts import MemoryBackend
from accounts.domain import auth_factors
from accounts.domain.message_templates import CHANGED, WHAT
from accounts.models import BrowserSession, KnownDevice, Line, NewPassword, User
from accounts.primitives import sealing
from accounts.primitives.sealing import unseal
from accounts.workers.clocks import forget_codes
from audit.models import AuditEvent
from tests.factories import a_line
from tests.people import (
    PASSWORD,
    Browser,
    asked_for_new_password,
    newest_text,
    number_of,
    sign_in,
    sign_in_by_code,
    texts_to,
    user_of,
)
from tests.walks.world import a_passkey

pytestmark = pytest.mark.usefixtures("committed_db")
NEW = "four new quiet words"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def line(committed_db: None) -> Line:
    return a_line()


def trail(line: Line) -> list[str]:
    return list(AuditEvent.objects.filter(line_id=line.pk).order_by("seq").values_list("action", flat=True))


def at_home(line: Line) -> Browser:
    """A browser that has just given the password; what led to it is forgotten."""
    browser = sign_in(line)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    MemoryBackend.outbox.clear()
    return browser


def told(line: Line, done: str) -> None:
    """The line, and nobody else, was texted once that this was done, and nothing more of it."""
    (text,) = MemoryBackend.outbox
    assert text.msisdn == number_of(line)
    assert text.text == (
        f"localhost: on this phone's location pages, {done}. Not you? Sign out everywhere: "
        "http://localhost:8000/accounts/sessions/"
    )


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(counters()))))


def test_the_first_password_is_in_the_log_and_told(line: Line) -> None:
    browser = sign_in_by_code(line)
    MemoryBackend.outbox.clear()
    browser.post("/accounts/password/set/", {"password": PASSWORD})
    assert trail(line)[-1] == "line.password_chosen"
    told(line, "a password was chosen")
    # Where there is no proof yet there is nothing to replace.
    other = sign_in_by_code(a_line())
    assert other.get("/accounts/password/forgotten/").url == "/accounts/password/set/"
    other.post("/accounts/password/forgotten/")
    assert NewPassword.objects.count() == 0


def test_changed_password_is_in_the_log_and_told_without_it(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = at_home(line)
    wrong = browser.post("/accounts/password/change/", {"oldpassword": "no", "password1": NEW, "password2": NEW})
    assert (wrong.status_code, MemoryBackend.outbox) == (200, [])
    before = trail(line)

    def fails(**_: object) -> None:
        raise ZeroDivisionError

    # The change and its row are one transaction.
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    with monkeypatch.context() as broken:
        broken.setattr("accounts.views.factors.record_factor_differences", fails)
        with pytest.raises(ZeroDivisionError):
            browser.post("/accounts/password/change/", form)
    assert (user_of(line).check_password(PASSWORD), MemoryBackend.outbox) == (True, [])
    answer = browser.post("/accounts/password/change/", form)
    assert answer.status_code == 302
    assert trail(line) == [*before, "line.password_changed"]
    told(line, "the password was changed")
    assert NEW not in str(list(AuditEvent.objects.values()))
    assert "Changed the password" in browser.get("/access-log/").text


def test_an_authenticator_app_comes_and_goes(line: Line) -> None:
    browser = at_home(line)
    page = browser.get("/accounts/2fa/totp/activate/").text
    (found,) = re.findall(r"<code>([A-Z2-7]{32})</code>", page)
    before = trail(line)
    assert browser.post("/accounts/2fa/totp/activate/", {"code": code_of(found)}).status_code == 302
    assert trail(line) == [*before, "line.app_added", "line.codes_added"]
    codes = browser.get("/accounts/2fa/recovery-codes/").text
    assert ("Authenticator app turned on." in codes, "A new set" in codes) == (True, False)
    told(line, "an authenticator app was set up, recovery codes were made")
    MemoryBackend.outbox.clear()
    assert browser.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert trail(line)[-2:] == ["line.app_removed", "line.codes_removed"]
    assert "Authenticator app turned off." in browser.get("/accounts/2fa/").text
    told(line, "the authenticator app was removed, the recovery codes were removed")


def test_a_passkey_that_is_removed(line: Line) -> None:
    browser, key = at_home(line), a_passkey(line)
    browser.post(f"/accounts/2fa/webauthn/keys/{key}/edit/", {"name": "Another name"})
    assert MemoryBackend.outbox == []
    assert browser.post(f"/accounts/2fa/webauthn/keys/{key}/remove/").status_code == 302
    assert trail(line)[-1] == "line.passkey_removed"
    assert "Passkey removed." in browser.get("/accounts/2fa/webauthn/").text
    told(line, "a passkey was removed")


def test_new_recovery_codes_and_one_of_them_works_once(line: Line) -> None:
    browser = at_home(line)
    TOTP.activate(user_of(line), generate_totp_secret())
    assert 'href="/accounts/2fa/recovery-codes/generate/">Make new codes</a>' in browser.get("/accounts/2fa/").text
    RecoveryCodes.activate(user_of(line))
    assert browser.post("/accounts/2fa/recovery-codes/generate/").status_code == 302
    assert trail(line)[-1] == "line.codes_added"
    told(line, "recovery codes were made")
    code, *_ = codes_in(browser.get("/accounts/2fa/recovery-codes/").text)
    here = sign_in(line)
    MemoryBackend.outbox.clear()
    before = trail(line)
    assert here.get("/lines/").url.startswith("/accounts/2fa/reauthenticate/")
    assert here.post("/accounts/2fa/reauthenticate/", {"code": code, "next": "/lines/"}).url == "/lines/"
    assert here.get("/lines/").status_code == 200
    assert trail(line) == [*before, "line.code_used"]
    told(line, "a recovery code was used")
    app = Authenticator.objects.get(user=user_of(line), type=Authenticator.Type.TOTP).wrap()
    given = {"code": code_of(decrypt(app.instance.data["secret"])), "next": "/lines/"}
    assert here.post("/accounts/2fa/reauthenticate/", given).url == "/lines/"
    assert trail(line) == [*before, "line.code_used"]
    again = sign_in(line)
    assert again.post("/accounts/2fa/reauthenticate/", {"code": code, "next": "/lines/"}).status_code == 200
    assert again.get("/lines/").status_code == 302


def codes_in(page: str) -> list[str]:
    """The recovery codes that the page shows this time."""
    return re.findall(r"<code>(\d{8})</code>", page)


def test_recovery_codes_are_shown_once_and_then_kept_as_hashes(line: Line) -> None:
    browser, user = at_home(line), user_of(line)
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    first, again = (browser.get("/accounts/2fa/recovery-codes/").text for _ in range(2))
    now, keep, once = "We show them only once.", "Keep them where only you can see them.", "We showed them once."
    assert [[words in page for words in (now, keep, once, "paper-codes")] for page in (first, again)] == [
        [True, True, False, True], [False, False, True, False],
    ]  # fmt: skip
    codes = codes_in(first)
    assert (len({*codes}), codes_in(again)) == (10, [])
    assert browser.get("/accounts/2fa/recovery-codes/download/").status_code == 403
    kept = Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES)
    assert "seed" not in kept.data
    assert [code for code in codes if code in str(kept.data)] == []
    hashed = kept.data["migrated_codes"]
    assert len(hashed) == 10
    # What stands in the database opens nothing; code from before hashes unseals it, as it did codes.
    plain = unseal(hashed[0].encode())
    for typed in (hashed[0], plain, plain.removeprefix("pbkdf2-sha256$")):
        assert not opens(browser, typed)
    assert [opens(browser, f" {codes[3][:4]}-{codes[3][4:]}") for _ in range(2)] == [True, False]
    assert len(Authenticator.objects.get(pk=kept.pk).data["migrated_codes"]) == 9


def opens(browser: Browser, code: str) -> bool:
    """Whether this is taken where a second factor is asked for once more."""
    return browser.post("/accounts/2fa/reauthenticate/", {"code": code, "next": "/lines/"}).url == "/lines/"


def test_only_what_may_be_a_recovery_code_is_hashed(
    line: Line, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, hashed, as_kept = at_home(line), [], sealing.normalize_recovery_code
    RecoveryCodes.activate(user_of(line))

    def noted(*, user: User, typed: str) -> str:
        hashed.append(typed)
        return as_kept(user=user, typed=typed)

    monkeypatch.setattr(sealing, "normalize_recovery_code", noted)
    assert not any(opens(browser, typed) for typed in ("1234567", "123456789", "letters8"))
    # Three of five tries are gone.
    assert not any(opens(browser, f"1234-000{n}") for n in range(4))
    assert hashed == ["12340000", "12340001"]


def test_codes_made_before_are_hashed_when_one_is_tried(line: Line) -> None:
    browser, user = at_home(line), user_of(line)
    made = RecoveryCodes.activate(user)
    codes = made.generate_codes()
    made.validate_code(codes[0])
    assert [opens(browser, code) for code in (codes[0], codes[1])] == [False, True]
    kept = Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES)
    assert ("seed" in kept.data, len(kept.data["migrated_codes"]), sealing.count_used_codes(kept)) == (False, 8, 2)


def sent_at_once(browsers: list[Browser], path: str, code: str) -> list[int]:
    """The statuses of the answers to one code sent by all of them at the same time."""

    def give(browser: Browser) -> int:
        try:
            return browser.post(path, {"code": code, "next": "/lines/"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(browsers)) as pool:
        return sorted(pool.map(give, browsers))


@pytest.fixture
def all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two who change how somebody gets in meet on the way, if the first does not keep the second out."""
    both, now_of = Barrier(2), auth_factors.get_factors

    def at_once(**asked: User) -> auth_factors.Factors:
        found = now_of(**asked)
        with suppress(BrokenBarrierError):
            both.wait(timeout=0.5)
        return found

    monkeypatch.setattr(auth_factors, "get_factors", at_once)


def test_a_recovery_code_sent_twice_at_once_is_used_once(line: Line, all_there: None) -> None:
    sign_in(line)
    TOTP.activate(user_of(line), generate_totp_secret())
    code = RecoveryCodes.activate(user_of(line)).get_unused_codes()[0]
    browsers = [sign_in(line) for _ in range(2)]
    before = trail(line)
    assert sent_at_once(browsers, "/accounts/2fa/reauthenticate/", code) == [200, 302]
    assert trail(line) == [*before, "line.code_used"]


def test_so_is_one_at_the_door_of_staff(all_there: None) -> None:
    user = User.objects.create_user("officer", "officer@carrier.example", PASSWORD, role=User.Role.OFFICER)
    TOTP.activate(user, generate_totp_secret())
    code = RecoveryCodes.activate(user).get_unused_codes()[0]
    browsers = [Browser(), Browser()]
    for browser in browsers:
        browser.post("/accounts/login/staff/", {"login": "officer@carrier.example", "password": PASSWORD})
    assert sent_at_once(browsers, "/accounts/2fa/authenticate/", code) == [200, 302]
    assert sorted(browser.get("/settings/").status_code for browser in browsers) == [200, 302]
    assert list(AuditEvent.objects.values_list("action", "actor")) == [("staff.code_used", f"officer:{user.pk}")]


def test_staff_who_change_how_they_get_in_are_in_trail() -> None:
    User.objects.create_user("agent", "agent@carrier.example", PASSWORD, role=User.Role.AGENT)
    browser = Browser()
    browser.post("/accounts/login/staff/", {"login": "agent@carrier.example", "password": PASSWORD})
    browser.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    event = AuditEvent.objects.get(action="staff.password_changed")
    user = User.objects.get()
    assert (event.actor, event.target, event.line_id) == (f"agent:{user.pk}", f"user:{user.pk}", None)
    assert MemoryBackend.outbox == []


def test_all_that_may_be_changed_has_words_in_the_log() -> None:
    assert {f"line.{what}" for what in CHANGED} <= WHAT.keys()
    owned = {f"{one}_{verb}" for one in ("passkey", "app", "codes") for verb in ("added", "removed")}
    assert {*owned, "password_chosen", "password_changed", "password_replaced", "code_used"} == CHANGED.keys()


# A forgotten password


def test_forgotten_password_is_replaced_by_code_alone_after_a_day(line: Line) -> None:
    elsewhere = sign_in(line)
    browser = sign_in_by_code(line)
    assert 'href="/accounts/password/forgotten/"' in browser.get("/accounts/reauthenticate/").text
    assert browser.post("/accounts/password/forgotten/").url == "/accounts/password/forgotten/"
    asked = NewPassword.objects.get()
    assert asked.counts_from - asked.asked_at == DAY
    assert f'data-counts-from="{asked.counts_from.isoformat()}"' in browser.get("/accounts/password/forgotten/").text
    assert browser.post("/accounts/password/new/", {"password": NEW}).url == "/accounts/password/forgotten/"
    assert elsewhere.get("/lines/").status_code == 200
    with time_machine.travel(asked.counts_from - MINUTE, tick=False):
        assert sign_in_by_code(line).post("/accounts/password/new/", {"password": NEW}).status_code == 302
        assert user_of(line).check_password(PASSWORD)
    with time_machine.travel(asked.counts_from, tick=False):
        late = sign_in_by_code(line)
        assert "You can choose a new password now." in late.get("/accounts/password/forgotten/").text
        assert late.post("/accounts/password/new/", {"password": "short"}).status_code == 200
        MemoryBackend.outbox.clear()
        assert late.post("/accounts/password/new/", {"password": NEW}).url == "/home/"
        assert user_of(line).check_password(NEW)
        told(line, "the password was replaced")
        assert late.get("/lines/").status_code == 200
        assert late.get("/accounts/sessions/").text.count('class="facts"') == 1
        assert elsewhere.get("/lines/").url.startswith("/accounts/login/")
        assert late.post("/accounts/password/new/", {"password": PASSWORD}).url == "/accounts/password/forgotten/"
    assert [one for one in trail(line) if "password" in one] == [
        "line.password_chosen", "line.new_password_asked", "line.password_replaced",
    ]  # fmt: skip


def test_one_press_of_its_link_ends_the_wait(line: Line) -> None:
    sign_in(line)
    link = asked_for_new_password(line)
    assert "They can choose it in 24 hours." in newest_text(number_of(line)).text
    stranger = Browser()
    assert "Someone asked for a new password" in stranger.get(link).text
    assert NewPassword.objects.get().cancelled_at is None
    assert "Your old password stays" in stranger.post(link).text
    assert NewPassword.objects.get().cancelled_at is not None
    assert [stranger.get(link).status_code, stranger.post(link).status_code] == [404, 404]
    assert "Your old password stays." in newest_text(number_of(line)).text
    assert trail(line)[-2:] == ["line.new_password_asked", "line.new_password_cancelled"]
    with time_machine.travel(timezone.now() + DAY + MINUTE, tick=False):
        assert sign_in_by_code(line).post("/accounts/password/new/", {"password": NEW}).status_code == 302
        assert user_of(line).check_password(PASSWORD)


def test_whoever_signs_in_or_changes_the_password_ends_it_too(line: Line) -> None:
    browser = at_home(line)
    asked_for_new_password(line)
    assert "Someone asked for a new password." in browser.get("/settings/").text
    assert browser.post("/accounts/password/keep/").url == "/settings/"
    assert auth_factors.get_pending_password(user=user_of(line), at=timezone.now()) is None
    asked_for_new_password(line)
    browser.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert auth_factors.get_pending_password(user=user_of(line), at=timezone.now()) is None


def test_asking_twice_waits_once_and_wait_is_good_for_week(line: Line) -> None:
    browser = sign_in(line)
    for _ in range(3):
        browser.post("/accounts/password/forgotten/")
    asked = NewPassword.objects.get()
    assert len([text for text in texts_to(number_of(line)) if "asked for a new password" in text.text]) == 1
    with time_machine.travel(asked.expires_at, tick=False):
        late = sign_in_by_code(line)
        assert late.post("/accounts/password/new/", {"password": NEW}).url == "/accounts/password/forgotten/"
        late.post("/accounts/password/forgotten/")
    assert NewPassword.objects.count() == 2


def test_a_new_sim_holds_what_the_wait_would_have_opened(line: Line) -> None:
    sign_in(line)
    asked_for_new_password(line)
    at = NewPassword.objects.get().counts_from + MINUTE
    Line.objects.filter(pk=line.pk).update(sim_changed_at=at - timedelta(hours=2))
    with time_machine.travel(at, tick=False):
        browser = sign_in_by_code(line)
        assert browser.post("/accounts/password/new/", {"password": NEW}).status_code == 403
        assert browser.post("/accounts/password/keep/").status_code == 302
    assert user_of(line).check_password(PASSWORD)


def test_the_database_lets_nobody_choose_before_the_day_is_over(line: Line) -> None:
    sign_in(line)
    asked_for_new_password(line)
    asked = NewPassword.objects.get()
    for changed in (
        {"counts_from": asked.asked_at + DAY - MINUTE},
        {"used_at": asked.counts_from - MINUTE},
        {"used_at": asked.expires_at},
        {"used_at": asked.counts_from, "cancelled_at": asked.asked_at},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            NewPassword.objects.update(**changed)


# Sign-ins


def test_sign_ins_tell_the_time_of_the_line(line: Line) -> None:
    Line.objects.filter(pk=line.pk).update(state="WA")
    with time_machine.travel("2026-11-26T20:00:00Z", tick=False):
        page = sign_in(line).get("/accounts/sessions/").text
    said = re.findall(r"<dt>Since</dt><dd>(.*?)</dd>", page)
    assert said == ['<time datetime="2026-11-26T12:00:00-08:00">Nov 26, 2026, 12:00 PM</time>']
    assert "Times are " in page
    assert '<a href="/settings/">Settings</a> / Where you are signed in' in page


def test_one_sign_in_is_ended_and_the_others_stay(line: Line) -> None:
    here, there, elsewhere = sign_in(line), sign_in(line), sign_in(line)
    page = here.get("/accounts/sessions/").text
    named = re.findall(r'name="session" value="(\d+)"', page)
    assert len(named) == 2
    assert here.post("/accounts/sessions/", {"session": named[-1]}).url == "/accounts/sessions/"
    assert [one.get("/settings/").status_code for one in (here, there, elsewhere)] == [200, 302, 200]
    before = trail(line)
    assert before[-1] == "line.sign_ins_ended"
    # One whose time is over was none any more.
    with time_machine.travel(timezone.now(), tick=False):
        BrowserSession.objects.filter(pk=named[0]).update(expires_at=timezone.now())
        here.post("/accounts/sessions/", {"session": named[0]})
    assert trail(line) == before


def test_nobody_ends_a_sign_in_by_its_number(line: Line) -> None:
    mine, other = sign_in(line), sign_in(a_line())
    for session in BrowserSession.objects.values_list("pk", flat=True):
        mine.post("/accounts/sessions/", {"session": str(session)})
    assert [one.get("/settings/").status_code for one in (mine, other)] == [200, 200]


def test_a_code_alone_ends_all_others_from_the_list(line: Line) -> None:
    first = sign_in(line)
    browser = sign_in_by_code(line)
    assert browser.post("/accounts/sessions/").status_code == 302
    assert [first.get("/settings/").status_code, browser.get("/settings/").status_code] == [302, 200]
    last, number = Browser(), number_of(line)
    last.post("/accounts/login/", {"number": number})
    assert 'type="checkbox" name="alone"' in last.get("/accounts/login/code/").text
    last.post("/accounts/login/code/", {"code": newest_text(number).code, "alone": "on"})
    assert [browser.get("/settings/").status_code, last.get("/settings/").status_code] == [302, 200]
    assert trail(line)[-2:] == ["line.sign_ins_ended", "line.signed_in"]


# Devices

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEWER = FIREFOX.replace("140.0", "152.0")
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1"


def from_there(line: Line, agent: str, address: str) -> None:
    browser, number = Browser(), number_of(line)
    browser.client.defaults |= {"HTTP_USER_AGENT": agent, "REMOTE_ADDR": address}
    browser.post("/accounts/login/", {"number": number})
    code = next(text.code for text in reversed(MemoryBackend.outbox) if text.msisdn == number and text.code)
    assert browser.post("/accounts/login/code/", {"code": code}).url == "/home/"


def test_a_new_browser_or_network_is_told_once(line: Line) -> None:
    def news() -> int:
        return len([text for text in texts_to(number_of(line)) if "that is new to us" in text.text])

    seen = []
    for agent, address in (
        (FIREFOX, "198.51.100.7"),
        (NEWER, "198.51.100.200"),
        (SAFARI, "198.51.100.7"),
        (SAFARI, "203.0.113.9"),
        (SAFARI, "203.0.113.9"),
        (FIREFOX, "198.51.100.7"),
        (FIREFOX, "2001:db8:1:2::7"),
        (FIREFOX, "2001:db8:1:9::1"),
    ):
        from_there(line, agent, address)
        seen.append(news())
    assert seen == [0, 0, 1, 2, 2, 2, 3, 3]
    assert trail(line).count("line.new_device") == 3
    assert KnownDevice.objects.count() == 4


def test_whoever_signs_in_after_a_year_of_silence_is_told_of_as_well(line: Line) -> None:
    from_there(line, FIREFOX, "198.51.100.7")
    forget_codes(now=timezone.now() + timedelta(days=400))
    assert not KnownDevice.objects.exists()
    from_there(line, SAFARI, "203.0.113.9")
    assert "that is new to us" in texts_to(number_of(line))[-1].text
    assert trail(line).count("line.new_device") == 1


def test_of_a_device_only_a_keyed_hash_is_kept(line: Line) -> None:
    other = a_line()
    for one in (line, other):
        from_there(one, SAFARI, "198.51.100.7")
    marks = [bytes(mark) for mark in KnownDevice.objects.values_list("mark_hash", flat=True)]
    assert (len(set(marks)), [len(mark) for mark in marks]) == (2, [32, 32])
    end_tenures(line_ids=[line.pk], at=timezone.now())
    assert KnownDevice.objects.count() == 1
