"""Whose choices and look-ups the figures for everyone count, and whose not."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Line
from accounts.primitives.numbers import CANARY_NAME, CANARY_PARTY
from audit.queries import database_clock
from consent.actions.choices import allow, refuse, stop
from consent.actions.lines import grow_up
from consent.models import ChoiceOrder, InvalidatedApproval
from disclosures.models import Basis, Judgement, Outcome, PublishedFigure
from disclosures.queries.figures.statements import Figure
from disclosures.workers import publishing
from partners.domain import pairwise
from partners.models import Party
from revocations.actions.orders import enqueue_order
from revocations.domain.wire import Agreement
from revocations.models import Order, State
from support.models import CarrierTestLine
from tests.factories import FRAUD, NOW, a_campaign, a_contract, a_ledger_row, a_line, a_party, an_approval
from tests.orders import bring_to
from tests.world import disclosed

pytestmark = pytest.mark.usefixtures("db")
DAY = timedelta(days=1)
TEN = range(10)


@pytest.fixture(autouse=True)
def to_the_minute(settings: Settings) -> None:
    settings.FIGURES_TO_THE_MINUTE = True


def counted(figure: Figure, *columns: str, after: timedelta = DAY) -> Sequence[tuple[object, ...]]:
    publishing.make(at=NOW + after)
    return [tuple(row[one] for one in columns) for row in PublishedFigure.objects.get(name=figure).rows]


def choices(*, after: timedelta = DAY) -> dict[object, object]:
    return {kind: n for kind, n in counted(Figure.CHOICES, "kind", "n", after=after) if n}


def test_what_time_and_this_portal_ended_is_not_what_people_said() -> None:
    a_ledger_row(a_line(), "stop", at=NOW)
    for _ in range(2):
        a_ledger_row(a_line(), "stop", scope="party", ref=a_party().uri, at=NOW, origin="system")
    for _ in range(3):
        a_ledger_row(a_line(), "stop", at=NOW, reason="grown_up")
    assert choices() == {"stop": 1, "ours": 5}


def test_test_lines_are_nobody() -> None:
    for _ in range(2):
        a_ledger_row(a_line(), "stop", at=NOW)
    of_ours, of_the_carrier = a_line(carrier_id=CANARY_NAME), a_line()
    for line in (of_ours, of_the_carrier):
        a_ledger_row(line, "stop", at=NOW)
    assert choices() == {"stop": 3}
    CarrierTestLine.objects.create(line_id=of_the_carrier.pk, marked_at=NOW, marked_by="officer:1", about="Receipts")
    assert choices(after=2 * DAY) == {"stop": 2}


def test_a_yes_that_came_by_another_s_number_is_nobody_s() -> None:
    first, _ = (a_ledger_row(a_line(), "allow", at=NOW, scope="campaign", ref="CMP-1", origin="file") for _ in range(2))
    assert choices() == {"allow": 2}
    a_ledger_row(Line.objects.get(pk=first.line_id), "stop", at=NOW + DAY)
    InvalidatedApproval.objects.create(line_id=first.line_id, yes_id=first.id, campaign="CMP-1", recorded_at=NOW)
    assert choices(after=2 * DAY) == {"allow": 1, "stop": 1}


@pytest.mark.usefixtures("no_broker")
def test_how_long_it_took_is_told_of_what_was_said_here_alone() -> None:
    contract = a_contract()
    for _ in TEN:
        for said in (
            a_ledger_row(a_line(), "stop", at=NOW, recorded_at=NOW + timedelta(seconds=2)),
            a_ledger_row(a_line(), "stop", at=NOW - 5 * DAY, recorded_at=NOW, origin="file"),
        ):
            pairwise.subject(line_id=said.line_id, party_id=contract.aggregator_id)
            told = enqueue_order(line_id=said.line_id, agreements=[Agreement(contract, [], ())], by="user", at=NOW)
            ChoiceOrder.objects.create(
                line_id=said.line_id, choice_id=said.id, order_id=told[contract.pk], contract_id=contract.pk
            )
    columns = ("n", "from_files", "to_gate_median_s", "to_gate_p95_s")
    assert counted(Figure.CHOICES, "kind", *columns)[0] == ("stop", 20, 10, 2.0, 2.0)
    columns = ("received", "said_here", "to_gate_median_s", "to_gate_p95_s")
    assert counted(Figure.FOLLOWED, "company", *columns) == [("GeoBridge", 20, 10, 2.0, 2.0)]


@pytest.mark.usefixtures("no_broker")
def test_what_was_refused_is_told_companies_like_what_was_stopped() -> None:
    campaign = a_campaign()
    for _ in TEN:
        line = a_line()
        an_approval(line, campaign)
        refuse(line_id=line.pk, campaign=campaign.ref, actor="subscriber:0", channel="web")
    after = database_clock() - NOW + DAY
    assert counted(Figure.FOLLOWED, "company", "received", "said_here", after=after) == [("GeoBridge", 10, 10)]


@pytest.mark.usefixtures("no_broker")
def test_what_ended_as_children_grew_up_nobody_said_here() -> None:
    campaign = a_campaign()
    for _ in TEN:
        line = a_line()
        allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:0", channel="web")
        grow_up(line_id=line.pk, at=database_clock())
    after = database_clock() - NOW + DAY
    columns = ("company", "received", "said_here", "to_gate_median_s", "to_gate_p95_s")
    assert counted(Figure.FOLLOWED, *columns, after=after) == [("GeoBridge", 10, 0, None, None)]


@pytest.mark.usefixtures("no_broker")
def test_what_one_company_did_another_has_not_done() -> None:
    """Both were told of the same stops."""
    uses = [a_campaign(a_contract(a_party(name))) for name in ("GeoBridge", "NorthLink")]
    for _ in TEN:
        line = a_line()
        for campaign in uses:
            an_approval(line, campaign)
        stop(line_id=line.pk, scope="all", actor="subscriber:0", channel="web")
    now = database_clock()
    # What is signed in part is not what is done.
    for campaign, state in zip(uses, (State.COMPLETED, State.PARTIAL), strict=True):
        bring_to(
            state, Order.objects.filter(contract_id=campaign.contract_id), acknowledged_at=now, completed_at=now
        )  # fmt: skip
    columns = ("company", "received", "acknowledged", "completed")
    assert counted(Figure.FOLLOWED, *columns, after=now - NOW + DAY) == [
        ("GeoBridge", 10, 10, 10),
        ("NorthLink", 10, 10, 0),
    ]


def test_a_phone_is_found_once_however_often_and_by_a_look_up_on_consent_alone() -> None:
    road, service = a_party("RoadAid"), a_party("Early", "lbs_provider")
    geo, draft, north = a_party(), a_party("Draft"), a_party("NorthLink")
    agreed = a_contract(geo)
    a_campaign(agreed, purpose=FRAUD)
    a_contract(north)
    a_contract(draft, is_draft=True)
    a_campaign(agreed, service, is_draft=True)
    for _ in TEN:
        line = a_line()
        disclosed(line, [geo.uri], at=NOW, n=2)
        for path in ([draft.uri], [north.uri], [geo.uri, service.uri], [geo.uri, road.uri]):
            disclosed(line, path, at=NOW)
    disclosed(a_line(), [north.uri], at=NOW)
    disclosed(a_line(), [geo.uri], at=NOW, basis=Basis.EMERGENCY)
    disclosed(a_line(), [geo.uri], at=NOW, outcome=Outcome.REFUSED)
    # Most phones first, then by name.
    assert counted(Figure.PHONES, "company", "phones") == [("NorthLink", 11), ("GeoBridge", 10), ("RoadAid", 10)]


def test_a_purpose_that_only_a_draft_names_is_not_written_out() -> None:
    geo, line = a_contract(), a_line()
    a_campaign(geo, purpose="dpv:Draft", is_draft=True)
    disclosed(line, [geo.aggregator.uri], at=NOW, purpose="dpv:Draft", n=10)
    disclosed(line, [geo.aggregator.uri], at=NOW, n=11, basis=Basis.EMERGENCY)
    disclosed(line, [geo.aggregator.uri], at=NOW, n=12, judgement=Judgement.NO_APPROVAL)
    a_campaign(geo, purpose=FRAUD)
    disclosed(line, [geo.aggregator.uri], at=NOW, purpose=FRAUD, n=13)
    # By basis, then by purpose.
    assert counted(Figure.RELEASES, "purpose", "basis", "released", "not_allowed") == [
        ("", "approval", 22, 12), (FRAUD, "approval", 13, 0), ("", "emergency", 11, 0),
    ]  # fmt: skip


def test_our_own_trial_is_no_company() -> None:
    ours = Party.objects.create(uri=CANARY_PARTY, name="Trial", kind="aggregator")
    for party in (a_party(), ours):
        a_campaign(a_contract(party))
        for _ in TEN:
            disclosed(a_line(), [party.uri], at=NOW)
    for figure in (Figure.FOLLOWED, Figure.DISPUTES, Figure.PHONES):
        assert counted(figure, "company") == [("GeoBridge",)], figure
    assert counted(Figure.COMPANIES, "company") == [("GeoBridge",), ("RoadAid",)]
