"""What lets one person in: their password, passkeys, app and codes; a wait for a new password; where they are in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from django.contrib.auth.tokens import default_token_generator
from django.db.models import Q
from django.urls import reverse
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts.models import BrowserSession, Line, LineNumber, NewPassword, SafeContact, User
from accounts.policies import delegations
from accounts.primitives import sealing
from accounts.primitives.sealing import number_hash, token_hash, unseal, unseal_to_show
from accounts.queries import is_id
from audit.models import AuditEvent

OWNED: dict[str, str] = {
    Authenticator.Type.WEBAUTHN: "passkey", Authenticator.Type.TOTP: "app", Authenticator.Type.RECOVERY_CODES: "codes",
}  # fmt: skip
# A new SIM so long before a new number may belong to the same theft.
NEAR = timedelta(days=7)
# What somebody else would do first who took a line over, as the trail calls it.
LETS_IN = (
    "line.password_chosen", "line.password_changed", "line.password_replaced", "line.passkey_added", "line.app_added",
    "line.codes_added",
)  # fmt: skip
# A report of a new SIM or forwarding, as the trail has it: when it came, whatever day it names.
MOVE_REPORTED = Q(action="line.changed") & (
    Q(detail__contains={"changed": ["sim_changed_at"]}) | Q(detail__contains={"changed": ["forwarding_changed_at"]})
)


@dataclass(frozen=True)
class Factors:
    """What lets one person in, to compare: the hash of a password, and each passkey, app and sheet of codes by id.

    `used`: how many codes of their sheet were given.
    """

    password: str
    owned: Mapping[int, str]
    used: int


def get_factors(*, user: User) -> Factors:
    """Return what lets this person in now."""
    kept = list(Authenticator.objects.filter(user=user))
    return Factors(
        password=user.password if user.has_usable_password() else "",
        owned={one.pk: one.type for one in kept},
        used=sum(sealing.count_used_codes(one) for one in kept if one.type == Authenticator.Type.RECOVERY_CODES),
    )


def list_differences(*, before: Factors, after: Factors) -> list[str]:
    """Return what became different between the two, in the trail's words."""
    found = ["password_changed"] if before.password != after.password else []
    new, gone = after.owned.keys() - before.owned.keys(), before.owned.keys() - after.owned.keys()
    found += [f"{OWNED[after.owned[one]]}_added" for one in sorted(new)]
    # New codes take the place of old ones: that the old are gone is said with it.
    replaced = {after.owned[one] for one in new}
    found += [f"{OWNED[before.owned[one]]}_removed" for one in sorted(gone) if before.owned[one] not in replaced]
    return found + (["code_used"] if after.used > before.used else [])


def is_on_hold_only_for_new_number(*, line: Line, at: datetime) -> bool:
    """Return whether only a new number holds this line, and nothing that lets its person in was set since.

    Then a password or passkey from before shows who it is, whoever has the phone. A new SIM or forwarding near it, or
    reported near it, however old, shows nothing, nor does what was set after it: whoever took the line over may have
    done both. Nor does anything where releases of another line came to it: they may not be this person's at all.
    """
    moved, near = line.number_changed_at, delegations.get_time(line=line, at=at) - NEAR
    if moved is None or moved <= max(line.activated_at, near):
        return False
    tenures = line.list_tenures()
    if any(_has_moved_since(near, one) for one in tenures):
        return False
    recent = max(tenures[-1].activated_at, near)
    shows_nothing = Q(action__in=LETS_IN, at__gte=moved) | MOVE_REPORTED & Q(at__gt=recent)
    return not AuditEvent.objects.filter(shows_nothing, line_id__in=[one.pk for one in tenures]).exists()


def _has_moved_since(near: datetime, line: Line) -> bool:
    """Whether a new SIM or forwarding, or releases of another line, came to this one; not what it began with."""
    recent = max(line.activated_at, near)
    moments = (line.sim_changed_at, line.forwarding_changed_at, line.history_known_at)
    return any(one is not None and one > recent for one in moments)


