"""A story in the news: stops at the rate of 100,000 an hour beside people who look and a gateway that asks.

Real uvicorn, real workers and beat, a real receiver, and everybody on one machine, the people and the gateway too. Each
stop is seven requests without an account. Then the same stops beside readers who never pause.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count

from accounts.models import Account
from accounts.primitives.sealing import number_hash, seal
from audit.queries import database_clock
from partners.models import Campaign, Contract
from portal import demo_phone
from revocations.models import Order, State
from tools.bench import gateway, measure, world
from tools.bench.crowd import Browser, PageLog, at_pace, stop
from tools.bench.gate import OURS
from tools.bench.measure import Bench, BenchmarkFailed, Result, percentile
from tools.demo.processes import UVICORN, answers, build_celery_command, free_port

AN_HOUR = 100_000
A_SECOND = AN_HOUR / 3600
SECONDS = 30.0
STOPS = int(A_SECOND * SECONDS)
CROWDED_STOPS = STOPS // 3
LOOKS_A_SECOND, ASKED_A_SECOND, ASKERS = 2.0, 50.0, 8
READERS, CROWD = 6, 24
AIM_MS = 300.0
DRAINS_WITHIN_S = 240.0
LOOKED_AT = ("/home/", "/history/", "/choices/", "/transparency/")
PAGES = "portal.asgi:application"
# To whom the gate goes before: a ninth of its weight, where the units of docs/running say a tenth (`CPUWeight`).
GIVES_WAY = ("/usr/bin/nice", "-n", "10")

LINES = """
WITH made AS (
    INSERT INTO accounts_line (carrier_id, account_id, holder_name_sealed, user_role, state, language, activated_at)
    SELECT %(name)s || '-' || n, %(account)s, '', 'user', 'WA', 'en', %(at)s FROM generate_series(0, %(last)s) AS n
    RETURNING id, carrier_id
), numbered AS (
    INSERT INTO accounts_linenumber (line_id, msisdn_hash, msisdn_sealed, starts_at)
    SELECT made.id, one.hash, one.sealed, %(at)s
    FROM unnest(%(hashes)s::bytea[], %(sealed)s::bytea[]) WITH ORDINALITY AS one (hash, sealed, place)
    JOIN made ON made.carrier_id = %(name)s || '-' || (place - 1)
)
SELECT count(*) FROM made
"""
APPROVALS = """
INSERT INTO consent_approval (line_id, id, campaign, method, captured_at, captured_by, wording, language, evidence_ref,
    verified_by, recorded_at, source_id, content_hash)
SELECT l.id, gen_random_uuid(), named.campaign, 'sms', %(at)s, '', '', 'en', '', 'carrier', %(at)s,
    l.carrier_id || named.campaign, ''
