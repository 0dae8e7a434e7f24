"""A path that leaves a place out is completed from the rest of its report; a place that is taken stays as it is."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.core.management import call_command
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.models import Line
from audit.models import Incident
from audit.queries import database_clock
from disclosures.models import Disclosure, HeldDisclosure
from partners.models import Reach
from tests.feeds import (
    BRIDGE,
    JAIL,
    LINK,
    ROAD,
    TRACK,
    Row,
    approval_row,
    line_row,
    ndjson,
    parties_document,
    release_row,
    take_approvals,
    take_lines,
    take_parties,
    take_releases,
    told,
)
from tests.gateway import Gateway
from tests.people import signed_in
from tests.properties import stories

pytestmark = pytest.mark.usefixtures("db", "no_broker")

NEWCOMER = "https://newcomer.example"
AGGREGATORS = (BRIDGE, LINK)


@pytest.fixture
def world(db: None) -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())


@pytest.fixture
def gateway(world: None) -> Gateway:
    return Gateway()


def just_released(gateway: Gateway, **changes: object) -> Row:
    """A release that the gate allowed a moment ago, as the gateway reports it."""
    return release_row(**{"decision_id": gateway.allowed(), "occurred_at": database_clock().isoformat(), **changes})


def expected(path: Sequence[str], *, allowed: bool) -> tuple[list[str], list[str]]:
    """The rule once more, as plainly as it can be written: the path that stands, and which places were filled."""
    stands, filled = list(path), []
    if not stands or stands[0] not in AGGREGATORS:
        stands, filled = [BRIDGE, *stands], ["aggregator"]
    named = [uri for uri in stands if uri not in (*AGGREGATORS, "unknown")]
    if allowed and stands[0] == BRIDGE and not named:
        place = max(n for n, uri in enumerate(stands) if uri in AGGREGATORS) + 1
        stands, filled = [*stands[:place], ROAD, *stands[place:]], [*filled, "lbs_provider"]
    return stands, filled


CASES: dict[str, tuple[list[str], list[str], list[str], str]] = {
    "complete": ([BRIDGE, ROAD], [BRIDGE, ROAD], [], "permitted"),
    "no aggregator": ([ROAD], [BRIDGE, ROAD], ["aggregator"], "permitted"),
    "no aggregator, but a customer": ([ROAD, JAIL], [BRIDGE, ROAD, JAIL], ["aggregator"], "permitted"),
    "aggregator behind its provider": ([ROAD, BRIDGE], [BRIDGE, ROAD, BRIDGE], ["aggregator"], "permitted"),
    "unknown in place of the aggregator": (["unknown", ROAD], [BRIDGE, "unknown", ROAD], ["aggregator"], "permitted"),
    "nothing": ([], [BRIDGE, ROAD], ["aggregator", "lbs_provider"], "permitted"),
    "nobody that is known": (["unknown"], [BRIDGE, ROAD, "unknown"], ["aggregator", "lbs_provider"], "permitted"),
    "no provider": ([BRIDGE], [BRIDGE, ROAD], ["lbs_provider"], "permitted"),
    "unknown provider": ([BRIDGE, "unknown"], [BRIDGE, ROAD, "unknown"], ["lbs_provider"], "permitted"),
    "two aggregators": ([BRIDGE, LINK], [BRIDGE, LINK, ROAD], ["lbs_provider"], "permitted"),
    "another aggregator": ([LINK, ROAD], [LINK, ROAD], [], "no_approval"),
    "another aggregator alone": ([LINK], [LINK], [], "no_approval"),
    "another provider": ([BRIDGE, TRACK], [BRIDGE, TRACK], [], "no_approval"),
    "another provider, no aggregator": ([TRACK], [BRIDGE, TRACK], ["aggregator"], "no_approval"),
    "a customer alone": ([BRIDGE, JAIL], [BRIDGE, JAIL], [], "no_approval"),
    "a company nobody knows": ([NEWCOMER], [BRIDGE, NEWCOMER], ["aggregator"], "no_approval"),
}


def stored() -> dict[str, tuple[list[str], str, str]]:
    rows = Disclosure.objects.order_by("recorded_at", "occurred_at")
    return {row.source_id: (row.path, row.judgement, row.path_completed) for row in rows}


def test_a_release_the_gate_allowed_keeps_its_judgement(
    gateway: Gateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the API and from a file."""
    rows = [just_released(gateway, id=case, path=path) for case, (path, *_) in CASES.items()]
    answer = gateway.report(rows)
    for n, (result, (case, (_, _, filled, judgement))) in enumerate(zip(answer["results"], CASES.items(), strict=True)):
        said = {"path_completed": filled} if filled else {}
        assert result == {"line": n + 1, "status": "accepted", "judgement": judgement, **said}, case
    assert answer["paths_completed"] == sum(bool(filled) for _, _, filled, _ in CASES.values()) == 11
    assert stored() == {
        case: (path, judgement, "both" if len(filled) == 2 else "".join(filled))
        for case, (_, path, filled, judgement) in CASES.items()
    }
    assert not Incident.objects.filter(kind="ungated").exists()
    by_the_api = list(stored().values())
    (tmp_path / "releases").write_bytes(ndjson(row | {"id": f"file {row['id']}"} for row in rows))
    call_command("import_disclosures", str(tmp_path / "releases"), "--json", "--workers", "1")
    assert json.loads(capsys.readouterr().out)["paths_completed"] == 11
    assert [one for case, one in stored().items() if case.startswith("file ")] == by_the_api


