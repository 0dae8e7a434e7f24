"""One search over everything an officer may look for by name: companies, contracts, campaigns, machines, agents."""

from dataclasses import dataclass

from partners.labels import party_name, sanitise_text
from partners.models import AuthorizedAgent, Campaign, Client, Contract, Party

MOST = 25


@dataclass(frozen=True)
class Hit:
    """One thing found. `kind`: party, contract, campaign, client or authorized; `about` says a little more."""

    kind: str
    id: int
    name: str
    about: str


def search_by_name(*, asked: str) -> list[Hit]:
    """What has these words in its name or id, 25 of a kind at most. Five statements; none for fewer than 2 letters."""
    if len(asked) < 2:
        return []
    parties = Party.objects.filter(name__icontains=asked) | Party.objects.filter(uri__icontains=asked)
    contracts = Contract.objects.filter(ref__icontains=asked).select_related("aggregator")
    campaigns = Campaign.objects.filter(ref__icontains=asked).select_related("lbs_provider")
    clients = Client.objects.filter(client_id__icontains=asked)
    agents = AuthorizedAgent.objects.filter(id__icontains=asked) | AuthorizedAgent.objects.filter(name__icontains=asked)
    return [
        *(Hit("party", one.pk, party_name(one.name, one.uri), sanitise_text(one.uri)) for one in parties[:MOST]),
        *(Hit("contract", one.pk, one.ref, sanitise_text(one.aggregator.name)) for one in contracts[:MOST]),
        *(Hit("campaign", one.pk, one.ref, sanitise_text(one.lbs_provider.name)) for one in campaigns[:MOST]),
        *(Hit("client", one.number, one.client_id, str(one.get_kind_display())) for one in clients[:MOST]),
        *(Hit("authorized", one.number, one.name, one.pk) for one in agents[:MOST]),
    ]
