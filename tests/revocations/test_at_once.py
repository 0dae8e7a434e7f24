"""Two workers, two receipts, a person and a partner at the same moment: nothing is told, taken or counted twice."""

import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from accounts.models import Line
from audit.models import Incident
from audit.queries import database_clock
from consent.actions import choices
from consent.queries.choices import NEVER_AGREED
from partners.domain import keysets
from partners.models import Party, Suspension
from revocations.actions.cohorts import add_shard, publish_manifest
from revocations.actions.contradictions import Use, mark_contradicted_ends, mark_contradicted_orders
from revocations.actions.receipts import record_receipt
from revocations.actions.redelivery import reissue_orders
from revocations.actions.streams import NotAllowed, TooSoon, create_stream, pause_stream, set_status, verify_stream
from revocations.domain.receipts import ReceiptRefused
from revocations.domain.streams import RequestedStream, queue_event
from revocations.models import (
    Attempt,
    Breach,
    Breaker,
    CohortReceipt,
    EvidenceRequest,
    Order,
    PushTally,
    Receipt,
    Standing,
    State,
    Stream,
    StreamAttempt,
    StreamEvent,
    StreamHealth,
)
from revocations.workers import deadlines, stream_health, verification
from revocations.workers.deadlines import record_missing_evidence
from revocations.workers.delivery import claims, fairness, polling
from revocations.workers.delivery.claims import Clock
from tests.orders import bring_all_to, bring_to
from tests.overlapping import noted, overlap
from tests.partners.outside import Signer
from tests.revocations.ended import end
from tests.revocations.ordered import Ordered, a_stop, dealt_with
from tests.revocations.scenes import Scene, deliver, stop_all
from tests.revocations.signing import about, below, company
from tests.revocations.waiting import Waiting, run
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
RESPONSE = f"{settings.BASE_URL}/schemas/secevent/consent/event-type/evidence-response"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def a_stop_with_keys(scene: Scene) -> Ordered:
    """Our copy of the partner's keys is fresh, so that nobody fetches meanwhile."""
    ordered = a_stop(scene)
    keysets.key_of(party=scene.party, kid=scene.signer.kid, at=database_clock())
    return ordered


# Receipts


def test_a_receipt_handed_in_twice_is_kept_once(scene: Scene) -> None:
    ordered = a_stop_with_keys(scene)
    token = ordered.receipt()
    overlap(lambda: ordered.hand_in(token), lambda: ordered.hand_in(token))
    assert (Receipt.objects.count(), noted("order.receipt")) == (1, 1)


def test_one_jti_is_one_receipt_whatever_it_is_about(scene: Scene) -> None:
    one, other = a_stop_with_keys(scene), a_stop_with_keys(scene)
    first, second = (ordered.scene.signer.sign(ordered.claims(jti="rcpt-1")) for ordered in (one, other))
    with pytest.raises(ReceiptRefused, match="used for another receipt"):
        overlap(lambda: one.hand_in(first), lambda: other.hand_in(second))
    assert other.order.state == State.ACKNOWLEDGED


def test_two_receipts_that_bring_a_company_s_signature_each(scene: Scene) -> None:
    ordered = a_stop_with_keys(scene)
    companies = [company(scene.outside, name) for name in ("RoadAid", "AdReach")]
    dealt_with(ordered, *(party for party, _ in companies))

    def brings(party: Party, signer: Signer) -> Callable[[], None]:
        keysets.key_of(party=party, kid=signer.kid, at=database_clock())
        token = ordered.receipt(downstream=[below(party.uri, ordered.nested(signer))])
        return lambda: ordered.hand_in(token)

    overlap(*(brings(party, signer) for party, signer in companies))
    assert ordered.order.state == State.COMPLETED


def test_an_end_signed_twice_at_once_is_kept_once(scene: Scene) -> None:
    ended = end(scene)
    keysets.key_of(party=scene.party, kid=scene.signer.kid, at=database_clock())
    done, refused = ended.receipt(), ended.receipt(status="rejected", reason="no")
    overlap(lambda: ended.hand_in(done), lambda: ended.hand_in(refused))
    assert ended.state == State.COMPLETED
    again = ended.receipt()
    overlap(lambda: ended.hand_in(again), lambda: ended.hand_in(again))
    assert (CohortReceipt.objects.count(), noted("cohort.receipt")) == (3, 3)


def a_question_for_proof(scene: Scene) -> EvidenceRequest:
    """A person says of a campaign that they never agreed to it."""
    choices.stop(
        line_id=scene.a_line().pk, scope="campaign", ref=scene.campaign.ref, actor="subscriber:1", channel="web",
        reason=NEVER_AGREED,
    )  # fmt: skip
    return EvidenceRequest.objects.get()


