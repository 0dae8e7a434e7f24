"""What allauth asks of us: where people land, that nobody signs up, whose second factor is asked for at the door."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext

from accounts.models import User
from accounts.sealing import seal, unseal

NAME = "Whereabouts"
DESK, CONSOLE = "/desk/", "/admin/"
ALLAUTHS_STAGE = f"{AuthenticateStage.__module__}.{AuthenticateStage.__name__}"


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up: subscribers come by their line, staff are made by the privacy office."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

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

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        return _shown(user)

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, object]:
        return {"id": str(user.pk).encode(), "display_name": _shown(user), "name": _shown(user)}

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
        return isinstance(user, User) and user.role != User.Role.SUBSCRIBER and bool(super()._should_handle(request))


def _own_page(role: str) -> str:
    """Where somebody of staff works: the console, or the desk where there is one; else their settings."""
    page = DESK if role == User.Role.AGENT else CONSOLE
    try:
        resolve(page)
    except Resolver404:
        return reverse("settings")
    return page


def _shown(user: AbstractBaseUser) -> str:
    """What a person's own device calls this sign-in: never a phone number."""
    return (isinstance(user, User) and user.email) or NAME
