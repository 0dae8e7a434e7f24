"""Promise 7. Whoever took a number over sees nothing: a new SIM, number or forwarding holds for 24 hours what opens.

Stopping, pausing, disputing and ending sign-ins are never held.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.clients.texts import MemoryBackend
from accounts.models import Line
from accounts.policies.delegations import HOLD
from accounts.queries import get_hold_end
from audit.queries import database_clock
from consent.actions.choices import allow
from consent.actions.signals import honour_signal
from consent.models import Choice, PrivacySignal
from consent.queries.current_consent import use_of
from partners.models import Campaign
from tests.clocks import standing_still
from tests.consent.camara import ask
from tests.consent.claiming import Partner, a_partner, asked, digest_in, link_in, prove, say_no, text_now
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import line_row, take_lines, told
from tests.fixtures import Refusal
from tests.people import PASSWORD, Browser, number_of, sign_in, sign_in_by_code, signed_in, user_of
from tests.properties import stories
from tests.walks import rows
from tests.walks.addresses import filled, patterns
from tests.walks.world import a_passkey

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
MOMENTS = ("sim_changed_at", "number_changed_at", "forwarding_changed_at")
MINUTE = timedelta(minutes=1)
HELD = "You can stop sharing now. The rest waits 24 hours."
NUMBER = "+12065550142"

# What shows something of the line, lets somebody allow, or changes what lets somebody in.
HOLDS = {
    "home", "history", "history-times", "history-csv", "history-json", "company", "choices", "choice",
    "choice-progress",
    "choice-receipt", "choice-receipt-file", "choice-receipt-pdf", "choice-receipt-mail", "choice-receipt-text",
    "choice-allow", "choice-stop-several", "choice-signal", "dispute", "lines", "access-log", "access-log-companies",
    "settings-texts", "archive", "archive-ask", "archive-progress", "archive-file",
    "delegates", "delegate-end", "delegation", "safe-contact", "safe-contact-code", "safe-contact-remove",
    "separation-back",
    "help-ask", "help-dispute", "help-dispute-withdraw", "case", "case-reply", "case-rate", "case-download",
    "case-file",
    "account_set_password", "account_change_password", "password-forgotten", "password-new",
    "mfa_index", "mfa_activate_totp", "mfa_deactivate_totp",
    "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "mfa_list_webauthn",
    "mfa_add_webauthn", "mfa_remove_webauthn", "mfa_edit_webauthn",
}  # fmt: skip


@dataclass(frozen=True)
class Someone:
    """Somebody signed in with all that lets one see, and what there is to see."""

    line: Line
    browser: Browser
    campaign: Campaign
    ids: Mapping[str, object]

    def changed(self, name: str, ago: timedelta) -> None:
        Line.objects.filter(pk=self.line.pk).update(**{name: timezone.now() - ago})

    def choice(self) -> Choice:
        return Choice.objects.filter(line_id=self.line.pk).latest("made_at")


@pytest.fixture
def someone(committed_db: None) -> Someone:
    line = a_line()
    campaign = a_campaign(a_contract(a_party("GeoBridge")), a_party("RoadAid", "lbs_provider"))
    approval = an_approval(line, campaign)
    browser = signed_in(line)
    browser.post("/choices/pause/", {"scope": "all", "length": "7"})
    ids = {
        "choice_id": Choice.objects.get().id, "party_id": campaign.lbs_provider_id, "code": "T-ZZZZZZ",
        "kind": "company", "ref": campaign.lbs_provider_id, "file_id": approval.id, "reply_id": 1,
        "pk": a_passkey(line), "token": "no-such-token", "cohort_id": approval.id, "number": 0,
        "request_id": approval.id, "agent_id": "AGENT", "name": "choices", "uid": "MQ", "delegation_id": approval.id,
        "many_id": approval.id, "year": 2026, "month": "2026-10", "reveal_id": 0,
    }  # fmt: skip
    return Someone(line, browser, campaign, ids)


def is_held(someone: Someone, path: str, method: str) -> bool:
    page = someone.browser.get(path) if method == "get" else someone.browser.post(path)
    assert (HELD in page.text) == (page.status_code == 403 and "data-held-until" in page.text), path
    return HELD in page.text


def test_every_address_held_to_the_minute_and_no_other(someone: Someone) -> None:
    routes = dict(patterns())
    asked_of = [name for name in rows.ROWS if not name.startswith(("ssf_", "oauth", "jwks"))]
    # The last of them end the sign-in.
    asked_of = sorted(asked_of, key=lambda name: name in {"account_logout", "leave"})
    taken = [
        (name, method, filled(routes[name], someone.ids))
        for name in asked_of
        for method, row in zip(("get", "post"), rows.ROWS[name], strict=True)
        if row[1] != 405
    ]
    someone.changed("sim_changed_at", HOLD + MINUTE)
    assert [name for name, method, path in taken if method == "get" and is_held(someone, path, method)] == []
    someone.changed("sim_changed_at", HOLD - MINUTE)
    held = [(name, method) for name, method, path in taken if is_held(someone, path, method)]
    assert {name for name, _ in held} == HOLDS
    assert held == [(name, method) for name, method, _ in taken if name in HOLDS]


def test_the_hold_ends_to_the_second(someone: Someone) -> None:
    second = timedelta(seconds=1)
    for n, moment in enumerate(MOMENTS):
        at = timezone.now().replace(microsecond=0) - timedelta(hours=5 - n)
        Line.objects.filter(pk=someone.line.pk).update(**{moment: at})
        someone.line.refresh_from_db()
        until = at + HOLD
        held = []
        for end in (until - second, until):
            with standing_still(end):
                held.append(get_hold_end(line=someone.line, at=end))
            # Nor does a server whose own clock is ahead end it.
            assert get_hold_end(line=someone.line, at=end) == until
            with time_machine.travel(end, tick=False):
                held_page = sign_in_by_code(someone.line).get("/home/").text
                assert f'data-held-until="{until.isoformat()}"' in held_page
        assert (moment, held) == (moment, [until, None])
        page = someone.browser.get("/home/").text
        assert f'data-held-until="{until.isoformat()}"' in page
        assert "(Pacific time)" in page
        assert "RoadAid" not in page


def test_the_newest_of_the_three_counts(someone: Someone) -> None:
    now = timezone.now()
    someone.changed("sim_changed_at", timedelta(hours=20))
    someone.changed("forwarding_changed_at", timedelta(hours=3))
    someone.changed("number_changed_at", timedelta(hours=9))
    someone.line.refresh_from_db()
    until = get_hold_end(line=someone.line, at=now)
    assert until is not None
    assert abs(until - now - timedelta(hours=21)) < MINUTE
    new = a_line(activated_at=now - timedelta(hours=1))
    Line.objects.filter(pk=new.pk).update(sim_changed_at=new.activated_at)
    new.refresh_from_db()
    assert get_hold_end(line=new, at=now) is None


READS = ("/home/", "/history/", "/choices/", "/access-log/", "/lines/", "/settings/archive/")
ACTS = ("/lines/delegates/", "/lines/contact/", "/accounts/password/change/", "/accounts/2fa/")


def test_after_a_new_number_an_old_password_opens_reading_alone(someone: Someone) -> None:
    someone.changed("number_changed_at", timedelta(0))
    # With a code from the new number alone: no page, but the way to the password.
    browser = sign_in_by_code(someone.line)
    for path in READS:
        answer = browser.get(path)
        assert (answer.status_code, answer.url.partition("?")[0]) == (302, "/accounts/reauthenticate/"), path
    assert all(HELD in browser.get(path).text for path in ACTS)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    for shows in (browser, someone.browser):
        assert [(path, shows.get(path).status_code) for path in READS] == [(path, 200) for path in READS]
        assert "RoadAid" in shows.get("/home/").text
        assert [(path, HELD in shows.get(path).text) for path in ACTS] == [(path, True) for path in ACTS]
        for path in ("/choices/allow/", "/settings/texts/", "/settings/archive/ask/"):
            answer = shows.post(path, {"campaign": someone.campaign.ref, "confirm": "1"})
            assert (path, answer.status_code, HELD in answer.text) == (path, 403, True)


@pytest.mark.parametrize("beside", ["sim_changed_at", "forwarding_changed_at"])
def test_beside_a_new_sim_or_forwarding_no_password_opens_anything(someone: Someone, beside: str) -> None:
    someone.changed("number_changed_at", timedelta(0))
    assert "RoadAid" in someone.browser.get("/home/").text
    for days in (6.9, 3, 0):
        someone.changed(beside, timedelta(days=days))
        page = someone.browser.get("/home/")
        assert (days, HELD in page.text, "RoadAid" in page.text) == (days, True, False)


def test_a_password_from_after_the_change_opens_nothing(someone: Someone) -> None:
    # As when the carrier reports it late: the password is some seconds old.
    someone.changed("number_changed_at", timedelta(minutes=5))
    Line.objects.filter(pk=someone.line.pk).update(change_known_at=timezone.now())
    page = someone.browser.get("/home/")
    assert (HELD in page.text, "RoadAid" in page.text) == (True, False)


def test_without_a_password_a_new_number_holds_everything(committed_db: None) -> None:
    line = a_line()
    browser = sign_in_by_code(line)
    Line.objects.filter(pk=line.pk).update(number_changed_at=timezone.now())
    page = browser.get("/home/")
    assert (page.status_code, HELD in page.text) == (403, True)


def test_stopping_pausing_disputing_and_ending_sign_ins_are_never_held(someone: Someone) -> None:
    other = signed_in(someone.line)
    someone.changed("sim_changed_at", MINUTE)
    browser = sign_in_by_code(someone.line)
    page = browser.get("/home/")
    assert (page.status_code, HELD in page.text) == (403, True)
    form = re.search(r'<form class="panel act" method="post" action="([^"]+)">.*?</form>', page.text, re.DOTALL)
    assert form is not None
    said = dict(re.findall(r'name="([\w-]+)" value="([^"]*)"', form.group()))
    answer = browser.post(form[1], said)
    assert (someone.choice().kind, someone.choice().scope) == ("stop", "all")
    assert "Done. Every company is blocked from now on." in browser.get(answer.url).text
    browser.post("/choices/pause/", {"scope": "all", "length": "1"})
    assert someone.choice().kind == "pause"
    answer = browser.post("/choices/dispute/", {"scope": "campaign", "ref": someone.campaign.ref})
    assert (someone.choice().kind, someone.choice().reason) == ("stop", "never_agreed")
    assert "Done. It is blocked from now on." in browser.get(answer.url).text
    assert other.get("/settings/").status_code == 200
    assert browser.post("/accounts/sessions/").status_code == 302
    assert other.get("/settings/").url.startswith("/accounts/login/")


@pytest.mark.parametrize("page", ["/home/", "/choices/signal/"])
def test_stop_is_taken_from_an_open_question_and_nothing_else(someone: Someone, page: str) -> None:
    allow(line_id=someone.line.pk, campaign=someone.campaign.ref, actor="subscriber:1", channel="web")
    browser = Browser()
    browser.client.defaults["HTTP_SEC_GPC"] = "1"
    sign_in(someone.line, browser)
    del browser.client.defaults["HTTP_SEC_GPC"]
    keep, stop = question_on(browser.get(page).text)
    someone.changed("sim_changed_at", MINUTE)
    open_still = PrivacySignal.objects.filter(line_id=someone.line.pk, answer="")
    refused = browser.post(*keep)
    assert (refused.status_code, HELD in refused.text, open_still.count()) == (403, True, 1)
    assert stands(someone)
    sent = browser.post(*stop)
    assert (someone.choice().kind, someone.choice().scope, someone.choice().channel) == ("stop", "all", "gpc")
    assert (stands(someone), open_still.count()) == (False, 0)
    shown = browser.get(sent.url)
    assert (shown.status_code, HELD in shown.text) == (403, True)
    assert "Done. Every company is blocked from now on." in shown.text
    for hidden in ("RoadAid", "GeoBridge", "Stop these too", "Global Privacy Control"):
        assert hidden not in shown.text


def test_no_answer_tells_whether_anything_was_asked(someone: Someone) -> None:
    pages = []
    for asks in (False, True):
        if asks:
            allow(line_id=someone.line.pk, campaign=someone.campaign.ref, actor="subscriber:1", channel="web")
            honour_signal(line_id=someone.line.pk, actor="subscriber:1", at=timezone.now())
        someone.changed("sim_changed_at", MINUTE)
        browser = sign_in_by_code(someone.line)
        sent = browser.post("/choices/signal/stop/")
        assert sent.url == f"/choices/{someone.choice().id}/"
        answers = [sent, browser.get(sent.url), browser.post("/choices/signal/", {"answer": "keep"})]
        pages.append([(answer.status_code, plain(answer.text)) for answer in answers])
    assert pages[0] == pages[1]


def question_on(page: str) -> list[tuple[str, dict[str, str]]]:
    """Where each button of the privacy signal's question sends its form, and what: to keep, and to stop."""
    form = re.search(r'<form method="post" action="(/choices/signal/)">.*?</form>', page, re.DOTALL)
    assert form is not None
    hidden = dict(re.findall(r'type="hidden" name="([\w-]+)" value="([^"]*)"', form.group()))
    keep = re.search(r'<button name="(\w+)" value="(\w+)">Keep what I allowed<', form.group())
    stop = re.search(r'<button formaction="([^"]+)">Stop these too<', form.group())
    assert keep is not None
    assert stop is not None
    return [(form[1], {**hidden, keep[1]: keep[2]}), (stop[1], hidden)]