def test_a_question_for_proof_is_noted_and_answered_once(scene: Scene) -> None:
    asked = a_question_for_proof(scene)
    late = database_clock() + 8 * DAY
    assert overlap(lambda: record_missing_evidence(now=late), lambda: record_missing_evidence(now=late)) == (1, 0)
    assert Incident.objects.get(kind="no_evidence").count == 1
    keysets.key_of(party=scene.party, kid=scene.signer.kid, at=database_clock())

    def answers(said: str) -> Callable[[], None]:
        token = scene.signer.sign(evidence(scene, asked, answer=said))
        return lambda: record_receipt(token=token, party=scene.party, at=database_clock())

    with pytest.raises(ReceiptRefused, match="answered already"):
        overlap(answers("none"), answers("evidence"))
    asked.refresh_from_db()
    assert (asked.answer, noted("evidence.answered")) == ("none", 1)


def evidence(scene: Scene, asked: EvidenceRequest, *, answer: str) -> dict[str, object]:
    return {
        "iss": scene.party.uri, "aud": settings.BASE_URL, "jti": f"ev-{uuid.uuid4().hex}", "iat": 1, "toe": 1,
        "txn": "tx-1", "sub_id": about(asked.jti),
        "events": {RESPONSE: {"event_timestamp": 1, "answer": answer, "captured_at": "2025-05-03T17:20:00Z"}},
    }  # fmt: skip


# Orders


def test_a_choice_and_a_partner_told_again_have_two_versions(scene: Scene) -> None:
    ordered = a_stop_with_keys(scene)

    def tells() -> int:
        return reissue_orders(places=[(ordered.line.pk, scene.contract.pk)], at=database_clock())

    def allows() -> object:
        return choices.allow(line_id=ordered.line.pk, campaign=scene.campaign.ref, actor="subscriber:1", channel="web")

    assert overlap(tells, tells) == (1, 0)
    deliver(list(Order.objects.values_list("id", flat=True)))
    overlap(tells, allows)
    orders = Order.objects.filter(line_id=ordered.line.pk).order_by("version")
    assert [order.version for order in orders] == [1, 2, 3, 4]
    newest = orders.last()
    assert newest is not None
    assert Standing.objects.get().order_id == newest.id


def a_use(scene: Scene, line: Line) -> Use:
    return Use(
        line_id=line.pk, party_id=scene.party.pk, path=(scene.party.uri, scene.campaign.lbs_provider.uri),
        purpose=scene.campaign.purpose, scope=scene.campaign.scope, occurred_at=database_clock() + HOUR,
        campaign=scene.campaign.ref,
    )  # fmt: skip


def test_a_use_after_the_signature_contradicts_once(scene: Scene) -> None:
    ordered = a_stop_with_keys(scene)
    assert ordered.sign() == State.COMPLETED
    use, at = a_use(scene, ordered.line), database_clock() + 2 * HOUR

    def comes() -> int:
        return mark_contradicted_orders(uses=[use], at=at)

    assert overlap(comes, comes) == (1, 0)
    assert (Incident.objects.get().count, noted("order.contradicted"), Order.objects.count()) == (1, 1, 2)


def test_so_does_one_of_what_had_ended(scene: Scene) -> None:
    ended = end(scene)
    assert ended.sign() == State.COMPLETED
    use, at = a_use(scene, ended.lines[0]), database_clock() + 2 * HOUR

    def comes() -> int:
        return mark_contradicted_ends(uses=[use], at=at)

    assert overlap(comes, comes) == (1, 0)
    assert noted("cohort.contradicted") == 1
    assert StreamEvent.objects.filter(cohort_id=ended.cohort_id).count() == 2


# The way to a partner


