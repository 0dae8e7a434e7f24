"""Stop one company for a person after what it did on their line, and tell partners whom an earlier stop missed.

Only the person's own newer approval outlasts such a stop. A release reported late can show a partner that a stop never
told, or a company that never signed.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import chain

from django.db import transaction
from django.db.models import Q

from accounts.models import Line
from consent.actions.choices import deny
from consent.domain import change_notices, order_planning, snapshots
from consent.domain.conflicts import retry_on_conflict
from consent.domain.snapshots import lock_line
from consent.gate import deciding
from consent.gate.shapes import WIDEST_M, as_agreed
from consent.models import Choice, ChoiceOrder, LineGate, Origin
from consent.queries.approvals import Override
from consent.queries.current_consent import get_linked_parties
from consent.queries.current_consent_ledger import microseconds
from partners.labels import UNKNOWN
from partners.models import Campaign, Party
from revocations.actions.orders import enqueue_order
from revocations.domain.wire import EVERYTHING, Agreement
from revocations.models import Duty
from revocations.queries.coverage import find_uncovered_orders

CHANNEL = "system"
REASON = "anomaly"


class Outcome(StrEnum):
    """What became of it. Everything but `SUSPENDED` wrote nothing."""

    SUSPENDED = "suspended"  # a stop of ours stands from now on, and the company's partners are told
    STOPPED = "stopped"  # a stop of the person's, or an earlier one of ours, stands already
    ALLOWED = "allowed"  # the person has allowed it after what it did: their own newer word
    SPARED = "spared"  # it finds them when they call for help: an officer decides
    ENDED = "ended"  # the line is over
    NOBODY = "nobody"  # nobody can name the company


@retry_on_conflict
@transaction.atomic
def stop_company(*, line_id: int, party: str, after: datetime, actor: str, at: datetime) -> Outcome:
    """Stop one company (URI) for one line, if nothing of the person's says so already. Their phone is texted.

    `after`: when it last did what this is for; a yes of the person that is newer stands. A file outweighs this stop as
    little as one of the person's. Never undone but by them.
    """
    if party == UNKNOWN or not Party.objects.filter(uri=party).exists():
        return Outcome.NOBODY
    made_at = lock_line(line_id=line_id)
    row = LineGate.objects.get(pk=line_id)
    if row.active_until is not None and row.active_until <= made_at:
        return Outcome.ENDED
    standing = _standing(row, party, after)
    if standing is not None:
        return standing
    choice = Choice(
        kind=Choice.Kind.STOP, line_id=line_id, scope=Choice.Scope.PARTY, ref=party, origin=Origin.SYSTEM, actor=actor,
        channel=CHANNEL, reason=REASON,
    )  # fmt: skip
    deny(choice=choice, duties=order_planning.STOP_DUTIES, by="system")
    change_notices.notify_of_change(line_id=line_id, change=change_notices.Change.STOP, actor=actor, at=at)
    return Outcome.SUSPENDED


def _standing(row: LineGate, party: str, after: datetime) -> Outcome | None:
    """Why nothing is to be written, if so."""
    campaigns = list(
        Campaign.objects.filter(cover__parties__contains=[party], ref__in=row.approvals)
        .select_related("contract__aggregator", "lbs_provider", "cover")
        .order_by("ref")
    )
    newest_yes = _newest_yes(row, campaigns)
    if newest_yes > microseconds(after):
        return Outcome.ALLOWED
    keys = {"all", *(f"party:{uri}" for uri in get_linked_parties(uris={party})[party])}
    stops = [
        stopped
        for key in keys & row.stops.keys()
        for origin, stopped in row.stops[key].items()
        if origin != Origin.FILE.value
    ]
    if max(stops, default=0) > newest_yes:
        return Outcome.STOPPED
    return Outcome.SPARED if _is_allowed_lifeline(row.line_id, campaigns, party) else None


def _newest_yes(row: LineGate, campaigns: Collection[Campaign]) -> int:
    """When the person themself agreed last to one of these, in microseconds; 0 if never."""
    yeses = [since for one in campaigns for since, _, origin in row.approvals[one.ref] if origin == Origin.PERSON.value]
    return max(yeses, default=0)


def _is_allowed_lifeline(line_id: int, campaigns: list[Campaign], party: str) -> bool:
    """Whether the gate allows it, now, a use by which a person is found when they call for help."""
    carrier_id = Line.objects.values_list("carrier_id", flat=True).get(pk=line_id)
    questions = [
        as_agreed(campaign=one, line=carrier_id, recipient=recipient, precision_m=WIDEST_M)
        for one in campaigns
        if one.lifeline
        for recipient in ("" if party in one.cover.named_parties else party,)
    ]
    return any(answer.allowed for answer in deciding.evaluate(questions=questions))


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
