"""Limits on guessing at the doors: they slow whoever guesses, and keep out nobody whom they protect."""

import re
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from html import unescape
from ipaddress import ip_network
from pathlib import Path

import pytest
import time_machine
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.actions.people import end_tenures
from accounts.actions.rate_limits import (
    ACCOUNT,
    NETWORK,
    STRICT,
    GuessTarget,
    Limit,
    TooManyTries,
    count_try,
    refund_try,
)
from accounts.models import DeviceCookie, Line, Throttle, User
from accounts.primitives.browsers import Source
from accounts.views.adapter import AccountAdapter
from consent.models import Choice
from tests.factories import a_line
from tests.people import PASSWORD, Browser, number_of, sign_in, sign_in_by_code, user_of
from tests.staff import a_staff_user
from tests.words.pages import words_of

pytestmark = pytest.mark.usefixtures("db", "no_broker")
STOP_ENDED = "/stop/ended/"
SENT = "If the number and the password are right, every company is now blocked for that line."
SILENT = "This page never says whether they were: that keeps people from guessing your password here."
STAFF, ENDED, FACTOR = "/accounts/login/staff/", "/accounts/login/ended/", "/accounts/2fa/authenticate/"
HERE, ELSEWHERE = "198.51.100.7", "203.0.113.9"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RECORD = Path(__file__).parents[2] / "docs/decisions/0065-limit-password-guesses-without-locking-owners-out.md"


@pytest.fixture(autouse=True)
def _no_redis(settings: Settings) -> None:
    """Limits hold while Redis is away."""
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.clients.texts.MemoryBackend", 0.0
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}


def a_browser(address: str = HERE) -> Browser:
    browser = Browser()
    browser.client.defaults["REMOTE_ADDR"] = address
    return browser


@pytest.fixture
def officer() -> User:
    return a_staff_user(password=PASSWORD)


@pytest.fixture
def secret(officer: User) -> str:
    made = generate_totp_secret()
    TOTP.activate(officer, made)
    return made


def code_of(secret: str, step: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step))


def gives(browser: Browser, officer: User, password: str = PASSWORD, code: str = "") -> str:
    """Where it leads; "" where the form is shown again."""
    form = {"login": officer.email, "password": password, **({"code": code} if code else {})}
    return browser.post(STAFF, form).url


def is_waiting(browser: Browser, officer: User) -> bool:
    return "Too many tries. Try again in" in browser.post(STAFF, {"login": officer.email, "password": PASSWORD}).text


def a_stranger_guesses(account: str, *addresses: str, door: GuessTarget = GuessTarget.STAFF) -> None:
    """Wrong tries from each, counted as the doors count them, until there is a wait: none counts while there is."""
    for address in addresses:
        source = Source(str(ip_network((address, 24), strict=False)))
        with suppress(TooManyTries):
            while True:
                count_try(door=door, account=account, source=source, at=timezone.now())


def at_home(officer: User, secret: str) -> Browser:
    """A browser in which they signed in with both, and out again."""
    mine = a_browser()
    assert gives(mine, officer) == FACTOR
    assert mine.post(FACTOR, {"code": code_of(secret)}).status_code == 302
    mine.get("/settings/")
    assert mine.client.cookies["device"]["httponly"]
    mine.post("/accounts/logout/")
    return mine


# The stranger is slowed


