"""How fast disclosures are taken in, beside a bare COPY of the same rows; and with many stored beside few.

Ours is the command `import_disclosures` from a file on disk to its last commit, its processes' start included.

The ceiling is one connection that copies the final rows of such a file, prepared beforehand, in the order of the file
and in one transaction: first into `disclosures_release` (partition by partition, with its index; no trigger
fires on insert), then one row each into the id register with its primary key. It reads nothing,
judges nothing and writes nothing else.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from statistics import median

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from audit.queries import database_clock
from tools.bench import ledger
from tools.bench.measure import Bench, BenchmarkFailed, Result

ROUNDS = 3
MOST_A_ROUND = 600_000
MOST_AT_FIRST = 1_000_000
WINDOW = timedelta(days=30)
AT_ONCE = 1 << 20
COLUMNS = "recorded_at, term, precision_m, source_id, decision_id, authority_ref"
# The rows of a file once more, as they were judged, under other ids and a microsecond later, in the file's order.
AGAIN = """
COPY (
    SELECT line_id, occurred_at + interval '1 microsecond', gen_random_uuid(), <columns>
    FROM disclosures_release WHERE source_id LIKE '<name>-%' ORDER BY split_part(source_id, '-', 2)::int
) TO STDOUT
""".replace("<columns>", COLUMNS)
ROWS = f"COPY disclosures_release (line_id, occurred_at, id, {COLUMNS}) FROM STDIN"
REGISTER = "COPY disclosures_disclosureregister (id, line_id, occurred_at, content_hash) FROM STDIN"


def run(bench: Bench) -> Result:
    """Rows a second with the disclosures asked for stored; the ceiling is the bare COPY. Medians of rounds in turn."""
    office = Office(bench, name="ingest", place=1)
    office.store(bench.disclosures)
    ours, bare = [], []
    for number in range(1, ROUNDS + 1):
        name = office.take(number)
        ours.append(office.rate)
        ledger.checkpoint()  # else the bare COPY finds in the log what ours had to write there in full
        bare.append(_bare(name))
        ledger.checkpoint()
        bench.tell(f"ingest: round {number}: {ours[-1]:,.0f}/s, the bare COPY {bare[-1]:,.0f}/s")
    return Result("ingest", median(ours), "rows/s", median(bare))


def growth(bench: Bench) -> Result:
    """Rows a second with the disclosures asked for stored; the ceiling: with a tenth of them, or a million."""
    office = Office(bench, name="growth", place=2)
    rates = []
    for stored in (min(bench.disclosures // 10, MOST_AT_FIRST), bench.disclosures):
        office.store(stored)
        found = []
        for number in range(1, ROUNDS + 1):
            office.take(number)
            found.append(office.rate)
        rates.append(median(found))
        bench.tell(f"ingest_growth: {rates[-1]:,.0f}/s at {stored:,} disclosures")
    few, many = rates
    return Result("ingest_growth", many, "rows/s", few)


class Office:
    """A carrier whose files are taken in: one month of releases, mostly in order of time, after a year of others."""

    def __init__(self, bench: Bench, *, name: str, place: int) -> None:
        self.bench = bench
        self.rate = 0.0
        self.books = ledger.open_books(name=name, place=place, at=database_clock())
        self.stored = self.files = 0
        ledger.burn_disclosures()
        for made in ledger.write_lines(books=self.books, count=bench.lines):
            bench.tell(f"{name}: {made:,} lines")

    def store(self, count: int) -> None:
        """So many disclosures are stored, spread over the months before the last."""
        for made in ledger.write_disclosures(
            books=self.books, lines=self.bench.lines, first=self.stored + 1, last=count, since=self.books.opened,
            until=self.books.closed - WINDOW,
        ):  # fmt: skip
            self.bench.tell(f"{self.books.name}: {made:,} disclosures")
        self.stored = count
        ledger.settle()

    def take(self, number: int) -> str:
        """Have a file taken in and note the rate. Returns by what the ids of its rows begin."""
        count = min(MOST_A_ROUND, max(self.bench.disclosures // 2, 1))
        self.files += 1
        name = f"{self.books.name}{self.files}"
        since = self.books.closed - WINDOW + (number - 1) * WINDOW / ROUNDS
        self.rate = time_import("disclosures", self._rows(name, count, since, WINDOW / ROUNDS / count))
        return name

    def _rows(self, name: str, count: int, since: datetime, every: timedelta) -> Iterator[dict[str, object]]:
        for n in range(count):
            yield self._row(f"{name}-{n}", since + n * every)

    def _row(self, identity: str, now: datetime) -> dict[str, object]:
        """97 of 100 use what the line agreed to; 3 of 100 are late by up to two months, 1 is finer than was agreed."""
        lot = hashlib.blake2b(identity.encode(), digest_size=16).digest()  # the same rows for the same sizes
        line = 1 + int.from_bytes(lot[:6]) % self.bench.lines
        chances = [int.from_bytes(lot[n : n + 2]) % 1000 for n in range(6, 16, 2)]
        use = self.books.uses[(line + _step(chances[0])) % len(self.books.uses)]
        late = timedelta(minutes=chances[2] / 4 if chances[1] < 970 else chances[2] * 86)
        tail = [use.customer] if chances[3] < 300 else ["unknown"] if chances[3] < 330 else []
        row: dict[str, object] = {
            "id": identity,
            "occurred_at": (now - late).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "msisdn": self.books.number_of(line),
            "aggregator": use.aggregator,
            "path": [use.aggregator, use.provider, *tail],
            "campaign": use.campaign,
            "purpose": use.purpose,
            "scope": ledger.SCOPE,
            "precision_m": 100 if chances[4] < 10 else 500,
            "basis": "approval",
            "outcome": "refused" if chances[4] >= 990 else "released",
            "decision_id": f"1.{lot.hex()}",
        }
        if 500 <= chances[4] < 505:
            del row["campaign"], row["decision_id"]
            row |= {"basis": "emergency", "path": [use.aggregator], "authority_ref": f"call-{identity}"}
        return row


def time_import(feed: str, rows: Iterable[Mapping[str, object]]) -> float:
    """Have the file of these rows taken in and return how many it was a second. Raises BenchmarkFailed."""
    path, out = Path(settings.DATA_DIR) / f"{feed}.ndjson", StringIO()
    with path.open("w") as file:
        count = sum(1 for row in rows if file.write(json.dumps(row) + "\n"))
    began = time.perf_counter()
    call_command(f"import_{feed}", str(path), "--json", stdout=out, stderr=StringIO())
    took = time.perf_counter() - began
    if json.loads(out.getvalue())["accepted"] != count:
        raise BenchmarkFailed(f"not every row was accepted: {out.getvalue().strip()}")
    return count / took


def _step(chance: int) -> int:
    """To which of its uses a line's release goes, as seen from the first."""
    return 0 if chance < 600 else 3 if chance < 970 else 1


def _bare(name: str) -> float:
    with connection.cursor() as cursor, cursor.copy(AGAIN.replace("<name>", name)) as copy:
        rows = b"".join(bytes(part) for part in copy)
    cut = [line.split(b"\t", 3) for line in rows.splitlines()]
    register = b"".join(b"%s\t%s\t%s\t\\\\x%014d\n" % (id_, line, at, n) for n, (line, at, id_, _) in enumerate(cut))
    connection.close()
    database_clock()  # the new connection's start is not counted
    began = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        for statement, content in ((ROWS, rows), (REGISTER, register)):
            with cursor.copy(statement) as copy:
                for start in range(0, len(content), AT_ONCE):
                    copy.write(content[start : start + AT_ONCE])
    return len(cut) / (time.perf_counter() - began)
