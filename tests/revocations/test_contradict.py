"""A partner that signed that it stopped, and went on."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from audit.models import Incident
from audit.queries import database_clock
from consent.actions.choices import pause, stop
from partners.models import Campaign
from revocations.actions.contradictions import Use, contradict
from revocations.models import Duty, Order, State
from tests.factories import ADS, READ, ROADSIDE, a_campaign, a_party, an_approval
from tests.partners.outside import Outside
from tests.revocations.ordered import ACTIONS, Ordered, dealt_with
from tests.revocations.scenes import a_scene, allow, deliver, stamp, stop_all, the_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ordered(outside: Outside) -> Ordered:
    scene = a_scene(outside)
    line = scene.a_line()
    (order_id,) = stop_all(line)
    deliver([order_id])
    return Ordered(scene, line, order_id)


def a_use(ordered: Ordered, *, after: timedelta = MINUTE) -> Use:
    return Use(
        line_id=ordered.line.pk,
        party_id=ordered.scene.party.pk,
        path=(ordered.scene.party.uri, "https://roadaid.example"),
        purpose=ROADSIDE,
        scope=READ,
        occurred_at=database_clock() + after,
    )


def test_a_use_after_the_receipt_contradicts_it(ordered: Ordered) -> None:
    ordered.sign()
    assert contradict(uses=[a_use(ordered), a_use(ordered)], at=database_clock()) == 1
    assert ordered.order.state == State.CONTRADICTED
    incident = Incident.objects.get()
    assert (incident.kind, incident.key) == ("contradicted", f"order:{ordered.order_id}")
    assert contradict(uses=[a_use(ordered)], at=database_clock()) == 0
    # The word that was broken can't be given again: a newer order asks for one.
    assert ordered.sign() == State.CONTRADICTED
    assert open_duties() == [(action, f"{ROADSIDE} https://roadaid.example") for action in sorted(ACTIONS)]


def test_a_use_after_a_pause_and_a_stop_that_were_both_signed_must_end_as_well(outside: Outside) -> None:
    scene = a_scene(outside)
    line = scene.a_line()
    pause(
        line_id=line.pk, scope="all", until=database_clock() + timedelta(days=1), actor="subscriber:1", channel="web"
    )  # fmt: skip
    paused = Order.objects.get()
    deliver([paused.id])
    Ordered(scene, line, paused.id).sign()
    (order_id,) = stop_all(line)
    deliver([order_id])
    stopped = Ordered(scene, line, order_id)
    assert stopped.order.snapshot["required_actions"] == ["delete_held", "notify_downstream"]
    stopped.sign()
    assert contradict(uses=[a_use(stopped)], at=database_clock()) == 1
    assert open_duties() == [(action, f"{ROADSIDE} https://roadaid.example") for action in sorted(ACTIONS)]


def open_duties() -> list[tuple[str, str]]:
    return sorted(Duty.objects.filter(discharged_at=None).values_list("action", "scope"))


def reopened(ordered: Ordered) -> Ordered:
    return Ordered(ordered.scene, ordered.line, Order.objects.order_by("-version")[0].id)


def test_what_was_contradicted_is_owed_again_told_again_and_done_when_that_is_signed(ordered: Ordered) -> None:
    ordered.sign()
    used = a_use(ordered, after=timedelta(0))
    at = database_clock() + 2 * MINUTE
    contradict(uses=[used], at=at)
    again = reopened(ordered)
    told = again.order.snapshot
    assert (again.order.version, again.order.state, again.order.next_attempt_at, told["state"]) == (2, "queued", at, [])
    assert (tuple(told["required_actions"]), again.order.complete_by) == (ACTIONS, at + timedelta(days=10))
    scope = {"purpose": ROADSIDE, "recipient": "https://roadaid.example"}
    assert [(duty["action"], duty["scope"], duty["since"]) for duty in told["duties"]] == [
        (action, scope, minute_of(used.occurred_at + MINUTE)) for action in sorted(ACTIONS)
    ]
    deliver([again.order_id], after=2 * MINUTE)
    done = [{"action": action, "status": "completed", "at": stamp(at)} for action in ACTIONS]
    assert again.sign(after=3 * MINUTE, actions=done) == State.COMPLETED
    assert (open_duties(), ordered.order.state, ordered.order.superseded_by) == ([], "superseded", again.order_id)
    # The same use again, and the new word is not gone back on by it.
    assert contradict(uses=[used], at=database_clock() + 4 * MINUTE) == 0
    assert contradict(uses=[a_use(ordered, after=5 * MINUTE)], at=database_clock() + 6 * MINUTE) == 1
    assert (Incident.objects.count(), Order.objects.count()) == (2, 3)


def minute_of(at: datetime) -> str:
    return stamp(at.replace(second=0, microsecond=0))


def test_what_was_signed_again_since_is_not_owed_once_more(ordered: Ordered) -> None:
    ordered.sign()
    used = a_use(ordered, after=timedelta(0))
    assert allow(ordered.line, ordered.scene.campaign)
    deliver(stop_all(ordered.line))
    again = reopened(ordered)
    assert again.sign() == State.COMPLETED
    assert contradict(uses=[used], at=database_clock()) == 1
    assert (ordered.order.state, again.order.state, open_duties()) == ("contradicted", "completed", [])
    assert Order.objects.count() == 3


def test_an_order_on_its_way_is_overtaken_by_one_that_says_what_is_owed_again(ordered: Ordered) -> None:
    ordered.sign()
    other = a_campaign(ordered.scene.contract, a_party("AdReach", "lbs_provider"), purpose=ADS)
    (waiting,) = allow(ordered.line, other)
    contradict(uses=[a_use(ordered)], at=database_clock() + 2 * MINUTE)
    newest = reopened(ordered).order
    assert (newest.version, newest.lane, tuple(newest.snapshot["required_actions"])) == (3, "stop", ACTIONS)
    assert [entry["purpose"] for entry in newest.snapshot["state"]] == [ADS]
    deliver([waiting, newest.id], after=2 * MINUTE)
    assert the_order(waiting).state == State.SUPERSEDED
    assert reopened(ordered).order.state == State.ACKNOWLEDGED


def test_a_pause_that_was_not_kept_is_owed_again_and_nothing_is_to_be_deleted(outside: Outside) -> None:
    scene = a_scene(outside)
    line = scene.a_line()
    paused = pause(
        line_id=line.pk, scope="all", until=database_clock() + timedelta(days=1), actor="subscriber:1", channel="web"
    )
    deliver(list(paused.order_ids))
    ordered = Ordered(scene, line, paused.order_ids[0])
    ordered.sign()
    assert contradict(uses=[a_use(ordered)], at=database_clock()) == 1
    assert [action for action, _ in open_duties()] == ["notify_downstream", "stop_use"]


@pytest.mark.parametrize(
    ("path", "recipient"),
    [
        ((), "https://geobridge.example"),
        (("unknown",), "https://geobridge.example"),
        (("https://tow.example", "unknown"), "https://tow.example"),
        (("https://tow.example", "https://roadaid.example", "https://bail.example"), "https://roadaid.example"),
    ],
)
def test_what_is_owed_again_names_the_campaign_s_company_or_the_last_that_is_known(
    ordered: Ordered, path: tuple[str, ...], recipient: str
) -> None:
    ordered.sign()
    contradict(uses=[replace(a_use(ordered), path=(ordered.scene.party.uri, *path))], at=database_clock())
    assert {scope for _, scope in open_duties()} == {f"{ROADSIDE} {recipient}"}


def test_a_use_whose_path_names_nobody_contradicts_it_too(ordered: Ordered) -> None:
    ordered.sign()
    assert contradict(uses=[replace(a_use(ordered), path=())], at=database_clock()) == 1
    assert {scope for _, scope in open_duties()} == {f"{ROADSIDE} unknown"}


def test_a_use_before_the_receipt_does_not(ordered: Ordered) -> None:
    ordered.sign()
    assert contradict(uses=[a_use(ordered, after=-MINUTE)], at=database_clock()) == 0
    assert Incident.objects.count() == 0


def test_an_order_that_was_never_signed_is_not_contradicted(ordered: Ordered) -> None:
    assert contradict(uses=[a_use(ordered)], at=database_clock()) == 0
    assert ordered.order.state == State.ACKNOWLEDGED


def test_a_partial_receipt_is_a_word_too(ordered: Ordered) -> None:
    dealt_with(ordered, a_party("RoadAid", "lbs_provider"))
    assert ordered.sign() == State.PARTIAL
    assert contradict(uses=[a_use(ordered)], at=database_clock()) == 1


def test_what_a_newer_order_allows_contradicts_nothing(ordered: Ordered) -> None:
    ordered.sign()
    (allowed,) = allow(ordered.line, ordered.scene.campaign)
    deliver([allowed])
    Ordered(ordered.scene, ordered.line, allowed).sign(actions=[])
    use = a_use(ordered)
    assert contradict(uses=[use], at=database_clock()) == 0
    assert contradict(uses=[replace(use, purpose=ADS)], at=database_clock()) == 1
    assert the_order(allowed).state == State.CONTRADICTED


def test_a_yes_that_is_only_acknowledged_lets_nothing_else_pass(ordered: Ordered) -> None:
    ordered.sign()
    (allowed,) = allow(ordered.line, ordered.scene.campaign)
    deliver([allowed])
    use = a_use(ordered)
    assert contradict(uses=[use], at=database_clock()) == 0
    assert contradict(uses=[replace(use, purpose=ADS)], at=database_clock() + 2 * MINUTE) == 1
    assert (ordered.order.state, the_order(allowed).state) == (State.CONTRADICTED, State.ACKNOWLEDGED)
    assert Incident.objects.get().key == f"order:{ordered.order_id}"
    newest = reopened(ordered).order
    assert [entry["purpose"] for entry in newest.snapshot["state"]] == [ROADSIDE]
    assert [duty["scope"]["purpose"] for duty in newest.snapshot["duties"]] == [ADS] * 3


def test_a_yes_that_was_taken_back_breaks_no_word_given_before_it(ordered: Ordered) -> None:
    ordered.sign()
    allow(ordered.line, ordered.scene.campaign)
    stop_all(ordered.line)
    assert contradict(uses=[a_use(ordered)], at=database_clock()) == 0
    assert ordered.order.state == State.COMPLETED


def test_a_use_that_the_signed_order_still_allowed_does_not_contradict_it(outside: Outside) -> None:
    scene = a_scene(outside)
    other = a_campaign(scene.contract, a_party("AdReach", "lbs_provider"), purpose=ADS)
    line = scene.a_line()
    an_approval(line, other)
    first = stop(line_id=line.pk, scope="campaign", ref=other.ref, actor="subscriber:1", channel="web")
    deliver(list(first.order_ids))
    ordered = Ordered(scene, line, first.order_ids[0])
    ordered.sign()
    deliver(stop_all(line))
    assert contradict(uses=[a_use(ordered)], at=database_clock()) == 0
    assert ordered.order.state == State.COMPLETED


def test_another_partner_s_use_is_not_this_one_s(ordered: Ordered) -> None:
    ordered.sign()
    other = a_scene(ordered.scene.outside, "NorthLink")
    assert contradict(uses=[replace(a_use(ordered), party_id=other.party.pk)], at=database_clock()) == 0
    assert Campaign.objects.count() == 2
