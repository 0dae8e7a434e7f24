"""What happens to an order between our row and the partner's answer."""

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from audit.queries import database_clock
from partners.clients import http
from revocations import tasks
from revocations.actions import nudges
from revocations.models import Attempt, Order, State
from revocations.workers.delivery import claims, delivery_rounds, fairness
from revocations.workers.delivery.claims import LEASE, Clock
from revocations.workers.delivery.delivery_rounds import deliver_due, parties_due
from revocations.workers.delivery.records import Result, record
from revocations.workers.delivery.verdicts import Verdict, judge, retry_wait, wait_after
from tests.databases import cut_off
from tests.factories import NOW, a_campaign, a_contract, a_line, an_approval
from tests.faults.programs import until
from tests.partners.outside import Answer, Asked
from tests.properties import undone
from tests.revocations.scenes import Scene, a_scene, allow, deliver, stop_all, the_order
from tests.staff import move_endpoints

pytestmark = [pytest.mark.usefixtures("no_broker")]
SECOND = timedelta(seconds=1)


def attempts(order_id: UUID) -> list[tuple[int, str, int | None]]:
    rows = Attempt.objects.filter(order_id=order_id).order_by("number")
    return [(row.number, row.outcome, row.status) for row in rows]


def refusal(err: str) -> Answer:
    body = json.dumps({"err": err, "description": "because"})
    return Answer(400, body.encode(), {"Content-Type": "application/json", "Content-Language": "en"})


def wait_of(order: Order, *, since: datetime | None = None) -> timedelta:
    assert order.next_attempt_at is not None
    return order.next_attempt_at - (since or database_clock())


@pytest.mark.django_db
def test_a_202_acknowledges(scene: Scene) -> None:
    order_ids = [order_id for _ in range(12) for order_id in stop_all(scene.a_line())]
    order_id = order_ids[0]
    assert the_order(order_id).state == State.QUEUED
    assert deliver(order_ids) == {"acknowledged": 12}
    assert scene.outside.connections == 1
    order = the_order(order_id)
    assert (order.state, order.next_attempt_at, order.attempts) == (State.ACKNOWLEDGED, None, 1)
    assert order.acknowledged_at == order.sent_at is not None
    assert attempts(order_id) == [(1, "acknowledged", 202)]
    tokens = {attempt.token.encode() for attempt in Attempt.objects.all()}
    assert tokens == {asked.body for asked in scene.outside.posted}
    # It is not sent again.
    deliver(order_ids, after=timedelta(days=30))
    assert len(scene.tokens()) == 12


ANSWERS: list[tuple[Answer, State, str, str]] = [
    (Answer(200), State.SENT, "error", "answered 200"),
    (Answer(202, b"{}"), State.SENT, "error", "answered 202, but not empty: with a body"),
    (Answer(204), State.SENT, "error", "answered 204"),
    (Answer(300), State.SENT, "redirect", "answered 300; redirects are not followed"),
    (Answer(302), State.SENT, "redirect", "answered 302; redirects are not followed"),
    (Answer(401), State.SENT, "error", "answered 401"),
    (Answer(404), State.SENT, "error", "answered 404"),
    (Answer(429), State.SENT, "error", "answered 429"),
    (Answer(500), State.SENT, "error", "answered 500"),
    (Answer(503), State.SENT, "error", "answered 503"),
    (Answer(400), State.SENT, "error", "answered 400 without a reason"),
    (Answer(400, b"[]"), State.SENT, "error", "answered 400 without a reason"),
    (refusal("authentication_failed"), State.SENT, "refused", "authentication_failed: because"),
    (refusal("access_denied"), State.SENT, "refused", "access_denied: because"),
    (refusal("made_up"), State.SENT, "refused", "made_up: because"),
    (refusal("invalid_state"), State.SENT, "refused", "invalid_state: because"),
    (Answer(0), State.QUEUED, "no_connection", "ConnectionError"),
]


