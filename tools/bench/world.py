"""What several benchmarks need: programs beside them, partners, campaigns, lines, orders, and people signed in."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client, override_settings

from accounts.clients.texts import MemoryBackend
from partners.models import Campaign, Contract, Party
from tools.bench.measure import BenchmarkFailed
from tools.demo.processes import answers, build_tethered_command, free_port, takes_calls

RECEIVER = Path(__file__).with_name("receiver.py")
STARTS_WITHIN_S = 120.0
FIRST_LINE = 1_000_000
PURPOSE, SCOPE = "dpv:RequestedServiceProvision", "location-retrieval:read"
CHOSEN = "three quiet words of a benchmark"

LINES = """
INSERT INTO accounts_line (carrier_id, account_id, holder_name_sealed, user_role, state, language, activated_at)
SELECT %(name)s || '-' || n, %(account)s, '', 'holder', 'WA', 'en', %(at)s
FROM generate_series(%(first)s, %(last)s) AS n
"""
# A stop of everything, as `revocations.actions.orders` writes it, for each of so many lines.
ORDERS = """
WITH made AS (
    SELECT %(first)s + n AS line_id, gen_random_uuid() AS id FROM generate_series(1, %(count)s) AS n
), orders AS (
    INSERT INTO revocations_order (line_id, id, contract_id, party_id, epoch, version, jti, txn, record_id, lane,
        snapshot, queued_at, state, attempts, next_attempt_at, sent_at, acknowledged_at, complete_by, parked_with, note)
    SELECT line_id, id, %(contract)s, %(party)s, 1, 1, replace(id::text, '-', ''), 'tx-' || replace(id::text, '-', ''),
        gen_random_uuid(), 'stop', %(snapshot)s::jsonb, %(at)s, 'queued', 0, %(at)s, NULL, NULL, %(complete_by)s, '', ''
    FROM made RETURNING line_id, id
)
INSERT INTO revocations_standing (line_id, contract_id, epoch, version, order_id)
SELECT line_id, %(contract)s, 1, 1, id FROM orders
"""
# Every order begins queued, and only a try that was answered so makes it acknowledged: the database holds both.
RECEIVED = """
INSERT INTO revocations_attempt (line_id, order_id, number, at, outcome, status, detail, token)
SELECT line_id, id, 1, %(at)s, 'acknowledged', 202, '', '' FROM revocations_order
WHERE party_id = %(party)s AND state = 'queued' AND line_id > %(first)s AND line_id <= %(first)s + %(count)s;
UPDATE revocations_order SET state = 'acknowledged', attempts = 1, next_attempt_at = NULL, sent_at = %(at)s,
    acknowledged_at = %(at)s
WHERE party_id = %(party)s AND state = 'queued' AND line_id > %(first)s AND line_id <= %(first)s + %(count)s
"""


@contextmanager
def receiver(*, hang_s: float = 0.0) -> Iterator[str]:
    """Run a receiver in a process of its own; yields its address."""
    port = free_port(0)
    store = str(settings.DATA_DIR / f"received-{port}")
    with running(sys.executable, "-I", "-S", str(RECEIVER), str(port), str(hang_s), store):
        wait_until_up(lambda: answers(port=port, path="/times"), what="the receiver")
        yield f"http://127.0.0.1:{port}/events"


@contextmanager
def running(*command: str) -> Iterator[None]:
    """Run a program beside this one, ended with it in any case."""
    process = subprocess.Popen(build_tethered_command(*command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_up(is_up: Callable[[], bool], *, what: str) -> None:
    """Wait for a program that was started. Raises BenchmarkFailed where it takes too long."""
    until = time.monotonic() + STARTS_WITHIN_S
    while not is_up():
        if time.monotonic() > until:
            raise BenchmarkFailed(f"{what} did not start")
        time.sleep(0.02)


def owner() -> BaseDatabaseWrapper:
    """Return the database as its owner reaches it, where this run has one."""
    return connections["owner" if "owner" in connections else "default"]


def connect_to(search_path: str) -> Any:
    """Return a connection of the application's own that finds its tables there."""
    connection.close()
    connection.ensure_connection()
    link, connection.connection = connection.connection, None
    link.execute(f"SET search_path = {search_path}")
    return link


def let_people_sign_in() -> override_settings:
    """Within it texts stay in memory, and signing in takes no longer than it must."""
    return override_settings(
        SMS_BACKEND="accounts.clients.texts.MemoryBackend",
        ANSWER_SECONDS=0.0,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )


def sign_in(number: str) -> Client:
    """By code and a first password, as a person does it."""
    browser = Client(SERVER_NAME="localhost")
    browser.post("/accounts/login/", {"number": number})
    code = next(text.code for text in reversed(MemoryBackend.outbox) if text.msisdn == number)
    browser.post("/accounts/login/code/", {"code": code})
    browser.post("/accounts/password/set/", {"password": CHOSEN})
    return browser


def get_session(browser: Client) -> str:
    """Return the key of its session, as its cookie has it."""
    return str(browser.cookies[settings.SESSION_COOKIE_NAME].value)


def time_look(browser: Client, path: str, *, search: str = "") -> float:
    """Return how many milliseconds a page takes, or a search. Raises BenchmarkFailed where it is not shown."""
    began = time.perf_counter()
    answer = browser.post(path, {"q": search}) if search else browser.get(path)
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        raise BenchmarkFailed(f"{path} answered {answer.status_code}")
    return took


