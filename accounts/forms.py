"""What people type at the doors: a number, a code, a first password."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime, timedelta
from typing import Any, Protocol, cast
from zoneinfo import ZoneInfo

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.forms import ChangePasswordForm, LoginForm
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, ReauthenticateWebAuthnForm
from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.encoding import punycode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.actions.rate_limits import GuessTarget, Try, spend_code
from accounts.models import Delegation, User
from accounts.primitives import numbers, sealing
from accounts.primitives.json_reader import Unreadable, read_json
from accounts.primitives.zones import end_of_day

A_YEAR = timedelta(days=365)
# Bytes of what a passkey signs: with what attests it some thousand.
LARGEST_CREDENTIAL = 64_000


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
            return numbers.normalise_number(self.cleaned_data["number"])
        except numbers.NotANumber as error:
            raise forms.ValidationError(
                _("That doesn't look like a phone number. Type all the digits, like (206) 555-0142.")
            ) from error


class AddressField(forms.EmailField):
    """An e-mail address. What Django takes for one and no mail can be sent to is refused: the mail would be lost."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.EmailInput(attrs={"autocomplete": "email", "dir": "ltr"})
        super().__init__(max_length=254, widget=widget, **kwargs)

    def run_validators(self, value: str) -> None:
        super().run_validators(value)
        mailbox, _at, domain = value.rpartition("@")
        try:
            punycode(domain)
        except UnicodeError as error:
            raise ValidationError(EmailValidator.message, code="invalid") from error
        if not mailbox.isprintable():
            raise ValidationError(EmailValidator.message, code="invalid")


class RateLimitAdapter(Protocol):
    """What forms ask of our adapter (`accounts.views.adapter`), which reads the clock and knows the request."""

    def trying(self, *, door: GuessTarget, account: str) -> AbstractContextManager[Try]:
        """Around the check of what somebody typed: it is counted before, and taken back unless it raises."""

    def must_wait_error(self, until: datetime, at: datetime) -> ValidationError:
        """What a form says of a door at which nothing is looked at until then."""


def get_rate_limit_adapter() -> RateLimitAdapter:
    """The adapter that allauth was given."""
    return cast("RateLimitAdapter", get_account_adapter())


