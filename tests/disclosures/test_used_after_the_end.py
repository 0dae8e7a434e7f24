"""Rows that show that a partner goes on under an agreement that ended, after it signed that it had stopped."""

from datetime import UTC

import pytest

from accounts.models import Line
from audit.models import Incident
from audit.queries import database_clock
from disclosures.models import Disclosure, HeldDisclosure
from disclosures.queries.incident_scope import count_occurrences
from revocations.models import State, StreamEvent
from support.queries.visible import visible_incidents
from tests.factories import READ, a_campaign, a_contract, a_line, a_party
from tests.feeds import Row, line_row, release_row, take_lines, take_notices, take_releases, told
from tests.partners.fixtures import outside
from tests.partners.outside import Outside
from tests.people import number_of
from tests.revocations.ended import Ended, end
from tests.revocations.ordered import Ordered
from tests.revocations.scenes import a_scene, deliver, stop_all

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
__all__ = ["outside"]
PAST, EVER = "2026-01-01T00:00:00Z", "2190-01-01T00:00:00Z"


@pytest.fixture
def ended(outside: Outside) -> Ended:
    return end(a_scene(outside))


def a_row(ended: Ended, *, line: Line | None = None, **changes: object) -> Row:
    """A release of the ended campaign, of this moment."""
    scene = ended.scene
    path = [scene.party.uri, scene.campaign.lbs_provider.uri]
    row = release_row(
        id="r", msisdn=number_of(line or ended.lines[0]), aggregator=scene.party.uri, path=path, scope=READ,
        campaign=scene.campaign.ref, occurred_at=database_clock().isoformat(),
    )  # fmt: skip
    return row | changes


def states(ended: Ended) -> list[str]:
    """Of the end's events, the oldest first."""
    events = StreamEvent.objects.filter(cohort_id=ended.cohort_id)
    return list(events.order_by("queued_at").values_list("state", flat=True))


def incidents() -> list[tuple[str, str, int]]:
    rows = Incident.objects.filter(kind=Incident.Kind.CONTRADICTED).order_by("key")
    return list(rows.values_list("key", "subject", "count"))


def contradicted(ended: Ended, count: int = 1) -> bool:
    cohort, used_at = ended.cohort, Disclosure.objects.order_by("-occurred_at")[0].occurred_at
    day = used_at.astimezone(UTC).date().isoformat()
    return (states(ended), cohort.completed_at, cohort.is_contradicted, incidents()) == (
        ["contradicted", "queued"], None, True, [(f"cohort:{cohort.pk}:{day}", f"partner:{cohort.party_id}", count)],
    )  # fmt: skip


def stands(ended: Ended) -> bool:
    return (states(ended), ended.cohort.completed_at is not None, incidents()) == (["completed"], True, [])


@pytest.mark.parametrize("changes", [{}, {"outcome": "refused"}, {"purpose": "dpv:Marketing"}])
def test_a_use_after_the_receipt_contradicts_the_end(ended: Ended, changes: Row) -> None:
    ended.sign()
    take_releases(a_row(ended) | changes)
    assert contradicted(ended)


def test_many_lines_are_one_incident_and_one_event(ended: Ended) -> None:
    ended.sign()
    stranger = a_line()
    rows = [a_row(ended, line=line, id=f"r-{n}") for n, line in enumerate([*ended.lines, stranger])]
    take_releases(*rows[:2])
    take_releases(*rows[2:])
    assert contradicted(ended, count=4)


def test_the_same_file_again_changes_nothing(ended: Ended) -> None:
    ended.sign()
    row = a_row(ended, outcome="refused")
    for fate in ("accepted", "repeated", "repeated"):
        assert told(take_releases(row))[0][0] == fate
        assert contradicted(ended)
    assert ended.sign() == State.COMPLETED
    take_releases(row)
    assert states(ended) == ["contradicted", "completed"]


def test_a_row_whose_line_comes_late_too(ended: Ended) -> None:
    ended.sign()
    number = "+12065550199"
    row = a_row(ended, msisdn=number)
    assert told(take_releases(row)) == [("rejected", "msisdn", "line_unknown")]
    assert (HeldDisclosure.objects.count(), stands(ended)) == (1, True)
    take_lines(line_row(msisdn=number))
    assert contradicted(ended)


