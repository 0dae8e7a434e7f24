"""The command behind every `import_*`: read, take in by chunks, count, tell how far it is, write down refusals."""

import csv
import itertools
import json
import os
import sys
import time
from abc import abstractmethod
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol

from django.core.management.base import BaseCommand, CommandError

import audit.actions
import audit.queries
from partners.feeds.checking import NO_RECORD, Fate
from partners.feeds.reading import NumberedLine, Readable, Record, numbered_lines, parse_rows
from partners.feeds.worker_pool import WorkerGone

SAY_EVERY_S = 2.0
READ_AT_ONCE = 1 << 20


class Feed(Protocol):
    """One kind of carrier file. `header`: a column by which its CSV form is known ("" where there is none)."""

    name: str
    header: str
    chunk: int

    def take(self, *, lines: Sequence[NumberedLine | Record], at: datetime) -> list[Fate]:
        """Take in some lines, known until `at`; tell what became of each. Lines kept for later are told by `finish`."""

    def finish(self, *, at: datetime) -> list[Fate]:
        """Return what became of the lines kept for later: the file was read to its end. Most feeds keep none."""
        del at
        return []

    def settle_rest(self, *, at: datetime) -> list[Fate]:
        """Return what became of the lines kept for later, where those taken in so far are the whole file."""
        del at
        return []

    def clashes(self) -> list[Fate]:
        """Return what becomes of lines kept for later if no other line of the file mends them."""
        return []

    def extra(self) -> dict[str, int]:
        """Return further counts to print."""
        return {}


