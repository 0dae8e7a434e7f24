"""What of a line's sharing a person can have stopped by name: companies, uses and purposes that are on record."""

from collections.abc import Sequence

from consent.models import Approval, Choice
from partners.models import Campaign, Dealing, Party
from partners.words import UNKNOWN, party_name, purpose_in_words
from support.models import Ticket

MOST = 200


def stoppable(*, ticket: Ticket) -> Sequence[tuple[str, str]]:
    """("scope ref", words) of each, companies first. Three statements; nothing of a case that is about no line."""
    if ticket.line_id is None:
        return ()
    met = Dealing.objects.filter(line_id=ticket.line_id).values("party_id")
    parties = Party.objects.filter(pk__in=met).exclude(uri=UNKNOWN).order_by("name", "uri")[:MOST]
    agreed = Approval.objects.filter(line_id=ticket.line_id).values("campaign")
    campaigns = Campaign.objects.filter(ref__in=agreed).select_related("lbs_provider").order_by("ref")[:MOST]
    purposes = {one.purpose: purpose_in_words(one.purpose) for one in campaigns}
    return (
        *((f"{Choice.Scope.PARTY} {one.uri}", party_name(one.name, one.uri)) for one in parties),
        *((f"{Choice.Scope.CAMPAIGN} {one.ref}", _named(one)) for one in campaigns),
        *((f"{Choice.Scope.PURPOSE} {term}", words) for term, words in purposes.items()),
    )


def _named(campaign: Campaign) -> str:
    provider = campaign.lbs_provider
    return f"{party_name(provider.name, provider.uri)}: {purpose_in_words(campaign.purpose)}"
