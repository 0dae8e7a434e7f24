"""The end of a contract or campaign, for all its lines at once."""

import uuid
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

import audit.actions
from accounts.permissions import StaffAction
from audit.queries import database_clock
from consent import tasks
from consent.queries import termination
from partners.actions import guards
from partners.lifecycle import NotNow
from partners.models import Campaign, Contract
from revocations.models import Cohort


class PlanChanged(Exception):
    """What would end is no longer what the officer saw: look at the plan again."""


def terminate(
    *, of: str, target_id: int, actor: str, second_actor: str = "", reason: str, plan_digest: str, at: datetime
) -> Cohort:
    """End a contract or campaign: the gate says no from this transaction on, and the epoch rises.

    Nothing is written per line: a worker lists the lines afterwards and tells the partner once (`consent.cohorts`).
    `plan_digest` is that of the plan the officer saw. Ended already: returns the Cohort that ended it. Raises NotNow,
    NotForThem, PlanChanged.
    """
    names = _officers(actor, second_actor, reason)
    before = Cohort.objects.filter(of=of, target_id=target_id).first()
    if before is not None:
        return before
    # Counted before the transaction, which locks the contract.
    seen = termination.plan(of=of, target_id=target_id, at=at)
    if not seen.is_what_was_seen(plan_digest):
        raise PlanChanged(f"{seen.ref} is not as it was when you looked: see the plan again before you end it.")
    return _end(of, target_id, names, reason, seen, at)


def _officers(actor: str, second_actor: str, reason: str) -> tuple[str, str]:
    first = guards.officer(actor=actor, reason=reason, action=StaffAction.SUSPEND)
    if not second_actor:
        return first, ""
    second = guards.officer(actor=second_actor, reason=reason, action=StaffAction.AGREE)
    if second == first:
        raise NotNow("It needs another officer's yes.")
    return first, second


@transaction.atomic
def _end(of: str, target_id: int, names: tuple[str, str], reason: str, seen: termination.Plan, at: datetime) -> Cohort:
    row = guards.locked(of="contract" if of == "contract" else "campaign", target_id=target_id)
    before = Cohort.objects.filter(of=of, target_id=target_id).first()
    if before is not None:
        return before
    if not seen.digest.startswith(termination.facts_digest(row=row)):
        raise PlanChanged(f"{row.ref} was changed a moment ago: see the plan again before you end it.")
    contract = row.contract if isinstance(row, Campaign) else row
    _end_term(row, at)
    contract.epoch += 1
    contract.save(update_fields=["epoch"])
    cohort = Cohort.objects.create(
        id=uuid.uuid4(),
        of=of,
        target_id=target_id,
        contract_id=contract.pk,
        party_id=contract.aggregator_id,
        epoch=contract.epoch,
        terminated_at=at,
        actor=names[0],
        second_actor=names[1],
        reason=reason[:500],
        plan=seen.as_json(),
        complete_by=at + timedelta(days=contract.complete_within_days),
    )
    audit.actions.record(
        action=f"{of}.terminated",
        actor=names[0],
        target=guards.target_of(row=row),
        at=at,
        reason=reason,
        detail={"cohort": str(cohort.pk), "epoch": contract.epoch, "lines": seen.lines, "second_actor": names[1]},
    )
    # robust: a dead broker must not undo the end; the next beat finds the row.
    transaction.on_commit(partial(tasks.build_manifests.delay), robust=True)
    return cohort


def _end_term(row: Contract | Campaign, at: datetime) -> None:
    """From now on nothing is in force, by the clock that the gate goes by. A term that ran out stays as it is."""
    now = min(at, database_clock())
    if row.is_draft or now <= row.starts_at:
        raise NotNow(f"{row.ref} is not in force yet: there is nothing to end. Suspend it, and it will not begin.")
    if now < row.ends_at:
        row.ends_at = now
        row.save(update_fields=["ends_at"])
