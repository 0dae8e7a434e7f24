"""Stop, pause, allow, dispute; the list of choices; one choice and its progress; its receipts."""

import json
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions.people import person_behind
from accounts.models import Line
from accounts.primitives.zones import zone_of
from consent.actions import choices
from consent.domain import notices
from consent.models import Choice, ChoiceReceipt
from consent.queries.current_consent.lines import use_of
from partners.models import Campaign
from tests.factories import a_campaign, a_contract, a_ledger_row, a_line, a_party, an_approval
from tests.feeds import (
    approval_row,
    choice_row,
    line_row,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
)
from tests.people import Browser, Page, sign_in_by_code, signed_in

pytestmark = pytest.mark.usefixtures("db", "no_broker")


def an_agreed_use(line: Line, name: str = "RoadAid") -> Campaign:
    campaign = a_campaign(a_contract(a_party(f"{name} Link")), a_party(name, "lbs_provider"))
    an_approval(line, campaign, at=timezone.now() - timedelta(days=90))
    return campaign


def press(browser: Browser, page: Page, button: str, **more: str) -> Page:
    """Send the first form that holds this button, its hidden fields filled in, as a browser would."""
    for form in re.findall(r"<form\b.*?</form>", page.text, re.DOTALL):
        if not re.search(button, form):
            continue
        data = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        data.pop("csrfmiddlewaretoken", None)
        action = "".join(re.findall(r'action="([^"]*)"', form))
        if 'method="get"' in form:
            return browser.get(f"{action}?{'&'.join(f'{name}={value}' for name, value in data.items())}")
        return browser.post(action, {**data, **more}, follow=True)
    raise AssertionError(f"no form with {button}")


def states(page: Page) -> list[str]:
    return re.findall(r'data-order-state="([^"]*)"', page.text)


def newest(line: Line) -> Choice:
    found = Choice.objects.filter(line_id=line.pk).order_by("-made_at").first()
    assert found is not None
    return found


def test_stop_all_is_one_step() -> None:
    line = a_line()
    an_agreed_use(line)
    browser = signed_in(line)
    page = press(browser, browser.get("/home/"), 'name="stop-all"')
    made = newest(line)
    assert (made.kind, made.scope, made.ref, made.channel, made.actor[:11]) == ("stop", "all", "", "web", "subscriber:")
    assert "All sharing is off. We have said no to every company since" in page.text
    assert states(page) == ["queued"]


def test_stopping_one_company_is_one_step() -> None:
    line = a_line()
    campaign = an_agreed_use(line)
    an_agreed_use(line, "FraudShield")
    browser = signed_in(line)
    page = press(browser, browser.get("/home/"), f'name="stop" data-party="{campaign.lbs_provider.uri}"')
    made = newest(line)
    assert (made.kind, made.scope, made.ref) == ("stop", "party", campaign.lbs_provider.uri)
    assert "You stopped <bdi>RoadAid</bdi>" in page.text
    assert re.findall(r'data-sharing-state="(\w+)"', browser.get("/home/").text) == ["partly"]


def test_allowing_again_takes_two_steps_and_shows_what_is_allowed() -> None:
    line = a_line()
    campaign = an_agreed_use(line)
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    browser = signed_in(line)
    notice = press(browser, browser.get("/home/"), "Allow again")
    assert newest(line).kind == "stop"
    for said in ("RoadAid", "RoadAid Link", "To give you a service you asked for", "within about 500 m"):
        assert said in notice.text
    page = press(browser, notice, 'name="allow"', days="30")
    made = newest(line)
    assert (made.kind, made.scope, made.ref) == ("allow", "campaign", campaign.ref)
    assert made.until is not None
    assert timedelta(days=29) < made.until - made.made_at <= timedelta(days=30)
    assert "You allowed <bdi>RoadAid</bdi>" in page.text


