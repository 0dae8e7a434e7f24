"""One of everything that the console shows, about a person whose marks must be nowhere in it."""

import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

import audit.actions
from accounts.actions.line_separation import request_separation
from accounts.actions.people import get_or_create_person
from accounts.models import Line, Separation
from accounts.primitives.sealing import seal_bytes
from audit.models import Incident
from consent.actions import choices
from consent.models import DigestFinding, DigestRun
from console.actions import imports
from console.workers.imports import run as check_uploads
from disclosures.domain.ingest.rows import id_of
from disclosures.models import Anomaly, AnomalyRule, Disclosure, DisclosureRegister, Upload
from disclosures.queries.anomaly_rows import incident_key
from partners.actions import proposals, suspensions
from partners.actions.authorized import register_agent
from partners.domain import pairwise
from partners.models import AuthorizedAgent, Campaign, Client, Dealing, Party, Proposal, Reach
from revocations.domain.streams import queue_event
from revocations.models import Attempt, Breach, Cohort, Order, StreamEvent
from support.domain.tickets import new_code
from support.models import CarrierTestLine, Document, SuspendRequest, Ticket
from tests.agents import public
from tests.factories import FRAUD, a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import line_row, ndjson
from tests.partners.outside import Signer
from tests.staff import an_actor

PERSON = "Zebrafinch"
NUMBER = "+12065550199"
CARRIER_LINE = "QUAGGA-7781"
MACHINE = "geobridge-1"


@dataclass
class Console:
    """`ids` by the names that addresses give their arguments."""

    line: Line
    campaign: Campaign
    ids: dict[str, object] = field(default_factory=dict)


def everything(*, at: datetime | None = None) -> Console:
    """A contract with all that can hang on it, under real commits or not."""
    at = at or timezone.now()
    line = a_line(msisdn=NUMBER, holder_name=f"{PERSON} Person", carrier_id=CARRIER_LINE)
    campaign = a_chain(line, "GeoBridge", at=at)
    contract, party = campaign.contract, campaign.contract.aggregator
    choices.stop(line_id=line.pk, scope="all", actor=f"subscriber:{line.pk}", channel="web")
    order = Order.objects.get(line_id=line.pk, contract_id=contract.pk)
    Attempt.objects.create(
        line_id=line.pk, order_id=order.id, number=1, at=at, outcome="refused", status=503, detail="busy",
        token="eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJhYmMifQ.c2ln",
    )  # fmt: skip
    event = queue_event(
        party_id=party.pk, kind=StreamEvent.Kind.VERIFICATION, sub_id={"format": "opaque", "id": "s"}, event={}, at=at
    )
    officer = an_actor()
    _others_that_end(campaign, at)
    suspensions.suspend(of="contract", target_id=contract.pk, actor=officer, reason="They sold it.", at=at)
    proposal = proposals.propose(
        act=Proposal.Act.LIFT_SUSPENSION, of="contract", target_id=contract.pk, payload={}, reason="They mended it.",
        actor=officer, at=at,
    )  # fmt: skip
    cohort = a_cohort(campaign, at=at, actor=officer)
    _more(campaign, line, at)
    return Console(
        line=line,
        campaign=campaign,
        ids={
            "party_id": party.pk, "contract_id": contract.pk, "campaign_id": campaign.pk, "of": "contract",
            "target_id": contract.pk, "proposal_id": proposal.pk, "how": "agree", "cohort_id": cohort.pk,
            "order_id": order.id, "event_id": event.pk, "rule_id": 1,
            "incident_id": Incident.objects.get(kind=Incident.Kind.BURST).pk, "kind": "burst",
            "name": "contracts", "page": "trail", "year": at.year, "word": "pause",
            "term": FRAUD, "run_id": DigestRun.objects.get().pk, "finding_id": DigestFinding.objects.get().pk,
            "document": "company", "ref": str(party.pk), "document_id": _a_document(party, officer, at).pk,
            "seed_id": CarrierTestLine.objects.create(
                line_id=0, marked_at=at, marked_by=officer, about="Test of ours"
            ).pk,
            "request_id": _asked_to_suspend(line, campaign, at),
            "separation_id": _separation(line, at), "number": Client.objects.get(client_id=MACHINE).number,
            "upload_id": an_upload(officer, at=at).pk,
            "agent_number": an_agent(officer, at=at + timedelta(seconds=1)).number,
        },
    )  # fmt: skip


