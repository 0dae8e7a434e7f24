"""The end of a contract or campaign, for all its lines at once: an officer's act, or the day on which a term is over.

A term that is over has denied everything since, whoever looks. What its end brings about, the epoch, the list, the
partner's duty to delete and its receipt, is written here, once, by whoever comes first.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

import audit.actions
from accounts.primitives.advisory_locks import turn
from audit.queries import database_clock
from consent.queries import termination
from consent.queries.termination import Plan
from partners.actions import guards
from partners.actions.guards import Of
from partners.models import Campaign, Contract
from partners.policies.lifecycle import NotNow
from revocations.models import BY_TERM, Cohort

ITS_TERM = "Its term is over."


class PlanChanged(Exception):
    """What would end is no longer what was seen: look at the plan again."""


@transaction.atomic
def end(*, of: Of, target_id: int, actor: str, second_actor: str = "", reason: str, seen: Plan, at: datetime) -> Cohort:
    """End a contract or campaign as it stood in this plan: the gate says no from here on, and the epoch rises.

    By its term (`BY_TERM`) only what is over already. Ended already: the Cohort that ended it. Raises NotNow,
    PlanChanged.
    """
    row = guards.lock_target(of=of, target_id=target_id)
    before = Cohort.objects.filter(of=of, target_id=target_id).first()
    if before is not None:
        return before
    if not seen.digest.startswith(termination.facts_digest(row=row)):
        raise PlanChanged(f"{row.ref} was changed a moment ago: see the plan again before you end it.")
    contract = row.contract if isinstance(row, Campaign) else row
    _end_term(row, actor, at)
    contract.epoch += 1
    contract.save(update_fields=["epoch"])
    cohort = Cohort.objects.create(
        id=uuid.uuid4(),
        of=of,
        target_id=target_id,
        contract_id=contract.pk,
        party_id=contract.aggregator_id,
        epoch=contract.epoch,
        # From then on nothing was in force; what a partner must do counts from when it is told.
        terminated_at=row.ends_at if actor == BY_TERM else at,
        recorded_at=at,
        actor=actor,
        second_actor=second_actor,
        reason=reason[:500],
        plan=seen.as_json(),
        complete_by=at + timedelta(days=contract.complete_within_days),
    )
    audit.actions.record(
        action=f"{of}.ended" if actor == BY_TERM else f"{of}.terminated",
        actor=actor,
        target=guards.target_of(row=row),
        at=at,
        reason=reason,
        detail={"cohort": str(cohort.pk), "epoch": contract.epoch, "lines": seen.lines, "second_actor": second_actor},
    )
    return cohort


def _end_term(row: Contract | Campaign, actor: str, at: datetime) -> None:
    """From now on nothing is in force, by the clock that the gate goes by. A term that ran out stays as it is."""
    now = min(at, database_clock())
    if row.is_draft or now <= row.starts_at:
        raise NotNow(f"{row.ref} is not in force yet: there is nothing to end. Suspend it, and it will not begin.")
    if now < row.ends_at:
        if actor == BY_TERM:
            raise NotNow(f"The term of {row.ref} is not over.")
        row.ends_at = now
        row.save(update_fields=["ends_at"])


def end_terms(*, now: datetime) -> int:
    """End what is over by its term and was ended by nobody yet, however long ago. Returns how many it was.

    Safe to run twice, and twice at once: each is ended in a transaction of its own, once.
    """
    with turn(name="consent.terms") as mine:
        return sum(_end_by_term(of, target_id, now) for of, target_id in _over(now)) if mine else 0


def _over(now: datetime) -> Iterator[tuple[Of, int]]:
    """Contracts first: their end is that of each campaign under them that was not over before."""
    moment = min(now, database_clock())
    over = Contract.objects.filter(~Exists(_ends("contract", "pk")), is_draft=False, ends_at__lte=moment)
    yield from (("contract", pk) for pk in over.order_by("ends_at", "pk").values_list("pk", flat=True))
    alone = Campaign.objects.filter(
        ~Exists(_ends("campaign", "pk")),
        ~Exists(_ends("contract", "contract_id")),
        is_draft=False,
        ends_at__lte=moment,
        contract__is_draft=False,
        contract__starts_at__lt=F("ends_at"),
        contract__ends_at__gt=moment,
    )
    yield from (("campaign", pk) for pk in alone.order_by("ends_at", "pk").values_list("pk", flat=True))


def _ends(of: Of, field: str) -> QuerySet[Cohort]:
    return Cohort.objects.filter(of=of, target_id=OuterRef(field))


def _end_by_term(of: Of, target_id: int, now: datetime) -> int:
    try:
        seen = termination.plan(of=of, target_id=target_id, at=now)
        ended = end(of=of, target_id=target_id, actor=BY_TERM, reason=ITS_TERM, seen=seen, at=now)
    except (NotNow, PlanChanged):
        # An officer was at it in this moment; if it still is over, the next beat ends it.
        return 0
    return int(ended.by_term)