def test_what_the_law_forbids_cannot_be_allowed() -> None:
    line = a_line(state="VA")
    campaign = a_campaign(a_contract(), a_party("DataMart", "lbs_provider"), purpose="dpv:SellDataToThirdParties")
    an_approval(line, campaign, at=timezone.now() - timedelta(days=90))
    browser = signed_in(line)
    page = browser.get(f"/choices/allow/?campaign={campaign.ref}")
    assert "We don&#x27;t allow this in your state." in page.text
    assert 'name="allow"' not in page.text
    with timezone.override(zone_of(line.state)):
        read = notices.before_yes(campaign=campaign.ref).digest
    answer = browser.post("/choices/allow/", {"campaign": campaign.ref, "days": "", "notice": read}, follow=True)
    assert "Nothing changed. We don&#x27;t allow this in your state." in answer.text
    assert not Choice.objects.filter(line_id=line.pk).exists()


def test_i_never_agreed_stops_that_use_and_is_marked() -> None:
    line = a_line()
    campaign = an_agreed_use(line)
    browser = signed_in(line)
    page = press(browser, browser.get("/home/"), "I never agreed to this")
    made = newest(line)
    assert (made.kind, made.scope, made.ref, made.reason) == ("stop", "campaign", campaign.ref, "never_agreed")
    assert "You said you never agreed to <bdi>RoadAid</bdi>" in page.text
    assert "We opened a case. Our privacy office looks into it." in page.text
    assert "proof, and tell you" not in page.text


@pytest.mark.parametrize(("length", "days"), [("1", 1), ("7", 7), ("30", 30)])
def test_a_pause_ends_by_itself(length: str, days: int) -> None:
    line = a_line()
    an_agreed_use(line)
    browser = signed_in(line)
    page = press(browser, browser.get("/home/"), "Pause all sharing", length=length)
    made = newest(line)
    assert (made.kind, made.scope) == ("pause", "all")
    assert made.until is not None
    assert timedelta(days=days) - timedelta(minutes=1) < made.until - made.made_at <= timedelta(days=days)
    assert "You paused all sharing" in page.text


def test_a_pause_until_a_day_lasts_to_its_end_where_the_line_is() -> None:
    line = a_line(state="NY")
    browser = signed_in(line)
    browser.post("/choices/pause/", {"scope": "all", "ref": "", "length": "day", "day": "2099-07-01"})
    made = newest(line)
    assert made.until is not None
    assert made.until.isoformat() == "2099-07-02T03:59:59+00:00"


@pytest.mark.parametrize("day", ["", "2001-01-01", "rubbish"])
def test_a_pause_that_makes_no_sense_is_asked_again(day: str) -> None:
    line = a_line()
    page = signed_in(line).post("/choices/pause/", {"scope": "all", "ref": "", "length": "day", "day": day})
    assert page.status_code == 200
    assert 'class="error"' in page.text
    assert not Choice.objects.filter(line_id=line.pk).exists()


def test_a_pause_whose_day_ended_on_the_way_is_asked_again() -> None:
    line = a_line()
    midnight = timezone.now().astimezone(zone_of(line.state)).replace(hour=0, minute=0, second=0, microsecond=0)
    with time_machine.travel(midnight - timedelta(seconds=1), tick=False):
        form = {"scope": "all", "ref": "", "length": "day", "day": f"{midnight - timedelta(seconds=1):%Y-%m-%d}"}
        page = signed_in(line).post("/choices/pause/", form)
    assert (page.status_code, "Choose today or a day that is still to come." in page.text) == (200, True)
    assert not Choice.objects.filter(line_id=line.pk).exists()


def test_stopping_needs_no_password_and_seeing_does() -> None:
    line = a_line()
    browser = sign_in_by_code(line)
    answer = browser.post("/choices/stop/", {"scope": "all", "ref": ""})
    assert (answer.status_code, newest(line).kind) == (302, "stop")
    assert browser.get(answer.url).url.startswith("/accounts/password/set/")


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/choices/stop/", {"scope": "party", "ref": "https://nobody.example"}),
        ("/choices/stop/", {"scope": "everything", "ref": ""}),
        ("/choices/stop/", {}),
        ("/choices/stop/", {"scope": "party", "ref": "x" * 1001}),
        ("/choices/dispute/", {"scope": "campaign", "ref": "CMP-none"}),
        ("/choices/pause/", {"scope": "party", "ref": "nobody", "length": "1"}),
        ("/choices/allow/", {"campaign": "CMP-none"}),
    ],
)
def test_what_is_not_known_is_not_there(path: str, data: dict[str, str]) -> None:
    line = a_line()
    assert signed_in(line).post(path, data).status_code == 404
    assert not Choice.objects.filter(line_id=line.pk).exists()


