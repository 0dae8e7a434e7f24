"""The columns of an uploaded CSV file: whether they are those of what the file is said to have."""

import csv
from collections.abc import Mapping, Sequence

import msgspec
from django.core.exceptions import ValidationError

from consent.feeds.approvals import ReportedApproval
from consent.feeds.choices import ReportedChoice
from consent.feeds.lines import ReportedLine
from disclosures.feeds.releases import ReportedNotice, ReportedRelease
from disclosures.models import Upload
from partners.feeds.reading import NumberedLine

KINDS: Mapping[str, type[msgspec.Struct]] = {
    Upload.Feed.LINES: ReportedLine,
    Upload.Feed.APPROVALS: ReportedApproval,
    Upload.Feed.CHOICES: ReportedChoice,
    Upload.Feed.DISCLOSURES: ReportedRelease,
    Upload.Feed.NOTICES: ReportedNotice,
}
# A path is a list, which no CSV field holds.
ONLY_JSON = frozenset({Upload.Feed.DISCLOSURES})
LABELS = dict(Upload.Feed.choices)
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
MOST_SHOWN, LONGEST_SHOWN = 10, 40
NOT_TEXT = "Row 1 isn't text in UTF-8. Save the file as “CSV UTF-8” or as JSON in UTF-8, and upload it again."


def check_first_row(*, feed: str, rows: Sequence[NumberedLine]) -> None:
    """Refuse a file of which no row is a JSON object and whose first row doesn't name the columns that are expected.

    Raises ValidationError (by field), with what is missing, what is unknown, and what is expected.
    """
    if not rows or any(row.content.lstrip().startswith(b"{") for row in rows):
        return
    if rows[0].problem:
        raise ValidationError({"file": NOT_TEXT})
    problem = _describe_problem(feed, rows[0].content.decode())
    if problem:
        raise ValidationError({"file": problem})


def _describe_problem(feed: str, row: str) -> str:
    expected = _word_expected(feed)
    if feed in ONLY_JSON:
        return (
            f"Row 1 isn't a JSON object. A file with {LABELS[feed].lower()} has one JSON object in each row. {expected}"
        )
    wrong = _word_wrong(feed, _split(row, ","))
    if not wrong:
        return ""
    start = f"Row 1 must name the columns of “{LABELS[feed]}”."
    return _find_mix_up(feed, row) or f"{start} {wrong} {expected} Correct row 1 and upload the file again."


def _word_wrong(feed: str, names: Sequence[str]) -> str:
    required, optional = _list_columns(feed)
    missing = ", ".join(name for name in required if name not in names)
    unknown = _shorten([name for name in names if name not in {*required, *optional}])
    return " ".join(f"{what}: {which}." for what, which in (("Missing", missing), ("Unknown", unknown)) if which)


def _word_expected(feed: str) -> str:
    required, optional = map(", ".join, _list_columns(feed))
    return f"Expected: {required}; optional: {optional}."


def _find_mix_up(feed: str, row: str) -> str:
    """What to do about another separator, or the columns of another content; "" where it is neither."""
    for separator, words in SEPARATORS.items():
        if set(_list_columns(feed)[0]) <= set(_split(row, separator)):
            return f"The columns are separated by {words}. Save the file with commas, and upload it again."
    fits = next((one for one in KINDS if one != feed and set(_list_columns(one)[0]) <= set(_split(row, ","))), "")
    return fits and f"Row 1 has the columns of “{LABELS[fits]}”. Choose that under “What the file has”."


def _list_columns(feed: str) -> tuple[list[str], list[str]]:
    """The columns that a file of this feed must have, and those it may have."""
    fields = msgspec.structs.fields(KINDS[feed])
    return [one.name for one in fields if one.required], [one.name for one in fields if not one.required]


def _split(row: str, separator: str) -> list[str]:
    return [name.strip().lower() for name in next(csv.reader([row], delimiter=separator), [])]


def _shorten(names: Sequence[str]) -> str:
    shown = [f"“{name[:LONGEST_SHOWN]}”" if name else "a column without a name" for name in names[:MOST_SHOWN]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