def filled(route: str, ids: dict[str, object]) -> str:
    """An address of the console with these ids in it."""
    return "/admin/" + re.sub(r"<\w+:(\w+)>", lambda found: str(ids[found.group(1)]), route)


def an_upload(officer: str, *, at: datetime) -> Upload:
    """A file of lines, of which a dry run rejected one."""
    upload = imports.upload_file(
        feed="lines", content=ndjson([line_row(line_id="L-1"), line_row(msisdn="none")]), reason="The monthly file",
        actor=officer, at=at,
    )  # fmt: skip
    check_uploads(now=at)
    return Upload.objects.get(pk=upload.pk)


def _a_document(party: Party, officer: str, at: datetime) -> Document:
    return Document.objects.create(
        id=uuid.uuid4(), kind=Document.Kind.COMPANY, about=f"party:{party.pk}", title=f"Evidence pack: {party.name}",
        made_at=at, made_by=officer, sha256="0" * 64, pdf_sealed=seal_bytes(b"%PDF-1.7"),
    )  # fmt: skip


def an_agent(officer: str, *, at: datetime) -> AuthorizedAgent:
    """An authorised agent that waiting for a second officer."""
    return register_agent(
        agent_id="PERMISSION_SLIP", name="Permission Slip", key=public(Ed25519PrivateKey.generate()),
        hosts=["agent.example"], reason="It joined the network.", actor=officer, at=at,
    )  # fmt: skip


def a_case(line: Line, *, about: str = "", at: datetime | None = None, **fields: object) -> Ticket:
    """A case of somebody's; `about`: the id of the look-up in question."""
    at, code = at or timezone.now(), new_code()
    values: dict[str, object] = {
        "code": code, "kind": "look_up", "key": f"asked:{code}", "line_id": line.pk, "about": "Who looked?",
        "about_kind": "look_up" if about else "", "about_ref": about, "opened_at": at, "due_at": at + timedelta(days=5),
    }  # fmt: skip
    return Ticket.objects.create(**{**values, **fields})


def _asked_to_suspend(line: Line, campaign: Campaign, at: datetime) -> int:
    return SuspendRequest.objects.create(
        ticket=a_case(line, at=at), party_id=campaign.contract.aggregator_id, reason="They went on.",
        asked_by=an_actor("agent"), asked_at=at,
    ).pk  # fmt: skip


def _separation(line: Line, at: datetime) -> uuid.UUID:
    user = get_or_create_person(line=line, at=at)
    request_separation(line_id=line.pk, user=user, reach=f"Ask {PERSON}", note="", at=at)
    return Separation.objects.get(line=line).pk


def a_chain(line: Line, name: str, *, at: datetime) -> Campaign:
    """A contract, a campaign, a company behind it, and what the line agreed to and what left for it."""
    aggregator, provider = a_party(name), a_party(f"{name} Finder", "lbs_provider")
    campaign = a_campaign(a_contract(aggregator, endpoint_url="https://partner.example/events"), provider)
    Reach.objects.create(campaign=campaign, party=a_party(f"{name} Customer", "end_customer"))
    an_approval(line, campaign, at=at - timedelta(days=90))
    for party in (aggregator, provider):
        Dealing.objects.create(line_id=line.pk, aggregator=aggregator, party=party, last_at=at - timedelta(days=1))
    release = id_of(f"{name}-1")
    DisclosureRegister.objects.create(
        id=release, line_id=line.pk, occurred_at=at - timedelta(days=1), content_hash=b"\0" * 32
    )
    Disclosure.objects.create(
        line_id=line.pk, occurred_at=at - timedelta(days=1), id=release, source_id=f"{name}-1",
        aggregator=aggregator.uri, path=[aggregator.uri, provider.uri], campaign=campaign.ref,
        purpose=campaign.purpose, scope=campaign.scope, precision_m=500, basis="approval", outcome="released",
        judgement="permitted", recorded_at=at,
    )  # fmt: skip
    pairwise.subject(line_id=line.pk, party_id=aggregator.pk)
    return campaign


