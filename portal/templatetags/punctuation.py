"""The marks between what a template joins, as the reader's language writes them: Arabic and Chinese have their own.

What stands inside a sentence that is translated whole has its marks there.
"""

from collections.abc import Iterable

from django import template
from django.utils.translation import get_language_bidi, pgettext

from accounts.domain import message_templates

register = template.Library()

# Marks of direction that nobody sees: to the left from here on; the first strong letter decides, up to the last one.
FROM_THE_RIGHT, ISOLATE, ISOLATED = "\u200f", "\u2068", "\u2069"


@register.filter
def join_words(words: Iterable[object]) -> str:
    """Words one after another: "RoadAid, MedAlert, GeoBridge".

    In a language that runs from right to left each is isolated, and so is the direction of the list: names in Latin
    letters would turn it round, line by line.
    """
    listed = [str(one) for one in words]
    if not get_language_bidi() or len(listed) < 2:
        return message_templates.join_words(listed)
    return FROM_THE_RIGHT + message_templates.join_words(f"{ISOLATE}{one}{ISOLATED}" for one in listed)


@register.simple_tag
def list_comma() -> str:
    """Between two words of a list that the template goes through itself."""
    return message_templates.join_words(["", ""])


@register.simple_tag
def comma() -> str:
    """Between two parts of a sentence."""
    return pgettext("between two parts of a sentence", ", ")


@register.simple_tag
def semicolon() -> str:
    """Between two parts that have commas themselves."""
    return pgettext("between parts that have commas", "; ")


@register.simple_tag
def full_stop() -> str:
    """Where a sentence ends with what was filled in."""
    return pgettext("at the end of a sentence", ".")
