"""What an officer says to an agent who asks for a suspension."""

from django import forms

from support.forms.base import ActForm


class DecisionForm(ActForm):
    """Suspend, or decline."""

    decision = forms.ChoiceField(
        label="Decision",
        widget=forms.RadioSelect,
        choices=(("suspend", "Suspend now"), ("decline", "Decline")),
    )

    def suspends(self) -> bool:
        """Whether it is suspended."""
        return bool(self.cleaned_data["decision"] == "suspend")
