"""Note releases and requests that contradict what a partner signed: that it stopped, or that a whole agreement ended.

Ends are looked up set-wise: as many statements for many uses as for one.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

import audit.actions
from audit.actions import Release
from audit.models import Incident
from partners.labels import UNKNOWN
from partners.models import Campaign
from revocations.actions.cohorts import announce_again
from revocations.actions.redelivery import STOP_DUTIES, reopen_duties
from revocations.domain.wire import EVERYTHING
from revocations.models import Cohort, Duty, Order, State, StreamEvent

SIGNED = (State.COMPLETED, State.PARTIAL)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Use:
    """One release or refused request as the ledger knows it. `path`: URIs, the aggregator's first.

    `campaign` is the ref that it names, `contract_id` the agreement of one that names none, where that is known.
    `disclosure_id`: the release or request; None for what a comparison found.
    """

    line_id: int
    party_id: int
    path: tuple[str, ...]
    purpose: str
    scope: str
    occurred_at: datetime
    campaign: str = ""
    contract_id: int | None = None
    disclosure_id: uuid.UUID | None = None


@transaction.atomic
def mark_contradicted_orders(*, uses: Sequence[Use], at: datetime) -> int:
    """Mark the orders that these uses contradict, each with an incident. Returns how many. Cheap where there are none.

    A use contradicts the newest order that its partner had signed as done before it, where neither that order nor one
    that had gone out since allowed it. What was signed as done is owed again for that use, and the partner is told so
    by a new version.
    """
    found: dict[Order, list[Use]] = defaultdict(list)
    suspects = _filter_signed_uses(uses)
    # By agreement, the newest first.
    orders = list(
        Order.objects.select_for_update()
        .filter(line_id__in={use.line_id for use in suspects})
        .order_by("line_id", "contract_id", "-epoch", "-version")
    )
    for use in suspects:
        for order in _find_contradicted_orders(use, orders):
            found[order].append(use)
    for order, against in found.items():
        _mark(order, against, at)
    duties = [duty for order, against in found.items() for duty in _list_duties_to_reopen(order, against, at)]
    if duties:
        reopen_duties(duties=duties, at=at)
    return len(found)


def _filter_signed_uses(uses: Sequence[Use]) -> list[Use]:
    """Return the uses by partners that have signed as done an order about that line."""
    lines = {use.line_id for use in uses}
    signed = set(Order.objects.filter(line_id__in=lines, state__in=SIGNED).values_list("line_id", "party_id"))
    return [use for use in uses if (use.line_id, use.party_id) in signed]


def _find_contradicted_orders(use: Use, orders: Sequence[Order]) -> list[Order]:
    """By agreement the order that the use goes against, if any."""
    past = _list_orders_until(use, orders)
    if any(_allows(newest, use) for newest, *_ in past):
        return []
    broken = (_find_broken_order(told, use) for told in past)
    return [order for order in broken if order is not None]


def _list_orders_until(use: Use, orders: Sequence[Order]) -> list[list[Order]]:
    """Return what the partner had been told about the line when it was used, by agreement."""
    past: dict[int, list[Order]] = defaultdict(list)
    for order in orders:
        if (order.line_id, order.party_id) == (use.line_id, use.party_id) and order.queued_at <= use.occurred_at:
            past[order.contract_id].append(order)
    return list(past.values())


def _find_broken_order(told: Sequence[Order], use: Use) -> Order | None:
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


def _mark(order: Order, uses: Sequence[Use], at: datetime) -> None:
    Order.objects.filter(pk=order.pk).update(state=State.CONTRADICTED, note="used again after it was signed as done")
    _open_incident(f"order:{order.id}", order.party_id, uses, at)
    audit.actions.record(
        action="order.contradicted", actor="system:ledger", target=f"order:{order.id}", at=at, line_id=order.line_id
    )


def _open_incident(key: str, party_id: int, uses: Sequence[Use], at: datetime) -> None:
    kind = Incident.Kind.CONTRADICTED
    audit.actions.open_incident(kind=kind, key=key, subject=f"partner:{party_id}", at=at, count=len(uses))
    releases = [Release(one.line_id, one.disclosure_id, one.occurred_at) for one in uses if one.disclosure_id]
    if releases:
        audit.actions.store_affected_lines(kind=kind, key=key, releases=releases)


def _list_duties_to_reopen(order: Order, uses: Sequence[Use], at: datetime) -> list[Duty]:
    """Return what its partner had signed as done, for the places of these uses and all received by then.

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
    """Return whether the partner was told after this use to do that anyway."""
    return any(duty.action == action and duty.since > use.occurred_at and _concerns(duty, use) for duty in laid)


def _newest_by_scope(order: Order, uses: Sequence[Use]) -> dict[str, Use]:
    providers = _providers(order.contract_id)
    newest: dict[str, Use] = {}
    for use in sorted(uses, key=lambda one: one.occurred_at):
        recipient = next((uri for uri in use.path if uri in providers.get(use.purpose, ())), _get_last_named(use.path))
        newest[f"{use.purpose} {recipient}"] = use
    return newest


