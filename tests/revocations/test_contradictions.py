"""A partner that signed that it stopped, and went on."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from audit.models import Incident
from audit.queries import database_clock
from consent.actions.choices import pause, stop
from partners.models import Dealing
from revocations.actions.contradictions import Use, mark_contradicted_orders
from revocations.models import Duty, Order, State
from revocations.queries.coverage import coverage_of
from tests.factories import ADS, NOW, READ, ROADSIDE, a_campaign, a_line, a_party, an_approval
from tests.orders import bring_to
from tests.properties import undone
from tests.revocations.ordered import Ordered, a_stop, dealt_with
from tests.revocations.scenes import Scene, a_scene, allow, deliver, stamp, stop_all, the_order
from tests.revocations.signing import ACTIONS
from tests.revocations.signing import done as deeds

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
MINUTE = timedelta(minutes=1)


def a_use(ordered: Ordered, *, after: timedelta = MINUTE) -> Use:
    return Use(
        line_id=ordered.line.pk, party_id=ordered.scene.party.pk, purpose=ROADSIDE, scope=READ,
        path=(ordered.scene.party.uri, "https://roadaid.example"), occurred_at=database_clock() + after,
    )  # fmt: skip


def contradicted(*uses: Use, after: timedelta = timedelta(0)) -> int:
    return mark_contradicted_orders(uses=uses, at=database_clock() + after)


def open_duties() -> list[tuple[str, str]]:
    return sorted(Duty.objects.filter(discharged_at=None).values_list("action", "scope"))


def paused(scene: Scene) -> Ordered:
    """A pause that the partner acknowledged and signed for."""
    line, until = scene.a_line(), database_clock() + timedelta(days=1)
    made = pause(line_id=line.pk, scope="all", until=until, actor="subscriber:1", channel="web")
    deliver(list(made.order_ids))
    ordered = Ordered(scene, line, made.order_ids[0])
    ordered.sign()
    return ordered


def test_a_use_after_the_receipt_contradicts_it(ordered: Ordered) -> None:
    ordered.sign()
    assert contradicted(a_use(ordered), a_use(ordered)) == 1
    assert ordered.order.state == State.CONTRADICTED
    incident = Incident.objects.get()
    assert (incident.kind, incident.key) == ("contradicted", f"order:{ordered.order_id}")
    assert contradicted(a_use(ordered)) == 0
    # The word that was broken can't be given again: a newer order asks for one.
    assert ordered.sign() == State.CONTRADICTED
    assert open_duties() == [(action, f"{ROADSIDE} https://roadaid.example") for action in sorted(ACTIONS)]


def test_a_use_as_it_is_signed_breaks_no_word(ordered: Ordered) -> None:
    ordered.sign()
    signed_at = ordered.order.completed_at
    assert signed_at is not None
    for after, broken in ((timedelta(0), 0), (timedelta(microseconds=1), 1)):
        assert contradicted(replace(a_use(ordered), occurred_at=signed_at + after)) == broken


def test_a_use_after_a_signed_pause_must_end_too(scene: Scene) -> None:
    line = paused(scene).line
    (order_id,) = stop_all(line)
    deliver([order_id])
    stopped = Ordered(scene, line, order_id)
    assert stopped.order.snapshot["required_actions"] == ["delete_held", "notify_downstream"]
    stopped.sign()
    assert contradicted(a_use(stopped)) == 1
    assert open_duties() == [(action, f"{ROADSIDE} https://roadaid.example") for action in sorted(ACTIONS)]


def reopened(ordered: Ordered) -> Ordered:
    return Ordered(ordered.scene, ordered.line, Order.objects.order_by("-version")[0].id)


def test_what_was_contradicted_is_owed_told_and_done_again(ordered: Ordered) -> None:
    ordered.sign()
    used = a_use(ordered, after=timedelta(0))
    at = database_clock() + 2 * MINUTE
    mark_contradicted_orders(uses=[used], at=at)
    again = reopened(ordered)
    told = again.order.snapshot
    assert (again.order.version, again.order.state, again.order.next_attempt_at, told["state"]) == (2, "queued", at, [])
    assert (tuple(told["required_actions"]), again.order.complete_by) == (ACTIONS, at + timedelta(days=10))
    scope = {"purpose": ROADSIDE, "recipient": "https://roadaid.example"}
    assert [(duty["action"], duty["scope"], duty["since"]) for duty in told["duties"]] == [
        (action, scope, minute_of(used.occurred_at + MINUTE)) for action in sorted(ACTIONS)
    ]
    deliver([again.order_id], after=2 * MINUTE)
    assert again.sign(after=3 * MINUTE, actions=deeds(*ACTIONS, at=stamp(at))) == State.COMPLETED
    assert (open_duties(), ordered.order.state, ordered.order.superseded_by) == ([], "superseded", again.order_id)
    # The same use again, and the new word is not gone back on by it.
    assert contradicted(used, after=4 * MINUTE) == 0
    assert contradicted(a_use(ordered, after=5 * MINUTE), after=6 * MINUTE) == 1
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
    assert contradicted(used) == 1
    assert (ordered.order.state, again.order.state, open_duties()) == ("contradicted", "completed", [])
    assert Order.objects.count() == 3


def test_an_order_on_its_way_is_overtaken(ordered: Ordered) -> None:
    ordered.sign()
    other = a_campaign(ordered.scene.contract, a_party("AdReach", "lbs_provider"), purpose=ADS)
    (waiting,) = allow(ordered.line, other)
    contradicted(a_use(ordered), after=2 * MINUTE)
    newest = reopened(ordered).order
    assert (newest.version, newest.lane, tuple(newest.snapshot["required_actions"])) == (3, "stop", ACTIONS)
    assert [entry["purpose"] for entry in newest.snapshot["state"]] == [ADS]
    deliver([waiting, newest.id], after=2 * MINUTE)
    assert the_order(waiting).state == State.SUPERSEDED
    assert reopened(ordered).order.state == State.ACKNOWLEDGED


def test_a_pause_not_kept_is_owed_again_without_deleting(scene: Scene) -> None:
    assert contradicted(a_use(paused(scene))) == 1
    assert [action for action, _ in open_duties()] == ["notify_downstream", "stop_use"]


PATHS: list[tuple[tuple[str, ...], str]] = [
    (("geo",), "https://geobridge.example"),
    (("geo", "unknown"), "https://geobridge.example"),
    (("geo", "https://tow.example", "unknown"), "https://tow.example"),
    (("geo", "https://tow.example", "https://roadaid.example", "https://bail.example"), "https://roadaid.example"),
    ((), "unknown"),
]


def test_what_is_owed_again_names_the_last_known_company(ordered: Ordered) -> None:
    ordered.sign()
    for path, recipient in PATHS:
        with undone():
            named = tuple(ordered.scene.party.uri if uri == "geo" else uri for uri in path)
            assert contradicted(replace(a_use(ordered), path=named)) == 1
            assert {scope for _, scope in open_duties()} == {f"{ROADSIDE} {recipient}"}


def test_what_breaks_a_word_and_what_does_not(ordered: Ordered) -> None:
    other = a_scene(ordered.scene.outside, "NorthLink")
    # It was never signed.
    assert (contradicted(a_use(ordered)), ordered.state) == (0, State.ACKNOWLEDGED)
    with undone():
        dealt_with(ordered, a_party("RoadAid", "lbs_provider"))
        assert ordered.sign() == State.PARTIAL
        assert contradicted(a_use(ordered)) == 1
    ordered.sign()
    # Before the receipt; another partner's.
    assert contradicted(a_use(ordered, after=-MINUTE), replace(a_use(ordered), party_id=other.party.pk)) == 0
    with undone():
        # Another line's, looked at together.
        second = a_stop(ordered.scene)
        second.sign()
        assert contradicted(a_use(ordered, after=-MINUTE), a_use(second)) == 1
        assert (ordered.state, second.state) == (State.COMPLETED, State.CONTRADICTED)
    # A yes that was taken back breaks no word given before it.
    allow(ordered.line, ordered.scene.campaign)
    stop_all(ordered.line)
    assert (contradicted(a_use(ordered)), ordered.state, Incident.objects.count()) == (0, State.COMPLETED, 0)


def test_what_a_newer_order_allows_contradicts_nothing(ordered: Ordered) -> None:
    ordered.sign()
    (allowed,) = allow(ordered.line, ordered.scene.campaign)
    deliver([allowed])
    Ordered(ordered.scene, ordered.line, allowed).sign(actions=[])
    use = a_use(ordered)
    assert contradicted(use) == 0
    assert contradicted(replace(use, purpose=ADS)) == 1
    assert the_order(allowed).state == State.CONTRADICTED


def test_a_yes_that_is_only_acknowledged_lets_nothing_else_pass(ordered: Ordered) -> None:
    ordered.sign()
    (allowed,) = allow(ordered.line, ordered.scene.campaign)
    deliver([allowed])
    use = a_use(ordered)
    assert contradicted(use) == 0
    assert contradicted(replace(use, purpose=ADS), after=2 * MINUTE) == 1
    assert (ordered.order.state, the_order(allowed).state) == (State.CONTRADICTED, State.ACKNOWLEDGED)
    assert Incident.objects.get().key == f"order:{ordered.order_id}"
    newest = reopened(ordered).order
    assert [entry["purpose"] for entry in newest.snapshot["state"]] == [ROADSIDE]
    assert [duty["scope"]["purpose"] for duty in newest.snapshot["duties"]] == [ADS] * 3


def test_a_use_that_the_signed_order_allowed_contradicts_nothing(scene: Scene) -> None:
    other = a_campaign(scene.contract, a_party("AdReach", "lbs_provider"), purpose=ADS)
    line = scene.a_line()
    an_approval(line, other)
    first = stop(line_id=line.pk, scope="campaign", ref=other.ref, actor="subscriber:1", channel="web")
    deliver(list(first.order_ids))
    ordered = Ordered(scene, line, first.order_ids[0])
    ordered.sign()
    deliver(stop_all(line))
    assert (contradicted(a_use(ordered)), ordered.state) == (0, State.COMPLETED)


def test_who_received_until_the_partner_signed_for_all_is_due() -> None:
    """Whoever received after that is not what it signed for; in part, nobody knows yet who is left out."""
    campaign = a_campaign()
    for state, due in (
        (State.COMPLETED, ["By then", "Long known"]), (State.CONTRADICTED, ["By then", "Long known"]),
        (State.PARTIAL, ["By then", "Later", "Long known"]),
    ):  # fmt: skip
        line = a_line()
        an_approval(line, campaign)
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
        mine = Order.objects.filter(line_id=line.pk)
        bring_to(state, mine, acknowledged_at=NOW, completed_at=NOW)
        for name, first_at, last_at in (
            ("By then", NOW, NOW + timedelta(days=1)), ("Long known", None, NOW),
            ("Later", NOW + timedelta(microseconds=1), NOW + timedelta(days=1)),
        ):  # fmt: skip
            Dealing.objects.create(
                line_id=line.pk, aggregator=campaign.contract.aggregator, party=a_party(name, "end_customer"),
                first_at=first_at, last_at=last_at,
            )  # fmt: skip
        (covered,) = coverage_of(orders=mine).values()
        assert [one.name for one in covered.missing] == due, state
