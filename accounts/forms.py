"""What people type at the doors: a number, a code, a first password."""

from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.utils.translation import gettext_lazy as _

from accounts import numbers


class NumberForm(forms.Form):
    """One phone number, typed however people type it; cleaned to E.164."""

    number = forms.CharField(
        label=_("Your phone number"),
        max_length=numbers.LONGEST_TYPED,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel", "dir": "ltr"}),
        error_messages={"required": _("Type your phone number.")},
    )

    def clean_number(self) -> str:
        try:
            return numbers.normalise(self.cleaned_data["number"])
        except numbers.NotANumber as error:
            raise forms.ValidationError(
                _("That does not look like a phone number. Type all its digits, like (206) 555-0142.")
            ) from error


class CodeForm(forms.Form):
    """The six digits of a text. What it answers is the same for every number."""

    wrong = _("That code does not fit. Check the newest text, or ask for it again. A code works for 10 minutes.")
    sent_again = _("If this number is a line with us, we have texted the code again.")

    code = forms.CharField(
        label=_("The code in the text"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "dir": "ltr"}),
        error_messages={"required": _("Type the code from the text.")},
    )


class SignInCodeForm(CodeForm):
    """The code to sign in with. Whoever has the phone in hand may end every other sign-in by it."""

    alone = forms.BooleanField(label=_("Sign out everywhere else, too"), required=False)


class FirstPasswordForm(forms.Form):
    """The first password of a tenure. One field: it can be shown while it is typed, so it is not asked twice."""

    password = forms.CharField(
        label=_("Choose a password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": _("Choose a password.")},
    )

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        password_validation.validate_password(password)
        return password


class LanguageForm(forms.Form):
    """The language of pages and texts."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


class EndForm(forms.Form):
    """Which sign-in is to end, by its id; none named: all others."""

    session = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
