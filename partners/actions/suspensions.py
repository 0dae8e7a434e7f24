"""Suspend a company, contract or campaign everywhere at once; lift a suspension, which needs two officers.

One row, whatever the number of lines: the gate looks for it at each request, so from the commit on the answer is no.
Orders, poll, receipts, manifests and digests stay open: who is suspended still owes, and must be able to do it.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction

import audit.actions
from accounts.policies.permissions import StaffAction
from audit.queries import database_clock
from partners.actions import guards
from partners.models import Campaign, Contract, Party, Proposal, Suspension
from partners.policies.lifecycle import NotNow, not_ended

MICROSECOND = timedelta(microseconds=1)
TARGETS: dict[str, type[Party | Contract | Campaign]] = {
    Suspension.Of.PARTY: Party,
    Suspension.Of.CONTRACT: Contract,
    Suspension.Of.CAMPAIGN: Campaign,
}


@transaction.atomic
def suspend(*, of: str, target_id: int, actor: str, reason: str, at: datetime, automatic: bool = False) -> Suspension:
    """Deny a party (wherever it stands in a chain), a contract or a campaign everything, from this transaction on.

    The same again returns the suspension that runs. `automatic`: by the stream rules, `actor` a "system:…"; it runs
    beside an officer's own. Raises NotNow without a reason or a target, StaffOnly for who may not.
    """
    name = actor if automatic else guards.officer(actor=actor, reason=reason, action=StaffAction.SUSPEND)
    _lock_target(of, target_id)
    running = Suspension.objects.filter(of=of, target_id=target_id, automatic=automatic, ends_at__isnull=True).first()
    if running is not None:
        return running
    if of not in TARGETS or not TARGETS[of].objects.filter(pk=target_id).exists():
        raise NotNow(f"There is no such {of}.")
    made = Suspension.objects.create(
        of=of,
        target_id=target_id,
        automatic=automatic,
        # By the clock that the gate goes by: a door's clock that is ahead must not put it off.
        starts_at=min(at, database_clock()),
        reason=reason[:500],
        actor=name,
    )
    audit.actions.record(
        action="suspension.began",
        actor=name,
        target=f"{of}:{target_id}",
        at=at,
        reason=reason,
        detail={"suspension": made.pk, "automatic": automatic},
    )
    return made


@transaction.atomic
def lift(*, proposal: Proposal, at: datetime) -> tuple[Suspension, ...]:
    """End what two officers agreed to end: all that ran against the target when the first of them proposed it.

    What began later was before nobody's eyes, and goes on. Raises NotNow where nothing is left to end; the database
    refuses a proposal that is not agreed.
    """
    if proposal.act != Proposal.Act.LIFT_SUSPENSION or proposal.decision != Proposal.Decision.AGREED:
        raise NotNow("Lifting a suspension needs two officers who agree.")
    _lock_target(proposal.of, proposal.target_id)
    now = database_clock()
    running = tuple(
        Suspension.objects.select_for_update(of=("self",))
        .filter(not_ended(at=now), of=proposal.of, target_id=proposal.target_id)
        .filter(starts_at__lte=proposal.proposed_at)
        .order_by("pk")
    )
    if not running:
        raise NotNow("The suspensions you proposed to lift have already ended.")
    for one in running:
        one.ends_at, one.lifted_by = max(now, one.starts_at + MICROSECOND), proposal
        one.save(update_fields=["ends_at", "lifted_by"])
    audit.actions.record(
        action="suspension.lifted",
        actor=proposal.decided_by,
        target=f"{proposal.of}:{proposal.target_id}",
        at=at,
        reason=proposal.decision_reason,
        detail={
            "proposal": str(proposal.pk),
            "proposed_by": proposal.proposed_by,
            "suspensions": [one.pk for one in running],
        },
    )
    return running


def _lock_target(of: str, target_id: int) -> None:
    """Two who press at once make one row. No lock on the target's own row: nobody who changes it may hold this up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"suspension {of} {target_id}"])
