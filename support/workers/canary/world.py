"""What the trial needs: a line with its person, a company that is told, and a machine that asks the gate."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

import audit.actions
from accounts.actions.people import get_or_create_person
from accounts.models import Account, Line, LineNumber, LineState
from accounts.primitives import synthetic
from accounts.primitives.sealing import number_hash, seal
from partners.actions import guards
from partners.models import Campaign, Client, Contract, Party

ACTOR = "system:canary"
PURPOSE = "dpv:RequestedServiceProvision"
# A state without a law against selling; nothing is paid for it anyway.
STATE, LANGUAGE = "WA", "en"
LASTS = timedelta(days=365 * 50)
KINDS = {Client.Kind.GATEWAY: "gateway", Client.Kind.AGGREGATOR: "aggregator"}


@dataclass(frozen=True)
class World:
    """Everything the trial acts with. `actor`: the line's own person, as the ledger names them."""

    line: Line
    actor: str
    campaign: Campaign
    gateway: Client
    aggregator: Client

    @property
    def party(self) -> Party:
        """The company that is told."""
        return self.campaign.contract.aggregator


@transaction.atomic
def ensure_world(*, at: datetime) -> World:
    """It, made the first time. Where people reach us may have changed since: it is told at the address of now."""
    line = Line.objects.filter(carrier_id=synthetic.NAME).first() or _line(at)
    campaign = (
        Campaign.objects.select_related("contract__aggregator", "lbs_provider").filter(ref=synthetic.NAME).first()
    ) or _campaign(at)
    endpoint = f"{settings.BASE_URL}/canary/events"
    if campaign.contract.endpoint_url != endpoint:
        Contract.objects.filter(pk=campaign.contract_id).update(endpoint_url=endpoint)
    return World(
        line=line,
        actor=f"subscriber:{get_or_create_person(line=line, at=at).pk}",
        campaign=campaign,
        gateway=_client(Client.Kind.GATEWAY, None, at),
        aggregator=_client(Client.Kind.AGGREGATOR, campaign.contract.aggregator, at),
    )


def _line(at: datetime) -> Line:
    line = Line.objects.create(
        carrier_id=synthetic.NAME,
        account=Account.objects.get_or_create(carrier_id=synthetic.NAME)[0],
        holder_name_sealed=seal(synthetic.PARTY_NAME),
        user_role=Line.UserRole.HOLDER,
        state=STATE,
        language=LANGUAGE,
        activated_at=at,
    )
    LineNumber.objects.create(
        line=line, msisdn_hash=number_hash(synthetic.NUMBER), msisdn_sealed=seal(synthetic.NUMBER), starts_at=at
    )
    LineState.objects.create(line=line, state=STATE, since=at)
    audit.actions.record(action="canary.made", actor=ACTOR, target=f"line:{line.pk}", at=at, line_id=line.pk)
    return line


def _campaign(at: datetime) -> Campaign:
    party, _ = Party.objects.get_or_create(
        uri=synthetic.PARTY, defaults={"name": synthetic.PARTY_NAME, "kind": Party.Kind.AGGREGATOR}
    )
    term = {"starts_at": at, "ends_at": at + LASTS}
    contract = Contract.objects.create(ref=synthetic.NAME, aggregator=party, signed_at=at, purposes=[PURPOSE], **term)
    return Campaign.objects.create(
        ref=synthetic.NAME, contract=contract, lbs_provider=party, purpose=PURPOSE,
        description="Our own trial: nobody is found by it", consent_flow="our own trial",
        scope="location-retrieval:read", precision_m=10_000, consideration=Campaign.Consideration.NONE, **term,
    )  # fmt: skip


def _client(kind: Client.Kind, party: Party | None, at: datetime) -> Client:
    """Return a machine that nobody can sign in as: it has no key. Its tokens are made where they are used."""
    client_id = f"{synthetic.NAME}-{KINDS[kind]}"
    known = Client.objects.select_related("party").filter(client_id=client_id).first()
    if known is not None:
        return known
    client = Client.objects.create(client_id=client_id, kind=kind, party=party, public_jwk={}, disabled_at=at)
    client.disabled_at = None
    client.save(update_fields=["disabled_at"])
    audit.actions.record(action="canary.made", actor=ACTOR, target=guards.machine_target(number=client.number), at=at)
    return client