class _CodeField(forms.CharField):
    """The code of an authenticator app, or a recovery code, beside a password: with it nobody has to wait."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Code from your authenticator app, or a recovery code"),
            help_text=_(
                "You can leave this empty. With a code you don't have to wait, no matter how often someone tried."
            ),
            max_length=20,
            required=False,
            widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "dir": "ltr"}),
        )

    def clean(self, value: Any) -> str:
        return str(normalize_user_code(super().clean(value)))


class StaffForm(LoginForm):
    """The door of staff (ACCOUNT_FORMS)."""

    code = _CodeField()

    def user_credentials(self) -> dict[str, str]:
        """What the password is checked with; the code goes with it."""
        return {**super().user_credentials(), "code": self.cleaned_data["code"]}


class ChangeForm(ChangePasswordForm):
    """Another password in place of one's own (ACCOUNT_FORMS), which can be guessed at here as at a door."""

    labels = {
        "oldpassword": _("Current password"),
        "password1": _("New password"),
        "password2": _("New password again"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in self.labels.items():
            self.fields[name].label = label
            self.fields[name].widget.attrs.pop("placeholder", None)

    def clean_oldpassword(self) -> str:
        """The password so far, if it is right."""
        with get_rate_limit_adapter().trying(door=GuessTarget.AGAIN, account=str(self.user and self.user.pk)):
            return str(super().clean_oldpassword())


class CodeForm(forms.Form):
    """The code of a text. What it answers is the same for every number."""

    wrong = _(
        "That code isn't right. Check your newest text, or have the code sent again. A code works for 10 minutes."
    )
    too_many = _("Too many tries. Ask for a new code below.")
    # A long code goes out fewer times, and lasts longer (docs/decisions/0016).
    sent_again = _(
        "If this number is a line with us, we have texted the code again. We text the same code at most 5 times. If"
        " none comes, ask again in 10 minutes, or in 2 hours if many codes were asked for."
    )

    code = forms.CharField(
        label=_("The code in the text"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "dir": "ltr"}),
        error_messages={"required": _("Type the code from the text.")},
    )

    # No code is looked at before another text, so the page offers no field for one.
    is_spent = False

    def refuse(self, *, tries_left: int) -> None:
        """Say that it was not right, and how many more are looked at before another text."""
        self.is_spent = not tries_left
        if self.is_spent:
            self.add_error(None, self.too_many)
            return
        left = ngettext("You have %(n)s try left.", "You have %(n)s tries left.", tries_left) % {"n": tries_left}
        self.add_error("code", f"{self.wrong} {left}")


class SignInCodeForm(CodeForm):
    """The code to sign in with. Whoever has the phone in hand may end every other sign-in by it."""

    alone = forms.BooleanField(label=_("Also sign out everywhere else"), required=False)


class _FactorForm(BaseAuthenticateForm):
    """A code of an authenticator app, six digits, or else a recovery code, which is kept as a hash alone."""

    def clean_code(self) -> str:
        """The code, if it is right. One of an app is good once."""
        typed = normalize_user_code(self.cleaned_data["code"])
        with get_rate_limit_adapter().trying(door=GuessTarget.FACTOR, account=str(self.user.pk)) as taken:
            self.cleaned_data["code"] = (
                typed if sealing.is_app_code_shape(typed) else self._normalize_if_recovery_code(typed)
            )
            code = str(super().clean_code())
            if sealing.is_app_code_shape(typed) and not spend_code(user_id=self.user.pk, code=typed, at=taken.at):
                raise get_adapter().validation_error("incorrect_code")
            return code

    def _normalize_if_recovery_code(self, typed: str) -> str:
        """What could be no recovery code costs no slow hash."""
        return (
            sealing.normalize_recovery_code(user=self.user, typed=typed)
            if sealing.is_recovery_code_shape(typed)
            else ""
        )


class FactorForm(_FactorForm, AuthenticateForm):
    """At the door of staff (MFA_FORMS)."""


class FactorAgainForm(_FactorForm, ReauthenticateForm):
    """Before something that needs it once more (MFA_FORMS)."""


class FirstPasswordForm(forms.Form):
    """The first password of a tenure. One field: it can be shown while it is typed, so it is not asked twice."""

    password = forms.CharField(
        label=_("Choose a password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": _("Choose a password.")},
    )

    def __init__(self, *args: Any, user: User | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        password_validation.validate_password(password, self._user)
        return password


class LanguageForm(forms.Form):
    """The language of pages and texts."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


class TextsForm(forms.Form):
    """Which texts a line's person wants. What they must know of their sign-in and of others' acts has no switch."""

    news = forms.BooleanField(
        label=_("Send me the alerts ticked below. Texting STOP turns them all off."), required=False
    )
    confirmations = forms.BooleanField(
        label=_("Confirm each stop and pause made with this phone or my sign-in."), required=False
    )
    changes = forms.BooleanField(
        label=_("Tell me when your records of this phone change or a time limit ends."), required=False
    )
    signed = forms.BooleanField(
        label=_("Tell me when every company has signed that it did what I asked."), required=False
    )
    late = forms.BooleanField(label=_("Tell me when a company misses its deadline to sign."), required=False)
    asked = forms.BooleanField(label=_("Ask me when a company says it may find this phone."), required=False)
    reminders = forms.BooleanField(label=_("Remind me every 90 days of what is still on."), required=False)
    yearly = forms.BooleanField(label=_("Each January, send me a link to the past year's history."), required=False)


class EndForm(forms.Form):
    """Which sign-in is to end, by its id; none named: all others."""

    session = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class StopEndedForm(NumberForm):
    """The number somebody had when their line ended, and their password."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Type your password.")},
    )


class EndedForm(StopEndedForm):
    """The same to sign in, with the code of their app where they have to wait otherwise."""

    wrong = _("That number and password don't match. Check both and try again.")

    code = _CodeField()


PASSKEY_FAILED = _("That passkey didn't work. Try it again, or choose another way.")


class _CredentialField(forms.JSONField):
    """What a passkey signed, as the browser gives it: an object, read within a depth and a size like all JSON."""

    widget = forms.HiddenInput
    default_error_messages = {"required": PASSKEY_FAILED, "invalid": PASSKEY_FAILED}

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        try:
            found = read_json(str(value), max_bytes=LARGEST_CREDENTIAL)
        except Unreadable:
            found = None
        if not isinstance(found, dict):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Show nothing of what was sent again, and so read nothing of it again."""
        del data
        return initial


@contextmanager
def _refusing_wrong_passkeys() -> Iterator[None]:
    """Have a passkey that is not right, or an object of another shape, be refused in words about passkeys."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, ValidationError) as error:
        raise ValidationError(PASSKEY_FAILED) from error


