"""A small world in every order of its files, and what officers and courts do to it anywhere among them."""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import batched

import pytest
from django.db import transaction

from audit.queries import database_clock
from consent.models import LineGate
from disclosures import actions
from disclosures.models import DelayedNotice, Disclosure, HeldDisclosure, HeldNotice
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
from tests.selection import NIGHTLY

pytestmark = pytest.mark.usefixtures("db", "no_broker")
SECOND, THIRD, OLD, IDENTITY = "+12065550143", "+12065550144", "https://old.example", "dpv:IdentityVerification"
ORDERS = 24 if NIGHTLY else 6

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
    rows.append(release_row(id="hidden", msisdn=SECOND, suppressed_until="2190-01-01T00:00:00Z"))
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


def what_stands() -> Sequence[object]:
    """As in `test_any_order`, but for anomalies, which it takes as long to find as all the rest."""
    gates = LineGate.objects.order_by("line_id").values_list("stops", "pauses", "approvals", "claims")
    return (
        judgements(),
        sorted(map(repr, gates)),
        sorted(Dealing.objects.values_list("aggregator__uri", "party__uri", "last_at")),
        sorted(Disclosure.objects.filter(basis_doubtful=True).values_list("source_id", flat=True)),
        sorted(Reach.objects.values_list("campaign__ref", "party__uri")),
        sorted(HeldDisclosure.objects.values_list("id", flat=True)),
    )


@pytest.mark.parametrize(
    "first", [pytest.param(name, marks=() if name == "disclosures" else pytest.mark.nightly) for name in files()]
)
def test_every_order_of_the_files_gives_the_same(first: str) -> None:
    """What comes after the same beginning shares it: 65 files are taken in for 24 orders."""
    found: dict[tuple[str, ...], object] = {}

    def go_on(order: tuple[str, ...], left: Pieces) -> None:
        if not left:
            found[order] = what_stands()
        for name in left if order else (first,):
            before = transaction.savepoint_create()
            left[name]()
            go_on((*order, name), {other: piece for other, piece in left.items() if other != name})
            transaction.savepoint_rollback(before)

    go_on((), files())
    assert len(found) == 24
    for take in files().values():
        take()
    expected = what_stands()
    assert {order: stands for order, stands in found.items() if stands != expected} == {}


def a_rule_of_maryland() -> None:
    since = moment("2025-10-15T00:00:00Z")
    JurisdictionRule.objects.create(
        state="MD", starts_at=since, purposes=[ROADSIDE], sale_test=False, source="test: a law"
    )
    actions.rule_changed(state="MD", since=since)
    actions.catch_up(cause="acts", at=database_clock())


def a_suspension() -> None:
    since = moment("2025-11-01T00:00:00Z")
    target = Campaign.objects.get(ref="CMP-track").pk
    Suspension.objects.create(of="campaign", target_id=target, starts_at=since, reason="r", actor="officer:1")
    actions.answer_changed(campaigns={"CMP-track"}, parties=(), since=since)
    actions.catch_up(cause="acts", at=database_clock())


def pieces(dice: random.Random) -> list[Callable[[], object]]:
    """The files, the releases torn, and what is done besides. Who is suspended is known by then."""
    torn = [list(rows) for rows in batched(releases(), 7, strict=False)]
    notices: list[Row] = [
        {"disclosure_id": "jail", "suppressed_until": None, "order_ref": "a court"},
        {"disclosure_id": f"{NUMBER}1road", "suppressed_until": "2190-01-01T00:00:00Z", "order_ref": "a court"},
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


def test_links_rules_suspensions_and_notices_anywhere_among_them_give_the_same() -> None:
    found: list[Sequence[object]] = []
    for seed in range(ORDERS):
        before = transaction.savepoint_create()
        for take in pieces(random.Random(seed)):
            take()
        found.append(what_is_judged())
        if not seed:
            assert set(judgements().values()) >= {
                "permitted", "after_stop", "no_approval", "jurisdiction_prohibits", "partner_suspended",
                "approval_unverified", "emergency",
            }  # fmt: skip
        transaction.savepoint_rollback(before)
    assert [seed for seed, one in enumerate(found) if one != found[0]] == []
