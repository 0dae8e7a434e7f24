"""What is typed to end a contract or campaign, to close a line separation, and for delayed-notice orders."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from console.forms.terms import DAY, LINES, lines_of
from disclosures.actions import ENDED
from support.forms.acting import ActForm, DayField, midnight


class TerminateForm(ActForm):
    """Its id typed out. `plan`: what stands for the plan that was seen. Its two buttons say who decides."""

    plan = forms.CharField(max_length=200, widget=forms.HiddenInput)
    typed = forms.CharField(label="Type its ID to confirm", max_length=200, widget=forms.TextInput)

    def __init__(self, data: Mapping[str, Any] | None = None, *, ref: str, plan: str) -> None:
        super().__init__(data, initial={"plan": plan})
        self.ref = ref
        self.fields["typed"].help_text = f"The ID is {ref}. Termination can't be undone."
        self.fields["typed"].widget.attrs["autocomplete"] = "off"

    @property
    def proposes(self) -> bool:
        """Whether another officer is asked as well: by every button but the one that ends it now."""
        return self.data.get("how") != "now"

    def clean_typed(self) -> str:
        """The id, exactly."""
        typed: str = self.cleaned_data["typed"]
        if typed != self.ref:
            raise ValidationError(f"That isn't its ID. Type {self.ref} exactly as shown.")
        return typed

    def with_plan(self, plan: str) -> None:
        """Show the form again with another plan's digest: the officer has now seen that one."""
        self.data = {**{name: self.data.get(name, "") for name in self.data}, "plan": plan}


class DecisionForm(ActForm):
    """Suspend, or decline."""

    decision = forms.ChoiceField(
        label="Decision", widget=forms.RadioSelect, choices=(("suspend", "Suspend now"), ("decline", "Decline"))
    )

    def suspends(self) -> bool:
        """Whether it is suspended."""
        return bool(self.cleaned_data["decision"] == "suspend")


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
