"""Clocks where rows are really committed: two beats at once, and very many orders."""

import threading
import time
from datetime import datetime

import pytest
from django.db import connection, connections

from audit.models import Incident
from revocations.models import Breach, Order
from revocations.workers.clocks import health
from revocations.workers.clocks.dates import BATCH, LATE_ORDERS, mend_breaches, note_overdue
from revocations.workers.clocks.health import WAITING
from tests.orders import bring_all_to, bring_to
from tests.revocations.test_clocks import DAY, HOUR, Scene, denials, incidents, run

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
MANY = 15_000


def test_two_beats_at_once_make_one_row() -> None:
    scene = Scene()
    run(scene.began, scene.began + 2 * DAY)
    together, done = threading.Barrier(4), list[int]()

    def beat() -> None:
        together.wait(timeout=10)
        done.append(health.watch(now=scene.began + 2 * DAY))
        connection.close()

    beats = [threading.Thread(target=beat) for _ in range(4)]
    for one in beats:
        one.start()
    for one in beats:
        one.join()
    assert sorted(done) == [0, 0, 0, 1]
    assert (len(denials()), Breach.objects.count(), incidents()) == (1, 1, [("unhealthy", 1)])


def test_two_beats_at_once_count_each_late_order_once() -> None:
    scene = Scene()
    many_orders(scene, 300)
    together, done = threading.Barrier(3), list[int]()

    def beat() -> None:
        together.wait(timeout=10)
        done.append(note_overdue(now=scene.began + 11 * DAY))
        connection.close()

    beats = [threading.Thread(target=beat) for _ in range(3)]
    for one in beats:
        one.start()
    for one in beats:
        one.join()
    assert (sum(done), Breach.objects.count(), incidents()) == (301, 301, [("overdue", 301)])


def many_orders(scene: Scene, n: int, *, state: str = "sent") -> None:
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


def test_very_many_orders_are_looked_up_by_index_and_batched() -> None:
    scene = Scene()
    many_orders(scene, MANY, state="completed")
    many_orders(scene, MANY)
    run(scene.began - 2 * DAY, scene.began + DAY)
    as_autovacuum_would()
    late = plan(LATE_ORDERS, {"now": scene.began, "since": scene.began - DAY, "batch": BATCH})
    assert "revocations_owed_by" in late
    assert "Seq Scan on revocations_order" not in late
    assert "Index Scan using revocations_waiting" in plan(WAITING, ["us", scene.began, 20])
    began = time.monotonic()
    assert health.watch(now=scene.began + 13 * HOUR) == 1
    assert time.monotonic() - began < 5
    assert note_overdue(now=scene.began + 11 * DAY) == MANY + 1
    assert Incident.objects.get(kind="overdue").count == MANY + 1
    assert Breach.objects.filter(kind="complete").count() == MANY + 1
    again = time.monotonic()
    assert note_overdue(now=scene.began + 11 * DAY) == 0
    assert time.monotonic() - again < 5
    as_autovacuum_would()
    mine = Order.objects.filter(pk=scene.order.pk)
    bring_to("completed", mine, acknowledged_at=scene.began, completed_at=scene.began)
    assert mend_breaches() == 1
