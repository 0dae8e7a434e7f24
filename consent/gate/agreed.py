"""The question that a campaign's own request would ask: what "is it allowed?" means wherever no request is at hand."""

from consent.gate.shapes import Question
from partners.models import Campaign


def as_agreed(
    *, campaign: Campaign, line: str | None = None, msisdn: str | None = None, recipient: str = ""
) -> Question:
    """The campaign's own question about a line (the carrier's id) or a number.

    `recipient`: for whom it asks, a party's URI. A campaign whose requests name their recipient asks for its provider
    itself where none is meant: every other recipient is covered by at least as many stops, one that is not told apart
    by those of everybody behind it. One whose requests name nobody is asked as it is, whoever is meant.
    """
    provider = campaign.lbs_provider.uri
    return Question(
        aggregator=campaign.contract.aggregator.uri,
        provider=provider,
        recipient=(recipient or provider) if campaign.names_recipient else "",
        campaign=campaign.ref,
        purpose=campaign.purpose,
        scope=campaign.scope,
        precision_m=campaign.precision_m,
        line=line,
        msisdn=msisdn,
    )