@pytest.mark.parametrize("path", ["/choices/stop/", "/choices/dispute/"])
def test_looking_changes_nothing(path: str) -> None:
    assert signed_in(a_line()).get(path).status_code == 405


def test_another_persons_choice_does_not_exist() -> None:
    line, other = a_line(), a_line()
    made = choices.stop(line_id=other.pk, scope="all", actor="subscriber:1", channel="web")
    browser = signed_in(line)
    for path in ("", "progress/", "receipt/", "receipt.json"):
        assert browser.get(f"/choices/{made.choice_id}/{path}").status_code == 404
        assert browser.get(f"/choices/{uuid4()}/{path}").status_code == 404


def test_the_list_goes_back_in_pages_and_names_each_choice() -> None:
    at, line = timezone.now(), a_line()
    for number in range(120):
        a_ledger_row(line, "stop", at=at - timedelta(minutes=200 - number), origin="file")
    browser = signed_in(line)
    path, seen, pages, page = "/choices/", list[str](), 0, ""
    while path:
        page = browser.get(path).text
        seen += re.findall(r'class="title" href="/choices/([0-9a-f-]{36})/"', page)
        older = re.search(r'rel="next" href="([^"]*)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
        pages += 1
    assert (pages, len(seen), len(set(seen))) == (3, 120, 120)
    assert "Taken over from an earlier system" in page


def test_no_choices_is_a_page_too() -> None:
    assert "No choices yet" in signed_in(a_line()).get("/choices/").text


def with_choices(n: int) -> Line:
    line = a_line()
    for number in range(n):
        campaign = an_agreed_use(line, f"Service {line.pk} {number}")
        choices.stop(line_id=line.pk, scope="campaign", ref=campaign.ref, actor=own(line), channel="web")
    return line


def own(line: Line) -> str:
    """How the ledger names the line's own person."""
    return f"subscriber:{person_behind(line=line, at=timezone.now()).pk}"


def queries(browser: Browser, path: str) -> int:
    browser.get(path)
    with CaptureQueriesContext(connection) as seen:
        assert browser.get(path).status_code == 200
    return len(seen)


def test_the_list_costs_the_same_for_one_choice_and_for_three() -> None:
    assert {queries(signed_in(with_choices(n)), "/choices/") for n in (1, 3)} == {10}


def test_a_choice_costs_the_same_for_one_partner_and_for_three() -> None:
    counts = set()
    for n in (1, 3):
        line = a_line()
        for number in range(n):
            an_agreed_use(line, f"Service {line.pk} {number}")
        made = choices.stop(line_id=line.pk, scope="all", actor=own(line), channel="web")
        counts.add(queries(signed_in(line), f"/choices/{made.choice_id}/"))
    assert counts == {15}


def test_the_receipt_is_on_the_page_and_in_the_file() -> None:
    line = a_line()
    made = choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    kept = ChoiceReceipt.objects.get(line_id=line.pk, choice_id=made.choice_id)
    browser = signed_in(line)
    assert kept.number in browser.get(f"/choices/{made.choice_id}/").text
    page = browser.get(f"/choices/{made.choice_id}/receipt/").text
    assert kept.number in page
    assert kept.token in page
    response: Any = browser.client.get(f"/choices/{made.choice_id}/receipt.json")
    assert json.loads(response.content) == {"receipt": kept.number, "token": kept.token, "partner_receipts": []}
    assert response["Content-Disposition"] == f'attachment; filename="receipt-{kept.number}.json"'


def test_a_choice_from_a_file_has_no_receipt_and_says_where_it_came_from() -> None:
    line = a_line()
    row = a_ledger_row(line, "stop", at=timezone.now() - timedelta(days=1), origin="file")
    browser = signed_in(line)
    page = browser.get(f"/choices/{row.id}/").text
    assert "Your receipt" not in page
    assert browser.get(f"/choices/{row.id}/receipt/").status_code == 404


def test_the_line_of_a_post_must_be_ones_own() -> None:
    line, other = a_line(), a_line()
    answer = signed_in(line).post("/choices/stop/", {"scope": "all", "ref": "", "line": str(other.public_id)})
    assert answer.status_code == 404
    assert not Choice.objects.exists()


def taken_over(line: Line, kind: str = "stop", **fields: Any) -> Choice:
    """A choice of two months ago that a file brought an hour ago."""
    now = timezone.now()
    return Choice.objects.create(
        **{
            "line_id": line.pk, "id": uuid4(), "kind": kind, "scope": "all", "made_at": now - timedelta(days=60),
            "origin": "file", "channel": "phone", "actor": "import:choices", "recorded_at": now - timedelta(hours=1),
            **fields,
        }
    )  # fmt: skip


def test_a_choice_taken_over_is_in_force_here_only_since_it_came() -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    take_choices(choice_row(made_at="2025-08-01T00:00:00Z"))
    line = Line.objects.get()
    made, browser = newest(line), signed_in(line)
    came = made.recorded_at.replace(microsecond=0)
    assert (made.origin, made.made_at.year, came > timezone.now() - timedelta(minutes=5)) == ("file", 2025, True)
    page = browser.get(f"/choices/{made.id}/").text
    head = page[page.index("<h1>") : page.index('id="progress"')]
    assert "You stopped all sharing" in head
    assert "Taken over from an earlier system; in force here since" in head
    assert times(r"in force here since", head) == [came]
    assert times(r"Blocked here</span>", page) == [came]
    assert "We have said no" not in page
    assert times("We have said no since", browser.get("/home/").text) == [came]
    use = use_of(line=line, campaign="CMP-road", at=timezone.now())
    assert use is not None
    assert use.denied_since == made.recorded_at


def times(said: str, page: str) -> list[datetime]:
    """The moments that the page gives right after these words."""
    return [datetime.fromisoformat(one) for one in re.findall(said + r'\s*<time datetime="([^"]*)"', page)]


def test_a_pause_that_had_ended_before_it_came_was_never_in_force_here() -> None:
    line = a_line()
    made = taken_over(line, "pause", until=timezone.now() - timedelta(days=30))
    page = signed_in(line).get(f"/choices/{made.id}/").text
    assert "Taken over from an earlier system. It had ended before it came here." in page
    assert "in force here" not in page
    assert "Blocked here" not in page


def test_an_allow_that_a_later_stop_undid_is_not_said_to_count() -> None:
    line = a_line()
    campaign = an_agreed_use(line)
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    allowed = choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    earlier = taken_over(line, "allow", scope="campaign", ref=campaign.ref)
    browser = signed_in(line)
    assert "We say yes when it asks, since" in browser.get(f"/choices/{allowed.choice_id}/").text
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    for choice_id, said in ((allowed.choice_id, "It does not count now"), (earlier.id, "Taken over from an earlier")):
        page = browser.get(f"/choices/{choice_id}/").text
        assert said in page
        assert "It does not count now: we say no when it asks." in page
        assert "We say yes when it asks" not in page
        assert "in force here" not in page


def test_a_choice_taken_over_has_no_receipt_and_says_so() -> None:
    line = a_line()
    made = taken_over(line)
    browser = signed_in(line)
    page = browser.get(f"/choices/{made.id}/").text
    assert "Made in an earlier system, so it has no receipt of ours." in page
    assert "/receipt" not in page
    listed = browser.get("/choices/").text
    assert "Those you make here have a signed receipt." in listed
    assert "Receipt" not in listed[listed.index('<ul class="log">') :]
    assert browser.get(f"/choices/{made.id}/receipt/").status_code == 404


def test_the_case_of_a_dispute_is_not_said_of_another_stop() -> None:
    line = a_line()
    an_agreed_use(line)
    browser = signed_in(line)
    assert "We opened a case" not in press(browser, browser.get("/home/"), 'name="stop-all"').text
