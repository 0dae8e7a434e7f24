"""Three readings of one rule agree: the gate's row, the ledger's SQL, and the oracle's plain lists."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.models import Line, LineNumber
from accounts.sealing import number_hash
from audit.queries import database_clock
from consent import gate, permission, snapshots
from consent.models import LineGate, SetAside
from partners.models import Campaign, Kin, Reach, Suspension
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
from tests.properties import stories

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


events = st.builds(
    Event,
    kind=st.sampled_from(
        ["stop", "stop", "ours", "pause", "allow", "allow", "approval", "approval", "claim", "another's"]
    ),
    day=st.integers(0, 30),
    scope=st.sampled_from(["all", "party", "purpose", "campaign"]),
    which=st.integers(0, 8),
    lasts=st.one_of(st.none(), st.integers(1, 60)),
    person=st.booleans(),
)
plans = st.builds(
    Plan,
    events=st.lists(events, max_size=9).map(lambda found: tuple(sorted(found, key=lambda event: event.day))),
    state=st.sampled_from(["WA", "WA", "MD"]),
    contract_ends=st.one_of(st.none(), st.none(), st.integers(5, 35)),
    kin=st.lists(
        st.tuples(st.sampled_from(["party", "purpose", "campaign"]), st.integers(0, 8), st.integers(0, 8)), max_size=2
    ).map(tuple),
    number_change=st.one_of(st.none(), st.none(), st.integers(1, 30)),
    suspended=st.sampled_from(["", "", "", "party", "recipient", "campaign", "contract"]),
    deactivated=st.one_of(st.none(), st.none(), st.none(), st.integers(20, 35)),
)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def ref(scope: str, which: int) -> str:
    names = {"all": ("",), "party": PARTIES, "purpose": PURPOSES, "campaign": CAMPAIGNS}[scope]
    return names[which % len(names)]


@contextmanager
def undone() -> Iterator[None]:
    """A stretch of the test's transaction that leaves nothing behind."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def build(plan: Plan) -> tuple[Line, oracle.World]:
    geobridge, northlink = a_party("GeoBridge"), a_party("NorthLink")
    ends = day(plan.contract_ends) if plan.contract_ends else FAR_OFF
    first, second = a_contract(geobridge, ref="AGR-1", ends_at=ends), a_contract(northlink, ref="AGR-2")
    roadaid, adreach = a_party("RoadAid", "lbs_provider"), a_party("AdReach", "lbs_provider")
    a_campaign(first, roadaid, ref="CMP-A", purpose=ROADSIDE, precision_m=500)
    sold = a_campaign(first, adreach, ref="CMP-B", purpose=ADS, precision_m=100)
    a_campaign(second, roadaid, ref="CMP-C", purpose=FRAUD, precision_m=1000, consideration="monetary", ends_at=day(38))
    named = a_campaign(
        second, a_party("SecureTrack", "lbs_provider"), ref="CMP-D", purpose=ROADSIDE, precision_m=200,
        names_recipient=True,
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
                "CMP-A", geobridge.uri, roadaid.uri, ROADSIDE, READ, 500, LONG_AGO, FAR_OFF, LONG_AGO, ends
            ),
            "CMP-B": oracle.Campaign(
                "CMP-B", geobridge.uri, adreach.uri, ADS, READ, 100, LONG_AGO, FAR_OFF, LONG_AGO, ends, reach=(BAIL,)
            ),
            "CMP-C": oracle.Campaign(
                "CMP-C", northlink.uri, roadaid.uri, FRAUD, READ, 1000, LONG_AGO, day(38), LONG_AGO, FAR_OFF, sale=True
            ),
            "CMP-D": oracle.Campaign(
                "CMP-D", northlink.uri, PARTIES[4], ROADSIDE, READ, 200, LONG_AGO, FAR_OFF, LONG_AGO, FAR_OFF,
                reach=(BAIL, JAIL, LATE), told_apart=(BAIL, JAIL), names_recipient=True,
            ),
        },
    )  # fmt: skip
    _link(plan, world)
    _change_number(plan, line, world)
    if plan.suspended:
        targets = {
            "party": roadaid.pk,
            "recipient": bail.pk,
            "campaign": Campaign.objects.get(ref="CMP-A").pk,
            "contract": first.pk,
        }
        Suspension.objects.create(
            of="party" if plan.suspended == "recipient" else plan.suspended, target_id=targets[plan.suspended],
            starts_at=day(10), ends_at=day(60), reason="test", actor="officer:1",
        )  # fmt: skip
        world.suspensions += [oracle.Suspension(ref, day(10), day(60)) for ref in SUSPENDED[plan.suspended]]
    for event in plan.events:
        _happen(event, line, world)
    return line, world


def _link(plan: Plan, world: oracle.World) -> None:
    for of, a, b in plan.kin:
        one, other = ref(of, a), ref(of, b)
        if one != other and (of, one, other) not in world.links:
            Kin.objects.create(of=of, ref=one, kin_ref=other, link="succeeds", recorded_at=LONG_AGO)
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
    SetAside.objects.create(line_id=line.pk, yes_id=yes_id, campaign=campaign, recorded_at=database_clock())


def requests(world: oracle.World) -> list[oracle.Request]:
    asked = []
    for one in world.campaigns.values():
        own = oracle.Request(one.ref, one.aggregator, one.provider, one.purpose, one.scope, 5000)
        asked += [
            *(replace(own, recipient=recipient) for recipient in RECIPIENTS),
            replace(own, precision_m=None),
            replace(own, purpose="dpv:Older"),
            replace(own, campaign="CMP-none"),
            replace(own, campaign="CMP-none", recipient=JAIL),
        ]
    return asked


