"""Stages of contracts and campaigns as lists ask for them, and what is suspended now."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import reduce
from operator import and_, or_

from django.db.models import Q, QuerySet

from partners.models import Campaign, Contract, Reach, Suspension
from partners.policies.lifecycle import NOTICE_PERIOD, Stage

TONES: Mapping[Stage, str] = {
    Stage.DRAFT: "plain",
    Stage.NOT_YET: "plain",
    Stage.IN_FORCE: "good",
    Stage.ENDING: "warn",
    Stage.SUSPENDED: "bad",
    Stage.ENDED: "plain",
}


def running(*, at: datetime) -> QuerySet[Suspension]:
    """Return the suspensions that run at a moment, the newest first."""
    return Suspension.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), starts_at__lte=at).order_by(
        "-starts_at", "-id"
    )


def running_on(*, of: str, at: datetime) -> list[int]:
    """Return the ids of the parties, contracts or campaigns on which a suspension runs."""
    return list(running(at=at).filter(of=of).values_list("target_id", flat=True))


def contracts_at(*, rows: QuerySet[Contract], stages: Collection[str], at: datetime) -> QuerySet[Contract]:
    """Return the contracts that stand at one of these stages, by the same order of rules as `lifecycle`."""
    held = Q(pk__in=running_on(of="contract", at=at)) | Q(aggregator__in=running_on(of="party", at=at))
    return rows.filter(_at_one_of(stages, at, held, ("",)))


def campaigns_at(*, rows: QuerySet[Campaign], stages: Collection[str], at: datetime) -> QuerySet[Campaign]:
    """The campaigns that stand at one of these stages, by the same rules, of their own terms and their contracts'."""
    parties = running_on(of="party", at=at)
    reached = Reach.objects.filter(campaign__names_recipient=False, party__in=parties)
    held = (
        Q(pk__in=running_on(of="campaign", at=at))
        | Q(contract__in=running_on(of="contract", at=at))
        | Q(contract__aggregator__in=parties)
        | Q(lbs_provider__in=parties)
        | Q(pk__in=reached.values("campaign_id"))
    )
    return rows.filter(_at_one_of(stages, at, held, ("", "contract__")))


def _at_one_of(stages: Collection[str], at: datetime, held: Q, terms: tuple[str, ...]) -> Q:
    """That one of these stages applies, and none before it. `terms`: how the fields of each term are reached."""
    applies = {
        Stage.DRAFT: _any(terms, is_draft=True),
        Stage.ENDED: _any(terms, ends_at__lte=at),
        Stage.SUSPENDED: held,
        Stage.NOT_YET: _any(terms, starts_at__gt=at),
        Stage.ENDING: _any(terms, ends_at__lte=at + NOTICE_PERIOD),
        Stage.IN_FORCE: Q(),
    }
    order = list(Stage)
    return reduce(
        or_,
        (
            reduce(and_, (~applies[before] for before in order[: order.index(one)]), applies[one])
            for one in map(Stage, stages)
        ),
    )


def _any(terms: tuple[str, ...], **says: object) -> Q:
    return reduce(or_, (Q(**{f"{term}{name}": value}) for term in terms for name, value in says.items()))