def a_cohort(campaign: Campaign, *, at: datetime, **fields: object) -> Cohort:
    """A termination whose list is still made."""
    contract = campaign.contract
    values: dict[str, object] = {
        "of": "campaign", "target_id": campaign.pk, "contract_id": contract.pk, "party_id": contract.aggregator_id,
        "epoch": contract.epoch + 1, "terminated_at": at, "actor": "officer:1", "reason": "They sold it.",
        "plan": {"lines": 4}, "complete_by": at + timedelta(days=10),
    }  # fmt: skip
    return Cohort.objects.create(id=uuid.uuid4(), **{**values, **fields})


def a_breach(campaign: Campaign, about: str, *, at: datetime) -> Breach:
    """A date that was let pass."""
    contract = campaign.contract
    return Breach.objects.create(
        kind=Breach.Kind.ACKNOWLEDGE, contract_id=contract.pk, party_id=contract.aggregator_id, about=about,
        due_at=at - timedelta(days=1), at=at,
    )  # fmt: skip


def _others_that_end(campaign: Campaign, at: datetime) -> None:
    """Lines that end with it as well, so that counts of a plan differ."""
    agreed, dealt = (tuple(a_line() for _ in range(n)) for n in (3, 6))
    for line in agreed:
        an_approval(line, campaign, at=at - timedelta(days=90))
    for line in dealt:
        Dealing.objects.create(
            line_id=line.pk, aggregator=campaign.contract.aggregator, party=campaign.lbs_provider,
            last_at=at - timedelta(days=1),
        )  # fmt: skip


def _more(campaign: Campaign, line: Line, at: datetime) -> None:
    party = campaign.contract.aggregator
    Breach.objects.create(
        kind=Breach.Kind.COMPLETE, contract_id=campaign.contract_id, party_id=party.pk, line_id=line.pk,
        about=f"order:{uuid.uuid4()}", due_at=at - timedelta(days=1), at=at,
    )  # fmt: skip
    run = DigestRun.objects.create(
        id=uuid.uuid4(), party_id=party.pk, received_at=at, differing=["0007", "0a0b"], drilled=["0007"],
        findings={"partner_has": 2, "partner_lacks": 3, "same": 5}, finished_at=at + timedelta(minutes=7),
    )  # fmt: skip
    DigestFinding.objects.create(
        run=run, kind="partner_has", line_id=line.pk, contract_id=campaign.contract_id, purpose=campaign.purpose,
        recipient=campaign.lbs_provider.uri, scope=campaign.scope, found_at=at,
    )  # fmt: skip
    Client.objects.create(
        client_id=MACHINE, kind=Client.Kind.AGGREGATOR, party=party, public_jwk=Signer(party.uri).public, disabled_at=at
    )
    audit.actions.open_incident(kind=Incident.Kind.PARTNER_HAS, key=f"party:{party.pk}", subject=party.uri, at=at)
    an_anomaly(campaign, line, at=at)
    audit.actions.record(
        action="line.seen", actor="officer:1", target=f"line:{line.pk}", at=at, line_id=line.pk,
        reason=f"They asked on {NUMBER}",
    )  # fmt: skip


def an_anomaly(campaign: Campaign, line: Line, *, at: datetime) -> Incident:
    """A burst by the company of what `a_chain` released, under its incident."""
    uri = campaign.lbs_provider.uri
    Anomaly.objects.create(
        kind="burst", line_id=line.pk, party=uri, period=at.date().replace(day=1), first_at=at - timedelta(days=2),
        last_at=at, newest_at=at, n=4, looks=3, rule=AnomalyRule.objects.get(kind="burst", version=1), found_at=at,
        changed_at=at, grown_at=at,
    )  # fmt: skip
    key = incident_key(party=uri, year=f"{at:%Y}")
    audit.actions.open_incident(kind=Incident.Kind.BURST, key=key, subject=uri, at=at)
    return Incident.objects.get(kind=Incident.Kind.BURST, key=key)
