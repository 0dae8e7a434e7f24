"""What every story begins with: two aggregators, their agreements and uses, and two people who agreed to some."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from unittest import mock

from django.core.cache import cache
from django.test import Client as Http
from django.test import override_settings

from accounts.clients.texts import MemoryBackend
from accounts.models import Line
from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.actions.terms import RuleTerms, add_rule
from partners.models import Client, Contract, Party
from tests import feeds
from tests.clocks import Clock, standing_still
from tests.consent import oracle
from tests.factories import ADS, FRAUD, READ, ROADSIDE
from tests.machine.aggregators import Aggregator
from tests.machine.facts import Facts, FileRow, Release, Tenure
from tests.partners.fixtures import serving
from tests.partners.outside import Asked, Outside, Signer
from tests.properties import undone
from tests.staff import an_actor

# After the day on which anybody will run this: what compares with the machine's own clock must not be over by then.
BEGINNING = datetime(2051, 9, 28, 12, tzinfo=UTC)
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
FAR_OFF = datetime(2094, 1, 1, tzinfo=UTC)
ACTIVATED = datetime(2050, 1, 1, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MOMENT = timedelta(microseconds=1)

AGGREGATORS = {"GeoBridge": "https://geobridge.example", "NorthLink": "https://northlink.example"}
SERVICES = {
    "RoadAid": "https://roadaid.example",
    "AdReach": "https://adreach.example",
    "SecureTrack": "https://securetrack.example",
}
CUSTOMERS = {"BailNow": "https://bailnow.example", "Jail": "https://jail.example", "Late": "https://late.example"}
COMPANIES = {**AGGREGATORS, **SERVICES, **CUSTOMERS}
NAME_OF = {uri: name for name, uri in COMPANIES.items()}
# Nobody knows these until they turn up.
NOBODY = "https://newname.example"
PARTIES = (*COMPANIES.values(), NOBODY)
PURPOSES = (ROADSIDE, ADS, FRAUD, "dpv:Older")
NUMBERS = tuple(f"+1206555020{n}" for n in range(1, 7))
STATES = {"WA": "Washington", "MD": "Maryland", "NJ": "New Jersey"}


@dataclass(frozen=True)
class Use:
    """A campaign as the parties file has it."""

    contract: str
    service: str
    purpose: str
    precision_m: int
    starts: datetime = LONG_AGO
    ends: datetime = FAR_OFF
    paid: str = ""
    recipients: tuple[str, ...] = ()
    names_recipient: bool = False
    succeeds: str = ""


AGREEMENTS = {
    "AGR-1": ("GeoBridge", LONG_AGO, FAR_OFF),
    "AGR-2": ("NorthLink", LONG_AGO, BEGINNING + 60 * DAY),
    # Another agreement with the same aggregator, in force in some days.
    "AGR-3": ("NorthLink", BEGINNING + 3 * DAY, FAR_OFF),
}
USES = {
    "CMP-A": Use("AGR-1", "RoadAid", ROADSIDE, 500),
    "CMP-B": Use("AGR-1", "AdReach", ADS, 100, recipients=("BailNow",)),
    "CMP-C": Use("AGR-2", "RoadAid", FRAUD, 1000, ends=BEGINNING + 38 * DAY, paid="monetary"),
    "CMP-D": Use("AGR-2", "SecureTrack", ROADSIDE, 200, recipients=("BailNow", "Jail"), names_recipient=True),
    "CMP-E": Use("AGR-3", "AdReach", FRAUD, 500),
}
# It comes by a file while the story runs.
LATER_USES = {"CMP-F": Use("AGR-2", "RoadAid", FRAUD, 1000, succeeds="CMP-C")}
CAMPAIGNS = ("CMP-A", "CMP-D", "CMP-C", "CMP-B", "CMP-E", "CMP-F")
# It begins while the story runs.
NEW_JERSEY = datetime(2051, 10, 1, tzinfo=UTC)
RULES = [
    oracle.Rule("MD", datetime(2025, 10, 1, tzinfo=UTC)),
    oracle.Rule("OR", datetime(2026, 1, 1, tzinfo=UTC)),
    oracle.Rule("VA", datetime(2026, 7, 1, tzinfo=UTC)),
    oracle.Rule("NJ", NEW_JERSEY),
]


@dataclass
class Carrier:
    """Everybody in the story, and the two things that the story moves by itself: the clock and the facts."""

    clock: Clock
    outside: Outside
    facts: Facts
    aggregators: dict[str, Aggregator]
    companies: dict[str, Signer]
    officers: tuple[str, str]
    gateway: str
    http: Http
    contract_refs: dict[int, str] = field(default_factory=dict)
    sent_rows: list[feeds.Row] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.clock.now

    def hear(self, asked: Asked) -> None:
        for one in self.aggregators.values():
            if one.path == asked.path:
                one.hear(asked, self.outside)

    @contextmanager
    def beginning(self) -> Iterator["Carrier"]:
        """The same once more for one story: what happens in it is forgotten."""
        facts, sent = self.facts, self.sent_rows
        self.clock.move_to(BEGINNING)
        self.facts, self.sent_rows = copy.deepcopy(facts), list(sent)
        for one in self.aggregators.values():
            one.begin_anew()
        cache.clear()
        MemoryBackend.outbox.clear()
        try:
            with undone():
                yield self
        finally:
            self.facts, self.sent_rows = facts, sent
            self.outside.asked.clear()
            self.outside.answers.clear()


@contextmanager
def a_world() -> Iterator[Carrier]:
    """A carrier with everybody around it, for any number of stories; nothing of it remains afterwards."""
    quick = override_settings(
        SMS_BACKEND="accounts.clients.texts.MemoryBackend", ANSWER_SECONDS=0.0, ACCOUNT_RATE_LIMITS=False,
        DOOR_OUT_LOOPBACK=True,
    )  # fmt: skip
    nobody_nudges = mock.patch("revocations.tasks.deliver.delay", return_value=None)
    with serving() as outside, standing_still(BEGINNING) as clock, undone(), quick, nobody_nudges:
        yield a_carrier(clock, outside)


def campaign_of(ref: str, use: Use) -> oracle.Campaign:
    aggregator, starts, ends = AGREEMENTS[use.contract]
    reach = tuple(COMPANIES[name] for name in use.recipients)
    return oracle.Campaign(
        ref, AGGREGATORS[aggregator], SERVICES[use.service], use.purpose, READ, use.precision_m, use.starts, use.ends,
        starts, ends, paid=use.paid, reach=reach, told_apart=reach, names_recipient=use.names_recipient,
    )  # fmt: skip


def a_carrier(clock: Clock, outside: Outside) -> Carrier:
    """Make it all, through the carrier's own files."""
    facts = Facts(
        {ref: campaign_of(ref, use) for ref, use in USES.items()},
        {ref: use.contract for ref, use in {**USES, **LATER_USES}.items()},
        RULES,
    )
    feeds.take_parties(document(outside))
    officers = an_actor(), an_actor()
    add_rule(
        terms=RuleTerms(
            state="NJ", starts_at=NEW_JERSEY, purposes=tuple(sorted(oracle.PROHIBITED)), sale_test=True, source="a law"
        ),
        reason="why",
        actor=officers[0],
        at=clock.now,
    )
    companies = {uri: _signer(name, uri, outside) for name, uri in {**SERVICES, **CUSTOMERS}.items()}
    aggregators = {name: _aggregator(name, outside) for name in AGGREGATORS}
    http = Http()
    carrier = Carrier(
        clock, outside, facts, aggregators, companies, officers, _gateway(), http,
    )  # fmt: skip
    carrier.contract_refs = dict(Contract.objects.values_list("pk", "ref"))
    outside.on_post = carrier.hear
    for n, name in enumerate(("Ana", "Ben")):
        add_line(carrier, a_tenure(name, NUMBERS[n], since=ACTIVATED))
        for ref in ("CMP-A", "CMP-B", "CMP-C", "CMP-D"):
            agreed_at = ACTIVATED + DAY
            add_row(carrier, FileRow(f"{name}-{ref}", "approval", NUMBERS[n], agreed_at, "campaign", ref, None))
    for ref, further in (("CMP-A", ()), ("CMP-D", (CUSTOMERS["BailNow"],))):
        own = facts.campaigns[ref]
        path = own.aggregator, own.provider, *further
        release = Release(f"before-{ref}", NUMBERS[0], BEGINNING - DAY, ref, path, own.purpose, READ, own.precision_m)
        add_release(carrier, release)
    return carrier


