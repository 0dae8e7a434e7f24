"""Read what needs an officer now, and what changed since they were last at the dashboard.

A fixed number of statements, whatever the size of the tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count as Count_
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from accounts.primitives import numbers
from audit.models import Incident
from audit.policies import BREACH, DUTIES, FCC
from consent.models import DigestRun
from console.queries import proposals
from console.queries.lights import Light, list_lights
from console.queries.proposals import Request, list_waiting_requests
from console.queries.standing import LateSigner, list_late_signers
from disclosures.queries.delayed import PendingRowCounts, count_pending_rows
from partners.labels import sanitise_text
from partners.models import Campaign, Contract, Party, Proposal, SigningKey, Suspension
from partners.policies.lifecycle import running
from partners.workers.rotation import PERIOD
from revocations.models import Cohort, CohortReceipt
from support.queries import names
from support.queries.counts import Count, Health, cap_count, count_of, health_of
from support.queries.incidents import ABOUT_STAFF, DUE_FIRST, subjects
from support.queries.queue import filter_urgent
from support.queries.visible import HiddenCases

ENDING = timedelta(days=60)
# So many rows a panel shows, of so many as are counted at most.
SHOWN, COUNTED = 8, 1000
# Of a kind of incident so many companies are named, from so many incidents in all.
NAMED, NAMED_OF = 3, 200
LAST = datetime.max.replace(tzinfo=UTC)


type NamedTargets = Mapping[tuple[str, int], names.NamedTarget]


@dataclass(frozen=True)
class UnhealthyPartner:
    """A partner that does not receive as it should."""

    party: Party
    health: Health


@dataclass(frozen=True)
class Waiting:
    """A proposal that waits. `mine`: the reader proposed it, so that somebody else must agree."""

    proposal: Proposal
    target: names.NamedTarget
    who: str
    mine: bool


@dataclass(frozen=True)
class RunningTermination:
    """An end that is not signed for yet, or not any more. `share`: how much of the list is made, in percent."""

    cohort: Cohort
    target: names.NamedTarget
    partner: names.NamedTarget
    share: int
    signed: bool
    late: bool


@dataclass(frozen=True)
class RunningSuspension:
    """A suspension that runs."""

    suspension: Suspension
    target: names.NamedTarget
    who: str


@dataclass(frozen=True)
class KeyDue:
    """A use whose newest key is due to be followed by another."""

    use: str
    since: datetime


@dataclass(frozen=True)
class IncidentGroup:
    """The open incidents of one kind. `due_at`: the next date on which somebody is to be notified.

    `about`: whom the first to be dealt with are about. `mine` are assigned to the reader, `free` to nobody.
    """

    kind: str
    label: str
    n: int
    overdue: int
    mine: int
    free: int
    due_at: datetime | None
    about: Sequence[str]

    @property
    def gravity(self) -> tuple[int, bool, datetime]:
        """Its place: legal deadlines first, then our own, then what has none; in each, what is due first."""
        duties = DUTIES.get(self.kind, ())
        rank = 0 if {*duties} & {FCC, *BREACH} else 1 if duties else 2
        return rank, self.due_at is None, self.due_at or LAST


@dataclass(frozen=True)
class Dashboard:
    """Everything on the dashboard. `partners`: how many receive orders at all. `lineless`: rows without a line.

    `urgent_cases`: handed up, or late and the reader's or nobody's.
    """

    unwell: Sequence[UnhealthyPartner]
    partners: int
    lights: Sequence[Light]
    unconfirmed: Sequence[LateSigner]
    incidents: Sequence[IncidentGroup]
    urgent_cases: Count
    proposals: Sequence[Waiting]
    requests: Sequence[Request]
    held: Sequence[RunningSuspension]
    ending_contracts: Sequence[Contract]
    ending_campaigns: Sequence[Campaign]
    terminations: Sequence[RunningTermination]
    differences: Sequence[tuple[DigestRun, names.NamedTarget]]
    keys: Sequence[KeyDue]
    lineless: PendingRowCounts

    @property
    def incident_count(self) -> Count:
        """How many incidents are open."""
        return cap_count(sum(one.n for one in self.incidents))

    @property
    def overdue_incidents(self) -> Count:
        """How many of them are past their date."""
        return cap_count(sum(one.overdue for one in self.incidents))

    @property
    def my_incidents(self) -> Count:
        """How many of them are the reader's."""
        return cap_count(sum(one.mine for one in self.incidents))

    @property
    def free_incidents(self) -> Count:
        """How many of them are nobody's."""
        return cap_count(sum(one.free for one in self.incidents))

    @property
    def worst(self) -> Sequence[UnhealthyPartner]:
        """Those of the partners that are not well which the page has room for, the worst first."""
        return self.unwell[:SHOWN]

    @property
    def not_shown(self) -> int:
        """How many of them it has no room for."""
        return max(0, len(self.unwell) - SHOWN)

    @property
    def failing(self) -> int:
        """How many partners do not receive as they should: who is merely not verified is none of them."""
        return _count_failing(self.unwell)

    @property
    def late_terminations(self) -> int:
        """How many ends are past the day by which the partner signs."""
        return sum(1 for one in self.terminations if one.late)

    @property
    def to_agree(self) -> int:
        """How many proposals the reader may be the second to agree to."""
        return sum(1 for one in self.proposals if not one.mine)


