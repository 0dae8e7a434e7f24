"""A language by its name. Codes come from carriers' and partners' files, so that one nobody knows is shown as it is."""

from django import template
from django.utils.translation import get_language_info

register = template.Library()


@register.filter
def language_named(code: str) -> str:
    """What the reader calls it: "Spanish" for "es", and for "es-MX" where that has no name of its own."""
    for known in (code.lower(), code.lower().partition("-")[0]):
        try:
            return str(get_language_info(known)["name_translated"])
        except KeyError:
            continue
    return code
