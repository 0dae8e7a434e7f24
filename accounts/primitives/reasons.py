"""Why staff did something: a reason is kept with every act, and whoever it is about may read it."""

import re
import unicodedata

from django.utils.translation import gettext as _

LONGEST = 500
# Unicode calls them letters, and they show nothing: fillers, and blanks among hieroglyphs.
BLANK = str.maketrans("", "", "\u115f\u1160\u3164\uffa0\U00013441\U00013442")
# Signs without a shape that turn the words after them around, across what stands beside a reason.
OVERRIDES = str.maketrans("", "", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
CASE_CODE = re.compile(r"\bT-[2-9A-Z]{6}\b")
# A word, two signs where a word has no more, or a reference: less says nothing to whoever reads it.
SAYS = re.compile(rf"[^\W\d_]{{3}}|[\u3040-\u30ff\u3400-\u9fff]{{2}}|\b[A-Z]{{1,5}}-\d|{CASE_CODE.pattern}")
# From so many digits on without a letter between them it may be somebody's number, however they are set apart.
MANY = 7
RUN = re.compile(r"\d(?:(?![^\W\d_]).)*", re.DOTALL)
# One letter in the middle of digits sets them apart as a dot does.
LETTER_BETWEEN = re.compile(r"(?<=[\d)])\s*[^\W\d_]\s*(?=[(\d])")
# And where digits are grouped as in a phone number, so does a short word, twice the same.
GROUPED = re.compile(r"(?<!\d)\d{3}(\D{1,8})\d{3}\1\d{4}(?!\d)")
# Letters beside a digit that are read as digits.
O_OR_I = "OoIlОоІіΟοΙι"
LETTERS_AS_DIGITS = re.compile(rf"(?<![^\W\d_])[{O_OR_I}]+(?=\d)|(?<=\d)[{O_OR_I}]+(?![^\W\d_])")


def _fold(words: str) -> str:
    """Return these words in plain signs, without accents and what shows nothing."""
    parts = unicodedata.normalize("NFKD", words)
    return unicodedata.normalize("NFKC", "".join(one for one in parts if unicodedata.category(one) not in HIDDEN_SIGNS))


# Accents, vowel signs, frames around a sign, and signs of no width: without them a word is the same word.
HIDDEN_SIGNS = {"Mn", "Me", "Cf"}
# Digits that are spelt out, by words or by signs such as "七": each is marked as one of these.
MARKS = "".join(chr(0x1D7D8 + digit) for digit in range(10))
SPELT = 2
# From the first number that is named on. Tens and hundreds are one digit more or less: all are counted, not read.
DIGIT_WORDS = {
    _fold(word): MARKS[digit % 10]
    for first, language in (
        (0, "zero one two three four five six seven eight nine"), (0, "oh"), (0, "nought"), (0, "naught"),
        (0, "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"),
        (2, "twenty thirty forty fifty sixty seventy eighty ninety"),
        (0, "cero uno dos tres cuatro cinco seis siete ocho nueve"),
        (0, "diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve"),
        (0, "veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho"),
        (9, "veintinueve"),
        (3, "treinta cuarenta cincuenta sesenta setenta ochenta noventa"),
        (1, "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"),
        (0, "không một hai ba bốn năm sáu bảy tám chín"), (4, "tư lăm"),
        (0, "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة"),
        (2, "اثنين ثلاث أربع خمس ست سبع ثمان تسع"),
        (2, "عشرون ثلاثون أربعون خمسون ستون سبعون ثمانون تسعون"),
        (2, "عشرين ثلاثين أربعين خمسين ستين سبعين ثمانين تسعين"),
    )
    for digit, word in enumerate(language.split(), first)
}  # fmt: skip
ANY_WORD = "|".join(sorted(DIGIT_WORDS, key=len, reverse=True))
# In Arabic "and" is a letter of the next word.
SPELT_DIGITS = re.compile(
    rf"(?<![^\W\d_])و?(?P<word>{ANY_WORD})(?![^\W\d_])|(?P<glued>(?:{ANY_WORD}){{3,}})", re.IGNORECASE
)
EACH_WORD = re.compile(ANY_WORD, re.IGNORECASE)
# "f i v e", "f-i-v-e": a word letter by letter.
LETTER_BY_LETTER = re.compile(r"\b[^\W\d_](?:[ .-][^\W\d_]\b){2,}")
REPEATED = re.compile(r"\b(double|triple)\W+(\d)", re.IGNORECASE)
# "two o six": a letter that is read as a nought.
NOUGHT = re.compile(r"(?<=\d)\W*\b[Oo]\b(?=\W*\d)")
BETWEEN_WORDS = re.compile(
    r"(?<=\d)\W*\b(?:hundred|dash|hyphen|minus|dot|point|space|slash|y|muoi|tram|le|linh)\b\W*(?=\d)", re.IGNORECASE
)
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
REFERENCE = re.compile(rf"{WHEN.pattern}|\b[A-Z]{{1,5}}-{OF_A_YEAR.pattern}\b")


def remove_numbers(words: str) -> str:
    """Return these words, or that they held the digits of a phone number: what is kept for ever holds nobody's.

    Without overrides, which old ones may hold.
    """
    return "(a number)" if holds_number(words) else remove_overrides(words)


def remove_overrides(words: str) -> str:
    """Return these words without the signs that turn others around; each script runs its own way without them."""
    return words.translate(OVERRIDES)


class NoReason(Exception):
    """The reason is missing, says nothing, or holds what may not stand in it; the message says which."""


def has_visible_text(words: str) -> bool:
    """Return whether anything can be read in these words: a letter or a digit at least, which is no blank."""
    return any(sign.isalnum() for sign in words.translate(BLANK))


def check_reason(reason: str) -> str:
    """Return the reason, trimmed, and without overrides.

    A reason is looked at by itself and never compared with anybody's number or name: the answer would tell them.

    Raises: NoReason where there is no word or reference in it, or where it holds the digits of a phone number.
    """
    trimmed = remove_overrides(reason).strip()
    if not SAYS.search(trimmed.translate(BLANK)):
        raise NoReason(_("Say why: the reason is kept with every act."))
    if holds_number(trimmed):
        raise NoReason(
            _(
                "Your reason seems to hold a phone number, and others will read it. Take it out, and name the case"
                " instead."
            )
        )
    return trimmed[:LONGEST]


def check_optional_reason(reason: str) -> str:
    """Return a reason as `check_reason` does, and "" where none was given. Raises NoReason."""
    return check_reason(reason) if reason else ""


def holds_number(words: str) -> bool:
    """Return whether these words hold as many digits as a phone number, by whatever signs or words."""
    plain = OF_THE_CLOCK.sub("", OUR_ID.sub(" ", _fold(words)))
    return _has_long_run(plain) or bool(GROUPED.search(plain)) or _is_spelt_out(plain)


def _has_long_run(plain: str) -> bool:
    plain = LETTER_BETWEEN.sub(" ", LETTERS_AS_DIGITS.sub(lambda found: "0" * len(found[0]), NOUGHT.sub("0", plain)))
    return any(
        len(re.findall(r"\d", found[0])) >= MANY and not _is_reference(found[0], plain[: found.start()])
        for found in RUN.finditer(plain)
    )


def _is_spelt_out(plain: str) -> bool:
    """Whether digits of a run are words, or signs that stand for them: "two oh six, 555, oh one nine nine"."""
    joined = LETTER_BY_LETTER.sub(lambda found: re.sub(r"\W", "", found[0]), REFERENCE.sub("x", plain))
    marked = SPELT_DIGITS.sub(_mark_words, "".join(map(_mark, joined)))
    marked = REPEATED.sub(lambda found: found[2] * (2 if found[1].lower() == "double" else 3), marked)
    marked = NOUGHT.sub(MARKS[0], marked)
    runs = [found[0] for found in RUN.finditer(BETWEEN_WORDS.sub(" ", marked))]
    return any(len(re.findall(r"\d", run)) >= MANY and sum(one in MARKS for one in run) >= SPELT for run in runs)


def _mark_words(found: re.Match[str]) -> str:
    return EACH_WORD.sub(lambda one: DIGIT_WORDS[one[0].lower()], found["word"] or found["glued"])


def _mark(sign: str) -> str:
    digit = unicodedata.numeric(sign, -1)
    return MARKS[int(digit)] if not sign.isdecimal() and digit in range(10) else sign


def _is_reference(run: str, before: str) -> bool:
    """Whether digits are a day, or the number of something in a year."""
    whole = re.sub(r"\D+$", "", run)
    return bool(WHEN.fullmatch(whole) or (OF_A_YEAR.fullmatch(whole) and LETTERS_BEFORE.search(before)))
