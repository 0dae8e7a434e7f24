"""What an officer says who closes a request for a line separation."""

from datetime import datetime

from django import forms
from django.core.exceptions import ValidationError

from console.forms.terms import DAY
from support.forms.base import ActForm, DayField, midnight


class SeparationForm(ActForm):
    """Done, and from which day the other holder may be told; or not done."""

    outcome = forms.ChoiceField(
        label="Outcome",
        choices=(("done", "The line was moved out of the account"), ("not_done", "The line couldn't be moved")),
    )
    day = DayField(
        label="Holder can be told from", widget=DAY, required=False, help_text="The day you agreed with the person."
    )

    def clean(self) -> dict[str, object]:
        """What is done has its day, and what is not has none."""
        said = super().clean() or self.cleaned_data
        if self.is_separated() != bool(said.get("day")) and "day" not in self.errors:
            raise ValidationError({"day": "Enter a day if the line was moved. Leave it empty if not."})
        return said

    def is_separated(self) -> bool:
        """Whether the line has left."""
        return bool(self.cleaned_data.get("outcome") == "done")

    def tell_from(self) -> datetime | None:
        """The moment from which the holder may be told."""
        day = self.cleaned_data.get("day")
        return midnight(day) if day else None
