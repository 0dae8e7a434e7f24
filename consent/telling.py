"""What partners are to be told of a line, put together for `revocations.actions.tell`."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from django.db import connection

from consent import snapshots
from consent.models import Choice, LineGate
from consent.queries.piercing import Pierced, pierced
from partners import pairwise
from partners.models import Campaign, Contract
from revocations.actions import Agreement, Disputed
from revocations.models import Duty

NAME_ORDERS = """
INSERT INTO consent_choiceorder (line_id, choice_id, contract_id, order_id)
SELECT %s, %s, told.contract_id, told.order_id FROM unnest(%s::bigint[], %s::uuid[]) AS told (contract_id, order_id)
ON CONFLICT DO NOTHING
"""
STOP_DUTIES = (Duty.Action.STOP_USE, Duty.Action.DELETE_HELD, Duty.Action.NOTIFY_DOWNSTREAM)
PAUSE_DUTIES = (Duty.Action.STOP_USE, Duty.Action.NOTIFY_DOWNSTREAM)


class No(Protocol):
    """A stop or pause, written down or about to be."""

    @property
    def kind(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def ref(self) -> str: ...
    @property
    def made_at(self) -> datetime: ...


def agreements(
    *,
    line_id: int,
    contract_ids: Sequence[int],
    before: snapshots.States | None = None,
    duties: Sequence[Duty.Action] = (),
    scopes: Mapping[int, Sequence[str]] | None = None,
    since: Mapping[int, datetime] | None = None,
    uses: snapshots.Uses | None = None,
) -> list[Agreement]:
    """How the line stands now under each agreement, and what its partner must do. Names the line for each partner.

    `before`, `scopes` and `since`: by contract id. Without scopes nothing is owed; `since` is now where none is given.
    `uses`: what is on record under all of them, where that was looked up before.
    """
    known = uses or snapshots.uses(line_id=line_id, contract_ids=contract_ids)
    states = snapshots.states_of(uses=known)
    contracts = {campaign.contract_id: campaign.contract for campaign, _ in known.asked}
    contracts |= Contract.objects.in_bulk([pk for pk in contract_ids if pk not in contracts])
    pairwise.name_line(line_id=line_id, party_ids={contract.aggregator_id for contract in contracts.values()})
    return [
        Agreement(
            contract,
            states[pk],
            (before or {}).get(pk, ()),
            duties,
            (scopes or {}).get(pk, ()),
            (since or {}).get(pk),
        )
        for pk, contract in contracts.items()
    ]


def agreements_after(
    *,
    line_id: int,
    no: No,
    passed: Mapping[int, Pierced],
    contract_ids: Sequence[int],
    before: snapshots.States | None = None,
    running: bool = True,
    signed_for: Collection[int] = (),
) -> list[Agreement]:
    """The same after a no that came to us late, and what it asks of each partner.

    Under an agreement with a yes that outlasts it (`passed`), all that the partner had before that yes is owed, and
    nothing where it had nothing. `signed_for`: contracts whose partner had signed, and owes that anew in any case.
    """
    scopes = snapshots.covered_scopes(contract_ids=contract_ids, scope=no.scope, ref=no.ref)
    free = {pk for pk, one in passed.items() if one.had_from is None and pk not in signed_for}
    return agreements(
        line_id=line_id,
        contract_ids=contract_ids,
        before=before,
        duties=() if not running else PAUSE_DUTIES if no.kind == Choice.Kind.PAUSE else STOP_DUTIES,
        scopes={pk: named for pk, named in scopes.items() if pk not in free},
        since={pk: one.since for pk, one in passed.items()},
    )


def passed_by(*, line_id: int, no: No, origin: str, contract_ids: Sequence[int]) -> Mapping[int, Pierced]:
    """By contract: the yes that outlasts this no, for those alone that have one."""
    return pierced(
        line_id=line_id, scope=no.scope, ref=no.ref, made_at=no.made_at, origin=origin, contract_ids=contract_ids
    )


def disputed(*, line_id: int, scope: str, ref: str) -> list[Disputed]:
    """What to ask partners about, where somebody never agreed: each use on record that it covers, by agreement.

    Under an agreement with no such record, whatever the company (or its partner) does there.
    """
    contract_ids = snapshots.affected_contracts(line_id=line_id, scope=scope, ref=ref)
    row = LineGate.objects.get(pk=line_id)
    on_record = Campaign.objects.filter(contract_id__in=contract_ids, ref__in={*row.approvals, *row.claims})
    found: dict[int, list[Campaign]] = defaultdict(list)
    for campaign in on_record.select_related("lbs_provider", "contract__aggregator", "cover").order_by("ref"):
        if snapshots.covers(campaign=campaign, scope=scope, ref=ref):
            found[campaign.contract_id].append(campaign)
    asked: list[Disputed] = []
    for contract in Contract.objects.filter(pk__in=contract_ids).select_related("aggregator").order_by("pk"):
        asked += [Disputed(contract, one, one.lbs_provider.uri) for one in found[contract.pk]]
        if not found[contract.pk]:
            asked.append(_disputed_at_large(contract, scope, ref))
    return asked


def _disputed_at_large(contract: Contract, scope: str, ref: str) -> Disputed:
    if scope == Choice.Scope.CAMPAIGN:
        named = Campaign.objects.filter(ref=ref, contract=contract).select_related("lbs_provider").first()
        if named is not None:
            return Disputed(contract, named, named.lbs_provider.uri)
    return Disputed(contract, None, ref if scope == Choice.Scope.PARTY else contract.aggregator.uri)


def name_orders(*, line_id: int, choice_id: uuid.UUID, told: Mapping[int, uuid.UUID]) -> None:
    """Write down which orders tell of a choice, the first for each agreement. `told`: order ids by contract id."""
    if not told:
        return
    with connection.cursor() as cursor:
        cursor.execute(NAME_ORDERS, [line_id, choice_id, list(told), list(told.values())])
