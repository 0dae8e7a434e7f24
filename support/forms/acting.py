"""Ask staff for a reason with every act on a case, and for what that act needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from accounts.primitives.reasons import LONGEST, NoReason, check_reason
from support.actions.stop_for import StopRequest
from support.forms.error_words import word_errors
from support.models import Ticket
from support.policies.reasons import LookKind

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2199, 12, 31)
ODD_YEAR = _("Check the year. It must be from 1990 to 2199.")


class DayField(forms.DateField):
    """A day of something agreed or ordered: a slip of the year is refused."""

    default_validators = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]
    default_error_messages = {"min_value": ODD_YEAR, "max_value": ODD_YEAR}


class StaffForm(forms.Form):
    """A form of staff. `sections`: a long one's headings with the names of their fields; others stand after them."""

    sections: Sequence[tuple[str, Sequence[str]]] = ()

    def full_clean(self) -> None:
        """Check it, and say what is wrong in our words, also of fields that came in late."""
        for shown in self:
            shown.field.error_messages = word_errors(shown=shown)
        super().full_clean()

    @property
    def parts(self) -> Sequence[tuple[str, Sequence[forms.BoundField]]]:
        """The fields as they are shown: under each section's heading, and the others under none."""
        titles = {name: title for title, names in self.sections for name in names}
        found = {title: list[forms.BoundField]() for title in [*titles.values(), ""]}
        for field in self:
            found[titles.get(field.name, "")].append(field)
        return [(title, fields) for title, fields in found.items() if fields]

    @property
    def wrong(self) -> Sequence[tuple[forms.BoundField, str]]:
        """What a long form lists at its top: each field to correct, in the order shown, and the id where it begins."""
        shown = [field for _, fields in self.parts for field in fields] if self.sections else []
        return [(field, _get_first_id(field)) for field in shown if field.errors]


def _get_first_id(field: forms.BoundField) -> str:
    """Return the id of its first part; a choice of nothing has none."""
    return next((part.id_for_label for part in field.subwidgets if part.id_for_label), field.auto_id)


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


NO_CODE = _("Type the code that the person read out, or say that you called them.")


class WhyForm(StaffForm):
    """An act with its reason. Fields of a subclass stand before it."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The person reads it in their own log. Write no name and no number."),
        error_messages={"required": _("Say why: the reason is kept with every act.")},
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial, label_suffix="")
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])

    def clean_reason(self) -> str:
        """The reason, if it can be kept."""
        return validate_reason(self.cleaned_data["reason"])

    def build_arguments(self, *, at: datetime) -> dict[str, object]:
        """What was said, by the names that the act's verb has for it."""
        del at
        return {"reason": self.cleaned_data["reason"]}


@dataclass(frozen=True)
class Act:
    """One act: its words, its form, its verb.

    `verb` gets the case's code, what the valid form says, the actor's name and the moment. `done`: what is said back on
    the case, or made of the verb's result. `extra`: a template beside the form.
    """

    title: str
    lead: str
    button: str
    done: str | Callable[[object], str]
    form: WhyForm
    verb: Callable[..., object]
    extra: str = ""


class RevealForm(WhyForm):
    """Why somebody of staff needs to see whose case it is: a kind from a list, and more in their own words."""

    kind = forms.ChoiceField(label=_("What you look for"), widget=forms.RadioSelect, choices=LookKind.choices)

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.fields["reason"].required = False
        self.fields["reason"].label = _("More, in your own words")

    def build_arguments(self, *, at: datetime) -> dict[str, object]:
        """What for, and why."""
        return {**super().build_arguments(at=at), "kind": self.cleaned_data["kind"]}


class MoveForm(WhyForm):
    """Where a case goes from here."""

    to = forms.ChoiceField(label=_("The case is now"))

    def __init__(self, data: Mapping[str, Any] | None, *, states: Sequence[tuple[str, str]], initial: str) -> None:
        super().__init__(data, initial={"to": initial})
        self.fields["to"] = forms.ChoiceField(label=_("The case is now"), choices=states)
        self.order_fields(["to", "reason"])

    def build_arguments(self, *, at: datetime) -> dict[str, object]:
        """Where to, and why."""
        return {**super().build_arguments(at=at), "to": Ticket.State(self.cleaned_data["to"])}


class PriorityForm(WhyForm):
    """How urgent a case is."""

    priority = forms.TypedChoiceField(label=_("Priority"), coerce=int, choices=Ticket.Priority.choices)

    def build_arguments(self, *, at: datetime) -> dict[str, object]:
        """How urgent, and why."""
        return {**super().build_arguments(at=at), "priority": Ticket.Priority(self.cleaned_data["priority"])}


class CompanyForm(WhyForm):
    """An act about one company."""

    def __init__(self, data: Mapping[str, Any] | None, *, companies: Sequence[tuple[str, str]], initial: str) -> None:
        super().__init__(data, initial={"company": initial})
        self.fields["company"] = forms.ChoiceField(label=_("Company"), choices=companies)
        self.order_fields(["company", "reason"])

    def build_arguments(self, *, at: datetime) -> dict[str, object]:
        """Which company, and why."""
        return {**super().build_arguments(at=at), "party_id": int(self.cleaned_data["company"])}


class StopForForm(WhyForm):
    """What the person asked for, for how long, and by what they proved that it is they who ask.

    `what`: "all", or a scope and what it names ("party https://…").
    """

    BY_CODE, BY_CALL = "code", "call"
    days = forms.TypedChoiceField(
        label=_("For how long"),
        coerce=int,
        choices=(
            (0, _("Until they allow it again")),
            (1, _("Pause for a day")),
            (7, _("Pause for a week")),
            (30, _("Pause for 30 days")),
            (90, _("Pause for 90 days")),
        ),
        initial=0,
    )
    proof = forms.ChoiceField(
        label=_("How do you know that it is the person?"),
        widget=forms.RadioSelect,
        choices=(
            (BY_CODE, _("They read me the code that was texted to their phone")),
            (BY_CALL, _("I called their number, and the telephone system logged it in the last 30 minutes")),
        ),
        initial=BY_CODE,
    )
    typed = forms.CharField(
        label=_("The code"),
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "dir": "ltr"}),
        help_text=_("Only where they read you one."),
    )

    def __init__(self, data: Mapping[str, Any] | None, *, what: Sequence[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["what"] = forms.ChoiceField(label=_("Stop"), choices=[("all", _("All sharing")), *what])
        self.order_fields(["what", "days", "proof", "typed", "reason"])

    def clean(self) -> dict[str, object]:
        """By a code there is one; a code that came in is never passed over for a call."""
        said = super().clean() or self.cleaned_data
        by_code = said.get("proof") == self.BY_CODE
        if by_code and not str(said.get("typed", "")).strip():
            raise ValidationError({"typed": NO_CODE})
        if not by_code:
            said["typed"] = ""
        return said

    def build_arguments(self, *, at: datetime) -> dict[str, object]:
        """What was asked for, the code that was read out, and why."""
        scope, _space, ref = str(self.cleaned_data["what"]).partition(" ")
        days = int(self.cleaned_data["days"])
        wish = StopRequest(scope, ref, at + timedelta(days=days) if days else None)
        return {**super().build_arguments(at=at), "wish": wish, "typed": self.cleaned_data["typed"]}
