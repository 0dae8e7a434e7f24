"""A release, or a request we refused, after the partner had signed that it stopped: its word was not true."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

import audit.actions
from audit.models import Incident
from partners.labels import UNKNOWN
from partners.models import Campaign
from revocations.actions.reissue import STOP_DUTIES, reopen
from revocations.domain.order_snapshots import EVERYTHING
from revocations.models import Duty, Order, State

SIGNED = (State.COMPLETED, State.PARTIAL)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Use:
    """One release or refused request as the ledger knows it. `path`: URIs, the aggregator's first.

    `campaign` is the ref that it names, `contract_id` the agreement of one that names none, where that is known.
    """

    line_id: int
    party_id: int
    path: tuple[str, ...]
    purpose: str
    scope: str
    occurred_at: datetime
    campaign: str = ""
    contract_id: int | None = None


@transaction.atomic
def contradict(*, uses: Sequence[Use], at: datetime) -> int:
    """Mark the orders that these uses contradict, each with an incident. Returns how many. Cheap where there are none.

    A use contradicts the newest order that its partner had signed as done before it, where neither that order nor one
    that had gone out since allowed it. What was signed as done is owed again for that use, and the partner is told so
    by a new version.
    """
    found: dict[Order, list[Use]] = defaultdict(list)
    suspects = _after_a_signature(uses)
    orders = _lock_orders({use.line_id for use in suspects})
    for use in suspects:
        for order in _find_contradicted_orders(use, orders):
            found[order].append(use)
    for order in found:
        _mark(order, at)
    duties = [duty for order, against in found.items() for duty in _owed_again(order, against, at)]
    if duties:
        reopen(duties=duties, at=at)
    return len(found)


def _after_a_signature(uses: Sequence[Use]) -> list[Use]:
    """The uses by partners that have signed as done an order about that line."""
    lines = {use.line_id for use in uses}
    signed = set(Order.objects.filter(line_id__in=lines, state__in=SIGNED).values_list("line_id", "party_id"))
    return [use for use in uses if (use.line_id, use.party_id) in signed]


def _lock_orders(line_ids: Collection[int]) -> list[Order]:
    """By agreement, the newest first."""
    return list(
        Order.objects.select_for_update()
        .filter(line_id__in=line_ids)
        .order_by("line_id", "contract_id", "-epoch", "-version")
    )


def _find_contradicted_orders(use: Use, orders: Sequence[Order]) -> list[Order]:
    """By agreement the order that the use goes against, if any."""
    past = _list_orders_until(use, orders)
    if any(_allows(newest, use) for newest, *_ in past):
        return []
    broken = (_broken_word(told, use) for told in past)
    return [order for order in broken if order is not None]


def _list_orders_until(use: Use, orders: Sequence[Order]) -> list[list[Order]]:
    """What the partner had been told about the line when it was used, by agreement."""
    past: dict[int, list[Order]] = defaultdict(list)
    for order in orders:
        if (order.line_id, order.party_id) == (use.line_id, use.party_id) and order.queued_at <= use.occurred_at:
            past[order.contract_id].append(order)
    return list(past.values())


def _broken_word(told: Sequence[Order], use: Use) -> Order | None:
    """Of the orders of that moment, the newest first, the one last signed before the use, if none since allowed it.

    None too where that one is known as contradicted already.
    """
    for order in told:
        if _allows(order, use):
            return None
        if order.completed_at is not None and order.completed_at < use.occurred_at:
            return order if order.state in SIGNED else None
    return None


def _allows(order: Order, use: Use) -> bool:
    return any(
        use.scope in entry["scopes"] and entry["purpose"] == use.purpose and entry["recipient"] in use.path
        for entry in order.snapshot["state"]
    )


def _mark(order: Order, at: datetime) -> None:
    Order.objects.filter(pk=order.pk).update(state=State.CONTRADICTED, note="used again after it was signed as done")
    audit.actions.open_incident(
        kind=Incident.Kind.CONTRADICTED, key=f"order:{order.id}", subject=f"partner:{order.party_id}", at=at
    )
    audit.actions.record(
        action="order.contradicted", actor="system:ledger", target=f"order:{order.id}", at=at, line_id=order.line_id
    )


def _owed_again(order: Order, uses: Sequence[Use], at: datetime) -> list[Duty]:
    """What its partner had signed as done, for the places of these uses and all received by then.

    Nothing where it was told later to do that anyway: it owes it, or has signed it since.
    """
    laid = list(Duty.objects.filter(line_id=order.line_id, contract_id=order.contract_id))
    # Whoever uses it owes an end of that, also where the order asked for no more than what a pause had left.
    actions = dict.fromkeys([Duty.Action.STOP_USE, *(order.snapshot["required_actions"] or STOP_DUTIES)])
    newest = {(action, scope): use for scope, use in _newest_by_scope(order, uses).items() for action in actions}
    return [
        Duty(
            line_id=order.line_id,
            id=uuid.uuid4(),
            contract_id=order.contract_id,
            action=action,
            scope=scope,
            # A partner reads whole minutes: the use itself must lie before it.
            since=min(at, use.occurred_at + MINUTE),
        )
        for (action, scope), use in newest.items()
        if not _is_laid_since(laid, action, use)
    ]


def _is_laid_since(laid: Sequence[Duty], action: str, use: Use) -> bool:
    """Whether the partner was told after this use to do that anyway."""
    return any(duty.action == action and duty.since > use.occurred_at and _about(duty, use) for duty in laid)


def _newest_by_scope(order: Order, uses: Sequence[Use]) -> dict[str, Use]:
    providers = _providers(order.contract_id)
    newest: dict[str, Use] = {}
    for use in sorted(uses, key=lambda one: one.occurred_at):
        recipient = next((uri for uri in use.path if uri in providers.get(use.purpose, ())), _last_known(use.path))
        newest[f"{use.purpose} {recipient}"] = use
    return newest


def _providers(contract_id: int) -> Mapping[str, Collection[str]]:
    """By purpose: the companies (URIs) whose uses these are under this agreement."""
    found: dict[str, set[str]] = defaultdict(set)
    uses = Campaign.objects.filter(contract_id=contract_id).values_list("purpose", "lbs_provider__uri")
    for purpose, uri in uses:
        found[purpose].add(uri)
    return found


def _last_known(path: Sequence[str]) -> str:
    # A path may be empty: whoever reports it must be answered, and the order is contradicted all the same.
    return next((uri for uri in reversed(path) if uri != UNKNOWN), UNKNOWN)


def _about(duty: Duty, use: Use) -> bool:
    purpose, _, recipient = duty.scope.partition(" ")
    return duty.scope == EVERYTHING or (purpose in {"", use.purpose} and recipient in use.path)