def test_an_order_is_given_to_one_worker_or_poll(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one that is offered again, and an event."""
    monkeypatch.setattr(claims, "LEASE", HOUR)
    party_id, at = scene.party.pk, database_clock()

    def is_offered_again() -> None:
        order = Order.objects.filter(id__in=stop_all(scene.a_line()))
        bring_to(State.ACKNOWLEDGED, order, acknowledged_at=at, again_at=at)

    def is_an_event() -> None:
        queue_event(party_id=party_id, kind=StreamEvent.Kind.VERIFICATION, sub_id={}, event={}, at=at)

    def claimed() -> int:
        return len(claims.claim(party_id=party_id, clock=Clock(database_clock())).pushes)

    def polled() -> int:
        return len(claims.claim_for_poll(party_id=party_id, limit=10, now=database_clock()))

    for waits in (lambda: stop_all(scene.a_line()), is_offered_again, is_an_event):
        for first, second in ((claimed, claimed), (polled, polled), (polled, claimed)):
            waits()
            assert overlap(first, second) == (1, 0)


def test_no_more_is_in_flight_than_a_partner_s_share(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fairness, "IN_FLIGHT", 3)
    for _ in range(6):
        stop_all(scene.a_line())
    Breaker.objects.create(party_id=scene.party.pk)
    now = database_clock()

    def claimed() -> int:
        try:
            return len(claims.claim(party_id=scene.party.pk, clock=Clock(now), limit=2).pushes)
        except claims.Full:
            return 0

    assert overlap(claimed, claimed) == (2, 1)
    assert fairness.in_flight(party_id=scene.party.pk, now=now) == 3
    # When the workers died, the leases end, and others have the share.
    later = Clock(now + claims.LEASE + MINUTE)
    assert len(claims.claim(party_id=scene.party.pk, clock=later).pushes) == 3


def test_one_probe_finds_out_whether_a_partner_is_back(scene: Scene) -> None:
    stop_all(scene.a_line())
    now = database_clock()
    Breaker.objects.create(party_id=scene.party.pk, opened_at=now - MINUTE, open_until=now - MINUTE / 2)

    def claimed() -> int:
        return len(claims.claim(party_id=scene.party.pk, clock=Clock(now)).pushes)

    assert overlap(claimed, claimed) == (1, 0)
    assert StreamEvent.objects.count() == 1
    # Its lease over, a poll is given it as a try of its own.
    now += 2 * claims.LEASE
    polled, pushed = overlap(
        lambda: claims.claim_for_poll(party_id=scene.party.pk, limit=1, now=now),
        lambda: claims.claim(party_id=scene.party.pk, clock=Clock(now)).pushes,
    )
    assert [push.number for push in [*polled, *pushed]] == [2, 3]


def test_pushes_counted_at_once_are_all_counted(scene: Scene) -> None:
    now = database_clock()

    def counts() -> None:
        with transaction.atomic():
            fairness.record_pushes(party_id=scene.party.pk, tries=5, failures=2, at=now)

    overlap(counts, counts)
    tally = PushTally.objects.get()
    assert (tally.tries, tally.failures) == (10, 4)


def test_what_a_poller_refuses_twice_is_one_try(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    event = queue_event(party_id=scene.party.pk, kind=StreamEvent.Kind.VERIFICATION, sub_id={}, event={}, at=now)
    polling.offer(party_id=scene.party.pk, limit=10, now=now)

    def refuses(jti: str) -> None:
        polling.settle(
            party_id=scene.party.pk, acknowledged=(), errors={jti: ("invalid_request", "no")}, now=now + MINUTE
        )

    for jti in (Order.objects.get(id=order_id).jti, event.jti):
        overlap(partial(refuses, jti), partial(refuses, jti))
    for tries in (Attempt.objects.order_by("number"), StreamAttempt.objects.order_by("number")):
        assert list(tries.values_list("outcome", flat=True)) == ["polled", "refused"]


def test_what_a_poller_stored_and_refused_at_once_stays_stored(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    jti = Order.objects.get(id=order_id).jti
    polling.offer(party_id=scene.party.pk, limit=10, now=now)

    def says(acknowledged: tuple[str, ...], errors: dict[str, tuple[str, str]]) -> Callable[[], None]:
        return lambda: polling.settle(
            party_id=scene.party.pk, acknowledged=acknowledged, errors=errors, now=now + MINUTE
        )  # fmt: skip

    overlap(says((jti,), {}), says((), {jti: ("invalid_request", "no")}))
    assert Order.objects.get(id=order_id).state == State.ACKNOWLEDGED
    assert Attempt.objects.count() == 1


# Ended agreements, streams and clocks


def test_a_shard_is_listed_and_a_manifest_published_once(scene: Scene) -> None:
    ended = end(scene, listed=False)

    def lists() -> bool:
        return add_shard(cohort_id=ended.cohort_id, after=0, up_to=9, subs=["a", "b"])

    def publishes() -> bool:
        return publish_manifest(cohort_id=ended.cohort_id, after=9, at=database_clock()) is not None

    assert overlap(lists, lists) == (True, False)
    assert overlap(publishes, publishes) == (True, False)
    assert noted("manifest.published") == 1


def a_stream(scene: Scene) -> Stream:
    """One that was asked for nothing for a day."""
    then = database_clock() - DAY
    create_stream(party=scene.party, wanted=RequestedStream(), at=then)
    return Stream.objects.get()


def test_a_stream_is_asked_whether_it_lives_by_one_worker(scene: Scene) -> None:
    a_stream(scene)
    now = database_clock()
    assert overlap(lambda: verification.ask(now=now), lambda: verification.ask(now=now)) == (1, 0)
    assert StreamEvent.objects.count() == 1


def test_a_partner_asks_for_a_verification_once(scene: Scene) -> None:
    stream, now = a_stream(scene), database_clock()

    def asks() -> None:
        verify_stream(party=scene.party, stream_id=str(stream.id), state=None, at=now)

    with pytest.raises(TooSoon):
        overlap(asks, asks)
    assert StreamEvent.objects.count() == 1


def test_what_officers_pause_at_once_stays_paused(scene: Scene) -> None:
    stream, officer, now = a_stream(scene), an_actor(), database_clock()

    def pauses() -> None:
        pause_stream(party_id=scene.party.pk, actor=officer, reason="Due", at=now)

    def enables() -> None:
        set_status(party=scene.party, stream_id=str(stream.id), status=Stream.Status.ENABLED, reason="", at=now)

    with pytest.raises(NotAllowed):
        overlap(pauses, enables)
    Stream.objects.update(status=Stream.Status.ENABLED, status_by="partner:1")
    overlap(pauses, pauses)
    assert Stream.objects.get().status == Stream.Status.PAUSED
    assert (noted("stream.paused"), StreamEvent.objects.filter(kind=StreamEvent.Kind.STREAM_UPDATED).count()) == (2, 2)


def test_a_late_order_is_a_breach_once(scene: Scene) -> None:
    stop_all(scene.a_line())
    late = database_clock() + 30 * DAY

    def notes() -> int:
        return deadlines.record_overdue(now=late)

    # The first of its transactions is about ends of agreements, of which there is none.
    assert overlap(notes, notes, at_commit=2) == (1, 0)
    assert (Breach.objects.count(), Incident.objects.get(kind="overdue").count) == (1, 1)


def test_a_partner_that_let_three_questions_pass_is_denied_once(scene: Scene) -> None:
    a_stream(scene)
    now = database_clock()
    StreamHealth.objects.update(failed_verifications=3)
    assert overlap(lambda: stream_health.watch(now=now), lambda: stream_health.watch(now=now)) == (1, 0)
    assert (Suspension.objects.count(), noted("suspension.began")) == (1, 1)


def many_orders(scene: Waiting, n: int, *, state: str = "sent") -> None:
    """As many orders like the scene's, past the verbs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO revocations_order (line_id, id, contract_id, party_id, epoch, version, jti, txn, record_id,"
            " lane, snapshot, queued_at, state, attempts, next_attempt_at, complete_by, parked_with, note)"
            " SELECT 1000000 + n + (SELECT count(*) FROM revocations_order), gen_random_uuid(),"
            " contract_id, party_id, 1, 1, gen_random_uuid()::text, 'x', gen_random_uuid(), lane,"
            " snapshot, queued_at - n * interval '1 minute', 'queued', 0, queued_at,"
            " complete_by - n * interval '1 minute', '', ''"
            " FROM revocations_order, generate_series(1, %s) n WHERE line_id = %s",
            [n, scene.line.pk],
        )
    then = scene.began
    done = {"next_attempt_at": None, "acknowledged_at": then, "completed_at": then}
    bring_all_to(state, Order.objects.filter(line_id__gt=1_000_000), **({} if state == "sent" else done))


