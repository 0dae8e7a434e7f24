"""Small true things to test with: a line, a party, a contract, a campaign, what was agreed."""

import itertools
import uuid
from datetime import UTC, datetime, timedelta

from django.db import transaction

from accounts.models import Account, Line, LineNumber, LineState, SafeContact
from accounts.primitives.sealing import number_hash, seal
from consent.models import Approval, Choice, ChoiceReceipt, Origin
from partners.models import Campaign, Contract, Party

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
FAR_OFF = datetime(2096, 1, 1, tzinfo=UTC)
FRAUD = "dpv:FraudPreventionAndDetection"
ROADSIDE = "dpv:RequestedServiceProvision"
ADS = "dpv:TargetedAdvertising"
READ = "location-retrieval:read"
ACTORS = {"person": "subscriber:0", "file": "import:choices", "system": "system:anomalies"}
# Feeds of tests name the first few themselves.
counter = itertools.count(1001)


def a_line(
    *,
    msisdn: str | None = None,
    role: str = "holder",
    state: str = "WA",
    account: str | None = None,
    holder_name: str = "Ada Marsh",
    activated_at: datetime = LONG_AGO,
    deactivated_at: datetime | None = None,
    carrier_id: str | None = None,
    language: str = "en",
) -> Line:
    """A tenure with its number, its state and (by the database) its gate row."""
    n = next(counter)
    line = Line.objects.create(
        carrier_id=carrier_id or f"L{n:07}", account=Account.objects.get_or_create(carrier_id=account or f"A{n:06}")[0],
        holder_name_sealed=seal(holder_name), user_role=role, state=state, language=language, activated_at=activated_at,
        deactivated_at=deactivated_at,
    )  # fmt: skip
    # Apart from the numbers that tests name themselves, all of area 206.
    number = msisdn or f"+1564555{n % 10000:04}"
    LineNumber.objects.create(
        line=line, msisdn_hash=number_hash(number), msisdn_sealed=seal(number), starts_at=activated_at,
        ends_at=deactivated_at,
    )  # fmt: skip
    LineState.objects.create(line=line, state=state, since=activated_at)
    return line


def a_safe_contact(line: Line, *, msisdn: str, at: datetime) -> SafeContact:
    """A number to which news about the line goes, proved at `at`."""
    contact = SafeContact.objects.create(line=line, to_sealed=seal(msisdn), code_sealed=seal("1"), asked_at=at)
    contact.proved_at = at
    contact.save(update_fields=["proved_at"])
    return contact


def a_party(name: str = "GeoBridge", kind: str = "aggregator", **fields: object) -> Party:
    uri = f"https://{name.lower().replace(' ', '')}.example"
    party, _ = Party.objects.get_or_create(uri=uri, defaults={"name": name, "kind": kind, **fields})
    return party


def a_contract(
    aggregator: Party | None = None, *, ref: str | None = None, endpoint_url: str = "", **fields: object
) -> Contract:
    return Contract.objects.create(
        ref=ref or f"AGR-{next(counter)}",
        aggregator=aggregator or a_party(),
        endpoint_url=endpoint_url,
        **{
            "signed_at": LONG_AGO,
            "starts_at": LONG_AGO,
            "ends_at": FAR_OFF,
            "purposes": [FRAUD, ROADSIDE, ADS],
            **fields,
        },
    )


def a_campaign(
    contract: Contract | None = None, provider: Party | None = None, *, ref: str | None = None, **fields: object
) -> Campaign:
    return Campaign.objects.create(
        ref=ref or f"CMP-{next(counter)}", contract=contract or a_contract(),
        lbs_provider=provider or a_party("RoadAid", "lbs_provider"),
        **{
            "purpose": ROADSIDE, "description": "Finds you when you call for roadside help",
            "consent_flow": "sms-double-opt-in", "scope": READ, "precision_m": 500, "starts_at": LONG_AGO,
            "ends_at": FAR_OFF, **fields,
        },
    )  # fmt: skip


def an_approval(
    line: Line,
    campaign: Campaign,
    *,
    at: datetime = NOW - timedelta(days=300),
    expires_at: datetime | None = None,
    verified_by: str = "carrier",
    recorded_at: datetime | None = None,
    method: str = "sms",
) -> Approval:
    return Approval.objects.create(
        line_id=line.pk, id=uuid.uuid4(), campaign=campaign.ref, method=method, captured_at=at,
        captured_by=campaign.lbs_provider.uri, wording="Find me when I call. Reply YES.", language="en",
        evidence_ref="ev-1", expires_at=expires_at, verified_by=verified_by, recorded_at=recorded_at or at,
        source_id=str(uuid.uuid4()), content_hash=b"",
    )  # fmt: skip


@transaction.atomic
def a_ledger_row(
    line: Line,
    kind: str,
    *,
    scope: str = "all",
    ref: str = "",
    at: datetime,
    until: datetime | None = None,
    origin: str = Origin.PERSON,
    reason: str = "",
    receipt: bool = True,
    recorded_at: datetime | None = None,
) -> Choice:
    """One row of the ledger written past the verbs, for tests of what is read from it."""
    choice = Choice.objects.create(
        line_id=line.pk, id=uuid.uuid4(), kind=kind, scope=scope, ref=ref, made_at=at, until=until, origin=origin,
        channel="web", reason=reason, actor=ACTORS[origin], recorded_at=recorded_at or at,
    )  # fmt: skip
    if origin != Origin.FILE and receipt:
        ChoiceReceipt.objects.create(line_id=line.pk, choice_id=choice.id, number="WB-TEST", token="")
    return choice