class Writable(Protocol):
    """Standard error, as a command has it."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> None: ...


class Progress:
    """Says on standard error how many lines went by, how fast, and how long it will take."""

    def __init__(self, *, total_bytes: int, out: Writable) -> None:
        self.total_bytes = total_bytes
        self.out = out
        self.bytes = self.bytes_before = 0
        self.lines = self.lines_before = 0
        self.started = self.reported = time.monotonic()

    def read(self, size: int) -> None:
        self.bytes += size

    def count_lines(self, count: int) -> None:
        self.lines += count
        now = time.monotonic()
        if now - self.reported >= SAY_EVERY_S:
            self.reported = now
            self.say(now)

    def count_earlier_lines(self, *, lines: int, size: int) -> None:
        """Count what an earlier run had taken; it says nothing of how fast this one is."""
        self.lines += lines
        self.lines_before += lines
        self.bytes += size
        self.bytes_before += size

    def say(self, now: float) -> None:
        spent = max(now - self.started, 0.001)
        words = f"{self.lines:,} lines, {(self.lines - self.lines_before) / spent:,.0f}/s"
        if self.total_bytes and self.bytes > self.bytes_before:
            left = spent * (self.total_bytes - self.bytes) / (self.bytes - self.bytes_before)
            words += f", {100 * self.bytes / self.total_bytes:.0f} %, {max(left, 0):.0f} s left"
        self.out.write(f"{words}\n")
        self.out.flush()


class Rejects:
    """Where refused lines are written down: line, field, reason; never what was in them."""

    def __init__(self, *, file: IO[str] | None, as_csv: bool) -> None:
        self.file = file
        self.csv = csv.writer(file) if file and as_csv else None
        if self.csv:
            self.csv.writerow(["line", "field", "reason"])

    def write(self, fate: Fate) -> None:
        if self.csv:
            self.csv.writerow([fate.line, fate.field, fate.reason])
        elif self.file:
            self.file.write(json.dumps({"line": fate.line, "field": fate.field, "reason": fate.reason}) + "\n")


class Tally:
    """The counts of one run, and where what it refused is written down."""

    def __init__(self, *, rejects: Rejects) -> None:
        self.rejects = rejects
        self.counts: Counter[str] = Counter()
        self.judged: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.warnings: list[str] = []

    def add(self, fates: Iterable[Fate]) -> None:
        for fate in fates:
            self.counts[fate.status] += 1
            if fate.note:
                self.judged[fate.note] += 1
            self.warnings += [f"{fate.line}: {warning}" for warning in fate.warnings]
            if fate.status == "rejected":
                self._refuse(fate)

    def add_counted(self, *, counts: Mapping[str, int], judged: Mapping[str, int], refused: Iterable[Fate]) -> None:
        """Add what became of lines that somebody else has counted."""
        self.counts.update(counts)
        self.judged.update(judged)
        for fate in refused:
            self._refuse(fate)

    def _refuse(self, fate: Fate) -> None:
        self.reasons[f"{fate.field} {fate.reason}".strip()] += 1
        self.rejects.write(fate)

    @property
    def unread_count(self) -> int:
        """How many lines there were, where none of them could be read; else 0."""
        return self.counts["rejected"] if self.counts.keys() <= {"rejected"} and self.reasons.keys() <= NO_RECORD else 0

    def as_json(self, extra: dict[str, int]) -> dict[str, Any]:
        return {
            **{status: self.counts[status] for status in ("accepted", "repeated", "rejected")},
            "judged": dict(sorted(self.judged.items())),
            **({"warnings": self.warnings} if self.warnings else {}),
            **extra,
        }


class FeedCommand(BaseCommand):
    """`import_… FILE`; `-` reads standard input. Idempotent: after an interruption, run it again."""

    feed_name: str
    fields: str

    def __init_subclass__(cls) -> None:
        # The first line of what the command is for is its help.
        cls.help = (cls.__doc__ or "").partition("\n")[0]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = f"UTF-8; times in RFC 3339 with an offset; unknown fields are ignored. Fields: {self.fields}"
        parser.add_argument("file", help="the carrier's file; - reads standard input")
        parser.add_argument("--json", action="store_true", help="print the counts as one JSON object on the last line")
        parser.add_argument("--rejects", metavar="FILE", help="write refused lines here (.csv, else NDJSON)")

    @abstractmethod
    def feed(self) -> Feed:
        """The feed that takes the file in."""

    def afterwards(self, *, at: datetime) -> dict[str, int]:
        """Return what the file as a whole brings about, once it was read to its end.

        Returns further counts to print.
        """
        del at
        return {}

    def read_rows(self, *, stream: Readable, progress: Progress) -> Iterator[NumberedLine | Record]:
        """Return the file's lines, or its records where it has a CSV header."""
        return parse_rows(numbered_lines(stream, seen=progress.read), header=self.feed().header)

    def take_all(self, *, stream: Readable, progress: Progress, tally: Tally) -> dict[str, int]:
        """Take the file in, chunk by chunk, and count what became of each line. Returns further counts to print."""
        feed = self.feed()
        for chunk in itertools.batched(self.read_rows(stream=stream, progress=progress), feed.chunk, strict=False):
            tally.add(feed.take(lines=chunk, at=audit.queries.database_clock()))
            progress.count_lines(len(chunk))
        tally.add(feed.finish(at=audit.queries.database_clock()))
        return feed.extra()

    def handle(self, *_args: object, **options: Any) -> None:
        with ExitStack() as stack:
            stream, size = self._open(stack, options["file"])
            tally = Tally(rejects=self._rejects(stack, options["rejects"]))
            progress = Progress(total_bytes=size, out=self.stderr)
            extra = self.take_all(stream=stream, progress=progress, tally=tally)
            progress.say(time.monotonic())
        brought = self.afterwards(at=audit.queries.database_clock())
        self._report(tally, extra | brought, as_json=options["json"])
        if tally.unread_count:
            raise CommandError(f"{options['file']}: none of the {tally.unread_count:,} lines can be read")

    def _open(self, stack: ExitStack, name: str) -> tuple[Readable, int]:
        if name == "-":
            return sys.stdin.buffer, 0
        with _report_open_errors(name):
            return stack.enter_context(Path(name).open("rb", buffering=READ_AT_ONCE)), Path(name).stat().st_size

    def _rejects(self, stack: ExitStack, name: str | None) -> Rejects:
        if not name:
            return Rejects(file=None, as_csv=False)
        with _report_open_errors(name):
            return Rejects(
                file=stack.enter_context(Path(name).open("w", encoding="utf-8", newline="")),
                as_csv=name.endswith(".csv"),
            )

    def _report(self, tally: Tally, extra: dict[str, int], *, as_json: bool) -> None:
        counts = tally.as_json(extra)
        audit.actions.record(
            action=f"import.{self.feed_name}",
            actor=f"import:{self.feed_name}",
            target=f"feed:{self.feed_name}",
            at=audit.queries.database_clock(),
            detail={name: counts[name] for name in ("accepted", "repeated", "rejected")},
        )
        if as_json:
            self.stdout.write(json.dumps(counts))
            return
        for name, count in counts.items():
            if name not in {"judged", "warnings"}:
                self.stdout.write(f"{name.replace('_', ' ')} {count:,}")
        for name, count in counts["judged"].items():
            self.stdout.write(f"  {name} {count:,}")
        for reason, count in tally.reasons.most_common():
            self.stdout.write(f"  refused: {reason} {count:,}")
        for warning in tally.warnings:
            self.stdout.write(f"  taken, with a warning: {warning}")


class ParallelFeedCommand(FeedCommand):
    """An `import_…` by which several processes take a large file in."""

    workers: int

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--workers",
            type=int,
            default=(os.cpu_count() or 1) + 1,
            help="processes that take a large file in, each over a connection of its own (%(default)s)",
        )

    def handle(self, *args: object, **options: Any) -> None:
        self.workers = options["workers"]
        try:
            super().handle(*args, **options)
        except WorkerGone as error:
            raise CommandError(f"{error}: run it again to go on") from error


@contextmanager
def _report_open_errors(file: str) -> Iterator[None]:
    """A file that can't be opened ends the command with its name and the system's word."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
