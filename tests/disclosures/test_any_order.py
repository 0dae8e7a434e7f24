"""The five files in any order, torn or whole, and again; and what officers and courts do among them: the same."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import batched, permutations
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Line
from audit.models import Incident
from audit.queries import database_clock
from consent.models import InvalidatedApproval, LineGate
from disclosures import actions
from disclosures.domain.ingest.projections import enqueue_rejudging_since, enqueue_state_rejudging
from disclosures.models import (
    Anomaly,
    DelayedNotice,
    Disclosure,
    HeldDisclosure,
    HeldNotice,
    JudgementChange,
    ReassignedRelease,
    ShortenedPeriod,
)  # fmt: skip
from disclosures.workers.anomalies.detection import find
from partners.models import Campaign, Dealing, JurisdictionRule, Reach, Suspension
from tests.feeds import (
    BRIDGE,
    JAIL,
    LINK,
    NUMBER,
    ROAD,
    ROADSIDE,
    TRACK,
    Row,
    approval_row,
    choice_row,
    line_row,
    moment,
    parties_document,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
)
from tests.fixtures import empty_database
from tests.selection import NIGHTLY, drawn

EVER = "2190-01-01T00:00:00Z"
ORDERS = 3 if NIGHTLY else 2


@dataclass(frozen=True)
class File:
    """One of the five, as its rows and what takes some of them in."""

    take: Callable[..., object]
    rows: Sequence[Row] = ()

    def take_all(self) -> None:
        self.take(*self.rows)


def world(seed: int) -> dict[str, File]:
    """A few lines whose numbers change hands, and whatever can happen on them. The same for the same seed."""
    dice = random.Random(seed)
    numbers = [f"+120655501{n:02}" for n in range(2)]

    def when(first: int = 1, last: int = 18) -> str:
        month = dice.randint(first, last)
        offset = dice.choice(["Z", "+00:00", "-05:00", "+05:45"])
        return f"{2025 + (month - 1) // 12}-{(month - 1) % 12 + 1:02}-{dice.randint(1, 28):02}T12:00:00{offset}"

    lines: list[Row] = []
    for n, number in enumerate(numbers):
        ended = dice.random() < 0.5
        lines.append(
            line_row(
                line_id=f"A{n}",
                msisdn=number,
                state=dice.choice(["WA", "MD", "VA"]),
                deactivated_at="2025-09-01T00:00:00Z" if ended else None,
            )
        )
        if ended:
            lines.append(
                line_row(line_id=f"B{n}", msisdn=number, activated_at="2025-10-01T00:00:00Z", continues_line_id=f"A{n}")
            )
    lines.append(line_row(line_id="C", msisdn="+12065550190"))
    lines.append(line_row(line_id="C", msisdn="+12065550191", number_changed_at="2025-11-01T00:00:00Z"))
    numbers += ["+12065550190", "+12065550191", "+12065550199"]
    campaigns = [("CMP-road", BRIDGE, ROAD, ROADSIDE), ("CMP-track", LINK, TRACK, "dpv:IdentityVerification")]
    refs = {
        "all": [""],
        "party": [BRIDGE, ROAD, TRACK, JAIL, "https://unheard.example"],
        "purpose": [ROADSIDE, "dpv:IdentityVerification"],
        "campaign": ["CMP-road", "CMP-track"],
    }
    approvals = [
        approval_row(
            id=f"a{seed}-{n}",
            msisdn=dice.choice(numbers),
            campaign=dice.choice(campaigns)[0],
            captured_at=when(),
            verified_by=dice.choice(["carrier", "carrier", "partner"]),
            **({"expires_at": "2025-12-01T00:00:00Z"} if dice.random() < 0.3 else {}),
        )
        for n in range(16)
    ]
    choices: list[Row] = []
    for n in range(12):
        kind = dice.choice(["stop", "stop", "pause", "allow"])
        scope = "campaign" if kind == "allow" else dice.choice(list(refs))
        made_at = when(1, 12)
        until = {"until": "2026-03-01T00:00:00Z"} if kind == "pause" else {}
        choices.append(
            choice_row(
                id=f"c{seed}-{n}", msisdn=dice.choice(numbers), kind=kind, scope=scope, made_at=made_at,
                ref=dice.choice(refs[scope]) or None, **until,
            )
        )  # fmt: skip
    releases: list[Row] = []
    for n in range(60):
        campaign, aggregator, provider, purpose = dice.choice(campaigns)
        tail = dice.choice([[], [], [JAIL], ["unknown"], ["https://unheard.example"]])
        releases.append(
            release_row(
                id=f"r{seed}-{n}", msisdn=dice.choice(numbers), aggregator=aggregator,
                path=[aggregator, provider, *tail],
                campaign=campaign, purpose=purpose, occurred_at=when(), precision_m=dice.choice([500, 500, 1000, 50]),
                basis=dice.choice(["approval"] * 9 + ["emergency"]),
                suppressed_until=dice.choice([None, None, None, None, EVER]),
            )
        )  # fmt: skip
    return {
        "lines": File(take_lines, lines), "parties": File(take_parties), "approvals": File(take_approvals, approvals),
        "choices": File(take_choices, choices), "disclosures": File(take_releases, releases),
    }  # fmt: skip


def what_stands() -> dict[str, list[tuple[object, ...]]]:
    """All that may not depend on the order, by the carrier's ids, anomalies that are found now included."""
    find(at=database_clock())
    gates = LineGate.objects.order_by("line_id").values_list("stops", "pauses", "approvals", "claims")
    return {
        "judged": sorted(Disclosure.objects.values_list("source_id", "judgement")),
        "gates": sorted((repr(gate),) for gate in gates),
        "dealings": sorted(Dealing.objects.values_list("aggregator__uri", "party__uri", "last_at")),
        "doubtful": sorted(Disclosure.objects.filter(basis_doubtful=True).values_list("source_id")),
        # What moved between lines, moved in one order of coming and was in place from the start in another.
        "incidents": sorted(
            Incident.objects.exclude(kind=Incident.Kind.HISTORY_MOVED).values_list("kind", "key", "count")
        ),
        "anomalies": sorted(_anomalies()),
        "reach": sorted(Reach.objects.values_list("campaign__ref", "party__uri")),
        "held": sorted(HeldDisclosure.objects.values_list("id")),
    }


