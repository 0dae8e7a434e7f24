"""Whether somebody of staff gets e-mails, of what, and when not."""

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.primitives.zones import NAMES
from support.forms.acting import StaffForm
from support.queries.notifications import Kinds

HOURS = tuple((hour, f"{hour:02}:00") for hour in range(24))


class NotificationsForm(StaffForm):
    """One's own choice. What no e-mail tells of is shown on the page all the same."""

    is_on = forms.BooleanField(label=_("E-mail me when something new is waiting, at most once an hour"), required=False)
    quiet_from = forms.TypedChoiceField(label=_("Quiet hours from"), choices=HOURS, coerce=int)
    quiet_until = forms.TypedChoiceField(
        label=_("Quiet hours until"), choices=HOURS, coerce=int, help_text=_("Choose the same hour twice for none.")
    )
    zone = forms.ChoiceField(label=_("Time zone of these hours"), choices=tuple(NAMES.items()))

    def __init__(self, data: Any = None, *, kinds: Kinds, choice: dict[str, Any]) -> None:
        """`kinds`: what the reader is told of; `choice`: what they chose before."""
        names = [name for name, kind in kinds.items() if not kind.in_confidence]
        told = [name for name in names if name not in choice["left_out"]]
        super().__init__(data, initial={**choice, "told": told}, label_suffix="")
        # Of one kind there is nothing to choose.
        if len(names) > 1:
            self.fields["told"] = forms.MultipleChoiceField(
                label=_("Tell me about"), required=False, widget=forms.CheckboxSelectMultiple,
                choices=[(name, capfirst(str(kinds[name].many))) for name in names],
            )  # fmt: skip
            self.order_fields(["is_on", "told"])
        self.names = names

    def clean(self) -> None:
        """E-mails that tell of nothing are none."""
        if self.cleaned_data.get("is_on") and self.cleaned_data.get("told") == []:
            self.add_error("told", _("Choose at least one, or turn e-mails off."))

    def build_arguments(self) -> dict[str, Any]:
        """What was chosen, by the names that the verb has for it."""
        told = self.cleaned_data.get("told", self.names)
        chosen = {name: value for name, value in self.cleaned_data.items() if name != "told"}
        return {**chosen, "left_out": [name for name in self.names if name not in told]}
