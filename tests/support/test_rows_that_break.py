"""One row that breaks in a round keeps no other waiting, and officers are told of it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core import mail
from django.db import OperationalError, connection, connections
from django.utils import timezone
from pytest_django import Settings

import audit.actions
import audit.queries
from accounts.actions import sms_outbox
from accounts.clients.texts import MemoryBackend
from accounts.models import AlertChoice, Line, LineNumber, Message, OutgoingEmail
from accounts.primitives.sealing import unseal
from accounts.workers import email_outbox, sms_delivery
from accounts.workers.one_by_one import run_each
from audit.models import AuditEvent, Incident
from consent.actions.choices import pause, stop
from consent.models import AwaitedOutcome, ConsentRequest, EndedPause
from consent.primitives import stop_failures
from consent.workers import agent_callbacks, cohort_texts, cohorts, expiry, outcome_texts, reminders
from consent.workers.cohorts import ITS_TERM
from console.queries.notifications import KINDS
from partners.actions import proposals
from partners.clients import http
from partners.models import AgentRequest, Contract
from revocations.models import BY_TERM, Cohort, EvidenceRequest, StreamEvent
from revocations.workers import stream_health, verification
from revocations.workers.delivery import delivery_rounds
from support.actions.replies import begin_reply
from support.domain import tickets
from support.models import BulkReply, Draft, Entry, NotificationChannel, Ticket
from support.workers import notifications, sending, term_change_propagation, watching
from tests.agents import BUSINESS, Agent
from tests.consent.claiming import a_partner, asked, text_now
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import number_of
from tests.revocations.waiting import Waiting, denials, run
from tests.staff import an_actor
from tests.support.desk import a_ticket
from tests.support.officers import shown, staff

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


@pytest.fixture
def refusing() -> Iterator[Callable[[str, str], None]]:
    """Have the database refuse rows of a table that a condition names, as a damaged index or a fault of ours does."""
    tables: list[str] = []

    def refuse(table: str, condition: str) -> None:
        tables.append(table)
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$"
            )
            cursor.execute(
                f"CREATE TRIGGER broken BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN ({condition})"
                " EXECUTE FUNCTION broken()"
            )

    yield refuse
    with connections["owner"].cursor() as cursor:
        for table in tables:
            cursor.execute(f"DROP TRIGGER broken ON {table}")
        cursor.execute("DROP FUNCTION IF EXISTS broken()")


def of_no_key(line: Line) -> None:
    """No key opens its number: it was lost, or came back with an older database."""
    LineNumber.objects.filter(line=line).update(msisdn_sealed=b"not ours")


def told(job: str) -> str:
    """What officers read of the one incident that there is."""
    (incident,) = Incident.objects.filter(kind="work_breaks")
    assert incident.subject == job
    assert incident.key == f"{job}:{incident.opened_at:%Y-%m-%d}"
    page = shown(staff(), f"/admin/incidents/{incident.pk}/")
    assert "Our background work fails for some rows: see the worker's log" in page
    assert "A background job, which goes on with everything else" in page
    return f"{incident.count}"


def test_a_line_whose_number_no_key_opens_keeps_no_other_from_hearing_that_a_partner_is_late() -> None:
    campaign, now = a_campaign(), timezone.now()
    first, second = a_line(), a_line()
    for line in (first, second):
        an_approval(line, campaign)
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    Message.objects.all().delete()
    AwaitedOutcome.objects.filter(pk=first.pk).update(look_at=now - timedelta(days=1))
    of_no_key(first)
    later = now + timedelta(days=60)
    assert [outcome_texts.notify_outcomes(now=later) for _ in range(2)] == [1, 0]
    assert list(Message.objects.values_list("line_id", "kind")) == [(second.pk, "late")]
    assert told("consent.outcome_texts") == "1"


def test_a_dispute_that_breaks_keeps_no_other_from_its_case(refusing: Callable[[str, str], None]) -> None:
    first, second = a_line(), a_line()
    for line in (first, second):
        an_approval(line, a_campaign())
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web", reason="never_agreed")
    refusing("support_ticket", f"NEW.line_id = {first.pk}")
    assert tickets.open_tickets(at=timezone.now()) == 1
    assert list(Ticket.objects.values_list("line_id", flat=True)) == [second.pk]
    assert told("support.tickets") == "1"


def test_an_end_that_breaks_keeps_no_other_partner_from_being_told_of_its_own() -> None:
    at = timezone.now()
    contracts = [a_contract(ref=f"AGR-{n}") for n in range(2)]
    for contract in contracts:
        a_campaign(contract)
        Contract.objects.filter(pk=contract.pk).update(ends_at=at - timedelta(minutes=5))
    broken = Cohort.objects.create(
        id=uuid4(), of="contract", target_id=10**9, contract_id=contracts[0].pk, party_id=contracts[0].aggregator_id,
        epoch=7, terminated_at=at - timedelta(days=2), recorded_at=at - timedelta(days=2), actor=BY_TERM, plan={},
        reason=ITS_TERM, complete_by=at,
    )  # fmt: skip
    assert cohorts.end_terms(now=at) == 2
    assert cohorts.build_manifests(now=at + timedelta(minutes=5)) == 2
    assert list(Cohort.objects.filter(manifest_at=None)) == [broken]
    assert told("consent.manifests") == "1"


def test_an_act_that_can_t_be_settled_keeps_no_later_act_from_partners() -> None:
    at = timezone.now()
    for target in (10**9, a_contract().pk):
        audit.actions.record(action="contract.shortened", actor="officer:1", target=f"contract:{target}", at=at)
    first, second = AuditEvent.objects.filter(action="contract.shortened").order_by("id")
    assert first.target == f"contract:{10**9}"
    assert [term_change_propagation.settle(now=at + timedelta(seconds=1)) for _ in range(2)] == [1, 0]
    settled = AuditEvent.objects.filter(action="act.settled").values_list("target", flat=True)
    assert list(settled) == [f"event:{second.pk}"]
    assert told("support.settle") == "1"


def test_a_pause_whose_end_breaks_keeps_no_other_from_its_own() -> None:
    now, campaign = timezone.now(), a_campaign()
    first, second = a_line(), a_line()
    for line in (first, second):
        Line.objects.filter(pk=line.pk).update(recorded_at=now - 9 * DAY)
        an_approval(line, campaign)
        pause(line_id=line.pk, scope="all", until=now + DAY, actor="subscriber:1", channel="web")
    of_no_key(first)
    assert expiry.end_pauses(now=now + 2 * DAY) == 1
    assert list(EndedPause.objects.values_list("line_id", flat=True)) == [second.pk]
    assert told("consent.pauses") == "1"


def test_a_term_that_can_t_be_ended_keeps_no_other_from_its_end(refusing: Callable[[str, str], None]) -> None:
    at = timezone.now()
    first, second = (a_contract(ref=f"AGR-{n}") for n in range(2))
    for n, contract in enumerate((first, second)):
        a_campaign(contract)
        Contract.objects.filter(pk=contract.pk).update(ends_at=at - timedelta(minutes=5 - n))
    refusing("revocations_cohort", f"NEW.contract_id = {first.pk}")
    assert cohorts.end_terms(now=at) == 1
    assert list(Cohort.objects.values_list("contract_id", flat=True)) == [second.pk]
    assert told("consent.terms") == "1"


def test_a_line_whose_number_no_key_opens_keeps_no_other_from_hearing_that_help_is_lost() -> None:
    at = timezone.now()
    campaign = a_campaign(lifeline=True)
    lines = [a_line() for _ in range(3)]
    for line in lines:
        an_approval(line, campaign)
    of_no_key(lines[1])
    Contract.objects.filter(pk=campaign.contract_id).update(ends_at=timezone.now())
    assert cohorts.end_terms(now=timezone.now()) == 1
    assert [cohort_texts.tell_subscribers(now=at + DAY) for _ in range(2)] == [2, 0]
    assert list(Message.objects.order_by("line").values_list("line_id", flat=True)) == [lines[0].pk, lines[2].pk]
    assert told("consent.lifeline_texts") == "1"


def test_a_case_whose_answer_breaks_keeps_no_other_of_a_reply_to_many(refusing: Callable[[str, str], None]) -> None:
    at, party, ana = timezone.now(), a_party("GeoBridge"), staff("agent", name="ana")
    audit.actions.open_incident(kind=Incident.Kind.BURST, key="k", subject=party.uri, at=at)
    about: dict[str, Any] = {"about_kind": "incident", "about_ref": str(Incident.objects.get().pk)}
    first, second = (a_ticket(line_id=a_line().pk, **about) for _ in range(2))
    begin_reply(incident_id=Incident.objects.get().pk, kinds=[], language="", body="So.", actor=ana.actor, at=at)
    refusing("support_entry", f"NEW.ticket_id = {first.pk}")
    assert [sending.send_replies(at=at + timedelta(minutes=1)) for _ in range(2)] == [1, 0]
    assert list(Entry.objects.values_list("ticket_id", flat=True)) == [second.pk]
    assert list(BulkReply.objects.values_list("answered", "skipped")) == [(1, 1)]
    first.refresh_from_db()
    assert first.state == "open"
    assert told("support.replies") == "1"


@pytest.mark.parametrize(("job", "send"), [("reminders", reminders.remind), ("yearly", reminders.send_yearly)])
def test_a_line_whose_number_no_key_opens_keeps_no_other_from_its_reminder_or_yearly_link(
    job: str, send: Callable[..., object]
) -> None:
    now, campaign = timezone.now(), a_campaign()
    first, second = a_line(), a_line()
    for line in (first, second):
        an_approval(line, campaign, at=now - 300 * DAY)
        Line.objects.filter(pk=line.pk).update(recorded_at=now - 365 * DAY, activated_at=now - 400 * DAY)
        AlertChoice.objects.create(line=line, topic="yearly", wanted=True, chosen_at=now - 366 * DAY)
    of_no_key(first)
    for _ in range(2):
        send(now=now)
    assert list(Message.objects.values_list("line_id", flat=True)) == [second.pk]
    assert told(f"consent.{job}") == "1"


def test_a_line_whose_number_no_key_opens_keeps_no_other_from_its_question() -> None:
    partner, numbers = a_partner(), [f"+1206555014{n}" for n in range(5)]
    lines = [a_line(msisdn=number) for number in numbers]
    for n, number in enumerate(numbers):
        partner.one(partner.claim(id=f"c-{n}", msisdn=number))
    assert ConsentRequest.objects.count() == 5
    of_no_key(lines[2])
    assert [text_now() for _ in range(2)] == [4, 0]
    assert [len(asked(number)) for number in numbers] == [1, 1, 0, 1, 1]
    assert told("consent.request_texts") == "1"


def test_an_agent_s_request_that_breaks_keeps_no_other_from_its_end_and_its_callback(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, refusing: Callable[[str, str], None]
) -> None:
    settings.DRP_BUSINESS_ID = BUSINESS
    agent, called = Agent(), list[str]()
    agent.register()
    agent.sign_in()
    asked_for = [
        agent.exercise(number_of(a_line()), status_callback="https://agent.example/status")["request_id"]
        for _ in range(2)
    ]

    def post(*, body: bytes, **_more: object) -> http.Reply:
        called.append(json.loads(body)["request_id"])
        return http.Reply(status=200)

    monkeypatch.setattr(http, "post", post)
    refusing("partners_agentrequest", f"NEW.id = '{asked_for[0]}'")
    assert agent_callbacks.run_agent_callbacks(now=timezone.now() + 8 * DAY) == 1
    assert called == asked_for[1:]
    assert list(AgentRequest.objects.filter(closed_at=None).values_list("id", flat=True)) == [UUID(asked_for[0])]
    assert told("consent.agent_requests") == "1"


def test_a_text_that_breaks_keeps_no_other_waiting(refusing: Callable[[str, str], None], settings: Settings) -> None:
    at, (first, second) = timezone.now(), (a_line() for _ in range(2))
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    for n, line in enumerate((first, second)):
        sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.STOPPED, words="So.", at=at + n * SECOND)
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    refusing("accounts_message", f"NEW.line_id = {first.pk} AND NEW.taken_at IS NOT NULL")
    assert [sms_delivery.deliver(now=at + n * SECOND) for n in (1, 2)] == [1, 0]
    assert [text.msisdn for text in MemoryBackend.outbox] == [number_of(second)]
    assert told("accounts.texts") == "1"


def test_a_mail_that_breaks_keeps_no_other_waiting(refusing: Callable[[str, str], None]) -> None:
    at = timezone.now()
    for name in ("dana", "sam"):
        letter = email_outbox.Mail("Hello", "So.")
        sms_outbox.enqueue_notice(line_id=None, to=f"{name}@mail.example", mail=letter, at=at)
    first, second = OutgoingEmail.objects.order_by("next_at", "pk")
    OutgoingEmail.objects.filter(pk=second.pk).update(next_at=at + SECOND)
    refusing("accounts_letter", f"NEW.id = '{first.pk}'")
    assert [email_outbox.deliver(now=at + SECOND) for _ in range(2)] == [1, 0]
    assert [one.to for one in mail.outbox] == [[unseal(second.to_sealed)]]
    assert told("accounts.email_outbox") == "1"


def test_an_answer_that_breaks_keeps_no_other_waiting(refusing: Callable[[str, str], None]) -> None:
    at, ana = timezone.now(), staff("agent", name="ana")
    first, second = (a_ticket(line_id=a_line().pk) for _ in range(2))
    for ticket in (first, second):
        Draft.objects.create(
            ticket=ticket, user=ana.user, kind="answer", body="So.", send_at=at, then="solved", updated_at=at
        )
    refusing("support_entry", f"NEW.ticket_id = {first.pk}")
    assert [sending.send(now=at) for _ in range(2)] == [1, 0]
    assert list(Draft.objects.values_list("ticket_id", flat=True)) == [first.pk]
    assert told("support.answers") == "1"


@pytest.mark.parametrize(
    ("job", "fields", "state"),
    [
        ("support.closing", {"state": "solved", "solved_at": LONG_AGO}, "closed"),
        ("support.waits", {"state": "waiting", "due_at": LONG_AGO}, "open"),
    ],
)
def test_a_case_that_breaks_keeps_no_other_from_its_end(
    job: str, fields: dict[str, Any], state: str, refusing: Callable[[str, str], None]
) -> None:
    first, second = (a_ticket(line_id=a_line().pk) for _ in range(2))
    Ticket.objects.update(**fields)
    refusing("support_entry", f"NEW.ticket_id = {first.pk}")
    assert [tickets.close_overdue_waits(at=timezone.now()) for _ in range(2)] == [1, 0]
    assert dict(Ticket.objects.values_list("pk", "state")) == {first.pk: fields["state"], second.pk: state}
    assert told(job) == "1"


def test_a_partner_s_proof_that_breaks_keeps_no_other_from_its_case(refusing: Callable[[str, str], None]) -> None:
    at = timezone.now()
    for _ in range(2):
        line = a_line()
        an_approval(line, a_campaign(), verified_by="partner")
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web", reason="never_agreed")
    tickets.open_tickets(at=at)
    first, second = Ticket.objects.order_by("pk")
    EvidenceRequest.objects.update(answered_at=at, answer="none", token="x")
    refusing("support_entry", f"NEW.ticket_id = {first.pk}")
    assert [tickets.record_evidence_entries(at=at) for _ in range(2)] == [1, 0]
    assert list(Entry.objects.filter(kind="evidence").values_list("ticket_id", flat=True)) == [second.pk]
    assert told("support.evidence") == "1"


def test_a_partner_whose_denial_breaks_keeps_no_other_from_its_own(refusing: Callable[[str, str], None]) -> None:
    first, second = Waiting(name="Ash"), Waiting(name="Birch")
    for scene in (first, second):
        run(scene.began, scene.began + 2 * DAY)
    refusing("partners_suspension", f"NEW.target_id = {first.party.pk}")
    assert [stream_health.watch(now=second.began + 2 * DAY) for _ in range(2)] == [1, 0]
    assert denials() == [("party", second.party.pk, True)]
    assert told("revocations.watch") == "1"


def test_a_stream_that_breaks_keeps_no_other_from_being_asked(refusing: Callable[[str, str], None]) -> None:
    first, second = Waiting(name="Ash"), Waiting(name="Birch")
    for scene in (first, second):
        scene.a_stream()
    refusing("revocations_streamevent", f"NEW.party_id = {first.party.pk}")
    for _ in range(2):
        verification.verify_streams(now=second.began + DAY)
    assert list(StreamEvent.objects.values_list("party_id", flat=True)) == [second.party.pk]
    assert told("revocations.verification") == "1"


def test_officers_are_told_of_a_partner_for_whom_nothing_can_be_claimed(refusing: Callable[[str, str], None]) -> None:
    scene = Waiting()
    refusing("revocations_order", f"NEW.party_id = {scene.party.pk}")
    assert delivery_rounds.deliver_due(party_id=scene.party.pk, now=timezone.now()) == {"failed": 1}
    assert told("revocations.delivery") == "1"


def test_a_channel_that_breaks_keeps_no_other_from_its_message(refusing: Callable[[str, str], None]) -> None:
    at = timezone.now()
    first, second = (staff("officer", name=name).user for name in ("ana", "ben"))
    for officer in (first, second):
        NotificationChannel.objects.create(user=officer, is_on=True, told_at=at - DAY, zone="UTC")
    NotificationChannel.objects.filter(user=first).update(zone="No/Such")
    proposals.propose(
        act="extend_term", of="contract", target_id=a_contract().pk, reason="They asked.", at=at - DAY / 2,
        actor=an_actor(), payload={"ends_at": "2097-01-01T00:00:00+00:00"},
    )  # fmt: skip
    assert notifications.send_notifications(kinds=KINDS, now=at) == 1
    assert [one.to for one in mail.outbox] == [[second.email]]
    assert told("console.notifications") == "1"


def test_officers_are_told_of_a_check_of_the_trail_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_more: object) -> object:
        raise RuntimeError

    monkeypatch.setattr(audit.queries, "verify_chains", broken)
    watching.verify_audit(now=timezone.now())
    assert told("support.verify-audit") == "1"


def test_a_check_that_breaks_keeps_no_later_one_from_its_incident(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*, now: datetime) -> dict[datetime, int]:
        raise ConnectionError(f"The store of counts is away at {now}")

    monkeypatch.setattr(stop_failures.FAILED, "by_hour", lost)
    settings.STOPS_BY_AGENT_ALARM = 0
    now = timezone.now()
    audit.actions.record(action="consent.stop", actor="agent:7", target="line:1", line_id=a_line().pk, at=now)
    watching.watch(now=now)
    assert list(Incident.objects.exclude(kind="work_breaks").values_list("kind", flat=True)) == ["stops_by_agent"]
    assert told("support.watch") == "1"


@pytest.mark.parametrize(("code", "incidents"), [("io_error", 1), ("deadlock_detected", 0), ("lock_not_available", 0)])
def test_what_the_database_fails_at_is_told_unless_another_act_was_in_the_way(code: str, incidents: int) -> None:
    def fail(_row: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE 'broken' USING ERRCODE = '{code}'; END $$")
        return 1

    assert run_each(job="support.watch", rows=[1], do=fail, at=timezone.now()) == 0
    assert Incident.objects.filter(kind="work_breaks").count() == incidents


def test_rows_that_break_in_front_leave_room_for_those_behind_them(
    monkeypatch: pytest.MonkeyPatch, refusing: Callable[[str, str], None]
) -> None:
    at, ana = timezone.now(), staff("agent", name="ana")
    cases = [a_ticket(line_id=a_line().pk) for _ in range(4)]
    for n, case in enumerate(cases):
        Draft.objects.create(
            ticket=case, user=ana.user, kind="answer", body="So.", updated_at=at, send_at=at + n * SECOND, then="solved"
        )
    refusing("support_entry", f"NEW.ticket_id IN ({cases[0].pk}, {cases[1].pk})")
    monkeypatch.setattr(sending, "BATCH", 1)
    assert [sending.send(now=at + DAY) for _ in range(3)] == [1, 1, 0]
    assert list(Draft.objects.order_by("send_at").values_list("ticket_id", flat=True)) == [cases[0].pk, cases[1].pk]
    assert told("support.answers") == "2"


def test_pauses_whose_ends_break_leave_room_for_those_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    now, campaign = timezone.now(), a_campaign()
    lines = [a_line() for _ in range(3)]
    for n, line in enumerate(lines):
        Line.objects.filter(pk=line.pk).update(recorded_at=now - 9 * DAY)
        an_approval(line, campaign)
        until = now + DAY + n * SECOND
        pause(line_id=line.pk, scope="all", until=until, actor="subscriber:1", channel="web")
    of_no_key(lines[0])
    monkeypatch.setattr(expiry, "BATCH", 1)
    assert [expiry.end_pauses(now=now + 2 * DAY) for _ in range(2)] == [2, 0]
    assert told("consent.pauses") == "1"


def test_whoever_could_not_be_told_that_help_is_lost_is_told_the_next_time_and_nobody_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at, campaign = timezone.now(), a_campaign(lifeline=True)
    first, second, third = lines = [a_line() for _ in range(3)]
    for line in lines:
        an_approval(line, campaign)
    number = LineNumber.objects.get(line=first)
    of_no_key(first)
    Contract.objects.filter(pk=campaign.contract_id).update(ends_at=timezone.now())
    assert cohorts.end_terms(now=timezone.now()) == 1
    enqueue_text = sms_outbox.enqueue_text

    def lose_the_session(*, line_id: int, **more: Any) -> None:
        if line_id == third.pk:
            raise OperationalError
        enqueue_text(line_id=line_id, **more)

    monkeypatch.setattr(sms_outbox, "enqueue_text", lose_the_session)
    cohort_texts.tell_subscribers(now=at + DAY)
    assert list(Message.objects.values_list("line_id", flat=True)) == [second.pk]
    monkeypatch.undo()
    LineNumber.objects.filter(line=first).update(msisdn_sealed=bytes(number.msisdn_sealed))
    assert cohort_texts.tell_subscribers(now=at + DAY) == 2
    told_of = Message.objects.order_by("line").values_list("line_id", flat=True)
    assert list(told_of) == [first.pk, second.pk, third.pk]