def _anomalies() -> Iterator[tuple[object, ...]]:
    lines = dict(Line.objects.values_list("pk", "carrier_id"))
    found = Anomaly.objects.filter(cleared_at=None)
    for kind, line_id, *rest in found.values_list("kind", "line_id", "party", "period", "first_at", "last_at", "n"):
        yield (kind, lines.get(line_id or 0, ""), *rest)


@pytest.mark.usefixtures("committed_db", "no_broker")
def test_what_a_company_is_may_become_known_late() -> None:
    """An emergency release that ended at a company is doubtful whichever file came first, hidden or not."""
    take_lines(line_row())
    rows = [
        release_row(id="e1", basis="emergency", path=[BRIDGE, TRACK], occurred_at="2025-07-01T01:00:00Z"),
        release_row(id="e2", basis="network", path=[BRIDGE, ROAD, TRACK], occurred_at="2025-07-01T02:00:00Z"),
        release_row(id="e3", basis="emergency", path=[BRIDGE, "https://psap.example"]),
        release_row(id="e4", basis="legal_process", path=[BRIDGE, TRACK]),
        release_row(
            id="h", basis="emergency", path=[BRIDGE, TRACK], occurred_at="2025-07-01T03:00:00Z",
            suppressed_until=EVER,
        ),
    ]  # fmt: skip
    take_releases(*rows)
    assert not Disclosure.objects.filter(basis_doubtful=True).exists()
    take_parties()
    doubtful = Disclosure.objects.filter(basis_doubtful=True).order_by("source_id")
    assert list(doubtful.values_list("source_id", flat=True)) == ["e1", "e2", "h"]
    known = [("basis_doubtful", f"2025-07-01 {ROAD}", 1), ("basis_doubtful", f"2025-07-01 {TRACK}", 2)]
    assert sorted(Incident.objects.values_list("kind", "key", "count")) == known
    take_parties()
    take_releases(*rows)
    assert sorted(Incident.objects.values_list("kind", "key", "count")) == known
    take_notices({"disclosure_id": "h", "suppressed_until": "2025-08-01T00:00:00Z", "order_ref": "over"})
    assert Incident.objects.get(key=f"2025-07-01 {TRACK}").count == 3


@pytest.mark.one_server
def test_a_doubt_is_never_taken_back(db: None) -> None:
    take_parties()
    take_lines(line_row())
    take_releases(release_row(basis="emergency", path=[BRIDGE, TRACK]), release_row())
    with pytest.raises(IntegrityError, match="only the judgement may change"), transaction.atomic():
        Disclosure.objects.filter(basis="emergency").update(basis_doubtful=False)
    with pytest.raises(IntegrityError, match="only the judgement may change"), transaction.atomic():
        Disclosure.objects.filter(basis="approval").update(basis_doubtful=True)


