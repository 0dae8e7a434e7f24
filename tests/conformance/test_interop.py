"""The wire alone, from both sides: a receiver that was not written here, and our sandbox, connect by the guide."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from accounts.models import Line
from audit.queries import database_clock
from consent.actions import choices
from consent.actions.lines import terminate
from consent.queries import termination
from consent.workers.cohorts import build_manifests
from partners.domain import pairwise
from partners.models import Contract, Dealing, PartnerKeySet, Party
from revocations.actions.contradictions import Use, mark_contradicted_ends
from revocations.models import Cohort, Order, State, Stream, StreamEvent
from revocations.workers.delivery import delivery_rounds
from revocations.workers.delivery import delivery_rounds as sweep_delivery
from tests.conformance.schemas import faults
from tests.conformance.site import BELOW, LATER, Aggregator, Sandbox
from tests.conformance.stranger import POLL, PUSH, Stranger
from tests.factories import a_line, an_approval
from tests.revocations.scenes import allow, claims_of, stop_all
from tests.sandbox.process import until
from tests.staff import an_actor


@pytest.fixture
def stranger(site: str, aggregator: Aggregator) -> Iterator[Stranger]:
    party = aggregator.party
    stranger = Stranger(carrier=site, me=party.uri, client_id=party.uri, client_key=aggregator.sign_in.key)
    aggregator.listens("", f"{stranger.url}/jwks.json")
    yield stranger
    stranger.close()


def a_line_of(aggregator: Aggregator) -> tuple[Line, str]:
    """A line that agreed, and the partner's name for it."""
    line = a_line()
    an_approval(line, aggregator.campaign)
    return line, pairwise.subject(line_id=line.pk, party_id=aggregator.party.pk)


def state_of(order_ids: list[Any]) -> set[str]:
    return {*Order.objects.filter(id__in=order_ids).values_list("state", flat=True)}


def kept(stranger: Stranger, sub: str) -> tuple[int, int, Any]:
    (found,) = [value for (name, _), value in stranger.newest.items() if name == sub]
    return found


def test_by_push_from_the_first_stream_to_the_last_receipt(stranger: Stranger, aggregator: Aggregator) -> None:
    stream = stranger.make_stream(PUSH)
    assert faults("stream-configuration", stream) == []
    status = stranger.call("GET", f"{stranger.about['status_endpoint']}?stream_id={stream['stream_id']}", "ssf.read")
    assert faults("stream-status", status.json()) == []
    stranger.verify(stream["stream_id"], "are-you-there")
    delivery_rounds.sweep(now=database_clock())
    assert stranger.verifications == ["are-you-there"]
    assert StreamEvent.objects.get().state == State.ACKNOWLEDGED

    line, sub = a_line_of(aggregator)
    first = stop_all(line)
    delivery_rounds.sweep(now=database_clock())
    assert state_of(first) == {State.ACKNOWLEDGED}
    assert kept(stranger, sub) == (1, 1, [])
    assert stranger.sign_for(stranger.events[-1]).status == 202
    assert state_of(first) == {State.COMPLETED}

    second = allow(line, aggregator.campaign)
    delivery_rounds.sweep(now=database_clock())
    assert state_of(second) == {State.ACKNOWLEDGED}
    epoch, version, state = kept(stranger, sub)
    assert (epoch, version) == (1, 2)
    (entry,) = state
    assert (entry["recipient"], entry["status"]) == (aggregator.campaign.lbs_provider.uri, "granted")


