"""Reads about people and lines: whose number this is, and what a person is to which lines."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from allauth.mfa.models import Authenticator
from django.contrib.auth.tokens import default_token_generator
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.urls import reverse
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts import numbers
from accounts.models import Line, LineNumber, LineTexts, LineUser, NewPassword, TextedCode, User
from accounts.permissions import Action, Relation, StaffAction, actor_of, may, staff_may
from accounts.sealing import number_hash, unseal
from accounts.zones import name_of, zone_of

LONGEST_ID = 19
# A new SIM, number or forwarding may mean that somebody else has the phone's texts: so long nothing opens by them.
HOLD = timedelta(hours=24)
OWNED: dict[str, str] = {
    Authenticator.Type.WEBAUTHN: "passkey",
    Authenticator.Type.TOTP: "app",
    Authenticator.Type.RECOVERY_CODES: "codes",
}


class NotForThem(Exception):
    """Whoever wants to act is not staff of a role that may do that."""


@dataclass(frozen=True)
class PersonsLine:
    """A line as one person stands to it. `msisdn` is its number now ("" if it has none)."""

    line: Line
    relation: Relation
    msisdn: str

    @property
    def number(self) -> str:
        """The number as pages show it."""
        return numbers.shown(self.msisdn)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which its pages tell the time."""
        return zone_of(self.line.state)

    @property
    def zone_name(self) -> str:
        """What people call that zone."""
        return name_of(self.zone)

    def may(self, action: Action) -> bool:
        """Whether this person may do `action` with this line."""
        return may(self.relation, action)

    @property
    def may_allow(self) -> bool:
        """Whether this person may allow on this line: a child may not."""
        return self.may(Action.ALLOW)


@dataclass(frozen=True)
class Factors:
    """What lets one person in, to compare: the hash of a password, and each passkey, app and sheet of codes by id.

    `used`: how many codes of their sheet were given.
    """

    password: str
    owned: Mapping[int, str]
    used: int


def factors_of(*, user: User) -> Factors:
    """What lets this person in now."""
    kept = list(Authenticator.objects.filter(user=user))
    masks = [one.data["used_mask"] for one in kept if one.type == Authenticator.Type.RECOVERY_CODES]
    return Factors(
        password=user.password if user.has_usable_password() else "",
        owned={one.pk: one.type for one in kept},
        used=sum(int(mask).bit_count() for mask in masks),
    )


def differences(*, before: Factors, after: Factors) -> list[str]:
    """What became different between the two, in the trail's words."""
    found = ["password_changed"] if before.password != after.password else []
    new, gone = after.owned.keys() - before.owned.keys(), before.owned.keys() - after.owned.keys()
    found += [f"{OWNED[after.owned[one]]}_added" for one in sorted(new)]
    # New codes take the place of old ones: that the old are gone is said with it.
    replaced = {after.owned[one] for one in new}
    found += [f"{OWNED[before.owned[one]]}_removed" for one in sorted(gone) if before.owned[one] not in replaced]
    return found + (["code_used"] if after.used > before.used else [])


def link_hash(*, token: str) -> bytes:
    """By which a link that was texted is found."""
    return hashlib.sha256(token.encode()).digest()


def new_password_of(*, user: User, at: datetime) -> NewPassword | None:
    """The wait for a new password of this person that is not over, cancelled or used; None: there is none."""
    waiting = NewPassword.objects.filter(user=user, cancelled_at__isnull=True, used_at__isnull=True)
    return waiting.filter(expires_at__gt=at).first()


def new_password_behind(*, token: str, at: datetime) -> NewPassword | None:
    """The wait for a new password that this link ends; None for a link that is used up, over or made up."""
    waiting = NewPassword.objects.filter(cancelled_at__isnull=True, used_at__isnull=True, expires_at__gt=at)
    return waiting.filter(token_hash=link_hash(token=token)).first()


def line_of_number(*, msisdn: str, at: datetime) -> Line | None:
    """The line (tenure) that holds an E.164 number and is active at `at`, or None."""
    return (
        Line.objects.filter(
            _during(at, start="activated_at", end="deactivated_at"),
            _during(at, start="numbers__starts_at", end="numbers__ends_at"),
            numbers__msisdn_hash=number_hash(msisdn),
        )
        .distinct()
        .first()
    )


def line_named(*, carrier_id: str, msisdn: str, at: datetime) -> Line | None:
    """The active line of this id of the carrier's, or, without one, of this number; None: there is none."""
    if not carrier_id:
        return line_of_number(msisdn=msisdn, at=at)
    active = _during(at, start="activated_at", end="deactivated_at")
    return Line.objects.filter(active, carrier_id=carrier_id).first()


def msisdn_of(*, line_id: int, at: datetime) -> str:
    """The number a line has at `at`; for an ended line, the last it had until then. Raises LineNumber.DoesNotExist."""
    number = LineNumber.objects.filter(line_id=line_id, starts_at__lte=at).order_by("starts_at").last()
    if number is None:
        raise LineNumber.DoesNotExist
    return unseal(number.msisdn_sealed)


def held_until(*, line: Line, at: datetime) -> datetime | None:
    """Until when nobody who signs in by this line may see, allow, or change what lets them in; None: it is not held.

    What the tenure began with is no change.
    """
    moments = (line.sim_changed_at, line.number_changed_at, line.forwarding_changed_at)
    changes = [moment for moment in moments if moment is not None and moment > line.activated_at]
    until = max(changes, default=None)
    return until + HOLD if until is not None and at < until + HOLD else None