def stands(someone: Someone) -> bool:
    use = use_of(line=someone.line, campaign=someone.campaign.ref, at=database_clock())
    return use is not None and use.allowed


def plain(page: str) -> str:
    """A page without what differs each time: the token of its forms, its own address, and until when it is held."""
    differs = r'csrfmiddlewaretoken" value="[^"]*"|/choices/[\da-f-]{36}/|data-held-until="[^"]*"|<strong>.*?</strong>'
    return re.sub(differs, "", page)


def test_stopping_without_an_account_is_never_held(someone: Someone) -> None:
    someone.changed("forwarding_changed_at", MINUTE)
    browser, number = Browser(), number_of(someone.line)
    browser.post("/stop/", {"number": number})
    code = next(text.code for text in reversed(MemoryBackend.outbox) if text.msisdn == number)
    assert browser.post("/stop/code/", {"code": code}).url == "/stop/all/"
    assert browser.post("/stop/all/", {"stop-all": "1"}).url.startswith("/stop/progress/")


def test_after_a_new_sim_nobody_chooses_the_first_password() -> None:
    """The number of somebody who never signed in opens nothing to whoever took it over."""
    line = a_line()
    Line.objects.filter(pk=line.pk).update(sim_changed_at=timezone.now() - MINUTE)
    browser = sign_in_by_code(line)
    assert browser.post("/accounts/password/set/", {"password": PASSWORD}).status_code == 403
    assert not user_of(line).has_usable_password()
    assert browser.get("/accounts/2fa/webauthn/add/").status_code == 403
    for name, path in dict(patterns()).items():
        if name in {"home", "history", "lines", "access-log", "choices"}:
            assert browser.get(f"/{path}").status_code == 403


