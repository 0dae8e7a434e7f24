"""Whether an officer gets e-mails, and when not."""

from typing import Any

from django import forms

from accounts.primitives.zones import NAMES
from support.forms.acting import StaffForm

HOURS = tuple((hour, f"{hour:02}:00") for hour in range(24))


class NotificationsForm(StaffForm):
    """An officer's own choice."""

    is_on = forms.BooleanField(label="E-mail me when something new is waiting, at most once an hour", required=False)
    quiet_from = forms.TypedChoiceField(label="Quiet hours from", choices=HOURS, coerce=int)
    quiet_until = forms.TypedChoiceField(
        label="Quiet hours until", choices=HOURS, coerce=int, help_text="Choose the same hour twice for none."
    )
    zone = forms.ChoiceField(label="Time zone of these hours", choices=tuple(NAMES.items()))

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial, label_suffix="")
