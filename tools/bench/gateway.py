"""The gate's servers, the lines they are asked about, and what must be answered."""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from joserfc.jwk import ECKey

from accounts.models import Account
from accounts.primitives.sealing import number_hash, seal
from audit.queries import database_clock
from consent.gate.shapes import Question
from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.models import Campaign, Client, Party, Reach
from tools.bench import world
from tools.bench.measure import Bench, BenchmarkFailed
from tools.demo.processes import UVICORN, answers, build_tethered_command, free_port

ASKER = Path(__file__).with_name("asker.py")
CAMPAIGNS = 8
FEWEST = 100
PART = 100_000
UNTIL = "2036-01-01T00:00:00Z"

NUMBERS = """
INSERT INTO accounts_linenumber (line_id, msisdn_hash, msisdn_sealed, starts_at)
SELECT l.id, one.hash, %(sealed)s, %(at)s
FROM unnest(%(hashes)s::bytea[]) WITH ORDINALITY AS one (hash, place)
JOIN accounts_line l ON l.carrier_id = 'gate-' || (%(first)s + place - 1)
"""
# Of ten lines one has stopped everything, one the company of its own campaign, and one pauses. A stop that stands
# before any approval has nobody to tell.
CHOICES = """
INSERT INTO consent_choice (line_id, id, kind, scope, ref, made_at, until, origin, channel, program, reason, actor,
    recorded_at, source_id)
SELECT l.id, gen_random_uuid(), CASE WHEN n / 8 %% 10 = 2 THEN 'pause' ELSE 'stop' END,
    CASE WHEN n / 8 %% 10 = 1 THEN 'party' ELSE 'all' END,
    CASE WHEN n / 8 %% 10 = 1 THEN (%(providers)s::text[])[n %% 8 + 1] ELSE '' END, %(stopped)s,
    CASE WHEN n / 8 %% 10 = 2 THEN %(until)s::timestamptz END, 'file', 'web', '', '', 'import:choices', %(stopped)s, ''
FROM generate_series(%(first)s, %(last)s) AS n JOIN accounts_line l ON l.carrier_id = 'gate-' || n
WHERE n / 8 %% 10 < 3
"""
APPROVALS = """
INSERT INTO consent_approval (line_id, id, campaign, method, captured_at, captured_by, wording, language, evidence_ref,
    verified_by, recorded_at, source_id, content_hash)
SELECT l.id, gen_random_uuid(), (%(campaigns)s::text[])[(n + more) %% 8 + 1], 'sms', %(at)s, '', '', 'en', '',
    'carrier', %(at)s, 'gate-' || n || '-' || more, ''
FROM generate_series(%(first)s, %(last)s) AS n JOIN accounts_line l ON l.carrier_id = 'gate-' || n,
    unnest(ARRAY[0, 3]) AS more
"""
NAMES = """
INSERT INTO partners_pairwisesubject (line_id, party_id, sub)
SELECT l.id, (%(aggregators)s::bigint[])[n %% 8 + 1], 'k1.' || md5(n::text || %(salt)s)
FROM generate_series(%(first)s, %(last)s) AS n JOIN accounts_line l ON l.carrier_id = 'gate-' || n
"""
STANDINGS = """
INSERT INTO revocations_standing (line_id, contract_id, epoch, version, order_id)
SELECT l.id, (%(contracts)s::bigint[])[n %% 8 + 1], 1, 1, gen_random_uuid()
FROM generate_series(%(first)s, %(last)s) AS n JOIN accounts_line l ON l.carrier_id = 'gate-' || n
"""


@dataclass(frozen=True)
class ExpectedAnswer:
    """A question, and the answer that the data demands: "" for an allow, else the reason of the deny."""

    question: Question
    answer: str


@dataclass(frozen=True)
class RoundResult:
    """What one round of asking came to."""

    a_second: float
    ms: Sequence[float]


type Sent = tuple[str, str, int]
"""A whole request, and the mark that its right answer holds so many times."""


