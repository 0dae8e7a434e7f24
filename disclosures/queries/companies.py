"""Who received a line's location: one card per company, the riskiest first."""

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from accounts.models import Line
from consent.domain.disputes import list_standing_disputes
from consent.queries.choices import ChoiceRow, choice_of
from consent.queries.current_consent import sharing
from consent.queries.current_consent_uses import Sharing
from consent.queries.progress import newest_order_states
from consent.queries.termination import EndedAgreement, ended_agreements
from disclosures.models import Outcome
from disclosures.queries.chart import Chart, chart_of
from disclosures.queries.company_cards import CompanyCard, card_of
from disclosures.queries.flow import Flow, flow_of
from disclosures.queries.judgement_counts import (
    OutsideAgreements,
    count_outside_agreements,
    filter_under_agreements,
    list_outside_agreements,
)
from disclosures.queries.line_alerts import LineAlert, list_line_anomalies, merge_alerts
from disclosures.queries.release_counts import Facts, facts_of
from disclosures.queries.trails import Parties, uris_of

# Of the companies under one heading of home so many are laid open, more of those that stand out, and so many of the
# others named where they are folded away.
LAID_OPEN, MOST_LAID_OPEN, NAMED = 2, 6, 5
MOST_RECENT, MOST_EARLIER = 24, 12


@dataclass(frozen=True)
class PathRows:
    """The companies under one heading of home: laid open, folded away below their number, the last of these in short.

    Whoever stands out and got it lately is laid open, if they are not more than anybody reads before the rest.
    """

    first: tuple[CompanyCard, ...]
    folded: tuple[CompanyCard, ...]
    in_short: tuple[CompanyCard, ...]

    @property
    def n(self) -> int:
        """How many are folded away."""
        return len(self.folded) + len(self.in_short)

    @property
    def company_names(self) -> tuple[str, ...]:
        """By name, the first of them."""
        return tuple(card.company.name for card in (*self.folded, *self.in_short)[:NAMED])


@dataclass(frozen=True)
class Companies:
    """All cards of a line, and what the page says of them in one sentence.

    `recent`: who got it in the last 30 days, in the name of an agreement or although it sells look-ups; `lookups`
    counts the former, and `flow` draws them. `no_record`: companies without a record of a yes; `not_allowed`: others
    that got it as no yes allowed. `outside`: whoever got it. `nothing`: there is no record at all that may
    be shown. `stop`: the choice by which the person stopped everything, while that stands; `late`: who should have
    signed by now that it did what that asks.
    """

    sharing: Sharing
    recent: tuple[CompanyCard, ...]
    earlier: tuple[CompanyCard, ...]
    lookups: int
    no_record: int
    not_allowed: int
    outside: OutsideAgreements
    nothing: bool
    flow: Flow | None
    chart: Chart
    ended: tuple[EndedAgreement, ...] = ()
    noticed: tuple[LineAlert, ...] = ()
    stop: ChoiceRow | None = None
    late: tuple[str, ...] = ()

    @property
    def recent_laid(self) -> PathRows:
        """As home lays out `recent`."""
        return _build_path_rows(self.recent, at_most=MOST_RECENT)

    @property
    def earlier_laid(self) -> PathRows:
        """As home lays out `earlier`: folded away where somebody got it lately."""
        if self.recent:
            return PathRows((), self.earlier[:MOST_EARLIER], self.earlier[MOST_EARLIER:])
        return _build_path_rows(self.earlier, at_most=MOST_EARLIER)


