"""What follows an officer's act: past judgements and partners' copies come up to it, on the day on which it counts."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.models import Line
from audit.models import Incident
from audit.queries import database_clock
from consent.actions import choices, restore
from consent.queries.permission import PermissionQuestion, answers_at
from consent.workers.archive_entries import ArchivedSuspension
from consent.workers.cohorts import build_manifests, end_terms
from console.actions import proposals as proposals_actions
from console.actions import terms as terms_actions
from console.actions.terms import add_rule, set_consideration
from disclosures.models import Disclosure, JudgementChange
from partners.actions import proposals, suspensions
from partners.actions.drafts import CampaignTerms, draft_campaign
from partners.actions.parties import add_party
from partners.actions.terms import RuleTerms, shorten_term
from partners.actions.terms import add_rule as add_partner_rule
from partners.feeds.parties import PartiesFeed
from partners.feeds.reading import NumberedLine
from partners.models import Campaign, JurisdictionRule, PendingTermChange, Reach
from revocations.models import Order, StreamEvent
from support.workers import term_change_propagation
from tests import feeds
from tests.factories import ADS, LONG_AGO, a_campaign, a_contract, a_line, a_party, an_approval
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.orders import bring_to
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("db", "no_broker")
FORMER = "https://roadhelp.example"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def settles(now: datetime) -> int:
    return term_change_propagation.settle(now=now)


def a_release_in_maryland() -> Disclosure:
    """One that was permitted, at a time when Maryland's rule on sales was in force."""
    feeds.take_parties()
    feeds.take_lines(feeds.line_row(state="MD"))
    feeds.take_approvals(feeds.approval_row())
    taken = feeds.take_releases(feeds.release_row(occurred_at="2026-02-01T00:00:00Z"))
    assert feeds.told(taken) == [("accepted", "permitted")]
    return Disclosure.objects.get()


def the_ledger_says(one: Disclosure) -> str:
    asked = PermissionQuestion(
        one.line_id, one.campaign, one.path, one.purpose, one.scope, one.precision_m, one.occurred_at, database_clock()
    )
    (answer,) = answers_at(asked=[asked])
    return answer


def paid(campaign: Campaign, consideration: str) -> None:
    set_consideration(
        campaign_id=campaign.pk, consideration=consideration, reason="Due", actor=an_actor(), at=database_clock()
    )


def by_two(act: str, of: str, target_id: int, *, at: datetime | None = None, **payload: object) -> None:
    one, two, at = an_actor(), an_actor(), at or database_clock()
    proposal = proposals.propose(act=act, of=of, target_id=target_id, payload=payload, reason="Due", actor=one, at=at)
    proposals_actions.agree_to_proposal(proposal_id=proposal.id, reason="Due", actor=two, at=at)


def a_rule(state: str, purpose: str, *, days: float) -> JurisdictionRule:
    """A rule that begins so many days from now."""
    at = database_clock()
    return add_rule(
        terms=RuleTerms(
            state=state, starts_at=at + days * DAY, purposes=(purpose,), sale_test=False, source="test: a law"
        ),
        reason="Due",
        actor=an_actor(),
        at=at,
    )


def test_what_is_paid_judges_the_past_again_up_and_down() -> None:
    release = a_release_in_maryland()
    campaign = Campaign.objects.get(ref=release.campaign)
    for consideration, judgement in (("monetary", "jurisdiction_prohibits"), ("none", "permitted")):
        if consideration == "none":
            by_two("paid_for_less", "campaign", campaign.pk, consideration=consideration)
        else:
            paid(campaign, consideration)
        assert (settles(database_clock()), settles(database_clock())) == (1, 0)
        release.refresh_from_db()
        assert release.judgement == the_ledger_says(release) == judgement
    assert list(JudgementChange.objects.order_by("changed_at").values_list("becomes", "cause")) == [
        ("jurisdiction_prohibits", "import:acts"), ("permitted", "import:acts"),
    ]  # fmt: skip


def test_a_link_of_purposes_judges_past_releases_again() -> None:
    release = a_release_in_maryland()
    feeds.take_choices(feeds.choice_row(scope="purpose", ref=ADS, made_at="2026-01-01T00:00:00Z"))
    release.refresh_from_db()
    assert release.judgement == "permitted"
    at = database_clock()
    terms_actions.link(
        of="purpose", ref=release.purpose, kin_ref=ADS, link="succeeds", reason="Due", actor=an_actor(), at=at
    )
    assert settles(at) == 1
    release.refresh_from_db()
    assert (release.judgement, the_ledger_says(release)) == ("after_stop", "stopped_purpose")


