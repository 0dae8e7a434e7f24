"""The disclosures and the notices feeds: what a line must hold, and handing it to the verbs."""

from disclosures.feeds.importing import FileImport
from disclosures.feeds.notices import NoticesFeed
from disclosures.feeds.releases import DisclosuresFeed, row_in
from disclosures.feeds.reports import MOST_BYTES, MOST_REPORTED, TooManyLines, take_lines, take_report
from disclosures.feeds.terms import settle_files, settle_terms

__all__ = [
    "MOST_BYTES",
    "MOST_REPORTED",
    "DisclosuresFeed",
    "FileImport",
    "NoticesFeed",
    "TooManyLines",
    "row_in",
    "settle_files",
    "settle_terms",
    "take_lines",
    "take_report",
]
