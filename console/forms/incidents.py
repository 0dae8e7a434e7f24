"""Check what an officer writes about an incident, or as a note on a company, contract or campaign."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from audit.models import Incident
from audit.policies import REPORTED
from console.actions.incidents import NO_COMPANY, NOT_SENT_YET, find_time_fault
from console.forms.terms import party_choices
from partners.models import Party
from support.forms.acting import ActForm, DayField
from support.queries.incidents import officers

LONGEST_REFERENCE, LONGEST_ACCOUNT = 100, 2000
REPORTABLE = [(kind.value, kind.label) for kind in REPORTED]


class ReportForm(ActForm):
    """What happened that no program saw."""

    kind = forms.ChoiceField(label="Kind", choices=[("", "Choose one"), *REPORTABLE])
    company = forms.ChoiceField(label="Partner, if it is a partner's breach", required=False)
    happened = forms.CharField(
        label="What happened", max_length=LONGEST_ACCOUNT, widget=forms.Textarea(attrs={"rows": 5}),
        help_text="What you know so far. Add later findings as notes. This text goes to agencies, so don't include"
        " anyone's name or phone number.",
    )  # fmt: skip
    affected = forms.CharField(
        label="What was affected", max_length=LONGEST_ACCOUNT, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Which data, how many subscribers and since when, as far as you know.",
    )  # fmt: skip
    known_at = forms.DateTimeField(
        label="When it became known (UTC)", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="When any of our staff learned of it. All deadlines count from then.",
    )  # fmt: skip

    def __init__(self, data: Any = None, *, at: datetime) -> None:
        """`at`: now, before which it became known."""
        super().__init__(data)
        self._at = at
        field = self.fields["company"]
        if isinstance(field, forms.ChoiceField):
            field.choices = party_choices(Party.Kind.values)

    def clean_known_at(self) -> datetime:
        """A time that has come, within reason."""
        known_at: datetime = self.cleaned_data["known_at"]
        if fault := find_time_fault(known_at, at=self._at):
            raise ValidationError(fault)
        return known_at

    def clean(self) -> dict[str, Any]:
        """A partner's breach has its partner."""
        said = super().clean() or self.cleaned_data
        if (
            said.get("kind") == Incident.Kind.PARTNER_BREACH
            and not said.get("company")
            and "company" not in self.errors
        ):
            self.add_error("company", NO_COMPANY)
        return said


class NoteForm(ActForm):
    """A note."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        reason = self.fields["reason"]
        reason.label = "Note"
        reason.help_text = "Kept permanently in the timeline. Don't include anyone's name or phone number."


class DutyForm(ActForm):
    """Who was told, when, and under which reference."""

    duty = forms.ChoiceField(label="Notification")
    told_on = forms.DateField(label="On", widget=forms.DateInput(attrs={"type": "date"}))
    reference = forms.CharField(
        label="Reference", max_length=LONGEST_REFERENCE, required=False,
        help_text="Their reference: a case, docket or letter number. No person's name.",
    )  # fmt: skip

    def __init__(self, data: Any = None, *, at: datetime, duties: list[tuple[str, str]], chosen: str = "") -> None:
        """`at`: now, by when they were told."""
        super().__init__(data, initial={"duty": chosen})
        self._at = at
        field = self.fields["duty"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "Choose one"), *duties]

    def clean_told_on(self) -> date:
        """A day that has come."""
        day: date = self.cleaned_data["told_on"]
        if day > self._at.date():
            raise ValidationError(NOT_SENT_YET)
        return day


class ExportForm(ActForm):
    """In which form it is taken away."""

    form = forms.ChoiceField(label="Format", choices=[("html", "Printable page"), ("json", "JSON")])


class SeedForm(ActForm):
    """Which line of ours."""

    line = forms.CharField(
        label="Carrier's line ID", max_length=100, help_text="A line of one of the accounts in TEST_ACCOUNTS."
    )


SAME, NOBODY = "same", "nobody"
GONE = "This person isn't an active officer. Choose someone else."


class TargetNoteForm(NoteForm):
    """A note, and what else is to change."""

    owner = forms.ChoiceField(
        label="Owner", help_text="The officer who looks after it.", error_messages={"invalid_choice": GONE}
    )
    remind_on = DayField(
        label="Remind us on", required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text="From this day, the dashboard lists this contract under Contracts to renew.",
    )  # fmt: skip
    no_reminder = forms.BooleanField(label="Remove the reminder", required=False)
    mentions = forms.MultipleChoiceField(
        label="Mention", required=False, widget=forms.CheckboxSelectMultiple,
        help_text="Their notifications list this note for 7 days.", error_messages={"invalid_choice": GONE},
    )  # fmt: skip

    def __init__(self, data: Any = None, *, of: str) -> None:
        """`of`: what it is about; only a contract has a reminder."""
        super().__init__(data)
        if of != "contract":
            del self.fields["remind_on"], self.fields["no_reminder"]
        self.fields[
            "reason"
        ].help_text = "Kept permanently in the history. Don't include anyone's name or phone number."
        known = officers()
        choices = {"owner": [(SAME, "No change"), (NOBODY, "Nobody"), *known], "mentions": known}
        for name, offered in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = offered

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