def companies_of(*, line: Line, zone: ZoneInfo, at: datetime) -> Companies:
    """Every company that received this line's location or is allowed to.

    Nine queries, whatever their number; those of one choice more where the person stopped everything, and four more
    where they said "I never agreed".
    """
    facts = facts_of(line_id=line.pk, zone=zone, at=at)
    by_agreement = filter_under_agreements(facts=facts)
    asked = {(one.campaign, one.company) for one in by_agreement if one.campaign}
    standing = sharing(line=line, campaigns={campaign for campaign, _ in asked}, recipients=asked, at=at)
    parties = _parties_of(facts, standing)
    outside = list_outside_agreements(facts=facts)
    cards = _cards(_companies_in(by_agreement, outside, standing), facts, standing, parties, line, at)
    recent, earlier = _by_time(cards)
    lookups, no_record, not_allowed = _count_lookups(recent)
    found = list_line_anomalies(line_id=line.pk, at=at)
    by_uri = {card.company.uri: card for card in cards}
    stop = _find_stop(line, standing)
    return Companies(
        sharing=standing,
        recent=recent,
        earlier=earlier,
        lookups=lookups,
        no_record=no_record,
        not_allowed=not_allowed,
        outside=count_outside_agreements(facts=outside),
        nothing=not facts and not cards,
        flow=flow_of(facts=by_agreement, parties=parties, recent=True),
        chart=chart_of(counted=_by_week(by_agreement), parties=parties, zone=zone, at=at),
        ended=ended_agreements(line_id=line.pk, at=at),
        noticed=merge_alerts(found=found, facts=facts, parties=parties, zone=zone, card=by_uri.get, at=at),
        stop=stop,
        late=stop.list_late(at=at) if stop else (),
    )


def _find_stop(line: Line, standing: Sharing) -> ChoiceRow | None:
    if not standing.stopped_by_person or not standing.stop_id:
        return None
    return choice_of(line_ids=[line.pk], choice_id=uuid.UUID(standing.stop_id))


def _parties_of(facts: Sequence[Facts], standing: Sharing) -> Parties:
    uses = standing.uses.values()
    agreed = {use.provider_uri for use in uses} | {use.aggregator_uri for use in uses}
    return Parties.read(uris_of(paths={one.path for one in facts}) | agreed)


def _companies_in(by_agreement: Sequence[Facts], outside: Sequence[Facts], standing: Sharing) -> set[str]:
    """Return who has a card: whoever received under an agreement or by none, and whoever was agreed to."""
    names = {one.company for one in by_agreement}
    names |= {use.provider_uri for use in standing.uses.values() if use.proof.kind != "none"}
    return names | {one.company for one in outside if one.doubtful}


def _cards(
    uris: Collection[str], facts: Sequence[Facts], standing: Sharing, parties: Parties, line: Line, at: datetime
) -> list[CompanyCard]:
    orders, disputes = newest_order_states(line_id=line.pk, at=at), list_standing_disputes(line_id=line.pk)
    cards = [
        card_of(
            uri=uri,
            facts=[one for one in facts if one.company == uri],
            standing=standing,
            parties=parties,
            orders=orders,
            disputes=disputes,
        )
        for uri in uris
    ]
    return sorted(cards, key=lambda card: card.risk)


def _by_time(cards: Sequence[CompanyCard]) -> tuple[tuple[CompanyCard, ...], tuple[CompanyCard, ...]]:
    """Return those of companies that received lately, and the others."""
    recent = tuple(card for card in cards if card.had_it_lately)
    return recent, tuple(card for card in cards if not card.had_it_lately)


def _count_lookups(recent: Sequence[CompanyCard]) -> tuple[int, int, int]:
    """Return the look-ups, the companies without a record of a yes, and the others that got what it didn't allow."""
    return (
        sum(card.recent for card in recent),
        sum(card.no_record for card in recent),
        sum(bool(card.recent_not_allowed) and not card.no_record for card in recent),
    )


def _by_week(facts: Iterable[Facts]) -> Counter[tuple[date, str]]:
    counted: Counter[tuple[date, str]] = Counter()
    for one in facts:
        if one.outcome == Outcome.RELEASED:
            for week, n in one.weeks.items():
                counted[week, one.company] += n
    return counted


def _build_path_rows(cards: tuple[CompanyCard, ...], *, at_most: int) -> PathRows:
    """Lay out cards: those who stand out come first, in their order."""
    n = min(max(LAID_OPEN, sum(card.stands_out for card in cards)), MOST_LAID_OPEN)
    return PathRows(cards[:n], cards[n:at_most], cards[at_most:])
