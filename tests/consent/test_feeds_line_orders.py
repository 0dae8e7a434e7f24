"""Rows about one line in any order: the same end. A link to the line before it that is named late."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from accounts.models import Line, LineNumber, Message
from accounts.primitives.sealing import unseal
from accounts.queries import line_of_number
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions import choices
from consent.feeds.line_continuity import copy_predecessor_late
from consent.gate import deciding
from consent.gate.shapes import Question
from consent.models import Choice, ChoiceOrder, ChoiceReceipt, RejudgeRequest
from partners.domain import keys
from partners.models import SigningKey
from tests.feeds import (
    BRIDGE,
    NUMBER,
    ROAD,
    ROADSIDE,
    Row,
    approval_row,
    as_at_commit,
    choice_row,
    line_row,
    moment,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
    told,
)
from tests.people import signed_in
from tests.properties import undone
from tests.selection import drawn

pytestmark = pytest.mark.usefixtures("db", "no_broker")
N2, N3 = "+12065550177", "+12065550188"
MARCH, JUNE, SEPTEMBER = "2025-03-01T00:00:00Z", "2025-06-01T00:00:00Z", "2025-09-01T00:00:00Z"
FIRST = line_row()
TO_N2 = line_row(msisdn=N2, number_changed_at=MARCH)
BACK = line_row(number_changed_at=JUNE)
TO_N3 = line_row(msisdn=N3, number_changed_at=JUNE)


def ended(row: Row) -> Row:
    return row | {"deactivated_at": SEPTEMBER}


def given_back(row: Row) -> Row:
    return row | {"deactivated_at": MARCH}


def numbers() -> list[tuple[str, str, str | None]]:
    rows = LineNumber.objects.filter(line__carrier_id="L1").order_by("starts_at")
    return [
        (unseal(bytes(row.msisdn_sealed)), f"{row.starts_at:%m}", f"{row.ends_at:%m}" if row.ends_at else None)
        for row in rows
    ]


def ends(rows: list[Row]) -> Iterator[tuple[object, ...]]:
    """What each order of the rows ends in; each is taken back."""
    for order in drawn(permutations(rows), of=2):
        with transaction.atomic():
            take_lines(*order)
            line = Line.objects.get(carrier_id="L1")
            yield numbers(), line.number_changed_at, line.deactivated_at
            transaction.set_rollback(True)


ROWS: list[tuple[list[Row], list[tuple[str, str, str | None]], str | None, str | None]] = [
    ([FIRST, TO_N2], [(NUMBER, "01", "03"), (N2, "03", None)], MARCH, None),
    ([FIRST, ended(TO_N2)], [(NUMBER, "01", "03"), (N2, "03", "09")], MARCH, SEPTEMBER),
    ([FIRST, TO_N2, ended(TO_N2)], [(NUMBER, "01", "03"), (N2, "03", "09")], MARCH, SEPTEMBER),
    ([FIRST, TO_N2, BACK], [(NUMBER, "01", "03"), (N2, "03", "06"), (NUMBER, "06", None)], JUNE, None),
    ([FIRST, TO_N2, ended(BACK)], [(NUMBER, "01", "03"), (N2, "03", "06"), (NUMBER, "06", "09")], JUNE, SEPTEMBER),
    (
        [FIRST, TO_N2, TO_N3, ended(TO_N3)], [(NUMBER, "01", "03"), (N2, "03", "06"), (N3, "06", "09")],
        JUNE, SEPTEMBER,
    ),
    ([FIRST, ended(FIRST)], [(NUMBER, "01", "09")], None, SEPTEMBER),
    ([given_back(FIRST), ended(TO_N3)], [(NUMBER, "01", "03"), (N3, "06", "09")], JUNE, SEPTEMBER),
]  # fmt: skip


def test_any_order_ends_the_same() -> None:
    for rows, expected, changed, over in ROWS:
        wanted = (expected, moment(changed) if changed else None, moment(over) if over else None)
        assert set(map(repr, ends(rows))) == {repr(wanted)}, rows


def test_number_given_back_stays_with_who_has_it_now() -> None:
    """The line it was taken from comes to life again with another number: what the new holder did stays theirs."""
    take_lines(given_back(FIRST), line_row(line_id="L2", account_id="A2", activated_at="2025-04-01T00:00:00Z"))
    assert told(take_lines(ended(TO_N3))) == [("accepted",)]
    assert numbers() == [(NUMBER, "01", "03"), (N3, "06", "09")]
    holder = line_of_number(msisdn=NUMBER, at=moment("2025-05-01T00:00:00Z"))
    assert holder is not None
    assert holder.carrier_id == "L2"


def successor(**changes: object) -> Row:
    return line_row(line_id="L2", account_id="A2", msisdn=N2, **changes)


def stop(carrier_id: str, scope: str = "all", ref: str = "") -> UUID:
    line = Line.objects.get(carrier_id=carrier_id)
    return choices.stop(line_id=line.pk, scope=scope, ref=ref, actor="subscriber:1", channel="web").choice_id


def asked(carrier_id: str = "L2") -> str:
    (answer,) = deciding.evaluate(
        questions=[
            Question(
                line=carrier_id, aggregator=BRIDGE, provider=ROAD, campaign="CMP-road", purpose=ROADSIDE,
                scope="location-retrieval:read", precision_m=500,
            )
        ]
    )  # fmt: skip
    return answer.reason or "permitted"


def denials(carrier_id: str) -> list[tuple[str, str, str]]:
    rows = Choice.objects.filter(line_id=Line.objects.get(carrier_id=carrier_id).pk).order_by("scope")
    return [(row.origin, row.scope, row.reason) for row in rows]


def test_a_predecessor_that_is_named_late_hands_its_stops_over() -> None:
    take_parties()
    take_lines(line_row(), successor())
    take_choices(choice_row(scope="purpose", ref=ROADSIDE, made_at="2025-01-01T00:00:00Z"))
    stop("L1", "party", ROAD)
    take_approvals(approval_row(msisdn=N2))
    assert asked() == "permitted"
    assert told(take_lines(successor(continues_line_id="L1"))) == [("accepted",)]
    assert asked() == "stopped_party"
    assert denials("L2") == [("person", "party", "continued"), ("file", "purpose", "")]
    for choice in Choice.objects.filter(line_id=Line.objects.get(carrier_id="L2").pk):
        assert ChoiceOrder.objects.filter(choice_id=choice.id).count() == 1, "the partner is told"
    assert told(take_lines(successor(continues_line_id="L1"), successor())) == [("repeated",), ("repeated",)]


def test_stops_that_come_over_late_keep_their_moments() -> None:
    take_parties()
    take_lines(line_row(), successor())
    stop("L1")
    stop("L1", "party", ROAD)
    with undone():
        second = Line.objects.get(carrier_id="L2")
        second.continues_line_id = Line.objects.get(carrier_id="L1").pk
        copy_predecessor_late(line=second, actor="import:lines")
        first_at = Choice.objects.filter(line_id=second.pk).earliest("made_at").made_at
        assert RejudgeRequest.objects.get(line_id=second.pk).since == first_at
    take_lines(successor(continues_line_id="L1"))
    before, after = (
        list(Choice.objects.filter(line_id=line.pk).order_by("made_at").values_list("scope", "made_at"))
        for line in Line.objects.order_by("carrier_id")
    )
    assert [scope for scope, _ in before] == ["all", "party"]
    assert after == before


def test_stops_that_come_over_late_are_texted_of_and_in_the_trail() -> None:
    take_parties()
    take_lines(line_row(), successor())
    stop("L1")
    stop("L1", "party", ROAD)
    line = Line.objects.get(carrier_id="L2")
    Line.objects.filter(pk=line.pk).update(recorded_at=database_clock() - timedelta(days=2))
    take_lines(successor(continues_line_id="L1"))
    assert list(Message.objects.filter(line_id=line.pk, kind="records").values_list("line_id", flat=True)) == [line.pk]
    event = AuditEvent.objects.get(action="consent.choices_recorded")
    assert (event.actor, event.target, event.line_id, event.detail) == (
        "import:lines", f"line:{line.pk}", line.pk, {"count": 2},
    )  # fmt: skip


@pytest.mark.parametrize("late", [False, True])
def test_stop_that_comes_over_has_a_receipt_of_its_own(late: bool) -> None:
    take_lines(line_row())
    choice_id = stop("L1")
    # It keeps the number: with another one it would show nothing for a day.
    keeps = {"msisdn": FIRST["msisdn"], "activated_at": SEPTEMBER}
    take_lines(ended(line_row()))
    if late:
        take_lines(successor() | keeps)
    take_lines(successor(continues_line_id="L1") | keeps)
    line = Line.objects.get(carrier_id="L2")
    copy = Choice.objects.get(line_id=line.pk)
    kept = ChoiceReceipt.objects.get(line_id=line.pk, choice_id=copy.id)
    said: dict[str, Any] = {**keys.verify_own(use=SigningKey.Use.RECEIPT, token=kept.token)}
    assert (said["receipt"], said["line"]) == (kept.number, str(line.public_id))
    told_of = said["choice"]
    assert (told_of["id"], told_of["kind"], told_of["scope"]) == (str(copy.id), "stop", "all")
    assert moment(told_of["made_at"]) == Choice.objects.get(id=choice_id).made_at
    assert moment(told_of["taken_over_at"]) == copy.recorded_at
    page = signed_in(line).get(f"/choices/{copy.id}/").text
    assert kept.number in page
    assert "earlier system" not in page


def test_what_came_between_does_not_stand_in_the_way() -> None:
    """The line's own records are newer than the stop that comes over: it counts from now on."""
    take_parties()
    take_lines(line_row(), successor(), line_row(line_id="L3", account_id="A3", msisdn=N3, continues_line_id="L2"))
    stop("L1")
    take_approvals(approval_row(msisdn=N2))
    stop("L2", "party", ROAD)
    choices.allow(
        line_id=Line.objects.get(carrier_id="L2").pk, campaign="CMP-road", actor="subscriber:1", channel="web"
    )
    as_at_commit()
    before = database_clock()
    assert told(take_lines(successor(continues_line_id="L1"))) == [("accepted",)]
    assert asked() == "stopped_all"
    copied = Choice.objects.get(line_id=Line.objects.get(carrier_id="L2").pk, reason="continued")
    assert copied.made_at > before
    assert ("person", "all", "continued") in denials("L3"), "and so on down the line"


