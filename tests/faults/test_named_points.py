"""A real worker killed with SIGKILL where it hurts most: the order is delivered all the same, and never doubled."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings

from audit.queries import database_clock
from revocations.models import Attempt, State
from revocations.workers.delivery import delivery_rounds
from revocations.workers.delivery.claims import LEASE
from tests.faults.programs import PROJECT, Programs
from tests.forks import Forked
from tests.partners.outside import Asked, Outside
from tests.revocations.scenes import a_scene, stop_all, the_order

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def a_worker(folder: Path, point: str) -> Forked:
    environment = Programs(folder, web_port=1, broker_port=1).environment | {"BASE_URL": settings.BASE_URL}
    return Forked(
        [sys.executable, "-m", "tests.faults.worker", point], cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL
    )


def outcomes(order_id: UUID) -> list[str]:
    return list(Attempt.objects.filter(order_id=order_id).order_by("number").values_list("outcome", flat=True))


def after_the_lease() -> dict[str, int]:
    return dict(delivery_rounds.sweep(now=database_clock() + LEASE + timedelta(seconds=1)))


@pytest.mark.parametrize(("point", "sent"), [("claimed", 0), ("answered", 1)])
def test_killed_after_the_claim_or_after_the_202(outside: Outside, tmp_path: Path, point: str, sent: int) -> None:
    scene = a_scene(outside)
    (order_id,) = stop_all(scene.a_line())
    worker = a_worker(tmp_path, point)
    assert worker.wait(timeout=60) == -signal.SIGKILL
    assert len(scene.tokens()) == sent
    assert (the_order(order_id).state, the_order(order_id).attempts, outcomes(order_id)) == (State.QUEUED, 1, [])
    assert dict(delivery_rounds.sweep(now=database_clock())) == {}
    assert after_the_lease() == {"acknowledged": 1}
    assert (the_order(order_id).state, outcomes(order_id)) == (State.ACKNOWLEDGED, ["lost", "acknowledged"])
    assert len(scene.tokens()) == sent + 1
    assert len({str(token["jti"]) for token in scene.tokens()}) == 1


def test_killed_after_the_send_while_the_partner_still_thinks(outside: Outside, tmp_path: Path) -> None:
    scene = a_scene(outside)
    (order_id,) = stop_all(scene.a_line())
    worker = a_worker(tmp_path, "none")

    def kill(_: Asked) -> None:
        os.kill(worker.pid, signal.SIGKILL)

    scene.outside.on_post = kill
    assert worker.wait(timeout=60) == -signal.SIGKILL
    scene.outside.on_post = lambda _: None
    assert (the_order(order_id).state, len(scene.tokens())) == (State.QUEUED, 1)
    assert after_the_lease() == {"acknowledged": 1}
    first, second = scene.tokens()
    assert first == second


def test_a_worker_that_is_left_alive_delivers(outside: Outside, tmp_path: Path) -> None:
    scene = a_scene(outside)
    (order_id,) = stop_all(scene.a_line())
    assert a_worker(tmp_path, "none").wait(timeout=60) == 0
    assert the_order(order_id).state == State.ACKNOWLEDGED
