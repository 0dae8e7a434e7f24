"""How hard English is to read: the Flesch-Kincaid grade, which is the school year in which somebody can."""

import re

WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*")
# What is said after a colon or a semicolon is read as a sentence of its own, and written as one.
ENDS = re.compile(r"[.:;?!…](?:\s|$)")
TAG, FILLED_IN = re.compile(r"<[^>]+>"), re.compile(r"%\(\w+\)s|\{\w+\}")
# Long, and known to every twelve-year-old with a phone; or a name, which can't be put more simply.
KNOWN = frozenset({
    "location", "locations", "company", "companies", "emergency", "family", "password", "passwords", "javascript",
    "whereabouts", "google", "apple", "global", "privacy", "control", "america", "american", "alaska",
})  # fmt: skip
SILENT = re.compile(r"(?:[^laeiouy]es|[^aeioudt]ed|[^laeiouy]e)$")
VOWELS = re.compile(r"[aeiouy]+")


def words_of(text: str) -> list[str]:
    """The words of a sentence, with a short one in place of whatever is filled in."""
    return WORD.findall(FILLED_IN.sub("Bob", TAG.sub("", text)))


def grade(*texts: str) -> float:
    """The grade of these texts together."""
    sentences = [
        one for text in texts for one in ENDS.split(FILLED_IN.sub("Bob", TAG.sub("", text))) if WORD.search(one)
    ]
    words = [word for one in sentences for word in WORD.findall(one)]
    syllables = sum(_syllables(word.lower()) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


def _syllables(word: str) -> int:
    bare = word.replace("'", "").replace("’", "")
    if bare in KNOWN or len(bare) < 4:
        return 1
    heard = SILENT.sub(lambda end: end[0][0], bare).removeprefix("y")
    return max(1, len(VOWELS.findall(heard)))