def _providers(contract_id: int) -> Mapping[str, Collection[str]]:
    """By purpose: the companies (URIs) whose uses these are under this agreement."""
    found: dict[str, set[str]] = defaultdict(set)
    uses = Campaign.objects.filter(contract_id=contract_id).values_list("purpose", "lbs_provider__uri")
    for purpose, uri in uses:
        found[purpose].add(uri)
    return found


def _get_last_named(path: Sequence[str]) -> str:
    # A path may be empty: whoever reports it must be answered, and the order is contradicted all the same.
    return next((uri for uri in reversed(path) if uri != UNKNOWN), UNKNOWN)


def _concerns(duty: Duty, use: Use) -> bool:
    purpose, _, recipient = duty.scope.partition(" ")
    return duty.scope == EVERYTHING or (purpose in {"", use.purpose} and recipient in use.path)


# Of each use the ends that it is under, and the newest event of each that the partner had signed before it. A use that
# names no campaign is of a campaign that ended where it is the same place. What an order told since the end allows, or
# allowed and took back, is that order's affair.
BROKEN = """
SELECT c.id, c.party_id, signed.event_id, (used.occurred_at AT TIME ZONE 'UTC')::date::text, array_agg(used.place)
FROM jsonb_to_recordset(%s::jsonb) AS used (line_id bigint, party_id bigint, path text[], purpose text, scope text,
        occurred_at timestamptz, campaign text, contract_id bigint, place bigint)
    LEFT JOIN partners_campaign named ON named.ref = used.campaign
    JOIN revocations_cohort c ON c.party_id = used.party_id
        AND c.contract_id = coalesce(named.contract_id, used.contract_id)
    JOIN partners_party partner ON partner.id = c.party_id
    CROSS JOIN LATERAL (
        SELECT r.event_id
        FROM revocations_cohortreceipt r JOIN revocations_streamevent e ON e.id = r.event_id
        WHERE r.cohort_id = c.id AND r.signer_uri = partner.uri AND r.status = 'completed'
            AND r.received_at < used.occurred_at
        ORDER BY e.queued_at DESC LIMIT 1) signed
WHERE (c.of = 'contract' OR c.target_id = named.id OR named.id IS NULL AND EXISTS (
        SELECT FROM partners_campaign one JOIN partners_party provider ON provider.id = one.lbs_provider_id
        WHERE one.id = c.target_id AND one.purpose = used.purpose AND one.scope = used.scope
            AND provider.uri = ANY (used.path)))
    AND NOT EXISTS (
        SELECT FROM revocations_order o CROSS JOIN LATERAL jsonb_array_elements(o.snapshot -> 'state') AS entry (of)
        WHERE o.line_id = used.line_id AND o.contract_id = c.contract_id AND o.epoch >= c.epoch
            AND o.queued_at <= used.occurred_at
            AND entry.of -> 'scopes' ? used.scope AND entry.of ->> 'purpose' = used.purpose
            AND entry.of ->> 'recipient' = ANY (used.path))
GROUP BY 1, 2, 3, 4 ORDER BY 1, 4, 3
"""


@transaction.atomic
def mark_contradicted_ends(*, uses: Sequence[Use], at: datetime) -> int:
    """Mark the ends that these uses contradict, tell their partners anew, and open an incident for each end and day.

    A use contradicts what its partner had last signed before it. Where that is known as contradicted already, it only
    counts in the incident of its day. Returns how many ends are contradicted by this.
    """
    with connection.cursor() as cursor:
        cursor.execute(BROKEN, [json.dumps([_as_json(use, place) for place, use in enumerate(uses)])])
        found = cursor.fetchall()
    marked = _mark_ends({event_id for _, _, event_id, _, _ in found}, at)
    days: dict[tuple[uuid.UUID, int, str], list[Use]] = defaultdict(list)
    for cohort_id, party_id, _, day, places in found:
        days[cohort_id, party_id, day] += [uses[place] for place in places]
    for (cohort_id, party_id, day), against in days.items():
        _open_incident(f"cohort:{cohort_id}:{day}", party_id, against, at)
    return marked


def _as_json(use: Use, place: int) -> dict[str, object]:
    return {**asdict(use), "occurred_at": use.occurred_at.isoformat(), "disclosure_id": None, "place": place}


def _mark_ends(event_ids: Iterable[uuid.UUID], at: datetime) -> int:
    """Return those that still count as signed. First the events are locked, then their cohorts, as by a receipt."""
    signed = StreamEvent.objects.select_for_update().filter(pk__in=list(event_ids), state__in=SIGNED).order_by("pk")
    broken = [event.pk for event in signed]
    if not broken:
        return 0
    StreamEvent.objects.filter(pk__in=broken).update(
        state=State.CONTRADICTED, note="used again after it was signed as done", again_at=None
    )
    for cohort in Cohort.objects.select_for_update().filter(event_id__in=broken).order_by("pk"):
        announce_again(cohort=cohort, at=at)
        audit.actions.record(action="cohort.contradicted", actor="system:ledger", target=f"cohort:{cohort.pk}", at=at)
    return len(broken)