def test_by_poll_with_what_was_refused_said_so(stranger: Stranger, aggregator: Aggregator) -> None:
    stream = stranger.make_stream(POLL)
    stranger.verify(stream["stream_id"], "and-now")
    assert stranger.poll(stream) != {}
    assert stranger.verifications == ["and-now"]
    line, sub = a_line_of(aggregator)
    order_ids = stop_all(line)
    answer = stranger.call("POST", stream["delivery"]["endpoint_url"], "ssf.read", {"maxEvents": 0})
    assert faults("poll-answer", answer.json()) == []
    assert answer.json() == {"sets": {}, "moreAvailable": True}
    taken = stranger.poll(stream, ack=[stranger.events[-1]["jti"]])
    assert [*taken.values()] == [""]
    assert kept(stranger, sub) == (1, 1, [])
    assert state_of(order_ids) == {State.SENT}
    assert stranger.poll(stream, ack=[*taken]) == {}
    assert state_of(order_ids) == {State.ACKNOWLEDGED}
    assert stranger.sign_for(stranger.events[-1]).status == 202
    assert state_of(order_ids) == {State.COMPLETED}

    other, _ = a_line_of(aggregator)
    refused = stop_all(other)
    (jti,) = stranger.poll(stream)
    stranger.poll(stream, maxEvents=0, setErrs={jti: {"err": "invalid_key", "description": "not today"}})
    order = Order.objects.get(id=refused[0])
    assert (order.state, order.note, order.parked_with) == (State.PARKED, "invalid_key: not today", "both")


def test_an_ended_agreement_to_its_receipt_with_counts(stranger: Stranger, aggregator: Aggregator) -> None:
    stranger.make_stream(PUSH)
    lines = [a_line_of(aggregator) for _ in range(3)]
    for line, _ in lines:
        choices.allow(line_id=line.pk, campaign=aggregator.campaign.ref, actor="subscriber:1", channel="web")
    delivery_rounds.sweep(now=database_clock())
    contract = Contract.objects.get(pk=aggregator.contract.pk)
    seen = termination.plan(of="contract", target_id=contract.pk, at=database_clock())
    cohort = terminate(
        of="contract", target_id=contract.pk, actor=an_actor(), reason="It is over.", plan_digest=seen.digest,
        at=database_clock(),
    )  # fmt: skip
    build_manifests(now=database_clock() + LATER)
    delivery_rounds.sweep(now=database_clock())
    claims = stranger.events[-1]
    ((kind, event),) = claims["events"].items()
    assert kind.endswith("/cohort-revoked")
    assert faults("cohort-revoked", claims) == []
    names, list_sha256 = stranger.fetch_list(event)
    index = claims_of(stranger.call("GET", f"{event['manifest']['url']}/0", "ssf.read").body)
    assert faults("manifest-index", index) == []
    assert [faults("manifest-line", {"sub": sub}) for sub in names] == [[]] * 3
    assert {*names} == {sub for _, sub in lines}
    assert stranger.sign_for(claims, acted_on=len(names), list_sha256="A" * 43).status == 400
    assert Cohort.objects.get(pk=cohort.pk).completed_at is None
    assert stranger.sign_for(claims, acted_on=len(names), list_sha256=list_sha256).status == 202
    assert Cohort.objects.get(pk=cohort.pk).completed_at is not None


def test_another_partner_fetches_nothing_of_it(stranger: Stranger, aggregator: Aggregator, site: str) -> None:
    assert stranger.call("GET", f"{site}/ssf/manifests/{'0' * 8}-0000-4000-8000-{'0' * 12}/0", "ssf.read").status == 404
    assert stranger.ask("POST", f"{site}/ssf/poll", b"{}", Content_Type="application/json").status == 401


def test_refusals_of_every_door_are_in_the_form_that_the_guide_names(stranger: Stranger, site: str) -> None:
    refused = stranger.call(
        "POST", f"{site}/ssf/receipts", "receipts:write", "x", content_type="application/secevent+jwt"
    )
    assert (refused.status, faults("error", refused.json())) == (400, [])
    for path, method in (("streams", "POST"), ("status", "POST"), ("verify", "POST")):
        wrong = stranger.call(method, f"{site}/ssf/{path}", "ssf.manage", {"stream_id": 7, "delivery": {}})
        assert (wrong.status, faults("error", wrong.json())) == (400, [])
    nobody = stranger.call("GET", f"{site}/ssf/streams", "receipts:write")
    assert (nobody.status, nobody.json()["err"], faults("error", nobody.json())) == (403, "access_denied", [])


