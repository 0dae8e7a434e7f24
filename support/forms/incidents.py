"""What an officer writes about an incident: a note, that somebody was told, and what is taken away of it."""

from typing import Any

from django import forms

from support.forms.base import ActForm

LONGEST_REFERENCE = 100


class NoteForm(ActForm):
    """A note."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["reason"].label = "Note"
        self.fields["reason"].help_text = "Kept in the timeline for ever. Write no person's name or number."


class DutyForm(ActForm):
    """Who was told, when, and under which reference."""

    duty = forms.ChoiceField(label="What was done")
    told_on = forms.DateField(label="On", widget=forms.DateInput(attrs={"type": "date"}))
    reference = forms.CharField(
        label="Reference", max_length=LONGEST_REFERENCE, required=False,
        help_text="What they call it: a case, a docket, a letter. No person's name.",
    )  # fmt: skip

    def __init__(self, data: Any = None, *, duties: list[tuple[str, str]], chosen: str = "") -> None:
        super().__init__(data, initial={"duty": chosen})
        field = self.fields["duty"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "Choose what"), *duties]


class ExportForm(ActForm):
    """In which form it is taken away."""

    form = forms.ChoiceField(label="As", choices=[("html", "A page to print or send"), ("json", "JSON, for programs")])


class SeedForm(ActForm):
    """Which line of ours."""

    line = forms.CharField(
        label="The carrier's id of the line", max_length=100, help_text="A line of an account of TEST_ACCOUNTS."
    )