@contextmanager
def temporary_load_file(load: Sequence[Sent]) -> Iterator[str]:
    """Write what to send to a file where the asker finds it; yields its name."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", dir=settings.DATA_DIR) as file:
        json.dump(load, file)
        file.flush()
        yield file.name


def lines(*, bench: Bench) -> list[Campaign]:
    """The campaigns asked about, with the lines and all that the gate knows of them; made once for each database."""
    if bench.lines < FEWEST:
        raise BenchmarkFailed(f"the gate is measured at {FEWEST} lines or more")
    found = list(Campaign.objects.filter(ref__startswith="BENCH-gate-").order_by("ref"))
    if found:
        return found
    at = database_clock() - timedelta(days=300)
    campaigns = _campaigns(at)
    account = Account.objects.create(carrier_id="bench-gate")
    for first in range(1, bench.lines + 1, PART):
        last = min(first + PART - 1, bench.lines)
        _write(campaigns, account, first, last, at)
        bench.tell(f"gate: {last} lines")
    with world.owner().cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return campaigns


def a_token() -> str:
    """Return what the gateway shows: good for as long as the longest run."""
    client = register_client(
        client_id="bench-gateway", kind=Client.Kind.GATEWAY, party=None, actor="system:bench", at=database_clock(),
        public_jwk=json.loads(json.dumps(ECKey.generate_key("P-256").as_dict(private=False))),
    )  # fmt: skip
    return issue_access_token(
        client=client, scopes=["decisions:read"], lifetime=timedelta(hours=12), at=database_clock()
    ).token


def build_questions(*, campaigns: Sequence[Campaign], lines: int, count: int) -> list[ExpectedAnswer]:
    """So many questions about lines at random, half of them by number; some lines and campaigns do not exist."""
    chance = random.Random(count)
    kinds = chance.choices(("own", "other", "unknown line", "unknown campaign"), (90, 5, 3, 2), k=count)
    return [
        about(campaigns, chance.randint(1, lines), kind, by_line=place % 2 == 0) for place, kind in enumerate(kinds)
    ]


def at_once() -> tuple[str, ...]:
    """What is put before a command whose program goes before all others as soon as it has something to do, by the
    real-time policy of docs/running; nothing where this machine or this user may not have it.
    """
    wanted = ("/usr/bin/chrt", "--rr", "1")
    try:
        return wanted if subprocess.run([*wanted, "/usr/bin/true"], check=False).returncode == 0 else ()
    except OSError:
        return ()


@contextmanager
def server(application: str, *, before: Sequence[str] = ()) -> Iterator[int]:
    """Run uvicorn with one process of this application; yields its port. `before`: put before its command."""
    port = free_port(0)
    # The bare one is found by its file's name alone: its package would bring all of Django along.
    folder = settings.BASE_DIR if "." in application else Path(__file__).parent
    where = ("--app-dir", str(folder), "--host", "127.0.0.1", "--port", str(port))
    command = (sys.executable, "-m", "uvicorn", *UVICORN, *where, application)
    with world.running(*before, *command):
        world.wait_until_up(lambda: answers(port=port, path="/healthz?0"), what=application)
        yield port


def ask(
    *, port: int, file: str, connections: int, seconds: float, rate: float = 0.0, before: Sequence[str] = ()
) -> RoundResult:
    """Ask for one round, as fast as it goes or at this rate. Raises BenchmarkFailed when an answer was wrong.

    `before`: put before the asker's command.
    """
    asker = [sys.executable, "-I", "-S", str(ASKER)]
    command = [*before, *asker, port, file, connections, seconds, rate]
    said = json.loads(
        subprocess.run(build_tethered_command(*map(str, command)), check=True, capture_output=True, text=True).stdout
    )
    if said["wrong"] or not said["answered"]:
        raise BenchmarkFailed(f"{said['wrong']} of {said['answered']} answers were wrong")
    return RoundResult(said["answered"] / said["seconds"], said["ms"])


def authzen(question: Question) -> dict[str, object]:
    """Return the question in the gateway's words."""
    return {
        "subject": {
            "type": "partner",
            "id": question.aggregator,
            "properties": {"on_behalf_of": question.provider, "campaign": question.campaign},
        },
        "action": {
            "name": question.scope,
            "properties": {"purpose": question.purpose, "precision_m": question.precision_m},
        },
        "resource": {"type": "line", "id": question.line}
        if question.line is not None
        else {"type": "msisdn", "id": question.msisdn},
    }


def http(*, path: str, body: object, token: str) -> str:
    """Return a whole request, as a gateway sends it."""
    text = json.dumps(body)
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
        f"Authorization: Bearer {token}\r\nX-Request-ID: 4bb0d8a2-71a9-4e0c\r\n\r\n{text}"
    )


def bare(line_id: int) -> Sent:
    """Return a request of the bare server."""
    return f"GET /?{line_id} HTTP/1.1\r\nHost: localhost\r\n\r\n", '"decision":false', 1


