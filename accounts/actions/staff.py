"""Somebody of staff: made, invited, vouched for, viewing as another role, gone."""

from datetime import datetime
from uuid import uuid4

from allauth.socialaccount.models import SocialAccount
from django.db import transaction

import audit.actions
from accounts.actions.sign_ins import end_sessions
from accounts.clients.oidc import Identity
from accounts.domain import auth_factors
from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.queries import acting_staff
from audit.models import Incident


class StaffExists(Exception):
    """Somebody has this e-mail already, or the role is none of staff's."""


class NoStaff(Exception):
    """No staff member has this e-mail."""


class NoInvitation(Exception):
    """The link is wrong, used or too old."""


@transaction.atomic
def sign_in_vouched(*, identity: Identity, at: datetime) -> User | None:
    """Return the one member of staff whom the carrier's provider vouches for; else None. Nobody is made here.

    The first time they are found by their verified e-mail, and from then on by the provider's own name for them alone.
    """
    pinned = SocialAccount.objects.select_related("user").filter(provider=identity.issuer, uid=identity.subject).first()
    user = pinned.user if pinned else _link_identity(identity, at)
    if user is None or not user.is_active or user.role == User.Role.SUBSCRIBER:
        return None
    if identity.roles is not None and user.role not in identity.roles:
        return None
    audit.actions.record(action="staff.vouched_for", actor=actor_of(user), target=f"user:{user.pk}", at=at)
    return user


@transaction.atomic
def make_staff(*, email: str, role: User.Role, actor: str, at: datetime) -> User:
    """Make somebody a member of staff without a password: `invitation_path` says how they choose one.

    Raises StaffExists.
    """
    if role == User.Role.SUBSCRIBER or User.objects.filter(email__iexact=email).exists():
        raise StaffExists(email)
    # As the door of staff looks for it, however it is typed there.
    user = User(username=uuid4().hex, email=email.lower(), role=role)
    user.set_unusable_password()
    user.full_clean(exclude=["password"])
    user.save()
    audit.actions.record(action="staff.made", actor=actor, target=f"user:{user.pk}", at=at, detail={"role": str(role)})
    return user


@transaction.atomic
def invite_again(*, email: str, actor: str, at: datetime) -> User:
    """Take the password and the sign-ins of somebody of staff: `invitation` gives a new link. Raises NoStaff.

    Whoever opens the link comes in as them, unless they had set up a second factor: an incident tells the officers.
    """
    user = _staff(email)
    user.set_unusable_password()
    user.email = user.email.lower()
    user.save(update_fields=["password", "email"])
    end_sessions(user_id=user.pk, at=at)
    audit.actions.record(action="staff.invited_again", actor=actor, target=f"user:{user.pk}", at=at)
    if user.role != User.Role.AGENT:
        key, subject = f"user:{user.pk}:{uuid4()}", actor_of(user)
        audit.actions.open_incident(kind=Incident.Kind.STAFF_BY_OPERATOR, key=key, subject=subject, at=at)
    return user


@transaction.atomic
def end_staff(*, email: str, actor: str, at: datetime) -> User:
    """End every sign-in of somebody who left staff, and let none begin. Raises NoStaff."""
    user = _staff(email)
    user.is_active = False
    user.save(update_fields=["is_active"])
    end_sessions(user_id=user.pk, at=at)
    audit.actions.record(action="staff.ended", actor=actor, target=f"user:{user.pk}", at=at)
    return user


@transaction.atomic
def accept_invitation(*, uid: str, token: str, password: str, at: datetime) -> User:
    """Take an invitation, which is used up by it. Raises NoInvitation."""
    user = auth_factors.find_invited_user(uid=uid, token=token)
    if user is not None:
        # Whoever has waited here finds that the link is used up.
        User.objects.select_for_update(of=("self",)).get(pk=user.pk)
        user = auth_factors.find_invited_user(uid=uid, token=token)
    if user is None:
        raise NoInvitation
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.actions.record(action="staff.password_chosen", actor=actor_of(user), target=f"user:{user.pk}", at=at)
    return user


@transaction.atomic
def record_view(*, role: User.Role, actor: str, at: datetime) -> None:
    """Write down that an officer views pages as another role from now on, or as their own again. Raises StaffOnly."""
    name = acting_staff(actor=actor, action=StaffAction.VIEW_AS)
    own = role == User.Role.OFFICER
    audit.actions.record(
        action="view_as.ended" if own else "view_as.started", actor=name, target=f"user:{name.partition(':')[2]}",
        at=at, detail={} if own else {"role": str(role)},
    )  # fmt: skip


def _staff(email: str) -> User:
    staff = User.objects.select_for_update(of=("self",)).exclude(role=User.Role.SUBSCRIBER)
    found = list(staff.filter(email__iexact=email, is_active=True)[:2])
    if len(found) != 1:
        raise NoStaff(email)
    return found[0]


def _link_identity(identity: Identity, at: datetime) -> User | None:
    """The one active member of staff with this e-mail, whom the provider had no name for yet; noted with its name."""
    staff = User.objects.select_for_update(of=("self",)).exclude(role=User.Role.SUBSCRIBER)
    found = list(staff.filter(email__iexact=identity.email, is_active=True)[:2])
    # The database takes a dotless i for an i: that is somebody else's address.
    if [one.email.lower() for one in found] != [identity.email.lower()]:
        return None
    if SocialAccount.objects.filter(user=found[0]).exists():
        return None
    SocialAccount.objects.create(user=found[0], provider=identity.issuer, uid=identity.subject, extra_data={})
    audit.actions.record(action="staff.pinned", actor=actor_of(found[0]), target=f"user:{found[0].pk}", at=at)
    return found[0]
