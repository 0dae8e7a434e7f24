"""After an officer's act: tell partners, line by line, what it changed for lines that they were told of before.

The gate keeps an act from its commit on; this only brings the partners' copies, and what was judged of the past, up to
it. What comes on a day, a rule's beginning and end, is seen to on that day; partners hear of the end of a term as a
whole (`consent.workers.cohorts`). An act names its moment before it commits: what was released from that moment on may
have been judged without it, and is judged again. The audit trail says what was settled, so that whatever breaks is done
again; to do it twice tells nobody twice.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from django.db import transaction
from django.db.models import Q, QuerySet

import audit.actions
import disclosures.actions
from accounts.models import Line
from accounts.primitives.slots import lock_job
from accounts.workers.one_by_one import run_each
from audit.models import AuditEvent
from consent.workers.cohorts import reissue_ended_campaigns
from consent.workers.expiry import enqueue_current_state
from disclosures.domain.ingest.projections import enqueue_rejudging_since, enqueue_state_rejudging
from disclosures.feeds.terms import settle_files, settle_terms
from partners.feeds import terms
from partners.feeds.terms import Changes
from partners.models import Campaign, Contract, IdentifierLink, JurisdictionRule, Party, Proposal, Suspension
from partners.policies.lifecycle import not_ended
from revocations.models import Order, Standing

LOOK_BACK = timedelta(days=30)
A_FILE_TAKES = timedelta(minutes=15)
LINKED = tuple(f"{of}.linked" for of in IdentifierLink.Of.values)
PAID = ("campaign.consideration_set", "campaign.paid_for_less")
DRAFTED = ("campaign.drafted", "campaign.draft_changed")
NAMED = "party.added"
# Acts by which a term begins or ends at another moment than before.
TERMS = tuple(
    f"{of}.{act}" for of in ("contract", "campaign") for act in ("put_in_force", "shortened", "extended", "terminated")
)
BEGAN, BROUGHT_BACK = "suspension.began", "restore.suspension"
SALE = (Campaign.Consideration.MONETARY, Campaign.Consideration.OTHER)
SETTLED = "act.settled"
ACTOR = "system:settling"
CAUSE = "acts"


class _Step(Protocol):
    def __call__(self, *, now: datetime) -> None: ...


@dataclass(frozen=True)
class _Due:
    """Something to settle. `mark`: how the trail names it once that is done."""

    mark: str
    step: _Step


def settle(*, now: datetime) -> int:
    """See to everything of the last 30 days that was not settled yet. Returns how many it was. Safe to repeat.

    One worker at a time: what one is at, another leaves to it.
    """
    with lock_job(name="support.term_change_propagation") as mine:
        if not mine:
            return 0
        return run_each(job="support.settle", rows=_open(now), do=partial(_settle, now=now), at=now) + _files(now)


def _settle(due: _Due, now: datetime) -> int:
    due.step(now=now)
    audit.actions.record(action=SETTLED, actor=ACTOR, target=due.mark, at=now)
    return 1


def _open(now: datetime) -> list[_Due]:
    due = [*_acts(now), *_rules(now)]
    marks = [one.mark for one in due]
    settled = set(AuditEvent.objects.filter(action=SETTLED, target__in=marks).values_list("target", flat=True))
    return [one for one in due if one.mark not in settled]


def _acts(now: datetime) -> Iterator[_Due]:
    """Yield what officers did that counts from then on, in its order."""
    lifted = Q(action="proposal.agreed", detail__act=Proposal.Act.LIFT_SUSPENSION)
    # What the rules of the streams began judges nothing.
    suspended = Q(action=BEGAN, detail__automatic=False) | Q(action=BROUGHT_BACK)
    named = Q(action__in=(*LINKED, *PAID, *DRAFTED, *TERMS, NAMED))
    acts = AuditEvent.objects.filter(named | suspended | lifted, at__gt=now - LOOK_BACK)
    for event in acts.order_by("id"):
        steps = {
            **dict.fromkeys(LINKED, _settle_link), **dict.fromkeys((BEGAN, BROUGHT_BACK), _settle_suspension),
            **dict.fromkeys(TERMS, _other_term),
            "proposal.agreed": _settle_lift, NAMED: _settle_new_party,
        }  # fmt: skip
        yield _Due(f"event:{event.pk}", partial(steps.get(event.action, _settle_campaign_change), event))


def _settle_link(event: AuditEvent, *, now: datetime) -> None:
    of, ref, other = event.action.partition(".")[0], event.detail["ref"], event.detail["to"]
    settle_terms(changes=Changes(links={(of, ref), (of, other)}), at=now, cause=CAUSE)


def _settle_new_party(event: AuditEvent, *, now: datetime) -> None:
    """Settle a company that was seen in paths before: some of what went to it may be doubtful."""
    settle_terms(changes=Changes(parties={event.detail["ref"]}), at=now, cause=CAUSE)


def _settle_campaign_change(event: AuditEvent, *, now: datetime) -> None:
    """Another draft, or another payment: the past is judged by the terms of now."""
    settle_terms(changes=Changes(campaigns={event.detail["ref"]}), at=now, cause=CAUSE)
    if event.action in PAID:
        sales = JurisdictionRule.objects.filter(sale_test=True, starts_at__lte=now)
        states = set(sales.filter(not_ended(at=now)).values_list("state", flat=True))
        contracts = Campaign.objects.filter(ref=event.detail["ref"]).values_list("contract_id", flat=True)
        _retell(_list_standings(set(contracts), states=states))


def _settle_suspension(event: AuditEvent, *, now: datetime) -> None:
    """It counts from a moment before its commit, or from long before where it was lost with a database: what was
    released since then, and judged before it was here, is judged again."""
    of, _, target = event.target.partition(":")
    of_target = Suspension.objects.filter(of=of, target_id=int(target), automatic=False).order_by("-starts_at")
    # It may have been lifted since, and another have begun.
    known = of_target.filter(pk=event.detail["suspension"]).first() if event.action == BEGAN else of_target.first()
    if known is not None:
        _judge_since(known.starts_at, of, known.target_id, now)


def _other_term(event: AuditEvent, *, now: datetime) -> None:
    """No act changes what was in force before it; by a door's clock that is ahead, the end may be before the act."""
    of, _, target = event.target.partition(":")
    ends = Contract.objects.filter(pk=int(target)) if of == "contract" else Campaign.objects.filter(pk=int(target))
    _judge_since(min(event.at, ends.values_list("ends_at", flat=True).get()), of, int(target), now)


