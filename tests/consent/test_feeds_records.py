"""Approvals and choices from files: checked, attributed, held until they can be, never above the person's own."""

import json
from datetime import datetime
from io import BytesIO

import pytest

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.gate.deciding import evaluate
from consent.gate.shapes import Question
from consent.models import Approval, Choice, ChoiceOrder, HeldRow, LineGate
from disclosures.queries.downloads import export_of
from partners.feeds.reading import numbered_lines
from revocations.models import Order
from tests.feeds import (
    BRIDGE,
    JAIL,
    NUMBER,
    ROAD,
    ROADSIDE,
    Row,
    approval_row,
    choice_row,
    line_row,
    moment,
    ndjson,
    parties_document,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
    taken,
    told,
)
from tests.moments import A_MOMENT

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def world(db: None) -> None:
    take_parties()
    take_lines(line_row())


def reason() -> str:
    question = Question(
        aggregator=BRIDGE, provider=ROAD, campaign="CMP-road", purpose=ROADSIDE, scope="location-retrieval:read",
        precision_m=500, msisdn=NUMBER,
    )  # fmt: skip
    return evaluate(questions=[question])[0].reason


@pytest.mark.usefixtures("world")
def test_approval_is_kept_word_for_word_and_moves_the_gate() -> None:
    row = approval_row(
        id="a-1", wording="Sí 😀 <b>", captured_at="2025-06-01T02:00:00+02:00", expires_at="2099-01-01T00:00:00Z",
        language="x" * 40,
    )  # fmt: skip
    assert told(take_approvals(row)) == [("accepted",)]
    kept = Approval.objects.get()
    assert (kept.source_id, kept.wording, kept.captured_at) == ("a-1", "Sí 😀 <b>", moment("2025-06-01T00:00:00Z"))
    assert reason() == ""
    assert told(take_approvals(row | {"captured_at": "2025-06-01T00:00:00Z"}, row | {"wording": "No"})) == [
        ("repeated",),
        ("rejected", "id", "id_conflict"),
    ]


@pytest.mark.usefixtures("world")
def test_bad_approvals() -> None:
    wrong: list[tuple[Row, tuple[str, str]]] = [
        ({"method": "telepathy"}, ("method", "not_allowed")),
        ({"verified_by": "nobody"}, ("verified_by", "not_allowed")),
        ({"captured_at": "2199-01-01T00:00:00Z"}, ("captured_at", "in_future")),
        ({"expires_at": "someday"}, ("expires_at", "not_a_time")),
        ({"wording": "x" * 1001}, ("wording", "too_long")),
        ({"language": "x" * 41}, ("language", "too_long")),
        ({"captured_by": None}, ("captured_by", "missing")),
    ]
    for changes, expected in wrong:
        assert told(take_approvals(approval_row(**changes))) == [("rejected", *expected)]


@pytest.mark.usefixtures("world")
def test_approval_of_this_very_moment_is_not_in_the_future() -> None:
    now = database_clock()

    def fate(captured_at: datetime) -> list[tuple[object, ...]]:
        row = approval_row(id=f"{captured_at}", captured_at=captured_at.isoformat())
        return told(ApprovalsFeed().take(lines=[*numbered_lines(BytesIO(ndjson([row])))], at=now))

    assert fate(now + A_MOMENT) == [("rejected", "captured_at", "in_future")]
    assert fate(now) == [("accepted",)]


@pytest.mark.usefixtures("world")
def test_the_export_gives_what_was_agreed_the_newest_first() -> None:
    rows = [("b", "CMP-track", "03"), ("a", "CMP-road", "02"), ("c", "CMP-track", "04"), ("d", "CMP-road", "03")]
    for source_id, campaign, month in rows:
        take_approvals(approval_row(id=source_id, campaign=campaign, captured_at=f"2025-{month}-01T00:00:00Z"))
    said = json.loads("".join(export_of(line=Line.objects.get(), reader=None, at=database_clock())))
    assert [one["id"] for one in said["approvals"]] == ["c", "d", "b", "a"]


