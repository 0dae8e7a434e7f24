"""What partners are to be told of a line, put together for `revocations.actions.orders`."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from django.db import connection

from consent.domain import snapshots
from consent.models import Choice, LineGate
from consent.queries.approvals import Denial, LateDenial, Override, list_overrides
from partners.domain import pairwise
from partners.models import Campaign, Contract
from revocations.actions.receipts import DisputedUse
from revocations.domain.wire import EVERYTHING, Agreement
from revocations.models import Duty

NAME_ORDERS = """
INSERT INTO consent_choiceorder (line_id, choice_id, contract_id, order_id)
SELECT told.line_id, told.choice_id, told.contract_id, told.order_id
FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::uuid[]) AS told (line_id, choice_id, contract_id, order_id)
ON CONFLICT DO NOTHING
"""
STOP_DUTIES = (Duty.Action.STOP_USE, Duty.Action.DELETE_HELD, Duty.Action.NOTIFY_DOWNSTREAM)
PAUSE_DUTIES = (Duty.Action.STOP_USE, Duty.Action.NOTIFY_DOWNSTREAM)


def agreements(
    *,
    line_id: int,
    contract_ids: Sequence[int],
    before: snapshots.States | None = None,
    duties: Sequence[Duty.Action] = (),
    scopes: Mapping[int, Sequence[str]] | None = None,
    since: Mapping[int, datetime] | None = None,
) -> list[Agreement]:
    """Describe how the line stands now under each agreement, and what its partner must do. Names it for each partner.

    `before`, `scopes` and `since`: by contract id. Without scopes nothing is owed; `since` is now where none is given.
    """
    now = _CurrentStates.read({line_id: contract_ids})
    return now.agreements(line_id, contract_ids, before or {}, _RequestedDuties(duties, scopes or {}, since or {}))


def agreements_after_no(
    *,
    line_id: int,
    uses: snapshots.Uses,
    before: snapshots.States,
    duties: Sequence[Duty.Action],
    scopes: Mapping[int, Sequence[str]],
    is_of_all: bool,
) -> list[Agreement]:
    """Describe the same after a no that was just written down, of uses that were looked up before it.

    `is_of_all`: it is newer than all there is and leaves nothing, so that the gate need not be asked once more; at
    commit the database refuses an order that still allows anything (`consent_order_says_so`).
    """
    nothing: snapshots.States = {pk: [] for pk in uses.contract_ids}
    states = nothing if is_of_all else snapshots.states_of(uses=uses)
    now = _CurrentStates.of({line_id: uses.contract_ids}, {line_id: uses}, {line_id: states})
    return now.agreements(line_id, uses.contract_ids, before, _RequestedDuties(duties, scopes))


def agreements_of_each(
    *, contract_ids: Mapping[int, Sequence[int]], duties: Sequence[Duty.Action] = ()
) -> dict[int, list[Agreement]]:
    """Describe how many lines stand now under their agreements, by line. `duties`: what every partner must do."""
    now = _CurrentStates.read(contract_ids)
    return {
        line_id: now.agreements(
            line_id, theirs, {}, _RequestedDuties(duties, {pk: [EVERYTHING] for pk in theirs} if duties else {})
        )
        for line_id, theirs in contract_ids.items()
    }


@dataclass(frozen=True)
class _RequestedDuties:
    """What is asked of partners: what to do, and by contract about what, and since when if not now."""

    duties: Sequence[Duty.Action] = ()
    scopes: Mapping[int, Sequence[str]] = field(default_factory=dict)
    since: Mapping[int, datetime] = field(default_factory=dict)

    @classmethod
    def after(cls, late: LateDenial, passed: Mapping[int, Override], scopes: Mapping[int, Sequence[str]]) -> Self:
        """Build what a no asks of whom it met late.

        Under an agreement with a yes that outlasts it (`passed`), all that the partner had before that yes is owed, and
        nothing where it had nothing.
        """
        free = {pk for pk, one in passed.items() if one.had_from is None} - {*late.signed_for}
        return cls(
            _duties_of(late.no) if late.running else (),
            {pk: named for pk, named in scopes.items() if pk not in free},
            {pk: one.since for pk, one in passed.items()},
        )


def _duties_of(no: Denial) -> Sequence[Duty.Action]:
    return PAUSE_DUTIES if no.kind == Choice.Kind.PAUSE else STOP_DUTIES


def _contracts_of(
    contract_ids: Mapping[int, Sequence[int]], known: Mapping[int, snapshots.Uses]
) -> dict[int, Contract]:
    """The contracts by their ids; those that no use names are read."""
    contracts = {campaign.contract_id: campaign.contract for one in known.values() for campaign, _ in one.asked}
    others = {pk for theirs in contract_ids.values() for pk in theirs} - contracts.keys()
    return contracts | (Contract.objects.in_bulk(others) if others else {})


@dataclass(frozen=True)
class _CurrentStates:
    """How lines stand now under their agreements, each named for each partner. `states`: by line and contract."""

    contracts: Mapping[int, Contract]
    states: Mapping[int, snapshots.States]

    @classmethod
    def read(cls, contract_ids: Mapping[int, Sequence[int]]) -> Self:
        known = snapshots.uses_of_each(contract_ids=contract_ids)
        return cls.of(contract_ids, known, snapshots.states_of_each(uses=known))

    @classmethod
    def of(
        cls,
        contract_ids: Mapping[int, Sequence[int]],
        known: Mapping[int, snapshots.Uses],
        states: Mapping[int, snapshots.States],
    ) -> Self:
        contracts = _contracts_of(contract_ids, known)
        pairs = {(line_id, contracts[pk].aggregator_id) for line_id, theirs in contract_ids.items() for pk in theirs}
        pairwise.name_lines(pairs=pairs)
        return cls(contracts, states)

    def agreements(
        self, line_id: int, contract_ids: Sequence[int], before: snapshots.States, asked: _RequestedDuties
    ) -> list[Agreement]:
        states = self.states[line_id]
        return [
            Agreement(
                self.contracts[pk],
                states[pk],
                before.get(pk, ()),
                asked.duties,
                asked.scopes.get(pk, ()),
                asked.since.get(pk),
            )
            for pk in contract_ids
        ]


def agreements_after_each(
    *, late: Sequence[LateDenial], before: Mapping[int, snapshots.States]
) -> list[list[Agreement]]:
    """Describe how lines stand now after all of these, and what each asks of each partner. In order.

    `before`: by line.
    """
    contract_ids: dict[int, set[int]] = defaultdict(set)
    named: dict[tuple[str, str], set[int]] = defaultdict(set)
    for one in late:
        contract_ids[one.line_id] |= {*one.contract_ids}
        named[one.no.scope, one.no.ref] |= {*one.contract_ids}
    scopes = snapshots.covered_scopes_of_each(named=named)
    now = _CurrentStates.read({line_id: sorted(theirs) for line_id, theirs in contract_ids.items()})
    return [
        now.agreements(
            one.line_id,
            one.contract_ids,
            before.get(one.line_id, {}),
            _RequestedDuties.after(one, passed, scopes[one.no.scope, one.no.ref]),
        )
        for one, passed in zip(late, list_overrides(denied=late), strict=True)
    ]


def list_disputed_uses(*, line_id: int, scope: str, ref: str) -> list[DisputedUse]:
    """List what to ask partners where somebody never agreed: each use on record that the stop covers, by agreement.

    Under an agreement with no such record, whatever the company (or its partner) does there.
    """
    contract_ids = snapshots.affected_contracts(line_id=line_id, scope=scope, ref=ref)
    row = LineGate.objects.get(pk=line_id)
    on_record = Campaign.objects.filter(contract_id__in=contract_ids, ref__in={*row.approvals, *row.claims})
    found: dict[int, list[Campaign]] = defaultdict(list)
    for campaign in on_record.select_related("lbs_provider", "contract__aggregator", "cover").order_by("ref"):
        if snapshots.covers(campaign=campaign, scope=scope, ref=ref):
            found[campaign.contract_id].append(campaign)
    asked: list[DisputedUse] = []
    for contract in Contract.objects.filter(pk__in=contract_ids).select_related("aggregator").order_by("pk"):
        asked += [DisputedUse(contract, one, one.lbs_provider.uri) for one in found[contract.pk]]
        if not found[contract.pk]:
            asked.append(_disputed_at_large(contract, scope, ref))
    return asked


def _disputed_at_large(contract: Contract, scope: str, ref: str) -> DisputedUse:
    if scope == Choice.Scope.CAMPAIGN:
        named = Campaign.objects.filter(ref=ref, contract=contract).select_related("lbs_provider").first()
        if named is not None:
            return DisputedUse(contract, named, named.lbs_provider.uri)
    return DisputedUse(contract, None, ref if scope == Choice.Scope.PARTY else contract.aggregator.uri)


def name_orders(*, line_id: int, choice_id: uuid.UUID, told: Mapping[int, uuid.UUID]) -> None:
    """Write down which orders tell of a choice, the first for each agreement. `told`: order ids by contract id."""
    name_orders_of_each(named=[(line_id, choice_id, contract_id, order_id) for contract_id, order_id in told.items()])


def name_orders_of_each(*, named: Sequence[tuple[int, uuid.UUID, int, uuid.UUID]]) -> None:
    """Write down which orders tell of many choices: line, choice, contract and order of each."""
    if not named:
        return
    with connection.cursor() as cursor:
        cursor.execute(NAME_ORDERS, [list(column) for column in zip(*named, strict=True)])