def by_the_next_import() -> None:
    feeds.take_parties({"parties": []})


def by_the_scheduler() -> None:
    now = database_clock()
    (waits_since,) = set(PendingTermChange.objects.values_list("recorded_at", flat=True))
    assert begins_at(settles, waits_since + 15 * MINUTE + A_MOMENT)
    assert (settles(now), settles(now + HOUR)) == (0, 1)


@pytest.mark.parametrize("made_up_for", [by_the_next_import, by_the_scheduler])
def test_a_cut_off_parties_import_is_made_up_for(made_up_for: Callable[[], None]) -> None:
    release = a_release_in_maryland()
    feeds.take_choices(feeds.choice_row(scope="party", ref=FORMER, made_at="2026-01-01T00:00:00Z"))
    road = {"id": feeds.ROAD, "name": "Road", "kind": "lbs_provider", "website": feeds.ROAD, "about": ""}
    document = json.dumps({"parties": [road | {"succeeds": [FORMER]}]}).encode()
    (fate,) = PartiesFeed().take(lines=[NumberedLine(1, document)], at=database_clock())
    release.refresh_from_db()
    assert (fate.status, release.judgement) == ("accepted", "permitted")
    made_up_for()
    release.refresh_from_db()
    assert (release.judgement, the_ledger_says(release)) == ("after_stop", "stopped_party")
    assert not PendingTermChange.objects.exists()


def test_a_rule_with_a_past_beginning_judges_anew() -> None:
    release = a_release_in_maryland()
    feeds.take_releases(feeds.release_row(occurred_at="2025-07-01T12:00:00Z"))
    at = database_clock()
    add_rule(
        terms=RuleTerms(
            state="MD", starts_at=feeds.moment("2025-12-01T00:00:00Z"), purposes=(release.purpose,), sale_test=False,
            source="test: a law",
        ),
        reason="Due", actor=an_actor(), at=at,
    )  # fmt: skip
    assert ends_at(settles, at + 30 * DAY)
    assert settles(at) == 1
    judged = Disclosure.objects.order_by("occurred_at")
    assert [one.judgement for one in judged] == ["permitted", "jurisdiction_prohibits"]
    assert [the_ledger_says(one) for one in judged] == ["permitted", "jurisdiction_prohibits"]


@pytest.mark.parametrize("of", ["party", "contract", "campaign"])
def test_a_suspension_that_came_back_judges_anew(of: str) -> None:
    """As after a restore, where releases are taken in again first."""
    release = a_release_in_maryland()
    feeds.take_releases(feeds.release_row(occurred_at="2025-07-01T12:00:00Z"))
    refs = {"party": feeds.BRIDGE, "contract": "AGR-1", "campaign": "CMP-road"}
    said = ArchivedSuspension(
        of=of, ref=refs[of], automatic=False, starts_at=feeds.moment("2025-12-01T00:00:00Z"), actor=an_actor()
    )
    assert restore.restore_suspension(archived=said, at=database_clock()) == restore.RestoreOutcome.REPLAYED
    assert (settles(database_clock()), settles(database_clock())) == (1, 0)
    judged = Disclosure.objects.order_by("occurred_at")
    assert [one.judgement for one in judged] == ["permitted", "partner_suspended"]
    assert the_ledger_says(release) == "partner_suspended"


def test_a_draft_judges_again_what_named_it() -> None:
    feeds.take_parties()
    feeds.take_lines(feeds.line_row())
    told = feeds.told(feeds.take_releases(feeds.release_row(campaign="CMP-new")))
    assert told == [("accepted", "no_approval")]
    terms = CampaignTerms(
        lbs_provider=feeds.ROAD, purpose=feeds.ROADSIDE, description="Finds you", consent_flow="sms",
        scope="location-retrieval:read", precision_m=500, starts_at=LONG_AGO,
        ends_at=feeds.moment("2094-01-01T00:00:00Z"),
    )  # fmt: skip
    at = database_clock()
    draft_campaign(ref="CMP-new", contract="AGR-1", terms=terms, reason="Due", actor=an_actor(), at=at)
    assert ends_at(settles, at + 30 * DAY)
    assert settles(at) == 1
    release = Disclosure.objects.get()
    assert release.judgement == the_ledger_says(release) == "campaign_not_in_force"