def wants_no_news(*, line_id: int) -> bool:
    """Whether this line's person texted that they want no news by text."""
    return LineTexts.objects.filter(line_id=line_id).exists()


def code_texts(*, since: datetime) -> dict[str, int]:
    """How many texts with codes went out for each purpose since then; of a code sent again, all its texts."""
    counted = TextedCode.objects.filter(sent_at__gt=since).values_list("purpose").annotate(Sum("sends"))
    return {**dict.fromkeys(TextedCode.Purpose.values, 0), **dict(counted)}


def lines_known_by(*, user: User, at: datetime) -> list[PersonsLine]:
    """Every active line this person may know of, their own first: what /lines/ lists.

    Of another adult's line on their account they know that it is there and nothing more. A person whose own line has
    ended knows of none. One query, whatever the number of lines.
    """
    mine = LineUser.objects.filter(user=user, until__isnull=True)
    held = mine.filter(line__user_role=Line.UserRole.HOLDER).values("line__account")
    found = _lines(at).annotate(is_own=Exists(mine.filter(line=OuterRef("pk"))))
    found = found.filter(Q(is_own=True) | Q(account__in=held))
    lines = sorted(found, key=lambda line: (not vars(line)["is_own"], line.activated_at, line.pk))
    own = lines[0] if lines and vars(lines[0])["is_own"] else None
    if own is None:
        return []
    relation = Relation.MINOR_USER if own.user_role == Line.UserRole.MINOR else Relation.ADULT_USER
    known = [_persons_line(own, relation)]
    holder_name = unseal(own.holder_name_sealed)
    return known + [_persons_line(line, _as_holder(line, holder_name)) for line in lines if line.pk != own.pk]


def lines_seen_by(*, user: User, at: datetime) -> list[PersonsLine]:
    """The lines whose recipients, history and choices this person may see, their own first."""
    return [line for line in lines_known_by(user=user, at=at) if line.may(Action.SEE)]


def acting_staff(*, actor: str, action: StaffAction) -> str:
    """The one name of who acts ("officer:7"), if that is active staff whose role may do `action`. Raises NotForThem.

    Names are compared to tell two officers apart, so there is one for each person.
    """
    role, _, number = actor.partition(":")
    user = (
        User.objects.filter(pk=int(number), is_active=True).first()
        if number.isdecimal() and len(number) < LONGEST_ID
        else None
    )
    if user is None or user.role != role or not staff_may(user.role, action):
        raise NotForThem(f"{actor} may not do this ({action.replace('_', ' ')})")
    return actor_of(user)


def invitation(*, user: User) -> str:
    """The path of a link by which somebody of staff chooses their first password: good once, for 3 days."""
    uid = urlsafe_base64_encode(str(user.pk).encode())
    return reverse("staff-invitation", kwargs={"uid": uid, "token": default_token_generator.make_token(user)})


def invited(*, uid: str, token: str) -> User | None:
    """Whom a link invites; None for one that is wrong, used or too old."""
    try:
        number = urlsafe_base64_decode(uid).decode()
    except ValueError:
        return None
    if not _is_id(number):
        return None
    user = User.objects.filter(pk=int(number), is_active=True).exclude(role=User.Role.SUBSCRIBER).first()
    fits = user is not None and not user.has_usable_password() and default_token_generator.check_token(user, token)
    return user if fits else None


def user_of_line(*, line_id: int) -> User | None:
    """Who signs in by this line now, or None when nobody has yet."""
    current = LineUser.objects.select_related("user").filter(line_id=line_id, until__isnull=True).first()
    return current.user if current else None


def answering_line(*, line: Line, at: datetime) -> Line | None:
    """The line whose phone answers what a company asks of a line: its own; of a child's line, the account holder's.

    None where there is none: the line has ended, or no line of the account is the holder's.
    """
    wanted = Q(pk=line.pk)
    if line.user_role == Line.UserRole.MINOR:
        wanted = Q(account=line.account_id, user_role=Line.UserRole.HOLDER)
    active = _during(at, start="activated_at", end="deactivated_at")
    return Line.objects.filter(active, wanted).order_by("activated_at", "pk").first()


def _is_id(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < LONGEST_ID


def _as_holder(line: Line, holder_name: str) -> Relation:
    if line.user_role == Line.UserRole.MINOR:
        return Relation.HOLDER_OF_MINOR
    if line.user_role == Line.UserRole.HOLDER and unseal(line.holder_name_sealed) == holder_name:
        return Relation.SAME_HOLDER
    return Relation.HOLDER_OF_ADULT


def _lines(at: datetime) -> QuerySet[Line]:
    current = LineNumber.objects.filter(line=OuterRef("pk"), starts_at__lte=at).order_by("-starts_at")
    return Line.objects.filter(_during(at, start="activated_at", end="deactivated_at")).annotate(
        number_sealed=Subquery(current.values("msisdn_sealed")[:1])
    )


def _persons_line(line: Line, relation: Relation) -> PersonsLine:
    sealed = vars(line)["number_sealed"]
    return PersonsLine(line=line, relation=relation, msisdn=unseal(sealed) if sealed else "")


def _during(at: datetime, *, start: str, end: str) -> Q:
    return Q(**{f"{start}__lte": at}) & (Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gt": at}))