def a_tenure(name: str, number: str, *, since: datetime, continues: Tenure | None = None) -> Tenure:
    """A line to begin with; of the same person where it continues another."""
    account, holder = (continues.account, continues.holder) if continues else (f"A-{name}", name)
    return Tenure(name, f"L-{name}", account, holder, since, [(since, number)], [(since, "WA")], continues=continues)


def document(outside: Outside, uses: dict[str, Use] | None = None) -> dict[str, list[feeds.Row]]:
    """The parties file with these uses, by default those that are there from the start."""
    kinds = [(AGGREGATORS, "aggregator"), (SERVICES, "lbs_provider"), (CUSTOMERS, "end_customer")]
    return {
        "parties": [
            {"id": uri, "name": name, "kind": kind, "website": uri, "about": ""}
            for parties, kind in kinds for name, uri in parties.items()
        ],
        "contracts": [
            {
                "id": ref, "aggregator": AGGREGATORS[aggregator], "signed_at": LONG_AGO.isoformat(),
                "starts_at": starts.isoformat(), "ends_at": ends.isoformat(), "purposes": [ROADSIDE, ADS, FRAUD],
                "ack_within_s": 900, "complete_within_days": 10,
                "endpoint_url": f"{outside.url}/{aggregator.lower()}/events",
                "jwks_uri": f"{outside.url}/{aggregator.lower()}/jwks.json",
            } for ref, (aggregator, starts, ends) in AGREEMENTS.items()
        ],
        "campaigns": [
            {
                "id": ref, "contract": use.contract, "lbs_provider": SERVICES[use.service], "purpose": use.purpose,
                "description": "Finds you when you call", "consent_flow": "sms", "scope": READ,
                "precision_m": use.precision_m, "starts_at": use.starts.isoformat(), "ends_at": use.ends.isoformat(),
                "recipients": [COMPANIES[name] for name in use.recipients], "names_recipient": use.names_recipient,
                "consideration": use.paid or "none",
                **({"succeeds": [use.succeeds]} if use.succeeds else {}),
            } for ref, use in (USES if uses is None else uses).items()
        ],
    }  # fmt: skip


