"""Promise 2, in the database: a decision is made by a change of a row that waits for it, once, and a yes takes two."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from accounts.models import Delegation, NewPassword, SafeContact, Separation
from consent.models import ConsentRequest
from disclosures.models import Upload
from partners.models import AgentRequest, AuthorizedAgent, Proposal
from revocations.models import EvidenceRequest
from support.models import ProtectedLine, Reveal, SuspendRequest, Ticket
from tests.factories import a_campaign, a_line
from tests.fixtures import Refusal
from tests.staff import a_staff_user, an_actor, an_agreed_proposal

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
LATER = NOW + timedelta(minutes=1)
SOON = NOW + timedelta(days=2)
# What tells that somebody has decided, answered, agreed, or proved something.
DECIDED = {"decision", "decided_at", "agreed_at", "answer", "proved_at", "closed_at", "cancelled_at", "taken_at"}
# What a decision leaves beside itself, and says nothing alone.
BESIDE = {"ended_by", "token"}
OTHERWISE = {
    "accounts_message": "a text that the gateway took",
    "accounts_letter": "a mail that the server took",
    "accounts_texttaken": "a text that was acted on: the row is all there is",
    "audit_incident": "each step is a row of its own, written by a trigger",
    "consent_privacysignal": "asked anew after a year, so that its answer changes",
    "support_ticket": "moves along its states by a trigger of its own",
}
TABLES = """
SELECT DISTINCT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = ANY (%s)
"""
GUARDED = """
SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE p.proname = 'audit_decide_by_transition'
"""
# A copy of the one row of a table that waits, otherwise: under another id, and decided as it is inserted.
COPY = """
INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(t) || '{changed}'::jsonb)).* FROM {table} t
"""


def a_proposal() -> None:
    Proposal.objects.create(
        id=uuid.uuid4(), act="lift_suspension", of="campaign", target_id=a_campaign().pk, reason="test",
        proposed_by=an_actor(), proposed_at=NOW,
    )  # fmt: skip


def a_ticket() -> Ticket:
    return Ticket.objects.create(
        code="WB-2345", kind="other", key="k", line_id=a_line().pk, about="x", opened_at=NOW, due_at=SOON
    )


def a_suspend_request() -> None:
    SuspendRequest.objects.create(ticket=a_ticket(), party_id=1, reason="Due", asked_by="agent:1", asked_at=NOW)


def a_reveal() -> None:
    Reveal.objects.create(
        ticket=a_ticket(), user=a_staff_user("agent"), line_id=1, reason="Due", asked_at=NOW, two_needed=True
    )


def a_protected_line() -> None:
    ProtectedLine.objects.create(line_id=1, reason="Due", by="officer:1", at=NOW)


def an_ask() -> None:
    ConsentRequest.objects.create(
        line_id=1, id=uuid.uuid4(), token_hash=b"1", campaign="C", party_id=1, asked_at=NOW, expires_at=SOON
    )


def a_delegation() -> None:
    Delegation.objects.create(
        id=uuid.uuid4(), line=a_line(), by=a_staff_user(), asked_hash=b"1", asked_sealed=b"-", may="see", asked_at=NOW,
        ends_at=SOON,
    )  # fmt: skip


def a_contact() -> None:
    SafeContact.objects.create(line=a_line(), to_sealed=b"-", code_sealed=b"-", asked_at=NOW)


def a_separation() -> None:
    line = a_line()
    Separation.objects.create(
        id=uuid.uuid4(), line=line, from_account=line.account, by=a_staff_user(), reach_sealed=b"-", note_sealed=b"-",
        asked_at=NOW, due_at=SOON,
    )  # fmt: skip


def a_new_password() -> None:
    NewPassword.objects.create(
        user=a_staff_user(), token_hash=b"1", asked_at=NOW - timedelta(days=2), counts_from=NOW, expires_at=SOON
    )


def an_evidence_request() -> None:
    EvidenceRequest.objects.create(
        line_id=1, id=uuid.uuid4(), choice_id=uuid.uuid4(), party_id=1, contract_id=1, jti="j", asked_at=NOW,
        due_at=SOON,
    )  # fmt: skip


def an_agent_request() -> None:
    agent = AuthorizedAgent.objects.create(
        id="A-1", name="Helper", verify_key=b"1" * 32, registered_at=NOW, ended_at=NOW
    )
    AgentRequest.objects.create(
        id=uuid.uuid4(), agent=agent, digest=b"1", line_id=1, number_hash=b"1", exercise="stop", status="in_progress",
        token_hash=b"1", received_at=NOW, expires_at=SOON,
    )  # fmt: skip


def an_upload() -> None:
    Upload.objects.create(
        feed=Upload.Feed.CHOICES, loosens=False, size=1, digest=b"1", total=1, uploaded_by="officer:1", uploaded_at=NOW,
        reason="Due",
    )  # fmt: skip


def is_(value: object) -> Callable[[], object]:
    return lambda: value


def another_id() -> object:
    return str(uuid.uuid4())


def another_user() -> object:
    return a_staff_user("agent").pk


def who_agreed_to_end() -> object:
    protection = ProtectedLine.objects.get().pk
    return an_agreed_proposal("end_protection", "protection", protection, at=NOW).decided_by


type Values = Mapping[str, Callable[[], object]]
AT = is_(LATER.isoformat())
OTHER_BYTES = is_(r"\x02")


@dataclass(frozen=True)
class Waiting:
    """`make`: a row that waits. `other`: what makes another row of it. `decided`: what decides it.

    `once`: the guard of the table, after its name, that keeps what was decided as it is. `later`: what else no row
    begins with.
    """

    make: Callable[[], None]
    other: Values
    decided: Values
    once: str
    later: Values = field(default_factory=dict)


CASES = {
    "partners_proposal": Waiting(
        a_proposal,
        {"id": another_id, "target_id": is_(700_007)},
        {"decision": is_("agreed"), "decided_by": an_actor, "decided_at": AT},
        "decided_once",
        {"decision_reason": is_("Due")},
    ),
    "partners_agentrequest": Waiting(
        an_agent_request,
        {"id": another_id, "digest": OTHER_BYTES, "token_hash": OTHER_BYTES},
        {"status": is_("fulfilled"), "closed_at": AT, "choice_id": another_id},
        "closed_once",
    ),
    "support_suspendrequest": Waiting(
        a_suspend_request,
        {"id": is_(700_007), "party_id": is_(700_007)},
        {"decision": is_("suspended"), "decided_by": an_actor, "decided_at": AT},
        "decided_once",
        {"decision_reason": is_("Due")},
    ),
    "support_reveal": Waiting(
        a_reveal, {"id": is_(700_007)}, {"second_id": another_user, "agreed_at": AT, "until": AT}, "agreed_once"
    ),
    "support_protectedline": Waiting(
        a_protected_line,
        {"id": is_(700_007), "line_id": is_(700_007)},
        {"ended_at": AT, "ended_by": who_agreed_to_end},
        "ended_once",
    ),
    "consent_ask": Waiting(
        an_ask,
        {"id": another_id, "token_hash": OTHER_BYTES},
        {"answer": is_("yes"), "answered_at": AT},
        "answered_once",
        {"choice_id": another_id},
    ),
    "accounts_delegation": Waiting(
        a_delegation,
        {"id": another_id, "asked_hash": OTHER_BYTES},
        {"user_id": another_user, "taken_at": AT},
        "taken_once",
        {"ended_at": AT},
    ),
    "accounts_safecontact": Waiting(
        a_contact,
        {"id": is_(700_007), "line_id": lambda: a_line().pk},
        {"proved_at": AT},
        "proved_once",
        {"ended_at": AT},
    ),
    "accounts_separation": Waiting(
        a_separation,
        {"id": another_id, "line_id": lambda: a_line().pk},
        {"state": is_("done"), "closed_at": AT},
        "closed_once",
        {"tell_from": AT},
    ),
    "accounts_newpassword": Waiting(
        a_new_password,
        {"id": is_(700_007), "token_hash": OTHER_BYTES, "user_id": another_user},
        {"used_at": AT},
        "ended_once",
        {"cancelled_at": AT},
    ),
    "revocations_evidencerequest": Waiting(
        an_evidence_request,
        {"id": another_id, "campaign": is_("other")},
        {"answer": is_("none"), "answered_at": AT, "token": is_("t")},
        "answered_once",
        {"overdue_at": AT},
    ),
    "disclosures_upload": Waiting(
        an_upload,
        {"id": is_(700_007)},
        {"state": is_("agreed"), "decided_at": AT},
        "decided_once",
        {"agreed_by_id": another_id},
    ),
}


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def values_of(values: Values) -> dict[str, object]:
    return {column: value() for column, value in values.items()}


def copy_of(table: str, changed: Mapping[str, object]) -> str:
    return COPY.format(table=table, changed=json.dumps(changed))


def change_of(table: str, changed: Mapping[str, object]) -> str:
    return f"UPDATE {table} SET {', '.join(f"{column} = '{value}'" for column, value in changed.items())}"


@pytest.mark.parametrize("table", CASES)
def test_no_row_is_decided_as_it_is_inserted(table: str, refused: Refusal) -> None:
    case = CASES[table]
    case.make()
    early = values_of(case.decided) | values_of(case.later)
    for column in early.keys() - BESIDE:
        refused(copy_of(table, values_of(case.other) | {column: early[column]}), constraint=f"{table}_begins")
    run(copy_of(table, values_of(case.other)))


@pytest.mark.parametrize("table", CASES)
def test_a_decision_is_made_once(table: str, refused: Refusal) -> None:
    case = CASES[table]
    case.make()
    run(change_of(table, values_of(case.decided)))
    later = {column: LATER + timedelta(hours=1) for column, value in case.decided.items() if value is AT}
    refused(change_of(table, later), constraint=f"{table}_{case.once}")


def test_a_new_password_is_not_cancelled_twice_nor_after_all_not(refused: Refusal) -> None:
    a_new_password()
    run(change_of("accounts_newpassword", {"cancelled_at": LATER}))
    for other in ("NULL", "cancelled_at + interval '1 hour'"):
        refused(f"UPDATE accounts_newpassword SET cancelled_at = {other}", constraint="accounts_newpassword_ended_once")


def test_a_look_that_two_agreed_to_is_only_shortened(refused: Refusal) -> None:
    a_reveal()
    run(change_of("support_reveal", values_of(CASES["support_reveal"].decided)))
    for until in ("until + interval '1 microsecond'", "NULL"):
        refused(f"UPDATE support_reveal SET until = {until}", constraint="support_reveal_agreed_once")
    for until in ("until", "until - interval '1 microsecond'"):
        run(f"UPDATE support_reveal SET until = {until}")


def test_a_look_begins_with_nobody_s_second_yes_though_it_takes_one(refused: Refusal) -> None:
    a_reveal()
    other = {"id": 700_007, "two_needed": False}
    for early in ({"second_id": a_staff_user("agent").pk}, {"agreed_at": LATER.isoformat()}):
        refused(copy_of("support_reveal", {**other, **early}), constraint="support_reveal_begins")
    run(copy_of("support_reveal", other))


def test_a_protection_is_ended_by_the_officer_who_agreed(refused: Refusal) -> None:
    a_protected_line()
    agreed = who_agreed_to_end()
    ended = {"ended_at": LATER, "ended_by": an_actor()}
    refused(change_of("support_protectedline", ended), constraint="support_protectedline_two_officers")
    run(change_of("support_protectedline", {**ended, "ended_by": agreed}))


def test_every_table_of_decisions_is_guarded() -> None:
    with connection.cursor() as cursor:
        cursor.execute(TABLES, [sorted(DECIDED)])
        tables = {table for (table,) in cursor.fetchall()}
        cursor.execute(GUARDED)
        guarded = {table for (table,) in cursor.fetchall()}
    assert tables - guarded == set(OTHERWISE)
    assert guarded == set(CASES)


@pytest.mark.parametrize("decision", ["agreed", "declined"])
def test_only_another_officer_agrees_or_declines(decision: str, refused: Refusal) -> None:
    a_proposal()
    mine, other = Proposal.objects.get().proposed_by, an_actor()
    gone = a_staff_user(is_active=False)
    nobody = (
        mine, f"officer:{gone.pk}", "officer:999999", other.replace(":", ":0"), an_actor("agent"), "system:expiry",
    )  # fmt: skip
    for name in nobody:
        decided = {"decision": decision, "decided_by": name, "decided_at": LATER}
        refused(change_of("partners_proposal", decided), constraint="partners_proposal_two_people")
    run(change_of("partners_proposal", {"decision": decision, "decided_by": other, "decided_at": LATER}))


def test_only_its_own_officer_or_time_withdraws_a_proposal(refused: Refusal) -> None:
    a_proposal()
    withdrawn = {"decision": "withdrawn", "decided_by": an_actor(), "decided_at": LATER}
    refused(change_of("partners_proposal", withdrawn), constraint="partners_proposal_two_people")
    run(change_of("partners_proposal", withdrawn | {"decided_by": Proposal.objects.get().proposed_by}))


def test_nobody_but_an_officer_proposes(refused: Refusal) -> None:
    a_proposal()
    for name in (an_actor("agent"), "officer:999999", "system:clocks"):
        changed = {"id": another_id(), "target_id": 7, "proposed_by": name}
        refused(copy_of("partners_proposal", changed), constraint="partners_proposal_two_people")
