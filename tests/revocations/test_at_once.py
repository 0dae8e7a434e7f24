"""Two workers, two receipts, a person and a partner at the same moment: nothing is told, taken or counted twice."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction

from accounts.models import Line
from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.actions import choices
from consent.actions.choices import NEVER_AGREED
from partners.domain import keysets
from partners.models import Party, Suspension
from revocations.actions.cohorts import add_shard, publish_manifest
from revocations.actions.contradictions import Use, contradict
from revocations.actions.receipts import record_receipt
from revocations.actions.reissue import reissue_orders
from revocations.actions.streams import NotAllowed, TooSoon, create_stream, pause_stream, set_status, verify_stream
from revocations.actions.term_end_contradictions import contradict_ends
from revocations.domain.receipts import ReceiptRefused
from revocations.domain.streams.stream_requests import StreamWanted
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
    StreamEvent,
    StreamHealth,
)
from revocations.workers import verification
from revocations.workers.clocks import health
from revocations.workers.clocks.dates import note_overdue
from revocations.workers.clocks.evidence import note_evidence
from revocations.workers.delivery import claims, fairness, polling
from revocations.workers.delivery.clock import Clock
from tests.overlapping import overlap
from tests.partners.outside import Outside, Signer
from tests.revocations.ended import end
from tests.revocations.ordered import Ordered, below, company, dealt_with, nested
from tests.revocations.scenes import Scene, a_scene, deliver, stop_all
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
RESPONSE = f"{settings.BASE_URL}/schemas/secevent/consent/event-type/evidence-response"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def scene(outside: Outside) -> Scene:
    return a_scene(outside)


def an_order(scene: Scene) -> Ordered:
    """A stop that the partner acknowledged; our copy of its keys is fresh, so that nobody fetches meanwhile."""
    line = scene.a_line()
    (order_id,) = stop_all(line)
    deliver([order_id])
    keysets.key_of(party=scene.party, kid=scene.signer.kid, at=database_clock())
    return Ordered(scene, line, order_id)


def noted(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


# Receipts


def test_a_receipt_handed_in_twice_is_kept_once(scene: Scene) -> None:
    ordered = an_order(scene)
    token = ordered.receipt()
    overlap(lambda: ordered.hand_in(token), lambda: ordered.hand_in(token))
    assert (Receipt.objects.count(), noted("order.receipt")) == (1, 1)


def test_one_jti_is_one_receipt_whatever_it_is_about(scene: Scene) -> None:
    one, other = an_order(scene), an_order(scene)
    first, second = (ordered.scene.signer.sign(ordered.claims(jti="rcpt-1")) for ordered in (one, other))
    with pytest.raises(ReceiptRefused, match="used for another receipt"):
        overlap(lambda: one.hand_in(first), lambda: other.hand_in(second))
    assert other.order.state == State.ACKNOWLEDGED


def test_two_receipts_that_each_bring_a_company_s_signature_bring_both(scene: Scene) -> None:
    ordered = an_order(scene)
    companies = [company(scene.outside, name) for name in ("RoadAid", "AdReach")]
    dealt_with(ordered, *(party for party, _ in companies))

    def brings(party: Party, signer: Signer) -> Callable[[], None]:
        keysets.key_of(party=party, kid=signer.kid, at=database_clock())
        token = ordered.receipt(downstream=[below(party.uri, nested(ordered, signer))])
        return lambda: ordered.hand_in(token)

    overlap(*(brings(party, signer) for party, signer in companies))
    assert ordered.order.state == State.COMPLETED


def test_an_end_signed_twice_at_once_is_kept_once_and_not_taken_back(scene: Scene) -> None:
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


def test_a_question_for_proof_is_answered_once(scene: Scene) -> None:
    asked = a_question_for_proof(scene)
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
        "txn": "tx-1", "sub_id": {"format": "jwt_id", "iss": settings.BASE_URL, "jti": asked.jti},
        "events": {RESPONSE: {"event_timestamp": 1, "answer": answer, "captured_at": "2025-05-03T17:20:00Z"}},
    }  # fmt: skip


def test_a_question_for_proof_that_nobody_answered_is_noted_once(scene: Scene) -> None:
    a_question_for_proof(scene)
    late = database_clock() + 8 * DAY
    assert overlap(lambda: note_evidence(now=late), lambda: note_evidence(now=late)) == (1, 0)
    assert Incident.objects.get(kind="no_evidence").count == 1


# Orders


def test_a_stop_and_a_partner_that_is_told_again_have_two_versions(scene: Scene) -> None:
    ordered = an_order(scene)
    place = (ordered.line.pk, scene.contract.pk)

    def tells() -> int:
        return reissue_orders(places=[place], at=database_clock())

    def allows() -> object:
        return choices.allow(line_id=ordered.line.pk, campaign=scene.campaign.ref, actor="subscriber:1", channel="web")

    overlap(tells, allows)
    orders = Order.objects.filter(line_id=ordered.line.pk).order_by("version")
    assert [order.version for order in orders] == [1, 2, 3]
    newest = orders.last()
    assert newest is not None
    assert Standing.objects.get().order_id == newest.id


def test_a_partner_is_told_again_once(scene: Scene) -> None:
    ordered = an_order(scene)
    place = (ordered.line.pk, scene.contract.pk)

    def tells() -> int:
        return reissue_orders(places=[place], at=database_clock())

    assert overlap(tells, tells) == (1, 0)
    assert Order.objects.count() == 2


def a_use(scene: Scene, line: Line) -> Use:
    return Use(
        line_id=line.pk, party_id=scene.party.pk, path=(scene.party.uri, scene.campaign.lbs_provider.uri),
        purpose=scene.campaign.purpose, scope=scene.campaign.scope, occurred_at=database_clock() + HOUR,
        campaign=scene.campaign.ref,
    )  # fmt: skip


def test_a_use_after_the_signature_contradicts_once(scene: Scene) -> None:
    ordered = an_order(scene)
    assert ordered.sign() == State.COMPLETED
    use, at = a_use(scene, ordered.line), database_clock() + 2 * HOUR

    def comes() -> int:
        return contradict(uses=[use], at=at)

    assert overlap(comes, comes) == (1, 0)
    assert (Incident.objects.get().count, noted("order.contradicted"), Order.objects.count()) == (1, 1, 2)


def test_so_does_one_of_what_had_ended(scene: Scene) -> None:
    ended = end(scene)
    assert ended.sign() == State.COMPLETED
    use, at = a_use(scene, ended.lines[0]), database_clock() + 2 * HOUR

    def comes() -> int:
        return contradict_ends(uses=[use], at=at)

    assert overlap(comes, comes) == (1, 0)
    assert noted("cohort.contradicted") == 1
    assert StreamEvent.objects.filter(cohort_id=ended.cohort_id).count() == 2


# The way to a partner


def test_an_order_is_claimed_by_one_worker(scene: Scene) -> None:
    stop_all(scene.a_line())
    now = database_clock()

    def claimed() -> int:
        return len(claims.claim(party_id=scene.party.pk, clock=Clock(now)).pushes)

    assert overlap(claimed, claimed) == (1, 0)


def test_of_two_polls_one_is_given_it(scene: Scene) -> None:
    stop_all(scene.a_line())
    now = database_clock()

    def polls() -> int:
        return len(claims.take_waiting(party_id=scene.party.pk, limit=10, now=now))

    assert overlap(polls, polls) == (1, 0)


def test_what_a_poll_was_given_is_not_pushed(scene: Scene) -> None:
    stop_all(scene.a_line())
    now = database_clock()
    given = overlap(
        lambda: len(claims.take_waiting(party_id=scene.party.pk, limit=10, now=now)),
        lambda: len(claims.claim(party_id=scene.party.pk, clock=Clock(now)).pushes),
    )
    assert given == (1, 0)


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


def test_one_probe_finds_out_whether_a_partner_is_back(scene: Scene) -> None:
    stop_all(scene.a_line())
    now = database_clock()
    Breaker.objects.create(party_id=scene.party.pk, opened_at=now - MINUTE, open_until=now - MINUTE / 2)

    def claimed() -> int:
        return len(claims.claim(party_id=scene.party.pk, clock=Clock(now)).pushes)

    assert overlap(claimed, claimed) == (1, 0)
    assert StreamEvent.objects.count() == 1


def test_pushes_counted_at_once_are_all_counted(scene: Scene) -> None:
    now = database_clock()

    def counts() -> None:
        with transaction.atomic():
            fairness.count(party_id=scene.party.pk, tries=5, failures=2, at=now)

    overlap(counts, counts)
    tally = PushTally.objects.get()
    assert (tally.tries, tally.failures) == (10, 4)


def test_what_a_poller_refuses_twice_is_one_try(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    jti = Order.objects.get(id=order_id).jti
    polling.offer(party_id=scene.party.pk, limit=10, now=now)

    def refuses() -> None:
        polling.settle(
            party_id=scene.party.pk, acknowledged=(), errors={jti: ("invalid_request", "no")}, now=now + MINUTE
        )

    overlap(refuses, refuses)
    assert list(Attempt.objects.order_by("number").values_list("outcome", flat=True)) == ["polled", "refused"]


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


def a_stream(scene: Scene) -> Stream:
    """One that was asked for nothing for a day."""
    then = database_clock() - DAY
    create_stream(party=scene.party, wanted=StreamWanted(), at=then)
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


def test_what_an_officer_paused_its_partner_does_not_enable(scene: Scene) -> None:
    stream, officer, now = a_stream(scene), an_actor(), database_clock()
    with pytest.raises(NotAllowed):
        overlap(
            lambda: pause_stream(party_id=scene.party.pk, actor=officer, reason="r", at=now),
            lambda: set_status(
                party=scene.party, stream_id=str(stream.id), status=Stream.Status.ENABLED, reason="", at=now
            ),
        )
    assert Stream.objects.get().status == Stream.Status.PAUSED


def test_a_stream_paused_by_two_officers_at_once_is_paused_and_told_once(scene: Scene) -> None:
    a_stream(scene)
    officer, now = an_actor(), database_clock()

    def pauses() -> None:
        pause_stream(party_id=scene.party.pk, actor=officer, reason="r", at=now)

    overlap(pauses, pauses)
    assert (noted("stream.paused"), StreamEvent.objects.filter(kind=StreamEvent.Kind.STREAM_UPDATED).count()) == (1, 1)


def test_a_late_order_is_a_breach_once(scene: Scene) -> None:
    stop_all(scene.a_line())
    late = database_clock() + 30 * DAY

    def notes() -> int:
        return note_overdue(now=late)

    # The first of its transactions is about ends of agreements, of which there is none.
    assert overlap(notes, notes, at_commit=2) == (1, 0)
    assert (Breach.objects.count(), Incident.objects.get(kind="overdue").count) == (1, 1)


def test_a_partner_that_let_three_questions_pass_is_denied_once(scene: Scene) -> None:
    a_stream(scene)
    now = database_clock()
    StreamHealth.objects.update(failed_verifications=3)
    assert overlap(lambda: health.watch(now=now), lambda: health.watch(now=now)) == (1, 0)
    assert (Suspension.objects.count(), noted("suspension.began")) == (1, 1)
