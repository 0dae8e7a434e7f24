"""Of which days the figures are."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from accounts.forms import refuse_reversed
from support.queries.team_metrics import Span

# A calendar that ends has no day after its last.
WITHIN = (MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2999, 12, 31)))


class SpanForm(forms.Form):
    """The first day and the last."""

    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}), validators=WITHIN)
    until = forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}), validators=WITHIN)

    def __init__(self, data: Mapping[str, Any], *, usual: Span) -> None:
        """A day that is not said is the usual one."""
        given = {name: data.get(name) or getattr(usual, name) for name in ("since", "until")}
        super().__init__(given, label_suffix="")

    def clean(self) -> dict[str, Any]:
        """The last day is not before the first."""
        cleaned = super().clean() or {}
        refuse_reversed(self)
        return cleaned
