"""A file of choices is taken in by the thousand: as many lines together, or by several processes, as each by itself."""

import io
import json
import random
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Line
from audit.queries import database_clock
from consent.actions import system_stops
from consent.feeds import choices as feeds
from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.models import Choice, ChoiceOrder, ChoiceReceipt, HeldRow, LineGate
from disclosures.domain.ingest import rejudging
from partners.feeds.checking import Fate
from revocations.models import Duty, Order, Receipt, Standing, State
from tests.factories import NOW
from tests.feeds import (
    BRIDGE,
    JAIL,
    LINK,
    ROAD,
    ROADSIDE,
    TRACK,
    Row,
    approval_row,
    choice_row,
    line_row,
    ndjson,
    release_row,
    take_lines,
    take_parties,
    take_releases,
    taken,
)
from tests.orders import bring_to

type Take = Callable[[Iterable[int]], list[Fate]]
LINES = 12
KINDS = ("stop", "stop", "pause", "allow", "refuse")
REFS = {
    "party": (BRIDGE, ROAD, "https://new.example", "unknown"),
    "purpose": (ROADSIDE, "dpv:New"),
    "campaign": ("CMP-road", "CMP-track", "CMP-new"),
}


def number(n: int) -> str:
    return f"+1206556{n:04}"


def a_world(lines: int) -> None:
    take_parties()
    take_lines(*(line_row(line_id=f"L{n}", msisdn=number(n), account_id=f"A{n}") for n in range(lines)))


def with_successors(lines: Sequence[int]) -> None:
    """Each of these lines is continued by another, by a number of its own, and that by one more."""
    for n in lines:
        before = f"L{n}"
        for place, since in ((300, "2025-06-01T00:00:00Z"), (600, "2025-08-15T00:00:00Z")):
            told = line_row(
                line_id=f"{before}+", msisdn=number(n + place), account_id=f"A{n}", activated_at=since,
                continues_line_id=before,
            )  # fmt: skip
            take_lines(told)
            before = f"{before}+"


def statements(verb: Callable[[], list[Fate]], expected: int) -> int:
    with CaptureQueriesContext(connection) as seen:
        fates = verb()
    assert [fate.status for fate in fates] == ["accepted"] * expected
    return len(seen.captured_queries)


def stops(numbers: Iterable[int]) -> list[Fate]:
    return taken(ChoicesFeed(), ndjson(choice_row(msisdn=number(n)) for n in numbers))


def approvals(numbers: Iterable[int]) -> list[Fate]:
    return taken(
        ApprovalsFeed(),
        ndjson(approval_row(msisdn=number(n), campaign=("CMP-road", "CMP-track")[n % 2]) for n in numbers),
    )


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("before", "feed", "told"),
    [(None, stops, False), (approvals, stops, True), (stops, approvals, True)],
    ids=["stops of fresh lines", "stops after approvals", "approvals after old stops"],
)
def test_a_batch_of_many_lines_takes_as_many_statements_as_one_of_few(
    monkeypatch: pytest.MonkeyPatch, before: Take | None, feed: Take, told: bool
) -> None:
    monkeypatch.setattr(ChoicesFeed, "lines_at_once", 500)
    monkeypatch.setattr(ApprovalsFeed, "lines_at_once", 500)
    monkeypatch.setattr(system_stops, "LINES_AT_ONCE", 500)
    a_world(560)
    if before is not None:
        before(range(560))
    feed(range(550, 560))  # the first keys of these partners
    assert statements(lambda: feed(range(50, 550)), 500) == statements(lambda: feed(range(50)), 50)
    assert ChoiceOrder.objects.count() == (560 if told else 0)


def some_rows(seed: int, count: int) -> list[bytes]:
    """Choices of any kind, some broken, some repeated, some in contradiction to others, some of nobody's number."""
    drawn = random.Random(seed)
    rows: list[Row] = []
    for n in range(count):
        scope = drawn.choice(["all", "all", *REFS])
        row = choice_row(
            id=f"c{n}" if n < 5 or drawn.random() < 0.85 else f"c{drawn.randrange(n)}",
            msisdn=number(drawn.choice([*range(LINES + 2), 300, 306, 600, 606])),
            kind=drawn.choice(KINDS),
            scope=scope,
            made_at=f"2025-0{drawn.randint(3, 9)}-01T00:00:00Z",
            channel=drawn.choice(["phone", "x" * 41]) if drawn.random() < 0.1 else "web",
        )
        if scope != "all":
            row["ref"] = drawn.choice(REFS[scope])
        if row["kind"] == "pause":
            row["until"] = drawn.choice(["2025-10-01T00:00:00Z", "2094-01-01T00:00:00Z"])
        rows.append(row)
    lines = ndjson([*rows, *rows[:9]]).splitlines()
    return [line[:-2] if n % 17 == 5 else line for n, line in enumerate(lines)]


