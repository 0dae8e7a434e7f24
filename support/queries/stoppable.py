"""What of a line's sharing a person can have stopped by name: companies, uses and purposes, as their own pages tell.

A company that is known by look-ups alone which are hidden now is not there, as on their pages.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from accounts.models import Line
from accounts.primitives.zones import zone_of
from consent.models import Approval, Choice
from consent.queries.approvals import STANDS
from disclosures.models import Basis
from disclosures.queries.release_counts import facts_of
from disclosures.queries.tallies import released_outside
from disclosures.queries.trails import uris_of
from partners.labels import UNKNOWN, party_name, purpose_in_words
from partners.models import Campaign, Party
from support.models import Ticket

MOST = 200


def stoppable(*, ticket: Ticket, at: datetime) -> Sequence[tuple[str, str]]:
    """("scope ref", words) of each, companies first. Four statements; nothing of a case that is about no line."""
    line = Line.objects.filter(pk=ticket.line_id).first() if ticket.line_id is not None else None
    if line is None:
        return ()
    agreed = Approval.objects.filter(STANDS, line_id=line.pk).values("campaign")
    named = Campaign.objects.filter(ref__in=agreed).select_related("lbs_provider", "contract__aggregator")
    campaigns = named.order_by("ref")[:MOST]
    uris = _find_recipient_uris(line, at) | _companies_of(campaigns)
    parties = Party.objects.filter(uri__in=uris).exclude(uri=UNKNOWN).order_by("name", "uri")[:MOST]
    purposes = {one.purpose: purpose_in_words(one.purpose) for one in campaigns}
    return (
        *((f"{Choice.Scope.PARTY} {one.uri}", party_name(one.name, one.uri)) for one in parties),
        *((f"{Choice.Scope.CAMPAIGN} {one.ref}", _format_campaign(one)) for one in campaigns),
        *((f"{Choice.Scope.PURPOSE} {term}", words) for term, words in purposes.items()),
    )


def _companies_of(campaigns: Iterable[Campaign]) -> set[str]:
    return {uri for one in campaigns for uri in (one.lbs_provider.uri, one.contract.aggregator.uri)}


def _find_recipient_uris(line: Line, at: datetime) -> set[str]:
    """Everybody in look-ups that asked for a yes, and whoever got it without one although they sell look-ups."""
    facts = facts_of(line_id=line.pk, zone=zone_of(line.state), at=at)
    sellers = {one.company for one in released_outside(facts=facts) if one.doubtful}
    return uris_of(paths=[one.path for one in facts if one.basis == Basis.APPROVAL]) | sellers


def _format_campaign(campaign: Campaign) -> str:
    provider = campaign.lbs_provider
    return f"{party_name(provider.name, provider.uri)}: {purpose_in_words(campaign.purpose)}"