def question(request: oracle.Request, **line: str) -> gate.Question:
    return gate.Question(
        aggregator=request.aggregator,
        provider=request.provider,
        campaign=request.campaign,
        purpose=request.purpose,
        scope=request.scope,
        precision_m=request.precision_m,
        recipient=request.recipient,
        **line,
    )


def by_gate(*questions: gate.Question) -> list[str]:
    return [answer.reason or "permitted" for answer in gate.evaluate(questions=questions)]


def numbers_of(plan: Plan) -> tuple[str, str]:
    """The line's number, and one that is not, or no longer, its own."""
    return (NEW_NUMBER, NUMBER) if plan.number_change is not None else (NUMBER, NEW_NUMBER)


def by_ledger(
    line: Line, world: oracle.World, asked: list[oracle.Request], at: datetime, known_at: datetime
) -> list[str]:
    return permission.answers_at(
        asked=[
            permission.Asked(
                line.pk, one.campaign, oracle.parties(world, one), one.purpose, one.scope, one.precision_m, at, known_at
            )
            for one in asked
        ]
    )


@pytest.mark.django_db
@stories(120)
@given(plan=plans)
@example(
    plan=Plan(
        events=(
            Event("approval", 1, "campaign", 0, None, person=False),
            Event("stop", 2, "all", 0, None, person=True),
            Event("approval", 3, "campaign", 0, None, person=False),
        ),
        state="WA", contract_ends=None, kin=(), number_change=None, suspended="", deactivated=None,
    )
)  # fmt: skip
def test_gate_ledger_and_oracle_agree(plan: Plan) -> None:
    with undone():
        line, world = build(plan)
        now = database_clock()
        asked = requests(world)
        expected = [oracle.answer(world, one, now) for one in asked]
        assert by_ledger(line, world, asked, now, now) == expected
        named = {"line": line.carrier_id}
        assert [by_gate(question(one, **named))[0] for one in asked] == expected
        own, other = numbers_of(plan)
        assert [by_gate(question(one, msisdn=own))[0] for one in asked[:: len(asked) // 8]] == (
            expected[:: len(asked) // 8]
        )
        # The statement for many: by each of the line's names, and by a number that says nothing of it now.
        many = [question(one, **how) for one in asked for how in (named, {"msisdn": own}, {"msisdn": other})]
        assert by_gate(*many) == [reason for one in expected for reason in (one, one, "line_unknown")]
        assert {by_gate(question(one, msisdn=other))[0] for one in asked[:2]} == {"line_unknown"}


@pytest.mark.django_db
def test_a_stop_on_one_recipient_leaves_another_of_the_campaign_and_nobody_from_elsewhere() -> None:
    events = (Event("allow", 1, "campaign", 3, None, person=True), Event("stop", 2, "party", 5, None, person=True))
    with undone():
        line, world = build(Plan(events, "WA", None, (), None, "", None))
        now = database_clock()
        asked = [
            one for one in requests(world) if one.campaign == "CMP-D" and one.precision_m and one.purpose == ROADSIDE
        ]
        expected = {
            "": "stopped_party",
            BAIL: "stopped_party",
            JAIL: "permitted",
            LATE: "stopped_party",
            "https://adreach.example": "stopped_party",
            "https://securetrack.example": "permitted",
            NOBODY: "stopped_party",
            "unknown": "stopped_party",
        }
        for reading in (
            [oracle.answer(world, one, now) for one in asked],
            by_ledger(line, world, asked, now, now),
            [by_gate(question(one, line=line.carrier_id))[0] for one in asked],
        ):
            assert dict(zip([one.recipient for one in asked], reading, strict=True)) == expected


@pytest.mark.django_db
@stories(60)
@given(plan=plans)
def test_what_a_partner_is_told_of_named_recipients_is_what_the_gate_says(plan: Plan) -> None:
    with undone():
        line, world = build(plan)
        now = database_clock()
        named = Campaign.objects.get(ref="CMP-D")
        told = snapshots.states(line_id=line.pk, contract_ids=[named.contract_id])[named.contract_id]
        excepted = [entry.get("except", []) for entry in told if entry["recipient"] == PARTIES[4]]
        own = world.campaigns["CMP-D"]
        as_agreed = oracle.Request("CMP-D", own.aggregator, own.provider, own.purpose, own.scope, 5000, own.provider)
        behind = oracle.kin(world, "party", own.reach) - oracle.kin(world, "party", [own.aggregator, own.provider])
        denied = {one for one in behind if oracle.answer(world, replace(as_agreed, recipient=one), now) != "permitted"}
        allowed = oracle.answer(world, as_agreed, now) == "permitted"
        assert excepted == ([sorted(denied)] if allowed else [])


@pytest.mark.django_db
@stories(80)
@given(plan=plans, moment=st.integers(0, 40))
def test_the_past_is_judged_alike(plan: Plan, moment: int) -> None:
    with undone():
        line, world = build(plan)
        at = day(moment)
        asked = requests(world)
        expected = [oracle.answer(world, one, at) for one in asked]
        assert by_ledger(line, world, asked, at, database_clock()) == expected


@pytest.mark.django_db
@stories(60)
@given(plan=plans)
def test_replaying_the_ledger_gives_the_same_gate_row(plan: Plan) -> None:
    with undone():
        line, _ = build(plan)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT to_jsonb(g) = to_jsonb(consent_replayed_gate(g.line_id))"
                " FROM consent_linegate g WHERE line_id = %s",
                [line.pk],
            )
            assert cursor.fetchone() == (True,)
