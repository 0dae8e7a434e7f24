"""What people write to us, with files; and how good our answer was."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import AddressField
from support.actions.asking import TOPICS, IncomingMessage
from support.domain import files
from support.labels import TOPIC
from support.models import LONGEST, Ticket

ACCEPTS = "image/png,image/jpeg,application/pdf,text/plain,.txt"


class _Several(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Up to five files of the kinds that a case takes, told by their content; cleaned to what is kept of each."""

    widget = _Several(attrs={"accept": ACCEPTS})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            help_text=gettext_lazy("Up to 5 files: PNG, JPEG, PDF or plain text, 5 MB each."),
            **{"label": gettext_lazy("Files (optional)"), **kwargs},
        )

    def clean(self, data: Any, initial: Any = None) -> Any:
        del initial
        given: Sequence[UploadedFile[bytes]] = [
            one for one in (data if isinstance(data, list | tuple) else [data]) if one
        ]
        if len(given) > files.MOST:
            raise forms.ValidationError(_("You chose more than 5 files. Choose 5 at most."))
        return [self._read_upload(one) for one in given]

    def _read_upload(self, given: "UploadedFile[bytes]") -> files.Upload:
        name = {"name": given.name or ""}
        if (given.size or 0) > files.LARGEST:
            raise forms.ValidationError(_("“%(name)s” is larger than 5 MB. Choose a smaller file.") % name)
        try:
            return files.build_upload(name=given.name or "", content=given.read())
        except files.BrokenPicture as error:
            raise forms.ValidationError(
                _("“%(name)s” is damaged or incomplete. Choose another copy of the picture.") % name
            ) from error
        except files.NotAFile as error:
            raise forms.ValidationError(
                _("We can't take “%(name)s”. Choose a PNG, JPEG, PDF or plain text file.") % name
            ) from error


class MessageField(forms.CharField):
    """Words, counted as we keep them: what is too long is said with how much there is, and stays as it was typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "label": gettext_lazy("Your message"),
                "widget": forms.Textarea(attrs={"rows": "7", "dir": "auto"}),
                "error_messages": {"required": gettext_lazy("Write what you want to ask.")},
                **kwargs,
            }
        )

    def clean(self, value: Any) -> str:
        text: str = super().clean(str(value or "").replace("\r\n", "\n").replace("\r", "\n"))
        if len(text) > LONGEST:
            said = _("Your message has %(n)s characters. The limit is %(most)s. Take out %(over)s or more.")
            raise forms.ValidationError(said % {"n": len(text), "most": LONGEST, "over": len(text) - LONGEST})
        return text


class ReplyForm(forms.Form):
    """Something to write in a case."""

    enough = gettext_lazy(
        "You've written a lot today, and we'll read it all. You can write again in 24 hours. If it can't wait, call us:"
        " our number is at the end of this page."
    )

    message = MessageField()
    uploads = FilesField()

    def build_message(self) -> IncomingMessage:
        """What was written."""
        return IncomingMessage(
            self.cleaned_data["message"], self.cleaned_data["uploads"], self.cleaned_data.get("mail", "")
        )


class AskForm(ReplyForm):
    """A new case. `topics`: what it may be about."""

    topic = forms.ChoiceField(label=gettext_lazy("What is it about?"))
    mail = AddressField(
        label=gettext_lazy("Also tell me by e-mail (optional)"),
        help_text=gettext_lazy("The e-mail says only that there is an answer, with a link to it."),
        required=False,
    )
    field_order = ("topic", "message", "uploads", "mail")

    def __init__(self, *args: Any, topics: Sequence[Ticket.Kind] = TOPICS, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["topic"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(str(topic), TOPIC[topic]) for topic in topics]


class RatingForm(forms.Form):
    """How good our answer was, and why."""

    rating = forms.TypedChoiceField(
        label=gettext_lazy("How good was our answer?"),
        coerce=int,
        choices=[
            (1, gettext_lazy("1: not at all")),
            (2, gettext_lazy("2: poor")),
            (3, gettext_lazy("3: so-so")),
            (4, gettext_lazy("4: good")),
            (5, gettext_lazy("5: very good")),
        ],
        widget=forms.RadioSelect(attrs={"class": "check"}),
        error_messages={"required": gettext_lazy("Choose a number from 1 to 5.")},
    )
    words = forms.CharField(
        label=gettext_lazy("Why (optional)"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": "2", "dir": "auto"}),
    )
