"""Browsers and languages by the names that people know, and words of staff without anybody's number."""

from django import template
from django.utils.translation import get_language_info, gettext

from accounts.primitives import browsers, reasons

register = template.Library()
LONGEST = 120


@register.filter
def browser_named(user_agent: str) -> str:
    """ "Firefox (Windows)"; what names no browser that is known here stays as it is, cut off where it is long."""
    if not user_agent:
        return gettext("Unknown browser")
    browser, machine = browsers.get_browser_family(user_agent), browsers.get_machine_kind(user_agent)
    if not browser:
        return user_agent[:LONGEST]
    return f"{browser} ({browsers.MACHINES[machine]})" if machine else browser


@register.filter
def language_named(code: str) -> str:
    """What the reader calls it: "Spanish" for "es", and for "es-MX" where that has no name of its own."""
    for known in (code.lower(), code.lower().partition("-")[0]):
        try:
            return str(get_language_info(known)["name_translated"])
        except KeyError:
            continue
    return code


@register.filter
def without_numbers(reason: str) -> str:
    """Leave out a reason that holds a phone number, as only an old one may."""
    return reasons.remove_numbers(reason)
