"""How long it takes from the press of "suspend" to the gate's first no, with many lines beside few."""

import os
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import median

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from accounts.models import Account, User
from accounts.policies.permissions import actor_of
from audit.queries import database_clock
from consent.gate import deciding
from consent.gate.shapes import Question
from partners.actions.suspensions import lift, suspend
from partners.models import Campaign, Contract, Party, Proposal
from tools.bench import world
from tools.bench.measure import Bench, BenchmarkFailed, Result, percentile

SMALL = 1_000
MIDDLE = 100_000
TRIALS = 200
WARM_UP = 10
PART = 100_000
ASKED_AFTERWARDS = 100
CHECKED = 200

APPROVALS = """
INSERT INTO consent_approval (line_id, id, campaign, method, captured_at, captured_by, wording, language, evidence_ref,
    verified_by, recorded_at, source_id, content_hash)
SELECT id, gen_random_uuid(), %(campaign)s, 'sms', %(at)s, '', '', 'en', '', 'carrier', %(at)s, carrier_id, ''
FROM accounts_line WHERE id > %(after)s
"""
# By the million the triggers that write gate rows rest, and each line's is a copy of the first one's, which they wrote;
# a sample of them is then held to the ledger.
TRIGGERS = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE accounts_line {0} TRIGGER consent_line_moves_gate;
ALTER TABLE consent_approval {0} TRIGGER consent_approval_moves_gate
"""
GATES = """
INSERT INTO consent_linegate (line_id, version, newest_at, active_from, active_until, state, number_changed_at,
    stops, pauses, approvals, claims)
SELECT l.id, g.version, g.newest_at, g.active_from, g.active_until, g.state, g.number_changed_at,
    g.stops, g.pauses, g.approvals, g.claims