@pytest.mark.usefixtures("world")
def test_bad_choices() -> None:
    wrong: list[tuple[Row, tuple[str, str]]] = [
        ({"scope": "party"}, ("ref", "missing")),
        ({"kind": "allow"}, ("scope", "allow_names_one_campaign")),
        ({"kind": "stop", "scope": "party", "ref": "unknown"}, ("ref", "names_no_party")),
        ({"kind": "pause", "scope": "party", "ref": "unknown"}, ("ref", "names_no_party")),
        ({"kind": "pause"}, ("until", "missing")),
        ({"kind": "pause", "until": "2025-08-01T00:00:00Z"}, ("until", "before_made_at")),
        ({"kind": "refuse"}, ("kind", "not_allowed")),
        ({"made_at": "2199-01-01T00:00:00Z"}, ("made_at", "in_future")),
        ({"channel": "x" * 41}, ("channel", "too_long")),
    ]
    for changes, expected in wrong:
        assert told(take_choices(choice_row(**changes))) == [("rejected", *expected)]


@pytest.mark.usefixtures("world")
def test_a_stop_has_no_end_nor_programme() -> None:
    take_approvals(approval_row())
    row = choice_row(until="2025-08-02T00:00:00Z", program="Custom Experience", ref="ignored", channel="x" * 40)
    assert told(take_choices(row)) == [("accepted",)]
    kept = Choice.objects.get()
    assert (kept.until, kept.ref, kept.program, kept.origin) == (None, "", "Custom Experience", "file")
    assert reason() == "stopped_all"


@pytest.mark.usefixtures("world")
def test_a_stop_has_its_orders_beside_another_s_allow() -> None:
    allow = choice_row(kind="allow", scope="campaign", ref="CMP-track", made_at="2025-07-01T00:00:00Z")
    assert told(take_choices(choice_row(), allow)) == [("accepted",), ("accepted",)]
    assert ChoiceOrder.objects.count() == 1


@pytest.mark.usefixtures("world")
def test_who_was_told_no_hears_of_a_file_s_newer_yes() -> None:
    take_approvals(approval_row())
    take_choices(choice_row(scope="campaign", ref="CMP-road"))
    allow = choice_row(kind="allow", scope="campaign", ref="CMP-road", made_at="2025-10-01T00:00:00Z")
    take_choices(allow)
    states = [order.snapshot["state"] for order in Order.objects.order_by("version")]
    assert [[entry["recipient"] for entry in state] for state in states] == [[], [ROAD]]


@pytest.mark.usefixtures("world")
def test_no_file_ever_pierces_the_persons_own_stop() -> None:
    take_approvals(approval_row())
    line = Line.objects.get()
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert told(take_approvals(approval_row(captured_at="2026-11-20T00:00:00Z"))) == [("accepted",)]
    assert told(take_choices(choice_row(kind="allow", scope="campaign", ref="CMP-road"))) == [("accepted",)]
    assert reason() == "stopped_all"


@pytest.mark.usefixtures("world")
def test_stops_that_newer_approvals_outweigh_are_counted_once() -> None:
    take_choices(
        choice_row(),
        choice_row(scope="party", ref=ROAD, made_at="2025-08-02T00:00:00Z"),
        choice_row(scope="campaign", ref="CMP-track"),
    )
    older, newer, again = ApprovalsFeed(), ApprovalsFeed(), ChoicesFeed()
    taken(older, ndjson([approval_row(), approval_row(verified_by="partner", captured_at="2025-10-01T00:00:00Z")]))
    taken(newer, ndjson([approval_row(captured_at="2025-09-01T00:00:00Z")]))
    allow = choice_row(kind="allow", scope="campaign", ref="CMP-road", made_at="2025-10-01T00:00:00Z")
    taken(again, ndjson([allow]))
    assert [feed.extra() for feed in (older, newer, again)] == [
        {"file_stops_pierced": 0},
        {"file_stops_pierced": 2},
        {"file_stops_pierced": 0},
    ]


def test_what_names_nobody_yet_is_held_sealed() -> None:
    assert told(take_approvals(approval_row(id="a"))) == [("rejected", "msisdn", "line_unknown")]
    assert told(take_choices(choice_row(id="c", scope="party", ref=ROAD))) == [("rejected", "msisdn", "line_unknown")]
    assert told(take_choices(choice_row(id="c", scope="party", ref=ROAD))) == [("rejected", "msisdn", "line_unknown")]
    assert sorted(HeldRow.objects.values_list("feed", "campaign")) == [("approvals", "CMP-road"), ("choices", "")]
    assert not any(NUMBER.encode() in bytes(row.row_sealed) for row in HeldRow.objects.all())
    take_lines(line_row())
    assert Choice.objects.get().source_id == "c"
    assert Approval.objects.count() == 0, "its campaign is not known yet"
    take_parties()
    assert Approval.objects.get().source_id == "a"
    assert HeldRow.objects.count() == 0
    assert told(take_approvals(approval_row(id="a"))) == [("repeated",)]
    assert reason() == "stopped_party"


