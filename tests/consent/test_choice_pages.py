"""Stop, pause, allow, dispute; the list of choices; one choice and its progress; its receipts."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions.people import get_or_create_person
from accounts.models import Line
from accounts.primitives.zones import zone_of
from consent.actions import choices
from consent.domain import notices
from consent.models import Choice, ChoiceReceipt
from consent.queries.choices import changed_at, choices_page, describe_scope
from consent.queries.current_consent import use_of
from consent.queries.permission import permission_at
from consent.queries.progress import standing_progress
from consent.queries.receipts import EvidenceView, evidence_of
from partners.models import Campaign
from revocations.models import Order
from tests.consent.pages import an_agreed_use, press, words
from tests.factories import a_campaign, a_contract, a_ledger_row, a_line, a_party, an_approval
from tests.feeds import approval_row, choice_row, line_row, take_approvals, take_choices, take_lines, take_parties
from tests.moments import A_MOMENT, begins_at
from tests.people import Browser, Page, sign_in_by_code, signed_in
from tests.staff import an_agreed_proposal

pytestmark = pytest.mark.usefixtures("db", "no_broker")


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
    assert "All sharing has been off since" in page.text
    assert "We opened a case" not in page.text
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
    assert "To stop it later, press “Stop” beside it on Home." in notice.text
    page = press(browser, notice, 'name="allow"', days="30")
    made = newest(line)
    assert '<a href="/home/">Go to Home to stop it</a>' in page.text
    assert (made.kind, made.scope, made.ref) == ("allow", "campaign", campaign.ref)
    assert made.until is not None
    assert timedelta(days=29) < made.until - made.made_at <= timedelta(days=30)
    assert "You allowed <bdi>RoadAid</bdi>" in page.text


@pytest.mark.parametrize(("days", "longest"), [("", timedelta(days=60)), ("365", timedelta(days=60)), ("30", None)])
def test_a_longer_term_makes_no_yes_longer_than_was_read(days: str, longest: timedelta | None) -> None:
    ends_at = (timezone.now() + timedelta(days=60)).replace(microsecond=0)
    line, campaign = a_line(), a_campaign(ends_at=ends_at)
    an_approval(line, campaign)
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    browser = signed_in(line)
    page = press(browser, browser.get("/home/"), "Allow again")
    assert f"no later than {ends_at.astimezone(zone_of(line.state)):%b %-d, %Y}" in words(page.text)
    press(browser, page, 'name="allow"', days=days)
    made = newest(line)
    last = ends_at if longest else made.made_at + timedelta(days=30)
    assert made.until is not None
    assert abs(made.until - last) <= (timedelta() if longest else timedelta(seconds=5))

    later = ends_at + timedelta(days=300)
    terms = {"ends_at": later.isoformat(), "was": ends_at.isoformat()}
    an_agreed_proposal("extend_term", "campaign", campaign.pk, payload=terms, at=timezone.now())
    Campaign.objects.filter(pk=campaign.pk).update(ends_at=later)
    said = [
        permission_at(
            line_id=line.pk, campaign=campaign.ref, purpose=campaign.purpose, precision_m=500, at=at,
            parties=[campaign.contract.aggregator.uri, campaign.lbs_provider.uri], known_at=timezone.now(),
        )
        for at in (made.until - A_MOMENT, made.until)
    ]  # fmt: skip
    assert said == ["permitted", "approval_expired"]


def test_what_the_law_forbids_cannot_be_allowed() -> None:
    line = a_line(state="VA")
    campaign = a_campaign(a_contract(), a_party("DataMart", "lbs_provider"), purpose="dpv:SellDataToThirdParties")
    an_approval(line, campaign, at=timezone.now() - timedelta(days=90))
    browser = signed_in(line)
    page = browser.get(f"/choices/allow/?campaign={campaign.ref}")
    assert "We don&#x27;t allow this in your state." in page.text
    assert 'name="allow"' not in page.text
    with timezone.override(zone_of(line.state)):
        read = notices.build_approval_notice(campaign=campaign.ref).digest
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
    assert "We opened a case. Our privacy office is looking into it." in page.text
    assert "proof, and tell you" not in page.text


def test_a_pause_ends_by_itself() -> None:
    line = a_line(state="NY")
    an_agreed_use(line)
    browser = signed_in(line)
    for days in (1, 7, 30):
        page = press(browser, browser.get("/home/"), "Pause all sharing", length=str(days))
        made = newest(line)
        assert (made.kind, made.scope) == ("pause", "all")
        assert made.until is not None
        assert timedelta(days=days) - timedelta(minutes=1) < made.until - made.made_at <= timedelta(days=days)
        assert "You paused all sharing" in page.text
    # Until a day, which may be today: to its end where the line is.
    today = timezone.now().astimezone(zone_of("NY"))
    for day, end in (
        (f"{today:%Y-%m-%d}", today.replace(hour=23, minute=59, second=59, microsecond=0)),
        ("2099-07-01", datetime(2099, 7, 2, 3, 59, 59, tzinfo=UTC)),
    ):
        browser.post("/choices/pause/", {"scope": "all", "ref": "", "length": "day", "day": day})
        assert newest(line).until == end, day


def test_a_pause_says_first_who_can_not_find_the_person_meanwhile() -> None:
    line, at = a_line(), timezone.now() - timedelta(days=1)
    for campaign in (
        a_campaign(provider=a_party("MedAlert", "lbs_provider"), lifeline=True),
        a_campaign(provider=a_party("FamilyRing", "lbs_provider"), family_tracking=True),
        a_campaign(provider=a_party("AdReach", "lbs_provider")),
    ):
        an_approval(line, campaign, at=at)
    browser = signed_in(line)
    no_help = "Until then, MedAlert can't find you. 911 still can."
    noticed = "If someone set up a service to follow this phone, they may notice that it stops. Stay safe"
    for asked, said in (
        ("scope=all", {no_help, noticed}),
        ("scope=party&ref=https://medalert.example", {no_help}),
        ("scope=party&ref=https://familyring.example", {noticed}),
        ("scope=party&ref=https://adreach.example", set[str]()),
    ):
        page = words(browser.get(f"/choices/pause/?{asked}").text)
        assert {one for one in (no_help, noticed) if one in page} == said, asked
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert no_help not in words(browser.get("/choices/pause/?scope=all").text)


def test_a_pause_that_makes_no_sense_is_asked_again() -> None:
    line = a_line()
    browser, form = signed_in(line), {"scope": "all", "ref": "", "length": "day"}
    for day in ("", "2001-01-01", "rubbish"):
        page = browser.post("/choices/pause/", {**form, "day": day})
        assert (page.status_code, 'class="error"' in page.text) == (200, True), day
    # As one whose day ended on the way.
    midnight = timezone.now().astimezone(zone_of(line.state)).replace(hour=0, minute=0, second=0, microsecond=0)
    with time_machine.travel(midnight - timedelta(seconds=1), tick=False):
        day = f"{midnight - timedelta(seconds=1):%Y-%m-%d}"
        page = signed_in(line).post("/choices/pause/", {**form, "day": day})
    assert (page.status_code, "Choose today or a later day." in page.text) == (200, True)
    assert not Choice.objects.filter(line_id=line.pk).exists()


def test_stopping_needs_no_password_and_seeing_does() -> None:
    line = a_line()
    browser = sign_in_by_code(line)
    answer = browser.post("/choices/stop/", {"scope": "all", "ref": ""})
    assert (answer.status_code, newest(line).kind) == (302, "stop")
    assert browser.get(answer.url).url.startswith("/accounts/password/set/")


def test_what_is_not_known_is_not_there() -> None:
    line, other = a_line(), a_line()
    made = choices.stop(line_id=other.pk, scope="all", actor="subscriber:1", channel="web")
    browser = signed_in(line)
    unknown: list[tuple[str, dict[str, str]]] = [
        ("stop", {"scope": "party", "ref": "https://nobody.example"}), ("stop", {"scope": "everything", "ref": ""}),
        ("stop", {}), ("stop", {"scope": "party", "ref": "x" * 1001}),
        # The line of a post must be one's own.
        ("stop", {"scope": "all", "ref": "", "line": str(other.public_id)}),
        ("dispute", {"scope": "campaign", "ref": "CMP-none"}),
        ("pause", {"scope": "party", "ref": "nobody", "length": "1"}), ("allow", {"campaign": "CMP-none"}),
    ]  # fmt: skip
    for door, data in unknown:
        assert browser.post(f"/choices/{door}/", data).status_code == 404, (door, data)
    assert "No choices yet" in browser.get("/choices/").text
    for path in ("", "progress/", "receipt/", "receipt.json"):
        assert browser.get(f"/choices/{made.choice_id}/{path}").status_code == 404
        assert browser.get(f"/choices/{uuid4()}/{path}").status_code == 404
    # Looking changes nothing.
    assert [browser.get(f"/choices/{door}/").status_code for door in ("stop", "dispute")] == [405, 405]
    assert Choice.objects.count() == 1


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
    assert "Imported from an earlier system" in page


def with_choices(n: int) -> Line:
    line = a_line()
    for number in range(n):
        campaign = an_agreed_use(line, f"Service {line.pk} {number}")
        choices.stop(line_id=line.pk, scope="campaign", ref=campaign.ref, actor=own(line), channel="web")
    return line


def own(line: Line) -> str:
    """How the ledger names the line's own person."""
    return f"subscriber:{get_or_create_person(line=line, at=timezone.now()).pk}"


