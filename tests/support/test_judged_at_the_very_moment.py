"""What was released at the very moment at which something begins or ends is judged by it, whichever was written first.

An act names its moment before it commits. A release of that moment may be reported, and judged, in between.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from pytest_django import DjangoDbBlocker

from accounts.models import Line
from consent.actions import choices
from consent.actions.lines import terminate
from consent.queries import termination
from console.actions import proposals as proposals_actions
from console.actions import terms
from disclosures import tasks
from disclosures.models import Disclosure
from partners.actions import proposals, suspensions
from partners.actions.drafts import CampaignTerms, ContractTerms, draft_campaign, draft_contract
from partners.actions.guards import Of
from partners.actions.terms import RuleTerms, add_rule, shorten_term
from partners.models import Campaign, Contract, JurisdictionRule, Party
from support.workers import term_change_propagation
from tests import feeds
from tests.clocks import Clock, standing_still
from tests.factories import FAR_OFF, LONG_AGO
from tests.moments import A_MOMENT
from tests.properties import undone
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("db", "no_broker")
# After the day on which anybody will run this: what compares with the machine's own clock must not be over by then.
T = datetime(2051, 9, 28, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DRAFT = "CMP-draft"

type Step = Callable[[], object]


@pytest.fixture(scope="module")
def clock(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Clock]:
    with django_db_blocker.unblock(), standing_still(T - DAY) as clock:
        yield clock


def nothing() -> None:
    """There is nothing to prepare."""


def target(of: str) -> int:
    if of == "party":
        return Party.objects.get(uri=feeds.BRIDGE).pk
    return Contract.objects.get(ref="AGR-1").pk if of == "contract" else Campaign.objects.get(ref="CMP-road").pk


def the_line() -> int:
    return Line.objects.get().pk


def by_two(act: str, of: str, target_id: int, *, at: datetime = T, **payload: object) -> None:
    proposal = proposals.propose(
        act=act, of=of, target_id=target_id, payload=payload, reason="Due", actor=an_actor(), at=at
    )
    proposals_actions.agree_to_proposal(proposal_id=proposal.id, reason="Due", actor=an_actor(), at=at)


def end(of: Of) -> None:
    plan = termination.plan(of=of, target_id=target(of), at=T)
    terminate(of=of, target_id=target(of), actor=an_actor(), reason="Due", plan_digest=plan.digest, at=T)


def shorten(of: Of) -> None:
    shorten_term(of=of, target_id=target(of), ends_at=T, reason="Due", actor=an_actor(), at=T)


# A campaign goes on no longer than its contract.
A_TERM_S_END = "2094-01-01T00:00:00+00:00"


def extend(of: Of) -> None:
    """What two agree to a microsecond before the end, and is written at the end."""
    by_two("extend_term", of, target(of), at=T - A_MOMENT, ends_at=A_TERM_S_END)


def ends_at_t(of: Of) -> None:
    model = Contract if of == "contract" else Campaign
    model.objects.filter(pk=target(of)).update(ends_at=T)


def draft(of: Of) -> None:
    """A campaign that is none yet, under a contract that is none yet or one that is."""
    at, under = T - DAY, "AGR-1"
    if of == "contract":
        under = "AGR-draft"
        draft_contract(
            ref=under, aggregator=feeds.BRIDGE, reason="Due", actor=an_actor(), at=at,
            terms=ContractTerms(LONG_AGO, LONG_AGO, FAR_OFF, (feeds.ROADSIDE,)),
        )  # fmt: skip
    draft_campaign(
        ref=DRAFT, contract=under, reason="Due", actor=an_actor(), at=at,
        terms=CampaignTerms(
            feeds.ROAD, feeds.ROADSIDE, "Finds you", "sms", "location-retrieval:read", 500, LONG_AGO,
            datetime.fromisoformat(A_TERM_S_END),
            consideration="none",
        ),
    )  # fmt: skip


def put_in_force(of: Of) -> None:
    pk = Contract.objects.get(ref="AGR-draft").pk if of == "contract" else Campaign.objects.get(ref=DRAFT).pk
    terms.put_in_force(of=of, target_id=pk, reason="Due", actor=an_actor(), at=T)


def suspend(of: str, at: datetime = T) -> None:
    suspensions.suspend(of=of, target_id=target(of), actor=an_actor(), reason="Due", at=at)


def lift(of: str) -> None:
    by_two("lift_suspension", of, target(of))


def a_rule(starts_at: datetime = T, *, state: str = "WA") -> JurisdictionRule:
    return add_rule(
        terms=RuleTerms(
            state=state, starts_at=starts_at, purposes=(feeds.ROADSIDE,), sale_test=False, source="test: a law"
        ),
        reason="Due",
        actor=an_actor(),
        at=starts_at,
    )


def relax() -> None:
    by_two("relax_rule", "rule", JurisdictionRule.objects.get(state="WA").pk, ends_at=T.isoformat())


def deny(scope: str) -> None:
    refs = {"all": "", "party": feeds.ROAD, "purpose": feeds.ROADSIDE, "campaign": "CMP-road"}
    choices.stop(line_id=the_line(), scope=scope, ref=refs[scope], actor="subscriber:1", channel="web")


def pause() -> None:
    choices.pause(line_id=the_line(), scope="all", until=T + DAY, actor="subscriber:1", channel="web")


def allow() -> None:
    choices.allow(line_id=the_line(), campaign="CMP-road", actor="subscriber:1", channel="web")


def a_file_says(kind: str, at: datetime) -> None:
    until = (at + DAY).isoformat() if kind == "pause" else None
    feeds.take_choices(feeds.choice_row(kind=kind, made_at=at.isoformat(), until=until))


def agree() -> None:
    feeds.take_approvals(feeds.approval_row(captured_at=T.isoformat()))


def move() -> None:
    feeds.take_lines(feeds.line_row(state="OR"))


# By what happens at the moment: what was so before, the act, and the judgements before the moment and from it on.
ACTS: Mapping[str, tuple[Step, Step, str, str]] = {
    "a contract is terminated": (nothing, partial(end, "contract"), "permitted", "contract_not_in_force"),
    "a campaign is terminated": (nothing, partial(end, "campaign"), "permitted", "campaign_not_in_force"),
    "a contract is shortened": (nothing, partial(shorten, "contract"), "permitted", "contract_not_in_force"),
    "a campaign is shortened": (nothing, partial(shorten, "campaign"), "permitted", "campaign_not_in_force"),
    "a contract is extended": (partial(ends_at_t, "contract"), partial(extend, "contract"), "permitted", "permitted"),
    "a campaign is extended": (partial(ends_at_t, "campaign"), partial(extend, "campaign"), "permitted", "permitted"),
    "a contract is put in force": (
        partial(draft, "contract"), partial(put_in_force, "contract"), "contract_not_in_force", "campaign_not_in_force",
    ),
    "a campaign is put in force": (
        partial(draft, "campaign"), partial(put_in_force, "campaign"), "campaign_not_in_force", "no_approval",
    ),
    "a company is suspended": (nothing, partial(suspend, "party"), "permitted", "partner_suspended"),
    "a contract is suspended": (nothing, partial(suspend, "contract"), "permitted", "partner_suspended"),
    "a campaign is suspended": (nothing, partial(suspend, "campaign"), "permitted", "partner_suspended"),
    "a company is no longer suspended": (
        partial(suspend, "party", T - DAY), partial(lift, "party"), "partner_suspended", "permitted",
    ),
    "a contract is no longer suspended": (
        partial(suspend, "contract", T - DAY), partial(lift, "contract"), "partner_suspended", "permitted",
    ),
    "a campaign is no longer suspended": (
        partial(suspend, "campaign", T - DAY), partial(lift, "campaign"), "partner_suspended", "permitted",
    ),
    "a rule begins": (nothing, a_rule, "permitted", "jurisdiction_prohibits"),
    "a rule ends": (partial(a_rule, T - DAY), relax, "jurisdiction_prohibits", "permitted"),
    "a person stops a company": (nothing, partial(deny, "party"), "permitted", "after_stop"),
    "a person pauses everything": (nothing, pause, "permitted", "after_stop"),
    "a person allows what was stopped": (partial(a_file_says, "stop", T - DAY), allow, "after_stop", "permitted"),
    "a file says that the person stopped": (nothing, partial(a_file_says, "stop", T), "permitted", "after_stop"),
    "a file says that the person paused": (nothing, partial(a_file_says, "pause", T), "permitted", "after_stop"),
    "a file says that the person agreed": (partial(a_file_says, "stop", T - DAY), agree, "after_stop", "permitted"),
    "the person moves to another state": (
        partial(a_rule, T - DAY, state="OR"), move, "permitted", "jurisdiction_prohibits",
    ),
}  # fmt: skip


def test_a_release_is_judged_by_an_act_of_its_moment(clock: Clock) -> None:
    clock.move_to(T - DAY)
    feeds.take_parties()
    feeds.take_lines(feeds.line_row())
    feeds.take_approvals(feeds.approval_row())
    found = {}
    for what, (prepare, act, _, _) in ACTS.items():
        with undone():
            clock.move_to(T - DAY)
            prepare()
            term_change_propagation.settle(now=T - DAY)
            clock.move_to(T)
            campaign = DRAFT if Campaign.objects.filter(ref=DRAFT).exists() else "CMP-road"
            feeds.take_releases(
                *(feeds.release_row(occurred_at=at.isoformat(), campaign=campaign) for at in (T - A_MOMENT, T))
            )
            act()
            # What comes on a day is seen to from its moment on; what somebody did, a while after it counted.
            term_change_propagation.settle(now=T if what.startswith("a rule") else T + HOUR)
            tasks.rejudge()
            judged = Disclosure.objects.order_by("occurred_at").values_list("judgement", flat=True)
            found[what] = tuple(judged)
    assert found == {what: (before, since) for what, (_, _, before, since) in ACTS.items()}


def test_rows_ahead_of_the_clock_are_known_to_judges(clock: Clock) -> None:
    """A row counts as written after the newest of its line: by a clock that was set back, only later."""
    clock.move_to(T)
    feeds.take_parties()
    feeds.take_lines(feeds.line_row())
    feeds.take_approvals(feeds.approval_row())
    feeds.take_releases(feeds.release_row(occurred_at=(T - DAY).isoformat()))
    agree()
    a_file_says("stop", T - DAY)
    tasks.rejudge()
    feeds.take_releases(feeds.release_row(occurred_at=(T - DAY + A_MOMENT).isoformat()))
    judged = Disclosure.objects.order_by("occurred_at").values_list("judgement", flat=True)
    assert list(judged) == ["after_stop", "after_stop"]
