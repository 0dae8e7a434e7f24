"""How fast orders are claimed, signed, pushed and recorded, beside a bare loop that only signs and posts them."""

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

from audit.queries import database_clock
from partners.domain import keys, pairwise
from partners.models import Contract, SigningKey
from revocations.domain import wire
from revocations.models import Order, State
from tools.bench import world
from tools.bench.measure import Bench, BenchmarkFailed, Result
from tools.demo.processes import build_tethered_command

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
            contract=contract,
            first=world.FIRST_LINE,
            count=bench.lines,
            at=at - timedelta(days=30),
            received=True,
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
    """A partner that had this line's location knows it by a name already."""
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