class AddPasskeyForm(AddWebAuthnForm):
    """To set a passkey up (MFA_FORMS)."""

    credential = _CredentialField()

    def clean(self) -> dict[str, Any]:
        with _refusing_wrong_passkeys():
            return dict(super().clean())


class _PasskeyAgain(AuthenticateWebAuthnForm):
    credential = _CredentialField()

    def clean_credential(self) -> Authenticator:
        """The passkey that signed, if it is this person's."""
        with _refusing_wrong_passkeys():
            return super().clean_credential()


class FactorPasskeyForm(_PasskeyAgain):
    """A passkey at the door of staff (MFA_FORMS)."""


class AgainPasskeyForm(_PasskeyAgain, ReauthenticateWebAuthnForm):
    """Before something that needs it once more (MFA_FORMS)."""


class PasskeyForm(forms.Form):
    """What a passkey signed, as the browser gives it."""

    wrong = _("That passkey doesn't belong to this number.")

    credential = _CredentialField()


def refuse_reversed(form: forms.Form, *, since: str = "since", until: str = "until") -> bool:
    """Say so on a form from one day to another whose last day is before its first. Returns whether it is."""
    first, last = form.cleaned_data.get(since), form.cleaned_data.get(until)
    if not first or not last or first <= last:
        return False
    form.add_error(until, _("This day is before the first day. Choose a later one."))
    return True


class DelegateForm(NumberForm):
    """Whom somebody asks to look after their line, for what, and until the end of which day."""

    may = forms.ChoiceField(
        label=_("What they may do"),
        choices=(
            (Delegation.May.SEE, _("See who gets its location")),
            (Delegation.May.STOP, _("Stop or pause sharing, without seeing anything")),
            (Delegation.May.BOTH, _("See, and stop or pause")),
        ),
        initial=Delegation.May.SEE,
        widget=forms.RadioSelect(attrs={"class": "check"}),
        error_messages={"required": _("Choose what they may do.")},
    )
    day = forms.DateField(
        label=_("Until the end of this day"),
        help_text=_("A year from now at most. You can end it sooner at any time."),
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": _("Choose an end date.")},
    )

    def __init__(self, *args: Any, zone: ZoneInfo, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["number"].label = _("Their phone number")
        self.fields["number"].help_text = _(
            "They need a phone line with us, because they sign in with it. We'll text them that someone is asking for"
            " help, but not who. On the page, they'll see your number."
        )
        self.fields["number"].widget.attrs["autocomplete"] = "off"
        self._zone, self._at, self._today = zone, at, at.astimezone(zone).date()
        limits = {"min": self._today.isoformat(), "max": (self._today + A_YEAR).isoformat()}
        self.fields["day"].widget.attrs.update(limits)

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        # In a day's last second its end has come: nothing lasts until then.
        if not self._today <= day <= self._today + A_YEAR or end_of_day(day=day, zone=self._zone) <= self._at:
            raise forms.ValidationError(_("Choose a day between today and a year from now."))
        return day

    def ends_at(self) -> datetime:
        """The end of the day that was chosen, where the line is.

        That of the last day in the year may lie more than a year off, where the clocks were put back in between.
        """
        ends_at = end_of_day(day=self.cleaned_data["day"], zone=self._zone)
        return min(ends_at, self._at + A_YEAR + timedelta(days=1))


class SafeNumberForm(NumberForm):
    """A number of somebody's own for news about their line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["number"].label = _("A number that is safe for you")
        self.fields["number"].help_text = _("It can be with any carrier. We'll text it a code.")
        self.fields["number"].widget.attrs["autocomplete"] = "off"


class SeparationForm(forms.Form):
    """What somebody says who asks in confidence for a line of their own."""

    reach = forms.CharField(
        label=_("How we can reach you safely"),
        help_text=_("A number, an e-mail address or a person, and when. We use only this."),
        max_length=200,
        error_messages={"required": _("Tell us how we can reach you.")},
    )
    note = forms.CharField(
        label=_("Anything we should know (optional)"),
        help_text=_("For example: a child's line that should come with you. You don't have to say what happened."),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": "3"}),
    )
