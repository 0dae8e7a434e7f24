"""A note on a company, contract or campaign, with its owner and a reminder."""

from typing import Any

from django import forms

from console.forms.incidents import NoteForm
from support.queries.incidents import officers

SAME, NOBODY = "same", "nobody"


class TargetNoteForm(NoteForm):
    """A note, and what else is to change."""

    owner = forms.ChoiceField(label="Owner", help_text="The officer who looks after it.")
    remind_on = forms.DateField(
        label="Remind us on", required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text="From this day on it counts on the dashboard among the contracts to renew.",
    )  # fmt: skip

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields[
            "reason"
        ].help_text = "Kept permanently in the history. Don't include anyone's name or phone number."
        field = self.fields["owner"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(SAME, "As before"), (NOBODY, "Nobody"), *officers()]

    @property
    def new_owner(self) -> str | None:
        """Who is to look after it: "" for nobody, None for whoever it was before."""
        chosen = str(self.cleaned_data["owner"])
        return None if chosen == SAME else "" if chosen == NOBODY else chosen
