"""What staff write: an answer or a note with files, one answer to many, and the answers that are written often."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.http import QueryDict
from django.utils.dateformat import format as formatted
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.policies.permissions import actor_of
from accounts.primitives.reasons import has_visible_text
from support.forms.acting import StaffForm
from support.forms.cases import FilesField, MessageField
from support.models import LONGEST, Ticket
from support.policies.reply_variables import find_unknown
from support.queries.names import get_staff_name
from support.queries.queue import colleagues
from support.queries.team_metrics import FROM_PEOPLE
from support.queries.writing import Hit

THEN = ((Ticket.State.SOLVED, gettext_lazy("Answered")), (Ticket.State.WAITING, gettext_lazy("Waiting for the person")))
NO_FILES = gettext_lazy("You can't attach files to a note, so we didn't keep them. Send files with an answer.")


class StaffTextField(MessageField):
    """What staff write, in which there must be something that can be read."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not has_visible_text(text):
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return text


class AnswerForm(StaffForm):
    """An answer to the person, and how the case stands after it."""

    body = StaffTextField(label=gettext_lazy("Answer"), error_messages={"required": gettext_lazy("Write the answer.")})
    uploads = FilesField(label=gettext_lazy("Files"))
    then = forms.ChoiceField(label=gettext_lazy("Set case to"), choices=THEN, initial=Ticket.State.SOLVED)


class NoteForm(StaffForm):
    """A note among staff."""

    body = StaffTextField(
        label=gettext_lazy("Note for colleagues"),
        help_text=gettext_lazy("The person never sees it."),
        error_messages={"required": gettext_lazy("Write the note.")},
        widget=forms.Textarea(attrs={"rows": "3", "dir": "auto"}),
    )
    mentions = forms.MultipleChoiceField(
        label=gettext_lazy("Mention"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Their notifications list this case for 7 days."),
        error_messages={"invalid_choice": gettext_lazy("This person no longer works on cases. Choose someone else.")},
    )

    def __init__(self, *args: Any, writer_id: int, **kwargs: Any) -> None:
        """Whoever writes it mentions others."""
        super().__init__(*args, **kwargs)
        field = self.fields["mentions"]
        if isinstance(field, forms.MultipleChoiceField):
            others = [one for one in colleagues() if one.pk != writer_id]
            field.choices = [(actor_of(one), get_staff_name(user=one)) for one in others]

    def clean(self) -> None:
        if self.files:
            self.add_error("body", forms.ValidationError(NO_FILES))


class DraftForm(StaffForm):
    """Something begun, of either kind."""

    body = forms.CharField(required=False, max_length=LONGEST, strip=False)
    uploads = FilesField()

    def list_mentions(self) -> list[str]:
        """Return the colleagues chosen for a note; whoever no longer works on cases is left out."""
        chosen = {*self.data.getlist("mentions")} if isinstance(self.data, QueryDict) else set()
        return [name for name in map(actor_of, colleagues()) if name in chosen] if chosen else []


class CannedForm(StaffForm):
    """One answer that is written often, in one language."""

    key = forms.CharField(
        label=gettext_lazy("Name of the answer"),
        help_text=gettext_lazy("The same in every language: small letters, digits and dashes."),
        max_length=40,
        validators=[RegexValidator(r"^[a-z0-9-]+\Z", gettext_lazy("Only small letters, digits and dashes."))],
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)
    title = forms.CharField(label=gettext_lazy("Title, for us"), max_length=80)
    body = StaffTextField(label=gettext_lazy("Answer"), error_messages={"required": gettext_lazy("Write the answer.")})

    def __init__(self, *args: Any, fixed: bool = False, **kwargs: Any) -> None:
        """`fixed`: an answer that is there keeps its name and its language."""
        super().__init__(*args, **kwargs)
        for name in ("key", "language"):
            self.fields[name].disabled = fixed

    def clean_body(self) -> str:
        body: str = self.cleaned_data["body"]
        if unknown := find_unknown(body=body):
            raise forms.ValidationError(unknown[0])
        return body


class ReplyForm(StaffForm):
    """Whom to answer, and what."""

    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Kinds of cases"),
        required=False,
        choices=[(kind.value, kind.label) for kind in FROM_PEOPLE],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Leave all empty to answer every kind."),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[("", gettext_lazy("Every language")), *settings.LANGUAGES],
        help_text=gettext_lazy("Everyone gets the same words, so send one reply for each language."),
    )
    body = forms.CharField(
        label=gettext_lazy("Answer"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=gettext_lazy(
            "Each person reads it in their own case. {company}, {code}, {due} and {link} are filled in for each. Don't"
            " write anyone's name or number."
        ),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, hits: Sequence[Hit]) -> None:
        super().__init__(data, label_suffix="")
        choices = [(one.id, _format_hit(one)) for one in hits]
        self.fields["incident"] = forms.TypedChoiceField(label=_("Incident"), coerce=int, choices=choices)
        self.order_fields(["incident", "kinds", "language", "body"])


def _format_hit(hit: Hit) -> str:
    people = ngettext("%(n)s person with an open case", "%(n)s people with an open case", hit.people)
    since = _("since %(day)s") % {"day": formatted(localtime(hit.opened_at), "M j, Y")}
    return " · ".join(part for part in (hit.company, hit.kind, since, people % {"n": f"{hit.people:,}"}) if part)