def queries(browser: Browser, path: str) -> int:
    browser.get(path)
    with CaptureQueriesContext(connection) as seen:
        assert browser.get(path).status_code == 200
    return len(seen)


def test_the_list_costs_the_same_for_three_choices() -> None:
    assert {queries(signed_in(with_choices(n)), "/choices/") for n in (1, 3)} == {9}


def test_a_choice_costs_the_same_for_three_partners() -> None:
    counts = set()
    for n in (1, 3):
        line = a_line()
        for number in range(n):
            an_agreed_use(line, f"Service {line.pk} {number}")
        made = choices.stop(line_id=line.pk, scope="all", actor=own(line), channel="web")
        counts.add(queries(signed_in(line), f"/choices/{made.choice_id}/"))
    assert counts == {14}


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


def test_a_choice_taken_over_counts_since_it_came() -> None:
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
    assert "Imported from an earlier system; active here since" in head
    assert times(r"active here since", head) == [came]
    assert times(r"Blocked here</span>", page) == [came]
    assert "Blocked since" not in page
    assert times("Blocked since", browser.get("/home/").text) == [came]
    use = use_of(line=line, campaign="CMP-road", at=timezone.now())
    assert use is not None
    assert use.denied_since == made.recorded_at


def times(said: str, page: str) -> list[datetime]:
    """The moments that the page gives right after these words."""
    return [datetime.fromisoformat(one) for one in re.findall(said + r'\s*<time datetime="([^"]*)"', page)]


