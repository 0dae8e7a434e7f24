"""Delayed-notice orders: what the legal-process role types."""

from datetime import datetime

from django import forms
from django.core.exceptions import ValidationError

from console.forms.terms import DAY, LINES, lines_of
from support.forms.base import ActForm, midnight


class OrderForm(ActForm):
    """One order of court, and the disclosures it is about."""

    order_ref = forms.CharField(label="Order", max_length=1000, help_text="Its own reference, as the court gave it.")
    disclosures = forms.CharField(
        label="Disclosures", required=False, widget=LINES,
        help_text="The carrier's ids, one a line. None: all that this order hides already.",
    )  # fmt: skip

    def source_ids(self) -> tuple[str, ...]:
        """The carrier's ids that were typed."""
        return lines_of(self.cleaned_data["disclosures"])


class DelayForm(OrderForm):
    """Hide until a day, or until further order."""

    until = forms.DateField(label="Hidden until", widget=DAY, required=False, help_text="Shown from this day on.")
    open_end = forms.BooleanField(label="Until further order", required=False)

    def clean(self) -> dict[str, object]:
        """One end, and only one: a day that was forgotten must not hide for ever."""
        said = super().clean() or self.cleaned_data
        if bool(said.get("until")) == bool(said.get("open_end")) and "until" not in self.errors:
            raise ValidationError("Give the day on which it ends, or say that it is until further order.")
        return said

    def end(self) -> datetime | None:
        """The moment it ends; None: until further order."""
        day = self.cleaned_data["until"]
        return midnight(day) if day else None


class AwaitedForm(DelayForm):
    """Hide what is still to come."""

    disclosures = forms.CharField(
        label="Disclosures",
        widget=LINES,
        help_text="The carrier's ids, one a line, of releases that are still to come.",
    )
