"""People and the lines they sign in by: from the first code to the end of the tenure."""

import hashlib
from collections.abc import Collection
from datetime import datetime
from uuid import uuid4

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q

import audit.actions
from accounts import queries
from accounts.actions.codes import verify_code
from accounts.actions.contacts import end_contacts
from accounts.actions.delegations import end_tenure_delegations
from accounts.actions.rate_limits import GuessTarget, count_try, is_right_code, refund_try
from accounts.actions.sign_ins import (
    end_sessions,
    end_sign_ins,
    record_device,
    record_sign_in_event,
    send_security_notice,
)
from accounts.clients.oidc import ClaimedLine
from accounts.domain import message_templates, sessions
from accounts.models import KnownDevice, Line, LineUser, TextedCode, User
from accounts.policies import delegations
from accounts.primitives.browsers import Source
from accounts.primitives.sealing import compute_hmac

# Of all who ever had a number, the last: as many passwords are looked at for every number.
HAD_IT_AT_MOST = 3
NOWHERE = Source("")


def sign_in(*, msisdn: str, asker: str, typed: str, device: str = "", alone: bool = False, at: datetime) -> User | None:
    """Return the user of the tenure, made at its first sign-in, when `typed` is the code texted for that; else None.

    `device`: what `browsers.device` says of where they are. `alone`: every other sign-in of theirs ends, for which
    the phone in hand is enough.
    """
    line = verify_code(msisdn=msisdn, purpose=TextedCode.Purpose.SIGN_IN, asker=asker, typed=typed, at=at)
    return _complete_sign_in(line=line, device=device, alone=alone, at=at) if line else None


@transaction.atomic
def sign_in_by_carrier(*, word: ClaimedLine, device: str = "", at: datetime) -> User | None:
    """Return the user of the line that the carrier's provider names, made at its first sign-in; else None.

    From the first time on the line is that one person's of the provider's: another of its names opens it no more,
    and the line is told. A pin by which its person has once seen is a proof of their own.
    """
    line = queries.line_named(carrier_id=word.line_id, msisdn=word.msisdn, at=at)
    if line is None:
        return None
    user = get_or_create_person(line=line, at=at)
    named = f"{line.pk}|{word.subject}".encode()
    # A provider may name a person by their number: without a key anybody could try all numbers against a pin.
    who, unkeyed = compute_hmac("carrier-pin", named).hex(), hashlib.sha256(named).hexdigest()
    pinned = SocialAccount.objects.filter(user=user, provider=word.issuer)
    if pinned.exclude(uid__in=(who, unkeyed)).exists():
        return None
    pin = pinned.first() or SocialAccount(user=user, provider=word.issuer, extra_data={})
    is_new, pin.uid = pin.pk is None, who
    if word.strong:
        pin.extra_data = {sessions.SEES: True}
    pin.save()
    if is_new:
        send_security_notice(user=user, text=message_templates.new_carrier_account_text, at=at)
    if device:
        record_device(user=user, device=device, at=at)
    record_sign_in_event(user=user, what="signed_in_by_carrier", at=at)
    return user


def sign_in_after_end(
    *, msisdn: str, password: str, code: str = "", source: Source = NOWHERE, at: datetime
) -> User | None:
    """Return who had this number when their line ended, and has this password; None for everything else.

    As long for a number that nobody had. `code`: of their app, or a recovery code, which must be right too. Call
    outside a transaction. Raises TooManyTries, but never with a code.
    """
    taken = None if code else count_try(door=GuessTarget.ENDED, account=msisdn, source=source, at=at)
    known = _find_by_password(msisdn, password)
    if code and not is_right_code(user=known, code=code, source=source, at=at):
        return None
    if known is None:
        return None
    if taken:
        refund_try(right=taken)
    with transaction.atomic():
        record_sign_in_event(user=known, what="signed_in_after_end", at=at)
    return known


def find_to_stop_after_end(*, msisdn: str, password: str) -> User | None:
    """Who had this number when their line ended, and has this password: for a stop whose answer doesn't say.

    No wrong try makes anybody wait here: whoever guesses learns nothing. As long for a number that nobody had. Call
    outside a transaction.
    """
    return _find_by_password(msisdn, password)


def _find_by_password(msisdn: str, password: str) -> User | None:
    """Compare the password as often as if the most people that may have had this number had it."""
    users = delegations.users_of_ended(msisdn=msisdn)[:HAD_IT_AT_MOST]
    found = [user for user in users if user.check_password(password)]
    for _none in range(HAD_IT_AT_MOST - len(users)):
        make_password(password)
    return next((user for user in found if user.is_active), None)