def what_stands() -> dict[str, object]:
    """All that a file of choices leaves behind, but moments, secrets and names that are drawn."""
    order_of = {order.id: (order.line_id, order.contract_id, order.version) for order in Order.objects.all()}
    return {
        "choices": sorted(
            Choice.objects.values_list("line_id", "source_id", "kind", "scope", "ref", "until", "origin")
        ),
        "gates": list(
            LineGate.objects.order_by("line_id").values_list("line_id", "stops", "pauses", "approvals", "claims")
        ),
        "receipts": sorted(ChoiceReceipt.objects.values_list("line_id", "choice_id")),
        "orders": sorted(
            (*order_of[order.id], order.lane, json.dumps(order.snapshot["state"]), order.snapshot["changes"] != [])
            for order in Order.objects.all()
        ),
        "told": sorted(
            (line_id, choice_id, *order_of[order_id])
            for line_id, choice_id, order_id in ChoiceOrder.objects.values_list("line_id", "choice_id", "order_id")
        ),
        "standing": sorted(Standing.objects.values_list("line_id", "contract_id", "epoch", "version")),
        "duties": sorted(Duty.objects.values_list("line_id", "contract_id", "action", "scope")),
        "held": sorted(HeldRow.objects.values_list("msisdn_hash", "choice_id")),
    }


@pytest.mark.usefixtures("db")
def test_many_lines_together_fare_as_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    a_world(LINES)
    approvals(range(0, LINES, 2))
    with_successors([0, 6])
    take_releases(*(release_row(msisdn=number(n), aggregator=LINK, path=[LINK, TRACK]) for n in range(0, LINES, 3)))
    content = b"\n".join(some_rows(seed=35, count=80))

    def as_taken(lines_at_once: int) -> tuple[list[Fate], dict[str, object]]:
        monkeypatch.setattr(ChoicesFeed, "lines_at_once", lines_at_once)
        with transaction.atomic():
            fates = taken(ChoicesFeed(), content)
            found = what_stands()
            transaction.set_rollback(True)
        return fates, found

    each, together = as_taken(1), as_taken(LINES)
    assert together[0] == each[0]
    for name, found in together[1].items():
        assert found == each[1][name], name
    assert {"accepted", "repeated", "rejected"} == {fate.status for fate in each[0]}
    assert each[1]["told"]
    assert each[1]["held"]


@pytest.mark.usefixtures("db")
def test_old_stops_of_many_lines_meet_partners_as_those_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Approvals, claims and releases come long after the stops, some after their partner signed, some from before."""
    a_world(LINES)
    approvals(range(0, LINES, 3))
    taken(ChoicesFeed(), b"\n".join(some_rows(seed=35, count=80)))
    drawn = random.Random(35)
    later = [
        approval_row(
            msisdn=number(n), campaign=campaign, verified_by=drawn.choice(["carrier", "carrier", "partner"]),
            captured_at=f"2025-0{drawn.randint(2, 9)}-15T00:00:00Z",
        )
        for n in range(LINES) for campaign in ("CMP-road", "CMP-track") if drawn.random() < 0.7
    ]  # fmt: skip
    shown = [
        release_row(
            msisdn=number(n), aggregator=LINK, path=[LINK, TRACK, *drawn.choice([[], [JAIL], ["unknown"]])],
            campaign="CMP-track", occurred_at=f"2025-0{drawn.randint(2, 9)}-20T00:00:00Z",
        )
        for n in range(LINES) if drawn.random() < 0.7
    ]  # fmt: skip

    evens = [line.pk for line in Line.objects.order_by("pk")[::2]]

    def as_told(lines_at_once: int) -> dict[str, object]:
        monkeypatch.setattr(system_stops, "LINES_AT_ONCE", lines_at_once)
        with transaction.atomic():
            taken(ApprovalsFeed(), ndjson(later))
            at = database_clock()
            signed = Order.objects.filter(line_id__in=evens, id__in=Standing.objects.values("order_id"))
            assert bring_to(State.COMPLETED, signed, sent_at=NOW, acknowledged_at=NOW, completed_at=at)
            for word in Receipt.objects.all():
                contract_id = Order.objects.get(line_id=word.line_id, id=word.order_id).contract_id
                owed = Duty.objects.filter(line_id=word.line_id, contract_id=contract_id)
                owed.update(discharged_at=at, discharged_by=word.jti)
            take_releases(*shown)
            rejudging.rejudge(cause="consent")
            assert Order.objects.filter(line_id__in=evens, version=2).exists()
            found = what_stands()
            transaction.set_rollback(True)
        return found

    each, together = as_told(1), as_told(LINES)
    for name, found in together.items():
        assert found == each[name], name
    assert each["told"]


@pytest.mark.usefixtures("db")
def test_what_a_line_takes_over_is_told_first() -> None:
    """Whoever is allowed after a stop that came over is told of what counts, as no word of the person's own."""
    a_world(1)
    with_successors([0])
    allow = choice_row(
        msisdn=number(300), kind="allow", scope="campaign", ref="CMP-road", made_at="2025-07-01T00:00:00Z"
    )
    fates = taken(ChoicesFeed(), ndjson([choice_row(msisdn=number(0), made_at="2025-03-01T00:00:00Z"), allow]))
    assert [fate.status for fate in fates] == ["accepted", "accepted"]
    assert sorted(Choice.objects.values_list("kind", flat=True)) == ["allow", "stop", "stop", "stop"]
    assert [(one.lane, one.snapshot["initiating_entity"]) for one in Order.objects.all()] == [("bulk", "system")]


