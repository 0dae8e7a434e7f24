"""What forms of staff answer instead of Django's stock words: which field it is, and what to do."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# Of a value beyond its limits, and of one that can't be kept.
LIMITS: Mapping[str, Any] = {
    "min_value": gettext_lazy("Enter %(limit_value)s or more."),
    "max_value": gettext_lazy("Enter %(limit_value)s or less."),
    "max_length": gettext_lazy("This has %(show_value)s characters. Shorten it to %(limit_value)s."),
    "null_characters_not_allowed": gettext_lazy(
        "It has characters that no one can see. Type it again instead of pasting it."
    ),
}


def word_errors(*, shown: forms.BoundField) -> dict[str, Any]:
    """Return the messages of a field, by code. What the field has words of its own for stays."""
    stock = _find_stock(shown.field)
    ours = {**LIMITS, **_describe(shown)}
    kept = {code: said for code, said in shown.field.error_messages.items() if said is not stock.get(code)}
    return {**stock, **ours, **kept}


def _find_stock(field: forms.Field) -> dict[str, Any]:
    """Django's own words for a field of this kind."""
    found: dict[str, Any] = {}
    for kind in reversed(type(field).__mro__):
        if kind.__module__.startswith("django."):
            found |= vars(kind).get("default_error_messages", {})
    return found


def _describe(shown: forms.BoundField) -> dict[str, Any]:
    # Of a label with a sentence of help, the name alone.
    label = {"label": str(shown.label).partition(". ")[0].rstrip(" .:")}
    again = _("The choice for “%(label)s” isn't available. Choose another.") % label
    said: dict[str, Any] = {
        "required": _("Fill in “%(label)s”.") % label,
        # Django puts the value that was sent into these.
        "invalid_choice": again.replace("%", "%%"),
        "invalid_list": again,
    }
    match shown.field:
        case forms.ChoiceField():
            said["required"] = _("Choose an answer for “%(label)s”.") % label
        case forms.BooleanField():
            said["required"] = _("Tick “%(label)s”.") % label
        case forms.FileField():
            said |= dict.fromkeys(("required", "missing", "invalid"), _("Choose a file for “%(label)s”.") % label)
        case forms.DateField():
            said["invalid"] = _("Enter the day for “%(label)s” like this: 2026-05-31.") % label
        case forms.DateTimeField():
            said["invalid"] = _("Enter the day and time for “%(label)s” like this: 2026-05-31 14:30.") % label
        case forms.IntegerField():
            said["invalid"] = _("Enter a whole number for “%(label)s”.") % label
    return said
