"""How long a partner that is well waits for its orders while another hangs on every call, beside how long it does else.

Real workers of Celery, real receivers. A stop is committed for both partners at once; it has arrived when the healthy
one says 202.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta

from django.db import transaction

from audit.queries import database_clock
from partners.models import Contract
from revocations.actions.orders import enqueue_order
from revocations.domain.order_snapshots import EVERYTHING, Agreement
from revocations.models import Duty, Order
from tools.bench import world
from tools.bench.measure import Bench, BenchmarkFailed, Result, percentile
from tools.demo.processes import build_celery_command

HANGS_S = 10.0
STOPS = 400
EVERY_S = 0.1
WARM_UP = 30
ARRIVES_WITHIN_S = 60.0
FIRST_LINE = 900_000_000


def run(bench: Bench) -> Result:
    """Milliseconds from commit to 202, at the 95th percentile, while another hangs; the ceiling: while none does."""
    at = database_clock() - timedelta(days=1)
    with ExitStack() as stack:
        urls = [stack.enter_context(world.receiver(hang_s=hang_s)) for hang_s in (0.0, 0.0, HANGS_S)]
        names = ("fair-a", "fair-b", "fair-c")
        well, other, hung = (world.a_partner(name=name, url=url, at=at) for name, url in zip(names, urls, strict=True))
        for kind in ("worker", "beat"):
            stack.enter_context(world.running(*build_celery_command(kind=kind, log_level="error")))
        bench.tell("fairness: waiting for the workers")
        _measure((well, other), WARM_UP, FIRST_LINE, urls[0])
        bench.tell(f"fairness: {STOPS} stops, both partners well")
        quiet = _measure((well, other), STOPS, FIRST_LINE + 10_000, urls[0])
        bench.tell(f"fairness: {STOPS} stops, the other hangs {HANGS_S:.0f} s on every call")
        beside = _measure((well, hung), STOPS, FIRST_LINE + 20_000, urls[0])
    return Result("fairness", 1000 * percentile(beside, 0.95), "ms", 1000 * percentile(quiet, 0.95))


def _measure(contracts: Sequence[Contract], count: int, first: int, url: str) -> list[float]:
    """Commit so many stops, one after the other, and return how long each took to the first of these partners."""
    committed: dict[str, float] = {}
    begin = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begin + number * EVERY_S - time.monotonic()))
        jti, moment = _stop(first + number, contracts)
        committed[jti] = moment
    until = time.monotonic() + ARRIVES_WITHIN_S
    while True:
        answered = world.get_answer_times(url=url)
        missing = committed.keys() - answered.keys()
        if not missing:
            return [answered[jti] - moment for jti, moment in committed.items()]
        if time.monotonic() > until:
            raise BenchmarkFailed(f"{len(missing)} of {count} orders did not arrive in {ARRIVES_WITHIN_S:.0f} s")
        time.sleep(0.2)


def _stop(line_id: int, contracts: Sequence[Contract]) -> tuple[str, float]:
    """The `jti` of the first partner's order, and the moment at which all were committed."""
    agreements = [
        Agreement(contract=one, state=[], before=[], actions=list(Duty.Action), scopes=[EVERYTHING])
        for one in contracts
    ]
    with transaction.atomic():
        told = enqueue_order(line_id=line_id, agreements=agreements, by="user", at=database_clock())
        jti = Order.objects.get(id=told[contracts[0].pk]).jti
        committing = time.time()
    return jti, committing
