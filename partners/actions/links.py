"""Links between ids and a campaign's known recipients: both only grow, and carry stops, never approvals."""

from collections.abc import Sequence
from datetime import datetime

from partners.models import Campaign, Kin, Party, Reach
from partners.policies import identifiers

# Looked up together, so they share what one entry of an index may hold.
LONGEST_PAIR_BYTES = 2000


class TooLong(Exception):
    """The two ids together are longer than what can be looked up."""


def add_recipients(*, ref: str, recipients: Sequence[str], told_apart: bool) -> bool:
    """Add those whom a campaign's data reaches; a party not known yet is added unnamed. Reach only grows.

    `told_apart`: whether requests that name them leave the stops of others; only while the campaign does not count yet.
    """
    campaign = Campaign.objects.get(ref=ref)
    added = False
    for uri in dict.fromkeys(recipients):
        party, _ = Party.objects.get_or_create(uri=uri, defaults={"name": uri, "kind": Party.Kind.UNNAMED})
        _, new = Reach.objects.get_or_create(
            campaign_id=campaign.pk, party_id=party.pk, defaults={"told_apart": told_apart}
        )
        added = added or new
    return added


def fault_of(*, of: str, ref: str) -> str:
    """What is wrong with such a name of something that need not be known yet: a link to it is never taken back."""
    if of == Kin.Of.PARTY and not identifiers.is_uri(ref) and not Party.objects.filter(uri=ref).exists():
        return identifiers.NOT_A_URI
    if of == Kin.Of.CAMPAIGN and not identifiers.is_id(ref) and not Campaign.objects.filter(ref=ref).exists():
        return identifiers.NOT_AN_ID
    return ""


def add_link(*, of: str, ref: str, kin_ref: str, link: str, at: datetime) -> bool:
    """Write down that `ref` succeeds, or is the same as, `kin_ref`; the other need not be known. Never taken back.

    Returns whether it is new. Raises TooLong.
    """
    if len(ref.encode()) + len(kin_ref.encode()) > LONGEST_PAIR_BYTES:
        raise TooLong(ref)
    if ref == kin_ref or Kin.objects.filter(of=of, ref=ref, kin_ref=kin_ref).exists():
        return False
    Kin.objects.create(of=of, ref=ref, kin_ref=kin_ref, link=link, recorded_at=at)
    return True
