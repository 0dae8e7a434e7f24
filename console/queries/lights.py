"""Whether the product itself works: four lights, each with what happened in the last hour. Four statements."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import Case, CharField, Q, QuerySet, Value, When

from accounts.clients.texts import CODES_NOT_TAKEN, CODES_TAKEN
from accounts.models import Message
from consent.gate.deciding import read_opening
from support.models import CanaryRun
from support.queries.counts import count_of
from support.queries.names import NOBODYS
from support.queries.pending_tickets import judge_canary

HOUR, STEP = timedelta(hours=1), timedelta(minutes=5)
STEPS = 12
# A text that is due is handed over within seconds, while the gateway takes any.
OVERDUE = timedelta(minutes=5)
WIDTH, HEIGHT, GAP = 120, 24, 2
# By name and by five minutes, counted from an hour ago: how often, and how often it failed. Our own test of stopping
# is nobody's choice.
COUNTED = """
WITH nobodys AS MATERIALIZED (<nobodys>), happened AS (
    SELECT 'gate' AS name, said.recorded_at AS at, 1 AS n, 0 AS failed FROM consent_choice said
    WHERE said.recorded_at > %(since)s AND said.recorded_at <= %(at)s AND said.origin = 'person'
        AND said.kind IN ('stop', 'pause')
        AND NOT EXISTS (SELECT FROM nobodys WHERE nobodys.line_id = said.line_id)
    UNION ALL
    SELECT 'delivery', minute, tries, failures FROM revocations_pushtally
    WHERE minute > %(since)s AND minute <= %(at)s
    UNION ALL
    SELECT 'texts', taken_at, 1, 0 FROM accounts_message
    WHERE taken_at > %(since)s AND taken_at <= %(at)s AND doubt_at IS NULL
    UNION ALL
    SELECT 'texts', doubt_at, 1, 1 FROM accounts_message WHERE doubt_at > %(since)s AND doubt_at <= %(at)s
)
SELECT name, least(extract(epoch FROM at - %(since)s)::int / %(step)s, %(steps)s - 1), sum(n), sum(failed)
FROM happened GROUP BY 1, 2
""".replace("<nobodys>", NOBODYS)
CANARY_WORDS: Mapping[str, tuple[str, str]] = {
    "ok": ("works", "good"), "failed": ("fails", "bad"), "late": ("late", "warn"), "never": ("not run yet", "warn"),
    "off": ("off", "plain"),
}  # fmt: skip


def _is_late(at: datetime) -> Q:
    return Q(next_at__lt=at - OVERDUE) | Q(tries__gt=0)


# How a text stands, as the light counts it: what waits, and what the gateway had in the last hour.
WAITS = Q(taken_at__isnull=True, doubt_at__isnull=True)
STATES: Mapping[str, Callable[[datetime], Q]] = {
    "overdue": lambda at: WAITS & _is_late(at),
    "waiting": lambda at: WAITS & ~_is_late(at),
    "unanswered": lambda at: Q(doubt_at__gt=at - HOUR, doubt_at__lte=at),
    "sent": lambda at: Q(taken_at__gt=at - HOUR, taken_at__lte=at, doubt_at__isnull=True),
}


def list_texts(*, at: datetime, state: str = "") -> QuerySet[Message]:
    """Return the texts that the light counts, due first; each with its `state`, or only those of one."""
    wanted = [STATES[state](at)] if state else [which(at) for which in STATES.values()]
    known = Case(*(When(which(at), then=Value(name)) for name, which in STATES.items()), output_field=CharField())
    return Message.objects.filter(reduce(or_, wanted)).annotate(state=known).order_by("next_at", "id")


@dataclass(frozen=True)
class Bar:
    """Five minutes of a sparkline, or one run of the test. `failed`: drawn in the colour of a failure."""

    x: int
    y: int
    width: int
    height: int
    failed: bool


@dataclass(frozen=True)
class Light:
    """One light. `word` and `tone` say how it is, `about` what happened lately; `bars` draw that."""

    name: str
    word: str
    tone: str
    about: str
    bars: Sequence[Bar]
    width: int = WIDTH
    height: int = HEIGHT


def list_lights(*, failing: int, partners: int, at: datetime) -> list[Light]:
    """Return the test of stopping, the gate, delivery and texts. `failing` of the `partners` have delivery problems."""
    counted = _count_last_hour(at)
    pushes, failures = _sum(counted["delivery"])
    stops, _ = _sum(counted["gate"])
    is_open = read_opening().is_open
    return [
        _canary_light(at),
        Light(
            "Gate", "open" if is_open else "closed", "good" if is_open else "bad",
            f"{_n(stops, 'stop or pause', 'stops and pauses')} in the last hour", _bars(counted["gate"]),
        ),
        Light(
            "Delivery", f"{failing} of {partners} with problems" if failing else "works", "bad" if failing else "good",
            f"{_n(pushes, 'push', 'pushes')} in the last hour, {failures:,} failed; after an outage, counted since the"
            " partner recovered",
            _bars(counted["delivery"]),
        ),
        _texts_light(counted["texts"], at),
    ]  # fmt: skip


def _texts_light(counted: Sequence[tuple[int, int]], at: datetime) -> Light:
    """Texts that wait in our books, and codes, which are sent at once, counted by the hour of the clock."""
    texts, unanswered = _sum(counted)
    overdue = count_of(rows=Message.objects.filter(STATES["overdue"](at)))
    this_hour = at.replace(minute=0, second=0, microsecond=0)
    taken, refused = (one.by_hour(now=at).get(this_hour, 0) for one in (CODES_TAKEN, CODES_NOT_TAKEN))
    tone, failed = "good", overdue.n + unanswered + refused
    if failed:
        tone = "bad" if failed > texts - unanswered + taken else "warn"
    about = (
        f"{_n(texts, 'text', 'texts')} sent in the last hour, {unanswered:,} without the gateway's answer;"
        f" {overdue} overdue; {_n(refused, 'code', 'codes')} not sent"
    )
    return Light("Texts", "work" if tone == "good" else "failing", tone, about, _bars(counted))


def _count_last_hour(at: datetime) -> Mapping[str, Sequence[tuple[int, int]]]:
    found = {name: [(0, 0)] * STEPS for name in ("gate", "delivery", "texts")}
    with connection.cursor() as cursor:
        cursor.execute(
            COUNTED, {"since": at - HOUR, "at": at, "step": int(STEP.total_seconds()), "steps": STEPS}
        )  # fmt: skip
        for name, step, n, failed in cursor.fetchall():
            found[name][step] = int(n), int(failed)
    return found


def _canary_light(at: datetime) -> Light:
    runs = list(CanaryRun.objects.filter(finished_at__isnull=False, began_at__lte=at).order_by("-began_at")[:STEPS])
    state, step = judge_canary(newest=runs[0] if runs else None, at=at)
    word, tone = CANARY_WORDS[state]
    took = [(round(sum(one.seconds.values()) * 10) + 1, bool(one.failed)) for one in reversed(runs)]
    bars = _bars([(n, n * failed) for n, failed in took])
    return Light("Hourly stop test", word, tone, _describe_canary(state, step, runs), bars)


def _describe_canary(state: str, step: str, runs: Sequence[CanaryRun]) -> str:
    if state == "off":
        return "The hourly test is turned off"
    if not runs:
        return "It runs every hour"
    last = f"Last run {runs[0].began_at.astimezone(UTC):%-d %b, %H:%M} UTC"
    if step:
        return f"{last}, failed at: {CanaryRun.Step(step).label}"
    return last if len(runs) == 1 else f"{last}; taller bars took longer"


def _bars(counted: Sequence[tuple[int, int]]) -> Sequence[Bar]:
    most = max((n for n, _ in counted), default=0)
    step = WIDTH // STEPS
    bars = []
    for place, (n, failed) in enumerate(counted, start=STEPS - len(counted)):
        height = max(2, round(HEIGHT * n / most)) if n else 1
        bars.append(Bar(place * step, HEIGHT - height, step - GAP, height, failed > 0))
    return bars


def _sum(counted: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(n for n, _ in counted), sum(failed for _, failed in counted)


def _n(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"