def get_dashboard(*, reader: str, hidden: HiddenCases, at: datetime) -> Dashboard:
    """Return the dashboard as this officer (their actor's name) reads it."""
    partners = Party.objects.filter(pk__in=Contract.objects.values("aggregator_id")).exclude(uri=numbers.CANARY_PARTY)
    receiving = list(partners.order_by("name", "id"))
    health = health_of(party_ids=[one.pk for one in receiving], at=at)
    still_open = hidden.visible_incidents().filter(closed_at__isnull=True)
    unwell = _list_unhealthy_partners(receiving, health, at)
    open_proposals = list(
        Proposal.objects.filter(proposals.waiting(at=at)).order_by("proposed_at", "of", "target_id")[:COUNTED]
    )
    cohorts = _list_open_cohorts()
    held = list(running(at=at)[:SHOWN])
    runs = _differences()
    named = names.targets(wanted=_targets_of(open_proposals, held, cohorts, runs))
    who = names.actors(wanted={one.proposed_by for one in open_proposals} | {one.actor for one in held})
    return Dashboard(
        unwell=unwell,
        partners=len(receiving),
        lights=list_lights(failing=_count_failing(unwell), partners=len(receiving), at=at),
        unconfirmed=list_late_signers(most=SHOWN, at=at),
        incidents=_group_incidents(still_open, reader, at),
        urgent_cases=count_of(rows=filter_urgent(user_id=names.staff_id(actor=reader), at=at, hidden=hidden)),
        proposals=_waiting(open_proposals, named, who, reader),
        requests=list_waiting_requests(rows=COUNTED, hidden=hidden),
        held=[RunningSuspension(one, named[one.of, one.target_id], who[one.actor]) for one in held],
        ending_contracts=_ending(Contract.objects.select_related("aggregator"), ends_within(span=ENDING, at=at)),
        ending_campaigns=_ending(
            Campaign.objects.select_related("lbs_provider"), ends_before_contract(span=ENDING, at=at)
        ),
        terminations=_list_running_terminations(cohorts, named, at),
        differences=[(one, named["party", one.party_id]) for one in runs],
        keys=_keys_due(at),
        lineless=count_pending_rows(),
    )


def _count_failing(unwell: Sequence[UnhealthyPartner]) -> int:
    return sum(1 for one in unwell if not one.health.receives)


def _group_incidents(rows: QuerySet[Incident], reader: str, at: datetime) -> list[IncidentGroup]:
    """Fold open incidents by kind, the gravest first."""
    named = _name_subjects(list(rows.order_by(*DUE_FIRST)[:NAMED_OF]))
    counted = rows.order_by().values("kind").annotate(
        n=Count_("pk"), overdue=Count_("pk", filter=Q(due_at__lte=at)), due=Min("due_at"),
        mine=Count_("pk", filter=Q(assigned_to=reader)), free=Count_("pk", filter=Q(assigned_to="")),
    )  # fmt: skip
    groups = [
        IncidentGroup(
            one["kind"], str(Incident.Kind(one["kind"]).label), one["n"], one["overdue"], one["mine"], one["free"],
            one["due"], named.get(one["kind"], []),
        )
        for one in counted
    ]  # fmt: skip
    return sorted(groups, key=lambda one: (one.gravity, one.kind))


