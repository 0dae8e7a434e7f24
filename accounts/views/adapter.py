"""What allauth asks of us: where people land, that nobody signs up, whose second factor is asked for at the door."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext, gettext_lazy

from accounts.actions.rate_limits import GuessTarget, TooManyTries, Try, count_try, is_right_code, refund_try
from accounts.domain import sessions
from accounts.domain.sentences import sentence
from accounts.models import User
from accounts.primitives import browsers
from accounts.primitives.sealing import seal, unseal
from accounts.views.access import delay_response, get_hashing_due

NAME = "Whereabouts"
# Added before seconds are cut off: what is left of a wait is said in whole minutes, and never too few.
ROUNDS_UP = timedelta(seconds=59)
DESK, CONSOLE = "/desk/", "/admin/"
ALLAUTHS_STAGE = f"{AuthenticateStage.__module__}.{AuthenticateStage.__name__}"


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up: subscribers come by their line, staff are made by the privacy office."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "incorrect_password": gettext_lazy("That password isn't right. Check it and try again."),
        "email_password_mismatch": gettext_lazy("That email and password don't match. Check both and try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Check a password: at the door of staff, or of somebody who is signed in, once more.

        With the code of their app as well, wrong tries at their account keep nobody waiting (`code`).
        """
        at, code = timezone.now(), credentials.pop("code", "")
        if code:
            return self._with_code(request, code, at, **credentials)
        user = request.user
        is_in = isinstance(user, User)
        door = GuessTarget.AGAIN if is_in else GuessTarget.STAFF
        account = str(user.pk) if is_in else str(credentials.get("email", "")).lower()
        with self._report_too_many_tries(at):
            taken = count_try(door=door, account=account, source=browsers.get_source(request), at=at)
        found: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if found is not None:
            refund_try(right=taken)
        return found

    @contextmanager
    def trying(self, *, door: GuessTarget, account: str) -> Iterator[Try]:
        """Around the check of what somebody typed: it is counted before, and taken back unless it raises."""
        at = timezone.now()
        with self._report_too_many_tries(at):
            taken = count_try(door=door, account=account, source=browsers.get_source(context.request), at=at)
        yield taken
        refund_try(right=taken)

    def must_wait_error(self, until: datetime, at: datetime) -> ValidationError:
        """What a form says of a door at which nothing is looked at until then. A script adds the hour by its clock."""
        wait = timesince(at, until + ROUNDS_UP)
        clock = format_html('<time datetime="{}" data-clock>{}</time>', until.isoformat(timespec="seconds"), wait)
        return ValidationError(sentence(gettext("Too many tries. Try again in %(wait)s."), wait=clock))

    @contextmanager
    def _report_too_many_tries(self, at: datetime) -> Iterator[None]:
        try:
            yield
        except TooManyTries as error:
            raise self.must_wait_error(error.until, at) from error

    def _with_code(self, request: HttpRequest, code: str, at: datetime, **credentials: Any) -> AbstractBaseUser | None:
        """Whoever gives the right password and the right code. Whichever is wrong, the same is said, after as long."""
        due = get_hashing_due()
        found = super().authenticate(request, **credentials)
        user = found if isinstance(found, User) else None
        if not is_right_code(user=user, code=code, source=browsers.get_source(request), at=at):
            delay_response(request, due=due)
            return None
        if user is not None:
            sessions.record_code(request, user=user)
        return user

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        user = request.user
        if isinstance(user, User) and user.role != User.Role.SUBSCRIBER:
            return _own_page(user.role)
        return str(settings.LOGIN_REDIRECT_URL)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("settings")

    def get_login_stages(self) -> list[str]:
        """allauth's own steps, but a second factor is asked of staff only: subscribers prove themselves to see."""
        ours = f"{StaffSecondFactor.__module__}.{StaffSecondFactor.__name__}"
        return [ours if stage == ALLAUTHS_STAGE else stage for stage in super().get_login_stages()]


class FactorAdapter(DefaultMFAAdapter):
    """Secrets of authenticator apps are sealed like everything personal; apps show a name that tells little."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("That code isn't right. Check the newest one in your app and try again."),
    }

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        return _get_display_name(user)

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, object]:
        return {"id": str(user.pk).encode(), "display_name": _get_display_name(user), "name": _get_display_name(user)}

    def generate_authenticator_name(self, user: AbstractBaseUser, kind: Authenticator.Type) -> str:
        kept = Authenticator.objects.filter(user_id=user.pk, type=kind).count()
        return gettext("My phone") if kept == 0 else gettext("Passkey %(n)s") % {"n": kept + 1}

    def encrypt(self, text: str) -> str:
        return seal(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text.encode())


class StaffSecondFactor(AuthenticateStage):
    """The step after a password at which staff give the code of their authenticator app, or their passkey."""

    def _should_handle(self, request: HttpRequest) -> bool:
        user = self.login.user
        if (
            not isinstance(user, User)
            or user.role == User.Role.SUBSCRIBER
            or sessions.has_recent_code(request, user=user)
        ):
            return False
        return bool(super()._should_handle(request))


class PasskeyAgain(ReauthenticateWebAuthnView):
    """allauth's page. A passkey that didn't work is said on it; allauth sends people on to the sign-in page instead."""

    def form_invalid(self, form: Form) -> HttpResponse:
        return self.render_to_response({**self.get_context_data(), "form": form})


def _own_page(role: str) -> str:
    """Where somebody of staff works: the console, or the desk where there is one; else their settings."""
    page = DESK if role == User.Role.AGENT else CONSOLE
    try:
        resolve(page)
    except Resolver404:
        return reverse("settings")
    return page


def _get_display_name(user: AbstractBaseUser) -> str:
    """What a person's own device calls this sign-in: never a phone number."""
    return (isinstance(user, User) and user.email) or NAME
