"""Lists of rules (states, notices, anomalies, purposes) and of acts (suspensions, proposals, terminations)."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from urllib.parse import urlencode

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import get_language_info

from accounts.policies.permissions import actor_of
from accounts.primitives.reasons import remove_numbers
from accounts.views.access import PersonRequest
from console.queries.proposals import OpenProposal, list_newest_proposals, waiting
from console.queries.terminations import NOT_WHOLE
from console.views import listing
from console.views.listing import Cell, Column, Filter, Listing, Rows, of_choices, show_list
from disclosures.models import AnomalyRule
from disclosures.queries.rules import finds, newest_rules
from partners.labels import purpose_in_words, sanitise_text
from partners.models import Campaign, JurisdictionRule, NoticeText, Proposal, Suspension
from partners.policies.lifecycle import Stage, not_ended
from partners.policies.loosening import is_expired
from revocations.models import Cohort
from revocations.queries.coverage import NOBODY, Coverage, coverage_of_ends
from support.queries import names
from support.queries.chains import campaigns_at

IN_FORCE = (Stage.IN_FORCE, Stage.ENDING)


def _rule_cells(rows: Sequence[JurisdictionRule], at: datetime) -> list[tuple[Cell, ...]]:
    asked = list_newest_proposals(of="rule", target_ids=[one.pk for one in rows], at=at)
    return [
        (
            Cell(one.state),
            _in_force(one, at),
            Cell(", ".join(purpose_in_words(term) for term in one.purposes) or "none named"),
            listing.yes_or_dash(one.sale_test, word="sale for money" if one.consideration else "any sale", tone="warn"),
            Cell("any" if one.max_radius_m is None else f"up to {one.max_radius_m:,} m"),
            listing.moment(one.starts_at),
            _end(one, asked.get(one.pk), at),
            Cell(sanitise_text(one.source, at_most=120)),
        )
        for one in rows
    ]


def _notice_cells(rows: Sequence[NoticeText], at: datetime) -> list[tuple[Cell, ...]]:
    who = names.actors(wanted={one.actor for one in rows})
    return [
        (
            Cell(one.get_use_display()),
            Cell(get_language_info(one.language)["name"]),
            Cell(str(one.version), number=True),
            Cell(sanitise_text(one.body, at_most=400)),
            listing.moment(one.published_at, under=f"{'upcoming, ' if one.published_at > at else ''}{who[one.actor]}"),
        )
        for one in rows
    ]


def _anomaly_rule_cells(rows: Sequence[AnomalyRule], _: datetime) -> list[tuple[Cell, ...]]:
    who = names.actors(wanted={one.actor for one in rows})
    newest = {one.pk for one in newest_rules()}
    return [
        (
            Cell(
                one.get_kind_display(), under=f"version {one.version}",
                href=reverse("admin:anomaly-rule-change", args=[one.kind]) if one.pk in newest else "",
            ),
            _counts(one, newest),
            Cell(finds(rule=one)),
            Cell("never" if one.suspend_after_days is None else f"after {one.suspend_after_days} days"),
            listing.moment(one.made_at, under=who[one.actor]),
            Cell(sanitise_text(remove_numbers(one.reason), at_most=200)),
        )
        for one in rows
    ]  # fmt: skip


def _counts(one: AnomalyRule, newest: Collection[int]) -> Cell:
    if one.pk not in newest:
        return Cell("replaced")
    return Cell("in force", tone="good") if one.enabled else Cell("off", tone="warn")


def _purpose_cells(rows: Sequence[dict[str, str]], at: datetime) -> list[tuple[Cell, ...]]:
    terms = [one["purpose"] for one in rows]
    used = Counter(Campaign.objects.filter(purpose__in=terms).values_list("purpose", flat=True))
    counting = campaigns_at(rows=Campaign.objects.filter(purpose__in=terms), stages=IN_FORCE, at=at)
    live = Counter(counting.values_list("purpose", flat=True))
    banned = JurisdictionRule.objects.filter(not_ended(at=at), starts_at__lte=at).values_list("state", "purposes")
    states = sorted(chain.from_iterable(((term, state) for term in of) for state, of in banned))
    return [
        (
            Cell(purpose_in_words(term), href=listing.purpose_page(term), under=sanitise_text(term, at_most=80)),
            Cell(f"{used[term]:,}", number=True, href=f"{reverse('admin:campaigns')}?{urlencode({'q': term})}"),
            Cell(f"{live[term]:,}", number=True),
            Cell(", ".join(state for one, state in states if one == term) or "–"),
        )
        for term in terms
    ]


def _in_force(one: JurisdictionRule, at: datetime) -> Cell:
    if one.ends_at and one.ends_at <= at:
        return Cell("ended")
    until = f"until {one.ends_at:%-d %b %Y}" if one.ends_at else ""
    if one.starts_at <= at:
        return Cell("in force", tone="good", under=until)
    return Cell("upcoming", tone="warn", under=until)


def _end(one: JurisdictionRule, asked: OpenProposal | None, at: datetime) -> Cell:
    """When it ends, as two officers agreed; who proposed an end that waits; or the way to propose one."""
    if one.ends_at:
        return listing.moment(one.ends_at, under="agreed by two officers" if one.ends_at > at else "")
    if asked:
        when = f"by {asked.who}, {asked.proposal.proposed_at:%-d %b %Y}"
        return Cell("end proposed", href=reverse("admin:proposal", args=[asked.proposal.pk]), under=when)
    return Cell("propose to end", href=reverse("admin:rule-relax", args=[one.pk]), under="takes two officers")


def _state(rows: Rows, value: str, at: datetime) -> Rows:
    return rows.filter(not_ended(at=at)) if value == "now" else rows.exclude(not_ended(at=at))


RULES = Listing(
    title="State rules",
    lead="Uses prohibited in a state, even with consent. One officer can add a rule; ending one takes two.",
    columns=(
        Column("State", "state"), Column("Status"), Column("Purposes"), Column("Sale"), Column("Radius"),
        Column("From", "starts_at"), Column("Until", "ends_at"), Column("Source"),
    ),
    start=lambda _: JurisdictionRule.objects.order_by("state", "-starts_at"),
    cells=_rule_cells,
    search=("state", "source"),
    search_label="State or source",
    filters=(Filter("state", "Status", (("now", "Not ended"), ("ended", "Ended")), _state),),
    empty=("No rules", "Add the first rule. It applies from its start date."),
    acts=(("admin:rule-add", "Add a rule"),),
)  # fmt: skip
NOTICES = Listing(
    title="Notices",
    lead="What people read before they choose. A new version takes two officers and replaces the previous one from its"
    " day. Published versions never change.",
    columns=(
        Column("Where", "use"), Column("Language", "language"), Column("Version", "version", number=True),
        Column("Wording"), Column("Shown from", "published_at"),
    ),
    start=lambda _: NoticeText.objects.order_by("use", "language", "-version"),
    cells=_notice_cells,
    search=("body",),
    search_label="Wording",
    filters=(of_choices("use", "Where", NoticeText.Use.choices),),
    empty=("No notices", "Propose the first version."),
    acts=(("admin:notice-propose", "Propose a version"),),
)  # fmt: skip
PURPOSES = Listing(
    title="Purposes",
    lead="What locations are requested for, in the words that subscribers read.",
    columns=(
        Column("Purpose", "purpose"), Column("Campaigns", number=True), Column("In force now", number=True),
        Column("Prohibited in"),
    ),
    start=lambda _: Campaign.objects.values("purpose").order_by("purpose").distinct(),
    cells=_purpose_cells,
    search=("purpose",),
    search_label="Purpose",
    empty=("No purposes yet", "Purposes appear here with the first campaign."),
)  # fmt: skip
ANOMALY_RULES = Listing(
    title="Anomaly rules",
    lead="Rules that search all releases every five minutes. A change applies from the next search.",
    columns=(
        Column("What", "kind"), Column("Status"), Column("Finds"), Column("Suspends"), Column("Since", "made_at"),
        Column("Reason"),
    ),
    start=lambda _: AnomalyRule.objects.order_by("-made_at", "id"),
    cells=_anomaly_rule_cells,
    filters=(of_choices("kind", "What", AnomalyRule.Kind.choices),),
    empty=("No rules", "Releases are not searched for anomalies."),
)  # fmt: skip


def proposals(request: PersonRequest) -> HttpResponseBase:
    """Every loosening act that somebody wanted; those that wait for a second officer first."""
    reader = actor_of(request.user)
    by = Filter(
        "by", "Proposed by", (("others", "Others"), ("me", "Me")),
        lambda rows, value, _: rows.filter(proposed_by=reader) if value == "me" else rows.exclude(proposed_by=reader),
    )  # fmt: skip
    return show_list(request, replace(PROPOSALS, filters=(*PROPOSALS.filters, by)))


def _suspension_cells(rows: Sequence[Suspension], at: datetime) -> list[tuple[Cell, ...]]:
    named = names.targets(wanted={(one.of, one.target_id) for one in rows})
    who = names.actors(wanted={one.actor for one in rows})
    return [
        (
            listing.target(named[one.of, one.target_id]),
            Cell("lifted") if one.ends_at and one.ends_at <= at else Cell("denied", tone="bad"),
            listing.moment(one.starts_at, under=listing.format_waiting(one.starts_at, one.ends_at or at)),
            Cell("stream rules" if one.automatic else who[one.actor]),
            Cell(sanitise_text(remove_numbers(one.reason), at_most=160)),
            listing.moment(one.ends_at),
        )
        for one in rows
    ]


def _proposal_cells(rows: Sequence[Proposal], at: datetime) -> list[tuple[Cell, ...]]:
    named = names.targets(wanted={(one.of, one.target_id) for one in rows})
    who = names.actors(wanted={actor for one in rows for actor in (one.proposed_by, one.decided_by) if actor})
    return [
        (
            Cell(one.get_act_display(), href=reverse("admin:proposal", args=[one.pk]), under=one.of),
            listing.target(named[one.of, one.target_id]),
            _format_decision(one, at),
            Cell(who[one.proposed_by], under=sanitise_text(remove_numbers(one.reason), at_most=160)),
            listing.moment(one.proposed_at),
            Cell(who[one.decided_by], under=sanitise_text(remove_numbers(one.decision_reason), at_most=160))
            if one.decision
            else Cell("–"),
        )
        for one in rows
    ]


def _termination_cells(rows: Sequence[Cohort], at: datetime) -> list[tuple[Cell, ...]]:
    named = names.targets(wanted={(one.of, one.target_id) for one in rows} | {("party", one.party_id) for one in rows})
    who = names.actors(wanted={one.actor for one in rows})
    covered = coverage_of_ends(cohorts=[one for one in rows if one.completed_at])
    return [
        (
            Cell(named[one.of, one.target_id].name, href=reverse("admin:termination", args=[one.pk]), under=one.of),
            listing.target(named["party", one.party_id]),
            _progress(one, covered.get(one.pk, NOBODY), at),
            Cell(f"{one.subject_count:,}", number=True),
            listing.moment(one.terminated_at, under="term expired" if one.by_term else who[one.actor]),
            _due(one, at),
        )
        for one in rows
    ]


def _due(one: Cohort, at: datetime) -> Cell:
    return listing.build_day(one.complete_by, at, is_over=one.completed_at is not None)


def _progress(one: Cohort, covered: Coverage, at: datetime) -> Cell:
    if one.completed_at:
        return Cell("deletion signed", tone="good") if covered.whole else Cell(NOT_WHOLE, tone="warn")
    late = one.complete_by <= at
    if one.is_contradicted:
        return Cell("continued after signing", tone="bad", under="overdue" if late else "")
    if late:
        return Cell("overdue", tone="bad")
    return Cell("list sent, waiting for signatures" if one.manifest_at else "preparing list", tone="warn")


def _now(rows: Rows, value: str, at: datetime) -> Rows:
    return rows.filter(not_ended(at=at)) if value == "yes" else rows.exclude(not_ended(at=at))


def _format_decision(one: Proposal, at: datetime) -> Cell:
    if one.decision:
        return Cell(one.get_decision_display())
    if is_expired(proposal=one, at=at):
        return Cell("expired")
    return Cell("waiting for a second officer", tone="warn")


def _open(rows: Rows, value: str, at: datetime) -> Rows:
    if value == "open":
        return rows.filter(waiting(at=at))
    if value == "old":
        return rows.filter(decision="").exclude(waiting(at=at))
    return rows.filter(decision=value)


def _filter_by_progress(rows: Rows, value: str, at: datetime) -> Rows:
    if value == "done":
        return rows.filter(completed_at__isnull=False)
    waits = rows.filter(completed_at__isnull=True)
    if value == "contradicted":
        return waits.filter(contradicted_at__isnull=False)
    return waits.filter(complete_by__lte=at) if value == "late" else waits


SUSPENSIONS = Listing(
    title="Suspensions",
    lead="Companies, contracts and campaigns that are denied everything for now. One officer can suspend; lifting"
    " takes two.",
    columns=(
        Column("What"), Column("Status"), Column("Since", "starts_at"), Column("By"), Column("Reason"),
        Column("Lifted", "ends_at"),
    ),
    start=lambda _: Suspension.objects.order_by("-starts_at", "-id"),
    cells=_suspension_cells,
    search=("reason",),
    search_label="Reason",
    filters=(
        Filter("running", "Status", (("yes", "Active"), ("no", "Lifted")), _now),
        of_choices("of", "What", Suspension.Of.choices),
        Filter(
            "automatic", "By", (("yes", "Stream rules"), ("no", "An officer")),
            lambda rows, value, _: rows.filter(automatic=value == "yes"),
        ),
    ),
    empty=("Nothing is suspended", ("Suspend a company, contract or campaign on its own page. It takes effect"
    " immediately.")),
)  # fmt: skip
PROPOSALS = Listing(
    title="Proposals",
    lead="Changes that loosen a control. One officer proposes, another agrees. Until then nothing changes.",
    columns=(
        Column("Action", "act"), Column("About"), Column("Status", "decision"), Column("Proposed by"),
        Column("When", "proposed_at"), Column("Decided by"),
    ),
    start=lambda _: Proposal.objects.order_by("decision", "-proposed_at"),
    cells=_proposal_cells,
    search=("reason",),
    search_label="Reason",
    filters=(
        Filter("state", "Status", (("open", "Waiting"), ("old", "Expired"), *Proposal.Decision.choices), _open),
        of_choices("act", "Action", Proposal.Act.choices),
    ),
    empty=("No proposals", "Lifting a suspension, extending a term or loosening a rule starts as a proposal."),
)  # fmt: skip
TERMINATIONS = Listing(
    title="Terminations",
    lead="What has ended, because its term expired or an officer terminated it, and the partners' signed deletion"
    " receipts.",
    columns=(
        Column("Contract or campaign"), Column("Partner"), Column("Status", "completed_at"),
        Column("Lines on the list", "subject_count", number=True), Column("Ended", "terminated_at"),
        Column("Due", "complete_by"),
    ),
    start=lambda _: Cohort.objects.defer("plan", "index_token").order_by("-terminated_at", "-id"),
    cells=_termination_cells,
    filters=(
        Filter(
            "state", "Status",
            (
                ("open", "In progress"), ("late", "Overdue"), ("contradicted", "Continued after signing"),
                ("done", "Signed"),
            ),
            _filter_by_progress,
        ),
    ),
    empty=("Nothing has ended", "Expired and terminated contracts and campaigns appear here."),
)  # fmt: skip
