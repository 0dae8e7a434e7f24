"""What of the history is asked for."""

from django import forms
from django.utils.translation import gettext_lazy as _

from disclosures.queries import Filters


class HistoryForm(forms.Form):
    """The filters of the history, all optional. What does not make sense filters nothing."""

    company = forms.CharField(label=_("Company"), max_length=1000, required=False, widget=forms.Select)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    not_allowed = forms.BooleanField(label=_("Only what I did not allow"), required=False)
    before = forms.CharField(max_length=100, required=False, widget=forms.HiddenInput)

    def filters(self) -> Filters:
        """The filters that make sense."""
        self.full_clean()
        return Filters(**self.cleaned_data)