FROM accounts_line l CROSS JOIN consent_linegate g
WHERE l.id > %(after)s AND g.line_id = (SELECT id FROM accounts_line WHERE carrier_id = 'bench-1')
"""
AS_REPLAYED = """
SELECT count(*) FROM accounts_line l JOIN consent_linegate g ON g.line_id = l.id
WHERE l.carrier_id = ANY (%s) AND g IS NOT DISTINCT FROM consent_replayed_gate(l.id)
"""


def run(bench: Bench) -> Result:
    """Milliseconds at the number of lines asked for; the ceiling is those at 1,000: at most half as much again."""
    sizes = sorted({min(size, bench.lines) for size in (SMALL, MIDDLE, bench.lines)})
    found = suspend_growth(sizes=sizes, tell=bench.tell)
    return Result("suspend_growth", found[-1], "ms", found[0])


def suspend_growth(*, sizes: Sequence[int], tell: Callable[[str], None], by_trigger: int = SMALL) -> list[float]:
    """Return the median time in milliseconds at each size. `sizes` rise: the lines of one are among those of the next.

    The first `by_trigger` lines are written row by row as the product writes them, the others by the million.
    """
    at = database_clock() - timedelta(days=30)
    campaign = _campaign(at)
    officers = [actor_of(_officer(name)) for name in ("bench-one", "bench-two")]
    account, made, found = Account.objects.create(carrier_id="bench"), 0, []
    for size in sizes:
        while made < size:
            one_by_one = made < by_trigger
            last = min(size, by_trigger if one_by_one else made + PART)
            with transaction.atomic(using=world.owner().alias), world.owner().cursor() as cursor:
                (_write_lines if one_by_one else _write_many)(cursor, campaign, account, made + 1, last)
            made = last
            tell(f"suspend: {made} lines")
        _settle_down()
        taken = [_trial(campaign, officers, _some_lines(size, n)) for n in range(WARM_UP + TRIALS)][WARM_UP:]
        found.append(median(taken))
        tell(
            f"suspend: at {size} lines {found[-1]:.2f} ms, the best tenth {percentile(taken, 0.1):.2f},"
            f" p95 {percentile(taken, 0.95):.2f}, load {os.getloadavg()[0]:.1f}"
        )
    return found


def _settle_down() -> None:
    """Let the planner know what was just loaded, as it does by itself soon after."""
    with world.owner().cursor() as cursor:
        cursor.execute("ANALYZE accounts_line, consent_linegate, consent_approval, partners_suspension")
    connection.close()


def _some_lines(size: int, trial: int) -> list[str]:
    """Of all of them, far from each other, and others at each trial."""
    return [f"bench-{1 + (trial * 1_000_003 + n * 7_368_787) % size}" for n in range(1 + ASKED_AFTERWARDS)]


def _trial(campaign: Campaign, officers: Sequence[str], lines: Sequence[str]) -> float:
    """Suspend the aggregator, ask about the first line until the gate says no, and lift it again.

    Raises BenchmarkFailed where any of the others is not denied then.
    """
    line, *others = lines
    if not all(_evaluate_lines(campaign, [line])):
        raise BenchmarkFailed("the gate says no before anything was suspended")
    target = campaign.contract.aggregator_id
    began = time.perf_counter()
    suspend(of="party", target_id=target, actor=officers[0], reason="A benchmark.", at=database_clock())
    while any(_evaluate_lines(campaign, [line])):
        pass
    took = (time.perf_counter() - began) * 1000
    if any(_evaluate_lines(campaign, others)):
        raise BenchmarkFailed("the gate says yes to a line of a suspended company")
    at = database_clock()
    proposal = Proposal.objects.create(
        id=uuid.uuid4(), act=Proposal.Act.LIFT_SUSPENSION, of=Proposal.Of.PARTY, target_id=target,
        reason="The benchmark goes on.", proposed_by=officers[0], proposed_at=at,
    )  # fmt: skip
    proposal.decision, proposal.decided_by, proposal.decided_at = Proposal.Decision.AGREED, officers[1], at
    proposal.save(update_fields=["decision", "decided_by", "decided_at"])
    lift(proposal=proposal, at=at)
    return took


def _evaluate_lines(campaign: Campaign, lines: Sequence[str]) -> list[bool]:
    answers = deciding.evaluate(
        questions=[
            Question(
                aggregator=campaign.contract.aggregator.uri,
                provider=campaign.lbs_provider.uri,
                campaign=campaign.ref,
                purpose=campaign.purpose,
                scope=campaign.scope,
                precision_m=campaign.precision_m,
                line=line,
            )
            for line in lines
        ]
    )
    return [answer.allowed for answer in answers]


def _campaign(at: datetime) -> Campaign:
    contract: Contract = world.a_partner(name="suspend", url="", at=at)
    provider = Party.objects.create(uri="https://roadaid.bench.example", name="RoadAid", kind=Party.Kind.LBS_PROVIDER)
    return world.a_campaign(ref="BENCH-suspend", contract=contract, provider=provider)


def _officer(name: str) -> User:
    return User.objects.create_user(name, f"{name}@carrier.example", role=User.Role.OFFICER)


def _write_lines(cursor: CursorWrapper, campaign: Campaign, account: Account, first: int, last: int) -> int:
    """Returns the id that came before theirs."""
    cursor.execute("SELECT coalesce(max(id), 0) FROM accounts_line")
    ((after,),) = cursor.fetchall()
    at = campaign.starts_at
    cursor.execute(world.LINES, {"name": "bench", "first": first, "last": last, "account": account.pk, "at": at})
    cursor.execute(APPROVALS, {"after": after, "campaign": campaign.ref, "at": at})
    return int(after)


def _write_many(cursor: CursorWrapper, campaign: Campaign, account: Account, first: int, last: int) -> None:
    cursor.execute(TRIGGERS.format("DISABLE"))
    after = _write_lines(cursor, campaign, account, first, last)
    cursor.execute(GATES, {"after": after})
    cursor.execute(TRIGGERS.format("ENABLE"))
    sample = [f"bench-{n}" for n in range(first, last + 1, max(1, (last - first) // CHECKED))]
    cursor.execute(AS_REPLAYED, [sample])
    if (len(sample),) != cursor.fetchone():
        raise BenchmarkFailed("a gate row is not what its ledger says")
