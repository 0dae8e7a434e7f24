"""A browser as its person knows it, from the name that it gives itself."""

from django import template

register = template.Library()
# The first that is found counts: most browsers name others beside themselves.
BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("FxiOS", "Firefox"),
    ("Firefox/", "Firefox"), ("CriOS", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
MACHINES = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Macintosh", "Mac"),
    ("CrOS", "Chromebook"), ("Linux", "Linux"),
)  # fmt: skip
LONGEST = 120


@register.filter
def browser_named(user_agent: str) -> str:
    """ "Firefox (Windows)"; what names no browser that is known here stays as it is, cut off where it is long."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    machine = next((name for mark, name in MACHINES if mark in user_agent), "")
    if not browser:
        return user_agent[:LONGEST]
    return f"{browser} ({machine})" if machine else browser