def _judge_since(since: datetime, of: str, target_id: int, now: datetime) -> None:
    campaigns, parties = set[str](), set[str]()
    if of == Suspension.Of.PARTY:
        parties = set(Party.objects.filter(pk=target_id).values_list("uri", flat=True))
    else:
        under = Q(contract=target_id) if of == Suspension.Of.CONTRACT else Q(pk=target_id)
        campaigns = set(Campaign.objects.filter(under).values_list("ref", flat=True))
    enqueue_rejudging_since(campaigns=campaigns, parties=parties, since=since)
    disclosures.actions.catch_up(cause=CAUSE, at=now)


def _settle_lift(event: AuditEvent, *, now: datetime) -> None:
    """Only lines with an order from while it was suspended: the copies of the others were left as they were.

    Unless a campaign ended meanwhile and another in its place goes on: by the end the partner denies that too.
    """
    proposal = Proposal.objects.get(pk=event.detail["proposal"])
    lifted = Suspension.objects.filter(lifted_by=proposal).order_by("starts_at").first()
    if lifted is None:
        return
    target = proposal.target_id
    _judge_since(lifted.ends_at or now, proposal.of, target, now)
    by_target = {
        Proposal.Of.PARTY: Q(contract__aggregator=target) | Q(lbs_provider=target) | Q(reach__party=target),
        Proposal.Of.CONTRACT: Q(contract=target),
        Proposal.Of.CAMPAIGN: Q(pk=target),
    }
    campaigns = Campaign.objects.filter(by_target[Proposal.Of(proposal.of)])
    contracts = set(campaigns.values_list("contract_id", flat=True))
    _retell(_list_later_orders(contracts, lifted.starts_at))
    reissue_ended_campaigns(contract_ids=contracts, since=lifted.starts_at)


