"""What a line may hold, and the words for why it is refused: `(field, reason)`, never the value."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated

import msgspec

from accounts.primitives.json_reader import Unreadable, WrongShape, decode_json, may_repeat_names, read_json
from accounts.primitives.reasons import BLANK
from accounts.primitives.sealing import keyed_hash
from partners.feeds.reading import NumberedLine, Record

LONGEST_TEXT = 1000
# What names something is looked up, and an index holds no entry of more than 2,704 bytes. Free text is not among them.
LONGEST_NAME_BYTES = 2000
NAMES = frozenset({
    "id", "aggregator", "path", "campaign", "ref", "captured_by", "lbs_provider", "recipients", "succeeds", "same_as",
    "disclosure_id",
})  # fmt: skip
# What names a company: a name of blanks is as good as none, and no page could show whose it is.
COMPANIES = ("aggregator", "path", "captured_by", "lbs_provider", "recipients")
STATUSES = ("accepted", "repeated", "rejected")
# Why a line is no record at all.
NO_RECORD = frozenset({"broken", "not_utf8", "nul", "too_long"})
SECOND = timedelta(seconds=1)
# Of a day in UTC; only there is a second inserted.
LAST_MINUTE = (23, 59)
ENCODER = msgspec.json.Encoder()

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
FreeText = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
Ref = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
RFC_3339 = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-5][0-9])"
# RFC 3339, the offset included. Kept as text until `instant`, because msgspec's own reading also takes "+0000".
Instant = Annotated[str, msgspec.Meta(pattern=rf"^{RFC_3339}\Z")]
# Of an optional field: empty is as good as absent, as it is in CSV.
InstantOrEmpty = Annotated[str, msgspec.Meta(pattern=rf"^({RFC_3339})?\Z")]
# Read by `metres`: what is written with a fraction of nothing is a whole number all the same.
Metres = Annotated[int, msgspec.Meta(ge=0, le=2_147_483_647)] | Annotated[float, msgspec.Meta(ge=0, le=2_147_483_647)]
Msisdn = Annotated[str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{1,14}\Z")]

MISSING = re.compile(r"^Object missing required field `(?P<field>[^`]+)`")
AT = re.compile(r" - at `\$\.(?P<field>[^`]+)`$")
LEAP = re.compile(r":60(?=[.Zz+-])")
REASONS = (
    ("got `null`", "missing"),
    ("Invalid enum value", "not_allowed"),
    ("of length >= 1", "missing"),
    ("of length <=", "too_long"),
    (r"matching regex '^\\+", "not_e164"),
    ("matching regex '^[0-9]{4}-", "not_a_time"),
    ("matching regex '^([0-9]{4}-", "not_a_time"),
    ("matching regex '^[A-Za-z]{2}", "not_allowed"),
    ("Expected `int` >=", "negative"),
    ("Expected `int` <=", "too_large"),
    ("Expected `float` >=", "negative"),
    ("Expected `float` <=", "too_large"),
    ("without NUL", "nul"),
)


class RowRefused(Exception):
    """A line that can't be taken: the field it is about ("" for the line as a whole) and the reason."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class NothingReadable(Exception):
    """A body holds no line, or none that can be read. The message says so, and what is wrong with the first."""


class Fate(msgspec.Struct, frozen=True, gc=False):
    """What became of one line. `note`: for a disclosure its judgement, where it counts among the judged.

    `filled`: for a disclosure the places of its path that were left out, and that we filled. `warnings`: what is odd in
    a line that was taken all the same ("ends_at after_its_contract").
    """

    line: int | str
    status: str
    field: str = ""
    reason: str = ""
    note: str = ""
    filled: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def build_accepted_fate(
    line: int | str, note: str = "", filled: tuple[str, ...] = (), warnings: tuple[str, ...] = ()
) -> Fate:
    """Taken in."""
    return Fate(line, "accepted", note=note, filled=filled, warnings=warnings)


def build_repeated_fate(line: int | str, warnings: tuple[str, ...] = ()) -> Fate:
    """Known already, and the same."""
    return Fate(line, "repeated", warnings=warnings)


def build_rejected_fate(line: int | str, field: str, reason: str) -> Fate:
    """Not taken, and why."""
    return Fate(line, "rejected", field, reason)


def refuse_if_nothing_readable(fates: Sequence[Fate]) -> None:
    """Raise NothingReadable where each of the lines is no JSON object, or no CSV record, or where there is none."""
    if not fates:
        raise NothingReadable("The body holds no line.")
    if all(fate.reason in NO_RECORD and not fate.field for fate in fates):
        first = fates[0]
        raise NothingReadable(f"None of the {len(fates):,} lines can be read. Line {first.line}: {first.reason}.")


def summary_of(fates: Sequence[Fate]) -> dict[str, object]:
    """Return how many lines were taken, at the head of the answer for them: in one word, then in numbers."""
    counted = Counter(fate.status for fate in fates)
    taken = len(fates) - counted["rejected"]
    outcome = "all_taken" if taken == len(fates) else "some_rejected" if taken else "all_rejected"
    return {"outcome": outcome, "lines": len(fates), **{status: counted[status] for status in STATUSES}}


