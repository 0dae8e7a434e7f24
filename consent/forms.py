"""What may be posted about choices, checked for shape. Whether a company exists is for the verbs to say."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.forms import AddressField
from accounts.primitives.zones import end_of_day
from consent.domain.receipt_check import LARGEST_FILE
from consent.models import Choice

LENGTHS = (
    ("1", _("For one day")),
    ("7", _("For one week")),
    ("30", _("For 30 days")),
    ("day", _("Until the end of a day I choose")),
)
ENDS = (
    ("", _("Until I stop it")),
    ("hour", _("For the next hour")),
    ("1", _("For one day")),
    ("30", _("For 30 days")),
    ("365", _("For one year")),
    ("day", _("Until the end of a day I choose")),
)
LONGEST_PAUSE = timedelta(days=36_525)


class StopForm(forms.Form):
    """What a stop is about. `ref` is empty for everything. `notice`: the digest of what the page showed, if it did."""

    scope = forms.ChoiceField(choices=Choice.Scope)
    ref = forms.CharField(max_length=1000, required=False, strip=False)
    notice = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)


class _DayForm(forms.Form):
    """Something that may last until the end of a day of the line's zone, which is today or later."""

    day = forms.DateField(label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, zone: ZoneInfo, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._zone, self._at = zone, at
        self.order_fields([*(name for name in self.fields if name != "day"), "day"])
        self.fields["day"].widget.attrs["min"] = at.astimezone(zone).date().isoformat()

    def refuse_day(self, day: date | None, *, too_far: Promise) -> None:
        """Refuse a day that is over, and one more than a century away: `too_far`."""
        if day is None or day < self._at.astimezone(self._zone).date():
            raise forms.ValidationError({"day": _("Choose today or a later day.")})
        if day > self._at.date() + LONGEST_PAUSE:
            raise forms.ValidationError({"day": too_far})


class PauseForm(_DayForm, StopForm):
    """What a pause is about, and how long it lasts: days from now, or the end of a day of the line's zone."""

    length = forms.ChoiceField(
        label=_("Pause"), choices=LENGTHS, initial="7", widget=forms.RadioSelect(attrs={"class": "check"})
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("length") == "day":
            too_far = _("Choose a day within the next 100 years. To block it for good, stop it instead.")
            self.refuse_day(cleaned.get("day"), too_far=too_far)
            cleaned["until"] = end_of_day(day=cleaned["day"], zone=self._zone)
        elif cleaned.get("length"):
            cleaned["until"] = self._at + timedelta(days=int(cleaned["length"]))
        return cleaned


class AllowForm(_DayForm):
    """Which campaign is allowed, and until when. `notice`: the digest of what the page showed.

    `of`: the stop or pause on whose page it was chosen, to go back there.
    """

    campaign = forms.CharField(max_length=200, widget=forms.HiddenInput)
    notice = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    of = forms.UUIDField(required=False, widget=forms.HiddenInput)
    days = forms.ChoiceField(
        label=_("How long"), choices=ENDS, required=False, widget=forms.RadioSelect(attrs={"class": "check"})
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("days") == "day":
            self.refuse_day(cleaned.get("day"), too_far=_("Choose a day within the next 100 years."))
        return cleaned

    def until(self, *, at: datetime) -> datetime | None:
        """The end that was chosen, counted from `at`; None: until the person stops it."""
        match self.cleaned_data["days"]:
            case "":
                return None
            case "hour":
                return at + timedelta(hours=1)
            case "day":
                return end_of_day(day=self.cleaned_data["day"], zone=self._zone)
            case days:
                return at + timedelta(days=int(days))


class MailForm(forms.Form):
    """Where a receipt is mailed to."""

    to = AddressField(label=_("E-mail address"))


class ReceiptFileForm(forms.Form):
    """A receipt file to check. A real one has less than a tenth of the limit."""

    file = forms.FileField(
        label=_("Receipt file (PDF or JSON)"),
        error_messages={"required": _("Choose a file."), "empty": _("This file is empty. Choose another.")},
        widget=forms.FileInput(attrs={"accept": ".pdf,.json,application/pdf,application/json"}),
    )

    def clean_file(self) -> "UploadedFile[bytes]":
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > LARGEST_FILE:
            raise forms.ValidationError(_("This file is too large for a receipt. Choose another."))
        return file