def _signer(name: str, uri: str, outside: Outside) -> Signer:
    path = f"/{name.lower()}/jwks.json"
    Party.objects.filter(uri=uri).update(jwks_uri=f"{outside.url}{path}")
    return Signer(uri, outside, path)


def _aggregator(name: str, outside: Outside) -> Aggregator:
    party = Party.objects.get(uri=AGGREGATORS[name])
    signer = Signer(party.uri, outside, f"/{name.lower()}/jwks.json")
    client = register_client(
        client_id=f"machine-{name}", kind=Client.Kind.AGGREGATOR, public_jwk=dict(Signer("machine").public),
        party=party, actor="system:test", at=BEGINNING,
    )  # fmt: skip
    return Aggregator(name, party, signer, _token(client, "ssf.read", "receipts:write"), Http())


def _gateway() -> str:
    client = register_client(
        client_id="gateway", kind=Client.Kind.GATEWAY, public_jwk=dict(Signer("machine").public), party=None,
        actor="system:test", at=BEGINNING,
    )  # fmt: skip
    return _token(client, "decisions:read", "disclosures:write")


def _token(client: Client, *scopes: str) -> str:
    """Good for as long as any story may last: signing in anew is told of elsewhere."""
    return issue_access_token(client=client, scopes=scopes, lifetime=3650 * DAY, at=BEGINNING).token


# Files


