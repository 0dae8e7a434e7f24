"""The guide: its examples are valid, its rules are numbered, and the code keeps to its schemas."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from audit.queries import database_clock
from partners.clients import http
from revocations.domain.streams import queue_event
from revocations.models import StreamEvent
from revocations.workers.delivery import delivery_rounds
from tests.conformance.schemas import DOCS, NAMES, faults, schema
from tests.partners.outside import Outside
from tests.revocations.scenes import a_scene, allow, claims_of, stop_all
from tests.sandbox.carrier import Carrier, granted
from tests.sandbox.process import DOWNSTREAM, URI, Partner
from tools.conformance.report import CASES

GUIDE = (DOCS / "guides" / "partners.md").read_text()
EXAMPLES = re.findall(r"^```json(?: ([\w-]+))?\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema(name)["$id"] == f"{name}.json"


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_is_valid_by_its_schema(name: str, example: str) -> None:
    assert faults(name, json.loads(example)) == []


def test_every_schema_but_the_shared_one_has_an_example() -> None:
    assert {name for name, _ in EXAMPLES} == {*NAMES} - {"common"}


def test_every_rule_that_a_trial_names_is_in_the_guide() -> None:
    numbers = [int(number) for number in re.findall(r'^(\d+)\. <a id="rule-\1"></a>', GUIDE, re.MULTILINE)]
    assert numbers == [*range(1, 19)]
    assert {case.rule for case in CASES.values()} <= {*numbers}


@pytest.mark.parametrize("address", re.findall(r"\]\(([\w./-]+\.(?:md|py)|[\w./]*schemas/)\)", GUIDE))
def test_what_it_points_to_is_there(address: str) -> None:
    assert (DOCS / "guides" / address).exists()


@pytest.mark.parametrize("anchor", re.findall(r"\]\(#([\w-]+)\)", GUIDE))
def test_its_chapters_are_where_it_says(anchor: str) -> None:
    headings = {line.lstrip("# ").lower().replace(" ", "-") for line in GUIDE.splitlines() if line.startswith("#")}
    assert anchor in headings


def spoil(value: Any, path: str, new: object) -> Any:
    """A copy with one member changed; None takes it away. A number in the path is a place in a list."""
    copy = json.loads(json.dumps(value))
    holder, *rest = copy, *path.split("/")
    for step in rest[:-1]:
        holder = next(iter(holder.values())) if step == "*" else holder[int(step) if step.isdigit() else step]
    if new is None:
        del holder[rest[-1]]
    else:
        holder[rest[-1]] = new
    return copy


@pytest.mark.parametrize(
    ("name", "path", "new"),
    [
        ("consent-change", "exp", 1_795_557_600),
        ("consent-change", "aud", ["https://locagg.example"]),
        ("consent-change", "events/another", {}),
        ("consent-change", "events/*/state", None),
        ("consent-change", "events/*/default", "granted"),
        ("consent-change", "events/*/complete_by", None),
        ("consent-change", "events/*/state/0/status", "perhaps"),
        ("consent-change", "sub_id/sub", "+12065550101"),
        ("cohort-revoked", "events/*/manifest/sha-256", "short"),
        ("revocation-receipt", "events/*/status", "done"),
        ("revocation-receipt", "events/*/actions/0/at", "2026-11-24T22:00:20"),
        ("claim", "verified_by", "partner"),
        ("claim", "msisdn", None),
        ("poll-request", "ack", "all"),
        ("stream-request", "delivery/endpoint_url", None),
        ("error", "err", "oops"),
    ],
)  # fmt: skip
def test_a_schema_refuses_what_is_wrong(name: str, path: str, new: object) -> None:
    example = next(json.loads(text) for found, text in EXAMPLES if found == name)
    assert faults(name, spoil(example, path, new)) != []


def unlisted(name: str, claims: Any) -> set[str]:
    """Members of an event that its schema does not speak of."""
    (event,) = claims["events"].values()
    return {*event} - {*schema(name)["$defs"]["event"]["properties"]}


def test_orders_as_they_are_sent_are_valid(committed_db: None, no_broker: None, outside: Outside) -> None:
    scene = a_scene(outside)
    line = scene.a_line()
    stop_all(line)
    allow(line, scene.campaign)
    stop_all(line)
    for n in range(3):
        delivery_rounds.sweep(now=database_clock() + timedelta(days=n))
    sent = scene.tokens()
    assert len(sent) >= 1
    for claims in sent:
        assert faults("consent-change", claims) == []
        assert unlisted("consent-change", claims) == set()


def test_stream_events_as_they_are_sent_are_valid(committed_db: None, no_broker: None, outside: Outside) -> None:
    scene = a_scene(outside)
    subject = {"format": "opaque", "id": "stream-1"}
    told: list[tuple[StreamEvent.Kind, dict[str, object]]] = [
        (StreamEvent.Kind.VERIFICATION, {"state": "abc"}),
        (StreamEvent.Kind.STREAM_UPDATED, {"status": "paused", "reason": "by hand"}),
    ]
    for kind, event in told:
        queue_event(party_id=scene.party.pk, kind=kind, sub_id=subject, event=event, at=database_clock())
    delivery_rounds.sweep(now=database_clock())
    sent = {next(iter(claims["events"])).rpartition("/")[2]: claims for claims in map(dict[str, Any], scene.tokens())}
    assert {name: faults(name, claims) for name, claims in sent.items()} == {"verification": [], "stream-updated": []}


def test_a_refusal_of_the_sandbox_is_valid(carrier: Carrier, partner: Partner) -> None:
    answer = partner.push("no token")
    assert faults("error", answer.json()) == []


def test_receipts_of_the_sandbox_are_valid(carrier: Carrier, partner: Partner) -> None:
    order = partner.order(state=[granted()])
    cohort = carrier.cohort(URI, ["k1.a", "k1.b", "k1.c"])
    assert partner.push(carrier.sign(cohort)).status_code == 202
    partner.receipt_of(order)
    partner.receipt_of(str(cohort["jti"]))
    tokens = [one["token"] for one in partner.get("/receipts")]
    assert len(tokens) == 2
    for token in tokens:
        claims: Any = claims_of(token)
        assert faults("revocation-receipt", claims) == []
        assert unlisted("revocation-receipt", claims) == set()
        (event,) = claims["events"].values()
        assert len(event["downstream"]) == len(DOWNSTREAM)
        for below in event["downstream"]:
            nested: Any = claims_of(below["receipt"])
            assert faults("revocation-receipt", nested) == []
            assert faults("nested-receipt-event", next(iter(nested["events"].values()))) == []


def test_the_bounds_that_it_names_are_ours() -> None:
    assert http.SECONDS == 10
