"""Rows that change known lines are written for many lines at once: as many together as each by itself."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Line, LineNumber, LineState, Message
from accounts.primitives.sealing import unseal
from audit.models import AuditEvent
from consent.feeds.lines import LinesFeed
from consent.models import Approval, InvalidatedApproval, RejudgeRequest
from partners.feeds.checking import Fate
from partners.feeds.reading import NumberedLine
from partners.models import JurisdictionRule
from revocations.models import Duty, Order
from tests.factories import LONG_AGO, a_safe_contact
from tests.feeds import Row, approval_row, as_at_commit, line_row, ndjson, take_approvals, take_lines, take_parties

CHANGED = "2025-09-01T00:00:00Z"


def number(n: int) -> str:
    return f"+1206557{n:04}"


def a_row(n: int, **changes: object) -> Row:
    """A line of a user, so that it may come to another holder."""
    base = line_row(line_id=f"L{n}", msisdn=number(n), account_id=f"A{n}", holder_name=f"Holder {n}", user_role="user")
    return base | changes


def a_world(
    lines: int, *, agreed: Sequence[int] = (), minors: Sequence[int] = (), in_maryland: Sequence[int] = ()
) -> None:
    """`in_maryland`: lines of which the laws of their state forbid what CMP-track does."""
    take_parties()
    JurisdictionRule.objects.create(
        state="MD", starts_at=LONG_AGO, purposes=["dpv:IdentityVerification"], source="A law."
    )
    rows = [a_row(n, user_role="minor" if n in minors else "user") for n in range(lines)]
    take_lines(*({**row, **({"state": "MD"} if n in in_maryland else {})} for n, row in enumerate(rows)))
    if agreed:
        take_approvals(*(approval_row(msisdn=number(n), campaign=("CMP-road", "CMP-track")[n % 2]) for n in agreed))
    Line.objects.update(recorded_at=datetime(2025, 1, 1, tzinfo=UTC))


def taken_in(rows: Sequence[Row], *, rows_at_once: int, at: datetime) -> list[Fate]:
    feed = LinesFeed()
    lines = [NumberedLine(n, line) for n, line in enumerate(ndjson(rows).splitlines(), start=1)]
    feed.chunk = rows_at_once
    fates: list[Fate] = []
    for first in range(0, len(lines), rows_at_once):
        fates += feed.take(lines=lines[first : first + rows_at_once], at=at)
        as_at_commit()
    return sorted([*fates, *feed.finish(at=at)], key=lambda fate: int(fate.line))


SIM: Row = {"sim_changed_at": CHANGED}
MADE: dict[str, Callable[[int], Row]] = {
    "SIM": lambda n: SIM,
    "number": lambda n: {"msisdn": number(n + 1000), "number_changed_at": CHANGED},
    "end": lambda n: {"deactivated_at": CHANGED},
    "holder": lambda n: {"account_id": f"B{n}", "holder_name": f"Buyer {n}"},
    "language": lambda n: {"language": "es"},
    "state": lambda n: {"state": "CA"},
}


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("change", MADE)
def test_many_rows_take_as_many_statements_as_few(change: str) -> None:
    a_world(40, agreed=range(0, 40, 4))

    def take(numbers: range) -> int:
        with CaptureQueriesContext(connection) as seen:
            fates = taken_in([a_row(n) | MADE[change](n) for n in numbers], rows_at_once=100, at=timezone.now())
        assert [fate.status for fate in fates] == ["accepted"] * len(numbers)
        return len(seen.captured_queries)

    few, many = take(range(8)), take(range(8, 40))
    assert many <= few + 2, "a statement for each line would be 24 more"


@pytest.mark.usefixtures("db", "no_broker")
def test_a_large_account_that_begins_is_not_read_for_each_chunk() -> None:
    take_parties()
    rows = [line_row(line_id=f"L{n}", msisdn=number(n), user_role="user" if n else "holder") for n in range(30)]
    read: list[int] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if sql.startswith('SELECT "accounts_line".'):
            read.append(context["cursor"].rowcount)
        return done

    with connection.execute_wrapper(count):
        fates = taken_in(rows, rows_at_once=5, at=timezone.now())
    assert {fate.status for fate in fates} == {"accepted"}
    assert max(read) == 1, "the holder's line alone"


def what_is_written() -> dict[str, list[Any] | set[Any]]:
    """All that rows leave behind, but what is drawn; the trail by line, in order."""
    carrier_id = dict(Line.objects.values_list("pk", "carrier_id"))
    return {
        "lines": list(
            Line.objects.order_by("carrier_id").values_list(
                "carrier_id", "account__carrier_id", "user_role", "state", "language", "deactivated_at",
                "number_changed_at", "sim_changed_at", "change_known_at", "holder_known_at",
            )
        ),
        "states": sorted((carrier_id[one.line_id], one.state, one.since) for one in LineState.objects.all()),
        "holders": [unseal(bytes(one.holder_name_sealed)) for one in Line.objects.order_by("carrier_id")],
        "numbers": sorted(
            (one.line.carrier_id, unseal(bytes(one.msisdn_sealed)), str(one.starts_at), str(one.ends_at))
            for one in LineNumber.objects.select_related("line")
        ),
        "texts": sorted(
            (carrier_id[one.line_id], one.kind, *map(unseal, (bytes(one.to_sealed), bytes(one.words_sealed))))
            for one in Message.objects.all()
        ),
        "about": {one.about for one in Message.objects.all()},
        "trail": sorted(
            (carrier_id[line_id], n, action, actor, json.dumps(detail, sort_keys=True))
            for line_id in carrier_id
            for n, (action, actor, detail) in enumerate(
                AuditEvent.objects.filter(line_id=line_id).order_by("seq").values_list("action", "actor", "detail")
            )
        ),
        "orders": sorted(
            (carrier_id[one.line_id], one.version, one.lane, json.dumps(one.snapshot["state"]))
            for one in Order.objects.all()
        ),
        "duties": sorted(
            (carrier_id[line_id], action, scope)
            for line_id, action, scope in Duty.objects.values_list("line_id", "action", "scope")
        ),
        "invalidated": sorted(InvalidatedApproval.objects.values_list("line_id", "campaign")),
        "rejudged": sorted({*RejudgeRequest.objects.values_list("line_id", "since")}),
    }  # fmt: skip


def changes() -> list[Row]:
    """Rows of every kind, several in one, and such that meet each other's lines and numbers."""
    later = "2025-10-01T00:00:00Z"
    return [
        a_row(0, **SIM),
        a_row(1) | MADE["number"](1),
        a_row(2) | MADE["end"](2),
        a_row(3) | MADE["holder"](3),
        a_row(4, **SIM, forwarding_changed_at=CHANGED, state="CA", language="es"),
        # A number, a SIM and the end in one row; and the same line twice.
        a_row(5, **SIM, deactivated_at=later) | MADE["number"](5),
        a_row(6, **SIM),
        a_row(6, sim_changed_at=later) | MADE["number"](6),
        # A known line and a new one take numbers that rows above have given back.
        a_row(7, msisdn=number(1), number_changed_at=later),
        a_row(20, msisdn=number(6), activated_at=later),
        # A new holder's line joins an account whose own line has a new SIM.
        a_row(8, user_role="holder", account_id="A30", holder_name="Cas Orr", state="CA"),
        a_row(21, user_role="holder", account_id="A9", holder_name="Holder 9", activated_at=CHANGED),
        a_row(9, **SIM, user_role="minor"),
        a_row(10) | MADE["end"](10) | MADE["holder"](10),
        a_row(11, msisdn=number(2), number_changed_at=later),
        a_row(2, **SIM) | MADE["end"](2),
        # States that open what the one before forbade, that forbid it, and that change nothing; with a new number, and
        # with the end.
        a_row(12, state="WA"),
        a_row(13, state="WA") | MADE["number"](13),
        a_row(14, state="MD"),
        a_row(15, state="OR", language="es"),
        a_row(16, state="WA") | MADE["end"](16),
        a_row(17, state="WA") | MADE["holder"](17),
        a_row(12, state="OR"),
        # Somebody else's line by now, which needs an id of its own.
        a_row(3, user_role="holder") | MADE["SIM"](3),
    ]


