"""A line leaves its account in confidence (47 USC 345): asked by who uses it, worked by the privacy office."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import transaction

import audit.actions
from accounts import queries
from accounts.models import Line, Separation, User
from accounts.policies import delegations
from accounts.policies.permissions import StaffAction
from accounts.primitives.sealing import seal, unseal
from accounts.primitives.zones import zone_of

A_DAY, A_YEAR = timedelta(days=1), timedelta(days=365)


class NotOpen(Exception):
    """There is no open request of that id."""


@dataclass(frozen=True)
class SeparationRequest:
    """What was asked, as who works on it reads it. `number`: the line's, E.164. `reach`: how to talk to the person."""

    separation: Separation
    number: str
    reach: str
    note: str


@transaction.atomic
def request_separation(*, line_id: int, user: User, reach: str, note: str, at: datetime) -> None:
    """Write a request down. Nobody is texted, and no holder of the account hears of it. A second changes nothing."""
    line = Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)
    if Separation.objects.filter(line=line, state=Separation.State.OPEN).exists():
        return
    made = Separation.objects.create(
        id=uuid4(), line=line, from_account_id=line.account_id, by=user, reach_sealed=seal(reach),
        note_sealed=seal(note), asked_at=at,
        due_at=delegations.business_days(start=at, days=delegations.SEPARATION_DAYS, zone=zone_of(line.state)),
    )  # fmt: skip
    _record_event("asked", made, f"subscriber:{user.pk}", at)


@transaction.atomic
def withdraw_separation(*, line_id: int, user: User, at: datetime) -> None:
    """Take the person's request back. Does nothing where nothing is open."""
    found = _query_open(line=line_id)
    if found is None:
        return
    _close_separation(found, Separation.State.TAKEN_BACK, at)
    _record_event("taken_back", found, f"subscriber:{user.pk}", at)


@transaction.atomic
def view_separation(*, separation_id: UUID, actor: str, reason: str, at: datetime) -> SeparationRequest | None:
    """Return one request with how to reach its person; None where there is none. Raises queries.StaffOnly.

    The look stands in the person's own log, where no holder of a child's line reads it.
    """
    name = queries.acting_staff(actor=actor, action=StaffAction.WORK_SEPARATIONS)
    found = Separation.objects.select_related("line").filter(pk=separation_id).first()
    if found is None:
        return None
    _record_event("seen", found, name, at, reason=reason)
    return SeparationRequest(
        separation=found,
        number=queries.current_number(line_id=found.line_id, at=at),
        reach=unseal(found.reach_sealed),
        note=unseal(found.note_sealed),
    )


@transaction.atomic
def close_separation(
    *, separation_id: UUID, done: bool, tell_from: datetime | None, actor: str, reason: str, at: datetime
) -> None:
    """Say that it is done, and from when the holder may be told; or that it can't be done, and why.

    Raises NotOpen, ValidationError for a day that is over or far off, and queries.StaffOnly.
    """
    name = queries.acting_staff(actor=actor, action=StaffAction.WORK_SEPARATIONS)
    if done and tell_from is not None and not at - A_DAY < tell_from <= at + A_YEAR:
        # A year mistyped would tell the holder at once.
        raise ValidationError({"day": "Enter a day between today and a year from now."})
    found = _query_open(pk=separation_id)
    if found is None:
        raise NotOpen("It is closed already.")
    found.tell_from = tell_from if done else None
    _close_separation(found, Separation.State.DONE if done else Separation.State.NOT_DONE, at)
    _record_event("done" if done else "not_done", found, name, at, reason=reason)


def _query_open(**wanted: object) -> Separation | None:
    rows = Separation.objects.select_for_update(of=("self",)).filter(state=Separation.State.OPEN, **wanted)
    return rows.first()


def _close_separation(separation: Separation, state: Separation.State, at: datetime) -> None:
    separation.state = state
    separation.closed_at = at
    separation.save(update_fields=["state", "closed_at", "tell_from"])


def _record_event(what: str, separation: Separation, actor: str, at: datetime, reason: str = "") -> None:
    audit.actions.record(
        action=f"separation.{what}",
        actor=actor,
        target=f"separation:{separation.pk}",
        line_id=separation.line_id,
        at=at,
        reason=reason,
    )
