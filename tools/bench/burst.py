"""A burst: 500 people who are signed in press "stop" at once, over 16 kept connections.

Each has a line of their own and two partners. Real uvicorn, real workers and beat, two real receivers, and everybody on
one machine, the people too. First whoever finds a connection free presses, then 500 others at half the pace of that.
"""

import itertools
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection

from accounts.models import Line
from audit.queries import database_clock
from consent.domain.notices import build_stop_notice
from partners.models import Campaign, Party
from revocations.models import Order
from tools.bench import measure, stops, world
from tools.bench.crowd import PATIENCE_S, Browser, PageLog
from tools.bench.measure import Bench, BenchmarkFailed, Result, percentile
from tools.demo.processes import build_celery_command

PEOPLE = 500
CONNECTIONS = 16
WARM_UP = 100
ARRIVES_WITHIN_S = 60.0
PARTNERS = ("burst-a", "burst-b")
BARE = "ceiling:application"
# Pages to workers: a third of their weight, as the units of docs/running say (`CPUWeight`).
GIVES_WAY = ("/usr/bin/nice", "-n", "5")


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in, and their line."""

    line_id: int
    session: str


@dataclass(frozen=True)
class BurstResult:
    """What one burst came to: stops taken in a second, how long answers took, and each order from click to 202."""

    a_second: float
    answered_ms: Sequence[float]
    arrived_s: Sequence[float]


def run(bench: Bench) -> Result:
    """Stops taken in a second, answered and committed.

    The ceiling: the same people at the same server with an application that writes one row and commits, and answers.
    Told besides: how long answers took, and from click to the partner's 202. Fails if a stop or an order is lost.
    """
    with ExitStack() as stack:
        urls = [stack.enter_context(world.receiver()) for _ in PARTNERS]
        people = make_people(urls=urls, count=WARM_UP + 2 * PEOPLE)
        bare = _bare(people[:PEOPLE])
        for kind in ("worker", "beat"):
            stack.enter_context(world.running(*build_celery_command(kind=kind, log_level="error")))
        way = stack.enter_context(world.run_pooler())
        port = stack.enter_context(stops.web_server(way, before=GIVES_WAY))
        bench.tell(f"burst: {len(people)} people; {world.describe_pooling(way)}; the bare server {bare:.0f}/s")
        measure_burst(port=port, urls=urls, people=people[:WARM_UP])
        before = measure.spent()
        full = measure_burst(port=port, urls=urls, people=people[WARM_UP:-PEOPLE])
        cost = measure.format_processor_time(before, measure.spent(), count=PEOPLE)
        _tell(bench, "as fast as it goes", full)
        bench.tell(f"burst: processor time a stop until its orders are taken, ms: {cost}")
        half = measure_burst(port=port, urls=urls, people=people[-PEOPLE:], a_second=full.a_second / 2)
        _tell(bench, "at half of that", half)
    return Result("burst", full.a_second, "stops/s", bare)


def _tell(bench: Bench, how: str, one: BurstResult) -> None:
    p50, p95, p99 = (percentile(one.answered_ms, part) for part in (0.5, 0.95, 0.99))
    bench.tell(
        f"burst: {how}: {len(one.answered_ms)} stops, {one.a_second:.0f}/s, answered in {p50:.0f} ms, p95 {p95:.0f},"
        f" p99 {p99:.0f}; from click to 202: p95 {percentile(one.arrived_s, 0.95):.2f} s, most"
        f" {max(one.arrived_s):.2f} s"
    )


def make_people(*, urls: Sequence[str], count: int) -> list[Person]:
    """Write so many lines with approvals of two partners, who answer there, and sign everybody in."""
    at = database_clock() - timedelta(days=60)
    campaigns = [_campaign(name, url) for name, url in zip(PARTNERS, urls, strict=True)]
    numbers = [f"+1206{3_000_000 + n}" for n in range(count)]
    stops.write_lines(name="burst", numbers=numbers, campaigns=campaigns, at=at)
    with world.let_people_sign_in():
        sessions = [world.get_session(world.sign_in(number)) for number in numbers]
    lines = dict(Line.objects.filter(carrier_id__startswith="burst-").values_list("carrier_id", "pk"))
    with world.owner().cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return [Person(lines[f"burst-{n}"], session) for n, session in enumerate(sessions)]


def _campaign(name: str, url: str) -> Campaign:
    contract = world.a_partner(name=name, url=url, at=database_clock() - timedelta(days=60))
    service = Party.objects.create(uri=f"https://{name}-finds.bench.example", name=f"{name} finds", kind="lbs_provider")
    return world.a_campaign(ref=f"BENCH-{name}", contract=contract, provider=service)


def _bare(people: Sequence[Person]) -> float:
    with stops.web_server("", BARE) as port:
        _press(port, PageLog(), people)
        began = time.monotonic()
        _press(port, PageLog(), people)
        return len(people) / (time.monotonic() - began)


def measure_burst(*, port: int, urls: Sequence[str], people: Sequence[Person], a_second: float = 0.0) -> BurstResult:
    """Have everybody press once, at this pace or as fast as they are answered. Raises BenchmarkFailed for what is lost.

    `a_second`: stops a second, whatever becomes of them; 0: the next as soon as a connection is free.
    """
    seen, began = PageLog(), time.monotonic()
    clicked = _press(port, seen, people, a_second=a_second)
    took = time.monotonic() - began
    return BurstResult(len(people) / took, seen.ms(), _arrivals(urls, clicked))


def _press(port: int, seen: PageLog, people: Sequence[Person], *, a_second: float = 0.0) -> dict[int, float]:
    """Return when each clicked, by line: at an even pace the moment when it was their turn."""
    turns, begin, clicked = itertools.count(), time.time(), dict[int, float]()
    form = {"scope": "all", "ref": "", "notice": build_stop_notice().digest}

    def one_connection(_: int) -> None:
        http = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        while (turn := next(turns)) < len(people):
            click = begin + turn / a_second if a_second else time.time()
            time.sleep(max(0.0, click - time.time()))
            clicked[people[turn].line_id] = click
            browser = Browser(port=port, seen=seen, session=people[turn].session, http=http)
            if not browser.press("/choices/stop/", form, what="stop").startswith("/choices/"):
                raise BenchmarkFailed("a stop led to no choice")
        http.close()

    with ThreadPoolExecutor(CONNECTIONS) as connections:
        list(connections.map(one_connection, range(CONNECTIONS)))
    return clicked


def _arrivals(urls: Sequence[str], clicked: dict[int, float]) -> list[float]:
    """Return how long each order took from its click to 202. Raises BenchmarkFailed where one is lost."""
    orders = list(Order.objects.filter(line_id__in=clicked).values_list("jti", "line_id"))
    if len(orders) != len(clicked) * len(PARTNERS):
        raise BenchmarkFailed(f"{len(clicked)} stops came to {len(orders)} orders")
    answered = world.wait_for_answers(urls=urls, jtis=[jti for jti, _ in orders], within_s=ARRIVES_WITHIN_S)
    return [answered[jti] - clicked[line_id] for jti, line_id in orders]
