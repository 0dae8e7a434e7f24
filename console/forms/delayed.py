"""Delayed-notice orders: what the legal-process role types."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from console.forms.terms import DAY, LINES, lines_of
from disclosures.actions import ENDED
from support.forms.base import ActForm, DayField, midnight


class OrderPackForm(ActForm):
    """One order of court."""

    order_ref = forms.CharField(label="Order", max_length=1000, help_text="The court's own reference.")


class OrderForm(OrderPackForm):
    """One order of court, and the disclosures it is about."""

    disclosures = forms.CharField(
        label="Releases", required=False, widget=LINES,
        help_text="Carrier IDs, one per line. Leave empty for all releases this order hides.",
    )  # fmt: skip

    def source_ids(self) -> tuple[str, ...]:
        """The carrier's ids that were typed."""
        return lines_of(self.cleaned_data["disclosures"])


class DelayForm(OrderForm):
    """Hide until a day, or until further order."""

    until = DayField(label="Hidden until", widget=DAY, required=False, help_text="The first day it is shown again.")
    open_end = forms.BooleanField(label="Until further order", required=False)

    def __init__(self, data: Any = None, *, at: datetime) -> None:
        """`at`: now, after which it ends."""
        super().__init__(data)
        self._at = at

    def clean_until(self) -> date | None:
        """A day to come."""
        day: date | None = self.cleaned_data["until"]
        if day and midnight(day) <= self._at:
            raise ValidationError(ENDED)
        return day

    def clean(self) -> dict[str, object]:
        """One end, and only one: a day that was forgotten must not hide for ever."""
        said = super().clean() or self.cleaned_data
        if bool(said.get("until")) == bool(said.get("open_end")) and "until" not in self.errors:
            raise ValidationError("Enter the day it ends, or choose until further order.")
        return said

    def end(self) -> datetime | None:
        """The moment it ends; None: until further order."""
        day = self.cleaned_data["until"]
        return midnight(day) if day else None


class AwaitedForm(DelayForm):
    """Hide what is still to come."""

    disclosures = forms.CharField(
        label="Releases", widget=LINES, help_text="Carrier IDs of future releases, one per line."
    )