def pieces(seed: int, order: int) -> list[Callable[[], object]]:
    """All five files torn into pieces and shuffled, but for the parties, which are one document, and the pieces of the
    lines, which come in their own order: a line may continue one of an earlier piece."""
    dice = random.Random(f"{seed}.{order}")
    feeds = world(seed)
    torn = {
        name: [list(rows) for rows in batched(feed.rows, dice.randint(1, 9), strict=False)]
        for name, feed in feeds.items()
        if feed.rows
    }
    for name in ("approvals", "choices", "disclosures"):
        dice.shuffle(torn[name])
    turns = [name for name, parts in torn.items() for _ in parts] + ["parties"]
    dice.shuffle(turns)
    left = {name: iter(parts) for name, parts in torn.items()}
    return [partial(feeds[name].take, *(next(left[name]) if name in left else ())) for name in turns]


def judged_now() -> dict[UUID, str]:
    return dict(Disclosure.objects.values_list("id", "judgement"))


def check_changes(before: Mapping[UUID, str], noted: int) -> int:
    """What is judged otherwise than `before` has rows that lead from one to the other. Returns how many there are."""
    changes = list(JudgementChange.objects.order_by("changed_at").values_list("disclosure_id", "was", "becomes"))
    now = judged_now()
    stands = dict(before)
    for disclosure_id, was, becomes in changes[noted:]:
        assert stands.get(disclosure_id, was) == was
        assert was != becomes
        stands[disclosure_id] = becomes
    assert {one: now[one] for one in stands} == stands
    return len(changes)


@pytest.mark.usefixtures("committed_db", "no_broker")
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.nightly)])
def test_pieces_in_any_order_give_the_same_and_record_changes(seed: int) -> None:
    for feed in world(seed).values():
        feed.take_all()
    expected = what_stands()
    assert len({judgement for _, judgement in expected["judged"]}) >= 4, "a world in which little happens proves little"
    empty_database()
    changes = 0
    for order in range(ORDERS):
        before, noted = dict[UUID, str](), 0
        for take in pieces(seed, order):
            take()
            noted = check_changes(before, noted)
            before = judged_now()
        assert what_stands() == expected, order
        for feed in world(seed).values():
            feed.take_all()
        assert (what_stands(), JudgementChange.objects.count()) == (expected, noted), "again: nothing changes"
        changes += noted
        empty_database()
    assert changes >= 3 * ORDERS, "orders in which nothing is judged again prove little"


# When numbers of the world may change hands: a later stop is that of whoever is known to have its number then.
CHANGES = moment("2025-09-01T00:00:00Z")


# What a company did, whoever's number it was: it stays as it was seen, also where a row is nobody's after all.
OF_COMPANIES = ("incidents", "reach")


def pieces_of_torn_lines(seed: int, order: int) -> list[Callable[[], object]]:
    """All rows by themselves, each line open at first, and over or with another number by a later row of the lines.

    Releases, parties and whatever says yes come anywhere among them, and so does what was stopped before any number
    changed hands.
    """
    dice = random.Random(f"{seed}.{order}.torn")
    feeds = world(seed)
    first: list[Row] = []
    later: list[Row] = []
    for row in feeds["lines"].rows:
        if row["deactivated_at"]:
            first.append(row | {"deactivated_at": None})
        begins = not row["deactivated_at"] and not row.get("number_changed_at") and str(row["line_id"])[0] != "B"
        (first if begins else later).append(row)
    lines = [partial(take_lines, row) for row in first + later]
    said = [
        (partial(feeds[name].take, row), row.get("kind", "allow") == "allow" or moment(str(row[at])) < CHANGES)
        for name, at in (("approvals", "captured_at"), ("choices", "made_at"))
        for row in feeds[name].rows
    ]
    anywhere: list[Callable[[], object]] = [take for take, comes_anywhere in said if comes_anywhere]
    anywhere += [partial(take_releases, *rows) for rows in batched(feeds["disclosures"].rows, 5, strict=False)]
    anywhere.append(take_parties)
    turns = [True] * len(lines) + [False] * len(anywhere)
    dice.shuffle(turns)
    dice.shuffle(anywhere)
    of_lines, others = iter(lines), iter(anywhere)
    return [
        *(next(of_lines if one else others) for one in turns),
        *(take for take, comes_anywhere in said if not comes_anywhere),
    ]