def test_a_child_s_new_sim_holds_the_child_alone() -> None:
    holder, child = a_line(account="A-fam"), a_line(role="minor", account="A-fam")
    of_child = f"/home/?line={child.public_id}"
    parent, kid = signed_in(holder), signed_in(child)
    Line.objects.filter(pk=child.pk).update(sim_changed_at=timezone.now() - MINUTE)
    assert [parent.get(of_child).status_code, kid.get("/home/").status_code] == [200, 403]
    Line.objects.filter(pk=holder.pk).update(sim_changed_at=timezone.now() - MINUTE)
    assert [parent.get(of_child).status_code, parent.get("/home/").status_code] == [403, 403]


def questions(partner: Partner, line: Line) -> Iterator[str]:
    """A question that we texted, and one that a partner shows (CAMARA)."""
    partner.one(partner.claim(msisdn=number_of(line)))
    assert text_now() == 1
    yield link_in(asked(number_of(line))[0])


@pytest.mark.parametrize("shown", [False, True], ids=["texted", "camara"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_nobody_says_yes_meanwhile_and_everybody_says_no(moment: str, *, shown: bool) -> None:
    partner, line = a_partner(), a_line(msisdn=NUMBER)
    old = database_clock() - HOLD - MINUTE
    Line.objects.filter(pk=line.pk).update(**{moment: old})
    path = link_in(ask(partner, requestCaptureUrl=True)["captureUrl"]) if shown else next(questions(partner, line))
    browser, page = prove(path, NUMBER)
    digest = digest_in(browser.get(f"{path}yes/"))
    assert "data-held-until" not in page.text
    if moment == "number_changed_at":
        # What was asked under another number ended with it: there is no question left to hold.
        return
    Line.objects.filter(pk=line.pk).update(**{moment: old + 2 * MINUTE})
    page = browser.get(path)
    assert ("data-held-until" in page.text, f"{path}yes/" in page.text) == (True, False)
    for answer in (browser.get(f"{path}yes/"), browser.post(f"{path}yes/", {"notice": digest})):
        assert answer.url == path
    assert Choice.objects.count() == 0
    assert say_no(browser, path).url == f"{path}answered/"
    assert Choice.objects.get().kind == "refuse"


def test_nobody_signed_in_answers_yes_either() -> None:
    partner, line = a_partner(), a_line(msisdn=NUMBER)
    path, browser = next(questions(partner, line)), signed_in(line)
    digest = digest_in(browser.get(f"{path}yes/"))
    Line.objects.filter(pk=line.pk).update(sim_changed_at=timezone.now() - MINUTE)
    # Who is held proves nothing but the phone: they are asked for a code, as anybody is.
    browser.post(f"{path}yes/", {"notice": digest})
    assert Choice.objects.count() == 0


# No feed row opens anything earlier

BASE = datetime(2026, 3, 1, tzinfo=UTC)
HOURS = st.just("") | st.integers(0, 72).map(lambda hours: (BASE + timedelta(hours=hours)).isoformat())
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "number": st.sampled_from([0, 1]),
            "user_role": st.sampled_from(["holder", "user", "minor"]),
            "account_id": st.sampled_from(["A1", "A2"]),
            "state": st.sampled_from(["WA", "MD"]),
            **dict.fromkeys(MOMENTS, HOURS),
        }
    ),
    min_size=2,
    max_size=6,
)
lines = itertools.count(1)


