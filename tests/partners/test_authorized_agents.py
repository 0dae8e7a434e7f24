"""What officers do about authorised agents: two let one ask for people, as it is written down; one shuts it out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.exceptions import ValidationError
from django.db import IntegrityError, ProgrammingError, transaction

from accounts.models import User
from accounts.queries import StaffOnly
from audit.models import AuditEvent
from consent.models import Tightening
from console.actions import proposals
from partners.actions.authorized import propose_agent, register_agent, suspend_agent
from partners.actions.proposals import mark_agreed
from partners.models import AuthorizedAgent, Proposal
from partners.policies.lifecycle import NotNow
from partners.queries import key_of
from tests.agents import public
from tests.moments import A_MOMENT
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("db", "no_broker")
# So long ago that what is later by minutes is past too.
NOW = datetime.now(UTC) - timedelta(hours=1)
LATER = NOW + timedelta(minutes=1)
KEY, OTHER = public(Ed25519PrivateKey.generate()), public(Ed25519PrivateKey.generate())
# Base64 of a key leaves two bits of its last letter unused: the same key in other letters.
OTHERWISE = f"{KEY[:-2]}{chr(ord(KEY[-2]) + 1)}="
SLIP: dict[str, Any] = {"agent_id": "SLIP", "name": "Slip", "key": KEY, "hosts": ["agent.example"]}


@pytest.fixture
def officer() -> str:
    return an_actor()


@pytest.fixture
def agent(officer: str) -> AuthorizedAgent:
    return register_agent(**SLIP, reason="New.", actor=officer, at=NOW)


def proposed(agent: AuthorizedAgent, officer: str, *, at: datetime = LATER, **changed: Any) -> Proposal:
    values = {"name": "Slip", "key": KEY, "hosts": ["agent.example"], **changed}
    return propose_agent(number=agent.number, **values, reason="Due", actor=officer, at=at)


def agree(proposal: Proposal | None = None, *, at: datetime = LATER) -> None:
    proposal = proposal or Proposal.objects.get(decision="")
    proposals.agree_to_proposal(proposal_id=proposal.pk, reason="Seen.", actor=an_actor(), at=at)


def now(agent: AuthorizedAgent) -> tuple[bool, str, str, list[str]]:
    row = AuthorizedAgent.objects.get(pk=agent.pk)
    return row.ended_at is None, row.name, key_of(agent=row), row.hosts


def test_one_officer_writes_it_down_and_another_lets_it_ask(officer: str, agent: AuthorizedAgent) -> None:
    assert now(agent) == (False, "Slip", KEY, ["agent.example"])
    own = Proposal.objects.get()
    with pytest.raises(NotNow, match="another officer must approve it"):
        proposals.agree_to_proposal(proposal_id=own.pk, reason="Due", actor=officer, at=LATER)
    agree()
    assert now(agent) == (True, "Slip", KEY, ["agent.example"])
    written = AuditEvent.objects.filter(target=f"authorized:{agent.number}").order_by("id")
    assert [one.action for one in written] == [
        "authorized.registered", "proposal.made", "proposal.agreed", "authorized.let_in",
    ]  # fmt: skip
    done = written[3]
    assert (done.reason, done.detail["proposed_by"], done.detail["key"]) == ("Seen.", officer, KEY)


def test_until_another_agrees_it_asks_as_it_did(officer: str, agent: AuthorizedAgent) -> None:
    agree()
    with pytest.raises(NotNow, match="SLIP may already act"):
        proposed(agent, officer)
    AuthorizedAgent.objects.update(token_hash=b"given")
    second = proposed(agent, officer, key=OTHER, hosts=["b.example", "a.example"], at=LATER)
    assert now(agent) == (True, "Slip", KEY, ["agent.example"])
    agree(second, at=LATER + timedelta(minutes=1))
    assert now(agent) == (True, "Slip", OTHER, ["a.example", "b.example"])
    assert AuthorizedAgent.objects.get().token_hash is None
    assert AuditEvent.objects.filter(action="authorized.let_in").latest("id").detail["was"] == KEY


def test_one_officer_suspends_it_whatever_was_agreed_before(officer: str, agent: AuthorizedAgent) -> None:
    agree()
    early = proposed(agent, officer, name="Slip Inc.")
    AuthorizedAgent.objects.update(token_hash=b"given")
    at = LATER + timedelta(seconds=1)
    suspend_agent(number=agent.number, reason="It lies.", actor=officer, at=at)
    row = AuthorizedAgent.objects.get()
    assert (row.ended_at, row.token_hash) == (at, None)
    early.refresh_from_db()
    assert (early.decision, early.decided_by, early.decided_at) == ("withdrawn", "system:expiry", at)
    with pytest.raises(NotNow, match="It was already decided: withdrawn"):
        agree(early, at=at + timedelta(minutes=1))
    # It stands in the way of no other.
    again = proposed(agent, officer, at=at + timedelta(minutes=1))
    # Nor was it changed by anybody else meanwhile.
    AuthorizedAgent.objects.update(changed_at=at + timedelta(minutes=2))
    with pytest.raises(NotNow, match="was suspended or changed after it was proposed"):
        agree(again, at=at + timedelta(minutes=3))
    with pytest.raises(NotNow, match="may not act for anyone now"):
        suspend_agent(number=agent.number, reason="Due", actor=officer, at=at)


def test_what_does_not_fit_is_said_beside_its_field(officer: str) -> None:
    for field, value in (
        ("agent_id", "7"), ("agent_id", "a b"), ("agent_id", "A" * 61), ("name", "x" * 201),
        ("name", " "), ("name", "\u3164"), ("key", "AAAA"),
        ("key", "no base64!"), ("key", KEY[:-4]), ("key", OTHERWISE), ("hosts", ["https://a.example"]),
        ("hosts", ["a.example/x"]), ("hosts", ["localhost"]), ("hosts", ["10.0.0.1"]),
    ):  # fmt: skip
        with pytest.raises(ValidationError) as refused:
            register_agent(**{**SLIP, field: value}, reason="New.", actor=officer, at=NOW)
        assert list(refused.value.error_dict) == [field], value
    assert not AuthorizedAgent.objects.exists()
    longest = {**SLIP, "agent_id": "A" * 60, "name": "x" * 200}
    assert len(register_agent(**longest, reason="New.", actor=officer, at=NOW).name) == 200


def test_nobody_but_an_officer_with_a_reason_may(officer: str, agent: AuthorizedAgent) -> None:
    with pytest.raises(NotNow, match="SLIP is already registered"):
        register_agent(**SLIP, reason="New.", actor=officer, at=NOW)
    with pytest.raises(NotNow, match="Say why"):
        register_agent(**{**SLIP, "agent_id": "B"}, reason=" ", actor=officer, at=NOW)
    with pytest.raises(NotNow, match="no such agent"):
        suspend_agent(number=agent.number + 1, reason="Due", actor=officer, at=NOW)
    agree()
    for role in (User.Role.AGENT, User.Role.AUDITOR, User.Role.LEGAL, User.Role.SUBSCRIBER):
        by: dict[str, Any] = {"reason": "Due", "actor": an_actor(role), "at": LATER}
        with pytest.raises(StaffOnly):
            register_agent(**{**SLIP, "agent_id": "B"}, **by)
        with pytest.raises(StaffOnly):
            propose_agent(number=agent.number, name="X", key=OTHER, hosts=[], **by)
        with pytest.raises(StaffOnly):
            suspend_agent(number=agent.number, **by)
    assert now(agent) == (True, "Slip", KEY, ["agent.example"])


def refused(constraint: str, **changed: object) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        AuthorizedAgent.objects.filter(pk="SLIP").update(**changed)


def test_what_ends_an_agent_is_kept_for_the_archive_and_nothing_else_of_it(
    officer: str, agent: AuthorizedAgent
) -> None:
    kept = Tightening.objects.filter(kind="agent").values_list("facts", flat=True)
    agree()
    assert list(kept) == []
    suspend_agent(number=agent.number, reason="Due", actor=officer, at=LATER + timedelta(minutes=1))
    assert list(kept.all()) == [{"id": "SLIP"}]


def test_the_database_lets_none_ask_without_two_officers(officer: str, agent: AuthorizedAgent) -> None:
    two, kept = "needs two officers", "partners_authorizedagent is refused"
    refused(two, ended_at=None)
    with pytest.raises(IntegrityError, match=two), transaction.atomic():
        AuthorizedAgent.objects.create(id="B", name="B", verify_key=b"k", registered_at=NOW)
    first = Proposal.objects.get()
    mark_agreed(proposal_id=first.pk, reason="Due", actor=an_actor(), at=LATER)
    refused(two, ended_at=None, changed_at=LATER, name="Another")
    refused(two, ended_at=None, changed_at=LATER, hosts=["evil.example"])
    refused(two, ended_at=None, changed_at=NOW)
    assert AuthorizedAgent.objects.filter(pk="SLIP").update(ended_at=None, changed_at=LATER) == 1
    # The same yes counts once, and what is in force changes by another alone.
    refused(two, verify_key=b"k" * 32, changed_at=LATER)
    refused(two, name="Another", changed_at=LATER)
    refused(two, hosts=["evil.example"], changed_at=LATER)
    refused(kept, changed_at=NOW)
    refused(kept, changed_at=None)
    refused(kept, number=agent.number + 7)
    refused(kept, id="B")
    refused(kept, registered_at=LATER)
    AuthorizedAgent.objects.filter(pk="SLIP").update(ended_at=LATER, changed_at=LATER)
    refused(two, ended_at=None)
    # Nor does a yes to what was proposed before it was shut out, but one to what was proposed from that moment on.
    for proposed_at in (LATER - A_MOMENT, LATER):
        mark_agreed(proposal_id=proposed(agent, officer, at=proposed_at).pk, reason="Due", actor=an_actor(), at=LATER)
        if proposed_at < LATER:
            refused(two, ended_at=None, changed_at=LATER)
    assert AuthorizedAgent.objects.filter(pk="SLIP").update(ended_at=None, changed_at=LATER) == 1
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        agent.delete()