def _name_subjects(rows: Sequence[Incident]) -> Mapping[str, list[str]]:
    """Return whom they are about, by kind: companies by name, staff by their e-mail, what else as it is written."""
    about = subjects(rows=rows)
    who = names.actors(wanted={one.subject for one in rows if one.kind in ABOUT_STAFF})
    found: dict[str, list[str]] = {}
    for one in rows:
        name = about[one.subject].name if one.subject in about else who.get(one.subject, one.subject)
        of_kind = found.setdefault(one.kind, [])
        if (shown := sanitise_text(name, at_most=60)) not in of_kind and len(of_kind) < NAMED:
            of_kind.append(shown)
    return found


def _targets_of(
    open_proposals: Sequence[Proposal], held: Sequence[Suspension], cohorts: Sequence[Cohort], runs: Sequence[DigestRun]
) -> set[tuple[str, int]]:
    return (
        {(one.of, one.target_id) for one in open_proposals}
        | {(one.of, one.target_id) for one in held}
        | {(one.of, one.target_id) for one in cohorts}
        | {("party", one.party_id) for one in cohorts}
        | {("party", one.party_id) for one in runs}
    )


def _list_unhealthy_partners(
    receiving: Sequence[Party], health: Mapping[int, Health], at: datetime
) -> list[UnhealthyPartner]:
    """Return the partners that are not well, the worst first."""
    return sorted(
        (UnhealthyPartner(one, health[one.pk]) for one in receiving if health[one.pk].tone != "good"),
        key=lambda one: (one.health.tone != "bad", one.health.oldest or at),
    )


def _waiting(
    open_proposals: Sequence[Proposal], named: NamedTargets, who: Mapping[str, str], reader: str
) -> list[Waiting]:
    return [
        Waiting(one, named[one.of, one.target_id], who[one.proposed_by], one.proposed_by == reader)
        for one in open_proposals
    ]


def _list_open_cohorts() -> list[Cohort]:
    receipt = CohortReceipt.objects.filter(cohort_id=OuterRef("pk"), event_id=OuterRef("event_id"), status="completed")
    rows = Cohort.objects.filter(completed_at__isnull=True).annotate(signed=Exists(receipt)).defer("index_token")
    return list(rows.order_by("complete_by", "of", "target_id")[:COUNTED])


def _list_running_terminations(
    cohorts: Sequence[Cohort], named: NamedTargets, at: datetime
) -> list[RunningTermination]:
    return [
        RunningTermination(
            one, named[one.of, one.target_id], named["party", one.party_id], _share(one), vars(one)["signed"],
            one.complete_by <= at,
        )
        for one in cohorts
    ]  # fmt: skip


def ends_within(*, span: timedelta, at: datetime) -> Q:
    """That a contract or campaign is in its term, and leaves it within that time."""
    return Q(is_draft=False, starts_at__lte=at, ends_at__gt=at, ends_at__lte=at + span)


def _ending[Terms: (Contract, Campaign)](rows: QuerySet[Terms], soon: Q) -> list[Terms]:
    return list(rows.filter(soon).order_by("ends_at", "ref")[:SHOWN])


def ends_before_contract(*, span: timedelta, at: datetime) -> Q:
    """That a campaign leaves its term within that time, and doesn't only follow its contract in that."""
    return ends_within(span=span, at=at) & Q(contract__is_draft=False, contract__ends_at__gt=F("ends_at"))


def _share(cohort: Cohort) -> int:
    if cohort.manifest_at:
        return 100
    lines = cohort.plan.get("lines") if isinstance(cohort.plan, dict) else None
    return min(99, 100 * cohort.subject_count // lines) if isinstance(lines, int) and lines > 0 else 0


def _differences() -> list[DigestRun]:
    """Return the newest comparison of each partner's books, where it found what we deny."""
    newest = DigestRun.objects.filter(party_id=OuterRef("party_id"), finished_at__isnull=False).order_by("-received_at")
    return list(
        DigestRun.objects.filter(pk=Subquery(newest.values("pk")[:1]), findings__partner_has__gt=0).order_by(
            "-received_at"
        )[:COUNTED]
    )


def _keys_due(at: datetime) -> list[KeyDue]:
    """List keys that are due, the longest in use first; those that began at one moment by the name of their use."""
    newest = dict(SigningKey.objects.order_by("used_from").values_list("use", "used_from"))
    due = [KeyDue(str(SigningKey.Use(use).label), since) for use, since in newest.items() if since + PERIOD <= at]
    return sorted(due, key=lambda one: (one.since, one.use))


# What somebody reads who was never here.
WITHOUT = timedelta(days=1)


def last_visit(*, user: User, at: datetime) -> datetime:
    """Return when they were last here, before they signed in this time."""
    return user.seen_before_at or at - WITHOUT
