"""What every act asks: why."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

LONGEST_REASON = 500


class ActForm(forms.Form):
    """An act with its reason. Fields of a subclass stand before it."""

    reason = forms.CharField(
        label="Why",
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with the act for ever. Write no person's name or number.",
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, initial: dict[str, Any] | None = None, apart: str = ""
    ) -> None:
        """`apart` keeps the ids of its fields from those of another form on the same page."""
        super().__init__(data, initial=initial, label_suffix="", auto_id=f"id_{apart}%s")
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])

    def refuse(self, error: ValidationError) -> None:
        """Say what a verb found wrong, beside the fields that it names."""
        if not hasattr(error, "error_dict"):
            self.add_error(None, error)
            return
        for name, errors in error.error_dict.items():
            self.add_error(name if name in self.fields else None, errors)


def midnight(day: date) -> datetime:
    """The moment a day begins, UTC."""
    return datetime.combine(day, time(), UTC)
