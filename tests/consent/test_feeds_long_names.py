"""Names that no index could hold are refused line by line, in every feed; free text keeps its thousand characters."""

import pytest

from consent.models import Approval
from disclosures.models import Disclosure
from partners.models import IdentifierLink
from tests.feeds import (
    BRIDGE,
    ROAD,
    Row,
    approval_row,
    choice_row,
    line_row,
    parties_document,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
    take_releases,
    told,
)

pytestmark = pytest.mark.usefixtures("db", "no_broker")
FITS, LONG = "😀" * 500, "😀" * 501
# Few repeats: nothing that an index could press together.
DENSE = "".join(chr(0x4E00 + 7919 * n % 20000) for n in range(667))


@pytest.fixture(autouse=True)
def world(db: None) -> None:
    del db
    take_parties()
    take_lines(line_row())


@pytest.mark.parametrize("changes", [
    {"id": LONG}, {"aggregator": LONG}, {"path": [BRIDGE, ROAD, LONG]}, {"campaign": LONG}, {"path": [DENSE]},
])  # fmt: skip
def test_a_release_is_refused_alone(changes: Row) -> None:
    (field,) = changes
    fates = take_releases(release_row(**changes), release_row())
    assert told(fates) == [("rejected", field, "too_long"), ("accepted", "no_approval")]


def test_choices_and_approvals_are_refused_alone() -> None:
    choices = take_choices(
        choice_row(scope="party", ref=LONG), choice_row(id=LONG), choice_row(scope="party", ref=FITS)
    )
    assert told(choices) == [("rejected", "ref", "too_long"), ("rejected", "id", "too_long"), ("accepted",)]
    approvals = take_approvals(approval_row(captured_by=LONG), approval_row())
    assert told(approvals) == [("rejected", "captured_by", "too_long"), ("accepted",)]


def test_a_party_and_what_is_linked_to_it() -> None:
    party: Row = {"id": LONG, "name": "Long", "kind": "end_customer"}
    linked: Row = {"id": "https://fits.example", "name": "Fits", "kind": "end_customer", "succeeds": [LONG]}
    dense: Row = {"id": "https://dense.example", "name": "Dense", "kind": "end_customer", "same_as": [BRIDGE, DENSE]}
    campaign = parties_document()["campaigns"]
    assert isinstance(campaign, list)
    fates = take_parties(
        {
            "parties": [party, linked, dense],
            "campaigns": [{**campaign[0], "recipients": [LONG]}, {**campaign[1], "lbs_provider": LONG}],
        }
    )
    assert told(fates) == [
        ("rejected", "id", "too_long"),
        ("rejected", "succeeds", "too_long"),
        ("rejected", "same_as", "too_long"),
        ("rejected", "recipients", "too_long"),
        ("rejected", "lbs_provider", "too_long"),
    ]
    assert not IdentifierLink.objects.exists()


def test_free_text_of_a_thousand_characters_is_kept() -> None:
    text = "😀" * 1000
    take_approvals(approval_row(wording=text, evidence_ref=text))
    take_releases(release_row(decision_id=text, authority_ref=text, basis="legal_process"))
    assert Approval.objects.get().wording == text
    assert Disclosure.objects.get().authority_ref == text
