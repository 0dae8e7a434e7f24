"""Limits on guessing (docs/decisions/0065): counted in rows, for each door by itself, and open to the rightful person.

A try is counted before it is looked at and taken back when it was right, so that guesses at once can't pass a limit.
From a browser in which the person proved who they are before (its device cookie), only that browser's own wrong tries
count. From any other those count that were made at the account from the same network, at the account, and from the
network. Whoever gives their second factor with the password is not refused, whatever others try: that each of these
tries hashes a password is bounded by the turns it takes (docs/decisions/0094), and the code has a limit of its own,
which only those reach who know the password. Nor is whoever stops for a line that has ended, where nothing is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from allauth.mfa.models import Authenticator
from django.db import connection, transaction

from accounts.models import DeviceCookie, SpentCode, Throttle, User
from accounts.primitives import sealing
from accounts.primitives.browsers import Source
from accounts.primitives.sealing import compute_hmac, number_hash

CODE_LASTS = timedelta(minutes=5)
# Whose clock is a little behind must not wait for a try that nobody has to wait after.
NO_WAIT = datetime(1970, 1, 1, tzinfo=UTC)
# Levels are kept in thousandths.
ONE = 1000

GIVE_BACK = """
UPDATE accounts_throttle SET level_milli = GREATEST(0, level_milli - 1000), wait_until = %s WHERE id = ANY (%s)
"""
COUNT_WRONG_CODE = """
INSERT INTO accounts_throttle AS kept (mark_hash, level_milli, last_at, wait_until)
VALUES (%(mark)s, 1000, %(at)s, %(no_wait)s)
ON CONFLICT (mark_hash) DO UPDATE SET level_milli = kept.level_milli + 1000, last_at = %(at)s RETURNING level_milli
"""


class GuessTarget(StrEnum):
    """Where something can be guessed."""

    STAFF = "staff"  # e-mail and password
    ENDED = "ended"  # the number of a line that has ended, and a password
    AGAIN = "again"  # the password of somebody who is signed in
    FACTOR = "factor"  # a code of an authenticator app, or a recovery code


@dataclass(frozen=True)
class Limit:
    """What is counted as wrong fades by one in each `fades`. From the `free`th on each is followed by a wait.

    The wait is `shortest` at first, twice as long with each wrong try more, and `longest` at most.
    """

    free: int
    fades: timedelta
    shortest: timedelta
    longest: timedelta


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
STRICT = Limit(5, HOUR, MINUTE, HOUR)
ACCOUNT = Limit(50, 30 * MINUTE, MINUTE, HOUR)
# Very many people may be behind one address of a carrier's: 200 wrong tries an hour are theirs.
NETWORK = Limit(200, timedelta(seconds=18), timedelta(seconds=10), 5 * MINUTE)
OPEN_TO_ALL = (GuessTarget.STAFF, GuessTarget.ENDED)


class TooManyTries(Exception):
    """Nothing is looked at until `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


@dataclass(frozen=True)
class Try:
    """A try that was counted as wrong: to be given back when it was right."""

    throttles: Sequence[int]
    at: datetime


@transaction.atomic
def count_try(*, door: GuessTarget, account: str, source: Source, at: datetime) -> Try:
    """Count one try at an account: what was typed for it, or a person's id, whether or not there is one.

    Raises: TooManyTries where it has to wait. Such a try is not counted.
    """
    if source.device and _is_registered_device(door, account, source.device):
        counted = [("device", f"{account}|{source.device}", STRICT)]
    elif door in OPEN_TO_ALL:
        counted = [
            ("here", f"{account}|{source.network}", STRICT), ("account", account, ACCOUNT),
            ("network", source.network, NETWORK),
        ]  # fmt: skip
    else:
        counted = [("account", account, STRICT)]
    marks = [(_get_throttle_key(door, kind, what), limit) for kind, what, limit in counted]
    # In one order, so that two tries never wait for each other.
    return Try([_count_level(mark, limit, at) for mark, limit in sorted(marks, key=lambda one: one[0])], at)


@transaction.atomic
def refund_try(*, right: Try) -> None:
    """Take back a try that was right. What was wrong before it still counts."""
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, [NO_WAIT, list(right.throttles)])


@transaction.atomic
def remember_device(*, user_id: int, token: str, at: datetime) -> None:
    """Remember the browser of this device cookie as one in which this person proved who they are."""
    DeviceCookie.objects.update_or_create(user_id=user_id, token_hash=_token_hash(token), defaults={"last_at": at})


def count_wrong_code(*, code_request_id: str, at: datetime) -> int:
    """Count a texted code that was not right, and return how many weren't since this request for one.

    There may be no code, and no such number: it is counted all the same. Tries at once each count.
    """
    mark = compute_hmac("throttle", f"texted-code|{code_request_id}".encode())
    with connection.cursor() as cursor:
        cursor.execute(COUNT_WRONG_CODE, {"mark": mark, "at": at, "no_wait": NO_WAIT})
        (level_milli,) = cursor.fetchone() or (ONE,)
    return int(level_milli) // ONE


def is_right_code(*, user: User | None, code: str, source: Source, at: datetime) -> bool:
    """Return whether this is a code of this person's app, or one of their recovery codes; it is used up by that.

    The same is done for nobody. Only who knows the password gets here with somebody: theirs alone are the tries.
    """
    user_id = user.pk if user else 0
    try:
        taken = count_try(door=GuessTarget.FACTOR, account=str(user_id), source=source, at=at)
    except TooManyTries:
        return False
    of_an_app = sealing.is_app_code_shape(code)
    kinds = [Authenticator.Type.TOTP if of_an_app else Authenticator.Type.RECOVERY_CODES]
    typed = _normalize_code(user, code)
    kept = Authenticator.objects.filter(user_id=user_id, type__in=kinds).first()
    is_right = kept is not None and bool(kept.wrap().validate_code(typed))
    if is_right and of_an_app:
        is_right = spend_code(user_id=user_id, code=code, at=at)
    if is_right:
        refund_try(right=taken)
    return is_right


def _normalize_code(user: User | None, code: str) -> str:
    """What was typed as the factor would have it; "" if it is like none."""
    if sealing.is_app_code_shape(code):
        return code
    return sealing.normalize_recovery_code(user=user, typed=code) if sealing.is_recovery_code_shape(code) else ""


def spend_code(*, user_id: int, code: str, at: datetime) -> bool:
    """Note that a code of an authenticator app was taken. Returns False where it was taken before."""
    mark = compute_hmac("spent-code", f"{user_id}|{code}".encode())
    SpentCode.objects.filter(at__lt=at - CODE_LASTS).delete()
    _, is_new = SpentCode.objects.get_or_create(code_hash=mark, defaults={"at": at})
    return is_new


def _is_registered_device(door: GuessTarget, account: str, device: str) -> bool:
    known = DeviceCookie.objects.filter(token_hash=_token_hash(device))
    if door == GuessTarget.STAFF:
        return known.filter(user__email__iexact=account).exists()
    if door == GuessTarget.ENDED:
        # Theirs alone whose line has ended: whoever has the number next guesses as a stranger.
        return known.filter(
            user__line_users__until__isnull=False, user__line_users__line__numbers__msisdn_hash=number_hash(account)
        ).exists()
    return known.filter(user_id=int(account)).exists()


def _get_throttle_key(door: GuessTarget, kind: str, what: str) -> bytes:
    return compute_hmac("throttle", f"{door}|{kind}|{what}".encode())


def _count_level(mark: bytes, limit: Limit, at: datetime) -> int:
    new = Throttle(mark_hash=mark, level_milli=0, last_at=at, wait_until=NO_WAIT)
    Throttle.objects.bulk_create([new], ignore_conflicts=True)
    kept = Throttle.objects.select_for_update().get(mark_hash=mark)
    if at < kept.wait_until:
        raise TooManyTries(kept.wait_until)
    level = max(0.0, kept.level_milli / ONE - max(at - kept.last_at, timedelta()) / limit.fades) + 1
    wait = _get_wait(level, limit)
    kept.level_milli, kept.last_at, kept.wait_until = round(level * ONE), at, at + wait if wait else NO_WAIT
    kept.save(update_fields=["level_milli", "last_at", "wait_until"])
    return kept.pk


def _get_wait(level: float, limit: Limit) -> timedelta:
    beyond = round(level) - limit.free
    return min(limit.longest, limit.shortest * 2 ** min(beyond, 20)) if beyond >= 0 else timedelta()


def _token_hash(token: str) -> bytes:
    return compute_hmac("device-cookie", token.encode())
