"""How fast an earlier system's choices are taken in, beside what a carrier with 30 million of them needs on two cores.

Ours are the commands from a file on disk to their last commit, with all that partners are told. It is said too what
each row took of processor time, which other programs on the machine change little.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from audit.queries import database_clock
from tools.bench import ingest, ledger
from tools.bench.ledger import Books
from tools.bench.measure import Bench, Result, spent

WANTED, WANTED_WITH_PARTNERS = 5_000.0, 1_000.0
MOST_ROWS = 50_000


def run(bench: Bench) -> Result:
    """Choices a second of lines that nobody has anything of."""
    books = _open(bench, "choices", 8, agreed=False)
    return Result("choices", _import("choices", _choices(books, bench), bench), "rows/s", WANTED)


def run_with_partners(bench: Bench) -> Result:
    """Rows a second where partners are told: the fewer of choices after approvals and approvals after choices."""
    after = _import("choices", _choices(_open(bench, "agreed", 9, agreed=True), bench), bench)
    books = _open(bench, "stopped", 10, agreed=False)
    _import("choices", _choices(books, bench), bench)
    before = _import("approvals", _approvals(books, bench), bench)
    return Result("choices_with_partners", min(after, before), "rows/s", WANTED_WITH_PARTNERS)


def _open(bench: Bench, name: str, place: int, *, agreed: bool) -> Books:
    books = ledger.open_books(name=name, place=place, at=database_clock())
    for made in ledger.write_lines(books=books, count=min(bench.lines, MOST_ROWS), agreed=agreed):
        bench.tell(f"{name}: {made:,} lines")
    ledger.settle()
    return books


def _import(feed: str, rows: Iterable[Mapping[str, object]], bench: Bench) -> float:
    began = _processor_ms()
    rate = ingest.time_import(feed, rows)
    took = (_processor_ms() - began) / min(bench.lines, MOST_ROWS)
    bench.tell(f"import_{feed}: {rate:,.0f}/s, {took:.2f} ms of processor time a row")
    return rate


def _processor_ms() -> float:
    """The database's, this process's and that of the import's processes that have ended."""
    return spent()["database"] + sum(os.times()[:4]) * 1000


def _choices(books: Books, bench: Bench) -> Iterator[dict[str, object]]:
    made_at = (books.closed - timedelta(days=60)).isoformat()
    for number in _numbers(books, bench):
        yield {
            "id": f"{books.name}-{number}", "msisdn": number, "made_at": made_at, "kind": "stop", "scope": "all",
            "channel": "store",
        }  # fmt: skip


def _approvals(books: Books, bench: Bench) -> Iterator[dict[str, object]]:
    for n, number in enumerate(_numbers(books, bench)):
        use = books.uses[n % len(books.uses)]
        yield {
            "id": f"{books.name}-{number}", "msisdn": number, "campaign": use.campaign, "method": "sms",
            "captured_at": (books.closed - timedelta(days=30)).isoformat(), "captured_by": use.provider,
            "wording": "Find me when I call. Reply YES.", "language": "en", "evidence_ref": f"ev-{n}",
            "verified_by": "carrier",
        }  # fmt: skip


def _numbers(books: Books, bench: Bench) -> Iterator[str]:
    return map(books.number_of, range(1, min(bench.lines, MOST_ROWS) + 1))
