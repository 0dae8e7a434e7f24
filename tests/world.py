"""A line with a life of its own: companies that asked, agreed and did not, for tests of pages."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from accounts.models import Line
from disclosures.domain.ingest.rows import NOTE_DAY
from disclosures.models import Basis, DelayedNotice, Disclosure, Judgement, Outcome
from partners.models import Campaign, Contract, Dealing, Party
from tests.factories import ADS, FRAUD, READ, ROADSIDE, a_campaign, a_contract, a_line, a_party, an_approval

HOSTILE = "\u202egnp.exe <script>alert(1)</script> Z\u0351\u0352\u0353\u0354\u0355algo " + "W" * 400
IDENTITY = "dpv:IdentityVerification"


@dataclass(frozen=True)
class World:
    """A line, the two agreements its data went through, and the campaigns under them."""

    line: Line
    northlink: Contract
    geobridge: Contract
    roadaid: Campaign
    securetrack: Campaign


def disclosed(
    line: Line,
    path: Sequence[str],
    *,
    at: datetime,
    n: int = 1,
    every: timedelta = timedelta(minutes=10),
    campaign: str = "",
    purpose: str = ROADSIDE,
    precision_m: int = 500,
    judgement: str = Judgement.PERMITTED,
    basis: str = Basis.APPROVAL,
    outcome: str = Outcome.RELEASED,
    doubtful: bool = False,
    authority_ref: str = "",
    recorded_at: datetime | None = None,
    completed: str = "",
) -> list[Disclosure]:
    """So many releases, the first at `at`, recorded then if not later, with the dealings that they make known."""
    if basis != Basis.APPROVAL:
        judgement = basis
    elif outcome == Outcome.REFUSED:
        judgement = Judgement.REFUSED
    rows = Disclosure.objects.bulk_create(
        Disclosure(
            line_id=line.pk,
            occurred_at=at + number * every,
            id=uuid.uuid4(),
            source_id=f"src-{uuid.uuid4()}",
            aggregator=path[0],
            path=list(path),
            path_completed=completed,
            campaign=campaign,
            purpose=purpose,
            scope=READ,
            precision_m=precision_m,
            basis=basis,
            outcome=outcome,
            decision_id="",
            authority_ref=authority_ref,
            basis_doubtful=doubtful,
            judgement=judgement,
            recorded_at=recorded_at or at,
        )
        for number in range(n)
    )
    if basis == Basis.APPROVAL and outcome == Outcome.RELEASED:
        known = {party.uri: party for party in Party.objects.filter(uri__in=path)}
        Dealing.objects.bulk_create(
            (
                Dealing(line_id=line.pk, aggregator=known[path[0]], party=known[uri], last_at=at)
                for uri in set(path)
                if uri in known
            ),
            ignore_conflicts=True,
        )
    return rows


def gagged(row: Disclosure, *, until: datetime | None, at: datetime, number: int = 1) -> DelayedNotice:
    """A delayed-notice order on one disclosure."""
    notice = DelayedNotice.objects.create(
        line_id=row.line_id, disclosure_id=row.id, number=number, suppressed_until=until, order_ref="court-7",
        recorded_at=at,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(NOTE_DAY, [row.line_id, row.occurred_at])
    return notice


def a_world(*, at: datetime, line: Line | None = None, weeks: int = 11) -> World:
    """Two aggregators, six services, three end customers, a year of look-ups of every kind.

    `weeks`: for how long the services that come back every week did.
    """
    line = line or a_line()
    northlink = a_contract(a_party("NorthLink"), ref="AGR-N")
    geobridge = a_contract(a_party("GeoBridge"), ref="AGR-G")
    north, geo = northlink.aggregator.uri, geobridge.aggregator.uri
    bail, jail = a_party("BailNow", "end_customer"), a_party("County corrections desk", "end_customer")
    services = {
        "RoadAid": ("Finds you when you call for roadside help", geobridge, ROADSIDE, 500, {"lifeline": True}),
        "FraudShield": ("Checks that your phone is near your card", geobridge, FRAUD, 5000, {}),
        "SecureTrack": ("Sells look-ups to corrections and bail firms", northlink, IDENTITY, 100, {}),
        "MedAlert": ("Sends help to a worn button", northlink, ROADSIDE, 50, {"lifeline": True}),
        "FamilyRing": (
            "Shows a family where everybody is",
            northlink,
            "dpv:ServiceProvision",
            50,
            {"family_tracking": True},
        ),
        "AdReach": ("Shows ads by the places you go", geobridge, ADS, 1000, {}),
    }
    made: dict[str, Campaign] = {}
    for name, (about, contract, purpose, precision_m, marks) in services.items():
        provider = a_party(name, "lbs_provider", about=about, website=f"https://{name.lower()}.example")
        made[name] = a_campaign(
            contract, provider, ref=f"CMP-{name.lower()}", purpose=purpose, description=about, precision_m=precision_m,
            **marks,
        )  # fmt: skip
    for name in ("RoadAid", "FraudShield", "MedAlert", "FamilyRing"):
        an_approval(line, made[name], at=at - timedelta(days=300))
    an_approval(line, made["AdReach"], at=at - timedelta(days=90), verified_by="partner")
    hostile, _ = Party.objects.get_or_create(
        uri="https://hostile.example",
        defaults={"name": HOSTILE, "kind": "lbs_provider", "website": "javascript:alert(1)"},
    )

    def looked(name: str, days: int, n: int, judgement: str, *below: str) -> None:
        campaign = made[name]
        disclosed(
            line,
            [campaign.contract.aggregator.uri, campaign.lbs_provider.uri, *below],
            at=at - timedelta(days=days, hours=3),
            n=n,
            campaign=campaign.ref,
            purpose=campaign.purpose,
            precision_m=campaign.precision_m,
            judgement=judgement,
        )

    for week in range(weeks):
        looked("SecureTrack", 5 + 7 * week, 2 + week % 3, Judgement.NO_APPROVAL, bail.uri, "unknown")
        looked("FraudShield", 2 + 7 * week, 3 + week % 4, Judgement.PERMITTED)
        looked("FamilyRing", 1 + 7 * week, 4, Judgement.PERMITTED)
    looked("SecureTrack", 3, 14, Judgement.NO_APPROVAL, jail.uri)
    looked("RoadAid", 22, 2, Judgement.PERMITTED)
    looked("RoadAid", 180, 5, Judgement.PERMITTED)
    looked("AdReach", 9, 6, Judgement.APPROVAL_UNVERIFIED)
    disclosed(
        line,
        [geo, hostile.uri],
        at=at - timedelta(days=4),
        n=2,
        purpose="dpv:SellDataToThirdParties",
        judgement=Judgement.NO_APPROVAL,
    )
    disclosed(line, [north], at=at - timedelta(days=200), judgement=Judgement.NO_APPROVAL, purpose="dpv:Marketing")
    disclosed(
        line,
        [geo, made["AdReach"].lbs_provider.uri],
        at=at - timedelta(days=6),
        n=3,
        outcome=Outcome.REFUSED,
        purpose=ADS,
    )
    disclosed(
        line, ["urn:psap:king-county"], at=at - timedelta(days=12), basis=Basis.EMERGENCY, purpose="dpv:LegalCompliance"
    )
    (order,) = disclosed(
        line,
        ["urn:police"],
        at=at - timedelta(days=15),
        basis=Basis.LEGAL_PROCESS,
        purpose="dpv:LegalCompliance",
        authority_ref="24-113",
    )
    gagged(order, until=at - timedelta(days=1), at=at - timedelta(days=15))
    disclosed(
        line,
        [north, made["SecureTrack"].lbs_provider.uri],
        at=at - timedelta(days=8),
        basis=Basis.EMERGENCY,
        doubtful=True,
        purpose=IDENTITY,
    )
    return World(line, northlink, geobridge, made["RoadAid"], made["SecureTrack"])
