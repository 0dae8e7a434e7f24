"""A release reported late can show a partner that a stop never told, or a company that never signed."""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain

from django.db import transaction
from django.db.models import Q

from consent.domain import order_planning, snapshots
from consent.domain.snapshots import lock_line
from consent.models import Choice, ChoiceOrder
from consent.queries.approvals import Override
from revocations.actions.orders import enqueue_order
from revocations.domain.order_snapshots import EVERYTHING, Agreement
from revocations.models import Duty
from revocations.queries.coverage import find_uncovered_orders


def enqueue_orders_for_newly_affected(*, line_ids: Collection[int]) -> int:
    """Queue orders to partners that a stop or running pause of these lines affects now and did not before.

    A partner that signed as done is told again if a company below it, known only since, has not signed. A partner that
    is affected only through a later approval owes nothing: the choice is linked to its existing order.
    Returns how many orders the choices were linked to. Safe to repeat: nobody is told of a choice twice.
    """
    return sum(_enqueue_line_orders(line_id) for line_id in sorted(line_ids))


@transaction.atomic
def _enqueue_line_orders(line_id: int) -> int:
    now = lock_line(line_id=line_id)
    denials = Choice.objects.filter(
        Q(kind__in=(Choice.Kind.STOP, Choice.Kind.REFUSE)) | Q(kind=Choice.Kind.PAUSE, until__gt=now), line_id=line_id
    )
    again = {contract_id for _, contract_id in find_uncovered_orders(line_ids=[line_id])}
    # All is asked at once: an order for the sake of one choice would hide from the next that anybody is left to tell.
    asked = {choice: _agreements(choice, again) for choice in denials.order_by("made_at", "id")}
    orders = enqueue_order(line_id=line_id, agreements=[*chain.from_iterable(asked.values())], by="system", at=now)
    for choice, agreements in asked.items():
        told = {one.contract.pk: orders[one.contract.pk] for one in agreements}
        order_planning.name_orders(line_id=line_id, choice_id=choice.id, told=told)
    return sum(map(len, asked.values()))


def _agreements(choice: Choice, again: Collection[int]) -> Sequence[Agreement]:
    """What partners must be told for the sake of this choice. `again`: contracts signed for, and not by all."""
    line_id = choice.line_id
    told = set(ChoiceOrder.objects.filter(line_id=line_id, choice_id=choice.id).values_list("contract_id", flat=True))
    concerned = snapshots.affected_contracts(line_id=line_id, scope=choice.scope, ref=choice.ref)
    passed = order_planning.find_overrides(line_id=line_id, no=choice, origin=choice.origin, contract_ids=concerned)
    shown = _list_late_contracts(choice, {pk: one for pk, one in passed.items() if pk in told})
    missing = [pk for pk in concerned if pk not in told or pk in again or pk in shown]
    return (
        order_planning.agreements_after(
            line_id=line_id, no=choice, passed=passed, contract_ids=missing, signed_for=again
        )
        if missing
        else ()
    )


def _list_late_contracts(choice: Choice, passed: Mapping[int, Override]) -> Collection[int]:
    """Contracts named for this choice whose partner, as is known only now, had something before the yes."""
    had = {pk: one.had_from for pk, one in passed.items() if one.had_from is not None}
    if not had:
        return ()
    scopes = snapshots.covered_scopes(contract_ids=had, scope=choice.scope, ref=choice.ref)
    laid = Duty.objects.filter(line_id=choice.line_id, contract_id__in=had)
    if choice.kind != Choice.Kind.PAUSE:
        laid = laid.filter(action=Duty.Action.DELETE_HELD)  # what was asked for a pause is less
    asked = {duty.contract_id for duty in laid if duty.since > had[duty.contract_id] and _within(duty, scopes)}
    return had.keys() - asked


def _within(duty: Duty, scopes: Mapping[int, Collection[str]]) -> bool:
    return duty.scope == EVERYTHING or duty.scope in scopes[duty.contract_id]
