"""What of the history is asked for."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import refuse_reversed
from disclosures.labels import JUDGEMENTS, NOT_ALLOWED
from disclosures.queries.history import LOOKED, NO_RECORD, Filters

WHAT = (
    ("", _("Anything")),
    (LOOKED, _("A company looked up this phone")),
    *((one, JUDGEMENTS[one]) for one in NOT_ALLOWED),
    (NO_RECORD, _("No record that you agreed at the time")),
)


class HistoryForm(forms.Form):
    """The filters of the history, all optional. What does not make sense filters nothing.

    `company`: an address, as links have it, or what was typed of a name. `month`: where the page begins.
    """

    not_allowed = forms.BooleanField(label=_("Only what I did not allow"), required=False)
    company = forms.CharField(
        label=_("Company"), max_length=1000, required=False,
        widget=forms.TextInput(attrs={"list": "companies", "autocomplete": "off"}),
    )  # fmt: skip
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    itself = forms.BooleanField(label=_("Only direct requests by that company"), required=False)
    only = forms.CharField(label=_("What happened"), max_length=100, required=False, widget=forms.Select(choices=WHAT))
    before = forms.CharField(max_length=100, required=False, widget=forms.HiddenInput)
    month = forms.DateField(required=False, input_formats=["%Y-%m"], widget=forms.HiddenInput)

    is_reversed = False

    def clean_month(self) -> date | None:
        """No month at the calendar's ends, which have no time in every zone."""
        month: date | None = self.cleaned_data["month"]
        return month if month and date.min.year < month.year < date.max.year else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self.is_reversed = refuse_reversed(self)
        return cleaned

    def filters(self) -> Filters:
        """The filters that make sense."""
        self.full_clean()
        return Filters(**self.cleaned_data)
