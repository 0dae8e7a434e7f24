"""How long a person waits for their pages at many releases stored beside few, their own being the same."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from urllib.parse import quote

from django.db import connection, connections
from django.test import Client

from accounts.models import Account, Line, LineNumber, LineState
from accounts.primitives.sealing import number_hash, seal
from audit.queries import database_clock
from consent.models import Approval
from disclosures.domain.ingest.rollups import LONG, roll_up
from disclosures.models import GrowingLine
from partners.models import Campaign, Party
from tools.bench import ledger, world
from tools.bench.measure import Bench, Result, percentile

TYPICAL_LINES, TYPICAL_ROWS = 24, 240
LONG_LINES, LONG_ROWS = 2, 100_000
OTHERS_ROWS = 200
FIRST_OTHER = 1_000_000_000
MONTHS = 24
MOST_AT_FIRST = 1_000_000
COMPANIES = 8
ROUNDS = 3
COMPANY = "https://history-{}.bench.example"

# One month, in order of time as rows come in, so that a line's own lie far apart. Of 97 rows one was not allowed.
ROWS = ledger.PUT.replace(
    "<rows>",
    """
SELECT line, at, gen_random_uuid(), 'bench-' || line || '-' || n, %(aggregator)s,
    ARRAY[%(aggregator)s, 'https://history-' || k || '.bench.example'], 'BENCH-history-' || k, %(purpose)s, %(scope)s,
    500, 'approval', 'released', '', '', false, CASE WHEN n %% 97 = 0 THEN 'no_approval' ELSE 'permitted' END, at
FROM (
    SELECT %(first_other)s + n * 2654435761 %% %(others)s AS line, n, n %% %(companies)s AS k
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    UNION ALL SELECT line, n, n %% %(companies)s
    FROM unnest(%(lines)s::bigint[], %(each)s::bigint[]) AS own (line, each)
        CROSS JOIN LATERAL generate_series(1, own.each) AS n
) made CROSS JOIN LATERAL (
    SELECT %(since)s::timestamptz + (made.n * 0.6180339887498949::float8 - floor(made.n * 0.6180339887498949::float8))
        * (%(until)s::timestamptz - %(since)s::timestamptz) AS at
) moment ORDER BY at
""",
)
APART = """
CREATE SCHEMA few;
CREATE TABLE few.disclosures_release (LIKE public.disclosures_release INCLUDING ALL)
PARTITION BY RANGE (occurred_at);
DO $do$
DECLARE part record;
BEGIN
    FOR part IN
        SELECT relname AS name, pg_get_expr(relpartbound, oid) AS bound FROM pg_class
        WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'public.disclosures_release'::regclass)
    LOOP
        EXECUTE format('CREATE TABLE few.%%I PARTITION OF few.disclosures_release %%s', part.name, part.bound);
        EXECUTE format('INSERT INTO few.%%I SELECT * FROM public.%%I', part.name, part.name);
    END LOOP;
    EXECUTE 'CREATE VIEW few.disclosures_disclosure AS ' || replace(
        pg_get_viewdef('public.disclosures_disclosure'::regclass), 'disclosures_release', 'few.disclosures_release');
    EXECUTE format('GRANT USAGE ON SCHEMA few TO %%I; GRANT SELECT ON few.disclosures_disclosure TO %%I',
        %(role)s::text, %(role)s::text);
END $do$;
"""


@dataclass(frozen=True)
class Own:
    """The lines that are looked at, each with a browser signed in by it."""

    typical: Mapping[int, Client]
    long: Mapping[int, Client]


def _pages(at: datetime) -> Sequence[str]:
    """Return what a person looks at: their first pages, one in the middle of the history, and what is one company's."""
    in_the_middle = quote(f"{(at - timedelta(days=30 * MONTHS // 2)).isoformat()}_{uuid.UUID(int=0)}")
    company = Party.objects.get(uri=COMPANY.format(3))
    return (
        "/home/", "/history/", "/history/?not_allowed=on", f"/history/?before={in_the_middle}",
        f"/history/?company={quote(company.uri)}", f"/companies/{company.pk}/",
    )  # fmt: skip


