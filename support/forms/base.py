"""What every act asks: why."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator

from accounts.primitives.reasons import LONGEST, NoReason, check_reason
from support.policies.reasons import LookKind

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2199, 12, 31)
ODD_YEAR = f"Check the year. It must be from {FIRST_DAY.year} to {LAST_DAY.year}."


class DayField(forms.DateField):
    """A day of something agreed or ordered: a slip of the year is refused."""

    default_validators = [MinValueValidator(FIRST_DAY, ODD_YEAR), MaxValueValidator(LAST_DAY, ODD_YEAR)]


class StaffForm(forms.Form):
    """A form of staff. `sections`: a long one's headings with the names of their fields; others stand after them."""

    sections: Sequence[tuple[str, Sequence[str]]] = ()

    @property
    def parts(self) -> Sequence[tuple[str, Sequence[forms.BoundField]]]:
        """The fields as they are shown: under each section's heading, and the others under none."""
        titles = {name: title for title, names in self.sections for name in names}
        found = {title: list[forms.BoundField]() for title in [*titles.values(), ""]}
        for field in self:
            found[titles.get(field.name, "")].append(field)
        return [(title, fields) for title, fields in found.items() if fields]


class ActForm(StaffForm):
    """An act with its reason. Fields of a subclass stand before it."""

    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept permanently in the audit log. Don't include anyone's name or phone number.",
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, initial: dict[str, Any] | None = None, apart: str = ""
    ) -> None:
        """`apart` keeps the ids of its fields from those of another form on the same page."""
        super().__init__(data, initial=initial, label_suffix="", auto_id=f"id_{apart}%s")
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])

    def clean_reason(self) -> str:
        """The reason, if it can be kept."""
        return validate_reason(self.cleaned_data["reason"])

    def refuse(self, error: ValidationError) -> None:
        """Say what a verb found wrong, beside the fields that it names."""
        if not hasattr(error, "error_dict"):
            self.add_error(None, error)
            return
        for name, errors in error.error_dict.items():
            self.add_error(name if name in self.fields else None, errors)


class LookForm(ActForm):
    """A look at what is one person's: a kind from a list, and a case or words of one's own."""

    kind = forms.ChoiceField(label="Why you need this", choices=LookKind.choices)

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, initial: dict[str, Any] | None = None, apart: str = ""
    ) -> None:
        super().__init__(data, initial=initial, apart=apart)
        self.fields["reason"].required = False
        self.fields["reason"].label = "Case number, or the reason in your own words"

    def build_arguments(self) -> dict[str, str]:
        """What was said, by the names that a look's verb has for it."""
        return {"kind": self.cleaned_data["kind"], "reason": self.cleaned_data["reason"]}


def validate_reason(reason: str) -> str:
    """The same for every form that asks why: what can't be kept is refused beside its field."""
    try:
        return check_reason(reason) if reason.strip() else ""
    except NoReason as error:
        raise ValidationError(str(error)) from error


def midnight(day: date) -> datetime:
    """The moment a day begins, UTC."""
    return datetime.combine(day, time(), UTC)