@pytest.mark.usefixtures("db", "no_broker")
def test_many_rows_together_fare_as_each_by_itself() -> None:
    a_world(18, agreed=[1, 2, 5, 6, 10, *range(12, 18)], minors=[9], in_maryland=[12, 13, 15, 16, 17])
    now = timezone.now()
    for line in Line.objects.filter(carrier_id__in=("L0", "L1", "L2", "L5")).order_by("pk"):
        a_safe_contact(line, msisdn=f"+1360555{line.carrier_id[1:]:>04}", at=now)
    assert Approval.objects.count() == 11

    def written(rows_at_once: int) -> tuple[list[Fate], dict[str, list[Any] | set[Any]]]:
        with transaction.atomic():
            fates = taken_in(changes(), rows_at_once=rows_at_once, at=now)
            found = what_is_written()
            transaction.set_rollback(True)
        return fates, found

    each, together = written(1), written(100)
    assert together[0] == each[0]
    for name, found in together[1].items():
        assert found == each[1][name], name
    assert {fate.status for fate in each[0]} == {"accepted", "repeated", "rejected"}
    opened = [line for line, _, _, _, detail in each[1]["trail"] if '"opened": ["CMP-track"]' in detail]
    assert opened == ["L15", "L17"], "a new number left nothing to open of L13's"
    kinds = ("number", "sim", "ended", "holder", "joined", "taken", "state")
    assert {f"moved:{kind}" for kind in kinds} <= {*each[1]["about"]}
