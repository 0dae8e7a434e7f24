"""Why staff did something: a reason is kept with every act, and whoever it is about may read it."""

import re
import unicodedata

from django.utils.translation import gettext as _

LONGEST = 500
# A phone number as people write one. Dates, references in capitals and ids of ours hold as many digits and are none.
NO_PHONE = re.compile(
    r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{4}\b|\b[A-Z]{1,}-[\w-]+|\b[\da-fA-F]{8}-(?:[\da-fA-F]{4}-){3}[\da-fA-F]{12}\b"
)
PHONE = re.compile(r"(?:\d[\s().+–-]*){7,}")


def without_numbers(words: str) -> str:
    """Return these words, or that they held the digits of a phone number: what is kept for ever holds nobody's."""
    return "(a number)" if _holds_number(words) else words


class NoReason(Exception):
    """The reason is missing, says nothing, or holds what may not stand in it; the message says which."""


def check_reason(reason: str) -> str:
    """Return the reason, trimmed.

    A reason is looked at by itself and never compared with anybody's number or name: the answer would tell them.

    Raises: NoReason where there is none, or where it holds the digits of a phone number, whoever's.
    """
    trimmed = reason.strip()
    if not trimmed:
        raise NoReason(_("Say why: the reason is kept with every act."))
    if _holds_number(trimmed):
        raise NoReason(_("Write no phone number: the reason is read by others. Name the case instead."))
    return trimmed[:LONGEST]


def _holds_number(words: str) -> bool:
    return bool(PHONE.search(NO_PHONE.sub(" ", unicodedata.normalize("NFKC", words))))
