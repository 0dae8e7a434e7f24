"""The marks between what a template joins, as the reader's language writes them: Arabic and Chinese have their own.

What stands inside a sentence that is translated whole has its marks there.
"""

from collections.abc import Iterable

from django import template
from django.utils.translation import pgettext

from accounts.domain import message_templates

register = template.Library()


@register.filter
def join_words(words: Iterable[object]) -> str:
    """Words one after another: "RoadAid, MedAlert, GeoBridge"."""
    return message_templates.join_words(str(one) for one in words)


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