def test_what_is_known_of_the_very_moment_does_not_stand_in_the_way_either() -> None:
    take_parties()
    take_lines(line_row(), successor())
    stop("L1")
    (made_at,) = Choice.objects.values_list("made_at", flat=True)
    take_approvals(approval_row(msisdn=N2, captured_at=made_at.isoformat()))
    as_at_commit()
    before = database_clock()
    assert told(take_lines(successor(continues_line_id="L1"))) == [("accepted",)]
    assert asked() == "stopped_all"
    assert Choice.objects.get(reason="continued").made_at > before


def test_a_link_stays_what_it_is() -> None:
    take_lines(line_row(), successor(continues_line_id="L1"), line_row(line_id="L3", account_id="A3", msisdn=N3))
    fates = take_lines(
        successor(continues_line_id="L3"),
        line_row(continues_line_id="L2"),
        line_row(continues_line_id="L1"),
        line_row(continues_line_id="nobody"),
    )
    assert sorted(told(fates)) == [
        ("rejected", "continues_line_id", "id_conflict"),
        ("rejected", "continues_line_id", "id_conflict"),
        ("rejected", "continues_line_id", "id_conflict"),
        ("rejected", "continues_line_id", "line_unknown"),
    ]
    assert Line.objects.get(carrier_id="L1").continues_line is None
    assert Line.objects.get(carrier_id="L2").continues_line == Line.objects.get(carrier_id="L1")