@transaction.atomic
def record_passkey_return(*, user: User, at: datetime) -> None:
    """Note that somebody whose line has ended came back by their passkey."""
    record_sign_in_event(user=user, what="signed_in_after_end", at=at)


@transaction.atomic
def get_or_create_person(*, line: Line, at: datetime) -> User:
    """Return the user of a tenure, made now if nobody signed in yet: for what is said with a texted code alone."""
    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line.pk)
    user = queries.user_of_line(line_id=line.pk)
    if user is None:
        user = User(username=uuid4().hex, language=line.language)
        user.set_unusable_password()
        user.save()
        LineUser.objects.create(line=line, user=user, since=at)
    return user


@transaction.atomic
def start_history_hold(*, line_ids: Collection[int], at: datetime) -> None:
    """Hold for a day what these lines open: releases that were others' have come to them."""
    earlier = Q(history_known_at__isnull=True) | Q(history_known_at__lt=at)
    Line.objects.filter(earlier, pk__in=line_ids).update(history_known_at=at)
    hold_successors(line_ids=line_ids)


@transaction.atomic
def hold_successors(*, line_ids: Collection[int]) -> list[Line]:
    """Hold the lines that continue these, however far, as long as these are held: they are the same persons'.

    Whichever was known first, the change or the line that continues the changed one. Returns the lines that are held
    longer now, each after the one that it continues. Call it where these lines are locked: by what holds them, or by
    what makes others continue them.
    """
    held: list[Line] = []
    while line_ids:
        next_ones = Line.objects.select_related("continues_line").filter(continues_line__in=line_ids).order_by("pk")
        later = [line for line in next_ones if _take_holds_over(line)]
        Line.objects.bulk_update(later, ["change_known_at", "holder_known_at"], batch_size=250)
        held += later
        line_ids = [line.pk for line in later]
    return held


def _take_holds_over(line: Line) -> bool:
    """Give a line the holds of the one before it where those are later than its own; whether one was."""
    before = line.continues_line
    if before is None:
        return False
    holds = {"change_known_at": queries.get_hold_start(line=before), "holder_known_at": before.holder_known_at}
    own = {name: getattr(line, name) for name in holds}
    later = {name: since for name, since in holds.items() if since and (own[name] is None or own[name] < since)}
    for name, since in later.items():
        setattr(line, name, since)
    return bool(later)


@transaction.atomic
def choose_language(*, user: User, language: str) -> None:
    """Remember the language in which a person reads pages and gets texts."""
    User.objects.filter(pk=user.pk).update(language=language)


@transaction.atomic
def end_tenures(*, line_ids: Collection[int], at: datetime) -> None:
    """End the sign-ins that belong to lines: called in the transaction that ends them. Nobody comes in by them now.

    Who has a password or passkey may come back by that, and sees this tenure alone. Whoever holds the number next
    starts with a new user. A change of number is not an end.
    """
    end_contacts(line_ids=line_ids, at=at)
    ended = list(
        LineUser.objects.select_for_update(of=("self", "user"))
        .select_related("user")
        .filter(line__in=line_ids, until__isnull=True)
        .order_by("pk")
    )
    for line_user in ended:
        line_user.until = max(at, line_user.since)
        line_user.save(update_fields=["until"])
        comes_back = sessions.has_password_or_passkey(user=line_user.user)
        User.objects.filter(pk=line_user.user_id).update(is_active=comes_back)
        end_tenure_delegations(user_id=line_user.user_id, line_id=line_user.line_id, at=at)
        KnownDevice.objects.filter(user_id=line_user.user_id).delete()
        end_sessions(user_id=line_user.user_id, at=at)
        audit.actions.record(
            action="line.tenure_ended",
            actor="system:lines",
            target=f"subscriber:{line_user.user_id}",
            line_id=line_user.line_id,
            at=at,
        )


@transaction.atomic
def _complete_sign_in(*, line: Line, device: str, alone: bool, at: datetime) -> User:
    user = get_or_create_person(line=line, at=at)
    if alone:
        end_sign_ins(user=user, at=at)
    if device:
        record_device(user=user, device=device, at=at)
    audit.actions.record(
        action="line.signed_in", actor=f"subscriber:{user.pk}", target=f"line:{line.pk}", line_id=line.pk, at=at
    )
    return user
