"""Who received a line's location: counts, proofs, order, and the overall state."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import Line
from consent.actions.choices import allow, pause, stop
from consent.models import Choice
from disclosures.models import Basis, Judgement, Outcome
from disclosures.queries.companies import Companies
from disclosures.queries.companies import companies_of as companies_in_zone
from disclosures.queries.company import company_page
from disclosures.queries.company_cards import CompanyCard
from tests.factories import FRAUD, a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import choice_row, take_choices
from tests.people import number_of
from tests.world import HOSTILE, a_world, disclosed, gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")

DAY = timedelta(days=1)
PACIFIC = ZoneInfo("America/Los_Angeles")


def companies_of(*, line: Line, at: datetime) -> Companies:
    return companies_in_zone(line=line, zone=PACIFIC, at=at)


def names(cards: tuple[CompanyCard, ...]) -> list[str]:
    return [card.company.name for card in cards]


def test_a_line_without_anything_has_nothing_and_is_on() -> None:
    found = companies_of(line=a_line(), at=timezone.now())
    assert (found.nothing, found.sharing.state, found.lookups, found.recent, found.earlier) == (True, "on", 0, (), ())


def test_the_riskiest_come_first_and_every_number_is_right() -> None:
    at = timezone.now()
    world = a_world(at=at)
    found = companies_of(line=world.line, at=at)
    assert names(found.recent)[:1] == ["SecureTrack"]
    # A hostile name is one harmless line.
    (name,) = [name for name in names(found.recent) if name.endswith("…")]
    assert (names(found.recent)[1], len(name), "\u202e" in name, "\u0355" in name) == (name, 80, False, False)
    assert "\u202e" in HOSTILE
    assert names(found.recent)[2:] == ["FamilyRing", "FraudShield", "AdReach", "RoadAid"]
    assert set(names(found.earlier)) == {"MedAlert", "NorthLink"}
    assert (found.lookups, found.no_record, found.not_allowed) == (73, 2, 1)
    assert found.flow is not None
    assert (found.flow.n, found.flow.root.not_allowed) == (73, found.flow.not_allowed)
    assert [(tally.judgement, tally.n) for tally in found.outside.recent] == [("emergency", 2), ("legal_process", 1)]
    assert (found.outside.doubtful, found.outside.n_before) == (1, 0)
    road = next(card for card in found.recent if card.company.name == "RoadAid")
    (use,) = road.uses
    why = "To give you a service you asked for"
    assert (use.why, use.precision, use.n, use.recent) == (why, "within about 500 m", 7, 2)
    assert (use.proof.kind, use.proof.method, use.proof.ended) == ("agreed", "sms", False)
    assert (road.is_allowed, road.lifeline, road.is_stopped, road.dispute) == (
        True,
        True,
        False,
        ("campaign", "CMP-roadaid"),
    )
    assert [stop.name for stop in road.trails[0]] == ["", "GeoBridge", "RoadAid"]
    # The chart has twelve weeks of the line's zone, and adds up.
    chart = found.chart
    assert len(chart.weeks) == 12
    assert sum(week.total for week in chart.weeks) == chart.total == sum(one.total for one in chart.series)
    assert [one.name for one in chart.series[:3]] == ["FraudShield", "SecureTrack", "FamilyRing"]
    assert all(bar.y >= 0 and bar.y + bar.height <= chart.height for week in chart.weeks for bar in week.bars)
    # A company's page counts its own as home does.
    cards = [card for card in (*found.recent, *found.earlier) if card.company.id]
    assert len(cards) > 6
    for card in cards:
        page = company_page(line=world.line, party_id=card.company.id, zone=PACIFIC, at=at)
        assert page is not None
        counted = ("n", "recent", "last_at", "refused", "not_allowed", "outside")
        for one in (page.card, *(one for one in page.got if one.how == "itself")):
            assert [getattr(one, name) for name in counted] == [getattr(card, name) for name in counted]
        for name in ("no_record", "recent_not_allowed", "after_stop"):
            assert getattr(page.card, name) == getattr(card, name), (card.company.name, name)


def test_an_approval_of_one_use_is_no_proof_of_another() -> None:
    at = timezone.now()
    line, contract, provider = a_line(), a_contract(), a_party("RoadAid", "lbs_provider")
    agreed, other = a_campaign(contract, provider), a_campaign(contract, provider, purpose=FRAUD)
    an_approval(line, agreed, at=at - 90 * DAY)
    for campaign, judgement in ((agreed, Judgement.PERMITTED), (other, Judgement.NO_APPROVAL)):
        disclosed(
            line, [contract.aggregator.uri, provider.uri], at=at - DAY, campaign=campaign.ref,
            purpose=campaign.purpose, judgement=judgement,
        )  # fmt: skip
    (card,) = companies_of(line=line, at=at).recent
    assert sorted((one.purpose, one.proof.kind) for one in card.uses) == [(FRAUD, "none"), (agreed.purpose, "agreed")]
    assert (card.no_record, [(one.judgement, one.n) for one in card.not_allowed]) == (True, [("no_approval", 1)])


def test_the_state_is_on_off_or_partly() -> None:
    line = a_world(at=timezone.now()).line

    def state() -> str:
        return companies_of(line=line, at=timezone.now()).sharing.state

    by: dict[str, Any] = {"line_id": line.pk, "actor": "subscriber:1", "channel": "web"}
    assert state() == "on"
    stop(scope="campaign", ref="CMP-roadaid", **by)
    assert state() == "partly"
    allow(campaign="CMP-roadaid", **by)
    assert state() == "on"
    stop(scope="party", ref="https://roadaid.example", **by)
    assert state() == "partly"
    until = timezone.now() + 3 * DAY
    pause(scope="all", until=until, **by)
    found = companies_of(line=line, at=timezone.now()).sharing
    assert (found.state, found.stopped_at, found.paused_until) == ("off", None, until)
    assert companies_of(line=line, at=until + DAY).sharing.paused_until is None
    stop(scope="all", **by)
    assert state() == "off"
    # A stopped company offers only what was agreed once.
    cards = {card.company.name: card for card in companies_of(line=line, at=timezone.now()).recent}
    assert [use.campaign for use in cards["RoadAid"].allowable] == ["CMP-roadaid"]
    assert (cards["SecureTrack"].is_stopped, cards["SecureTrack"].allowable) == (True, ())
    assert (cards["AdReach"].proof.kind, cards["AdReach"].allowable) == ("claimed", ())
    allow(campaign="CMP-roadaid", **by)
    assert state() == "partly"


def test_a_record_newer_than_a_stop_counts_for_nothing() -> None:
    at = timezone.now()
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign, at=at - 90 * DAY)
    stop(line_id=line.pk, scope="campaign", ref=campaign.ref, actor="subscriber:1", channel="web")
    later = timezone.now()
    an_approval(line, campaign, at=later)
    use = companies_of(line=line, at=timezone.now()).sharing.uses[campaign.ref]
    assert (use.allowed, use.proof.kept_stop, use.proof.at) == (False, True, later)


def test_hidden_rows_are_in_no_number() -> None:
    at = timezone.now() - 3 * DAY
    line, geo, road = a_line(), a_party(), a_party("RoadAid", "lbs_provider")
    a_campaign(a_contract(geo), road)
    shown, hidden, lifted = disclosed(line, [geo.uri, road.uri], at=at - DAY, n=3, judgement=Judgement.NO_APPROVAL)
    gagged(hidden, until=None, at=at)
    gagged(lifted, until=None, at=at)
    gagged(lifted, until=at - timedelta(hours=1), at=at, number=2)
    disclosed(line, ["urn:police"], at=at - DAY, basis=Basis.LEGAL_PROCESS)
    gagged(disclosed(line, ["urn:police"], at=at - DAY, basis=Basis.LEGAL_PROCESS)[0], until=at + DAY, at=at)
    found = companies_of(line=line, at=at)
    assert (found.lookups, [tally.n for tally in found.outside.recent]) == (2, [1])
    assert companies_of(line=line, at=at).chart.total == 2
    assert companies_of(line=line, at=at + 2 * DAY).outside.recent[0].n == 2
    assert shown.line_id == line.pk
    # A party known only from a hidden row has no page.
    sealed = a_party("Sealed", "end_customer")
    (row,) = disclosed(line, [geo.uri, sealed.uri], at=at - DAY, judgement=Judgement.NO_APPROVAL)
    gagged(row, until=None, at=at)
    for party_id in (sealed.pk, sealed.pk + 1000):
        assert company_page(line=line, party_id=party_id, zone=PACIFIC, at=at) is None


def test_a_companys_page_has_its_evidence_orders_and_way() -> None:
    at = timezone.now()
    world = a_world(at=at)
    stop(line_id=world.line.pk, scope="party", ref="https://securetrack.example", actor="subscriber:1", channel="web")
    page = company_page(line=world.line, party_id=world.roadaid.lbs_provider_id, zone=PACIFIC, at=timezone.now())
    assert page is not None
    (evidence,) = page.evidence
    wording = "Find me when I call. Reply YES."
    assert (evidence.proof.wording, evidence.captured_by, evidence.by_itself) == (wording, "RoadAid", True)
    assert (page.orders, page.card.n) == ((), 7)
    assert page.flow is not None
    assert [(row.names, row.more, row.n, row.not_allowed) for row in page.flow.rows] == [
        (("GeoBridge", "RoadAid"), 0, 7, 0)
    ]
    track = world.securetrack.lbs_provider_id
    tracked = company_page(line=world.line, party_id=track, zone=PACIFIC, at=timezone.now())
    assert tracked is not None
    assert [(order.party, order.state) for order in tracked.orders] == [("NorthLink", "queued")]
    assert tracked.evidence == ()


def test_what_was_passed_on_is_not_its_own() -> None:
    at = timezone.now()
    line, geo, road = a_line(), a_party(), a_party("RoadAid", "lbs_provider")
    jail = a_party("CountyJail", "end_customer")
    path = [geo.uri, road.uri, jail.uri]
    disclosed(line, path, at=at - DAY, n=4, judgement=Judgement.NO_APPROVAL)
    disclosed(line, path, at=at - DAY, n=2, outcome=Outcome.REFUSED)
    disclosed(line, [geo.uri, road.uri], at=at - 50 * DAY, n=2, every=10 * DAY, basis=Basis.EMERGENCY, doubtful=True)
    disclosed(line, [geo.uri, road.uri], at=at - DAY, basis=Basis.EMERGENCY, outcome=Outcome.REFUSED)
    found = {}
    for party in (geo, road, jail):
        page = company_page(line=line, party_id=party.pk, zone=PACIFIC, at=at)
        assert page is not None
        found[party.name] = [
            (one.how, one.n, one.recent, one.refused, one.outside.n, one.outside.last_at) for one in page.got
        ]
        assert (page.card.no_record, page.card.got_it) == (True, True)
    assert found == {
        "GeoBridge": [("through", 4, 4, 2, 2, at - 40 * DAY)],
        "RoadAid": [("itself", 4, 4, 2, 2, at - 40 * DAY)],
        "CountyJail": [("to", 4, 4, 2, 0, None)],
    }


def test_refusals_are_counted_apart() -> None:
    at = timezone.now()
    line, geo, road = a_line(), a_party(), a_party("RoadAid", "lbs_provider")
    a_campaign(a_contract(geo), road)
    disclosed(line, [geo.uri, road.uri], at=at - DAY, n=4, outcome=Outcome.REFUSED)
    found = companies_of(line=line, at=at)
    (card,) = found.earlier
    assert (found.recent, card.refused, card.n) == ((), 4, 0)


def test_a_use_is_as_exact_as_its_most_exact_look_up() -> None:
    at, line, geo, road = timezone.now(), a_line(), a_party(), a_party("RoadAid", "lbs_provider")
    campaign = a_campaign(a_contract(geo), road, precision_m=5000)
    for days, precision_m, judgement in (
        (20, 1000, "permitted"), (10, 100, "permitted"), (1, 500, "permitted"), (1, 2000, "no_approval"),
    ):  # fmt: skip
        disclosed(
            line, [geo.uri, road.uri], at=at - days * DAY, campaign=campaign.ref, precision_m=precision_m,
            judgement=judgement,
        )  # fmt: skip
    (card,) = companies_of(line=line, at=at).recent
    assert [one.precision for one in card.uses] == ["within about 100 m"]


def test_of_many_that_did_not_ask_lately_the_last_are_told_in_short() -> None:
    line, contract = a_line(), a_contract()
    for n in range(13):
        an_approval(line, a_campaign(contract, a_party(f"Aid {n:02}", "lbs_provider"), ref=f"CMP-{n:02}"))
    laid = companies_of(line=line, at=timezone.now()).earlier_laid
    assert [len(cards) for cards in (laid.first, laid.folded, laid.in_short)] == [2, 10, 1]


def test_one_of_two_uses_stopped_is_no_stop_of_the_company() -> None:
    at, line, road = timezone.now(), a_line(), a_party("RoadAid", "lbs_provider")
    contract = a_contract()
    help_, other = a_campaign(contract, road, lifeline=True), a_campaign(contract, road, purpose=FRAUD)
    for campaign in (help_, other):
        an_approval(line, campaign, at=at - 90 * DAY)

    def card() -> CompanyCard:
        (found,) = companies_of(line=line, at=timezone.now()).earlier
        return found

    assert (card().is_stopped, card().lifeline, card().stop_cuts_help) == (False, True, True)
    stop(line_id=line.pk, scope="campaign", ref=help_.ref, actor="subscriber:1", channel="web")
    assert (card().is_stopped, card().is_allowed) == (False, True)
    assert (card().lifeline, card().stop_cuts_help) == (True, False)
    # Of a stop that is the person's own in part and a file's in part both are said.
    of_file = {"kind": "stop", "scope": "campaign", "ref": other.ref, "made_at": timezone.now().isoformat()}
    take_choices(choice_row(msisdn=number_of(line), **of_file))
    assert (card().is_stopped, card().by_record) == (True, True)


def test_when_a_pause_ends_only_who_was_agreed_to_may_ask_again() -> None:
    at, line = timezone.now(), a_line()
    agreed, claimed = (a_campaign(a_contract(), a_party(name, "lbs_provider")) for name in ("RoadAid", "Claims"))
    an_approval(line, agreed, at=at - 90 * DAY)
    an_approval(line, claimed, at=at - 90 * DAY, verified_by="partner")
    pause(line_id=line.pk, scope="party", ref=agreed.lbs_provider.uri, until=at + 3 * DAY, actor="s", channel="web")
    pause(line_id=line.pk, scope="all", until=at + DAY, actor="s", channel="web")
    disclosed(line, [a_party("NorthLink").uri, a_party("Unknown to us", "lbs_provider").uri], at=at - DAY)
    found = companies_of(line=line, at=timezone.now())
    standing = found.sharing
    assert standing.after_the_pause == ["RoadAid"]
    # Of whom no use is known, by its name.
    (card,) = found.recent
    paused_at = Choice.objects.get(scope="all").made_at
    assert (card.is_stopped, card.paused_until, card.denied_since) == (True, at + DAY, paused_at)
    # Whichever pause of it runs longer.
    assert {ref: use.paused_until for ref, use in standing.uses.items()} == {
        agreed.ref: at + 3 * DAY, claimed.ref: at + DAY,
    }  # fmt: skip


def test_what_has_no_record_names_partners_and_contracts_in_order() -> None:
    at, line, road = timezone.now(), a_line(), a_party("RoadAid", "lbs_provider")
    for name in ("Zeta", "Alpha", "Middle"):
        contract = a_contract(a_party(name), ref=f"AGR-{name}")
        disclosed(
            line, [contract.aggregator.uri, road.uri], at=at - DAY, campaign=a_campaign(contract, road).ref,
            judgement=Judgement.NO_APPROVAL,
        )  # fmt: skip
    page = company_page(line=line, party_id=road.pk, zone=PACIFIC, at=at)
    assert page is not None
    assert page.no_record is not None
    assert page.no_record.partners == ("Alpha", "Middle", "Zeta")
    assert page.no_record.contracts == ("AGR-Alpha", "AGR-Middle", "AGR-Zeta")


def test_a_company_without_a_known_use_is_stopped_by_its_name() -> None:
    at, line, stranger = timezone.now(), a_line(), a_party("Unknown to us", "lbs_provider")
    disclosed(line, [a_party("NorthLink").uri, stranger.uri], at=at - DAY)
    stop(line_id=line.pk, scope="party", ref=stranger.uri, actor="subscriber:1", channel="web")
    (card,) = companies_of(line=line, at=timezone.now()).recent
    stopped_at = Choice.objects.get().made_at
    assert (card.stopped_at, card.denied_since, card.by_record, card.by_us) == (stopped_at, stopped_at, False, False)
