"""How long it takes from the press of "suspend" to the gate's first no, with many lines beside few."""

import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import median

from django.db import connection, connections

from accounts.models import Account, User
from accounts.permissions import actor_of
from audit.queries import database_clock
from consent import gate
from partners.models import Campaign, Contract, Party, Proposal
from portal.bench import world
from portal.bench.measure import Bench, Failed, Result
from revocations.actions import lift, suspend

SMALL = 1_000
TRIALS = 60
WARM_UP = 10
PART = 100_000
PURPOSE = "dpv:RequestedServiceProvision"
SCOPE = "location-retrieval:read"

# Each line has a yes to the campaign; the database writes its gate row.
LINES = """
WITH made AS (
    INSERT INTO accounts_line (carrier_id, account_id, holder_name_sealed, user_role, state, language, activated_at)
    SELECT 'bench-' || n, %(account)s, '', 'holder', 'WA', 'en', %(at)s FROM generate_series(%(first)s, %(last)s) AS n
    RETURNING id
)
SELECT count(*) FROM made
"""
APPROVALS = """
INSERT INTO consent_approval (line_id, id, campaign, method, captured_at, captured_by, wording, language, evidence_ref,
    verified_by, recorded_at, source_id, content_hash)
SELECT id, gen_random_uuid(), %(campaign)s, 'sms', %(at)s, '', '', 'en', '', 'carrier', %(at)s, carrier_id, ''
FROM accounts_line WHERE carrier_id IN (SELECT 'bench-' || n FROM generate_series(%(first)s, %(last)s) AS n)
"""


def run(bench: Bench) -> Result:
    """Milliseconds at the number of lines asked for; the ceiling is those at 1,000: at most half as much again."""
    small, large = suspend_growth(sizes=(min(SMALL, bench.lines), bench.lines), tell=bench.tell)
    return Result("suspend_growth", large, "ms", small)


def suspend_growth(*, sizes: Sequence[int], tell: Callable[[str], None]) -> list[float]:
    """The median time in milliseconds at each size. `sizes` rise: the lines of one are among those of the next."""
    at = database_clock() - timedelta(days=30)
    campaign = _campaign(at)
    officers = [actor_of(_officer(name)) for name in ("bench-one", "bench-two")]
    account, made, found = Account.objects.create(carrier_id="bench"), 0, []
    for size in sizes:
        while made < size:
            part = min(PART, size - made)
            _write_lines(campaign, account, made + 1, made + part, at)
            made += part
            tell(f"suspend: {made} lines")
        _settle_down()
        taken = [_trial(campaign, officers) for _ in range(WARM_UP + TRIALS)][WARM_UP:]
        found.append(median(taken))
        tell(f"suspend: at {size} lines {found[-1]:.2f} ms")
    return found


def _settle_down() -> None:
    """Let the planner know what was just loaded, as it does by itself soon after."""
    with connections["owner" if "owner" in connections else "default"].cursor() as cursor:
        cursor.execute("ANALYZE accounts_line, consent_linegate, consent_approval, partners_suspension")
    connection.close()


def _trial(campaign: Campaign, officers: Sequence[str]) -> float:
    """Suspend the aggregator, ask until the gate says no, and lift it again."""
    if not _allowed(campaign):
        raise Failed("the gate says no before anything was suspended")
    target = campaign.contract.aggregator_id
    began = time.perf_counter()
    suspend(of="party", target_id=target, actor=officers[0], reason="A benchmark.", at=database_clock())
    while _allowed(campaign):
        pass
    took = (time.perf_counter() - began) * 1000
    at = database_clock()
    proposal = Proposal.objects.create(
        id=uuid.uuid4(), act=Proposal.Act.LIFT_SUSPENSION, of=Proposal.Of.PARTY, target_id=target,
        reason="The benchmark goes on.", proposed_by=officers[0], proposed_at=at,
    )  # fmt: skip
    proposal.decision, proposal.decided_by, proposal.decided_at = Proposal.Decision.AGREED, officers[1], at
    proposal.save(update_fields=["decision", "decided_by", "decided_at"])
    lift(proposal=proposal, at=at)
    return took


def _allowed(campaign: Campaign) -> bool:
    (answer,) = gate.evaluate(
        questions=[
            gate.Question(
                aggregator=campaign.contract.aggregator.uri,
                provider=campaign.lbs_provider.uri,
                campaign=campaign.ref,
                purpose=campaign.purpose,
                scope=campaign.scope,
                precision_m=campaign.precision_m,
                line="bench-1",
            )
        ]
    )
    return answer.allowed


def _campaign(at: datetime) -> Campaign:
    contract: Contract = world.a_partner(name="suspend", url="", at=at)
    provider = Party.objects.create(uri="https://roadaid.bench.example", name="RoadAid", kind=Party.Kind.LBS_PROVIDER)
    return Campaign.objects.create(
        ref="BENCH-suspend", contract=contract, lbs_provider=provider, purpose=PURPOSE, description="Roadside help",
        consent_flow="sms", scope=SCOPE, precision_m=500, starts_at=contract.starts_at, ends_at=contract.ends_at,
    )  # fmt: skip


def _officer(name: str) -> User:
    return User.objects.create_user(name, f"{name}@carrier.example", role=User.Role.OFFICER)


def _write_lines(campaign: Campaign, account: Account, first: int, last: int, at: datetime) -> None:
    with connection.cursor() as cursor:
        span: dict[str, int | datetime] = {"first": first, "last": last, "at": at}
        cursor.execute(LINES, {**span, "account": account.pk})
        cursor.execute(APPROVALS, {**span, "campaign": campaign.ref})