def lines_of_everybody_else() -> list[Row]:
    """Whoever had the world's numbers when none of its lines had them."""
    gone, back, changed = CHANGES.isoformat(), "2025-10-01T00:00:00Z", "2025-11-01T00:00:00Z"
    ended = Line.objects.filter(carrier_id__startswith="A", deactivated_at__isnull=False)
    between = [
        line_row(line_id=f"D{n}", msisdn=f"+120655501{n:02}", activated_at=gone, deactivated_at=back)
        for n in range(2)
        if ended.filter(carrier_id=f"A{n}").exists()
    ]
    others = [
        line_row(line_id="E", msisdn="+12065550190", activated_at=changed),
        line_row(line_id="F", msisdn="+12065550191", deactivated_at=changed),
        line_row(line_id="G", msisdn="+12065550199"),
    ]
    return [row | {"account_id": f"A-{row['line_id']}"} for row in between + others]


@pytest.mark.usefixtures("committed_db", "no_broker")
@pytest.mark.parametrize("seed", [0, pytest.param(2, marks=pytest.mark.nightly)])
def test_ends_and_new_numbers_known_late_give_the_same(seed: int) -> None:
    for feed in world(seed).values():
        feed.take_all()
    expected = what_stands()
    take_lines(*lines_of_everybody_else())
    expected_of_all = what_stands()
    assert expected["held"]
    assert not expected_of_all["held"]
    empty_database()
    given = aside = 0
    for order in range(ORDERS):
        for take in pieces_of_torn_lines(seed, order):
            take()
        given += ReassignedRelease.objects.count()
        aside += InvalidatedApproval.objects.count()
        stands = what_stands()
        assert {**stands, **{name: expected[name] for name in OF_COMPANIES}} == expected, order
        assert not ShortenedPeriod.objects.exists()
        take_lines(*lines_of_everybody_else())
        assert what_stands() == expected_of_all, order
        empty_database()
    assert given >= 3 * ORDERS, "orders in which nothing is given back prove little"
    assert aside >= ORDERS, "and orders in which no yes is another's"


SECOND, THIRD, OLD, IDENTITY = "+12065550143", "+12065550144", "https://old.example", "dpv:IdentityVerification"

type Pieces = Mapping[str, Callable[[], object]]


def releases() -> list[Row]:
    """Each number at several times, by two campaigns; one id with two contents, one emergency that ends at a company,
    and one row that an order hides."""
    track: Row = {"aggregator": LINK, "path": [LINK, TRACK], "campaign": "CMP-track", "purpose": IDENTITY}
    rows = [
        release_row(id=f"{number}{n}{road}", msisdn=number, occurred_at=f"2025-{month}-20T00:00:00Z", **terms)
        for number in (NUMBER, SECOND, THIRD)
        for n, month in enumerate(("05", "06", "07", "09", "11"))
        for road, terms in (("road", {}), ("track", track))
    ]
    rows.append(release_row(id="jail", path=[BRIDGE, ROAD, JAIL]))
    rows.append(release_row(id="jail", path=[BRIDGE, ROAD, JAIL], precision_m=900))
    rows.append(release_row(id="emergency", basis="emergency", path=[BRIDGE, TRACK]))
    rows.append(release_row(id="hidden", msisdn=SECOND, suppressed_until=EVER))
    return rows


def files() -> Pieces:
    parties = parties_document()["parties"]
    parties[2] |= {"same_as": [OLD]}
    document = parties_document(parties=parties)
    lines = [
        line_row(),
        line_row(line_id="L2", msisdn=SECOND, state="MD"),
        line_row(line_id="L3", msisdn=THIRD, deactivated_at="2025-10-01T00:00:00Z"),
    ]
    approvals = [
        approval_row(id=f"a{n}", msisdn=number, campaign=campaign, verified_by=verified)
        for n, (number, campaign, verified) in enumerate((
            (NUMBER, "CMP-road", "carrier"), (NUMBER, "CMP-track", "partner"), (SECOND, "CMP-road", "carrier"),
            (SECOND, "CMP-track", "carrier"), (THIRD, "CMP-road", "carrier"),
        ))
    ]  # fmt: skip
    choices = [
        choice_row(id="c1", made_at="2025-08-01T00:00:00Z", scope="party", ref=OLD),
        choice_row(
            id="c2", msisdn=SECOND, kind="pause", made_at="2025-07-01T00:00:00Z", until="2025-10-01T00:00:00Z",
            scope="campaign", ref="CMP-track",
        ),
        choice_row(id="c3", msisdn=THIRD, made_at="2025-07-10T00:00:00Z", scope="purpose", ref=ROADSIDE),
    ]  # fmt: skip
    return {
        "lines": lambda: take_lines(*lines),
        "parties": lambda: take_parties(document),
        "approvals": lambda: take_approvals(*approvals),
        "choices": lambda: take_choices(*choices),
        "disclosures": lambda: take_releases(*releases()),
    }


