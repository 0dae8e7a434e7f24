"""Rows of numbers that no line has, and other content under their ids: said at once, or counted in the trail."""

from collections.abc import Callable, Sequence

import pytest

from audit.models import AuditEvent
from disclosures.models import Disclosure, HeldDisclosure
from partners.feeds.checking import Fate
from tests.feeds import (
    Row,
    approval_row,
    line_row,
    release_row,
    take_approvals,
    take_lines,
    take_parties,
    take_releases,
    told,
)

pytestmark = pytest.mark.usefixtures("db", "no_broker")
LATE = "+12065550777"
HELD, CONFLICT = ("rejected", "msisdn", "line_unknown"), ("rejected", "id", "id_conflict")
FIRST = release_row(id="x", msisdn=LATE)
OTHER, ALIKE = FIRST | {"precision_m": 700}, release_row(id="y", msisdn=LATE)


def one_by_one(rows: Sequence[Row]) -> list[Fate]:
    return [fate for row in rows for fate in take_releases(row)]


@pytest.mark.parametrize("take", [one_by_one, lambda rows: take_releases(*rows)], ids=["one_by_one", "at_once"])
def test_other_content_under_the_id_of_a_held_row_is_a_conflict(take: Callable[[Sequence[Row]], list[Fate]]) -> None:
    take_parties()
    assert told(take([FIRST, OTHER, ALIKE, FIRST, OTHER])) == [HELD, CONFLICT, HELD, HELD, CONFLICT]
    assert HeldDisclosure.objects.count() == 2
    take_lines(line_row(line_id="L9", msisdn=LATE))
    assert sorted(Disclosure.objects.values_list("source_id", "precision_m")) == [("x", 500), ("y", 500)]
    (event,) = AuditEvent.objects.filter(action="disclosures.attributed")
    assert event.detail == {"count": 2, "conflicts": 0}


def test_a_held_row_whose_id_was_taken_meanwhile_is_counted_in_the_trail() -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    assert told(take_releases(FIRST, ALIKE)) == [HELD, HELD]
    assert told(take_releases(release_row(id="x"))) == [("accepted", "permitted")]
    take_lines(line_row(line_id="L9", msisdn=LATE))
    assert not HeldDisclosure.objects.exists()
    assert set(Disclosure.objects.values_list("source_id", flat=True)) == {"x", "y"}
    (event,) = AuditEvent.objects.filter(action="disclosures.attributed")
    assert event.detail == {"count": 1, "conflicts": 1}
