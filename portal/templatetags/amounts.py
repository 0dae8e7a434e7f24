"""Counts and spans of time in words."""

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext, ngettext

from support.queries.queue import COUNTED_TO

register = template.Library()
MINUTE, HOUR, DAY = 60, 3600, 86400


@register.filter
def roughly(seconds: float) -> str:
    """ "3 seconds", "12 minutes", "5 hours", "4 days": in the largest unit of which there are at least two."""
    if seconds < 1:
        return gettext("less than a second")
    if seconds >= 2 * DAY:
        days = round(seconds / DAY)
        return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    if seconds >= 2 * HOUR:
        hours = round(seconds / HOUR)
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    if seconds >= 2 * MINUTE:
        minutes = round(seconds / MINUTE)
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    whole = round(seconds)
    return ngettext("%(n)s second", "%(n)s seconds", whole) % {"n": whole}


@register.simple_tag
def at_most(n: int) -> str:
    """A count that was not taken further than COUNTED_TO: "12", "999+"."""
    return f"{COUNTED_TO - 1}+" if n >= COUNTED_TO else str(intcomma(n))
