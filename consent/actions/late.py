"""A release reported late can show a partner that a stop never told, or a company that never signed."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from consent import snapshots, telling
from consent.actions.choices import take_turn
from consent.models import Choice, ChoiceOrder
from consent.queries.piercing import Pierced
from revocations.actions import EVERYTHING, tell
from revocations.models import Duty
from revocations.queries import uncovered


def tell_newly_affected(*, line_ids: Collection[int]) -> int:
    """For each no and running pause of these lines, queue orders to partners it concerns now and did not before.

    A partner that signed as done, while a company below it that we hear of only now did not, is told once more. One
    that is concerned by nothing but a yes that outlasts the no owes nothing: the order that stands is named for it.
    Returns how many orders it named. Safe to repeat: who was told of a choice is not told of it again.
    """
    return sum(_tell_line(line_id) for line_id in sorted(line_ids))


@transaction.atomic
def _tell_line(line_id: int) -> int:
    now = take_turn(line_id=line_id)
    denials = Choice.objects.filter(
        Q(kind__in=(Choice.Kind.STOP, Choice.Kind.REFUSE)) | Q(kind=Choice.Kind.PAUSE, until__gt=now), line_id=line_id
    )
    return sum(_tell_of(choice, now) for choice in denials.order_by("made_at", "id"))


def _tell_of(choice: Choice, now: datetime) -> int:
    line_id = choice.line_id
    told = set(ChoiceOrder.objects.filter(line_id=line_id, choice_id=choice.id).values_list("contract_id", flat=True))
    concerned = snapshots.affected_contracts(line_id=line_id, scope=choice.scope, ref=choice.ref)
    passed = telling.passed_by(line_id=line_id, no=choice, origin=choice.origin, contract_ids=concerned)
    again = {contract_id for _, contract_id in uncovered(line_ids=[line_id])}
    shown = _shown_late(choice, {pk: one for pk, one in passed.items() if pk in told})
    missing = [pk for pk in concerned if pk not in told or pk in again or pk in shown]
    if not missing:
        return 0
    agreements = telling.agreements_after(
        line_id=line_id, no=choice, passed=passed, contract_ids=missing, signed_for=again
    )
    orders = tell(line_id=line_id, agreements=agreements, by="system", at=now)
    telling.name_orders(line_id=line_id, choice_id=choice.id, told=orders)
    return len(orders)


def _shown_late(choice: Choice, passed: Mapping[int, Pierced]) -> Collection[int]:
    """Contracts named for this choice whose partner, as is known only now, had something before the yes."""
    had = {pk: one.had_from for pk, one in passed.items() if one.had_from is not None}
    if not had:
        return ()
    scopes = snapshots.covered_scopes(contract_ids=had, scope=choice.scope, ref=choice.ref)
    laid = Duty.objects.filter(line_id=choice.line_id, contract_id__in=had)
    asked = {duty.contract_id for duty in laid if duty.since > had[duty.contract_id] and _within(duty, scopes)}
    return had.keys() - asked


def _within(duty: Duty, scopes: Mapping[int, Collection[str]]) -> bool:
    return duty.scope == EVERYTHING or duty.scope in scopes[duty.contract_id]