def wait_for_answers(*, urls: Sequence[str], jtis: Collection[str], within_s: float) -> dict[str, float]:
    """When receivers said 202, by `jti`, once they have to all of these. Raises BenchmarkFailed for a missing one."""
    until = time.monotonic() + within_s
    while True:
        answered = {jti: at for url in urls for jti, at in get_answer_times(url=url).items()}
        missing = len(set(jtis) - answered.keys())
        if not missing:
            return answered
        if time.monotonic() > until:
            raise BenchmarkFailed(f"{missing} of {len(jtis)} orders did not arrive in {within_s:.0f} s")
        time.sleep(0.2)


def get_answer_times(*, url: str) -> dict[str, float]:
    """When a receiver said 202, by `jti`."""
    http = HTTPConnection(url.split("/")[2], timeout=10)
    try:
        http.request("GET", "/times")
        return dict(json.loads(http.getresponse().read()))
    finally:
        http.close()


def a_partner(*, name: str, url: str, at: datetime) -> Contract:
    """Return an aggregator whose agreement has this address."""
    party = Party.objects.create(uri=f"https://{name}.bench.example", name=name, kind=Party.Kind.AGGREGATOR)
    return Contract.objects.create(
        ref=f"BENCH-{name}", aggregator=party, signed_at=at, starts_at=at - timedelta(days=1),
        ends_at=at + timedelta(days=365), purposes=["dpv:FraudPreventionAndDetection"], endpoint_url=url,
    )  # fmt: skip


def a_campaign(*, ref: str, contract: Contract, provider: Party) -> Campaign:
    """Return a campaign of this location service under an agreement, for as long as that has."""
    return Campaign.objects.create(
        ref=ref, contract=contract, lbs_provider=provider, purpose=PURPOSE, description="Roadside help",
        consent_flow="sms", scope=SCOPE, precision_m=500, starts_at=contract.starts_at, ends_at=contract.ends_at,
    )  # fmt: skip


def write_orders(*, contract: Contract, first: int, count: int, at: datetime, received: bool = False) -> None:
    """Stops about `count` lines from `first` on: due now, or long `received`."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:00Z")
    actions = ("stop_use", "delete_held", "notify_downstream")
    snapshot = {
        "event_timestamp": int(at.timestamp()) // 60 * 60, "initiating_entity": "user",
        "agreement": f"http://localhost:8000/agreements/{contract.ref}", "epoch": 1, "version": 1, "snapshot": True,
        "changes": [
            {
                "scopes": ["location-retrieval:read"], "purpose": "dpv:FraudPreventionAndDetection",
                "recipient": "https://roadaid.example", "from": "granted", "to": "withdrawn",
            }
        ],
        "state": [], "default": "denied", "required_actions": list(actions),
        "duties": [{"action": action, "scope": {"all": True}, "since": stamp} for action in actions],
        "stop_by": stamp, "complete_by": stamp,
    }  # fmt: skip
    values: dict[str, Any] = {
        "first": first, "count": count, "contract": contract.pk, "party": contract.aggregator_id, "at": at,
        "snapshot": json.dumps(snapshot), "complete_by": at + timedelta(days=10),
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ORDERS, values)
        if received:
            cursor.execute(RECEIVED, values)


def analyze() -> None:
    """Let the planner know what was just loaded, as it does by itself an hour later."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE revocations_order, revocations_standing, partners_pairwisesubject")


PROGRAM = "pgbouncer"
# What sessions can't ask for through it, their role brings along.
OF_THE_ROLE = (
    "jit = off",
    "plan_cache_mode = force_generic_plan",
    "client_connection_check_interval = 500",
    "search_path = public, pg_temp",
)
# For two cores: more would only take turns, each with cold caches.
SESSIONS = 4
WHOLE = """
[databases]
{name} = host=127.0.0.1 port={behind} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 400
max_prepared_statements = 500
log_connections = 0
log_disconnections = 0
"""


@contextmanager
def run_pooler() -> Iterator[str]:
    """Run PgBouncer where this machine has it; yields the DATABASE_URL through it, or ""."""
    program = shutil.which(PROGRAM)
    if program is None:
        yield ""
        return
    with connection.cursor() as cursor:
        for one in OF_THE_ROLE:
            cursor.execute(f"ALTER ROLE CURRENT_USER SET {one}")
    behind, port, file = connection.settings_dict, free_port(0), Path(settings.DATA_DIR, "pgbouncer.ini")
    file.touch(mode=0o600)
    file.write_text(
        WHOLE.format(
            name=behind["NAME"],
            behind=behind["PORT"],
            user=behind["USER"],
            password=behind["PASSWORD"],
            port=port,
            sessions=SESSIONS,
        )
    )
    # It does not run as root, and reads its file before it becomes somebody else.
    somebody = ("-u", "nobody") if os.geteuid() == 0 else ()
    with running(program, "-q", *somebody, str(file)):
        wait_until_up(lambda: takes_calls(port=port), what=PROGRAM)
        yield f"postgresql://{behind['USER']}@127.0.0.1:{port}/{behind['NAME']}?options="


def describe_pooling(way: str) -> str:
    """Return how pages reach the database, in words."""
    return f"pages share {SESSIONS} sessions by {PROGRAM}" if way else f"no {PROGRAM}: a session for each thread"