def judgements() -> dict[str, str]:
    return dict(Disclosure.objects.values_list("source_id", "judgement"))


@pytest.mark.usefixtures("db", "no_broker")
def test_every_order_of_the_files_gives_the_same() -> None:
    """A part of the 120 by day. What comes after the same beginning shares it."""
    found: dict[tuple[str, ...], object] = {}
    wanted = [*drawn(permutations(files()), of=20)]

    def go_on(order: tuple[str, ...], left: Pieces) -> None:
        if not left:
            found[order] = what_stands()
        for name in left:
            if any(one[: len(order) + 1] == (*order, name) for one in wanted):
                before = transaction.savepoint_create()
                left[name]()
                go_on((*order, name), {other: piece for other, piece in left.items() if other != name})
                transaction.savepoint_rollback(before)

    go_on((), files())
    assert sorted(found) == sorted(wanted)
    for take in files().values():
        take()
    expected = what_stands()
    assert {order: stands for order, stands in found.items() if stands != expected} == {}


def a_rule_of_maryland() -> None:
    since = moment("2025-10-15T00:00:00Z")
    JurisdictionRule.objects.create(
        state="MD", starts_at=since, purposes=[ROADSIDE], sale_test=False, source="test: a law"
    )
    enqueue_state_rejudging(state="MD", since=since)
    actions.catch_up(cause="acts", at=database_clock())


def a_suspension() -> None:
    since = moment("2025-11-01T00:00:00Z")
    target = Campaign.objects.get(ref="CMP-track").pk
    Suspension.objects.create(of="campaign", target_id=target, starts_at=since, reason="Due", actor="officer:1")
    enqueue_rejudging_since(campaigns={"CMP-track"}, parties=(), since=since)
    actions.catch_up(cause="acts", at=database_clock())


def acts_among_pieces(dice: random.Random) -> list[Callable[[], object]]:
    """The files, the releases torn, and what is done besides. Who is suspended is known by then."""
    torn = [list(rows) for rows in batched(releases(), 7, strict=False)]
    notices: list[Row] = [
        {"disclosure_id": "jail", "suppressed_until": None, "order_ref": "a court", "awaited": True},
        {"disclosure_id": f"{NUMBER}1road", "suppressed_until": EVER, "order_ref": "a court", "awaited": True},
    ]
    told = files()
    taken: list[Callable[[], object]] = [told[name] for name in ("lines", "approvals", "choices")]
    taken += [partial(take_releases, *rows) for rows in torn]
    taken += [a_rule_of_maryland, lambda: take_notices(*notices)]
    dice.shuffle(taken)
    known = dice.randrange(len(taken) + 1)
    taken.insert(known, told["parties"])
    taken.insert(dice.randrange(known + 1, len(taken) + 1), a_suspension)
    return taken


def what_is_judged() -> Sequence[object]:
    hidden = DelayedNotice.objects.order_by("disclosure_id", "number").values_list("disclosure_id", "order_ref")
    return (
        judgements(), list(hidden), HeldNotice.objects.count(),
        sorted(HeldDisclosure.objects.values_list("id", flat=True)),
    )  # fmt: skip


@pytest.mark.usefixtures("db", "no_broker")
def test_acts_of_officers_and_courts_among_them_give_the_same() -> None:
    found: list[Sequence[object]] = []
    for seed in range(24 if NIGHTLY else 3):
        before = transaction.savepoint_create()
        for take in acts_among_pieces(random.Random(seed)):
            take()
        found.append(what_is_judged())
        if not seed:
            assert set(judgements().values()) >= {
                "permitted", "after_stop", "no_approval", "jurisdiction_prohibits", "partner_suspended",
                "approval_unverified", "emergency",
            }  # fmt: skip
        transaction.savepoint_rollback(before)
    assert [seed for seed, one in enumerate(found) if one != found[0]] == []