def _rules(now: datetime) -> Iterator[_Due]:
    """Rules of states that began, or were added with a beginning in the past, and rules that ended."""
    added = AuditEvent.objects.filter(action="rule.added", at__gt=now - LOOK_BACK).values_list("target", flat=True)
    pks = [int(target.partition(":")[2]) for target in added]
    began = JurisdictionRule.objects.filter(Q(starts_at__gt=now - LOOK_BACK) | Q(pk__in=pks), starts_at__lte=now)
    for rule in began.order_by("pk"):
        yield _Due(f"rule:{rule.pk}:began", partial(_began, rule))
    ended = JurisdictionRule.objects.filter(ends_at__gt=now - LOOK_BACK, ends_at__lte=now)
    for rule in ended.order_by("pk"):
        yield _Due(f"rule:{rule.pk}:ended", partial(_settle_rule_end, rule))


def _began(rule: JurisdictionRule, *, now: datetime) -> None:
    enqueue_state_rejudging(state=rule.state, since=rule.starts_at)
    disclosures.actions.catch_up(cause=CAUSE, at=now)
    _retell(_list_standings(_under(rule), states={rule.state}))


def _settle_rule_end(rule: JurisdictionRule, *, now: datetime) -> None:
    """Only lines with an order from while it ran, or whose campaign ended then; the others' copies were left alone."""
    enqueue_state_rejudging(state=rule.state, since=rule.ends_at or now)
    disclosures.actions.catch_up(cause=CAUSE, at=now)
    contracts = _under(rule)
    _retell(_list_later_orders(contracts, rule.starts_at))
    reissue_ended_campaigns(contract_ids=contracts, since=rule.starts_at)


def _under(rule: JurisdictionRule) -> set[int]:
    """Return the contracts of the campaigns that a rule is about.

    Waits for those who are saying yes to one of them (`lock_terms`): they began without the rule, and are told anew.
    """
    about = Q(purpose__in=rule.purposes)
    if rule.sale_test:
        about |= Q(consideration__in=[one for one in SALE if rule.consideration in {"", one}])
    with transaction.atomic():
        locked = Campaign.objects.select_for_update(no_key=True).filter(about).order_by("ref")
        return set(locked.values_list("contract_id", flat=True))


def _files(now: datetime) -> int:
    """What a parties file changed whose import ended before what follows from it; one that is at it is left to it."""
    left = terms.is_left_behind(since=now - A_FILE_TAKES)
    return int(left and settle_files(at=now, waits=False) is not None)


def _list_standings(contracts: Collection[int], *, states: Collection[str] | None = None) -> QuerySet[Standing]:
    """Return what partners were told under these contracts, of lines that are in these states (None: in any)."""
    told = Standing.objects.filter(contract_id__in=contracts)
    return told if states is None else told.filter(line_id__in=Line.objects.filter(state__in=states).values("pk"))


def _list_later_orders(contracts: Collection[int], since: datetime) -> QuerySet[Order]:
    return Order.objects.filter(contract_id__in=contracts, queued_at__gte=since)


def _retell(rows: QuerySet[Standing] | QuerySet[Order]) -> None:
    for line_id in rows.order_by("line_id").values_list("line_id", flat=True).distinct().iterator():
        enqueue_current_state(line_id=line_id)
