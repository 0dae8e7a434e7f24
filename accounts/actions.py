"""Verbs about people: text a code and take it, sign in by a line, choose a password, end a tenure."""

import secrets
from datetime import datetime, timedelta
from uuid import uuid4

from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import F
from django.utils import translation

import audit.actions
from accounts import queries, sessions, texts
from accounts.models import CodeAsker, Line, LineUser, TextedCode, User
from accounts.oidc import Identity
from accounts.permissions import actor_of
from accounts.sealing import seal, unseal
from accounts.wording import code_text, language_of

DAY = timedelta(days=1)
# docs/decisions/0016: how long a code lasts, how often it is sent, how many digits it has, and how many tries at it
# one browser has, and all of them together.
FRESH, LONG_FRESH = timedelta(minutes=10), timedelta(hours=2)
SENDS_OF_ONE_CODE, SENDS_OF_LONG_CODE = 5, 2
SHORT, LONG = 6, 10
SHORT_TRIES, LONG_TRIES = 5, 20
SHORT_TRIES_OF_ALL, LONG_TRIES_OF_ALL = 20, 30_000
# Short codes asked for and never used; one that was used was asked for by the line's own person.
UNUSED_AT_MOST = {timedelta(hours=1): 3, DAY: 8}


class AlreadyThere(Exception):
    """Somebody has this e-mail already, or the role is none of staff's."""


class NoStaff(Exception):
    """Nobody of staff has this e-mail."""


class NoInvitation(Exception):
    """The link is wrong, used or too old."""


class HasProofAlready(Exception):
    """A password or passkey stands already: a texted code alone does not replace it."""


def text_code(*, msisdn: str, purpose: TextedCode.Purpose, asker: str, at: datetime) -> None:
    """Text a code for one purpose to a number that is an active line; do nothing for any other. Tells nobody which.

    `asker`: the browser session (`sessions.asker`). While a code is fresh the same one is sent again, to whoever asks.
    Where many go unused or are guessed at, codes are long, so that nobody's guesses keep the line's person out. The
    text goes out after the commit; call outside a transaction.
    """
    line = queries.line_of_number(msisdn=msisdn, at=at)
    code = _code_to_send(line=line, purpose=purpose, asker=asker, at=at) if line else None
    if line and code:
        with translation.override(language_of(line)):
            texts.send_text(msisdn=msisdn, text=code_text(purpose=purpose, code=code), code=code)


def take_code(*, msisdn: str, purpose: TextedCode.Purpose, asker: str, typed: str, at: datetime) -> Line | None:
    """The line, when `typed` is a code that this browser session asked for and that was texted to the line for this.

    None for everything else. A wrong try is counted for this session, and for the code; a right one uses the code up.
    """
    line = queries.line_of_number(msisdn=msisdn, at=at)
    if line is None:
        return None
    with transaction.atomic():
        fresh = _fresh(line=line, purpose=purpose, at=at)
        mine = CodeAsker.objects.filter(code__in=fresh, asker=asker, tries_left__gt=0)
        open_to = {one.code_id for one in mine}
        for code in fresh:
            if code.pk in open_to and secrets.compare_digest(
                unseal(code.code_sealed).encode(), _digits(typed).encode()
            ):
                code.used_at = at
                code.save(update_fields=["used_at"])
                return line
        mine.update(tries_left=F("tries_left") - 1)
        TextedCode.objects.filter(pk__in=open_to).update(tries_left=F("tries_left") - 1)
    return None


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
def sign_in_vouched(*, identity: Identity, at: datetime) -> User | None:
    """The one member of staff whom the carrier's provider vouches for; None for everybody else. Nobody is made here.

    The first time they are found by their verified e-mail, and from then on by the provider's own name for them alone.
    """
    pinned = SocialAccount.objects.select_related("user").filter(provider=identity.issuer, uid=identity.subject).first()
    user = pinned.user if pinned else _pin(identity, at)
    if user is None or not user.is_active or user.role == User.Role.SUBSCRIBER:
        return None
    if identity.roles is not None and user.role not in identity.roles:
        return None
    audit.actions.record(action="staff.vouched_for", actor=actor_of(user), target=f"user:{user.pk}", at=at)
    return user


@transaction.atomic
def make_staff(*, email: str, role: User.Role, actor: str, at: datetime) -> User:
    """Somebody of staff without a password: `invitation` says how they choose one. Raises AlreadyThere."""
    if role == User.Role.SUBSCRIBER or User.objects.filter(email__iexact=email).exists():
        raise AlreadyThere(email)
    user = User(username=uuid4().hex, email=email, role=role)
    user.set_unusable_password()
    user.full_clean(exclude=["password"])
    user.save()
    audit.actions.record(action="staff.made", actor=actor, target=f"user:{user.pk}", at=at, detail={"role": str(role)})
    return user


@transaction.atomic
def invite_again(*, email: str, actor: str, at: datetime) -> User:
    """Take the password and the sign-ins of somebody of staff: `invitation` gives a new link. Raises NoStaff."""
    user = _staff(email)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    _end_sessions(user.pk)
    audit.actions.record(action="staff.invited_again", actor=actor, target=f"user:{user.pk}", at=at)
    return user


