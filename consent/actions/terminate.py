"""The end of a contract or campaign, for all its lines at once."""

from datetime import datetime
from functools import partial

from django.db import transaction

from accounts.policies.permissions import StaffAction
from consent import tasks
from consent.queries import termination
from consent.workers import cohorts
from consent.workers.cohorts import PlanChanged
from partners.actions import guards
from partners.policies.lifecycle import NotNow
from revocations.models import Cohort


def terminate(
    *, of: str, target_id: int, actor: str, second_actor: str = "", reason: str, plan_digest: str, at: datetime
) -> Cohort:
    """End a contract or campaign: the gate says no from this transaction on, and the epoch rises.

    Nothing is written per line: a worker lists the lines afterwards and tells the partner once
    (`consent.workers.cohorts`). `plan_digest` is that of the plan the officer saw. Ended already: returns
    the Cohort that ended it. Raises NotNow, NotForThem, PlanChanged.
    """
    first, second = _officers(actor, second_actor, reason)
    before = Cohort.objects.filter(of=of, target_id=target_id).first()
    if before is not None:
        return before
    # Counted before the transaction, which locks the contract.
    seen = termination.plan(of=of, target_id=target_id, at=at)
    if not seen.is_what_was_seen(plan_digest):
        raise PlanChanged(f"{seen.ref} is not as it was when you looked: see the plan again before you end it.")
    with transaction.atomic():
        cohort = cohorts.end(
            of="contract" if of == "contract" else "campaign", target_id=target_id, actor=first, second_actor=second,
            reason=reason, seen=seen, at=at,
        )  # fmt: skip
        # robust: a dead broker must not undo the end; the next beat finds the row.
        transaction.on_commit(partial(tasks.build_manifests.delay), robust=True)
    return cohort


def _officers(actor: str, second_actor: str, reason: str) -> tuple[str, str]:
    first = guards.officer(actor=actor, reason=reason, action=StaffAction.SUSPEND)
    if not second_actor:
        return first, ""
    second = guards.officer(actor=second_actor, reason=reason, action=StaffAction.AGREE)
    if second == first:
        raise NotNow("It needs another officer's yes.")
    return first, second