def test_a_pause_over_before_it_came_never_counted_here() -> None:
    line = a_line()
    came = timezone.now() - timedelta(hours=1)
    for until in (came - timedelta(days=30), came):
        made = taken_over(line, "pause", until=until, recorded_at=came)
        page = signed_in(line).get(f"/choices/{made.id}/").text
        assert "Imported from an earlier system. It had already ended by then." in page, until
        assert "active here" not in page, until
        assert "Blocked here" not in page, until
        assert [one.asks for one in choices_page(line_id=line.pk).rows if one.id == made.id] == ["nothing"], until
    made = taken_over(line, "pause", until=came + timedelta(microseconds=1), recorded_at=came)
    assert "Imported from an earlier system; active here from" in signed_in(line).get(f"/choices/{made.id}/").text


def test_an_allow_that_a_stop_undid_is_told_so() -> None:
    line = a_line()
    campaign = an_agreed_use(line)
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    allowed = choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    earlier = taken_over(line, "allow", scope="campaign", ref=campaign.ref)
    browser = signed_in(line)
    assert "Allowed since" in browser.get(f"/choices/{allowed.choice_id}/").text
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    for choice_id, said in ((allowed.choice_id, "It is not active now"), (earlier.id, "Imported from an earlier")):
        page = browser.get(f"/choices/{choice_id}/").text
        assert said in page
        assert "It is not active now: the company is blocked." in page
        assert "Allowed since" not in page
        assert "Go to Home to stop it" not in page
        assert "active here" not in page


