"""Moments for people, with the exact instant for machines, in the time zone that the page speaks of."""

from datetime import datetime

from django import template
from django.utils.dateformat import format as formatted
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import pgettext

register = template.Library()


@register.simple_tag
def when(at: datetime, form: str = "both") -> SafeString:
    """A moment: its "day", "time", "second" (a time with seconds), "exact" (both, with seconds), or "both"."""
    patterns = {
        "day": pgettext("day", "M j, Y"),
        "time": pgettext("time of day", "g:i A"),
        "second": pgettext("time of day with seconds", "g:i:s A"),
        "exact": pgettext("day and time with seconds", "M j, Y, g:i:s A"),
        "both": pgettext("day and time", "M j, Y, g:i A"),
    }
    return _time(at, formatted(localtime(at), patterns[form]))


@register.simple_tag
def on_day(at: datetime) -> SafeString:
    """ "on May 3, 2025"."""
    return _time(at, pgettext("on a day", "on %(day)s") % {"day": formatted(localtime(at), pgettext("day", "M j, Y"))})


def _time(at: datetime, shown: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', localtime(at).isoformat(timespec="seconds"), shown)