def decode[T: msgspec.Struct](decoder: msgspec.json.Decoder[T], content: bytes) -> T:
    """Decode one JSON line as the struct of its feed. Unknown fields are ignored, repeated ones are not.

    Raises RowRefused.
    """
    try:
        row = decode_json(content, decoder, takes_twice=True)
        twice = list_repeated_names(content) if may_repeat_names(content) else []
    except WrongShape as error:
        raise RowRefused(*parse_msgspec_error(str(error))) from error
    except Unreadable as error:
        raise RowRefused("", "broken") from error
    for name in twice:
        raise RowRefused(name if name in row.__struct_fields__ else "", "twice")
    refuse_blank_companies(row)
    if len(content) > LONGEST_NAME_BYTES:
        refuse_long_names(row)
    return row


def list_repeated_names(content: bytes) -> list[str]:
    """Names that stand twice in an object: it says two things then, and a reader that takes the last one hides that.

    Raises Unreadable.
    """
    repeated: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        times = Counter(name for name, _ in pairs)
        repeated.extend(name for name, n in times.items() if n > 1)

    read_json(content, pairs=look)
    return repeated


def convert[T: msgspec.Struct](values: Mapping[str, object], kind: type[T], *, strict: bool = True) -> T:
    """Convert names and values to the struct of a feed. `strict=False`: values that are all text (CSV).

    Raises RowRefused.
    """
    try:
        row = msgspec.convert(values, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise RowRefused(*parse_msgspec_error(str(error))) from error
    refuse_blank_companies(row)
    refuse_long_names(row)
    return row


def refuse_nul(row: msgspec.Struct) -> None:
    """Refuse a NUL that was written as an escape, no more welcome than a bare one."""
    for name in row.__struct_fields__:
        if any("\x00" in text for text in _texts(row, name)):
            raise RowRefused(name, "nul")


def refuse_blank_companies(row: msgspec.Struct) -> None:
    """Refuse a company that is named by blanks alone, as if its name were empty."""
    for name in COMPANIES:
        value = getattr(row, name, None)
        for place, uri in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(uri, str) and is_blank(uri):
                raise RowRefused(f"{name}[{place}]" if isinstance(value, list) else name, "missing")


@lru_cache(maxsize=10_000)
def is_blank(uri: str) -> bool:
    """Return whether a company's name shows nothing at all. Releases by the million name the same few."""
    return not any(sign.isprintable() and not sign.isspace() for sign in uri.translate(BLANK))


def refuse_long_names(row: msgspec.Struct) -> None:
    """Refuse a name that, within 1,000 characters, is longer in bytes than what can be looked up."""
    for name in row.__struct_fields__:
        if name in NAMES and any(len(text.encode()) > LONGEST_NAME_BYTES for text in _texts(row, name)):
            raise RowRefused(name, "too_long")


def _texts(row: msgspec.Struct, name: str) -> list[str]:
    value = getattr(row, name)
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


def parse_msgspec_error(message: str) -> tuple[str, str]:
    """Parse the field and the reason from what msgspec says."""
    missing = MISSING.match(message)
    at = AT.search(message)
    if missing:
        inside = f"{at['field']}." if at else ""
        return f"{inside}{missing['field']}", "missing"
    field = at["field"] if at else ""
    if not field:
        return "", "broken"
    return field, next((reason for words, reason in REASONS if words in message), "wrong_type")


def instant(field: str, text: str) -> datetime:
    """Parse the moment (UTC) that an RFC 3339 text names. Raises RowRefused for one that is in no calendar."""
    leap = ":60" in text and LEAP.search(text)
    try:
        moment = datetime.fromisoformat((LEAP.sub(":59", text) if leap else text).upper())
        moment = moment.astimezone(UTC)
        if leap and (moment.hour, moment.minute) != LAST_MINUTE:
            raise RowRefused(field, "not_a_time")
        return moment + SECOND if leap else moment
    except (ValueError, OverflowError) as error:
        raise RowRefused(field, "not_a_time") from error


def instant_or_none(field: str, text: str | None) -> datetime | None:
    """Parse the moment of an optional field."""
    return instant(field, text) if text else None


def metres(field: str, told: float) -> int:
    """Convert a whole number of metres, 500.0 as well as 500. Raises RowRefused."""
    if told != int(told):
        raise RowRefused(field, "wrong_type")
    return int(told)


def content_hash(*values: object) -> bytes:
    """Hash a row's content by meaning: instants in UTC, absent the same as empty. Keyed: it can't be guessed back."""
    return hash_of_meaning([None if value == "" else value for value in values])


def hash_of_meaning(values: list[object]) -> bytes:
    """Hash values by meaning of which none is an empty text."""
    return keyed_hash("feed-content")(ENCODER.encode(values))


def read[T: msgspec.Struct](line: NumberedLine | Record, decoder: msgspec.json.Decoder[T], kind: type[T]) -> T:
    """Read a JSON line or a CSV record as the struct of its feed. Raises RowRefused."""
    if line.problem:
        raise RowRefused(*(line.problem if isinstance(line, Record) else ("", line.problem)))
    if isinstance(line, NumberedLine):
        return decode(decoder, line.content)
    return convert(line.values, kind, strict=False)
