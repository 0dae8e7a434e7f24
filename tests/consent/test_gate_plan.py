"""How the database goes about the gate's statement: by primary key or unique index wherever rows come with lines."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.db import connection, connections

from consent.gate import deciding
from consent.gate.look_up import LOOK_UP_MANY, LOOK_UP_ONE, LOOK_UP_OWN
from partners.models import Campaign, Party, Reach, Suspension
from tests.factories import FAR_OFF, LONG_AGO, NOW
from tools.bench import gateway
from tools.bench.measure import Bench

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")

BENCH = Bench(lines=3_000, disclosures=1, tell=lambda _: None)
OF_LINES = {
    "accounts_line", "accounts_linenumber", "consent_linegate", "partners_pairwisesubject", "revocations_standing",
}  # fmt: skip
# A few rows whatever the number of lines and campaigns: the states' rules, the carrier's own keys and machines.
FEW_ROWS = {
    "consent_gateopening", "partners_client", "partners_contract", "partners_jurisdictionrule", "partners_signingkey",
}  # fmt: skip
SAME_COLUMNS_AS_A_UNIQUE_ONE = """
SELECT mine.relname FROM pg_index i JOIN pg_class mine ON mine.oid = i.indexrelid
WHERE EXISTS (SELECT FROM pg_index u WHERE u.indrelid = i.indrelid AND u.indisunique AND u.indkey = i.indkey)
"""


def plan_of(statement: bytes) -> list[Mapping[str, Any]]:
    """The parts of the plan that serves every run of the prepared statement."""
    values = ", ".join("NULL" for _ in set(re.findall(rb"\$\d+", statement)))
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        cursor.connection.execute(b"PREPARE looked_at AS " + statement)
        cursor.execute(f"EXPLAIN (FORMAT JSON) EXECUTE looked_at ({values})")
        ((plan,),) = cursor.fetchall()
        cursor.execute("DEALLOCATE looked_at")
    (whole,) = json.loads(plan) if isinstance(plan, str) else plan
    return list(parts(whole["Plan"]))


def parts(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from parts(child)


@pytest.fixture
def campaigns(committed_db: None) -> list[Campaign]:
    """A carrier in small: 3,000 lines, and as many campaigns, companies and past suspensions as a large one has."""
    asked = gateway.lines(bench=BENCH)
    parties = Party.objects.bulk_create(
        [Party(uri=f"https://p{n}.example", name=f"P{n}", kind=Party.Kind.LBS_PROVIDER) for n in range(4_000)]
    )
    contract = asked[0].contract
    made = Campaign.objects.bulk_create(
        [
            Campaign(
                ref=f"CMP-{n}", contract=contract, lbs_provider=parties[n], purpose="dpv:Marketing", description="",
                consent_flow="sms", scope="location-retrieval:read", precision_m=500, starts_at=LONG_AGO,
                ends_at=FAR_OFF,
            )
            for n in range(300)
        ]
    )  # fmt: skip
    Reach.objects.bulk_create(
        [Reach(campaign=one, party=parties[n + more]) for n, one in enumerate(made) for more in (1, 2, 3)]
    )
    past: dict[str, Any] = {"of": "party", "starts_at": LONG_AGO, "ends_at": NOW, "reason": "-", "actor": "officer:1"}
    Suspension.objects.bulk_create([Suspension(target_id=100_000 + n, **past) for n in range(20_000)])
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return asked


def test_the_benchmark_asks_by_keys_and_answers_as_the_gate(campaigns: list[Campaign]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SAME_COLUMNS_AS_A_UNIQUE_ONE)
        of_one_row = {name for (name,) in cursor.fetchall()}
    for which, statement in enumerate((LOOK_UP_OWN, LOOK_UP_ONE, LOOK_UP_MANY)):
        read = [node for node in plan_of(statement) if "Relation Name" in node]
        of_lines = {(node["Relation Name"], node["Node Type"]) for node in read if node["Relation Name"] in OF_LINES}
        assert {name for name, _ in of_lines} == OF_LINES, which
        assert {kind for _, kind in of_lines} <= {"Index Scan", "Index Only Scan"}, which
        assert {node["Relation Name"] for node in read if node["Node Type"] == "Seq Scan"} <= FEW_ROWS, which
        assert {node["Index Name"] for node in read if node["Relation Name"] in OF_LINES} <= of_one_row, which
    mixed = gateway.build_questions(campaigns=campaigns, lines=BENCH.lines, count=600)
    batch = gateway.build_gateway_batch(campaigns=campaigns, lines=BENCH.lines, count=600, which=3)
    for asked in (mixed, batch):
        answers = deciding.evaluate(questions=[one.question for one in asked])
        assert [answer.reason for answer in answers] == [one.answer for one in asked]
    assert {one.answer for one in mixed} == {
        "", "line_unknown", "no_approval", "paused", "stopped_all", "stopped_party",
    }  # fmt: skip
