"""Sentences and tags for pages: names filled in, moments and the marks between parts as the reader's language has them.

A message of the catalogue is markup: its own tags (`<bdi>`, `<strong>`) are kept. What is filled in is escaped, unless
it is markup itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.utils.dateformat import format as formatted
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import get_language_bidi, pgettext

from accounts.domain import message_templates

type Tone = Literal["good", "warn", "bad", "plain"]
type MomentFormat = Literal["day", "time", "second", "exact", "both"]

# Marks of direction that nobody sees: to the left from here on; the first strong letter decides, up to the last one.
FROM_THE_RIGHT, ISOLATE, ISOLATED = "\u200f", "\u2068", "\u2069"


@dataclass(frozen=True)
class Tag:
    """A state in a word or two. `icon`: the name of a picture beside it, "" for none."""

    tone: Tone
    text: Promise
    icon: str = ""


def sentence(message: str | Promise, **values: object) -> SafeString:
    """Fill a message of the catalogue: `%(name)s` by the value of that name, escaped."""
    return SafeString(str(message) % {name: conditional_escape(str(value)) for name, value in values.items()})


def join_sentences(sentences: Iterable[SafeString]) -> SafeString:
    """Sentences one after another."""
    return SafeString(" ".join(sentences))


def when(at: datetime, shown: MomentFormat = "both") -> SafeString:
    """A moment: its "day", "time", "second" (a time with seconds), "exact" (both, with seconds), or "both".

    In the time zone that is current, with the exact instant for machines.
    """
    patterns = {
        "day": pgettext("day", "M j, Y"),
        "time": pgettext("time of day", "g:i A"),
        "second": pgettext("time of day with seconds", "g:i:s A"),
        "exact": pgettext("day and time with seconds", "M j, Y, g:i:s A"),
        "both": pgettext("day and time", "M j, Y, g:i A"),
    }
    return _time(at, formatted(localtime(at), patterns[shown]))


def on_day(at: datetime) -> SafeString:
    """ "on May 3, 2025"."""
    return _time(at, pgettext("on a day", "on %(day)s") % {"day": formatted(localtime(at), pgettext("day", "M j, Y"))})


def ending_with(begun: str | Promise, filled: SafeString) -> SafeString:
    """A message of the catalogue, and what it ends with: "Blocked since May 3, 2025."."""
    return format_html("{} {}{}", SafeString(str(begun)), filled, full_stop())


def join_words(words: Iterable[object]) -> str:
    """Words one after another: "RoadAid, MedAlert, GeoBridge".

    In a language that runs from right to left each is isolated, and so is the direction of the list: names in Latin
    letters would turn it round, line by line.
    """
    listed = [str(one) for one in words]
    if not get_language_bidi() or len(listed) < 2:
        return message_templates.join_words(listed)
    return FROM_THE_RIGHT + message_templates.join_words(f"{ISOLATE}{one}{ISOLATED}" for one in listed)


def comma() -> str:
    """Between two parts of a sentence."""
    return pgettext("between two parts of a sentence", ", ")


def full_stop() -> str:
    """Where a sentence ends with what was filled in."""
    return pgettext("at the end of a sentence", ".")


def _time(at: datetime, shown: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', localtime(at).isoformat(timespec="seconds"), shown)
