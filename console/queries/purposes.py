"""One purpose: who uses it, where it is prohibited, and which other purposes its stops hold for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from partners.labels import PURPOSES, purpose_in_words
from partners.models import Campaign, IdentifierLink, JurisdictionRule
from support.queries import chains
from support.queries.chains import CampaignFacts
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
    """Everything about one purpose; None for one that no campaign has and that we have no words for."""
    rows = Campaign.objects.filter(purpose=term).select_related("contract__aggregator", "lbs_provider").order_by("ref")
    found = list(rows[:MOST])
    if not found and term not in list_known_purposes():
        return None
    rules = JurisdictionRule.objects.filter(not_ended(at=at), purposes__contains=[term])
    both = Q(ref=term) | Q(kin_ref=term)
    return PurposePage(
        term=term,
        words=purpose_in_words(term),
        campaigns=chains.campaigns(rows=found, at=at),
        rules=list(rules.order_by("state", "starts_at")),
        kin=list(IdentifierLink.objects.filter(both, of=IdentifierLink.Of.PURPOSE).order_by("recorded_at")[:MOST]),
        history=done_to(target=target_of(term=term)),
    )


def others(*, than: str) -> Mapping[str, str]:
    """Every other purpose that is used or that we have words for, by its term, in words."""
    used = Campaign.objects.order_by("purpose").values_list("purpose", flat=True).distinct()
    known = list_known_purposes() | {term: purpose_in_words(term) for term in used}
    return {term: words for term, words in sorted(known.items()) if term != than}


def list_known_purposes() -> dict[str, str]:
    """The purposes that we have words for, by term."""
    return {f"dpv:{name}": str(words) for name, words in PURPOSES.items()}


def not_ended(*, at: datetime) -> Q:
    """The rules of states that hold, or are to come: an end that is agreed and still to come ends nothing yet."""
    return Q(ends_at__isnull=True) | Q(ends_at__gt=at)


def target_of(*, term: str) -> str:
    """How the audit trail names a purpose, as `partners.actions.terms.link` writes it."""
    return f"purpose:{term}"[:LONGEST_TARGET]