def a_line_that_was_told(state: str = "WA") -> tuple[Line, Campaign]:
    """A line that agreed to advertising and to a tow, and stopped the tow: its partner was told of advertising."""
    line, contract = a_line(state=state), a_contract()
    ads, tow = a_campaign(contract, purpose=ADS), a_campaign(contract, a_party("Tow", "lbs_provider"))
    for campaign in (ads, tow):
        an_approval(line, campaign)
    choices.stop(line_id=line.pk, scope="campaign", ref=tow.ref, actor="subscriber:1", channel="web")
    assert uses_of(line) == [ADS]
    return line, ads


def uses_of(line: Line) -> list[str]:
    newest = Order.objects.filter(line_id=line.pk).order_by("-epoch", "-version")[0]
    return [entry["purpose"] for entry in newest.snapshot["state"]]


def a_rule_of_now(campaign: Campaign) -> None:
    a_rule("WA", campaign.purpose, days=-1)


def a_sale(campaign: Campaign) -> None:
    JurisdictionRule.objects.create(state="WA", starts_at=LONG_AGO, purposes=[], sale_test=True, source="test: a law")
    paid(campaign, "other")


@pytest.mark.parametrize("act", [a_rule_of_now, a_sale])
def test_partners_hear_of_what_an_officer_s_act_denies(act: Callable[[Campaign], None]) -> None:
    line, campaign = a_line_that_was_told()
    act(campaign)
    assert uses_of(line) == [ADS]
    assert (settles(database_clock()), settles(database_clock())) == (1, 0)
    assert (uses_of(line), Order.objects.count()) == ([], 2)


def test_lines_in_other_states_hear_nothing() -> None:
    line, campaign = a_line_that_was_told(state="NV")
    a_rule("WA", campaign.purpose, days=-1)
    assert settles(database_clock()) == 1
    assert (uses_of(line), Order.objects.count()) == ([ADS], 1)


def test_a_rule_is_told_on_the_day_it_begins() -> None:
    line, campaign = a_line_that_was_told()
    at = database_clock()
    add_partner_rule(
        terms=RuleTerms(
            state="WA", starts_at=at - HOUR, purposes=(campaign.purpose,), sale_test=False, source="test: a law"
        ),
        reason="Due",
        actor=an_actor(),
        at=at - 40 * DAY,
    )
    assert begins_at(settles, at - HOUR)
    assert ends_at(settles, at - HOUR + 30 * DAY)
    assert (settles(at), settles(at), uses_of(line)) == (1, 0, [])


def test_a_rule_s_end_is_told_on_its_day() -> None:
    rule = JurisdictionRule.objects.create(
        state="WA", starts_at=LONG_AGO, purposes=[ADS], sale_test=False, source="test: a law"
    )
    line, contract = a_line(), a_contract()
    ads, tow = a_campaign(contract, purpose=ADS), a_campaign(contract, a_party("Tow", "lbs_provider"))
    for campaign in (ads, tow):
        an_approval(line, campaign)
    choices.stop(line_id=line.pk, scope="campaign", ref=tow.ref, actor="subscriber:1", channel="web")
    assert uses_of(line) == []
    at = database_clock()
    by_two("relax_rule", "rule", rule.pk, at=at - 6 * DAY, ends_at=(at - HOUR).isoformat())
    assert begins_at(settles, at - HOUR)
    assert ends_at(settles, at - HOUR + 30 * DAY)
    assert (settles(at), settles(at), uses_of(line)) == (1, 0, [ADS])


def test_the_end_of_a_term_is_told_as_a_whole() -> None:
    line, campaign = a_line_that_was_told()
    other, agreed = a_line_that_was_told()
    at = database_clock()
    Campaign.objects.filter(pk=agreed.pk).update(ends_at=at - HOUR)
    shorten_term(
        of="campaign", target_id=campaign.pk, ends_at=at - HOUR, reason="Due", actor=an_actor(), at=at - 40 * DAY
    )
    assert (settles(at), uses_of(line), uses_of(other)) == (0, [ADS], [ADS])
    bring_to("acknowledged", acknowledged_at=at)
    assert end_terms(now=at) == 2
    # The list waits a moment for whatever is still open, as this test's own transaction is.
    assert build_manifests(now=at + HOUR) == 2
    assert (settles(at), Order.objects.count(), StreamEvent.objects.count()) == (0, 2, 2)


