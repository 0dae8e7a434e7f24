"""Take a large file of choices in over several connections: an earlier system's list may be tens of millions of lines.

Lines of one number go to one process, so that they stay in their order and no process waits for another's. So does
an id that is on its way already, whatever number it comes with: one of them decides whether it is new.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import batched, chain
from zlib import crc32

import msgspec
from django.db import connection

import audit.queries
from consent.feeds.choices import ChoicesFeed
from partners.feeds.checking import Fate
from partners.feeds.reading import NumberedLine, Record
from partners.feeds.worker_pool import AHEAD, Turn, WorkerPool

# A file within this is taken in by one process: starting more would take longer.
SMALL = 2_000_000
LINES_AT_ONCE = 1_000
# Two files at once, each with a crew, might bring the same id: the second is taken in by one process.
ONE_CREW = "SELECT pg_try_advisory_lock(hashtext('consent.feeds.crew'))"
OVER = "SELECT pg_advisory_unlock(hashtext('consent.feeds.crew'))"

type Line = NumberedLine | Record


class ImportResult(msgspec.Struct, frozen=True):
    """What became of some lines: how many of each fate, those refused in order, and how many stops are outweighed."""

    lines: int
    counts: dict[str, int]
    refused: list[Fate]
    pierced: int


class _Marks(msgspec.Struct, frozen=True):
    id: str = ""
    msisdn: str = ""


def take_choices(*, lines: Iterator[Line], workers: int) -> Iterator[ImportResult]:
    """Take a file in, part by part in its order. Constant memory. Call outside a transaction. Raises crew.Gone."""
    first, held = list[Line](), 0
    while held < SMALL and (line := next(lines, None)):
        first.append(line)
        held += _length_of(line)
    lines = chain(first, lines)
    with ExitStack() as stack:
        if held >= SMALL and workers > 1:
            crew = stack.enter_context(WorkerPool(size=workers, work=_take_in_pool))
            if _may_start_pool():
                stack.callback(_ask, OVER)
                parts = _dealt(lines, workers)
                for together in batched(crew.results(parts), workers, strict=True):
                    yield _sum(together)
                return
            stack.pop_all().close()
        for some in batched(lines, LINES_AT_ONCE, strict=False):
            yield _take(some, ChoicesFeed())


def _length_of(line: Line) -> int:
    return len(line.content) if isinstance(line, NumberedLine) else sum(map(len, line.values.values()))


def _may_start_pool() -> bool:
    return _ask(ONE_CREW)


def _ask(statement: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return bool(*(cursor.fetchone() or ()))


def _dealt(lines: Iterator[Line], workers: int) -> Iterator[list[Line]]:
    """In turn a part for each process, maybe an empty one."""
    underway: deque[dict[str, int]] = deque(maxlen=AHEAD + 1)
    for some in batched(lines, LINES_AT_ONCE * workers, strict=False):
        underway.append({})
        parts: list[list[Line]] = [[] for _ in range(workers)]
        for line in some:
            marks = _marks(line)
            known = next((ids[marks.id] for ids in underway if marks.id in ids), None)
            place = crc32(marks.msisdn.encode()) % workers if known is None else known
            underway[-1][marks.id] = place
            parts[place].append(line)
        yield from parts


def _marks(line: Line) -> _Marks:
    """By what a line is dealt; nothing of one that will be refused."""
    try:
        if isinstance(line, NumberedLine):
            return msgspec.json.decode(line.content, type=_Marks)
        return msgspec.convert(line.values, _Marks)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Marks()


def _take_in_pool(lines: Sequence[Line], turn: Turn) -> ImportResult:
    turn.check()
    return _take(lines, ChoicesFeed(of_a_crew=True))


def _take(lines: Sequence[Line], feed: ChoicesFeed) -> ImportResult:
    fates = feed.take(lines=lines, at=audit.queries.database_clock()) if lines else []
    refused = [fate for fate in fates if fate.status == "rejected"]
    return ImportResult(len(lines), Counter(fate.status for fate in fates), refused, feed.pierced)


def _sum(together: Iterable[ImportResult]) -> ImportResult:
    """What several processes did with neighbouring lines."""
    lines = pierced = 0
    counts, refused = Counter[str](), list[Fate]()
    for one in together:
        lines += one.lines
        counts.update(one.counts)
        refused += one.refused
        pierced += one.pierced
    return ImportResult(lines, counts, sorted(refused, key=lambda fate: int(fate.line)), pierced)
