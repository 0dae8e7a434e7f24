"""How fast orders are delivered, beside a bare loop that signs and posts them; how long one waits while another hangs.

For the second there are real workers of Celery and real receivers. A stop is committed for both partners at once; it
has arrived when the healthy one says 202.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from django.conf import settings
from django.db import transaction

from audit.queries import database_clock
from partners.domain import keys, pairwise
from partners.models import Contract, SigningKey
from revocations.actions.orders import enqueue_order
from revocations.domain import wire
from revocations.domain.wire import EVERYTHING, Agreement
from revocations.models import Duty, Order, State
from tools.bench import world
from tools.bench.measure import Bench, BenchmarkFailed, Result, percentile
from tools.demo.processes import build_celery_command, build_tethered_command

SENDER = Path(__file__).with_name("sender.py")
ROUNDS = 3
MOST_A_ROUND = 3_000
NAMES_AT_ONCE = 10_000


def run(bench: Bench) -> Result:
    """Orders a second; the ceiling is the bare loop's. The median of three rounds of each, taken in turn."""
    count = min(max(bench.lines // 10, 100), MOST_A_ROUND)
    at = database_clock() - timedelta(minutes=1)
    with world.receiver() as url:
        contract = world.a_partner(name="orders", url=url, at=at)
        bench.tell(f"orders: {bench.lines} orders already received, and {ROUNDS} rounds of {count}")
        world.write_orders(
            contract=contract, first=world.FIRST_LINE, count=bench.lines, at=at - timedelta(days=30), received=True
        )
        ours, bare = [], []
        for number in range(ROUNDS):
            first = world.FIRST_LINE + bench.lines + number * count
            world.write_orders(contract=contract, first=first, count=count, at=at)
            _name(contract, first, count)
            world.analyze()
            orders = list(Order.objects.filter(party_id=contract.aggregator_id, state=State.QUEUED))
            bare.append(_bare(orders, contract, url))
            ours.append(_ours(contract, len(orders)))
            bench.tell(f"orders: round {number + 1}: {ours[-1]:.0f}/s, the bare loop {bare[-1]:.0f}/s")
    return Result("orders", median(ours), "orders/s", median(bare))


def _name(contract: Contract, first: int, count: int) -> None:
    """Name the lines: a partner that had a line's location knows it by a name already."""
    lines = range(first + 1, first + count + 1)
    for start in range(0, count, NAMES_AT_ONCE):
        pairwise.subjects(line_ids=lines[start : start + NAMES_AT_ONCE], party_id=contract.aggregator_id)


def _ours(contract: Contract, count: int) -> float:
    """As many workers as there are processors, as in production; their start is not counted."""
    command = build_tethered_command(sys.executable, str(SENDER), str(contract.aggregator_id))
    inside = {**os.environ, "PYTHONPATH": str(settings.BASE_DIR)}
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen(command, env=inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(os.cpu_count() or 1)
        ]
        ready = _read_lines(workers)
        began = time.perf_counter()
        for worker in workers:
            if worker.stdin:
                worker.stdin.write("\n")
                worker.stdin.close()
        said = _read_lines(workers)
        took = time.perf_counter() - began
    if "" in [*ready, *said]:
        raise BenchmarkFailed("a worker ended before its time")
    done = sum((Counter(json.loads(line)) for line in said), Counter[str]())
    if done != {"acknowledged": count}:
        raise BenchmarkFailed(f"not every order was acknowledged: {dict(done)}")
    return count / took


def _read_lines(workers: Sequence[subprocess.Popen[str]]) -> list[str]:
    return [worker.stdout.readline() for worker in workers if worker.stdout]


def _bare(orders: Sequence[Order], contract: Contract, url: str) -> float:
    """Sign and post, nothing else: no rows, no names, over one kept connection."""
    subs = pairwise.list_subjects(line_ids=[order.line_id for order in orders], party_id=contract.aggregator_id)
    audience = contract.aggregator.uri
    bodies = [wire.order_claims(order=order, audience=audience, sub=subs[order.line_id]) for order in orders]
    signer = keys.signer(use=SigningKey.Use.ORDER)
    http = HTTPConnection(url.split("/")[2], timeout=10)
    headers = {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}
    began = time.perf_counter()
    for claims in bodies:
        http.request("POST", "/events", signer.sign(claims), headers)
        answer = http.getresponse()
        answer.read()
        if answer.status != HTTPStatus.ACCEPTED:
            raise BenchmarkFailed(f"the receiver answered {answer.status}")
    took = time.perf_counter() - began
    http.close()
    return len(orders) / took


HANGS_S = 10.0
STOPS = 400
EVERY_S = 0.1
WARM_UP = 30
ARRIVES_WITHIN_S = 60.0
FAIR_LINES = 900_000_000


def run_fairness(bench: Bench) -> Result:
    """Milliseconds from commit to 202, at the 95th percentile, while another hangs; the ceiling: while none does."""
    at = database_clock() - timedelta(days=1)
    with ExitStack() as stack:
        urls = [stack.enter_context(world.receiver(hang_s=hang_s)) for hang_s in (0.0, 0.0, HANGS_S)]
        names = ("fair-a", "fair-b", "fair-c")
        well, other, hung = (world.a_partner(name=name, url=url, at=at) for name, url in zip(names, urls, strict=True))
        for kind in ("worker", "beat"):
            stack.enter_context(world.running(*build_celery_command(kind=kind, log_level="error")))
        bench.tell("fairness: waiting for the workers")
        _measure((well, other), WARM_UP, FAIR_LINES, urls[0])
        bench.tell(f"fairness: {STOPS} stops, both partners well")
        quiet = _measure((well, other), STOPS, FAIR_LINES + 10_000, urls[0])
        bench.tell(f"fairness: {STOPS} stops, the other hangs {HANGS_S:.0f} s on every call")
        beside = _measure((well, hung), STOPS, FAIR_LINES + 20_000, urls[0])
    return Result("fairness", 1000 * percentile(beside, 0.95), "ms", 1000 * percentile(quiet, 0.95))


def _measure(contracts: Sequence[Contract], count: int, first: int, url: str) -> list[float]:
    """Commit so many stops, one after the other, and return how long each took to the first of these partners."""
    committed: dict[str, float] = {}
    begin = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begin + number * EVERY_S - time.monotonic()))
        jti, moment = _stop(first + number, contracts)
        committed[jti] = moment
    answered = world.wait_for_answers(urls=[url], jtis=committed, within_s=ARRIVES_WITHIN_S)
    return [answered[jti] - moment for jti, moment in committed.items()]


def _stop(line_id: int, contracts: Sequence[Contract]) -> tuple[str, float]:
    """Return the `jti` of the first partner's order, and the moment at which all were committed."""
    agreements = [
        Agreement(contract=one, state=[], before=[], actions=list(Duty.Action), scopes=[EVERYTHING])
        for one in contracts
    ]
    with transaction.atomic():
        told = enqueue_order(line_id=line_id, agreements=agreements, by="user", at=database_clock())
        jti = Order.objects.get(id=told[contracts[0].pk]).jti
        committing = time.time()
    return jti, committing