@pytest.mark.django_db
def test_everything_else_is_tried_again(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    for answer, state, outcome, note in ANSWERS:
        with undone():
            scene.outside.answers, before = [answer], database_clock()
            assert deliver([order_id]) == {outcome: 1}
            order = the_order(order_id)
            assert (order.state, order.note, order.acknowledged_at) == (state, note, None)
            assert (order.sent_at is not None) == (state == State.SENT)
            assert Attempt.objects.get().detail == note
            assert wait_of(order, since=before) >= 4 * SECOND
            assert wait_of(order) <= 6 * SECOND
            assert deliver([order_id]) == {}
            assert deliver([order_id], after=7 * SECOND) == {"acknowledged": 1}
            assert the_order(order_id).note == ""


@pytest.mark.django_db
def test_what_needs_a_person_is_parked_and_still_tried(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    answers = [
        (refusal("invalid_request"), State.PARKED, 60), (refusal("invalid_key"), State.PARKED, 15),
        (refusal("invalid_issuer"), State.PARKED, 15), (refusal("invalid_audience"), State.PARKED, 15),
        (Answer(503, headers={"Retry-After": "120"}), State.SENT, 2),
    ]  # fmt: skip
    for answer, state, minutes in answers:
        with undone():
            scene.outside.answers = [answer, Answer(500)]
            deliver([order_id])
            order = the_order(order_id)
            assert (order.state, order.sent_at is not None) == (state, state == State.SENT)
            assert timedelta(minutes=minutes - 1) < wait_of(order) <= timedelta(minutes=minutes)
            assert deliver([order_id], after=timedelta(minutes=minutes)) == {"error": 1}
            assert (the_order(order_id).state, the_order(order_id).parked_with) == (State.SENT, "")
            assert deliver([order_id], after=timedelta(minutes=minutes + 1)) == {"acknowledged": 1}


def test_a_202_that_broke_off_acknowledges_nothing() -> None:
    verdict = judge(reply=http.Reply(202, detail="the answer broke off"))
    assert (verdict.outcome, verdict.state) == ("error", State.SENT)


def test_a_refusal_in_other_than_words_is_read_as_far_as_it_goes() -> None:
    for body, outcome, note in (
        (b'{"err": 5}', "error", "answered 400 without a reason"),
        (b'{"err": "made_up", "description": 5}', "refused", "made_up"),
        (b'{"err": "made_up"}', "refused", "made_up"),
    ):
        verdict = judge(reply=http.Reply(400, body=body))
        assert (verdict.outcome, verdict.state, verdict.note) == (outcome, State.SENT, note), body


@pytest.mark.django_db
def test_a_silent_partner_has_been_sent_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    real = http.post
    monkeypatch.setattr(http, "post", lambda **sent: real(**sent, seconds=1))
    hold = threading.Event()
    (order_id,) = stop_all(scene.a_line())
    scene.outside.answers = [Answer(202, hold=hold)]
    assert deliver([order_id]) == {"no_answer": 1}
    hold.set()
    order = the_order(order_id)
    assert (order.state, order.note) == (State.SENT, "no answer in time")
    assert order.sent_at is not None


@pytest.mark.django_db
def test_what_was_sent_once_does_not_become_unsent(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    scene.outside.answers = [Answer(500), Answer(0), Answer(500)]
    deliver([order_id])
    sent_at = the_order(order_id).sent_at
    for after in (7 * SECOND, timedelta(minutes=1)):
        deliver([order_id], after=after)
        assert (the_order(order_id).state, the_order(order_id).sent_at) == (State.SENT, sent_at)
    assert deliver([order_id], after=timedelta(minutes=5)) == {"acknowledged": 1}
    assert the_order(order_id).sent_at == sent_at
    assert attempts(order_id) == [
        (1, "error", 500), (2, "no_connection", None), (3, "error", 500), (4, "acknowledged", 202),
    ]  # fmt: skip


def test_the_schedule_ends_never_and_is_jittered_by_a_fifth() -> None:
    steps = (5, 30, 120, 300, 900, 1800, 3600, 7200, 14400, 28800, 28800, 28800)
    orders = [uuid.UUID(int=n) for n in range(500)]
    for tries, step in enumerate(steps, 1):
        waits = [retry_wait(order_id=order_id, tries=tries) / SECOND for order_id in orders]
        assert min(waits) == pytest.approx(0.8 * step)
        assert max(waits) == pytest.approx(1.2 * step)
    assert retry_wait(order_id=orders[0], tries=9999) <= timedelta(hours=9, minutes=36)


def test_a_partner_is_left_alone_for_as_long_as_it_asks_but_an_hour_at_most() -> None:
    row, noon = uuid.uuid4(), datetime(2026, 12, 1, 12, tzinfo=UTC)
    usual, minute = retry_wait(order_id=row, tries=1), timedelta(minutes=1)
    for asked, waits in (
        ("120", 2 * minute), ("3601", 60 * minute), ("1", usual), ("soon", usual),
        ("Tue, 01 Dec 2026 12:30:00 GMT", 30 * minute), ("Tue, 01 Dec 2026 11:30:00 GMT", usual),
        # Numbers and zones beyond all bounds, and a zone that isn't known, which is read as UTC.
        ("9" * 30, 60 * minute), ("Tue, 01 Dec 2026 12:30:00 +" + "9" * 30, usual),
        ("Tue, 01 Dec 2026 12:30:00 -0000", 30 * minute),
    ):  # fmt: skip
        verdict = Verdict("error", State.SENT)
        assert wait_after(row_id=row, tries=1, verdict=verdict, retry_after=asked, at=noon) == waits, asked


@pytest.mark.django_db
def test_only_the_newest_is_sent_and_the_older_name_it(scene: Scene) -> None:
    line = scene.a_line()
    (first,) = stop_all(line)
    (second,) = allow(line, scene.campaign)
    (third,) = stop_all(line)
    deliver([first])
    assert (the_order(first).state, the_order(first).superseded_by) == (State.SUPERSEDED, third)
    assert scene.tokens() == []
    deliver([third])
    assert [event["version"] for event in scene.events()] == [3]
    assert (the_order(second).state, the_order(second).superseded_by) == (State.SUPERSEDED, third)
    assert (the_order(second).next_attempt_at, the_order(third).state) == (None, State.ACKNOWLEDGED)


@pytest.mark.django_db
def test_what_was_replaced_on_its_way_is_in_flight_no_longer(scene: Scene) -> None:
    line = scene.a_line()
    (first,), now = stop_all(line), database_clock()
    assert len(claims.claim(party_id=scene.party.pk, clock=Clock(now)).pushes) == 1
    assert deliver(allow(line, scene.campaign)) == {"acknowledged": 1}
    assert (the_order(first).state, fairness.in_flight(party_id=scene.party.pk, now=now)) == (State.SUPERSEDED, 0)


@pytest.mark.django_db
def test_nobody_s_move_is_awaited_for_an_order_that_a_newer_one_replaced(scene: Scene) -> None:
    line = scene.a_line()
    (first,) = stop_all(line)
    scene.outside.answers = [Answer(400, b'{"err": "invalid_audience"}')]
    deliver([first])
    assert (the_order(first).state, the_order(first).get_parked_with_display()) == (State.PARKED, "Both")
    (second,) = allow(line, scene.campaign)
    deliver([second])
    assert (the_order(first).state, the_order(first).get_parked_with_display()) == (State.SUPERSEDED, "")


@pytest.mark.django_db
def test_a_stop_then_an_allow_still_carries_the_deletion(scene: Scene) -> None:
    line = scene.a_line()
    (stopped,) = stop_all(line)
    scene.outside.answers = [Answer(0)]
    deliver([stopped])
    (allowed,) = allow(line, scene.campaign)
    deliver([allowed])
    (event,) = scene.events()[1:]
    assert event["state"] != []
    assert event["required_actions"] == ["stop_use", "delete_held", "notify_downstream"]
    duties = event["duties"]
    assert isinstance(duties, list)
    assert {"action": "delete_held", "scope": {"all": True}} in [
        {name: part for name, part in duty.items() if name != "since"} for duty in duties
    ]
    assert the_order(stopped).state == State.SUPERSEDED


@pytest.mark.django_db
def test_without_an_address_it_waits_or_goes_elsewhere(scene: Scene) -> None:
    address = scene.contract.endpoint_url
    move_endpoints(scene.contract, endpoint_url="")
    (order_id,) = stop_all(scene.a_line())
    assert deliver([order_id]) == {"no_connection": 1}
    assert (the_order(order_id).state, the_order(order_id).note) == (State.QUEUED, "no address is known")
    # Of two agreements' the newer one's, whichever of them was written down first.
    a_contract(scene.party, endpoint_url=address, starts_at=NOW)
    elsewhere = a_contract(scene.party)
    move_endpoints(elsewhere, endpoint_url=f"{scene.outside.url}/elsewhere")
    assert deliver([order_id], after=7 * SECOND) == {"acknowledged": 1}
    assert [asked.path for asked in scene.outside.posted] == [f"/{scene.party.pk}/events"]
    # One whose own agreement has an address goes there.
    line = a_line()
    an_approval(line, a_campaign(elsewhere))
    assert deliver(stop_all(line)) == {"acknowledged": 1}
    assert scene.outside.posted[-1].path == "/elsewhere"


@pytest.mark.django_db
def test_an_order_under_a_draft_goes_where_its_partner_is(scene: Scene) -> None:
    line = scene.a_line()
    draft = a_contract(scene.party, is_draft=True, endpoint_url=f"{scene.outside.url}/elsewhere")
    an_approval(line, a_campaign(draft, is_draft=True))
    assert deliver(stop_all(line)) == {"acknowledged": 2}
    assert {asked.path for asked in scene.outside.posted} == {f"/{scene.party.pk}/events"}


@pytest.mark.django_db
def test_after_a_silence_the_rest_is_given_back_untried(scene: Scene) -> None:
    order_ids = [order_id for _ in range(3) for order_id in stop_all(scene.a_line())]
    scene.outside.answers = [Answer(0)]
    assert deliver(order_ids) == {"no_connection": 1}
    orders = [the_order(order_id) for order_id in order_ids]
    assert sorted(order.attempts for order in orders) == [0, 0, 1]
    assert all(wait_of(order) <= 6 * SECOND for order in orders)
    assert {order.leased_until for order in orders} == {None}


@pytest.mark.django_db
def test_stops_go_before_allows(scene: Scene) -> None:
    allow(a_line(), scene.campaign)
    stop_all(scene.a_line())
    deliver_all()
    assert [event["state"] == [] for event in scene.events()] == [True, False]


def deliver_all() -> Mapping[str, int]:
    return delivery_rounds.sweep(now=database_clock())


@pytest.mark.django_db
def test_the_sweep_finds_what_no_nudge_told_of(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        stop_all(scene.a_line())
    call_command("sweep_revocations")
    assert capsys.readouterr().out == "acknowledged 3\n"
    call_command("sweep_revocations")
    assert capsys.readouterr().out == "nothing was due\n"


@pytest.mark.django_db
def test_the_sweep_hands_each_partner_to_its_own_task(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    other = a_scene(scene.outside, "NorthLink")
    line = scene.a_line()
    an_approval(line, other.campaign)
    stop_all(line)
    handed: list[int] = []
    monkeypatch.setattr(tasks.deliver_due, "delay", lambda *, party_id: handed.append(party_id))
    tasks.sweep()
    assert handed == sorted([scene.party.pk, other.party.pk])
    begun: list[list[int]] = []
    monkeypatch.setattr(delivery_rounds, "start_delivery", lambda *, party_ids, now: begun.append(sorted(party_ids)))
    tasks.deliver_due(party_id=handed[0])
    # Celery closes a task's session after it: to open one costs more than a push.
    with CaptureQueriesContext(connection) as asked:
        tasks.deliver(party_ids=handed)
    assert begun == [handed[:1], handed]
    assert len(asked) == 0


@pytest.mark.usefixtures("committed_db")
def test_a_stop_nudges_the_partners_that_it_concerns(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    other = a_scene(scene.outside, "NorthLink")
    a_scene(scene.outside, "FarLink")
    line = scene.a_line()
    an_approval(line, other.campaign)
    nudged: list[list[int]] = []
    monkeypatch.setattr(tasks.deliver, "delay", lambda *, party_ids: nudged.append(party_ids))
    stop_all(line)
    assert nudged == [sorted([scene.party.pk, other.party.pk])]


class HandTimer:
    """A timer that goes off when the test says so."""

    def __init__(self, wait: float, then: Callable[[], None]) -> None:
        self.daemon, self.go_off = False, then
        assert 0 < wait <= nudges.EVERY_S

    def start(self) -> None:
        assert self.daemon
        timers.append(self)


class NoThreads(HandTimer):
    """A timer in a process that may have no more threads."""

    def start(self) -> None:
        raise RuntimeError("can't start new thread")


timers: list[HandTimer] = []


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    told: list[list[int]] = []
    timers.clear()
    monkeypatch.setattr(tasks.deliver, "delay", lambda *, party_ids: told.append(party_ids))
    monkeypatch.setattr(nudges, "EVERY_S", 3600.0)
    monkeypatch.setattr(nudges, "Timer", HandTimer)
    return told


def test_nudges_right_after_one_another_go_out_together(nudged: list[list[int]]) -> None:
    process = nudges.Nudges()
    for party_ids in ([2], [3, 1], [4, 3]):
        process.send(party_ids=party_ids)
    # The first at once: mostly it is the only one.
    assert nudged == [[2]]
    timers.pop().go_off()
    assert (nudged, timers) == ([[2], [1, 3, 4]], [])
    process.send(party_ids=[5])
    assert nudged == [[2], [1, 3, 4]]
    timers.pop().go_off()
    assert nudged[2:] == [[5]]


def test_a_process_without_threads_nudges_at_once(nudged: list[list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    process = nudges.Nudges()
    process.send(party_ids=[1])
    with monkeypatch.context() as crowded:
        crowded.setattr(nudges, "Timer", NoThreads)
        process.send(party_ids=[2])
        process.send(party_ids=[3])
    assert nudged == [[1], [2], [3]]
    # And together again once it may.
    process.send(party_ids=[4])
    process.send(party_ids=[5])
    timers.pop().go_off()
    assert nudged[3:] == [[4, 5]]


@pytest.mark.usefixtures("nudged")
def test_a_nudge_that_a_broker_does_not_take_is_for_the_sweep(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*, party_ids: list[int]) -> None:
        raise ConnectionError(str(party_ids))

    monkeypatch.setattr(tasks.deliver, "delay", fail)
    process = nudges.Nudges()
    with pytest.raises(ConnectionError, match=r"\[1\]"):
        process.send(party_ids=[1])
    process.send(party_ids=[2])
    timers.pop().go_off()
    assert "workers can't be told of orders" in caplog.text


@pytest.mark.usefixtures("committed_db")
def test_a_task_is_free_and_a_thread_delivers(scene: Scene) -> None:
    hold = threading.Event()
    scene.outside.answers = [Answer(202, hold=hold)]
    (order_id,) = stop_all(scene.a_line())
    desk = delivery_rounds.get_dispatcher()
    desk.wake(party_ids=[scene.party.pk], now=database_clock(), linger_s=0.01)
    # It was handed over and not waited for: the partner has not answered yet.
    assert the_order(order_id).state == State.QUEUED
    (later,) = stop_all(scene.a_line())
    desk.wake(party_ids=[scene.party.pk], now=database_clock(), linger_s=0.01)
    hold.set()
    desk.finish(within_s=20)
    assert {the_order(one).state for one in (order_id, later)} == {State.ACKNOWLEDGED}


@pytest.mark.usefixtures("committed_db")
def test_a_worker_whose_session_was_cut_off_delivers_on_another(scene: Scene) -> None:
    (before,) = stop_all(scene.a_line())
    desk = delivery_rounds.get_dispatcher()
    desk.wake(party_ids=[scene.party.pk], now=database_clock(), linger_s=3600)
    until(lambda: the_order(before).state == State.ACKNOWLEDGED, 20)
    connections.close_all()
    with connections["owner"]._nodb_cursor() as cursor:
        cut_off(cursor, str(connection.settings_dict["NAME"]))
    (after,) = stop_all(scene.a_line())
    # The first is the sweep that finds its session gone, the second the one after it.
    for linger_s in (3600, 0.01):
        desk.wake(party_ids=[scene.party.pk], now=database_clock(), linger_s=linger_s)
        desk.finish(within_s=20)
    assert the_order(after).state == State.ACKNOWLEDGED


@pytest.mark.usefixtures("committed_db")
def test_a_dead_worker_s_order_comes_back_its_try_noted(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    (push,) = claims.claim(party_id=scene.party.pk, clock=Clock(now), only=[order_id]).pushes
    assert parties_due(now=now) == []
    assert deliver_due(party_id=scene.party.pk, now=now) == {}
    later = now + LEASE + SECOND
    assert deliver_due(party_id=scene.party.pk, now=later) == {"acknowledged": 1}
    # One that was only slow gives back no other's try.
    assert record(batch=[Result(push, None, later)]) == []
    assert (the_order(order_id).attempts, the_order(order_id).next_attempt_at) == (2, None)
    assert attempts(order_id) == [(1, "lost", None), (2, "acknowledged", 202)]


@pytest.mark.usefixtures("committed_db")
def test_nothing_is_pushed_inside_a_transaction(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    # The server's thread has a connection of its own: it sees the claim only if that is committed.
    seen: list[int] = []

    def look(_: Asked) -> None:
        seen.append(Order.objects.filter(id=order_id, attempts=1).count())
        connection.close()

    scene.outside.on_post = look
    deliver([order_id])
    assert seen == [1]


@pytest.mark.usefixtures("committed_db")
def test_a_slow_partner_holds_up_no_other(scene: Scene) -> None:
    other = a_scene(scene.outside, "NorthLink")
    line = scene.a_line()
    an_approval(line, other.campaign)
    order_ids = stop_all(line)
    other_has_it = threading.Event()

    def arrived(asked: Asked) -> None:
        if asked.path == f"/{other.party.pk}/events":
            other_has_it.set()
        else:
            assert other_has_it.wait(timeout=0.8 * http.SECONDS)

    scene.outside.on_post = arrived
    assert deliver(order_ids) == {"acknowledged": 2}
