"""One button pressed twice, in another tab or at once, is one choice, with one receipt and one text."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Line, Message
from audit.queries import database_clock
from consent.actions import choices
from consent.actions.choices import RecordedChoice
from consent.actions.without_account import stop_all_by_line
from consent.models import Choice, ChoiceReceipt, ProgressLink
from consent.queries.choices import NEVER_AGREED
from partners.models import Campaign
from revocations.models import EvidenceRequest
from tests.factories import a_campaign, a_ledger_row, a_line, a_party, an_approval
from tests.people import sign_in, user_of

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
WHO: dict[str, Any] = {"actor": "subscriber:1", "channel": "web"}


@pytest.fixture
def line() -> Line:
    return a_line()


@pytest.fixture
def road(line: Line) -> Campaign:
    campaign = a_campaign(provider=a_party("RoadAid", "lbs_provider"))
    an_approval(line, campaign)
    return campaign


def kept(line: Line) -> tuple[int, int]:
    """How many choices and receipts."""
    of_line = {"line_id": line.pk}
    return Choice.objects.filter(**of_line).count(), ChoiceReceipt.objects.filter(**of_line).count()


def test_each_choice_said_twice_is_one(line: Line, road: Campaign) -> None:
    until = timezone.now() + timedelta(days=7)
    verbs: dict[str, Callable[[timedelta], RecordedChoice]] = {
        "stop": lambda _: choices.stop(line_id=line.pk, scope="all", **WHO),
        "stop of one": lambda _: choices.stop(line_id=line.pk, scope="party", ref=road.lbs_provider.uri, **WHO),
        "refuse": lambda _: choices.refuse(line_id=line.pk, campaign=road.ref, **WHO),
        "pause": lambda late: choices.pause(line_id=line.pk, scope="all", until=until + late, **WHO),
        "allow": lambda late: choices.allow(line_id=line.pk, campaign=road.ref, until=until + late, **WHO),
        "dispute": lambda _: choices.stop(line_id=line.pk, scope="all", reason=NEVER_AGREED, **WHO),
    }
    for n, (name, said) in enumerate(verbs.items(), 1):
        first, second = said(timedelta(0)), said(timedelta(seconds=9))
        assert (second.choice_id, second.order_ids, second.repeated) == (first.choice_id, first.order_ids, True), name
        assert kept(line) == (n, n), name
    assert EvidenceRequest.objects.count() == 1


def test_what_is_said_anew_is_a_choice_of_its_own(line: Line, road: Campaign) -> None:
    week, month = (timezone.now() + timedelta(days=days) for days in (7, 30))
    said: tuple[Callable[[], RecordedChoice], ...] = (
        lambda: choices.stop(line_id=line.pk, scope="all", **WHO),
        lambda: choices.stop(line_id=line.pk, scope="all", actor="subscriber:2", channel="web"),
        lambda: choices.pause(line_id=line.pk, scope="all", until=week, **WHO),
        lambda: choices.pause(line_id=line.pk, scope="all", until=month, **WHO),
        lambda: choices.stop(line_id=line.pk, scope="all", **WHO),
        lambda: choices.allow(line_id=line.pk, campaign=road.ref, **WHO),
        lambda: choices.stop(line_id=line.pk, scope="all", **WHO),
    )
    assert len({one().choice_id for one in said}) == len(said)


@pytest.mark.parametrize("kind", ["pause", "allow"])
def test_one_over_is_not_the_same_as_one_that_begins(line: Line, kind: str) -> None:
    # Nobody had to be told of the pause.
    campaign = a_campaign().ref if kind == "allow" else ""
    at, scope = database_clock(), "campaign" if kind == "allow" else "all"
    ended: dict[str, Any] = {"at": at - timedelta(minutes=5), "until": at - timedelta(minutes=1)}
    over = a_ledger_row(line, kind, scope=scope, ref=campaign, **ended)
    until = at + timedelta(minutes=9)
    who: dict[str, Any] = {"line_id": line.pk, "until": until, "actor": over.actor, "channel": over.channel}
    made = choices.allow(campaign=campaign, **who) if kind == "allow" else choices.pause(scope=scope, **who)
    assert (made.repeated, Choice.objects.get(id=made.choice_id).until) == (False, until)


def test_a_stop_in_two_tabs_at_once_is_one(line: Line, road: Campaign) -> None:
    at = database_clock()

    def press(_: int) -> str:
        try:
            return stop_all_by_line(line_id=line.pk, at=at)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as tabs:
        links = set(tabs.map(press, range(4)))
    assert kept(line) == (1, 1)
    assert Message.objects.filter(line=line, kind=Message.Kind.STOPPED).count() == 1
    assert (len(links), set(ProgressLink.objects.values_list("choice_id", flat=True))) == (
        4, {Choice.objects.get().id},
    )  # fmt: skip


def test_i_never_agreed_leads_to_its_case_however_often_it_is_pressed(line: Line, road: Campaign) -> None:
    browser = sign_in(line)
    said = {"scope": "campaign", "ref": road.ref}
    cases = {browser.post("/choices/dispute/", said).url for _ in range(3)}
    browser.post("/choices/stop/", {"scope": "all", "ref": ""})
    cases.add(browser.post("/choices/dispute/", said).url)
    assert (len(cases), EvidenceRequest.objects.count(), kept(line)) == (1, 1, (2, 2))
    choices.allow(line_id=line.pk, campaign=road.ref, actor=f"subscriber:{user_of(line).pk}", channel="web")
    assert browser.post("/choices/dispute/", said).url not in cases
    assert EvidenceRequest.objects.count() == 2


@pytest.mark.parametrize("scope", ["all", "party", "campaign"])
def test_i_never_agreed_to_a_later_yes_asks_for_proof(line: Line, road: Campaign, scope: str) -> None:
    ref = {"all": "", "party": road.lbs_provider.uri, "campaign": road.ref}[scope]
    browser, said = sign_in(line), {"scope": scope, "ref": ref}
    first = browser.post("/choices/dispute/", said).url
    other = a_campaign(provider=a_party("Other", "lbs_provider"))
    an_approval(line, other, at=timezone.now(), verified_by="partner")
    again = browser.post("/choices/dispute/", said).url
    # What is about another company is nothing new to this dispute.
    assert (again == first) is (scope != "all")
    an_approval(line, road, at=timezone.now(), verified_by="partner")
    newest = browser.post("/choices/dispute/", said).url
    assert newest not in {first, again}
    assert browser.post("/choices/dispute/", said).url == newest
    choice = Choice.objects.filter(line_id=line.pk).latest("made_at")
    asked = EvidenceRequest.objects.filter(choice_id=choice.id).values_list("campaign", flat=True)
    assert sorted(asked) == (sorted([road.ref, other.ref]) if scope == "all" else [road.ref])


def test_where_i_never_agreed_stands_its_case_is_offered_instead(line: Line, road: Campaign) -> None:
    browser, company = sign_in(line), f"/companies/{road.lbs_provider_id}/"
    browser.post("/choices/dispute/", {"scope": "campaign", "ref": road.ref})
    case = f"/help/{Choice.objects.get().id}/"
    way = f'We opened a case. Our privacy office is looking into it. <a href="{case}">See the case</a>'
    for address in ("/home/", company):
        page = browser.get(address).text
        assert (page.count(way), "/choices/dispute/" in page, "I never agreed" in page) == (1, False, False), address
    choices.allow(line_id=line.pk, campaign=road.ref, actor=f"subscriber:{user_of(line).pk}", channel="web")
    for address in ("/home/", company):
        page = browser.get(address).text
        assert (page.count(way), page.count('action="/choices/dispute/"')) == (0, 1), address
