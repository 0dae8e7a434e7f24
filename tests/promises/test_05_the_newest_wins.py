"""Promise 5. The newest wins: any order of arrival, with repeats; a late allow never overtakes a stop."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from audit.queries import database_clock
from partners.clients import http
from partners.domain import keys, pairwise
from revocations.models import Order, State
from revocations.workers.delivery import claims
from tests.faults.programs import Program, Programs, get
from tests.partners.outside import Answer, Outside
from tests.revocations.scenes import Scene, a_scene, allow, deliver, stop_all, the_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
STOP, ALLOW, STOP_AGAIN = 0, 1, 2
# Every order, and every order with each of the three once more, anywhere.
ARRIVALS = sorted(
    set(itertools.permutations([STOP, ALLOW, STOP_AGAIN]))
    | {arrival for again in range(3) for arrival in itertools.permutations([STOP, ALLOW, STOP_AGAIN, again])}
)


@pytest.fixture
def scene(outside: Outside, settings: Settings) -> Scene:
    """The carrier's keys stand on the server outside: the partner fetches them there."""
    settings.BASE_URL = outside.url
    outside.documents["/.well-known/jwks.json"] = json.dumps(keys.jwks(at=database_clock())).encode()
    return a_scene(outside)


@pytest.fixture
def partner(scene: Scene, tmp_path: Path) -> Iterator[Program]:
    programs = Programs(tmp_path, web_port=int(scene.outside.url.rpartition(":")[2]), broker_port=1)
    program = programs.partner("GeoBridge", scene.party.uri, "--fault", "drop-receipt")
    program.wait()
    yield program
    programs.end()


def test_whatever_the_order_of_arrival_the_partner_ends_at_stop(scene: Scene, partner: Program) -> None:
    url = f"http://127.0.0.1:{partner.port}"
    expected: dict[str, tuple[int, ...]] = {}
    for arrival in ARRIVALS:
        line = scene.a_line()
        ids = [*stop_all(line), *allow(line, scene.campaign), *stop_all(line)]
        orders = {order.id: order for order in Order.objects.filter(id__in=ids)}
        pushes = claims.sign_pushes(orders=[orders[order_id] for order_id in ids])
        for which in arrival:
            reply = http.post(
                url=f"{url}/events", body=pushes[which].token.encode(), content_type="application/secevent+jwt"
            )
            assert reply.status == 202
        expected[pairwise.subject(line_id=line.pk, party_id=scene.party.pk)] = arrival
    held = {one["sub"]: one for one in get(f"{url}/state")}
    assert {sub: held[sub]["state"] for sub in expected} == {sub: [] for sub in expected}
    assert {held[sub]["version"] for sub in expected} == {3}


def test_each_order_has_a_version_above_the_one_before(scene: Scene) -> None:
    line = scene.a_line()
    ids = [*stop_all(line), *allow(line, scene.campaign), *stop_all(line)]
    assert [(the_order(one).epoch, the_order(one).version) for one in ids] == [(1, 1), (1, 2), (1, 3)]


def test_no_allow_is_sent_after_a_newer_stop(scene: Scene) -> None:
    line = scene.a_line()
    stop_all(line)
    (allowed,) = allow(line, scene.campaign)
    (stopped,) = stop_all(line)
    deliver([allowed])
    deliver([stopped])
    assert [event["version"] for event in scene.events()] == [3]
    assert (the_order(allowed).state, the_order(allowed).superseded_by) == (State.SUPERSEDED, stopped)


def test_what_was_owed_is_owed_until_it_is_signed(scene: Scene) -> None:
    """Stop all while the partner is down, then allow one: the order that arrives still says delete."""
    line = scene.a_line()
    scene.outside.answers = [Answer(0)]
    deliver(stop_all(line))
    deliver(allow(line, scene.campaign))
    event = scene.events()[-1]
    assert event["state"] != []
    assert event["required_actions"] == ["stop_use", "delete_held", "notify_downstream"]