def a_campaign_that_another_follows() -> tuple[Line, Campaign]:
    """A campaign, another in its very place, and a line that agreed to both and was never told of."""
    line, contract, tow = a_line(), a_contract(), a_party("Tow", "lbs_provider")
    ended, follows = (a_campaign(contract, tow) for _ in range(2))
    for campaign in (ended, follows):
        an_approval(line, campaign)
    return line, ended


def end_now(campaign: Campaign) -> datetime:
    at = database_clock()
    shorten_term(of="campaign", target_id=campaign.pk, ends_at=at, reason="Due", actor=an_actor(), at=at - DAY)
    assert end_terms(now=database_clock()) == 1
    assert build_manifests(now=at + HOUR) == 1
    return at


@pytest.mark.parametrize("who", ["provider", "aggregator", "recipient", "contract", "campaign"])
def test_what_ended_while_suspended_is_told_afterwards(who: str) -> None:
    line, ended = a_campaign_that_another_follows()
    follows = Campaign.objects.exclude(pk=ended.pk).get()
    jail = a_party("Jail", "end_customer")
    Reach.objects.create(campaign=follows, party=jail)
    of, target = {
        "provider": ("party", follows.lbs_provider_id), "aggregator": ("party", follows.contract.aggregator_id),
        "recipient": ("party", jail.pk), "contract": ("contract", follows.contract_id),
        "campaign": ("campaign", follows.pk),
    }[who]  # fmt: skip
    suspensions.suspend(of=of, target_id=target, actor=an_actor(), reason="Due", at=database_clock())
    end_now(ended)
    assert Order.objects.count() == 0
    by_two("lift_suspension", of, target)
    assert (settles(database_clock()), settles(database_clock())) == (3, 0)
    order = Order.objects.get()
    assert (order.line_id, order.epoch, order.snapshot["changes"], uses_of(line)) == (line.pk, 2, [], [follows.purpose])


def test_so_it_is_when_a_state_s_rule_is_over() -> None:
    line, ended = a_campaign_that_another_follows()
    rule = JurisdictionRule.objects.create(
        state=line.state, starts_at=LONG_AGO, purposes=[ended.purpose], sale_test=False, source="test: a law"
    )
    end_now(ended)
    at = database_clock()
    by_two("relax_rule", "rule", rule.pk, at=at - HOUR, ends_at=at.isoformat())
    assert (settles(at), uses_of(line)) == (2, [ended.purpose])


def test_what_ended_before_its_suspension_is_not_told_again() -> None:
    _, ended = a_campaign_that_another_follows()
    end_now(ended)
    assert Order.objects.count() == 1
    target = ended.contract_id
    suspensions.suspend(of="contract", target_id=target, actor=an_actor(), reason="Due", at=database_clock())
    by_two("lift_suspension", "contract", target)
    assert (settles(database_clock()), Order.objects.count()) == (3, 1)


def test_one_worker_settles_at_a_time() -> None:
    line, campaign = a_line_that_was_told()
    a_rule("WA", campaign.purpose, days=-1)
    with in_another_session() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('support.term_change_propagation', 0))")
        assert (settles(database_clock()), uses_of(line)) == (0, [ADS])
        # A session that is over gives back what it held a moment later.
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended('support.term_change_propagation', 0))")
    assert (settles(database_clock()), uses_of(line)) == (1, [])


@contextmanager
def in_another_session() -> Iterator[psycopg.Cursor[Any]]:
    """Another worker's session."""
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        yield other.cursor()


def test_naming_a_company_makes_earlier_releases_to_it_doubtful() -> None:
    feeds.take_lines(feeds.line_row())
    feeds.take_releases(feeds.release_row(basis="emergency", path=[feeds.BRIDGE, feeds.TRACK]))
    at = database_clock()
    add_party(uri=feeds.TRACK, name="SecureTrack", kind="lbs_provider", reason="Due", actor=an_actor(), at=at)
    assert settles(database_clock()) == 1
    assert Disclosure.objects.get().basis_doubtful
    incident = Incident.objects.get()
    assert (incident.kind, incident.subject, incident.count) == ("basis_doubtful", feeds.TRACK, 1)
    assert settles(database_clock()) == 0