def find_earlier_contact(*, line: Line, at: datetime) -> SafeContact | None:
    """Return the safe contact by which whoever is held by a new number alone may show who they are, or None.

    One set before the change, by the trail as well, and still in force. Not one that may be somebody else's by now,
    nor a number that the line has or had: whoever took the line over may have that.
    """
    contact, moved = delegations.contact_of(line_id=line.pk), line.number_changed_at
    if contact is None or contact.proved_at is None or moved is None or contact.proved_at >= moved:
        return None
    if not _is_adult_on_new_number_hold(line, at) or _may_belong_to_other(contact, line, at):
        return None
    was_set = AuditEvent.objects.filter(line_id=line.pk, action="line.contact_set", at=contact.proved_at)
    return contact if was_set.exists() else None


def _is_adult_on_new_number_hold(line: Line, at: datetime) -> bool:
    return line.user_role != Line.UserRole.MINOR and is_on_hold_only_for_new_number(line=line, at=at)


def _may_belong_to_other(contact: SafeContact, line: Line, at: datetime) -> bool:
    """Whether this is a number of the line itself, or of another line since, for all we know."""
    number = unseal_to_show(contact.to_sealed)
    own = LineNumber.objects.filter(line=line, msisdn_hash=number_hash(number))
    return not number or own.exists() or bool(delegations.list_reassigned_contacts(contacts=[contact], at=at))


def is_open_by_contact(*, shown: tuple[int, datetime] | None, line: Line, at: datetime) -> bool:
    """Return whether what a session has `shown` (`browsers.shown_by_contact`) opens what a held line has to read.

    It does while that contact counts, and until the number changes again.
    """
    contact = find_earlier_contact(line=line, at=at) if shown else None
    return contact is not None and shown == (contact.pk, line.number_changed_at)


def get_pending_password(*, user: User, at: datetime) -> NewPassword | None:
    """Return the wait for a new password of this person that is not over, cancelled or used; None: there is none."""
    waiting = NewPassword.objects.filter(user=user, cancelled_at__isnull=True, used_at__isnull=True)
    return waiting.filter(expires_at__gt=at).first()


def find_pending_password(*, token: str, at: datetime) -> NewPassword | None:
    """Return the wait for a new password that this link ends; None for a link that is used up, over or made up."""
    waiting = NewPassword.objects.filter(cancelled_at__isnull=True, used_at__isnull=True, expires_at__gt=at)
    return waiting.filter(token_hash=token_hash(token=token)).first()


@dataclass(frozen=True)
class SignIn:
    """One browser in which a person is signed in: since when, by which network address and browser ("": not known)."""

    pk: int
    since: datetime | None
    is_current: bool
    address: str
    browser: str

    @classmethod
    def of(cls, row: BrowserSession, *, is_current: bool) -> "SignIn":
        """Return the sign-in that a session's row tells of."""
        place = json.loads(unseal(row.origin_sealed)) if row.origin_sealed else {"address": "", "browser": ""}
        return cls(pk=row.pk, since=row.began_at, is_current=is_current, **place)


def list_sign_ins(*, user: User, current: bytes, at: datetime) -> list[SignIn]:
    """List where a person is signed in, the browser of `current` (`sessions.key_hash`) first, then the newest."""
    rows = BrowserSession.objects.filter(user=user, began_at__isnull=False, expires_at__gt=at)
    newest_first = rows.order_by("-began_at", "-pk")
    found = [SignIn.of(row, is_current=bytes(row.key_hash) == current) for row in newest_first]
    return sorted(found, key=lambda one: not one.is_current)


def invitation_path(*, user: User) -> str:
    """Return the path of a link by which somebody of staff chooses their first password: good once, for 3 days."""
    uid = urlsafe_base64_encode(str(user.pk).encode())
    return reverse("staff-invitation", kwargs={"uid": uid, "token": default_token_generator.make_token(user)})


def find_invited_user(*, uid: str, token: str) -> User | None:
    """Return whom a link invites; None for one that is wrong, used or too old."""
    try:
        number = urlsafe_base64_decode(uid).decode()
    except ValueError:
        return None
    if not is_id(text=number):
        return None
    user = User.objects.filter(pk=int(number), is_active=True).exclude(role=User.Role.SUBSCRIBER).first()
    fits = user is not None and not user.has_usable_password() and default_token_generator.check_token(user, token)
    return user if fits else None
