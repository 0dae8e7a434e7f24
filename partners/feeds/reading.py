"""A carrier's file as numbered lines and CSV records, in constant memory. One bad line spoils only itself."""

import csv
import io
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

import msgspec

LONGEST_LINE = 1_000_000
LONGEST_RECORD_LINES = 20
BUFFER = 1 << 16
BOM = b"\xef\xbb\xbf"


class Readable(Protocol):
    """All that a file, standard input or a request's body needs to offer."""

    def read(self, size: int, /) -> bytes: ...


class _Raw(io.RawIOBase):
    """What is read, for a buffer that cuts it into lines. Never by the stream's own `readline`.

    The web server's gives the first line of a request and drops all that follows.
    """

    def __init__(self, stream: Readable) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer).cast("B")
        piece = self._stream.read(len(room))
        room[: len(piece)] = piece
        return len(piece)


class NumberedLine(msgspec.Struct, frozen=True, gc=False):
    """One line of a file, its number counted from 1, without its line end; `problem`: why it can't be read."""

    number: int
    content: bytes
    problem: str = ""


class Record(msgspec.Struct, frozen=True):
    """One CSV record, named by the header; what is empty is left out. `problem`: (field, reason)."""

    number: int
    values: dict[str, str]
    problem: tuple[str, str] | None = None


def numbered_lines(
    stream: Readable, *, seen: Callable[[int], None] = lambda _: None, before: int = 0
) -> Iterator[NumberedLine]:
    """Yield the lines that are not blank. `seen` hears how many bytes were read, for progress.

    `before`: how many lines of the file stand before the stream's.
    """
    number, buffered = before, io.BufferedReader(_Raw(stream), BUFFER)
    while line := buffered.readline(LONGEST_LINE + 2):
        number += 1
        seen(len(line))
        if number == 1:
            line = line.removeprefix(BOM)
        content = line.rstrip(b"\r\n")
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = buffered.readline(LONGEST_LINE)
                seen(len(line))
            yield NumberedLine(number, b"", "too_long")
        elif content.strip():
            yield NumberedLine(number, content, problem_of(content))


class Block(msgspec.Struct, frozen=True):
    """Whole lines of a file: where they begin and end in it, how many stand before, and the lines themselves.

    Of a line that is too long there is only as much as shows that it is.
    """

    starts_at: int
    ends_at: int
    before: int
    content: bytes


def blocks(stream: Readable, *, lines: int, size: int) -> Iterator[Block]:
    """Read a file in blocks of so many lines, or fewer where they would be larger than `size` bytes.

    The same file gives the same blocks.
    """
    before = ends_at = 0
    buffered = io.BufferedReader(_Raw(stream), BUFFER)
    while True:
        starts_at, held, kept = ends_at, 0, list[bytes]()
        while len(kept) < lines and held < size and (line := buffered.readline(LONGEST_LINE + 2)):
            ends_at += len(line)
            if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                ends_at += _rest_of_line(buffered)
                line = line.ljust(LONGEST_LINE + 2) + b"\n"
            kept.append(line)
            held += len(line)
        if not kept:
            return
        yield Block(starts_at, ends_at, before, b"".join(kept))
        before += len(kept)


def _rest_of_line(buffered: "io.BufferedReader[_Raw]") -> int:
    size = 0
    while (more := buffered.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
        size += len(more)
    return size + len(more)


def problem_of(content: bytes) -> str:
    """Say why a line can't be text of ours: "not_utf8", "nul" or ""."""
    if b"\x00" in content:
        return "nul"
    if content.isascii():
        return ""
    try:
        content.decode()
    except UnicodeDecodeError:
        return "not_utf8"
    return ""


def parse_rows(lines: Iterator[NumberedLine], *, header: str) -> Iterator[NumberedLine | Record]:
    """Return the lines themselves, or their CSV records where the first names the column `header` ("": never)."""
    first = next(lines, None)
    if first is None:
        return iter(())
    lines = chain([first], lines)
    has_header = bool(header) and header.encode() in first.content.lower() and not first.content.startswith(b"{")
    return csv_records(lines) if has_header else lines


def csv_records(lines: Iterator[NumberedLine]) -> Iterator[Record]:
    """CSV records by header. A quoted field may hold line ends; a quote that is never closed spoils one line only."""
    waiting: deque[NumberedLine] = deque()

    def upcoming() -> NumberedLine | None:
        return waiting.popleft() if waiting else next(lines, None)

    header: list[str] = []
    while (line := upcoming()) is not None:
        fields, taken = _fields(line, upcoming)
        if fields is None:
            waiting.extendleft(reversed(taken))
            yield Record(line.number, {}, ("", line.problem or "broken"))
        elif not header:
            header = [name.strip().lower() for name in fields]
        elif [name.strip().lower() for name in fields] != header:
            # The header again: files that were put one behind the other.
            yield _record(line.number, header, fields)


def _fields(
    line: NumberedLine, upcoming: Callable[[], NumberedLine | None]
) -> tuple[list[str] | None, list[NumberedLine]]:
    """The fields of the record that begins with this line; None, and what was looked at beyond it, if it is broken."""
    if line.problem:
        return None, []
    text, taken = line.content.decode(), list[NumberedLine]()
    while True:
        fields, goes_on = _split(text)
        if not goes_on:
            return fields, taken
        more = upcoming() if len(taken) < LONGEST_RECORD_LINES else None
        if more is not None:
            taken.append(more)
        if more is None or more.problem:
            return None, taken
        text = f"{text}\n{more.content.decode()}"


def _split(text: str) -> tuple[list[str] | None, bool]:
    """The fields of a record, and whether it goes on in the next line."""
    try:
        (fields,) = csv.reader([text], strict=True)
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None, True
        return _leniently(text), False
    return fields, False


def _leniently(text: str) -> list[str] | None:
    try:
        (fields,) = csv.reader([text], strict=False)
    except csv.Error:
        return None
    return fields


def _record(number: int, header: list[str], fields: list[str]) -> Record:
    values: dict[str, str] = {}
    if any(fields[len(header) :]):
        # Somebody forgot to quote a comma: which field is which, nobody knows.
        return Record(number, {}, ("", "broken"))
    for name, value in zip(header, fields, strict=False):
        if value and values.setdefault(name, value) != value:
            return Record(number, {}, (name, "twice"))
    return Record(number, values)