def test_a_claim_is_answered_as_the_guide_has_it(stranger: Stranger, aggregator: Aggregator, site: str) -> None:
    claim = {
        "id": "claim-1", "campaign": aggregator.campaign.ref, "msisdn": "+12065550101", "method": "web",
        "captured_at": "2026-11-24T21:58:03Z", "captured_by": aggregator.campaign.lbs_provider.uri,
        "wording": "I agree.", "language": "en", "evidence_ref": "ev-1",
    }  # fmt: skip
    assert faults("claim", claim) == []
    answer = stranger.call("POST", f"{site}/api/v1/approvals", "approvals:write", claim)
    assert (answer.status, faults("claim-answer", answer.json())) == (200, [])
    assert answer.json()["status"] == "accepted"
    ours = stranger.call("POST", f"{site}/api/v1/approvals", "approvals:write", {**claim, "verified_by": "partner"})
    assert ours.status == 400


# The sandbox and the product, each over the wire alone: streams, poll, an ended agreement, books, keys.


type Start = Callable[..., Sandbox]


@pytest.fixture
def start(site: str, aggregator: Aggregator, tmp_path: Path) -> Iterator[Start]:
    """Start the sandbox with options of its own."""
    started: list[Sandbox] = []

    def begin(*options: str) -> Sandbox:
        started.append(Sandbox(site, aggregator, tmp_path, *options))
        return started[-1]

    yield begin
    for sandbox in started:
        sandbox.end()


def sweep_sandbox_and_portal() -> None:
    sweep_delivery.sweep(now=database_clock())


def swept(condition: Callable[[], bool]) -> None:
    """Sweep as the beat does, again and again: a push that a busy machine let fail is due once more soon."""

    def now() -> bool:
        sweep_sandbox_and_portal()
        return condition()

    until(now)


def completed(order_ids: list[Any]) -> bool:
    return {order.state for order in Order.objects.filter(id__in=order_ids)} == {State.COMPLETED}


def test_a_push_stream_of_its_own_is_verified_and_brings_orders(start: Start, aggregator: Aggregator) -> None:
    sandbox = start("--manage-stream")
    until(lambda: StreamEvent.objects.filter(kind="verification").exists())
    swept(lambda: bool(sandbox.get("/stream")["verified"]))
    shown = sandbox.get("/stream")["configuration"]
    assert faults("stream-configuration", shown) == []
    stream = Stream.objects.get()
    assert (shown["stream_id"], shown["delivery"]["endpoint_url"]) == (str(stream.pk), f"{sandbox.url}/events")
    # The contract's own address is no longer looked at.
    aggregator.listens("https://nowhere.example/events", f"{sandbox.url}/jwks.json")
    line = a_line()
    an_approval(line, aggregator.campaign)
    below = Party.objects.get(uri=BELOW)
    Dealing.objects.create(line_id=line.pk, aggregator=aggregator.party, party=below, last_at=database_clock())
    order_ids = stop_all(line)
    swept(lambda: completed(order_ids))


def test_by_polling_orders_and_verifications_come_all_the_same(start: Start, aggregator: Aggregator) -> None:
    sandbox = start("--poll")
    aggregator.listens("", f"{sandbox.url}/jwks.json")
    until(lambda: bool(sandbox.get("/stream")["verified"]))
    assert Stream.objects.get().method == Stream.Method.POLL
    line = a_line()
    an_approval(line, aggregator.campaign)
    order_ids = stop_all(line)
    until(lambda: completed(order_ids))
    assert [one["version"] for one in sandbox.get("/received")] == [1]


