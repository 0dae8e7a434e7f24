"""Two imports of the same rows at once, two requests with the same claims: each row is taken once, by one of them."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import connection, connections

from consent.feeds import claims
from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.models import Approval, Choice, HeldRow
from partners.feeds.checking import Fate, content_hash
from tests.consent.claiming import a_partner
from tests.factories import a_line
from tests.feeds import (
    NUMBER,
    Row,
    approval_row,
    choice_row,
    line_row,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
    told,
)
from tests.overlapping import elsewhere

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
N2 = "+12065550177"

type Taken = list[tuple[object, ...]]


def interrupted(monkeypatch: pytest.MonkeyPatch, kind: type[Any], verb: Callable[[], list[Fate]]) -> list[Taken]:
    """The next time a feed has looked up which ids are known, somebody else takes rows in. Returns their fates."""
    known, fates = kind.find_stored_hashes, list[Taken]()

    def and_meanwhile(self: Any, ids: Sequence[UUID]) -> dict[UUID, bytes]:
        found: dict[UUID, bytes] = known(self, ids)
        monkeypatch.setattr(kind, "find_stored_hashes", known)
        fates.append(told(elsewhere(verb)))
        return found

    monkeypatch.setattr(kind, "find_stored_hashes", and_meanwhile)
    return fates


def world() -> None:
    take_parties()
    take_lines(line_row(), line_row(line_id="L2", msisdn=N2))


FEEDS = [
    (ApprovalsFeed, take_approvals, approval_row, Approval, {"language": "es"}),
    (ChoicesFeed, take_choices, choice_row, Choice, {"channel": "letter"}),
]


@pytest.mark.parametrize(("kind", "take", "row", "model", "other"), FEEDS)
def test_a_row_that_came_in_meanwhile_is_repeated(
    monkeypatch: pytest.MonkeyPatch, kind: type[Any], take: Any, row: Any, model: Any, other: Row
) -> None:
    world()
    rows = [row(id="1"), row(id="2", msisdn=N2), row(id="3"), row(id="3", **other)]
    meanwhile = interrupted(monkeypatch, kind, lambda: take(rows[0], rows[1] | other))
    again = ("rejected", "id", "id_conflict")
    assert sorted(told(take(*rows))) == sorted([("repeated",), again, ("accepted",), again])
    assert meanwhile == [[("accepted",), ("accepted",)]]
    assert model.objects.count() == 3


@pytest.mark.parametrize(("kind", "take", "row", "model", "other"), FEEDS)
def test_an_id_is_stored_once_whatever_numbers_it_comes_with(
    monkeypatch: pytest.MonkeyPatch, kind: type[Any], take: Any, row: Any, model: Any, other: Row
) -> None:
    world()
    interrupted(monkeypatch, kind, lambda: take(row(id="1", msisdn=N2)))
    assert told(take(row(id="1"))) == [("rejected", "id", "id_conflict")]
    assert model.objects.count() == 1


def test_imports_at_once_share_the_rows() -> None:
    world()
    rows = [approval_row(id=f"a{n}", msisdn=(NUMBER, N2)[n % 2]) for n in range(60)]
    choices = [choice_row(id=f"c{n}", msisdn=(NUMBER, N2)[n % 2]) for n in range(20)]

    def import_them(order: int) -> Counter[str]:
        fates = take_approvals(*rows[::order]) + take_choices(*choices[::order])
        connection.close()
        return Counter(fate.status for fate in fates)

    with ThreadPoolExecutor(3) as pool:
        counts = sum(pool.map(import_them, (1, -1, 1)), Counter[str]())
    assert counts == {"accepted": 80, "repeated": 160}


@pytest.mark.parametrize("is_ours", [True, False])
def test_the_same_claim_twice_at_once_is_taken_once(monkeypatch: pytest.MonkeyPatch, is_ours: bool) -> None:
    partner = a_partner()
    if is_ours:
        a_line(msisdn=NUMBER)
    claim, known = partner.claim(), claims._find_stored_claims
    answers = []

    def and_meanwhile(*args: Any) -> dict[UUID, bytes]:
        found = known(*args)
        monkeypatch.setattr(claims, "_find_stored_claims", known)
        answers.append(elsewhere(lambda: partner.claims(claim, {**claim, "id": "c-2"})))
        return found

    monkeypatch.setattr(claims, "_find_stored_claims", and_meanwhile)
    status, answer = partner.claims(claim, {**claim, "id": "c-2", "wording": "Other words"}, {**claim, "id": "c-3"})
    assert (status, [one["status"] for one in answer["results"]]) == (200, ["repeated", "rejected", "accepted"])
    assert [one["status"] for one in answers[0][1]["results"]] == ["accepted", "accepted"]
    assert (Approval if is_ours else HeldRow).objects.count() == 3


def test_a_yes_that_waited_before_the_upgrade_names_its_campaign_by_then() -> None:
    take_choices(
        choice_row(id="yes", kind="allow", scope="campaign", ref="CMP-road"),
        choice_row(id="long", kind="allow", scope="campaign", ref="x" * 201),
        choice_row(id="no", scope="campaign", ref="CMP-road"),
    )
    HeldRow.objects.using("owner").update(campaign="")
    with connections["owner"].schema_editor(atomic=False) as editor:
        import_module("consent.migrations.0037_name_the_campaigns_of_what_waits").name(apps, editor)
    named = {"yes": "CMP-road", "long": "", "no": ""}
    assert {one: HeldRow.objects.get(source_hash=content_hash("choices", one)).campaign for one in named} == named
