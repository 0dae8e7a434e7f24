"""What only the desk's pages need."""

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma

from support.queries.queue import COUNTED_TO

register = template.Library()


@register.simple_tag
def at_most(n: int) -> str:
    """A count that was not taken further than COUNTED_TO: "12", "999+"."""
    return f"{COUNTED_TO - 1}+" if n >= COUNTED_TO else str(intcomma(n))
