"""One purpose, who uses it and where it is prohibited; and what a state's rule would prohibit before it is added."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import ClassVar

from django.db import connection
from django.db.models import Q

from accounts.primitives.zones import STATE_NAMES
from partners.actions.terms import RuleTerms
from partners.labels import PURPOSES, party_name, precision_in_words, purpose_in_words
from partners.models import Campaign, IdentifierLink, JurisdictionRule
from partners.policies.lifecycle import not_ended
from support.queries import chains
from support.queries.chains import CampaignFacts
from support.queries.counts import CAP, Count, cap_count
from support.queries.history import RecordedAct, done_to

MOST = 200
LONGEST_TARGET = 160


@dataclass(frozen=True)
class PurposePage:
    """A purpose: a term of the W3C's DPV, and what it is called for people."""

    term: str
    words: str
    campaigns: Sequence[CampaignFacts]
    rules: Sequence[JurisdictionRule]
    kin: Sequence[IdentifierLink]
    history: Sequence[RecordedAct]


def purpose_page(*, term: str, at: datetime) -> PurposePage | None:
    """Return everything about one purpose; None for one that no campaign has and that we have no words for."""
    rows = Campaign.objects.filter(purpose=term).select_related("contract__aggregator", "lbs_provider").order_by("ref")
    found = list(rows[:MOST])
    if not found and term not in get_purpose_words():
        return None
    rules = JurisdictionRule.objects.filter(not_ended(at=at), purposes__contains=[term])
    both = Q(ref=term) | Q(kin_ref=term)
    return PurposePage(
        term=term,
        words=purpose_in_words(term),
        campaigns=chains.campaigns(rows=found, at=at),
        rules=list(rules.order_by("state", "starts_at")),
        kin=list(
            IdentifierLink.objects.filter(both, of=IdentifierLink.Of.PURPOSE).order_by("recorded_at", "id")[:MOST]
        ),
        history=done_to(target=target_of(term=term)),
    )


def list_other_purposes(*, than: str) -> Mapping[str, str]:
    """Return every other purpose that is used or that we have words for, by its term, in words."""
    used = Campaign.objects.values_list("purpose", flat=True).distinct()
    known = get_purpose_words() | {term: purpose_in_words(term) for term in used}
    return {term: words for term, words in sorted(known.items()) if term != than}


def get_purpose_words() -> dict[str, str]:
    """Return the purposes that we have words for, by term."""
    return {f"dpv:{name}": str(words) for name, words in PURPOSES.items()}


def target_of(*, term: str) -> str:
    """Return how the audit trail names a purpose, as `partners.actions.terms.link` writes it."""
    return f"purpose:{term}"[:LONGEST_TARGET]


PAID = ("monetary", "other")
# Lines that are in the state now and have a yes to any of these on record, whether or not a later stop covers it.
AGREED = """
SELECT count(*) FROM (
    SELECT FROM consent_linegate g
    WHERE g.state = %s AND g.active_until IS NULL AND g.approvals ?| %s LIMIT %s) AS found
"""


@dataclass(frozen=True)
class AffectedCampaign:
    """One campaign that the rule would prohibit."""

    campaign: Campaign
    agreed: Count

    @property
    def company(self) -> str:
        """Whose it is."""
        return party_name(self.campaign.lbs_provider.name, self.campaign.lbs_provider.uri)

    @property
    def why(self) -> str:
        """What for, in the words that subscribers read."""
        return purpose_in_words(self.campaign.purpose)

    @property
    def precision(self) -> str:
        """How exact."""
        return precision_in_words(self.campaign.precision_m)


@dataclass(frozen=True)
class RuleImpact:
    """What a rule of these terms would prohibit. `people`: who agreed to any of it in that state."""

    terms: RuleTerms
    has_begun: bool
    campaigns: Sequence[AffectedCampaign]
    people: Count
    template: ClassVar[str] = "prohibited.html"

    @property
    def state_name(self) -> str:
        """The state's name."""
        return STATE_NAMES.get(self.terms.state, self.terms.state)

    @property
    def lifelines(self) -> Sequence[AffectedCampaign]:
        """Those on which people depend."""
        return [one for one in self.campaigns if one.campaign.lifeline]

    @property
    def seal(self) -> Sequence[object]:
        """Of the rule and the campaigns that were shown. People come and go meanwhile."""
        return [*map(str, asdict(self.terms).values()), [one.campaign.ref for one in self.campaigns]]


def get_rule_impact(*, terms: RuleTerms, at: datetime) -> RuleImpact:
    """Return what a rule of these terms would prohibit, as things stand at `at`."""
    about = Q(purpose__in=terms.purposes)
    if terms.sale_test:
        about |= Q(consideration__in=[one for one in PAID if terms.consideration in {"", one}])
    since = max(at, terms.starts_at)
    rows = Campaign.objects.filter(about, ends_at__gt=since, contract__ends_at__gt=since)
    if terms.max_radius_m is not None:  # what is never released within that radius is not concerned
        rows = rows.filter(precision_m__lte=terms.max_radius_m)
    found = list(rows.select_related("lbs_provider").order_by("ref"))
    return RuleImpact(
        terms=terms,
        has_begun=terms.starts_at <= at,
        campaigns=[AffectedCampaign(one, _count_agreed_people(terms.state, [one.ref])) for one in found],
        people=_count_agreed_people(terms.state, [one.ref for one in found]),
    )


def _count_agreed_people(state: str, refs: Sequence[str]) -> Count:
    with connection.cursor() as cursor:
        cursor.execute(AGREED, [state, list(refs), CAP + 1])
        ((n,),) = cursor.fetchall()
    return cap_count(n)
