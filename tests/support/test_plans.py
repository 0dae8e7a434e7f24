"""No list of staff reads a whole table that grows with lines."""

import pytest
from django.db import connections
from django.utils import timezone

from accounts.models import User
from console.urls import ADDRESSES
from console.views.site import LEGAL, Address
from tests.plans import OTHERS, large_relations, reads, statements, table_of, wholes
from tests.support.console import everything
from tests.support.desk import a_ticket
from tests.support.officers import Member, staff

DESK = (
    "/desk/", "/desk/?state=all", "/desk/?state=solved", "/desk/?whose=gone", "/desk/?whose=nobody",
    "/desk/?whose=mine", "/desk/?whose=office", "/desk/?overdue=on", "/desk/?sort=priority", "/desk/counts/",
    "/desk/figures/", "/desk/replies/",
)  # fmt: skip
# What the lists of staff are of, as large as to make reading all of it the worse plan. Nearly all of it is over.
MANY = """
INSERT INTO support_ticket (code, kind, key, state, priority, line_id, about, opened_at, due_at, solved_at, closed_at)
SELECT 'X-' || id, 'other', 'other:' || id, 'closed', 2, id, 'Who looked?', activated_at, activated_at,
    activated_at + interval '1 day', activated_at + interval '2 days'
FROM accounts_line WHERE carrier_id LIKE 'other-%';
ALTER TABLE revocations_order DISABLE TRIGGER USER;
INSERT INTO revocations_order (line_id, id, contract_id, party_id, epoch, version, jti, txn, record_id, lane, snapshot,
    queued_at, state, attempts, completed_at, parked_with, note)
SELECT l.id, gen_random_uuid(), c.id, c.aggregator_id, 1, 1, l.id || '.' || c.id, '', gen_random_uuid(), 'stop', '{}',
    l.activated_at, 'completed', 1, l.activated_at, '', ''
FROM accounts_line l, partners_contract c WHERE l.carrier_id LIKE 'other-%';
ALTER TABLE revocations_order ENABLE TRIGGER USER;
INSERT INTO revocations_breach (kind, contract_id, party_id, line_id, about, due_at, at, mended_at)
SELECT 'complete', c.id, c.aggregator_id, l.id, 'order:' || l.id || '.' || c.id, l.activated_at, l.activated_at,
    l.activated_at
FROM accounts_line l, partners_contract c WHERE l.carrier_id LIKE 'other-%';
INSERT INTO disclosures_anomaly (kind, line_id, party, recipient, period, first_at, last_at, newest_at, n, looks,
    rule_id, found_at, changed_at, grown_at, cleared_at, consequence)
SELECT 'burst', l.id, 'https://roadaid.example', '', date '2024-01-01', l.activated_at, l.activated_at, l.activated_at,
    20, 20, r.id, l.activated_at, l.activated_at, l.activated_at, l.activated_at, ''
FROM accounts_line l, disclosures_anomalyrule r WHERE l.carrier_id LIKE 'other-%' AND r.kind = 'burst';
INSERT INTO consent_digestfinding (run_id, kind, line_id, recipient, purpose, scope, told_so, found_at)
SELECT r.id, 'partner_has', l.id, '', '', '', false, l.activated_at
FROM accounts_line l, consent_digestrun r WHERE l.carrier_id LIKE 'other-%';
ANALYZE;
"""


def path_of(address: Address) -> str:
    return f"/admin/{address.route}"


def lists() -> list[tuple[Member, str]]:
    """Every list of the desk and the console, each as who may see most of it."""
    officer, legal = staff(User.Role.OFFICER), staff(User.Role.LEGAL)
    a_ticket(assignee=officer.user)
    a_ticket(assignee=staff(User.Role.AGENT).user)
    console = [
        (legal if one.roles == LEGAL else officer, path_of(one)) for one in ADDRESSES if "<" not in one.route
    ]  # fmt: skip
    return [*((officer, path) for path in DESK), *console]


@pytest.mark.usefixtures("committed_db", "no_broker")
def test_no_list_of_staff_reads_a_whole_growing_table() -> None:
    everything(at=timezone.now())
    pages = lists()
    with connections["owner"].cursor() as cursor:
        cursor.execute(OTHERS)
        cursor.execute(MANY)
    large = large_relations()
    assert large >= {
        "accounts_user", "support_ticket", "revocations_order", "revocations_breach", "disclosures_anomaly",
        "consent_digestfinding",
    }  # fmt: skip
    seen = set[str]()
    for who, path in pages:
        for sql in statements(who.client, path):
            # A sample is so many blocks, and what has a limit so many rows, however many there are.
            assert [one for one in wholes(sql, seqscan="on") if one[0] in large] == [], (path, sql)
            seen |= {table_of(table) for table, _, _ in reads(sql, seqscan="on")}
    assert {path for _, path in pages} >= {"/admin/", "/admin/parties/", "/admin/authorized-agents/", "/admin/trail/"}
    assert seen >= {"accounts_user", "support_ticket", "revocations_breach", "disclosures_disclosure"}
