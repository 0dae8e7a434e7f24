"""What an officer writes about an incident: a note, that somebody was told, and what is taken away of it."""

from typing import Any

from django import forms

from audit.policies import REPORTED
from console.forms.terms import party_choices
from partners.models import Party
from support.forms.base import ActForm

LONGEST_REFERENCE, LONGEST_ACCOUNT = 100, 2000
REPORTABLE = [(kind.value, kind.label) for kind in REPORTED]


class ReportForm(ActForm):
    """What happened that no program saw."""

    kind = forms.ChoiceField(label="What it is", choices=[("", "Choose what"), *REPORTABLE])
    company = forms.ChoiceField(label="Whose breach, if it is a partner's", required=False)
    happened = forms.CharField(
        label="What happened", max_length=LONGEST_ACCOUNT, widget=forms.Textarea(attrs={"rows": 5}),
        help_text="As far as it is known now; what comes later is a note. It goes with what is sent to agencies: "
        "write no person's name or number.",
    )  # fmt: skip
    affected = forms.CharField(
        label="What was affected", max_length=LONGEST_ACCOUNT, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Which data, of how many subscribers, since when, as far as it is known.",
    )  # fmt: skip
    known_at = forms.DateTimeField(
        label="When it became known (UTC)", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="To anybody of ours. Every clock counts from then.",
    )  # fmt: skip

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["company"]
        if isinstance(field, forms.ChoiceField):
            field.choices = party_choices(Party.Kind.values)


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