@pytest.mark.usefixtures("world")
def test_each_row_belongs_to_the_holder_of_its_own_time() -> None:
    take_lines(
        line_row(deactivated_at="2025-07-01T00:00:00Z"), line_row(line_id="L2", activated_at="2025-09-01T00:00:00Z")
    )
    fates = take_choices(
        choice_row(made_at="2025-06-30T23:59:59Z"),
        choice_row(made_at="2025-07-01T00:00:00Z"),
        choice_row(made_at="2025-09-01T00:00:00Z", scope="party", ref=ROAD),
    )
    assert told(fates) == [("accepted",), ("rejected", "msisdn", "line_unknown"), ("accepted",)]
    stops = {gate.line_id: list(gate.stops) for gate in LineGate.objects.all()}
    names = dict(Line.objects.values_list("pk", "carrier_id"))
    assert {names[pk]: keys for pk, keys in stops.items()} == {"L1": ["all"], "L2": [f"party:{ROAD}"]}


@pytest.mark.usefixtures("world")
def test_a_line_that_says_two_things_is_refused_and_named() -> None:
    stop_and_allow = json.dumps(choice_row(kind="stop", scope="all"))[:-1] + ', "kind": "allow"}'
    other_and_other = json.dumps(choice_row(kind="stop", scope="all"))[:-1] + ', "note": 1, "note": 2}'
    content = f"{stop_and_allow}\n{other_and_other}\n".encode()
    assert told(taken(ChoicesFeed(), content)) == [("rejected", "kind", "twice"), ("rejected", "", "twice")]
    assert Choice.objects.count() == 0


@pytest.mark.usefixtures("world")
def test_a_line_of_very_many_names_is_looked_through() -> None:
    many = ",".join(f'"n{number}":0' for number in range(60_000))
    line = json.dumps(choice_row())[:-1] + f", {many}"
    content = f'{line}}}\n{line},"kind":"allow"}}\n'.encode()
    assert told(taken(ChoicesFeed(), content)) == [("accepted",), ("rejected", "kind", "twice")]


@pytest.mark.usefixtures("world")
def test_an_optional_field_that_is_empty_is_absent() -> None:
    approval, choice = approval_row(expires_at=""), choice_row(until="")
    assert told(take_approvals(approval)) == [("accepted",)]
    assert told(take_choices(choice)) == [("accepted",)]
    assert Approval.objects.get().expires_at is None
    assert told(take_approvals(approval | {"expires_at": None})) == [("repeated",)]
    assert told(take_choices(choice | {"until": None})) == [("repeated",)]


def test_a_line_whose_optional_fields_are_empty_is_taken() -> None:
    empty = {"sim_changed_at": "", "number_changed_at": "", "continues_line_id": "", "deactivated_at": ""}
    assert told(take_lines(line_row(**empty))) == [("accepted",)]
    assert told(take_lines(line_row())) == [("repeated",)]


@pytest.mark.parametrize("waits", ["approval", "claim", "allow"])
@pytest.mark.usefixtures("no_broker")
def test_what_waits_for_its_line_was_agreed_to_as_the_campaign_was(waits: str) -> None:
    take_parties()
    if waits == "allow":
        take_choices(choice_row(kind="allow", scope="campaign", ref="CMP-road"))
    else:
        take_approvals(approval_row(verified_by="carrier" if waits == "approval" else "partner"))
    for changed in ({"precision_m": 1}, {"lbs_provider": JAIL}, {"description": "Sells it on"}):
        document = parties_document()
        document["campaigns"][0] |= changed
        (refused,) = (one for one in told(take_parties(document)) if one[0] == "rejected")
        assert refused == ("rejected", *changed, "id_conflict")
    take_lines(line_row())
    assert reason() == ("approval_unverified" if waits == "claim" else "")


@pytest.mark.usefixtures("no_broker")
def test_a_yes_that_waits_names_no_campaign_that_there_cannot_be() -> None:
    allow = choice_row(kind="allow", scope="campaign", ref="x" * 201)
    assert told(take_choices(allow)) == [("rejected", "msisdn", "line_unknown")]
    assert HeldRow.objects.get().campaign == ""
    take_lines(line_row())
    assert Choice.objects.get().ref == "x" * 201