@pytest.mark.usefixtures("committed_db", "no_broker")
def test_several_processes_take_a_file_in_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_world(LINES)
    # The same id by two numbers, far apart and side by side, lands in one of them however it is dealt.
    rows = some_rows(seed=36, count=60)
    twins = [ndjson([choice_row(id=f"twin{n}", msisdn=number(n % LINES))]).strip() for n in range(12)]
    others = [ndjson([choice_row(id=f"twin{n}", msisdn=number((n + 1) % LINES))]).strip() for n in range(12)]
    file, rejects = tmp_path / "choices.ndjson", tmp_path / "rejects.ndjson"
    file.write_bytes(b"\n".join([*rows, *(line for pair in zip(twins, others, strict=True) for line in pair), *twins]))
    monkeypatch.setattr(feeds, "LINES_IN_A_PART", 4)

    def told(small: int) -> tuple[dict[str, int], list[str]]:
        monkeypatch.setattr(feeds, "SMALL", small)
        out = io.StringIO()
        call_command(
            "import_choices", str(file), "--json", "--workers", "3", "--rejects", str(rejects), stdout=out,
            stderr=io.StringIO(),
        )  # fmt: skip
        return json.loads(out.getvalue()), rejects.read_text().splitlines()

    counts, refused = told(1)
    found = sorted(Choice.objects.values_list("line_id", "source_id", "kind", "scope", "ref"))
    again, refused_again = told(1_000_000)
    assert counts["accepted"] == len(found)
    assert len({source_id for _, source_id, *_ in found}) == len(found), "no id is there twice"
    assert (again["accepted"], again["repeated"]) == (0, counts["accepted"] + counts["repeated"])
    assert refused_again == refused, "the same lines for the same reasons, in the file's order"
    assert sum(json.loads(line)["reason"] == "id_conflict" for line in refused) >= 12


@pytest.mark.usefixtures("db")
def test_whom_stop_concerns_is_asked_of_the_lines_touched_alone() -> None:
    """Nobody has statistics of a ledger that has just come in."""
    a_world(60)
    taken(ChoicesFeed(), ndjson(choice_row(msisdn=number(n)) for n in range(60)))
    # With many lines to look for, of which few are there, the planner would ask first and look at the line afterwards.
    some = [*Choice.objects.values_list("line_id", flat=True)[:10], *range(-1000, 0)]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {rejudging.UNTOLD}", [some])
        plan = "\n".join(row for (row,) in cursor.fetchall())
    (asked,) = re.findall(r"Function Scan on consent_affected affected \(actual rows=[\d.]+ loops=(\d+)\)", plan)
    assert int(asked) == 10


def whole_readings() -> dict[str, int]:
    """How often this transaction has read each table that grows from its beginning to its end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname = ANY (%s)", [LEDGERS])
        return dict(cursor.fetchall())


LEDGERS = [
    "consent_choice", "consent_choicereceipt", "consent_approval", "consent_choiceorder", "consent_linegate",
    "partners_dealing", "revocations_order", "audit_chainhead", "accounts_line", "accounts_linenumber",
]  # fmt: skip


@pytest.mark.usefixtures("db", "no_broker")
def test_a_first_import_reads_no_table_whole() -> None:
    """Whatever the session planned while they were empty."""
    a_world(LINES)
    approvals(range(4))
    taken(ChoicesFeed(), ndjson([choice_row(msisdn=number(0))]))
    before = whole_readings()
    taken(ChoicesFeed(), ndjson(choice_row(msisdn=number(n)) for n in range(1, LINES)))
    read = {table: n - before[table] for table, n in whole_readings().items()}
    assert set(read) == set(LEDGERS)
    assert {table: n for table, n in read.items() if n} == {}