def test_an_ended_agreement_is_told_once_fetched_and_signed_for(start: Start, aggregator: Aggregator) -> None:
    sandbox = start()
    lines = [a_line() for _ in range(5)]
    for line in lines:
        an_approval(line, aggregator.campaign)
        choices.allow(line_id=line.pk, campaign=aggregator.campaign.ref, actor="subscriber:1", channel="web")
    sweep_sandbox_and_portal()
    seen = termination.plan(of="contract", target_id=aggregator.contract.pk, at=database_clock())
    cohort = terminate(
        of="contract", target_id=aggregator.contract.pk, actor=an_actor(), reason="It is over.",
        plan_digest=seen.digest, at=database_clock(),
    )  # fmt: skip
    build_manifests(now=database_clock() + LATER)
    swept(lambda: Cohort.objects.get(pk=cohort.pk).completed_at is not None)
    (shown,) = sandbox.get("/cohorts")
    assert (shown["state"], shown["acted_on"], shown["subject_count"]) == ("done", 5, 5)
    subs = {pairwise.subject(line_id=line.pk, party_id=aggregator.party.pk) for line in lines}
    states = {one["sub"]: (one["epoch"], one["allowed"], one["held"]) for one in sandbox.get("/state")}
    assert states == dict.fromkeys(subs, (2, [], 0))
    assert [one["state"] for one in sandbox.get("/receipts")][-1] == "accepted"
    # Our ledger shows that it went on: it is told of the end again, and signs for it again.
    campaign = aggregator.campaign
    use = Use(
        lines[0].pk, aggregator.party.pk, (aggregator.party.uri, campaign.lbs_provider.uri), campaign.purpose,
        campaign.scope, occurred_at=database_clock(), campaign=campaign.ref,
    )  # fmt: skip
    assert mark_contradicted_ends(uses=[use], at=database_clock()) == 1
    assert Cohort.objects.get(pk=cohort.pk).completed_at is None
    swept(lambda: Cohort.objects.get(pk=cohort.pk).completed_at is not None)
    assert [(one["state"], one["acted_on"], one["epoch"]) for one in sandbox.get("/cohorts")] == [("done", 5, 2)] * 2
    events = StreamEvent.objects.filter(cohort_id=cohort.pk).order_by("queued_at")
    assert [event.state for event in events] == [State.CONTRADICTED, State.COMPLETED]


def test_its_books_are_ours_and_a_lost_order_is_found(start: Start, aggregator: Aggregator) -> None:
    sandbox = start()
    lines = [a_line() for _ in range(3)]
    for line in lines:
        an_approval(line, aggregator.campaign)
        choices.allow(line_id=line.pk, campaign=aggregator.campaign.ref, actor="subscriber:1", channel="web")
    stop_all(lines[0])
    swept(lambda: len(sandbox.get("/state")) == 3)
    # What was acknowledged within the last seconds is not compared.
    Order.objects.update(acknowledged_at=F("acknowledged_at") - LATER)
    first = sandbox.post("/digest")
    assert (first["entries"], first["differing"]) == (2, [])
    sandbox.post("/fault?name=forget")
    sandbox.post("/fault?name=none")
    second = sandbox.post("/digest")
    assert second["entries"] == 0
    assert 1 <= len(second["differing"]) <= 2
    assert second["answers"][-1]["findings"]["partner_lacks"] == 2
    for answer in ({"run": second["run"], "differing": second["differing"]}, *second["answers"]):
        assert faults("digest-answer", answer) == []


def test_a_new_key_of_the_partner_is_found_by_us(start: Start, aggregator: Aggregator) -> None:
    sandbox = start()
    lines = [a_line() for _ in range(2)]
    for line in lines:
        an_approval(line, aggregator.campaign)
    first = stop_all(lines[0])
    swept(lambda: completed(first))
    kid = sandbox.post("/rotate")["kid"]
    second = stop_all(lines[1])
    # Our own set of its keys is fetched at most once a minute; until then the receipt waits.
    swept(
        lambda: any(
            "no key with this kid" in one["answers"][-1]["answer"]
            for one in sandbox.get("/receipts")[1:]
            if one["answers"]
        )
    )
    assert not completed(second)
    forget_when_it_was_fetched(aggregator.party)
    until(lambda: completed(second))
    assert kid in {key["kid"] for key in sandbox.get("/jwks.json")["keys"]}


def forget_when_it_was_fetched(party: Party) -> None:
    PartnerKeySet.objects.filter(party=party).update(fetched_at=database_clock() - timedelta(minutes=2))