FROM accounts_line l, unnest(%(campaigns)s::text[]) AS named (campaign) WHERE l.account_id = %(account)s
"""


@dataclass(frozen=True)
class Crowd:
    """Whom the benchmark plays."""

    numbers: Sequence[str]
    sessions: Sequence[str]
    contracts: Sequence[Contract]
    phones: demo_phone.Inbox


def run(bench: Bench) -> Result:
    """The 95th percentile of all pages in milliseconds; the ceiling is the 300 wanted. Fails if a stop is lost."""
    questions, token = gateway.lines(bench=bench), gateway.a_token()
    asked = gateway.build_questions(campaigns=questions, lines=bench.lines, count=2_000)
    load = [
        (gateway.http(path="/access/v1/evaluation", body=gateway.authzen(one.question), token=token),
         gateway.mark(one.answer), 1)
        for one in asked
    ]  # fmt: skip
    with ExitStack() as stack:
        crowd = _crowd(stack.enter_context(world.receiver()), questions)
        for kind in ("worker", "beat"):
            stack.enter_context(world.running(*GIVES_WAY, *build_celery_command(kind=kind, log_level="error")))
        gate, first = stack.enter_context(_gate())
        way = stack.enter_context(world.run_pooler())
        port, file = stack.enter_context(web_server(way)), stack.enter_context(gateway.temporary_load_file(load))
        bench.tell(
            f"stops: {len(crowd.numbers)} lines; {world.describe_pooling(way)}; "
            f"{_order(first)}, alone for {SECONDS:.0f} s"
        )
        alone = _gate_p99(gate, file, first)
        seen, looked = PageLog(), PageLog()
        with ThreadPoolExecutor(2) as beside:
            answered = beside.submit(_gate_p99, gate, file, first)
            looking = beside.submit(_look, port, looked, crowd.sessions)
            began, before = time.monotonic(), measure.spent()
            took = at_pace(count=STOPS, a_second=A_SECOND, act=lambda n: _stop(port, seen, crowd, n))
            looking.result()
            busy = answered.result()
        _tell_pages(bench, seen, looked, took)
        bench.tell(f"stops: gate p99 {busy:.1f} ms beside it, {alone:.1f} ms alone: {busy / alone:.2f} times")
        _tell_work(bench, crowd, began, before)
        _overload(bench, port, crowd)
    return Result("stops", percentile([*seen.ms(), *looked.ms()], 0.95), "ms", AIM_MS)


@contextmanager
def _gate() -> Iterator[tuple[int, Sequence[str]]]:
    """Run the gate in a process that goes before all others. Yields its port, and what is put before its command.

    So does the database, by whose sessions it answers. The same is put before the gateway's command, which on its own
    machine would wait for nobody here.
    """
    first = gateway.at_once()
    with measure.database_first() if first else nullcontext(), gateway.server(OURS, before=first) as port:
        yield port, first


def _order(first: Sequence[str]) -> str:
    return (
        "the gate and the database go first at once (rr)" if first else "the gate has nine times the weight of others"
    )


def _crowd(url: str, campaigns: Sequence[Campaign]) -> Crowd:
    at = database_clock() - timedelta(days=60)
    Contract.objects.filter(ref__startswith="BENCH-gate-").update(endpoint_url=url)
    count = STOPS + CROWDED_STOPS + READERS
    numbers = [f"+1206{2_000_000 + n}" for n in range(count)]
    write_lines(name="stops", numbers=numbers, campaigns=campaigns[:2], at=at)
    with world.let_people_sign_in():
        sessions = [world.get_session(world.sign_in(number)) for number in numbers[-READERS:]]
    contracts = list(Contract.objects.filter(ref__startswith="BENCH-gate-"))
    return Crowd(numbers[:-READERS], sessions, contracts, demo_phone.Inbox())


def write_lines(*, name: str, numbers: Sequence[str], campaigns: Sequence[Campaign], at: datetime) -> None:
    """Write a line for each number, `NAME-0` the first, with an approval of each of these campaigns."""
    values: dict[str, Any] = {
        "name": name, "account": Account.objects.create(carrier_id=f"bench-{name}").pk, "at": at,
        "last": len(numbers) - 1,
        "hashes": [number_hash(one) for one in numbers], "sealed": [seal(one) for one in numbers],
        "campaigns": [one.ref for one in campaigns],
    }  # fmt: skip
    for statement in (LINES, APPROVALS):
        with connection.cursor() as cursor:
            cursor.execute(statement, values)


@contextmanager
def web_server(way: str, application: str = PAGES, *, before: Sequence[str] = GIVES_WAY) -> Iterator[int]:
    """Run the web server with two processes, of pages or of another application beside this file; yields its port.

    `before`: put before its command.
    """
    port = free_port(0)
    folder = settings.BASE_DIR if application == PAGES else Path(__file__).parent
    where = ("--app-dir", str(folder), "--workers", "2", "--host", "127.0.0.1", "--port", str(port))
    # Texts go where the people of this benchmark read them.
    command = (
        *before,
        "/usr/bin/env",
        "SMS_BACKEND=portal.demo_phone.Backend",
        *([f"DATABASE_URL={way}"] if way else []),
        sys.executable,
        "-m",
        "uvicorn",
        *UVICORN,
        *where,
    )
    with world.running(*command, application):
        world.wait_until_up(lambda: answers(port=port, path="/healthz?0"), what="the web server")
        yield port


def _gate_p99(port: int, file: str, before: Sequence[str]) -> float:
    said = gateway.ask(port=port, file=file, connections=ASKERS, seconds=SECONDS, rate=ASKED_A_SECOND, before=before)
    return percentile(said.ms, 0.99)


def _stop(port: int, seen: PageLog, crowd: Crowd, number: int) -> None:
    stop(port=port, seen=seen, number=crowd.numbers[number], code=lambda one: crowd.phones.code(number=one))


def _look(port: int, seen: PageLog, sessions: Sequence[str]) -> None:
    def look(number: int) -> None:
        browser = Browser(port=port, seen=seen, session=sessions[number % len(sessions)])
        browser.look(LOOKED_AT[number % len(LOOKED_AT)], what="look")
        browser.close()

    at_pace(count=int(LOOKS_A_SECOND * SECONDS), a_second=LOOKS_A_SECOND, act=look)


def _tell_pages(bench: Bench, seen: PageLog, looked: PageLog, took: float) -> None:
    bench.tell(f"stops: {STOPS} of {STOPS} in {took:.1f} s, {STOPS / took * 3600:.0f} an hour")
    for kind in sorted({what for what, _, _ in seen.pages}):
        times = [1000 * seconds for what, _, seconds in seen.pages if what == kind]
        bench.tell(f"stops: {kind}: median {percentile(times, 0.5):.0f} ms, p95 {percentile(times, 0.95):.0f} ms")
    bench.tell(f"stops: looks: p95 {percentile(looked.ms(), 0.95):.0f} ms, {looked.count(503)} told to come back")


def _tell_work(bench: Bench, crowd: Crowd, began: float, before: Counter[str]) -> None:
    took, orders = _measure_drain(crowd.contracts, began)
    bench.tell(f"stops: {orders} orders taken, {orders / took:.1f} a second from the first stop on, none lost")
    cost = measure.format_processor_time(before, measure.spent(), count=STOPS)
    bench.tell(f"stops: processor time a stop, looks and questions beside it included, ms: {cost}")


def _measure_drain(contracts: Sequence[Contract], began: float) -> tuple[float, int]:
    """Return the seconds until every order was acknowledged, and how many. Raises BenchmarkFailed if some are not."""
    of_them = Order.objects.filter(contract_id__in=[one.pk for one in contracts])
    while True:
        states = dict(of_them.values_list("state").annotate(Count("id")))
        waiting = sum(states.values()) - states.get(State.ACKNOWLEDGED, 0)
        if not waiting and states:
            return time.monotonic() - began, states[State.ACKNOWLEDGED]
        if time.monotonic() - began > DRAINS_WITHIN_S:
            raise BenchmarkFailed(f"{waiting} orders were not taken in {DRAINS_WITHIN_S:.0f} s: {states}")
        time.sleep(0.2)


def _overload(bench: Bench, port: int, crowd: Crowd) -> None:
    """Do the same stops beside readers who never pause."""
    over, seen, looked = Event(), PageLog(), PageLog()

    def read(number: int) -> None:
        browser = Browser(port=port, seen=looked, session=crowd.sessions[number % READERS])
        while not over.is_set():
            browser.look(LOOKED_AT[number % len(LOOKED_AT)], what="look")

    with ThreadPoolExecutor(CROWD) as readers:
        reading = [readers.submit(read, number) for number in range(CROWD)]
        try:
            took = at_pace(count=CROWDED_STOPS, a_second=A_SECOND, act=lambda n: _stop(port, seen, crowd, STOPS + n))
        finally:
            over.set()
        for one in reading:
            one.result()
    shown, away = looked.count(200), looked.count(503)
    bench.tell(
        f"stops: beside {CROWD} readers who never pause: {CROWDED_STOPS} of {CROWDED_STOPS} stops in {took:.1f} s,"
        f" p95 {percentile(seen.ms(), 0.95):.0f} ms; {shown} looks shown, {away} told to come back"
    )
