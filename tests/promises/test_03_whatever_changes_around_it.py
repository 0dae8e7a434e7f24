"""Promise 3, sentence by sentence: what the carrier, its partners and its files change leaves a stop as it is."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from partners.actions.parties import add_party
from partners.models import Campaign, IdentifierLink, Reach
from tests.factories import FRAUD, NOW, ROADSIDE, a_campaign, a_line, a_party, an_approval
from tests.feeds import (
    BRIDGE,
    JAIL,
    LINK,
    NUMBER,
    ROAD,
    Row,
    approval_row,
    as_at_commit,
    line_row,
    parties_document,
    release_row,
    take_approvals,
    take_lines,
    take_parties,
    take_releases,
    told,
)
from tests.promises.asking import ask
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("db", "no_broker")


def stopped(line: Line, scope: str, ref: str = "") -> None:
    stop(line_id=line.pk, scope=scope, ref=ref, actor="subscriber:1", channel="web")
    as_at_commit()


def answer(line: Line, campaign: Campaign) -> str:
    return ask(line, campaign).reason or "allowed"


def agreed(line: Line, campaign: Campaign) -> Campaign:
    """A yes that a file brings after the stop: as new as can be, and all the same no answer to the person's no."""
    an_approval(line, campaign, at=database_clock())
    return campaign


def test_a_recipient_s_stop_covers_campaigns_that_reach_it_later() -> None:
    line, campaign, jail = a_line(), a_campaign(), a_party("County Jail", "end_customer")
    an_approval(line, campaign)
    stopped(line, "party", jail.uri)
    assert answer(line, campaign) == "allowed"
    Reach.objects.create(campaign=campaign, party=jail)
    assert answer(line, campaign) == "stopped_party"
    assert answer(line, agreed(line, campaign)) == "stopped_party"


@pytest.mark.parametrize("link", ["succeeds", "same_as"])
def test_a_purpose_under_another_name_is_stopped_with_it(link: str) -> None:
    line, campaign = a_line(), a_campaign(purpose=FRAUD)
    stopped(line, "purpose", FRAUD)
    successor = agreed(line, a_campaign(campaign.contract, purpose=ROADSIDE))
    assert answer(line, successor) == "allowed"
    IdentifierLink.objects.create(of="purpose", ref=ROADSIDE, kin_ref=FRAUD, link=link, recorded_at=NOW)
    assert answer(line, successor) == "stopped_purpose"


def a_stopped_line_of_the_files() -> tuple[Line, Campaign]:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    line, campaign = Line.objects.get(), Campaign.objects.get(ref="CMP-road")
    assert answer(line, campaign) == "allowed"
    stopped(line, "party", ROAD)
    return line, campaign


@pytest.mark.parametrize(
    "change",
    [
        {"sim_changed_at": "2026-11-01T00:00:00Z"},
        {"user_role": "user"},
        {"user_role": "user", "account_id": "A9", "holder_name": "Ben Marsh"},
        {"state": "TX", "language": "es"},
        {"msisdn": "+12065550143", "number_changed_at": "2026-11-01T00:00:00Z"},
        {},
    ],
    ids=["sim", "user", "holder", "moved", "number", "the same file again"],
)
def test_no_lines_file_lifts_it(change: Row) -> None:
    line, campaign = a_stopped_line_of_the_files()
    assert told(take_lines(line_row(**change))) == [("accepted",) if change else ("repeated",)]
    take_approvals(approval_row(msisdn=change.get("msisdn", NUMBER), captured_at=database_clock().isoformat()))
    assert answer(line, campaign) == "stopped_party"


def test_nor_does_a_refused_lines_file() -> None:
    line, campaign = a_stopped_line_of_the_files()
    assert told(take_lines(line_row(account_id="A9", holder_name="Ben Marsh"))) == [
        ("rejected", "user_role", "needs_new_line_id")
    ]
    take_approvals(approval_row(captured_at=database_clock().isoformat()))
    assert answer(line, campaign) == "stopped_party"


def test_a_line_that_continues_another_is_stopped_as_that_was() -> None:
    line, campaign = a_stopped_line_of_the_files()
    at = database_clock() - timedelta(minutes=1)
    take_lines(line_row(deactivated_at=at.isoformat()))
    take_lines(line_row(line_id="L2", activated_at=at.isoformat(), continues_line_id="L1"))
    take_approvals(approval_row(captured_at=database_clock().isoformat()))
    assert answer(Line.objects.get(carrier_id="L2"), campaign) == "stopped_party"
    assert answer(line, campaign) == "line_unknown"