@transaction.atomic
def end_staff(*, email: str, actor: str, at: datetime) -> User:
    """Somebody of staff has left: every sign-in of theirs ends, and none begins. Raises NoStaff."""
    user = _staff(email)
    user.is_active = False
    user.save(update_fields=["is_active"])
    _end_sessions(user.pk)
    audit.actions.record(action="staff.ended", actor=actor, target=f"user:{user.pk}", at=at)
    return user


@transaction.atomic
def accept_invitation(*, uid: str, token: str, password: str, at: datetime) -> User:
    """Take an invitation, which is used up by it. Raises NoInvitation."""
    user = queries.invited(uid=uid, token=token)
    if user is None:
        raise NoInvitation
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.actions.record(action="staff.password_chosen", actor=actor_of(user), target=f"user:{user.pk}", at=at)
    return user


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
        _end_sessions(line_user.user_id)
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


@transaction.atomic
def _code_to_send(*, line: Line, purpose: TextedCode.Purpose, asker: str, at: datetime) -> str | None:
    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line.pk)
    code = next((one for one in _fresh(line=line, purpose=purpose, at=at) if at < one.made_at + _lasts(one)), None)
    if code is not None:
        mine, _new = CodeAsker.objects.get_or_create(code=code, asker=asker, defaults={"tries_left": _tries(code)})
        # Whoever spent their own tries gets another code; a long one is not worth guessing at, and not sent twice.
        if mine.tries_left or code.long:
            return _again(code, at)
    long = _watched(line=line, purpose=purpose, at=at)
    digits = "".join(str(secrets.randbelow(10)) for _ in range(LONG if long else SHORT))
    code = TextedCode.objects.create(
        id=uuid4(), line=line, purpose=purpose, code_sealed=seal(digits), made_at=at, sent_at=at, long=long,
        tries_left=LONG_TRIES_OF_ALL if long else SHORT_TRIES_OF_ALL,
    )  # fmt: skip
    CodeAsker.objects.create(code=code, asker=asker, tries_left=_tries(code))
    return digits


def _again(code: TextedCode, at: datetime) -> str | None:
    if code.sends >= (SENDS_OF_LONG_CODE if code.long else SENDS_OF_ONE_CODE):
        return None
    code.sends += 1
    code.sent_at = at
    code.save(update_fields=["sends", "sent_at"])
    return unseal(code.code_sealed)


def _watched(*, line: Line, purpose: TextedCode.Purpose, at: datetime) -> bool:
    """Whether somebody may be guessing: too many short codes went unused, or too many tries at them were wrong."""
    short = TextedCode.objects.filter(line=line, purpose=purpose, long=False)
    unused = short.filter(used_at__isnull=True)
    left = short.filter(made_at__gt=at - DAY).values_list("tries_left", flat=True)
    return sum(SHORT_TRIES_OF_ALL - one for one in left) >= SHORT_TRIES_OF_ALL or any(
        unused.filter(made_at__gt=at - span).count() >= most for span, most in UNUSED_AT_MOST.items()
    )


def _lasts(code: TextedCode) -> timedelta:
    return LONG_FRESH if code.long else FRESH


def _tries(code: TextedCode) -> int:
    return LONG_TRIES if code.long else SHORT_TRIES


def _staff(email: str) -> User:
    staff = User.objects.select_for_update(of=("self",)).exclude(role=User.Role.SUBSCRIBER)
    found = list(staff.filter(email__iexact=email, is_active=True)[:2])
    if len(found) != 1:
        raise NoStaff(email)
    return found[0]


def _end_sessions(user_id: int) -> None:
    for session in UserSession.objects.filter(user_id=user_id):
        session.end()


def _pin(identity: Identity, at: datetime) -> User | None:
    """The one active member of staff with this e-mail, whom the provider had no name for yet; noted with its name."""
    staff = User.objects.select_for_update(of=("self",)).exclude(role=User.Role.SUBSCRIBER)
    found = list(staff.filter(email__iexact=identity.email, is_active=True)[:2])
    if len(found) != 1 or SocialAccount.objects.filter(user=found[0]).exists():
        return None
    SocialAccount.objects.create(user=found[0], provider=identity.issuer, uid=identity.subject, extra_data={})
    audit.actions.record(action="staff.pinned", actor=actor_of(found[0]), target=f"user:{found[0].pk}", at=at)
    return found[0]


def _fresh(*, line: Line, purpose: TextedCode.Purpose, at: datetime) -> list[TextedCode]:
    """The codes that still count, locked, the newest first."""
    codes = TextedCode.objects.select_for_update(of=("self",)).filter(
        line=line, purpose=purpose, used_at__isnull=True, tries_left__gt=0, sent_at__gt=at - LONG_FRESH
    )
    return [code for code in codes.order_by("-made_at") if at < code.sent_at + _lasts(code)]


def _digits(typed: str) -> str:
    return "".join(character for character in typed if character.isdecimal() and character.isascii())