def as_autovacuum_would() -> None:
    """What is planned from here on knows how much there is."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE revocations_order, revocations_breach, partners_contract")


def plan(statement: str, values: dict[str, datetime | int] | list[datetime | str | int]) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", values)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_very_many_orders_are_looked_up_by_index_and_batched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "BATCH", 700)
    scene = Waiting()
    many_orders(scene, 2_000, state="completed")
    many_orders(scene, 2_000)
    run(scene.began - 2 * DAY, scene.began + DAY)
    as_autovacuum_would()
    late = plan(deadlines.LATE_ORDERS, {"now": scene.began, "since": scene.began - DAY, "batch": 700})
    assert "revocations_owed_by" in late
    assert "Seq Scan on revocations_order" not in late
    assert "Index Scan using revocations_waiting" in plan(stream_health.WAITING, ["us", scene.began, 20])
    began = time.monotonic()
    assert stream_health.watch(now=scene.began + 13 * HOUR) == 1
    assert time.monotonic() - began < 5
    assert deadlines.record_overdue(now=scene.began + 11 * DAY) == 2_001
    assert Incident.objects.get(kind="overdue").count == 2_001
    assert Breach.objects.filter(kind="complete").count() == 2_001
    again = time.monotonic()
    assert deadlines.record_overdue(now=scene.began + 11 * DAY) == 0
    assert time.monotonic() - again < 5
    as_autovacuum_would()
    mine = Order.objects.filter(pk=scene.order.pk)
    bring_to("completed", mine, acknowledged_at=scene.began, completed_at=scene.began)
    assert deadlines.record_late_completions() == 1