def line_row(tenure: Tenure) -> feeds.Row:
    """What a lines file says of a line now."""
    since, number = tenure.numbers[-1]
    return feeds.line_row(
        line_id=tenure.carrier_id, msisdn=number, account_id=tenure.account, holder_name=tenure.holder,
        state=tenure.states[-1][1], activated_at=tenure.since.isoformat(),
        deactivated_at=tenure.until.isoformat() if tenure.until else None,
        number_changed_at=since.isoformat() if since > tenure.since else None,
        continues_line_id=tenure.continues.carrier_id if tenure.continues else None,
    )  # fmt: skip


def send_line(carrier: Carrier, row: feeds.Row) -> str:
    """The carrier's systems report a line. Returns what became of it."""
    (fate,) = feeds.take_lines(row)
    carrier.sent_rows.append(row)
    carrier.facts.settle()
    return fate.status


def add_line(carrier: Carrier, tenure: Tenure) -> None:
    """A line appears."""
    carrier.facts.begin(tenure)
    assert send_line(carrier, line_row(tenure)) == "accepted"
    tenure.pk = Line.objects.values_list("pk", flat=True).get(carrier_id=tenure.carrier_id)


def send_row(row: FileRow, *, method_or_channel: str = "") -> str:
    """A file brings an approval, a claim or a choice. Returns what became of it."""
    until = row.until.isoformat() if row.until else None
    if row.kind in ("approval", "claim"):
        campaign = {**USES, **LATER_USES}[row.ref]
        (fate,) = feeds.take_approvals(
            feeds.approval_row(
                id=row.id, msisdn=row.number, campaign=row.ref, method=method_or_channel or "sms",
                captured_at=row.at.isoformat(), captured_by=SERVICES[campaign.service], expires_at=until,
                verified_by="carrier" if row.kind == "approval" else "partner",
            )
        )  # fmt: skip
    else:
        (fate,) = feeds.take_choices(
            feeds.choice_row(
                id=row.id, msisdn=row.number, made_at=row.at.isoformat(), kind=row.kind, scope=row.scope,
                ref=row.ref or None, until=until, channel=method_or_channel or "phone",
            )
        )  # fmt: skip
    return fate.reason or fate.status


def add_row(carrier: Carrier, row: FileRow) -> None:
    """A record comes that never came before."""
    carrier.facts.rows.append(row)
    carrier.facts.settle()
    waits = "campaign_unknown" if carrier.facts.holder(row.number, row.at) else "line_unknown"
    assert send_row(row) == ("accepted" if row.tenure is not None else waits)


def send_release(
    carrier: Carrier, release: Release, *, outcome: str = "released", decision_id: str = ""
) -> dict[str, object]:
    """The gateway reports. Returns what it is told of the one line."""
    row = feeds.release_row(
        id=release.id, occurred_at=release.at.isoformat(), msisdn=release.number, aggregator=release.aggregator,
        path=list(release.path), campaign=release.campaign, purpose=release.purpose, scope=release.scope,
        precision_m=release.precision_m, outcome=outcome, decision_id=decision_id or None,
        suppressed_until=release.hidden_until.isoformat() if release.hidden_until else None,
    )  # fmt: skip
    answer = carrier.http.post(
        "/api/v1/disclosures", json.dumps(row), content_type="application/x-ndjson",
        headers={"Authorization": f"Bearer {carrier.gateway}"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.content
    (told,) = answer.json()["results"]
    assert isinstance(told, dict)
    return told


def add_release(carrier: Carrier, release: Release, *, decision_id: str = "") -> dict[str, object]:
    """Somebody received where a line was, by its approval or what is said to be one."""
    told = send_release(carrier, release, decision_id=decision_id)
    carrier.facts.release(release)
    return told


def bring_uses(carrier: Carrier, uses: dict[str, Use]) -> None:
    """A parties file brings more uses."""
    feeds.take_parties({**document(carrier.outside, uses), "contracts": []})
    for ref, use in uses.items():
        starts, ends = carrier.facts.term("contract", use.contract)
        carrier.facts.campaigns[ref] = replace(campaign_of(ref, use), contract_starts=starts, contract_ends=ends)
    links = [("campaign", ref, use.succeeds) for ref, use in uses.items() if use.succeeds]
    carrier.facts.links += links
    carrier.facts.links_told += links
    carrier.facts.settle()