@given(
    path=st.lists(st.sampled_from([BRIDGE, LINK, ROAD, TRACK, JAIL, NEWCOMER, "unknown"]), max_size=4),
    proved=st.booleans(),
)
@example(path=[BRIDGE, "unknown", LINK], proved=True)
@example(path=["unknown", "unknown", LINK], proved=True)
@stories(60)
def test_any_path_is_completed_by_the_rule(gateway: Gateway, path: list[str], proved: bool) -> None:
    row = just_released(gateway, path=path, **({} if proved else {"decision_id": None}))
    (result,) = gateway.report([row])["results"]
    stands, filled = expected(path, allowed=proved)
    lawful = stands[0] == BRIDGE and ROAD in stands
    assert Disclosure.objects.get(source_id=row["id"]).path == stands
    assert result.get("path_completed", []) == filled
    assert result["judgement"] == ("permitted" if lawful else "no_approval")


def test_only_the_gates_own_yes_proves_a_provider(gateway: Gateway) -> None:
    take_lines(line_row(line_id="L2", msisdn="+12065550143", account_id="A2"))
    yes, now = gateway.allowed(), database_clock().isoformat()
    rows = {
        "no decision id": release_row(path=[], occurred_at=now),
        "a deny": release_row(path=[], occurred_at=now, decision_id=f"d{yes[1:]}"),
        "another line's": release_row(path=[], occurred_at=now, decision_id=yes, msisdn="+12065550143"),
        "too old": release_row(path=[], occurred_at="2025-07-01T12:00:00Z", decision_id=yes),
        "no campaign": release_row(path=[], occurred_at=now, decision_id=yes, campaign=None),
        "another campaign": release_row(path=[], occurred_at=now, decision_id=yes, campaign="CMP-track"),
        "another aggregator's": release_row(path=[], occurred_at=now, decision_id=yes, aggregator=LINK),
        "refused": release_row(path=[], occurred_at=now, decision_id=yes, outcome="refused"),
        "emergency": release_row(path=[], occurred_at=now, decision_id=yes, basis="emergency"),
    }
    results = gateway.report(list(rows.values()))["results"]
    filled = [(result.get("judgement", ""), result["path_completed"]) for result in results]
    judged = [(judgement, ["aggregator"]) for judgement in ["no_approval"] * 7 + [""] * 2]
    assert dict(zip(rows, filled, strict=True)) == dict(zip(rows, judged, strict=True))
    aggregators = [row["aggregator"] for row in rows.values()]
    paths = {row.source_id: row.path for row in Disclosure.objects.all()}
    assert [paths[str(row["id"])] for row in rows.values()] == [[uri] for uri in aggregators]


@pytest.mark.usefixtures("world")
def test_the_same_again_is_repeated_another_path_a_conflict() -> None:
    row = release_row(id="r", path=[ROAD])
    assert told(take_releases(row)) == [("accepted", "permitted")]
    assert told(take_releases(row)) == [("repeated",)]
    assert told(take_releases(row | {"path": [BRIDGE, ROAD]})) == [("rejected", "id", "id_conflict")]


@pytest.mark.usefixtures("world")
def test_a_held_release_is_completed_when_its_line_arrives() -> None:
    take_releases(release_row(path=[ROAD], msisdn="+12065550150"))
    assert HeldDisclosure.objects.count() == 1
    take_lines(line_row(line_id="L7", msisdn="+12065550150", account_id="A7"))
    row = Disclosure.objects.get()
    assert (row.path, row.path_completed, row.judgement) == ([BRIDGE, ROAD], "aggregator", "no_approval")


def test_a_path_may_begin_with_another_aggregator() -> None:
    """In whichever order the files come, a path that begins with another aggregator is judged as it was reported."""
    take_lines(line_row())
    take_approvals(approval_row())
    take_releases(
        release_row(id="elsewhere", path=[LINK, ROAD]),
        release_row(id="no aggregator", path=[ROAD]),
        release_row(id="through a newcomer", path=[NEWCOMER, ROAD]),
    )
    take_parties()
    judged = dict(Disclosure.objects.values_list("source_id", "judgement"))
    assert judged == {"elsewhere": "no_approval", "no aggregator": "permitted", "through a newcomer": "permitted"}
    assert not Reach.objects.filter(party__uri=LINK).exists()

    document = parties_document()
    document["parties"].append({"id": NEWCOMER, "name": "Newcomer", "kind": "aggregator", "website": "", "about": ""})
    take_parties(document)
    judged = dict(Disclosure.objects.values_list("source_id", "judgement"))
    assert judged == {"elsewhere": "no_approval", "no aggregator": "permitted", "through a newcomer": "no_approval"}


@pytest.mark.one_server
def test_a_completed_release_follows_its_number_to_its_rightful_line(gateway: Gateway) -> None:
    cases = {case: path for case, (path, _, filled, _) in CASES.items() if filled}
    gateway.report([just_released(gateway, id=case, path=path) for case, path in cases.items()])
    take_lines(line_row(deactivated_at="2026-01-01T00:00:00Z"))
    assert HeldDisclosure.objects.count() == len(cases)
    take_lines(line_row(line_id="L2", account_id="A2", activated_at="2026-02-01T00:00:00Z"))
    assert not HeldDisclosure.objects.exists()
    assert set(Disclosure.objects.values_list("source_id", flat=True)) == set(cases)


def test_the_history_says_that_the_path_was_filled_in(gateway: Gateway) -> None:
    gateway.report([just_released(gateway, path=[])])
    browser = signed_in(Line.objects.get())
    sentence = "The report we got left out part of this path. We filled it in from the rest of the report."
    assert sentence in browser.get("/history/").text
    gateway.report([just_released(gateway)])
    assert browser.get("/history/").text.count(sentence) == 1