def run(bench: Bench) -> Result:
    """Return the p95 in milliseconds at the disclosures asked for; the ceiling: at a tenth of them, or a million.

    Half of the looks are at lines with 240 releases, half at lines with 100,000 (a quarter of the few, if that is
    less). Each look is at both sizes, one after the other: the ledger as it was at first is kept in a schema of its
    own.
    """
    at = database_clock()
    few = max(min(bench.disclosures // 10, MOST_AT_FIRST), 40)
    long_rows = min(LONG_ROWS, few // 4)
    typical = max(1, min(TYPICAL_LINES, few // 4 // TYPICAL_ROWS))
    with world.let_people_sign_in():
        own = _own_lines(typical, at)
        rows = {**dict.fromkeys(own.typical, TYPICAL_ROWS), **dict.fromkeys(own.long, long_rows)}
        before = sum(rows.values())
        stored = _store(before, few, rows, at, bench)
        _settle(own, long_rows)
        _keep_apart()
        _store(stored, bench.disclosures, {}, at, bench)
        _settle(own, long_rows)
        value, ceiling = _measure(own, _pages(at), bench)
    return Result("history_growth", value, "ms", ceiling)


def _own_lines(typical: int, at: datetime) -> Own:
    contract = world.a_partner(name="history", url="", at=at)
    account, campaigns = Account.objects.create(carrier_id="bench-history"), []
    for k in range(COMPANIES):
        provider = Party.objects.create(uri=COMPANY.format(k), name=f"Company {k}", kind=Party.Kind.LBS_PROVIDER)
        campaigns.append(world.a_campaign(ref=f"BENCH-history-{k}", contract=contract, provider=provider))
    lines = [_line(account, n, campaigns, at - timedelta(days=900)) for n in range(typical + LONG_LINES)]
    signed_in = {line.pk: world.sign_in(number) for line, number in lines}
    ids = list(signed_in)
    return Own(
        typical={one: signed_in[one] for one in ids[LONG_LINES:]},
        long={one: signed_in[one] for one in ids[:LONG_LINES]},
    )


def _line(account: Account, n: int, campaigns: Sequence[Campaign], at: datetime) -> tuple[Line, str]:
    number = f"+1206556{n:04}"
    line = Line.objects.create(
        carrier_id=f"bench-history-{n}", account=account, holder_name_sealed=seal("Ada Marsh"), user_role="user",
        state="WA", language="en", activated_at=at,
    )  # fmt: skip
    LineNumber.objects.create(
        line=line, msisdn_hash=number_hash(number), msisdn_sealed=seal(number), starts_at=at, ends_at=None
    )
    LineState.objects.create(line=line, state="WA", since=at)
    Approval.objects.bulk_create(
        Approval(
            line_id=line.pk, id=f"{line.pk:016x}{k:016x}", campaign=one.ref, method="sms", captured_at=at,
            captured_by=one.lbs_provider.uri, wording="Find me when I call. Reply YES.", language="en",
            evidence_ref="ev-1", verified_by="carrier", recorded_at=at, source_id=f"bench-{line.pk}-{k}",
        )
        for k, one in enumerate(campaigns)
    )  # fmt: skip
    return line, number


def _store(before: int, until: int, own: Mapping[int, int], at: datetime, bench: Bench) -> int:
    """Fill up to `until` rows with those of others, month by month; `own`: rows of one's own lines, by line."""
    others = max(until // OTHERS_ROWS, 1)
    count = max(until - before, 0) // MONTHS
    start = at - timedelta(days=30 * MONTHS)
    for month in range(MONTHS):
        since = start + timedelta(days=30 * month)
        with connection.cursor() as cursor:
            cursor.execute(
                ROWS,
                {
                    "aggregator": "https://history.bench.example", "purpose": world.PURPOSE, "scope": world.SCOPE,
                    "companies": COMPANIES, "first_other": FIRST_OTHER, "others": others,
                    "first": month * count + 1, "last": (month + 1) * count, "since": since,
                    "until": since + timedelta(days=30), "lines": list(own),
                    "each": [rows // MONTHS for rows in own.values()],
                },
            )  # fmt: skip
        if month % 6 == 5:
            bench.tell(f"history: {before + (month + 1) * count} rows")
    return before + MONTHS * count


def _settle(own: Own, long_rows: int) -> None:
    """As it is some minutes later: what is long was counted, the planner knows what was loaded, and the disk has it."""
    GrowingLine.objects.bulk_create(GrowingLine(line_id=line_id) for line_id in own.long)
    roll_up(at=database_clock(), long=min(LONG, max(long_rows // MONTHS * MONTHS, 1)))
    with world.owner().cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    connection.close()


def _keep_apart() -> None:
    """Copy the ledger as it is now, with the same partitions and indexes, to a schema of its own."""
    with world.owner().cursor() as cursor:
        cursor.execute(APART, {"role": connections["default"].settings_dict["USER"]})


def _measure(own: Own, pages: Sequence[str], bench: Bench) -> tuple[float, float]:
    """Return the p95 at the whole, and at the few.

    Each round looks at every page of every typical line, and as often at those of the long ones.
    """
    again = max(1, len(own.typical) // len(own.long))
    looks, looks_at_long = _pairs(own.typical.values(), pages), _pairs(own.long.values(), pages) * again
    at = {"few": world.connect_to("few, public"), "all": world.connect_to("public")}
    took: dict[str, list[list[float]]] = {name: [] for name in at}
    for _ in range(ROUNDS):
        for kind in (looks, looks_at_long):
            for name, times in _time_looks(kind, at).items():
                took[name].append(times)
    connection.connection = at.pop("all")
    at.pop("few").close()
    found = {name: _p95(parts) for name, parts in took.items()}
    for name, parts in took.items():
        typical, long = (_median(parts[kind::2]) for kind in (0, 1))
        bench.tell(
            f"history: at {name} p95 {found[name]:.1f} ms; median of typical lines {typical:.1f}, of long {long:.1f}"
        )
    return found["all"], found["few"]


def _pairs(browsers: Iterable[Client], pages: Sequence[str]) -> list[tuple[Client, str]]:
    return [(browser, page) for browser in browsers for page in pages]


def _time_looks(looks: Sequence[tuple[Client, str]], at: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return how long each look took, at each of these connections in turn."""
    here: dict[str, list[float]] = {name: [] for name in at}
    for browser, page in looks:
        for name, link in at.items():
            connection.connection = link
            here[name].append(world.time_look(browser, page))
    return here


def _p95(parts: Sequence[Sequence[float]]) -> float:
    return percentile([one for times in parts for one in times], 0.95)


def _median(parts: Sequence[Sequence[float]]) -> float:
    return median(one for times in parts for one in times)
