"""How fast the gate answers, beside the most that the same server can do (`tools.bench.ceiling`).

Each server is uvicorn in one process with the same options. The asker checks every answer.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from http.client import HTTPConnection
from statistics import median

from tools.bench import gateway, measure
from tools.bench.gateway import ExpectedAnswer
from tools.bench.measure import Bench, BenchmarkFailed, Result, percentile

OURS, BARE = "portal.asgi:application", "ceiling:application"
PIPELINED = "pipelined:application"
ONE, MANY = "/access/v1/evaluation", "/access/v1/evaluations"
ROUNDS = 5
SECONDS = 5.0
CONNECTIONS = 16
QUESTIONS = 20_000
A_BATCH = 1_000
BATCHES = 20
BATCH_CONNECTIONS = 4
# So much longer the asker asks than it counts.
WARM_UP = 0.2


@dataclass(frozen=True)
class Side:
    """A running server and the file of what to ask it."""

    port: int
    file: str
    connections: int = CONNECTIONS
    before: Sequence[str] = ()

    def round(self, *, rate: float = 0.0) -> gateway.RoundResult:
        return gateway.ask(
            port=self.port, file=self.file, connections=self.connections, seconds=SECONDS, rate=rate, before=self.before
        )


def run(bench: Bench) -> Result:
    """Answers a second; the ceiling is the bare server's. The median of rounds of each, taken in turn.

    Told besides: what the bare server does that reads by our own pipeline instead of the driver's connections.
    """
    with _ours_and_bare(bench) as (ours, bare), gateway.server(PIPELINED) as port:
        pipelined, found = Side(port, bare.file), []
        told = "gate: round {}: {:.0f}/s, the bare server {:.0f}/s, by our pipeline {:.0f}/s"
        for number in range(ROUNDS):
            found.append((ours.round().a_second, bare.round().a_second))
            bench.tell(told.format(number + 1, *found[-1], pipelined.round().a_second))
        bench.tell(f"gate: processor time of a question: {_spent(ours, items=1)}; of the bare: {_spent(bare, items=1)}")
    return Result("gate", median(one for one, _ in found), "requests/s", median(other for _, other in found))


def run_p99(bench: Bench) -> Result:
    """Milliseconds in which 99 of 100 were answered, from when each was due; the ceiling is the bare server's.

    Both are asked at the same pace, whatever they answer: at half of what ours can do. Where this machine lets them,
    both go before all others as soon as they have something to do, and so do the database and whoever asks: else what
    is measured is in which order the kernel lets three programs have two processors.
    """
    first = gateway.at_once()
    bench.tell(f"gate_p99: {'by the real-time policy' if first else 'by the usual policy'}")
    with measure.database_first() if first else nullcontext(), _ours_and_bare(bench, before=first) as (ours, bare):
        rate = median(ours.round().a_second for _ in range(3)) / 2
        found = []
        for number in range(ROUNDS):
            found.append((percentile(ours.round(rate=rate).ms, 0.99), percentile(bare.round(rate=rate).ms, 0.99)))
            told = "gate_p99: round {} at {:.0f}/s: {:.2f} ms, the bare server {:.2f} ms"
            bench.tell(told.format(number + 1, rate, *found[-1]))
    return Result("gate_p99", median(one for one, _ in found), "ms", median(other for _, other in found))


def run_batch(bench: Bench) -> Result:
    """Items a second of a caller that asks for a thousand in each request; the ceiling is the same caller's one by one.

    Both have one connection and ask again when they were answered. A batch is of one campaign, which stands once beside
    its thousand lines; the same questions are asked one by one. Told besides: all that the process can answer in both
    ways, whoever asks.
    """
    campaigns, token = gateway.lines(bench=bench), gateway.a_token()
    batches = [
        gateway.build_gateway_batch(campaigns=campaigns, lines=bench.lines, count=A_BATCH, which=which % len(campaigns))
        for which in range(BATCHES)
    ]
    with (
        gateway.server(OURS) as port,
        gateway.temporary_load_file([_many(batch, token) for batch in batches]) as many,
        gateway.temporary_load_file([_one(asked, token) for batch in batches for asked in batch]) as one,
    ):
        _check_order(port, batches[0], token)
        alone = _measure_alternately(bench, "of one caller", Side(port, many, 1), Side(port, one, 1))
        together = _measure_alternately(bench, "of all callers", Side(port, many, BATCH_CONNECTIONS), Side(port, one))
        bench.tell("gate_batch: all that it can answer: {:.0f} items/s, one by one {:.0f}/s".format(*together))
        bench.tell(
            f"gate_batch: processor time of an item: {_spent(Side(port, many, BATCH_CONNECTIONS), items=A_BATCH)}"
        )
    return Result("gate_batch", alone[0], "items/s", alone[1])


def _measure_alternately(bench: Bench, whose: str, batch: Side, single: Side) -> tuple[float, float]:
    """Items a second in batches and one by one: the median of rounds of each, taken in turn."""
    found = []
    for number in range(ROUNDS):
        found.append((batch.round().a_second * A_BATCH, single.round().a_second))
        told = "gate_batch: {}, round {}: {:.0f} items/s, one by one {:.0f}/s: {:.1f} times"
        bench.tell(told.format(whose, number + 1, *found[-1], found[-1][0] / found[-1][1]))
    return median(items for items, _ in found), median(ones for _, ones in found)


@contextmanager
def _ours_and_bare(bench: Bench, *, before: Sequence[str] = ()) -> Iterator[tuple[Side, Side]]:
    campaigns, token = gateway.lines(bench=bench), gateway.a_token()
    questions = gateway.build_questions(campaigns=campaigns, lines=bench.lines, count=QUESTIONS)
    with (
        gateway.server(OURS, before=before) as our_port,
        gateway.server(BARE, before=before) as bare_port,
        gateway.temporary_load_file([_one(asked, token) for asked in questions]) as asked,
        gateway.temporary_load_file([gateway.bare(line_id) for line_id in gateway.line_ids(count=QUESTIONS)]) as read,
    ):
        yield Side(our_port, asked, before=before), Side(bare_port, read, before=before)


def _spent(side: Side, *, items: int) -> str:
    """Return what one round took of each program, for one item."""
    before = measure.spent()
    answered = side.round()
    took = measure.spent() - before
    return ", ".join(
        f"{whose} {ms / (len(answered.ms) * items * (1 + WARM_UP)) * 1000:.1f} us" for whose, ms in sorted(took.items())
    )


def _one(asked: ExpectedAnswer, token: str) -> gateway.Sent:
    return gateway.http(path=ONE, body=gateway.authzen(asked.question), token=token), gateway.mark(asked.answer), 1


def _many(batch: Sequence[ExpectedAnswer], token: str) -> gateway.Sent:
    allowed = sum(not asked.answer for asked in batch)
    return gateway.http(path=MANY, body=_body(batch), token=token), gateway.mark(""), allowed


def _body(batch: Sequence[ExpectedAnswer]) -> dict[str, object]:
    whole = [gateway.authzen(asked.question) for asked in batch]
    return {**whole[0], "evaluations": [{"resource": one["resource"]} for one in whole]}


def _check_order(port: int, batch: Sequence[ExpectedAnswer], token: str) -> None:
    """Raises BenchmarkFailed unless every answer stands where its question stood."""
    http = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    http.request("POST", MANY, json.dumps(_body(batch)), headers)
    said = json.loads(http.getresponse().read())
    http.close()
    if [one["context"].get("reason", "") for one in said["evaluations"]] != [asked.answer for asked in batch]:
        raise BenchmarkFailed("a batch was not answered in the order of its questions")
