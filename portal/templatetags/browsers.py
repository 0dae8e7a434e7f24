"""A browser as its person knows it, from the name that it gives itself."""

from django import template
from django.utils.translation import gettext

from accounts.primitives import browsers

register = template.Library()
LONGEST = 120


@register.filter
def browser_named(user_agent: str) -> str:
    """ "Firefox (Windows)"; what names no browser that is known here stays as it is, cut off where it is long."""
    if not user_agent:
        return gettext("It did not say which")
    browser, machine = browsers.family(user_agent), browsers.machine(user_agent)
    if not browser:
        return user_agent[:LONGEST]
    return f"{browser} ({browsers.MACHINES[machine]})" if machine else browser
