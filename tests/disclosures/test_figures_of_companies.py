"""How each company stands in the figures for everyone: by the best of its agreements, whoever of them was stopped."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from disclosures.models import PublishedFigure
from disclosures.queries.figures.statements import Figure
from disclosures.workers import publishing
from partners.models import Suspension
from tests.factories import NOW, a_campaign, a_contract, a_party

pytestmark = pytest.mark.usefixtures("db")
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def to_the_minute(settings: Settings) -> None:
    settings.FIGURES_TO_THE_MINUTE = True


def stopped(of: str, target_id: int, *, by_rule: bool = False) -> None:
    Suspension.objects.create(
        of=of, target_id=target_id, starts_at=NOW - DAY, reason="Due", actor="o", automatic=by_rule
    )


def standing() -> dict[str, tuple[str, int, int]]:
    """By company: how it stands, and how many of its agreements are in force and suspended."""
    publishing.make(at=NOW)
    rows = PublishedFigure.objects.get(name=Figure.COMPANIES).rows
    return {row["company"]: (row["state"], row["in_force"], row["suspended"]) for row in rows}


@pytest.mark.parametrize(("by_rule", "stands"), [(False, ("suspended", 0, 1)), (True, ("unanswered", 0, 1))])
@pytest.mark.parametrize(
    ("of", "ends_with_it"),
    [
        ("agreement", {"GeoBridge", "RoadAid"}), ("aggregator", {"GeoBridge", "RoadAid"}), ("service", {"RoadAid"}),
        ("campaign", {"RoadAid"}),
    ],
)  # fmt: skip
def test_what_is_stopped_is_stopped_for_all_who_need_it(
    of: str, ends_with_it: set[str], *, by_rule: bool, stands: tuple[str, int, int]
) -> None:
    contract = a_contract()
    a_contract(a_party("Elsewhere"))
    campaign = a_campaign(contract)
    kind, target_id = {
        "agreement": ("contract", contract.pk),
        "aggregator": ("party", contract.aggregator_id),
        "service": ("party", campaign.lbs_provider_id),
        "campaign": ("campaign", campaign.pk),
    }[of]
    stopped(kind, target_id, by_rule=by_rule)
    in_force = ("in force", 1, 0)
    assert standing() == {
        name: stands if name in ends_with_it else in_force for name in ("GeoBridge", "RoadAid", "Elsewhere")
    }


def test_who_was_stopped_by_a_rule_and_by_us_is_suspended_by_us() -> None:
    contract = a_contract()
    stopped("contract", contract.pk)
    stopped("contract", contract.pk, by_rule=True)
    assert standing() == {"GeoBridge": ("suspended", 0, 1)}


def test_a_company_stands_as_well_as_the_best_of_its_agreements() -> None:
    a_contract(ends_at=NOW - DAY)
    assert standing() == {"GeoBridge": ("ended", 0, 0)}
    a_contract(starts_at=NOW + DAY)
    assert standing() == {"GeoBridge": ("not yet begun", 0, 0)}
    stopped("contract", a_contract().pk)
    assert standing() == {"GeoBridge": ("suspended", 0, 1)}
    stopped("contract", a_contract().pk, by_rule=True)
    assert standing() == {"GeoBridge": ("unanswered", 0, 2)}
    a_contract(ends_at=NOW + 9 * DAY)
    assert standing() == {"GeoBridge": ("ending", 1, 2)}
    a_contract()
    assert standing() == {"GeoBridge": ("in force", 2, 2)}


def test_a_service_stands_no_longer_than_the_agreement_it_is_under() -> None:
    for name, contract in (
        ("Early", a_contract(starts_at=NOW + DAY)), ("Late", a_contract(ends_at=NOW - DAY)),
        ("Soon over", a_contract(ends_at=NOW + 9 * DAY)), ("Under a draft", a_contract(is_draft=True)),
    ):  # fmt: skip
        a_campaign(contract, a_party(name, "lbs_provider"))
    a_campaign(a_contract(), a_party("Draft", "lbs_provider"), is_draft=True)
    assert standing() == {
        "GeoBridge": ("in force", 2, 0), "Early": ("not yet begun", 0, 0), "Late": ("ended", 0, 0),
        "Soon over": ("ending", 1, 0),
    }  # fmt: skip