def test_after_five_wrong_passwords_each_waits_and_ever_longer(officer: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        waits = []
        for _ in range(13):
            browser = a_browser()
            said = browser.post(STAFF, {"login": officer.email, "password": "guessed"}).text
            if found := re.search(r"Too many tries\. Try again in <time [^>]*>(\d+)\xa0(\w+)</time>\.", said):
                waits.append(f"{found[1]} {found[2]}")
                clock.shift(timedelta(**{f"{found[2].rstrip('s')}s": int(found[1])}))
        assert waits == ["1 minute", "2 minutes", "4 minutes", "8 minutes"]
        assert is_waiting(a_browser(), officer)


def test_a_wait_of_hours_is_told_to_the_minute() -> None:
    """Else somebody would come back an hour too early, and again be turned away."""
    at = datetime(2026, 11, 30, 9, tzinfo=UTC)
    (said,) = AccountAdapter().must_wait_error(at + timedelta(hours=1, minutes=52), at).messages
    # By a clock of one's own it is told by the script.
    wait = '<time datetime="2026-11-30T10:52:00+00:00" data-clock>1 hour, 52 minutes</time>'
    assert said.replace("\xa0", " ") == f"Too many tries. Try again in {wait}."


def test_an_address_nobody_has_waits_like_any_other() -> None:
    for _ in range(5):
        tried = a_browser().post(STAFF, {"login": "nobody@carrier.example", "password": "guessed"})
        assert "That email and password don't match. Check both and try again." in words_of(tried)
    page = a_browser().post(STAFF, {"login": "Nobody@carrier.example", "password": "guessed"})
    assert "Too many tries. Try again in 1 minute." in words_of(page)


def test_each_door_counts_by_itself(officer: User) -> None:
    at, source = timezone.now(), Source("198.51.100.0/24")
    for door in (GuessTarget.STAFF, GuessTarget.ENDED, GuessTarget.STAFF, GuessTarget.ENDED):
        for _ in range(STRICT.free - 3):
            count_try(door=door, account="+12065550142", source=source, at=at)
    count_try(door=GuessTarget.STAFF, account="+12065550142", source=source, at=at)
    with pytest.raises(TooManyTries):
        count_try(door=GuessTarget.STAFF, account="+12065550142", source=source, at=at)
    count_try(door=GuessTarget.ENDED, account="+12065550142", source=source, at=at)


def test_nobody_waits_because_a_server_s_clock_is_behind() -> None:
    at, source = timezone.now(), Source("198.51.100.0/24")
    for seconds in (0, -10, -10):
        right = count_try(door=GuessTarget.STAFF, account="a", source=source, at=at + timedelta(seconds=seconds))
        refund_try(right=right)
    # Nor after one that was wrong, as long as no wait follows it.
    count_try(door=GuessTarget.STAFF, account="a", source=source, at=at)
    count_try(door=GuessTarget.STAFF, account="a", source=source, at=at - timedelta(seconds=10))
    assert set(Throttle.objects.values_list("level_milli", flat=True)) == {2000}


def test_one_network_that_tries_one_password_at_many_accounts_is_slowed() -> None:
    at, source = timezone.now(), Source("198.51.100.0/24")
    for number in range(NETWORK.free):
        count_try(door=GuessTarget.STAFF, account=f"{number}@carrier.example", source=source, at=at)
    with pytest.raises(TooManyTries) as refused:
        count_try(door=GuessTarget.STAFF, account="next@carrier.example", source=source, at=at)
    assert refused.value.until == at + NETWORK.shortest
    count_try(door=GuessTarget.STAFF, account="next@carrier.example", source=Source("203.0.113.0/24"), at=at)


# The rightful person is not


def test_a_known_device_has_few_tries_of_its_own(officer: User, secret: str) -> None:
    mine, colleague = at_home(officer, secret), a_staff_user(password=PASSWORD)
    a_stranger_guesses(officer.email, HERE, ELSEWHERE)
    assert is_waiting(a_browser(), officer)
    # Others behind the same address sign in, until they are guessed at themselves.
    assert gives(a_browser(), colleague) != ""
    a_stranger_guesses(colleague.email, HERE)
    assert is_waiting(mine, colleague)
    again = a_browser()
    again.client.cookies["device"] = mine.client.cookies["device"].value
    assert gives(mine, officer) == FACTOR
    for _ in range(STRICT.free):
        assert gives(again, officer, "guessed") == ""
    assert is_waiting(again, officer)


def test_the_second_factor_passes_from_a_new_device(officer: User, secret: str) -> None:
    recovery = RecoveryCodes.activate(officer).get_unused_codes()[0]
    a_stranger_guesses(officer.email, HERE)
    page = a_browser().post(STAFF, {"login": officer.email, "password": PASSWORD})
    assert 'name="code"' in page.text
    # A wrong password with a right code and the other way round say the same.
    one = a_browser().post(STAFF, {"login": officer.email, "password": "guessed", "code": code_of(secret)})
    other = a_browser().post(STAFF, {"login": officer.email, "password": PASSWORD, "code": "000000"})
    without = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|value="\d{6}"')
    assert without.sub("", one.text) == without.sub("", other.text)
    # The right code with the wrong password was not used up.
    browser = a_browser()
    assert gives(browser, officer, code=code_of(secret)) not in {"", FACTOR}
    assert browser.get("/admin/").status_code == 200
    # A recovery code passes as well, and once.
    assert gives(a_browser(), officer, code=recovery) not in {"", FACTOR}
    assert gives(a_browser(), officer, code=recovery) == ""


def test_codes_can_t_be_guessed_by_who_knows_the_password(officer: User, secret: str) -> None:
    wrong = [str(number).zfill(6) for number in range(900000, 900040)]
    for code in wrong:
        gives(a_browser(), officer, code=code)
    assert gives(a_browser(), officer, code=code_of(secret)) == ""
    (of_the_codes,) = Throttle.objects.values_list("level_milli", flat=True)
    assert of_the_codes <= STRICT.free * 1000


def test_code_of_an_app_is_good_once_with_redis_away(officer: User, secret: str) -> None:
    code = code_of(secret)
    first, second = a_browser(), a_browser()
    gives(first, officer)
    gives(second, officer)
    answers = [browser.post(FACTOR, {"code": code}).status_code for browser in (first, second)]
    assert answers == [302, 200]


# People whose line has ended


def ends(line: Line) -> None:
    at = timezone.now()
    line.numbers.update(ends_at=at)
    Line.objects.filter(pk=line.pk).update(deactivated_at=at)
    end_tenures(line_ids=[line.pk], at=at)


def stops_of(line: Line) -> list[str]:
    return list(Choice.objects.filter(line_id=line.pk, kind="stop").values_list("scope", flat=True))


def comes_in(browser: Browser, number: str, password: str = PASSWORD, code: str = "") -> bool:
    return browser.post(ENDED, {"number": number, "password": password, "code": code}).status_code == 302


def test_whose_line_has_ended_comes_in_whatever_strangers_do() -> None:
    line = a_line()
    number, mine = number_of(line), a_browser()
    sign_in(line, mine)
    mine.get("/home/")
    ends(line)
    for _ in range(STRICT.free + 1):
        assert not comes_in(a_browser(ELSEWHERE), number, "guessed")
    # Who guesses elsewhere does not slow them on a new device here.
    assert comes_in(a_browser(), number)
    a_stranger_guesses(number, HERE, ELSEWHERE, door=GuessTarget.ENDED)
    assert not comes_in(a_browser(), number)
    assert comes_in(mine, number)
    assert mine.post("/choices/stop/", {"line": str(line.public_id), "scope": "all"}).status_code == 302
    # Their app's code passes on a new device.
    secret, browser = generate_totp_secret(), a_browser()
    TOTP.activate(User.objects.get(line_users__line=line), secret)
    assert not comes_in(browser, number)
    assert comes_in(browser, number, code=code_of(secret))
    assert browser.get("/home/").status_code == 200


def test_whoever_has_the_number_next_is_no_known_device() -> None:
    line, theirs = a_line(), a_browser()
    number = number_of(line)
    sign_in(line)
    ends(line)
    sign_in(a_line(msisdn=number, activated_at=timezone.now()), theirs)
    assert theirs.get("/home/").status_code == 200
    theirs.post("/accounts/logout/")
    assert DeviceCookie.objects.filter(user__line_users__until__isnull=True).count() == 1
    a_stranger_guesses(number, HERE, ELSEWHERE, door=GuessTarget.ENDED)
    assert "Too many tries" in theirs.post(ENDED, {"number": number, "password": "guessed"}).text


def test_no_limit_closes_the_stop_of_an_ended_line() -> None:
    line, other = a_line(), a_line()
    number = number_of(line)
    for one in (line, other):
        sign_in(one)
        ends(one)
    for network in range(30):
        a_stranger_guesses(number, f"203.0.{network}.9", door=GuessTarget.ENDED)
    browser = a_browser()
    assert "Too many tries" in browser.post(ENDED, {"number": number, "password": PASSWORD}).text
    assert "Stop all sharing with only the password" in browser.get(ENDED).text
    for wrong in ("guessed", PASSWORD):
        # The page says the same to both.
        page = browser.post(STOP_ENDED, {"number": number, "password": wrong})
        assert (page.status_code, SENT in unescape(page.text)) == (200, True)
        assert (SILENT in page.text, "Sign in to see it" in page.text) == (True, True)
        assert ("all" in stops_of(line)) == (wrong == PASSWORD)
    assert stops_of(other) == []
    # It opens nothing to read, and no wait at the other door is over by it.
    assert browser.get("/home/").status_code == 302
    assert "Too many tries" in browser.post(ENDED, {"number": number, "password": PASSWORD}).text


def test_no_guess_delays_a_stop_from_the_same_network_and_a_new_browser() -> None:
    line = a_line()
    number = number_of(line)
    sign_in(line)
    ends(line)
    with time_machine.travel(timezone.now(), tick=False):
        for guess in range(40):
            page = a_browser().post(STOP_ENDED, {"number": number, "password": f"guess {guess}"})
            assert SENT in unescape(page.text)
        assert stops_of(line) == []
        a_browser().post(STOP_ENDED, {"number": number, "password": PASSWORD})
        assert stops_of(line) == ["all"]
        assert not Throttle.objects.exists()


def test_a_stranger_behind_the_same_address_refuses_nobody_who_gives_a_code(officer: User, secret: str) -> None:
    """Each such try hashes a password: the turns that it takes bound that (tests/accounts/test_response_delay.py)."""
    line = a_line()
    sign_in(line)
    ends(line)
    app = generate_totp_secret()
    TOTP.activate(User.objects.get(line_users__line=line), app)
    with time_machine.travel(timezone.now(), tick=False):
        at, source = timezone.now(), Source("198.51.100.0/24")
        for number in range(NETWORK.free):
            for door in (GuessTarget.STAFF, GuessTarget.ENDED):
                count_try(door=door, account=f"{number}@carrier.example", source=source, at=at)
        without = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|value="\d{6}"')
        own_pages = [
            (STAFF, {"login": officer.email}, secret, "/admin/"),
            (ENDED, {"number": number_of(line)}, app, "/home/"),
        ]
        for path, who, key, own_page in own_pages:
            assert "Too many tries" in a_browser().post(path, {**who, "password": PASSWORD}).text
            guesses = [("guessed", "000000"), ("guessed", code_of(key)), (PASSWORD, "000000")]
            refused = [a_browser().post(path, {**who, "password": word, "code": code}) for word, code in guesses]
            assert {page.status_code for page in refused} == {200}
            assert len({without.sub("", page.text) for page in refused}) == 1
            assert "match. Check both and try again." in refused[0].text
            browser = a_browser()
            assert browser.post(path, {**who, "password": PASSWORD, "code": code_of(key)}).status_code == 302
            assert browser.get(own_page).status_code == 200


# Subscribers' own doors


def test_stranger_with_the_phone_does_not_lock_its_person_out() -> None:
    line = a_line()
    mine = a_browser()
    sign_in(line, mine)
    mine.get("/home/")
    mine.post("/accounts/logout/")
    stranger = sign_in_by_code(line, a_browser(ELSEWHERE))
    for _ in range(20):
        stranger.post("/accounts/reauthenticate/", {"password": "guessed"})
    assert "Too many tries" in stranger.post("/accounts/reauthenticate/", {"password": PASSWORD}).text
    sign_in_by_code(line, mine)
    assert mine.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def test_the_password_can_t_be_guessed_where_it_is_changed() -> None:
    line = a_line()
    browser = sign_in(line)
    browser.client.cookies.pop("device", None)
    new = "four other quiet words"
    for _ in range(STRICT.free):
        browser.post("/accounts/password/change/", {"oldpassword": "guessed", "password1": new, "password2": new})
    page = browser.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert "Too many tries. Try again in" in page.text
    assert user_of(line).check_password(PASSWORD)


def test_a_texted_code_alone_makes_no_known_device() -> None:
    line = a_line()
    sign_in(line)
    browser = sign_in_by_code(line)
    browser.get("/settings/")
    assert "device" not in browser.client.cookies


def test_leaving_quickly_takes_the_device_cookie_back() -> None:
    browser = sign_in(a_line())
    browser.get("/home/")
    assert browser.client.cookies["device"].value
    browser.post("/leave/")
    assert not browser.client.cookies["device"].value


# The figures


def tries_in_a_day(limit: Limit) -> int:
    """As many as a guesser gets who tries whenever nothing makes them wait."""
    began = at = datetime(2026, 11, 29, tzinfo=timezone.get_default_timezone())
    level, tries = 0.0, 0
    while at < began + DAY:
        beyond = round(level := level + 1) - limit.free
        tries += 1
        wait = min(limit.longest, limit.shortest * 2 ** min(beyond, 20)) if beyond >= 0 else timedelta()
        level, at = max(0.0, level - wait / limit.fades), at + wait
    return tries


def test_the_figures_of_the_record_are_these() -> None:
    said = RECORD.read_text()
    here, account = tries_in_a_day(STRICT), tries_in_a_day(ACCOUNT)
    assert f"at most {here} a day from one network, and {account} from all together" in said
    # Three codes of an app are good at a time.
    assert f"1 in {10**6 // (3 * here):,} a day" in said


def test_a_client_without_cookies_gets_none() -> None:
    answer = Client().get("/stop/")
    assert {*answer.cookies} <= {"csrftoken"}
