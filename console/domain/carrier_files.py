"""Read an uploaded carrier file as rows of its feed, and find what decides who may import it."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from django.core.exceptions import ValidationError

from accounts.primitives.json_reader import Unreadable, WrongShape, decode_json
from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.feeds.lines import LinesFeed
from disclosures.feeds.releases import DisclosuresFeed, NoticesFeed
from disclosures.models import Upload
from partners.feeds import parties
from partners.feeds.command import Feed
from partners.feeds.parties import PartiesFeed
from partners.feeds.reading import BOM, NumberedLine, Record, numbered_lines, parse_rows

# Django keeps a smaller upload in memory: none of it is written to a disk unsealed.
LARGEST = 2_500_000
FEEDS: Mapping[str, Callable[[], Feed]] = {
    Upload.Feed.PARTIES: PartiesFeed,
    Upload.Feed.LINES: LinesFeed,
    Upload.Feed.APPROVALS: ApprovalsFeed,
    Upload.Feed.CHOICES: ChoicesFeed,
    Upload.Feed.DISCLOSURES: DisclosuresFeed,
    Upload.Feed.NOTICES: NoticesFeed,
}
ONLY_STOPS = frozenset({"stop", "pause"})
HIDDEN = (
    "This file has releases under a delayed-notice order. The operator imports such a file on the server with"
    " import_disclosures."
)

type Row = NumberedLine | Record


class _Marks(msgspec.Struct, frozen=True):
    kind: object = None
    suppressed_until: object = None


MARKS = msgspec.json.Decoder(_Marks)


def read_rows(*, feed: str, content: bytes) -> Iterator[Row]:
    """Yield the rows of a file; a parties file is one row."""
    if feed == Upload.Feed.PARTIES:
        return iter([NumberedLine(1, content.removeprefix(BOM))])
    return parse_rows(numbered_lines(io.BytesIO(content)), header=FEEDS[feed]().header)


def check_file(*, feed: str, content: bytes) -> tuple[int, bool]:
    """Return how many rows a file has, and whether two officers must agree to its import.

    Raises ValidationError (by field) for a file that is empty, too large, no document, or has hidden releases.
    """
    if len(content) > LARGEST:
        raise ValidationError({"file": "The file is larger than 2.5 MB. Split it, or ask the operator to import it."})
    if feed == Upload.Feed.PARTIES:
        return _count_entries(content), True
    marks = [_read_marks(row) for row in read_rows(feed=feed, content=content)]
    if not marks:
        raise ValidationError({"file": "The file has no rows."})
    if feed == Upload.Feed.DISCLOSURES and any(one.suppressed_until for one in marks):
        raise ValidationError({"file": HIDDEN})
    return len(marks), _loosens(feed, marks)


def _loosens(feed: str, marks: Sequence[_Marks]) -> bool:
    """Return whether rows may allow something: lines and consents always do, choices unless each stops or pauses.

    So does a parties file: it may put campaigns in force and replace a partner's addresses.
    """
    if feed == Upload.Feed.CHOICES:
        return any(one.kind not in ONLY_STOPS for one in marks)
    return feed in {Upload.Feed.LINES, Upload.Feed.APPROVALS}


def _count_entries(content: bytes) -> int:
    try:
        sections = parties.sections_of(content.removeprefix(BOM))
    except parties.Unreadable as error:
        raise ValidationError({"file": f"This can't be imported: {error}."}) from error
    count = sum(map(len, sections.values()))
    if not count:
        raise ValidationError({"file": "The file has no parties, contracts or campaigns."})
    return count


def _read_marks(row: Row) -> _Marks:
    """What a row says under the two names that matter here; nothing of one that can't be read."""
    try:
        if isinstance(row, NumberedLine):
            return decode_json(row.content, MARKS)
        return msgspec.convert(row.values, _Marks)
    except (WrongShape, Unreadable, msgspec.ValidationError):
        return _Marks()
