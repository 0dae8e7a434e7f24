"""Stories of one line: what happens to it, as rows of the database and as the oracle's plain lists."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import strategies as st

from accounts.models import Line, LineNumber
from accounts.primitives.sealing import number_hash
from audit.queries import database_clock
from consent.gate import deciding
from consent.gate.shapes import Question
from consent.models import InvalidatedApproval, LineGate
from consent.queries import permission
from partners.models import Campaign, IdentifierLink, JurisdictionRule, Reach, Suspension
from tests.consent import oracle
from tests.factories import (
    ADS,
    FAR_OFF,
    FRAUD,
    LONG_AGO,
    NOW,
    READ,
    ROADSIDE,
    a_campaign,
    a_contract,
    a_ledger_row,
    a_line,
    a_party,
    an_approval,
)

START = NOW - timedelta(days=40)
CAMPAIGNS = ("CMP-A", "CMP-B", "CMP-C", "CMP-D")
BAIL, JAIL, NOBODY = "https://bailnow.example", "https://jail.example", "https://newname.example"
# Behind the campaign that names its recipients, by a file that came when the campaign counted already.
LATE = "https://late.example"
PARTIES = (
    *(f"https://{name}.example" for name in ("geobridge", "northlink", "roadaid", "adreach", "securetrack")),
    BAIL, JAIL, NOBODY, LATE,
)  # fmt: skip
# Who a request may name: nobody, some behind it, one that we know from elsewhere, one that we don't, the word for that.
RECIPIENTS = ("", BAIL, JAIL, LATE, "https://adreach.example", "https://securetrack.example", NOBODY, "unknown")
NUMBER, NEW_NUMBER = "+12065550170", "+12065550171"
PURPOSES = (ROADSIDE, ADS, FRAUD, "dpv:Older")


SUSPENDED = {
    "party": {"https://roadaid.example"},
    "recipient": {BAIL},
    "campaign": {"CMP-A"},
    "contract": {"CMP-A", "CMP-B"},
}


@dataclass(frozen=True)
class Event:
    """One thing that happens to a line, `day` days after the start."""

    kind: str
    day: int
    scope: str
    which: int
    lasts: int | None
    person: bool


@dataclass(frozen=True)
class Plan:
    events: tuple[Event, ...]
    state: str
    contract_ends: int | None
    kin: tuple[tuple[str, int, int], ...]
    number_change: int | None
    suspended: str
    deactivated: int | None
    # From and until which day: the suspension, a rule of the state WA, the campaign CMP-A and its contract's beginning.
    suspension: tuple[int, int | None] = (10, 60)
    rule: tuple[int, int | None] | None = None
    # Within which radius it prohibits, and whether a sale is one for money alone.
    within_m: int | None = None
    money_alone: bool = False
    term: tuple[int, int] | None = None
    contract_starts: int | None = None


events = st.builds(
    Event,
    kind=st.sampled_from(
        ["stop", "stop", "ours", "pause", "allow", "allow", "approval", "approval", "claim", "another's"]
    ),
    day=st.integers(0, 30), scope=st.sampled_from(["all", "party", "purpose", "campaign"]), which=st.integers(0, 8),
    lasts=st.one_of(st.none(), st.integers(1, 60)), person=st.booleans(),
)  # fmt: skip
plans = st.builds(
    Plan, events=st.lists(events, max_size=9).map(lambda found: tuple(sorted(found, key=lambda event: event.day))),
    state=st.sampled_from(["WA", "WA", "MD"]), contract_ends=st.one_of(st.none(), st.none(), st.integers(5, 45)),
    kin=st.lists(
        st.tuples(st.sampled_from(["party", "purpose", "campaign"]), st.integers(0, 8), st.integers(0, 8)), max_size=2
    ).map(tuple),
    number_change=st.one_of(st.none(), st.none(), st.integers(1, 40)),
    suspended=st.sampled_from(["", "", "", "party", "recipient", "campaign", "contract"]),
    deactivated=st.one_of(st.none(), st.none(), st.none(), st.integers(20, 45)),
    suspension=st.tuples(st.integers(1, 40), st.one_of(st.none(), st.integers(41, 60))),
    rule=st.one_of(st.none(), st.tuples(st.integers(1, 40), st.one_of(st.none(), st.integers(41, 60)))),
    within_m=st.sampled_from([None, 99, 100, 534, 999, 1000]), money_alone=st.booleans(),
    term=st.one_of(st.none(), st.tuples(st.integers(1, 40), st.integers(41, 60))),
    contract_starts=st.one_of(st.none(), st.integers(1, 4)),
)  # fmt: skip


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def ref(scope: str, which: int) -> str:
    names = {"all": ("",), "party": PARTIES, "purpose": PURPOSES, "campaign": CAMPAIGNS}[scope]
    return names[which % len(names)]


def build(plan: Plan) -> tuple[Line, oracle.World]:
    geobridge, northlink = a_party("GeoBridge"), a_party("NorthLink")
    starts = day(plan.contract_starts) if plan.contract_starts else LONG_AGO
    ends = day(plan.contract_ends) if plan.contract_ends else FAR_OFF
    since, until = map(day, plan.term) if plan.term else (LONG_AGO, FAR_OFF)
    first = a_contract(geobridge, ref="AGR-1", starts_at=starts, ends_at=ends)
    second = a_contract(northlink, ref="AGR-2")
    roadaid, adreach = a_party("RoadAid", "lbs_provider"), a_party("AdReach", "lbs_provider")
    own = a_campaign(first, roadaid, ref="CMP-A", purpose=ROADSIDE, precision_m=500, starts_at=since, ends_at=until)
    sold = a_campaign(first, adreach, ref="CMP-B", purpose=ADS, precision_m=100)
    a_campaign(second, roadaid, ref="CMP-C", purpose=FRAUD, precision_m=1000, consideration="monetary", ends_at=day(38))
    named = a_campaign(
        second, a_party("SecureTrack", "lbs_provider"), ref="CMP-D", purpose=ROADSIDE, precision_m=200,
        names_recipient=True, consideration="other",
    )  # fmt: skip
    bail, jail = a_party("BailNow", "end_customer"), a_party("Jail", "end_customer")
    for campaign, party in ((sold, bail), (named, bail), (named, jail)):
        Reach.objects.create(campaign=campaign, party=party)
    Reach.objects.create(campaign=named, party=a_party("Late", "end_customer"), told_apart=False)
    line = a_line(msisdn=NUMBER, state=plan.state, deactivated_at=day(plan.deactivated) if plan.deactivated else None)
    world = oracle.World(
        active_from=LONG_AGO,
        active_until=line.deactivated_at,
        states=[(LONG_AGO, plan.state)],
        rules=[oracle.Rule("MD", datetime.fromisoformat("2025-10-01T00:00:00Z"))],
        campaigns={
            "CMP-A": oracle.Campaign(
                "CMP-A", geobridge.uri, roadaid.uri, ROADSIDE, READ, 500, since, until, starts, ends
            ),
            "CMP-B": oracle.Campaign(
                "CMP-B", geobridge.uri, adreach.uri, ADS, READ, 100, LONG_AGO, FAR_OFF, starts, ends, reach=(BAIL,)
            ),
            "CMP-C": oracle.Campaign(
                "CMP-C", northlink.uri, roadaid.uri, FRAUD, READ, 1000, LONG_AGO, day(38), LONG_AGO, FAR_OFF,
                paid="monetary",
            ),
            "CMP-D": oracle.Campaign(
                "CMP-D", northlink.uri, PARTIES[4], ROADSIDE, READ, 200, LONG_AGO, FAR_OFF, LONG_AGO, FAR_OFF,
                reach=(BAIL, JAIL, LATE), told_apart=(BAIL, JAIL), names_recipient=True, paid="other",
            ),
        },
    )  # fmt: skip
    _link(plan, world)
    _change_number(plan, line, world)
    targets = {"party": roadaid.pk, "recipient": bail.pk, "campaign": own.pk, "contract": first.pk}
    _suspend(plan, world, targets)
    _rule(plan, world)
    for event in plan.events:
        _happen(event, line, world)
    return line, world


def _suspend(plan: Plan, world: oracle.World, targets: Mapping[str, int]) -> None:
    if plan.suspended:
        since, until = _from_until(plan.suspension)
        Suspension.objects.create(
            of="party" if plan.suspended == "recipient" else plan.suspended, target_id=targets[plan.suspended],
            starts_at=since, ends_at=until, reason="test", actor="officer:1",
        )  # fmt: skip
        world.suspensions += [oracle.Suspension(one, since, until) for one in SUSPENDED[plan.suspended]]


def _rule(plan: Plan, world: oracle.World) -> None:
    if plan.rule is not None:
        since, until = _from_until(plan.rule)
        JurisdictionRule.objects.create(
            state="WA", starts_at=since, ends_at=until, purposes=sorted(oracle.PROHIBITED), source="a law",
            max_radius_m=plan.within_m, consideration="monetary" if plan.money_alone else "",
        )  # fmt: skip
        world.rules.append(oracle.Rule("WA", since, until, plan.within_m, plan.money_alone))


def _from_until(days: tuple[int, int | None]) -> tuple[datetime, datetime | None]:
    since, until = days
    return day(since), None if until is None else day(until)


def moments(world: oracle.World) -> list[datetime]:
    """Whenever something begins or ends in a story, the first of them first."""
    found = {world.active_from, world.active_until, *world.number_changes}
    found |= {moment for one in world.denials for moment in (one.at, one.until)}
    found |= {moment for one in world.yeses for moment in (one.at, one.ends)} | {at for _, at in world.claims}
    found |= {moment for suspended in world.suspensions for moment in (suspended.since, suspended.until)}
    found |= {moment for rule in world.rules for moment in (rule.since, rule.until)}
    for campaign in world.campaigns.values():
        found |= {campaign.starts, campaign.ends, campaign.contract_starts, campaign.contract_ends}
    return sorted(moment for moment in found if moment is not None)


def _link(plan: Plan, world: oracle.World) -> None:
    for of, a, b in plan.kin:
        one, other = ref(of, a), ref(of, b)
        if one != other and (of, one, other) not in world.links:
            IdentifierLink.objects.create(of=of, ref=one, kin_ref=other, link="succeeds", recorded_at=LONG_AGO)
            world.links.append((of, one, other))


def _change_number(plan: Plan, line: Line, world: oracle.World) -> None:
    if plan.number_change is None:
        return
    at = day(plan.number_change)
    old = line.numbers.get()
    old.ends_at = at
    old.save()
    LineNumber.objects.create(line=line, msisdn_hash=number_hash(NEW_NUMBER), msisdn_sealed=b"x", starts_at=at)
    line.number_changed_at = at
    line.save()
    world.number_changes.append(at)


def _happen(event: Event, line: Line, world: oracle.World) -> None:
    at = day(event.day)
    newest = LineGate.objects.values_list("newest_at", flat=True).get(pk=line.pk)
    ours = event.kind == "ours"
    if (event.person or ours) and newest is not None and newest >= at:
        at = newest + timedelta(microseconds=1)
    until = at + timedelta(days=event.lasts) if event.lasts else None
    campaign = CAMPAIGNS[event.which % 4]
    origin = "person" if event.person else "file"
    match event.kind:
        case "stop":
            named = ref(event.scope, event.which)
            a_ledger_row(line, "stop", scope=event.scope, ref=named, at=at, origin=origin)
            world.denials.append(oracle.Denial(event.scope, named, at, None, event.person))
        case "ours":
            # A stop of ours counts as one of the person's: only their own newer yes outlasts it.
            named = ref("party", event.which)
            a_ledger_row(line, "stop", scope="party", ref=named, at=at, origin="system")
            world.denials.append(oracle.Denial("party", named, at, None, person=True))
        case "pause":
            named, until = ref(event.scope, event.which), until or at + timedelta(days=5)
            a_ledger_row(line, "pause", scope=event.scope, ref=named, at=at, until=until, origin=origin)
            world.denials.append(oracle.Denial(event.scope, named, at, until, event.person))
        case "allow":
            a_ledger_row(line, "allow", scope="campaign", ref=campaign, at=at, until=until, origin=origin)
            world.yeses.append(oracle.Yes(campaign, at, until, event.person))
        case "another's":
            # A yes that came by a number that was no longer the line's: it is in the ledger, and nothing follows.
            _set_aside(line, campaign, day(event.day), until, event)
        case _:
            by = "carrier" if event.kind == "approval" else "partner"
            an_approval(line, Campaign.objects.get(ref=campaign), at=day(event.day), expires_at=until, verified_by=by)
            if by == "carrier":
                world.yeses.append(oracle.Yes(campaign, day(event.day), until, person=False))
            else:
                world.claims.append((campaign, day(event.day)))


def _set_aside(line: Line, campaign: str, at: datetime, until: datetime | None, event: Event) -> None:
    yes_id = (
        a_ledger_row(line, "allow", scope="campaign", ref=campaign, at=at, until=until, origin="file").id
        if event.person
        else an_approval(
            line, Campaign.objects.get(ref=campaign), at=at, expires_at=until,
            verified_by="partner" if event.scope == "all" else "carrier",
        ).id
    )  # fmt: skip
    InvalidatedApproval.objects.create(line_id=line.pk, yes_id=yes_id, campaign=campaign, recorded_at=database_clock())


def requests(world: oracle.World) -> list[oracle.Request]:
    asked = []
    for one in world.campaigns.values():
        own = oracle.Request(one.ref, one.aggregator, one.provider, one.purpose, one.scope, 5000)
        asked += [
            *(replace(own, recipient=recipient) for recipient in RECIPIENTS),
            *(replace(own, precision_m=radius) for radius in (None, 100, 1000)),
            replace(own, purpose="dpv:Older"),
            replace(own, campaign="CMP-none"),
            replace(own, campaign="CMP-none", recipient=JAIL),
        ]
    return asked


def question(request: oracle.Request, **line: str) -> Question:
    return Question(
        aggregator=request.aggregator, provider=request.provider, campaign=request.campaign, purpose=request.purpose,
        scope=request.scope, precision_m=request.precision_m, recipient=request.recipient, **line,
    )  # fmt: skip


def by_gate(*questions: Question) -> list[str]:
    return [answer.reason or "permitted" for answer in deciding.evaluate(questions=questions)]


def numbers_of(plan: Plan) -> tuple[str, str]:
    """The line's number, and one that is not, or no longer, its own."""
    return (NEW_NUMBER, NUMBER) if plan.number_change is not None else (NUMBER, NEW_NUMBER)


def by_ledger(
    line: Line, world: oracle.World, asked: list[oracle.Request], at: datetime, known_at: datetime
) -> list[str]:
    return permission.answers_at(
        asked=[
            permission.PermissionQuestion(
                line.pk, one.campaign, oracle.parties(world, one), one.purpose, one.scope, one.precision_m, at, known_at
            )
            for one in asked
        ]
    )