def test_of_a_yes_and_a_no_of_one_moment_the_no_counts() -> None:
    take_parties()
    take_lines(line_row())
    take_choices(choice_row(kind="allow", scope="campaign", ref="CMP-road"), choice_row())
    stopped, allowed = sorted(choices_page(line_id=Line.objects.get().pk).rows, key=lambda one: one.kind, reverse=True)
    assert (stopped.made_at, changed_at(choice=allowed)) == (allowed.made_at, stopped.recorded_at)


def test_a_choice_taken_over_has_no_receipt_and_says_so() -> None:
    line = a_line()
    made = taken_over(line)
    browser = signed_in(line)
    page = browser.get(f"/choices/{made.id}/").text
    assert "This choice was made in an earlier system, so we have no receipt for it." in page
    assert "/receipt" not in page
    listed = browser.get("/choices/").text
    assert "Choices you make here come with a signed receipt." in listed
    assert "Receipt" not in listed[listed.index('<ul class="log">') :]
    assert browser.get(f"/choices/{made.id}/receipt/").status_code == 404


def test_a_list_names_who_has_yet_to_sign_by_name() -> None:
    line = a_line()
    for name in ("birch", "Cedar", "Ash"):
        campaign = a_campaign(a_contract(a_party(name), ref=name), ref=f"CMP-{name}", purpose=f"dpv:{name}")
        an_approval(line, campaign)
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    (row,) = choices_page(line_id=line.pk).rows
    assert row.still_open == ("Ash", "birch", "Cedar")


def test_of_two_orders_to_a_partner_the_one_that_stands_is_told_of() -> None:
    line = a_line()
    campaign = an_agreed_use(line)
    choices.stop(line_id=line.pk, scope="campaign", ref=campaign.ref, actor="subscriber:1", channel="web")
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    at, partner = timezone.now(), campaign.contract.aggregator
    told = standing_progress(line_id=line.pk, partner_ids=[partner.pk], asks="delete", since=at, at=at)
    assert (Order.objects.filter(line_id=line.pk).count(), [one.party for one in told]) == (2, [partner.name])


def test_what_a_choice_would_be_about_is_the_use_it_names() -> None:
    for name in ("Ash", "Birch"):
        a_campaign(a_contract(), a_party(name, "lbs_provider"), ref=f"CMP-{name}")
    assert [describe_scope(scope="campaign", ref=ref) for ref in ("CMP-Birch", "CMP-Cedar")] == [
        "Birch: To give you a service you asked for", None
    ]  # fmt: skip


def test_nothing_is_older_than_a_page_that_is_just_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consent.queries.choices.PAGE", 2)
    line, is_followed = a_line(), list[bool]()
    for name in ("One", "Two", "Three"):
        choices.stop(line_id=line.pk, scope="party", ref=a_party(name).uri, actor="subscriber:1", channel="web")
        is_followed.append(bool(choices_page(line_id=line.pk).older))
    assert is_followed == [False, False, True]


def test_a_partner_s_proof_is_late_after_its_date() -> None:
    line = a_line()
    an_agreed_use(line)
    dispute = choices.stop(
        line_id=line.pk, scope="all", actor="subscriber:1", channel="web", reason="never_agreed"
    ).choice_id

    def asked(at: datetime) -> EvidenceView:
        (one,) = evidence_of(line_id=line.pk, choice_id=dispute, at=at)
        return one

    due_at = asked(timezone.now()).due_at
    assert begins_at(lambda at: asked(at).late, due_at + A_MOMENT)