@stories(50)
@given(said=ROWS)
def test_no_row_of_a_lines_file_ends_a_hold_earlier(said: list[dict[str, Any]]) -> None:
    n = next(lines)
    ends = BASE
    for row in said:
        msisdn = f"+1253555{n * 2 + row['number']:04}"
        rest = {name: value for name, value in row.items() if name != "number"}
        fate = told(take_lines(line_row(line_id=f"L{n}", msisdn=msisdn, **rest)))[0][0]
        line = Line.objects.filter(carrier_id=f"L{n}").first()
        if line is None:
            continue
        until = get_hold_end(line=line, at=BASE) or BASE
        moved = [row[name] for name in MOMENTS if row[name] and name != "number_changed_at"]
        wanted = [datetime.fromisoformat(one) + HOLD for one in moved if fate != "rejected"]
        assert until >= max([ends, *wanted])
        ends = until


def test_the_database_takes_no_change_back(refused: Refusal) -> None:
    line = a_line()
    now = timezone.now()
    Line.objects.filter(pk=line.pk).update(
        sim_changed_at=now, forwarding_changed_at=now, change_known_at=now, holder_known_at=now
    )
    for column, constraint in (
        ("sim_changed_at", "accounts_sim_change_stays"),
        ("forwarding_changed_at", "accounts_forwarding_change_stays"),
        ("change_known_at", "accounts_change_known_stays"),
        ("holder_known_at", "accounts_holder_known_stays"),
    ):
        for value in ("NULL", f"{column} - interval '1 second'"):
            for using in ("default", "owner"):
                refused(
                    f"UPDATE accounts_line SET {column} = {value} WHERE id = {line.pk}",
                    constraint=constraint,
                    using=using,
                )
    line.refresh_from_db()
    assert {line.sim_changed_at, line.forwarding_changed_at, line.change_known_at, line.holder_known_at} == {now}


def test_a_lines_file_says_when_the_forwarding_changed() -> None:
    take_lines(line_row(forwarding_changed_at="2026-03-01T00:00:00Z"))
    line = Line.objects.get()
    assert line.forwarding_changed_at == datetime(2026, 3, 1, tzinfo=UTC)
    take_lines(line_row(forwarding_changed_at="2026-02-01T00:00:00Z"), line_row(forwarding_changed_at=""))
    line.refresh_from_db()
    assert line.forwarding_changed_at == datetime(2026, 3, 1, tzinfo=UTC)