def line_ids(*, count: int) -> list[int]:
    """So many lines at random."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT line_id FROM consent_linegate ORDER BY random() LIMIT %s", [count])
        return [line_id for (line_id,) in cursor.fetchall()]


def mark(answer: str) -> str:
    """Return what an answer of one question holds once if it is right."""
    return f'"reason":"{answer}"' if answer else '"decision":true'


def build_gateway_batch(*, campaigns: Sequence[Campaign], lines: int, count: int, which: int) -> list[ExpectedAnswer]:
    """So many questions of one campaign, most of them about its own lines: what one gateway puts in one batch."""
    chance = random.Random(which)
    kinds = chance.choices(("own", "other", "unknown line"), (90, 7, 3), k=count)
    found = []
    for place, kind in enumerate(kinds):
        n = chance.randrange(lines // CAMPAIGNS) * CAMPAIGNS + (which - (kind == "other")) % CAMPAIGNS
        found.append(about(campaigns, n or CAMPAIGNS, kind, by_line=place % 2 == 0))
    return found


def about(campaigns: Sequence[Campaign], n: int, kind: str, *, by_line: bool) -> ExpectedAnswer:
    """A question about line n, of its own campaign or of another ("other"); or about a line or campaign not known."""
    own = campaigns[n % CAMPAIGNS]
    campaign = campaigns[(n + 1) % CAMPAIGNS] if kind == "other" else own
    unknown_campaign = kind == "unknown campaign"
    question = _question(campaign, n, kind, by_line=by_line)
    if kind == "unknown line":
        return ExpectedAnswer(question, "line_unknown")
    stop = _stop_of(n // CAMPAIGNS % 10, own=campaign is own)
    return ExpectedAnswer(question, stop or ("no_approval" if campaign is not own or unknown_campaign else ""))


def _stop_of(fate: int, *, own: bool) -> str:
    """Why a line of this fate is denied, asked by its own campaign or by another; "" where no stop is in the way."""
    if fate == 1:
        return "stopped_party" if own else ""
    return {0: "stopped_all", 2: "paused"}.get(fate, "")


def _question(campaign: Campaign, n: int, kind: str, *, by_line: bool) -> Question:
    unknown_line = kind == "unknown line"
    return Question(
        aggregator=campaign.contract.aggregator.uri,
        provider=campaign.lbs_provider.uri,
        campaign="BENCH-none" if kind == "unknown campaign" else campaign.ref,
        purpose=campaign.purpose,
        scope=campaign.scope,
        precision_m=campaign.precision_m,
        line=(f"nobody-{n}" if unknown_line else f"gate-{n}") if by_line else None,
        msisdn=None if by_line else _number(-n if unknown_line else n),
    )


def _number(n: int) -> str:
    return f"+1206{abs(n):09}" if n > 0 else f"+1999{abs(n):09}"


def _campaigns(at: datetime) -> list[Campaign]:
    contracts = [world.a_partner(name=f"gate-{name}", url="", at=at) for name in ("a", "b")]
    customers = [
        Party.objects.create(uri=f"https://customer-{n}.bench.example", name=f"Customer {n}", kind="end_customer")
        for n in range(CAMPAIGNS)
    ]
    made = []
    for n in range(CAMPAIGNS):
        provider = Party.objects.create(uri=f"https://gate-{n}.bench.example", name=f"Gate {n}", kind="lbs_provider")
        campaign = world.a_campaign(ref=f"BENCH-gate-{n}", contract=contracts[n % 2], provider=provider)
        Reach.objects.bulk_create(
            [Reach(campaign=campaign, party=customers[(n + more) % CAMPAIGNS]) for more in range(3)]
        )
        made.append(campaign)
    return made


def _write(campaigns: Sequence[Campaign], account: Account, first: int, last: int, at: datetime) -> None:
    """Write lines with their numbers, stops, approvals, names and standings; the database writes their gate rows."""
    values: dict[str, Any] = {
        "name": "gate", "first": first, "last": last, "at": at, "account": account.pk,
        "sealed": seal("a number of a benchmark"),
        "hashes": [number_hash(_number(n)) for n in range(first, last + 1)], "stopped": at + timedelta(days=100),
        "until": UNTIL, "salt": os.urandom(8).hex(), "campaigns": [one.ref for one in campaigns],
        "providers": [one.lbs_provider.uri for one in campaigns],
        "aggregators": [one.contract.aggregator_id for one in campaigns],
        "contracts": [one.contract_id for one in campaigns],
    }  # fmt: skip
    for statement in (world.LINES, NUMBERS, CHOICES, APPROVALS, NAMES, STANDINGS):
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
