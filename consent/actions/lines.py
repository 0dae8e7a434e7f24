"""What a line's own life does to its consent: the end of the tenure, a new number, a child that grew up."""

from collections.abc import Collection
from datetime import datetime
from functools import partial

from django.db import transaction

import audit.actions
from accounts import queries
from accounts.actions import codes
from accounts.policies import delegations
from accounts.policies.permissions import StaffAction
from consent import tasks
from consent.actions.choices import deny
from consent.domain import change_notices, order_planning, snapshots
from consent.domain.conflicts import retry_on_conflict
from consent.domain.snapshots import lock_line
from consent.models import Choice, RejudgeRequest
from consent.queries import termination
from consent.queries.choices import GROWN_UP
from consent.workers import cohorts
from consent.workers.cohorts import PlanChanged
from partners.actions import guards
from partners.policies.lifecycle import NotNow
from revocations.actions.orders import enqueue_orders
from revocations.models import Cohort


@transaction.atomic
def end_tenures(*, line_ids: Collection[int], at: datetime, actor: str) -> None:
    """Tell every affected partner to stop and delete: these lines were deactivated (their rows say so)."""
    _withdraw(line_ids, at)
    nothing: dict[int, dict[str, object]] = {line_id: {} for line_id in line_ids}
    audit.actions.record_for_lines(action="line.ended", actor=actor, at=at, details=nothing)


@transaction.atomic
def change_numbers(*, line_ids: Collection[int], at: datetime, actor: str) -> None:
    """End the approvals and codes of lines with other numbers (their rows say so); tell partners without a number."""
    _withdraw(line_ids, at)
    codes.expire_codes(line_ids=line_ids)
    RejudgeRequest.objects.bulk_create(RejudgeRequest(line_id=line_id, since=at) for line_id in line_ids)
    leaving = delegations.query_confidential_departures(at=at).filter(line__in=line_ids)
    told = {*line_ids} - {*leaving.values_list("line", flat=True)}
    change_notices.notify_of_imported_changes(line_ids=told, change=change_notices.Change.NUMBER, at=at)
    nothing: dict[int, dict[str, object]] = {line_id: {} for line_id in line_ids}
    audit.actions.record_for_lines(action="line.number_changed", actor=actor, at=at, details=nothing)


@transaction.atomic
def notify_new_adult(*, line_id: int, at: datetime) -> None:
    """Tell the phone that the line is an adult's now (its row says so); where something is to end, `grow_up` tells."""
    if not _allowed_by_another(line_id):
        change_notices.notify_adult(line_id=line_id, at=at)


@retry_on_conflict
@transaction.atomic
def grow_up(*, line_id: int, at: datetime, actor: str = GROWN_UP) -> None:
    """End what another allowed for the child, and tell the phone: the line is an adult's by now.

    Each such yes ends by a stop of that use, so that partners hear of it as of any, and their own yes is asked for.
    Never within the transaction of the row: there it could not be made up again, and kept other lines' stops waiting.
    Safe to repeat: a line of which all has ended is left alone. `actor`: a machine that brought the row, by its name.
    """
    lock_line(line_id=line_id)
    ended = _allowed_by_another(line_id)
    for campaign in ended:
        stop = Choice(
            kind=Choice.Kind.STOP, line_id=line_id, scope=Choice.Scope.CAMPAIGN, ref=campaign, actor=actor,
            channel="file", reason="grown_up",
        )  # fmt: skip
        deny(choice=stop, duties=order_planning.STOP_DUTIES, by="system")
    if ended:
        change_notices.notify_adult(line_id=line_id, at=at)


def _allowed_by_another(line_id: int) -> list[str]:
    """The uses whose newest choice is a yes of somebody else's. A stop of more may be over them, and may be lifted."""
    user = queries.user_of_line(line_id=line_id)
    own = f"subscriber:{user.pk}" if user else ""
    said = Choice.objects.filter(line_id=line_id, scope=Choice.Scope.CAMPAIGN).exclude(kind=Choice.Kind.PAUSE)
    newest = {ref: (kind, actor) for ref, kind, actor in said.order_by("made_at").values_list("ref", "kind", "actor")}
    return sorted(ref for ref, (kind, actor) in newest.items() if kind == Choice.Kind.ALLOW and actor != own)


def _withdraw(line_ids: Collection[int], at: datetime) -> None:
    lines = sorted(line_ids)
    affected = snapshots.affected_by_each(nos=[(line_id, "all", "") for line_id in lines])
    contract_ids = {line_id: theirs for line_id, theirs in zip(lines, affected, strict=True) if theirs}
    if contract_ids:
        agreements = order_planning.agreements_of_each(contract_ids=contract_ids, duties=order_planning.STOP_DUTIES)
        enqueue_orders(agreements=agreements, by="system", at=dict.fromkeys(contract_ids, at))


def terminate(
    *, of: str, target_id: int, actor: str, second_actor: str = "", reason: str, plan_digest: str, at: datetime
) -> Cohort:
    """End a contract or campaign: the gate says no from this transaction on, and the epoch rises.

    Nothing is written per line: a worker lists the lines afterwards and tells the partner once
    (`consent.workers.cohorts`). `plan_digest` is that of the plan the officer saw. Ended already: returns
    the Cohort that ended it. Raises NotNow, StaffOnly, PlanChanged.
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
        raise NotNow("Another officer must approve it.")
    return first, second
