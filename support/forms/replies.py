"""One answer to many."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.dateformat import format as formatted
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from support.models import LONGEST, Ticket
from support.queries.writing import Hit


class ReplyForm(forms.Form):
    """Whom to answer, and what."""

    incident = forms.TypedChoiceField(label=_("What they were hit by"), coerce=int)
    kinds = forms.MultipleChoiceField(
        label=_("Kinds of cases"), required=False, choices=Ticket.Kind.choices, widget=forms.CheckboxSelectMultiple,
        help_text=_("None: all of them."),
    )  # fmt: skip
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("Every language")), *settings.LANGUAGES],
        help_text=_("Everybody gets the same words. Write to those who read another language apart."),
    )  # fmt: skip
    body = forms.CharField(
        label=_("Answer"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Each person reads it in their own case. Write nobody’s name or number."),
    )  # fmt: skip

    def __init__(self, data: Mapping[str, Any] | None = None, *, hits: Sequence[Hit]) -> None:
        super().__init__(data, label_suffix="")
        choices = [(one.id, _format_hit(one)) for one in hits]
        self.fields["incident"] = forms.TypedChoiceField(label=_("What they were hit by"), coerce=int, choices=choices)
        self.order_fields(["incident", "kinds", "language", "body"])


def _format_hit(hit: Hit) -> str:
    day = formatted(localtime(hit.opened_at), "M j")
    return " · ".join(part for part in (hit.company, hit.kind, day, str(hit.people)) if part)
