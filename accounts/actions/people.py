"""People and the lines they sign in by: from the first code to the end of the tenure."""

from datetime import datetime
from uuid import uuid4

from allauth.usersessions.models import UserSession
from django.db import transaction

import audit.actions
from accounts import queries, sessions
from accounts.actions.codes import take_code
from accounts.models import Line, LineUser, TextedCode, User


class HasProofAlready(Exception):
    """A password or passkey stands already: a texted code alone does not replace it."""


def sign_in(*, msisdn: str, asker: str, typed: str, at: datetime) -> User | None:
    """The user of the tenure, made at its first sign-in, when `typed` is the code texted for that; None otherwise."""
    line = take_code(msisdn=msisdn, purpose=TextedCode.Purpose.SIGN_IN, asker=asker, typed=typed, at=at)
    return _signed_in(line=line, at=at) if line else None


@transaction.atomic
def person_behind(*, line: Line, at: datetime) -> User:
    """The user of a tenure, made now if nobody has signed in yet: for what is said with a texted code alone."""
    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line.pk)
    user = queries.user_of_line(line_id=line.pk)
    if user is None:
        user = User(username=uuid4().hex, language=line.language)
        user.set_unusable_password()
        user.save()
        LineUser.objects.create(line=line, user=user, since=at)
    return user


@transaction.atomic
def set_first_password(*, user: User, password: str, at: datetime) -> User:
    """Give a person the first password of their tenure. Raises HasProofAlready: a later one needs the earlier."""
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    if sessions.has_proof_of_their_own(user=user):
        raise HasProofAlready
    user.set_password(password)
    user.save(update_fields=["password"])
    line = LineUser.objects.filter(user=user, until__isnull=True).first()
    audit.actions.record(
        action="line.password_chosen",
        actor=f"subscriber:{user.pk}",
        target=f"subscriber:{user.pk}",
        line_id=line.line_id if line else None,
        at=at,
    )
    return user


@transaction.atomic
def choose_language(*, user: User, language: str) -> None:
    """Remember the language in which a person reads pages and gets texts."""
    User.objects.filter(pk=user.pk).update(language=language)


@transaction.atomic
def end_tenure(*, line_id: int, at: datetime) -> None:
    """End the sign-in that belongs to a line: called in the transaction that ends the line. Its user sees no more.

    Whoever holds the number next starts with a new user. A change of number is not an end.
    """
    ended = list(LineUser.objects.select_for_update(of=("self",)).filter(line_id=line_id, until__isnull=True))
    for line_user in ended:
        line_user.until = max(at, line_user.since)
        line_user.save(update_fields=["until"])
        User.objects.filter(pk=line_user.user_id).update(is_active=False)
        end_sessions(user_id=line_user.user_id)
        audit.actions.record(
            action="line.tenure_ended",
            actor="system:lines",
            target=f"subscriber:{line_user.user_id}",
            line_id=line_id,
            at=at,
        )


@transaction.atomic
def _signed_in(*, line: Line, at: datetime) -> User:
    user = person_behind(line=line, at=at)
    audit.actions.record(
        action="line.signed_in", actor=f"subscriber:{user.pk}", target=f"line:{line.pk}", line_id=line.pk, at=at
    )
    return user


def end_sessions(*, user_id: int) -> None:
    """End every sign-in of a person."""
    for session in UserSession.objects.filter(user_id=user_id):
        session.end()