def test_what_needs_no_consent_or_is_hidden_does_not(ended: Ended) -> None:
    ended.sign()
    kinds: list[Row] = [
        {"basis": "emergency", "campaign": ""}, {"basis": "emergency"}, {"basis": "network"},
        {"basis": "legal_process", "authority_ref": "24-1"}, {"suppressed_until": EVER},
    ]  # fmt: skip
    for n, changes in enumerate(kinds):
        take_releases(a_row(ended, id=f"r{n}") | changes)
        assert stands(ended), changes


def test_a_hidden_row_contradicts_once_its_order_is_lifted(ended: Ended) -> None:
    ended.sign()
    take_releases(a_row(ended, suppressed_until=EVER))
    assert stands(ended)
    take_notices({"disclosure_id": "r", "suppressed_until": PAST, "order_ref": "court"})
    assert contradicted(ended)
    take_notices({"disclosure_id": "r", "suppressed_until": PAST, "order_ref": "another"})
    assert contradicted(ended)


def test_an_end_s_incident_is_hidden_once_all_its_uses_are(ended: Ended) -> None:
    ended.sign()
    take_releases(a_row(ended), a_row(ended, id="other"))
    assert contradicted(ended, count=2)
    for hidden, left in (("r", [1]), ("other", [])):
        take_notices({"disclosure_id": hidden, "suppressed_until": EVER, "order_ref": "court"})
        seen = visible_incidents(at=database_clock()).filter(kind=Incident.Kind.CONTRADICTED)
        assert list(count_occurrences(incidents=seen, at=database_clock()).values()) == left


def test_a_use_before_the_receipt_does_not(ended: Ended) -> None:
    before = a_row(ended)
    ended.sign()
    take_releases(before)
    assert stands(ended)
    row = a_row(ended, id="late")
    # What the partner signs again about the same event does not make what it signed before it true.
    ended.sign()
    take_releases(row)
    assert contradicted(ended)


def test_another_party_s_or_another_agreement_s_use_does_not(ended: Ended) -> None:
    ended.sign()
    scene, provider = ended.scene, ended.scene.campaign.lbs_provider
    other = a_party("NorthLink")
    goes_on = a_campaign(a_contract(scene.party), provider)
    elsewhere = a_campaign(a_contract(other), provider)
    take_releases(
        a_row(ended, id="another agreement", campaign=goes_on.ref),
        a_row(ended, id="another party", aggregator=other.uri, path=[other.uri, provider.uri], campaign=elsewhere.ref),
        a_row(ended, id="another asks", aggregator=other.uri, path=[other.uri, provider.uri]),
        a_row(ended, id="no campaign", campaign=""),
    )
    assert stands(ended)


def test_of_a_campaign_that_ended_only_its_own(outside: Outside) -> None:
    ended = end(a_scene(outside), of="campaign")
    ended.sign()
    goes_on = a_campaign(ended.scene.contract, a_party("FraudShield", "lbs_provider"))
    path = [ended.scene.party.uri, goes_on.lbs_provider.uri]
    take_releases(a_row(ended, id="another", campaign=goes_on.ref, path=path))
    assert stands(ended)
    take_releases(a_row(ended))
    assert contradicted(ended)


def test_a_lifted_row_goes_against_a_partners_signed_word(outside: Outside) -> None:
    scene = a_scene(outside)
    line = scene.a_line()
    (order_id,) = stop_all(line)
    deliver([order_id])
    ordered = Ordered(scene, line, order_id)
    ordered.sign()
    row = release_row(
        id="r", msisdn=number_of(line), aggregator=scene.party.uri, path=[scene.party.uri], scope=READ,
        occurred_at=database_clock().isoformat(), suppressed_until=EVER,
    )  # fmt: skip
    assert told(take_releases(row)) == [("accepted",)]
    assert ordered.order.state == "completed"
    take_notices({"disclosure_id": "r", "suppressed_until": PAST, "order_ref": "court"})
    assert ordered.order.state == "contradicted"
    assert list(visible_incidents(at=database_clock()).values_list("kind", "count")) == [("contradicted", 1)]
    take_notices({"disclosure_id": "r", "suppressed_until": EVER, "order_ref": "another"})
    assert not visible_incidents(at=database_clock()).exists()
