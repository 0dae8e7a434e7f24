"""The link by which somebody of staff chooses their first password."""

from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts.models import User
from accounts.queries import is_id


def invitation(*, user: User) -> str:
    """The path of a link by which somebody of staff chooses their first password: good once, for 3 days."""
    uid = urlsafe_base64_encode(str(user.pk).encode())
    return reverse("staff-invitation", kwargs={"uid": uid, "token": default_token_generator.make_token(user)})


def find_invited_user(*, uid: str, token: str) -> User | None:
    """Whom a link invites; None for one that is wrong, used or too old."""
    try:
        number = urlsafe_base64_decode(uid).decode()
    except ValueError:
        return None
    if not is_id(text=number):
        return None
    user = User.objects.filter(pk=int(number), is_active=True).exclude(role=User.Role.SUBSCRIBER).first()
    fits = user is not None and not user.has_usable_password() and default_token_generator.check_token(user, token)
    return user if fits else None
