"""Take a whole file of disclosures in: over several connections, and on from where an earlier try was cut off."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from io import BytesIO
from itertools import chain
from types import TracebackType

import msgspec

import audit.queries
from disclosures import actions
from disclosures.domain.ingest import chunks
from disclosures.domain.ingest.chunks import ChunkResult
from disclosures.domain.ingest.rows import Outcome, Row
from disclosures.feeds.releases import DisclosuresFeed, fate_of, line_number, rows_in
from partners.feeds.checking import Fate
from partners.feeds.reading import Block, Readable, blocks, numbered_lines
from partners.feeds.worker_pool import ClaimTurn, FinishedPart, WorkerPool

# A file within this is taken in by one process: starting more would take longer.
SMALL = 8_000_000
LARGEST_BLOCK = 40_000_000


class Part(msgspec.Struct, frozen=True):
    """A block of a file, and the file's mark where it is noted that it was taken in."""

    block: Block
    file: bytes | None


class FileImport(AbstractContextManager["FileImport"]):
    """One run over one file. `file`: the mark by which it is resumed (`chunks.mark_of`), None: never."""

    def __init__(self, *, file: bytes | None, workers: int) -> None:
        self.file = file
        self.workers = workers
        self.noted: bytes | None = None

    def import_stream(self, *, stream: Readable) -> Iterator[ChunkResult]:
        """Yield what each part came to, in order. Constant memory. Call outside a transaction."""
        parts = blocks(stream, lines=DisclosuresFeed.chunk, size=LARGEST_BLOCK)
        first, held = _first_blocks(parts)
        with ExitStack() as stack:
            many = held >= SMALL and self.workers > 1
            crew = stack.enter_context(WorkerPool(size=self.workers, work=_take)) if many else None
            self.noted = self.file if self.file and chunks.begin_run(file=self.file) else None
            known = chunks.list_imported_chunks(file=self.noted) if self.noted else {}
            todo = _parts(chain(first, parts), self.noted, known)
            yield from crew.results(todo) if crew else map(_import_alone, todo)

    def forget(self) -> None:
        """Forget a file that was read to its end and told of: the next run begins anew."""
        if self.noted:
            chunks.forget_run(file=self.noted)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.noted:
            chunks.end_run(file=self.noted)


def _first_blocks(blocks: Iterator[Block]) -> tuple[list[Block], int]:
    """As many as show whether the file is small, and their size."""
    first, held = list[Block](), 0
    while held < SMALL and (block := next(blocks, None)):
        first.append(block)
        held += len(block.content)
    return first, held


def _parts(
    all_blocks: Iterable[Block], file: bytes | None, known: Mapping[int, bytes]
) -> Iterator[Part | FinishedPart[ChunkResult]]:
    for block in all_blocks:
        if file and block.starts_at in known and known[block.starts_at] == chunks.digest_of(block.content):
            yield FinishedPart(chunks.get_imported_result(file=file, starts_at=block.starts_at))
        else:
            yield Part(block, file)


def _import_alone(part: Part | FinishedPart[ChunkResult]) -> ChunkResult:
    return part.result if isinstance(part, FinishedPart) else _take(part, ClaimTurn())


def _take(part: Part, turn: ClaimTurn) -> ChunkResult:
    """Take a part in, and note it with its rows."""
    block, file = part.block, part.file
    told = list[ChunkResult]()
    at = audit.queries.database_clock()
    rows, refused = rows_in(numbered_lines(BytesIO(block.content), before=block.before), at=at)

    def note(outcomes: Sequence[Outcome]) -> None:
        told.append(_build_chunk_result(block, rows, outcomes, refused))
        if file:
            chunks.record_chunk(file=file, starts_at=block.starts_at, content=block.content, told=told[0], at=at)

    actions.record(rows=rows, at=at, turn=_claim_turn(turn, file), besides=note)
    return told[0]


@contextmanager
def _claim_turn(turn: ClaimTurn, file: bytes | None) -> Iterator[None]:
    """Hold the turn. Of a file that may be resumed, claim nothing that whoever resumes it would not wait for."""
    with turn:
        if file:
            chunks.join_run(file=file)
        turn.check()
        yield


def _list_rejected_rows(rows: Sequence[Row], outcomes: Sequence[Outcome]) -> list[Fate]:
    fates = [fate_of(row, outcome) for row, outcome in zip(rows, outcomes, strict=True)]
    return [fate for fate in fates if fate.status == "rejected"]


def _build_chunk_result(
    block: Block, rows: Sequence[Row], outcomes: Sequence[Outcome], refused: Sequence[Fate]
) -> ChunkResult:
    """Rows that fared alike have the very same outcome: they are counted without being compared."""
    lines = len(rows) + len(refused)
    alike = Counter(map(id, outcomes))
    each = {id(outcome): outcome for outcome in outcomes}
    counts, judged, completed = Counter[str](rejected=len(refused)), Counter[str](), 0
    for identity, count in alike.items():
        outcome = each[identity]
        counts[outcome.fate if outcome.fate in {"accepted", "repeated"} else "rejected"] += count
        completed += count if outcome.path_completed else 0
        if outcome.judgement:
            judged[outcome.judgement] += count
    if counts["rejected"] > len(refused):
        refused = sorted([*refused, *_list_rejected_rows(rows, outcomes)], key=line_number)
    return ChunkResult(
        lines=lines,
        size=block.ends_at - block.starts_at,
        counts=dict(counts),
        judged=dict(judged),
        refused=[(line_number(fate), fate.field, fate.reason) for fate in refused],
        paths_completed=completed,
    )