BAIL, NEWCOMER = "https://bailnow.example", "https://newcomer.example"


def naming_document(*recipients: str, known: Sequence[str] = (), links: Sequence[str] = ()) -> dict[str, list[Row]]:
    """The parties' file, with a campaign whose requests name their recipient, one of these."""
    whole = parties_document()
    end: Row = {"kind": "end_customer", "website": "", "about": ""}
    more = [{**end, "id": uri, "name": uri, "same_as": [*links]} for uri in known]
    naming = {**whole["campaigns"][0], "names_recipient": True, "recipients": [*recipients]}
    return {**whole, "parties": [*whole["parties"], *more], "campaigns": [naming, whole["campaigns"][1]]}


def asked_for(line: Line, recipient: str) -> str:
    campaign = Campaign.objects.get(ref="CMP-road")
    (found,) = deciding.evaluate(questions=[as_agreed(campaign=campaign, line=line.carrier_id, recipient=recipient)])
    return found.reason or "allowed"


def test_no_newly_known_company_leaves_a_stop_alone() -> None:
    take_parties(naming_document(BAIL, JAIL))
    take_lines(line_row(), line_row(line_id="L2", msisdn="+12065550177"))
    take_approvals(approval_row(), approval_row(msisdn="+12065550177"))
    line = Line.objects.get(carrier_id="L1")
    stopped(line, "party", BAIL)
    both = {BAIL: "stopped_party", JAIL: "allowed"}
    assert {one: asked_for(line, one) for one in both} == both
    assert asked_for(line, NEWCOMER) == "stopped_party"
    # One officer writes it down, a file does, another names it behind the campaign and the same as one behind it.
    add_party(uri=NEWCOMER, name="Newcomer", kind="end_customer", actor=an_actor(), reason="Due", at=database_clock())
    assert asked_for(line, NEWCOMER) == "stopped_party"
    for document in (
        naming_document(BAIL, JAIL, known=[NEWCOMER]),
        naming_document(BAIL, JAIL, NEWCOMER, known=[NEWCOMER]),
        naming_document(BAIL, JAIL, NEWCOMER, known=[NEWCOMER], links=[JAIL]),
    ):
        assert "rejected" not in {fate.status for fate in take_parties(document)}
        assert asked_for(line, NEWCOMER) == "stopped_party"
    assert Reach.objects.get(party__uri=NEWCOMER).told_apart is False
    # It is known all the same: a stop of it holds where a request names nobody, and for another it is like.
    assert NEWCOMER in Campaign.objects.get(ref="CMP-road").cover.parties
    # A release on a line without a stop shows that it is one of those whom the requests name.
    other = Line.objects.get(carrier_id="L2")
    assert asked_for(other, NEWCOMER) == "allowed"
    take_releases(release_row(msisdn="+12065550177", path=[BRIDGE, ROAD, NEWCOMER]))
    assert {one: asked_for(line, one) for one in (*both, NEWCOMER)} == {**both, NEWCOMER: "allowed"}


def parties_changed() -> list[Row]:
    """The parties' file anew: other names, another place behind, a company that takes the other's place."""
    whole = parties_document()
    rows = {name: [dict(row) for row in entries] for name, entries in whole.items()}
    renamed = [{**row, "name": f"New {row['name']}"} for row in rows["parties"]]
    successor = {**rows["parties"][2], "id": "https://roadaid2.example", "succeeds": ROAD}
    named = [{**rows["campaigns"][0], "names_recipient": True}, rows["campaigns"][1]]
    reached = [{**rows["campaigns"][0], "recipients": [JAIL]}, rows["campaigns"][1]]
    moved = [{**rows["contracts"][0], "aggregator": LINK}, rows["contracts"][1]]
    return [
        {**whole, "parties": renamed},
        {**whole, "parties": [*rows["parties"], successor]},
        {**whole, "campaigns": named},
        {**whole, "campaigns": reached},
        {**whole, "contracts": moved},
        {**whole},
    ]


@pytest.mark.parametrize("n", range(6))
def test_no_parties_file_lifts_it(n: int) -> None:
    line, campaign = a_stopped_line_of_the_files()
    take_parties(parties_changed()[n])
    take_approvals(approval_row(captured_at=database_clock().isoformat()))
    campaign.refresh_from_db()
    assert (campaign.contract.aggregator.uri, campaign.names_recipient) == (BRIDGE, False)
    assert answer(line, campaign) == "stopped_party"
