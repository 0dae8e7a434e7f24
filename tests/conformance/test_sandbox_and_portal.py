"""The sandbox and the product, each over the wire alone: streams, poll, an ended agreement, books, keys."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from audit.queries import database_clock
from consent.actions import choices
from consent.actions.lines import terminate
from consent.queries import termination
from consent.workers.cohorts import build_manifests
from partners.domain import pairwise
from partners.models import Dealing, PartnerKeySet, Party
from revocations.actions.contradictions import Use, mark_contradicted_ends
from revocations.models import Cohort, Order, State, Stream, StreamEvent
from revocations.workers.delivery import sweep as sweep_delivery
from tests.conformance.schemas import faults
from tests.conformance.site import BELOW, LATER, Aggregator, Sandbox
from tests.factories import a_line, an_approval
from tests.revocations.scenes import stop_all
from tests.sandbox.process import until
from tests.staff import an_actor

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


def sweep() -> None:
    sweep_delivery.sweep(now=database_clock())


def swept(condition: Callable[[], bool]) -> None:
    """Sweep as the beat does, again and again: a push that a busy machine let fail is due once more soon."""

    def now() -> bool:
        sweep()
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
    sweep()
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
