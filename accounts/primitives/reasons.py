"""Why staff did something: a reason is kept with every act, and whoever it is about may read it."""

import re
import unicodedata

from django.utils.translation import gettext as _

LONGEST = 500
# From so many digits on without a letter between them it may be somebody's number, however they are set apart.
MANY = 7
RUN = re.compile(r"\d(?:(?![^\W\d_]).)*", re.DOTALL)
# One letter in the middle of digits sets them apart as a dot does.
LETTER_BETWEEN = re.compile(r"(?<=[\d)])[^\W\d_](?=[(\d])")
# Dates and times, ids of ours, and references as "CT-2026-0412" hold as many digits and are no number: as a whole only,
# with no digit beside them.
DAY = (
    r"(?:(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[./](?:0?[1-9]|[12]\d|3[01])[./](?:19|20)\d\d)"
)
HOUR, APART = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?", r"[\s,;()/–—-]+"
WHEN = re.compile(f"{DAY}(?:{APART}{HOUR})?(?:{APART}(?:{DAY}(?:{APART}{HOUR})?|{HOUR}))?")
OF_THE_CLOCK = re.compile(r"\b(?:1[0-2]|0?[1-9])\s?(?=[ap]\.?m\b)", re.IGNORECASE)
OUR_ID = re.compile(r"\b(?=[\d-]*[a-f])[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}\b", re.IGNORECASE)
OF_A_YEAR, LETTERS_BEFORE = re.compile(r"(?:19\d|20[0-4])\d-0{0,3}\d{1,4}"), re.compile(r"\b[A-Z]{1,5}-$")


def remove_numbers(words: str) -> str:
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
    plain = OF_THE_CLOCK.sub("", OUR_ID.sub(" ", unicodedata.normalize("NFKC", words)))
    plain = LETTER_BETWEEN.sub(" ", plain)
    return any(
        len(re.findall(r"\d", found[0])) >= MANY and not _is_reference(found[0], plain[: found.start()])
        for found in RUN.finditer(plain)
    )


def _is_reference(run: str, before: str) -> bool:
    """Whether digits are a day, or the number of something in a year."""
    whole = re.sub(r"\D+$", "", run)
    return bool(WHEN.fullmatch(whole) or (OF_A_YEAR.fullmatch(whole) and LETTERS_BEFORE.search(before)))
