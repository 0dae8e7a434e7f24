"""The end of a contract or campaign: what is typed to agree to it."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from support.forms.base import ActForm

NOW, PROPOSES = "now", "propose"


class TerminateForm(ActForm):
    """Its id typed out, and whether another officer is asked. `plan`: what stands for the plan that was seen."""

    plan = forms.CharField(max_length=200, widget=forms.HiddenInput)
    typed = forms.CharField(label="Type its ID to confirm", max_length=200, widget=forms.TextInput)
    how = forms.ChoiceField(
        label="Who decides",
        choices=[(NOW, "I terminate it now"), (PROPOSES, "I propose it, for another officer to agree")],
        widget=forms.RadioSelect,
        initial=NOW,
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, ref: str, plan: str) -> None:
        super().__init__(data, initial={"plan": plan, "how": NOW})
        self.ref = ref
        self.fields["typed"].help_text = f"The ID is {ref}. Termination can't be undone."
        self.fields["typed"].widget.attrs["autocomplete"] = "off"

    @property
    def proposes(self) -> bool:
        """Whether another officer is asked as well."""
        return self.cleaned_data.get("how") == PROPOSES

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
