"""The life of contracts and campaigns. A stage is worked out from the facts each time and never kept beside them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Q, QuerySet

from partners.models import Campaign, Contract, Reach, Suspension

NOTICE_PERIOD = timedelta(days=30)


class NotNow(Exception):
    """An act that does not fit how things stand; the message says how they stand and what to do instead."""


class Stage(StrEnum):
    """Where a contract or campaign stands. The first that applies, in this order."""

    DRAFT = "draft"
    ENDED = "ended"
    SUSPENDED = "suspended"
    NOT_YET = "not yet begun"
    ENDING = "ending"  # in force, and its end is within the notice period
    IN_FORCE = "in force"


def get_stage(row: Contract | Campaign, *, at: datetime) -> Stage:
    """Say where one contract or campaign stands at `at`; a campaign never stands better than its contract."""
    if isinstance(row, Contract):
        return contract_stages(contracts=[row], at=at)[row.pk]
    return campaign_stages(campaigns=[row], at=at)[row.pk]


def contract_stages(*, contracts: Iterable[Contract], at: datetime) -> Mapping[int, Stage]:
    """Say where these contracts stand, by id: one statement, whatever their number."""
    suspended = _list_suspended_targets(at)
    return {
        one.pk: _stage(
            one, at, suspended=one.pk in suspended["contract"] or one.aggregator_id in suspended["party"], ends=[]
        )
        for one in contracts
    }


def campaign_stages(*, campaigns: Iterable[Campaign], at: datetime) -> Mapping[int, Stage]:
    """Say where these campaigns stand, by id. Two statements, if read with `select_related("contract")`."""
    rows = list(campaigns)
    suspended = _list_suspended_targets(at)
    reached = _reaching(rows, suspended["party"])
    found = {}
    for one in rows:
        stopped = (
            one.pk in suspended["campaign"] | reached
            or one.contract_id in suspended["contract"]
            or bool({one.lbs_provider_id, one.contract.aggregator_id} & suspended["party"])
        )
        found[one.pk] = _stage(one, at, suspended=stopped, ends=[one.contract])
    return found


def _stage(row: Contract | Campaign, at: datetime, *, suspended: bool, ends: Sequence[Contract]) -> Stage:
    both = [row, *ends]
    if any(one.is_draft for one in both):
        return Stage.DRAFT
    if any(one.ends_at <= at for one in both):
        return Stage.ENDED
    return Stage.SUSPENDED if suspended else _stage_of_term(both, at)


def _stage_of_term(both: Sequence[Contract | Campaign], at: datetime) -> Stage:
    if any(at < one.starts_at for one in both):
        return Stage.NOT_YET
    return Stage.ENDING if any(one.ends_at <= at + NOTICE_PERIOD for one in both) else Stage.IN_FORCE


def not_ended(*, at: datetime) -> Q:
    """Suspensions, and rules of states, that hold or are to come: an end that is still to come ends nothing yet."""
    return Q(ends_at__isnull=True) | Q(ends_at__gt=at)


def running(*, at: datetime) -> QuerySet[Suspension]:
    """Return the suspensions that run at a moment, the newest first."""
    return Suspension.objects.filter(not_ended(at=at), starts_at__lte=at).order_by("-starts_at", "-id")


def _list_suspended_targets(at: datetime) -> Mapping[str, set[int]]:
    found: dict[str, set[int]] = {of: set() for of in Suspension.Of.values}
    for of, target_id in running(at=at).values_list("of", "target_id"):
        found[of].add(target_id)
    return found


def _reaching(campaigns: Sequence[Campaign], parties: Collection[int]) -> set[int]:
    """Those whose data reaches a suspended party, unless their requests name whom they are for."""
    if not parties:
        return set()
    reach = Reach.objects.filter(campaign__in=campaigns, campaign__names_recipient=False, party_id__in=parties)
    return set(reach.values_list("campaign_id", flat=True))
