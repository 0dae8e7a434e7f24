"""Lists of rules: states, notices, purposes."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import chain
from urllib.parse import urlencode

from django.http import HttpResponseBase
from django.urls import reverse

from accounts.views.access import PersonRequest
from console.queries.proposals import OpenProposal, list_newest_proposals
from console.queries.purposes import not_ended
from console.views import cells
from console.views.listing import Cell, Column, Filter, Listing, Rows, of_choices, show_list
from disclosures.models import AnomalyRule
from disclosures.queries.rules import finds, newest_rules
from partners.labels import purpose_in_words, sanitise_text
from partners.models import Campaign, JurisdictionRule, NoticeText
from partners.policies.lifecycle import Stage
from support.queries import names
from support.queries.chains import campaigns_at

IN_FORCE = (Stage.IN_FORCE, Stage.ENDING)


def rules(request: PersonRequest) -> HttpResponseBase:
    """What may not be done in which state, whoever agreed."""
    return show_list(request, RULES)


def notices(request: PersonRequest) -> HttpResponseBase:
    """What people read before they choose, every version."""
    return show_list(request, NOTICES)


def anomaly_rules(request: PersonRequest) -> HttpResponseBase:
    """By what anomalies are found, every version."""
    return show_list(request, ANOMALY_RULES)


def purposes(request: PersonRequest) -> HttpResponseBase:
    """Every purpose that a campaign has, in words, and where it is prohibited."""
    return show_list(request, PURPOSES)


def _rule_cells(rows: Sequence[JurisdictionRule], at: datetime) -> list[tuple[Cell, ...]]:
    asked = list_newest_proposals(of="rule", target_ids=[one.pk for one in rows], at=at)
    return [
        (
            Cell(one.state),
            _in_force(one, at),
            Cell(", ".join(purpose_in_words(term) for term in one.purposes) or "none named"),
            cells.yes_or_dash(one.sale_test, word="sale for money" if one.consideration else "any sale", tone="warn"),
            Cell("any" if one.max_radius_m is None else f"up to {one.max_radius_m:,} m"),
            cells.moment(one.starts_at),
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
            Cell(one.language),
            Cell(str(one.version), number=True),
            Cell(sanitise_text(one.body, at_most=400)),
            cells.moment(one.published_at, under=f"{'upcoming, ' if one.published_at > at else ''}{who[one.actor]}"),
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
            cells.moment(one.made_at, under=who[one.actor]),
            Cell(sanitise_text(one.reason, at_most=200)),
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
            Cell(purpose_in_words(term), href=cells.purpose_page(term), under=sanitise_text(term, at_most=80)),
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
        return cells.moment(one.ends_at, under="agreed by two officers" if one.ends_at > at else "")
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
