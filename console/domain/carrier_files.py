"""Read an uploaded carrier file as rows of its feed, and find what decides who may import it."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from django.core.exceptions import ValidationError

from accounts.primitives.json_reader import Unreadable, WrongShape, decode_json
from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.feeds.lines import LinesFeed
from console.domain.columns import check_first_row
from disclosures.feeds.releases import DisclosuresFeed, NoticesFeed
from disclosures.models import Upload
from partners.feeds import parties
from partners.feeds.checking import NO_RECORD
from partners.feeds.command import Feed
from partners.feeds.parties import PartiesFeed
from partners.feeds.reading import NumberedLine, Record, numbered_lines, parse_rows

LARGEST = 2_500_000
# Of a parties file, whose dry run is one transaction.
MOST_ENTRIES = 300
FEEDS: Mapping[str, Callable[[], Feed]] = {
    Upload.Feed.PARTIES: PartiesFeed,
    Upload.Feed.LINES: LinesFeed,
    Upload.Feed.APPROVALS: ApprovalsFeed,
    Upload.Feed.CHOICES: ChoicesFeed,
    Upload.Feed.DISCLOSURES: DisclosuresFeed,
    Upload.Feed.NOTICES: NoticesFeed,
}
ONLY_STOPS = frozenset({"stop", "pause"})
ABOUT_FORM = NO_RECORD | {
    "after_deactivated_at", "allow_names_one_campaign", "before_activated_at", "before_made_at", "in_future", "missing",
    "names_no_party", "negative", "not_a_state", "not_a_time", "not_allowed", "not_e164", "too_large",
    "twice", "wrong_type",
}  # fmt: skip
# Said only of a line that is stored with another number.
NUMBER_CHANGED = "number_changed_at missing"
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
        return iter([NumberedLine(1, content)])
    return parse_rows(numbered_lines(io.BytesIO(content)), header=FEEDS[feed]().header)


def check_file(*, feed: str, content: bytes) -> tuple[int, bool]:
    """Return how many rows a file has, and whether two officers must agree to its import.

    Raises ValidationError (by field) for a file that is empty, no document, has other columns, too many entries or
    hidden releases.
    """
    if feed == Upload.Feed.PARTIES:
        return _count_entries(content), True
    check_first_row(feed=feed, rows=list(numbered_lines(io.BytesIO(content))))
    marks = [_read_marks(row) for row in read_rows(feed=feed, content=content)]
    if not marks:
        raise ValidationError({"file": "The file has no rows."})
    if feed == Upload.Feed.DISCLOSURES and any(one.suppressed_until for one in marks):
        raise ValidationError({"file": HIDDEN})
    return len(marks), _loosens(feed, marks)


def _loosens(feed: str, marks: Sequence[_Marks]) -> bool:
    """Return whether rows may allow something: all but notices do, and choices of which each stops or pauses.

    A parties file may put campaigns in force and replace a partner's addresses; a release has its recipient told apart
    from those of whom people said no.
    """
    if feed == Upload.Feed.CHOICES:
        return any(not (isinstance(one.kind, str) and one.kind in ONLY_STOPS) for one in marks)
    return feed != Upload.Feed.NOTICES


def _count_entries(content: bytes) -> int:
    try:
        sections = parties.sections_of(content)
    except parties.Unreadable as error:
        raise ValidationError({"file": f"This can't be imported: {error}."}) from error
    count = sum(map(len, sections.values()))
    if not count:
        raise ValidationError({"file": "The file has no parties, contracts or campaigns."})
    if count > MOST_ENTRIES:
        raise ValidationError(
            {"file": f"The file has more than {MOST_ENTRIES} entries. Split it, or ask the operator to import it."}
        )
    return count


def is_about_form(reason: str) -> bool:
    """Return whether a row was rejected ("msisdn not_e164") for how it is written, whatever is stored about anyone."""
    return reason != NUMBER_CHANGED and reason.rpartition(" ")[2] in ABOUT_FORM


def _read_marks(row: Row) -> _Marks:
    """What a row says under the two names that matter here; nothing of one that can't be read."""
    try:
        if isinstance(row, NumberedLine):
            return decode_json(row.content, MARKS)
        return msgspec.convert(row.values, _Marks)
    except (WrongShape, Unreadable, msgspec.ValidationError):
        return _Marks()
