"""Name a list as it is narrowed and sorted."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from support.forms.acting import StaffForm


class SavedViewForm(StaffForm):
    """The name of a view."""

    name = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("Only you see it. Another view of that name is replaced.")
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, label_suffix="")
