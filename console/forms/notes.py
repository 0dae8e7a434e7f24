"""A note on a company, contract or campaign, with its owner and a reminder."""

from datetime import date
from typing import Any

from django import forms

from console.forms.incidents import NoteForm
from support.forms.base import DayField
from support.queries.incidents import officers

SAME, NOBODY = "same", "nobody"


class TargetNoteForm(NoteForm):
    """A note, and what else is to change."""

    owner = forms.ChoiceField(label="Owner", help_text="The officer who looks after it.")
    remind_on = DayField(
        label="Remind us on", required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text="From this day, the dashboard lists this contract under Contracts to renew.",
    )  # fmt: skip
    no_reminder = forms.BooleanField(label="Remove the reminder", required=False)

    def __init__(self, data: Any = None, *, of: str) -> None:
        """`of`: what it is about; only a contract has a reminder."""
        super().__init__(data)
        if of != "contract":
            del self.fields["remind_on"], self.fields["no_reminder"]
        self.fields[
            "reason"
        ].help_text = "Kept permanently in the history. Don't include anyone's name or phone number."
        field = self.fields["owner"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(SAME, "No change"), (NOBODY, "Nobody"), *officers()]

    def clean(self) -> dict[str, object]:
        """A reminder is set or removed."""
        said = super().clean() or self.cleaned_data
        if said.get("remind_on") and said.get("no_reminder"):
            self.add_error("no_reminder", "Choose a day or remove the reminder, not both.")
        return said

    @property
    def reminder(self) -> date | str | None:
        """From which day on officers are reminded: "" for never, None for what was set before."""
        return "" if self.cleaned_data.get("no_reminder") else self.cleaned_data.get("remind_on")

    @property
    def new_owner(self) -> str | None:
        """Who is to look after it: "" for nobody, None for whoever it was before."""
        chosen = str(self.cleaned_data["owner"])
        return None if chosen == SAME else "" if chosen == NOBODY else chosen
