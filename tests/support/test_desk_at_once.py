"""Two at the desk in the same moment, or two workers: a case, an answer, a proof is taken once."""

import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from pytest_django import Settings

import accounts.queries
import audit.actions
from accounts.actions.people import get_or_create_person
from accounts.models import Line, User
from audit.models import AuditEvent, Incident
from consent.actions import choices
from consent.models import Choice
from consent.queries.choices import NEVER_AGREED
from console.actions.test_lines import end_test_line, mark_test_line
from partners.models import Suspension
from partners.policies.lifecycle import NotNow as NotNowOfTerms
from revocations.models import EvidenceRequest
from support.actions import asking, cases, escalation, incoming, protected_lines, queue, replies, stop_for, writing
from support.actions.protected_lines import agree_to_reveal, reveal
from support.actions.queue import claim_next
from support.actions.replies import begin_reply, undo_reply
from support.domain.tickets import close_tickets, end_waits, record_evidence_entries
from support.models import (
    BulkReply,
    CarrierTestLine,
    Draft,
    Entry,
    LoggedCall,
    ProtectedLine,
    Reveal,
    SavedReply,
    Ticket,
)
from support.policies.lifecycle import CLOSES_AFTER, NotNow
from support.policies.thread_events import WITHDRAWN
from support.primitives.tokens import REPLY, token_of
from support.queries.case import evidence_key
from support.queries.queue import QueueFilter
from support.workers import sending
from support.workers.sending import send_replies
from tests.factories import a_contract, a_line, a_party
from tests.overlapping import noted, overlap
from tests.staff import a_staff_user, an_actor
from tests.support.desk import a_ticket

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WHY = "They called."


def entries(kind: Entry.Kind) -> int:
    return Entry.objects.filter(kind=kind).count()


# Whose a case is


def test_a_case_is_claimed_once(now: datetime) -> None:
    case, one, two = a_ticket(), a_staff_user("agent"), a_staff_user("agent")

    def claims(user: User) -> Callable[[], None]:
        return lambda: queue.claim(code=case.code, user=user, at=now)

    with pytest.raises(NotNow, match="has it"):
        overlap(claims(one), claims(two))
    assert Ticket.objects.get().assignee == one


def test_who_asks_for_the_next_case_never_gets_another_s(now: datetime) -> None:
    first, second = a_ticket(due_in=DAY), a_ticket(due_in=2 * DAY)
    one, two = a_staff_user("agent"), a_staff_user("agent")
    got = overlap(
        lambda: claim_next(asked=QueueFilter(), user=one, at=now),
        lambda: claim_next(asked=QueueFilter(), user=two, at=now),
    )
    assert got == (first.code, second.code)


def test_a_case_is_merged_once(now: datetime) -> None:
    case, other, third = (a_ticket(kind="incident") for _ in range(3))
    agent = an_actor()

    def merges(into: Ticket) -> Callable[[], None]:
        return lambda: queue.merge(code=case.code, into=into.code, actor=agent, at=now)

    with pytest.raises(NotNow):
        overlap(merges(other), merges(third))
    assert noted("ticket.merged") == 1


def test_what_comes_for_a_case_while_it_is_merged_on_follows_it(line: Line, now: datetime) -> None:
    first, second, third = (a_ticket(line_id=line.pk) for _ in range(3))
    agent = an_actor()

    def merges(one: Ticket, into: Ticket) -> None:
        queue.merge(code=one.code, into=into.code, actor=agent, at=now)

    def answers() -> None:
        address = f"help+{token_of(code=first.code, purpose=REPLY)}@carrier.example"
        mail = incoming.IncomingMail("m-1", "ada@example.org", [address], "Re: Why?", "And?")
        incoming.receive_mail(mail=mail, at=now)

    merges(first, second)
    overlap(lambda: merges(second, third), answers)
    assert Entry.objects.get(kind=Entry.Kind.HEARD).ticket_id == third.pk


def test_so_do_an_officer_s_decision_a_partner_s_proof_and_a_withdrawal(line: Line, now: datetime) -> None:
    goes_on, agent, contract = a_ticket(line_id=line.pk), an_actor("agent"), a_contract()
    decided, shown = (a_ticket(line_id=line.pk) for _ in range(2))
    asked = escalation.request_suspension(
        code=decided.code, party_id=contract.aggregator_id, reason=WHY, actor=agent, at=now
    )
    user = get_or_create_person(line=line, at=now)
    never = choices.stop(
        line_id=line.pk, scope="all", actor=f"subscriber:{user.pk}", channel="web", reason=NEVER_AGREED
    )
    disputed, withdrawn = (
        a_ticket(line_id=line.pk, key=f"choice:{choice_id}") for choice_id in (uuid.UUID(int=1), never.choice_id)
    )

    def shows(choice_id: uuid.UUID) -> None:
        request = EvidenceRequest.objects.create(
            line_id=line.pk, id=uuid.uuid4(), choice_id=choice_id, party_id=contract.aggregator_id,
            contract_id=contract.pk, jti=str(choice_id), asked_at=now, due_at=now + DAY,
        )  # fmt: skip
        EvidenceRequest.objects.filter(id=request.id).update(answered_at=now, answer="none", token="t")
        record_evidence_entries(at=now)

    comes: tuple[tuple[Ticket, str, Callable[[], object]], ...] = (
        (decided, "The privacy office did not suspend", lambda: escalation.decide_request(
            request_id=asked.pk, suspends=False, reason=WHY, actor=an_actor(), at=now
        )),
        (shown, "says that it has no proof", lambda: shows(evidence_key(ticket=shown))),
        (disputed, "says that it has no proof", lambda: shows(uuid.UUID(int=1))),
        (withdrawn, str(WITHDRAWN), lambda: asking.withdraw_dispute(
            user=user, line_ids=[line.pk], choice_id=never.choice_id, at=now
        )),
    )  # fmt: skip
    for case, words, happens in comes:
        overlap(partial(queue.merge, code=case.code, into=goes_on.code, actor=agent, at=now), happens)
        newest = Entry.objects.latest("pk")
        assert (newest.ticket_id, words in newest.body) == (goes_on.pk, True)


# What is written in it


def ask_something(line: Line, at: datetime, user: User | None = None, words: str = "Why?") -> Ticket:
    return asking.open_case(
        user=user or get_or_create_person(line=line, at=at), line=line, topic=Ticket.Kind.OTHER, subject=None,
        message=asking.IncomingMessage(words), at=at,
    )  # fmt: skip


def test_no_more_cases_are_opened_than_a_day_has(line: Line, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "CASES_A_DAY", 2)
    ask_something(line, now)
    # To find whose line it is takes a turn of its own, which must not be what holds the second back.
    user = get_or_create_person(line=line, at=now)
    with pytest.raises(asking.DailyLimitReached):
        overlap(lambda: ask_something(line, now, user, "Who?"), lambda: ask_something(line, now, user, "When?"))
    assert Ticket.objects.count() == 2


def test_what_is_asked_in_two_tabs_at_once_is_one_case(line: Line, now: datetime) -> None:
    user = get_or_create_person(line=line, at=now)
    one, other = overlap(lambda: ask_something(line, now, user), lambda: ask_something(line, now, user))
    assert (one, Ticket.objects.count(), entries(Entry.Kind.HEARD)) == (other, 1, 1)


def test_nor_is_more_written_in_one(line: Line, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "WORDS_A_DAY", 2)
    case = ask_something(line, now)
    user = get_or_create_person(line=line, at=now)

    def writes(words: str) -> bool:
        return asking.add_message(
            code=case.code, user=user, line_ids=[line.pk], message=asking.IncomingMessage(words), at=now
        )  # fmt: skip

    with pytest.raises(asking.DailyLimitReached):
        overlap(lambda: writes("And?"), lambda: writes("So?"))
    assert entries(Entry.Kind.HEARD) == 2


def test_nor_by_mail(line: Line, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "INTO_ONE", 1)
    token = token_of(code=ask_something(line, now).code, purpose=REPLY)
    address = f"help+{token}@carrier.example"

    def comes(message_id: str) -> Callable[[], None]:
        said = incoming.IncomingMail(message_id, "ada@example.org", [address], "Re: Why?", "And?")
        return lambda: incoming.receive_mail(mail=said, at=now)

    overlap(comes("1"), comes("2"))
    assert Entry.objects.filter(channel=Entry.Channel.MAIL).count() == 1


def test_an_answer_goes_out_once(line: Line, now: datetime) -> None:
    case, agent = ask_something(line, now), an_actor("agent")
    writing.send(code=case.code, body="Because.", then=Ticket.State.SOLVED, actor=agent, at=now)

    def goes_out() -> int:
        return sending.send(now=now + MINUTE)

    assert overlap(goes_out, goes_out) == (1, 0)
    writing.send(code=case.code, body="And because.", then=Ticket.State.SOLVED, actor=agent, at=now)
    with pytest.raises(NotNow, match=r"It has been sent. Write another answer to correct it."):
        overlap(goes_out, lambda: writing.undo_answer(code=case.code, actor=agent, at=now + MINUTE))
    assert entries(Entry.Kind.ANSWER) == noted("ticket.answered") == 2


def test_what_is_taken_back_does_not_go_out(line: Line, now: datetime) -> None:
    case, agent = ask_something(line, now), an_actor("agent")
    writing.send(code=case.code, body="Because.", then=Ticket.State.SOLVED, actor=agent, at=now)
    overlap(
        lambda: writing.undo_answer(code=case.code, actor=agent, at=now), lambda: sending.send(now=now + MINUTE)
    )  # fmt: skip
    assert entries(Entry.Kind.ANSWER) == 0
    assert Draft.objects.get().send_at is None


def test_what_is_being_taken_back_is_a_draft(line: Line, now: datetime) -> None:
    case, agent = ask_something(line, now), an_actor("agent")
    other = a_ticket(line_id=line.pk, asked_by_id=case.asked_by_id)

    def sends() -> datetime:
        return writing.send(code=case.code, body="Because.", then=Ticket.State.SOLVED, actor=agent, at=now)

    def takes_back() -> None:
        writing.undo_answer(code=case.code, actor=agent, at=now)

    def merges() -> None:
        queue.merge(code=other.code, into=case.code, actor=agent, at=now)

    def keeps(ticket: Ticket) -> bool:
        return writing.keep_draft(code=ticket.code, kind=Entry.Kind.ANSWER, body="So.", actor=agent, at=now)

    sends()
    assert overlap(takes_back, lambda: keeps(case)) == (None, True)
    sends()
    assert overlap(takes_back, sends) == (None, now + sending.TAKES_BACK)
    keeps(other)
    overlap(takes_back, merges)
    (draft,) = Draft.objects.all()
    assert (draft.ticket_id, draft.body, draft.send_at) == (case.pk, "Because.\n\nSo.", None)


def test_an_answer_waits_for_who_works_on_its_case(line: Line, now: datetime) -> None:
    case, agent = ask_something(line, now), an_actor("agent")
    writing.send(code=case.code, body="Because.", then=Ticket.State.SOLVED, actor=agent, at=now)

    def hurries() -> None:
        cases.set_priority(code=case.code, priority=Ticket.Priority.URGENT, reason=WHY, actor=agent, at=now)

    def goes_out() -> int:
        return sending.send(now=now + MINUTE)

    assert overlap(hurries, goes_out) == (None, 0)
    assert goes_out() == 1
    assert Ticket.objects.get().priority == Ticket.Priority.URGENT


def test_what_a_person_writes_as_their_case_ends_keeps_it_open(line: Line, now: datetime) -> None:
    user, case = get_or_create_person(line=line, at=now), ask_something(line, now)
    for state, ends in (
        (Ticket.State.SOLVED, partial(close_tickets, at=now)), (Ticket.State.WAITING, partial(end_waits, at=now)),
    ):  # fmt: skip
        Ticket.objects.filter(pk=case.pk).update(state=state, solved_at=now - CLOSES_AFTER, due_at=now)

        def writes(words: str = state) -> bool:
            return asking.add_message(
                code=case.code, user=user, line_ids=[line.pk], message=asking.IncomingMessage(words), at=now
            )

        assert overlap(writes, ends) == (True, 0)
        assert Ticket.objects.get().state == Ticket.State.OPEN


def test_a_reply_to_many_passes_over_what_is_handed_up_meanwhile(line: Line, now: datetime) -> None:
    audit.actions.open_incident(kind=Incident.Kind.BURST, key="k", subject=a_party().uri, at=now)
    incident, agent = Incident.objects.get(), an_actor("agent")
    case = a_ticket(line_id=line.pk, about_kind="incident", about_ref=str(incident.pk))
    begin_reply(incident_id=incident.pk, kinds=[], language="", body="We stopped it.", actor=agent, at=now)
    overlap(
        lambda: cases.escalate(code=case.code, reason=WHY, actor=agent, at=now), lambda: send_replies(at=now + MINUTE)
    )
    sent = BulkReply.objects.get()
    assert (sent.answered, sent.skipped, entries(Entry.Kind.ANSWER)) == (0, 1, 0)


def test_a_reply_to_many_is_begun_and_sent_once(line: Line, now: datetime) -> None:
    audit.actions.open_incident(kind=Incident.Kind.BURST, key="k", subject=a_party().uri, at=now)
    incident, agent = Incident.objects.get(), an_actor("agent")
    a_ticket(line_id=line.pk, about_kind="incident", about_ref=str(incident.pk))

    def begins() -> BulkReply:
        return begin_reply(incident_id=incident.pk, kinds=[], language="", body="We stopped it.", actor=agent, at=now)

    with pytest.raises(NotNow, match="is about to be sent"):
        overlap(begins, begins)
    reply = BulkReply.objects.get()

    def takes_back() -> None:
        undo_reply(reply_id=reply.pk, actor=agent, at=now)

    with pytest.raises(NotNow, match=r"It was already taken back."):
        overlap(takes_back, takes_back)
    begins()
    assert overlap(lambda: send_replies(at=now + MINUTE), lambda: send_replies(at=now + MINUTE)) == (1, 0)
    assert (entries(Entry.Kind.ANSWER), noted("reply.undone")) == (1, 1)
    sent = BulkReply.objects.get(undone_at=None)
    assert (sent.answered, sent.skipped) == (1, 0)


def test_a_reply_written_often_is_retired_and_brought_back(now: datetime) -> None:
    officer = an_actor()

    def writes(body: str) -> SavedReply:
        return replies.write_reply(key="k", language="en", title="Hello", body=body, actor=officer, at=now)

    reply = writes("Hello.")
    overlap(lambda: writes("Hi."), lambda: writes("Hey."))
    newest = AuditEvent.objects.filter(action="reply.written").latest("id")
    assert newest.detail["was"] == {"body": "Hi."}

    def turns(*, retires: bool) -> None:
        replies.retire_reply(reply_id=reply.pk, retires=retires, actor=officer, at=now)

    with pytest.raises(NotNow, match="already retired"):
        overlap(lambda: turns(retires=True), lambda: turns(retires=True))
    assert SavedReply.objects.get(pk=reply.pk).retired_at == now
    with pytest.raises(NotNow, match=r"It is already in use."):
        overlap(lambda: turns(retires=False), lambda: turns(retires=False))
    assert SavedReply.objects.get(pk=reply.pk).retired_at is None
    assert (noted("reply.retired"), noted("reply.brought_back")) == (1, 1)


# What staff are shown and do for a person


def test_a_second_person_s_yes_is_given_once(line: Line, now: datetime) -> None:
    case, agent, one, two = a_ticket(line_id=line.pk), a_staff_user("agent"), an_actor(), an_actor()
    asked = Reveal.objects.create(
        ticket=case, user=agent, line_id=line.pk, reason=WHY, asked_at=now, two_needed=True
    )  # fmt: skip

    def agrees(actor: str) -> Callable[[], Reveal]:
        return lambda: agree_to_reveal(code=case.code, reveal_id=asked.pk, reason=WHY, actor=actor, at=now)

    with pytest.raises(NotNow, match="no longer open"):
        overlap(agrees(one), agrees(two))
    assert (noted("person.reveal_agreed"), noted("person.revealed")) == (1, 1)


def test_a_reveal_asked_for_twice_is_one(line: Line, now: datetime) -> None:
    case, agent = a_ticket(line_id=line.pk), an_actor("agent")

    def asks() -> Reveal:
        return reveal(code=case.code, kind="call", reason=WHY, actor=agent, at=now)

    first, second = overlap(asks, asks)
    assert (first, noted("person.revealed")) == (second, 1)


def test_a_logged_call_is_the_proof_of_one_stop(line: Line, now: datetime) -> None:
    agent = a_staff_user("agent")
    one, other = (a_ticket(line_id=line.pk) for _ in range(2))
    LoggedCall.objects.create(
        call_ref="c-1", line_id=line.pk, answered_at=now - MINUTE, heard_at=now, by=agent.email
    )  # fmt: skip

    def stops(case: Ticket) -> Callable[[], object]:
        return lambda: stop_for.stop_for_person(
            code=case.code, wish=stop_for.StopRequest("all"), typed="", reason=WHY, actor=f"agent:{agent.pk}", at=now
        )

    with pytest.raises(stop_for.NotProved):
        overlap(stops(one), stops(other))
    assert Choice.objects.count() == 1


def test_a_call_that_is_logged_twice_is_one(line: Line, now: datetime) -> None:
    msisdn = accounts.queries.msisdn_of(line_id=line.pk, at=now)

    def comes() -> None:
        incoming.log_call(call_ref="c-1", msisdn=msisdn, answered_at=now, by="ana", at=now)

    overlap(comes, comes)
    assert LoggedCall.objects.count() == 1


def test_a_company_is_suspended_for_a_case_once(now: datetime) -> None:
    agent, one, two = an_actor("agent"), an_actor(), an_actor()
    case, party = a_ticket(), a_party()
    asked = escalation.request_suspension(code=case.code, party_id=party.pk, reason=WHY, actor=agent, at=now)

    def decides(actor: str, *, suspends: bool) -> Callable[[], object]:
        return lambda: escalation.decide_request(
            request_id=asked.pk, suspends=suspends, reason=WHY, actor=actor, at=now
        )  # fmt: skip

    with pytest.raises(NotNow, match="already decided"):
        overlap(decides(one, suspends=False), decides(two, suspends=True))
    assert (Suspension.objects.count(), noted("suspend.decided")) == (0, 1)


def test_a_test_line_is_watched_and_let_go_of_once(now: datetime, settings: Settings) -> None:
    settings.TEST_ACCOUNTS = ["T-1"]
    line, officer = a_line(account="T-1"), an_actor()

    def marks() -> CarrierTestLine:
        return mark_test_line(carrier_id=line.carrier_id, actor=officer, reason=WHY, at=now)

    with pytest.raises(NotNowOfTerms, match="already a test line"):
        overlap(marks, marks)
    seed = CarrierTestLine.objects.get()

    def ends() -> None:
        end_test_line(seed_id=seed.pk, actor=officer, reason=WHY, at=now)

    with pytest.raises(NotNowOfTerms, match="not a test line"):
        overlap(ends, ends)
    assert (noted("test_line.marked"), noted("test_line.ended")) == (1, 1)


def test_an_incident_counts_what_comes_at_once(now: datetime) -> None:
    def opens() -> bool:
        return audit.actions.open_incident(kind=Incident.Kind.BURST, key="k", subject="us", at=now, count=2)

    assert overlap(opens, opens) == (True, False)
    overlap(opens, opens)
    assert Incident.objects.get().count == 8


def test_a_line_is_protected_once_from_whichever_of_its_cases(line: Line, now: datetime) -> None:
    one, other = (a_ticket(line_id=line.pk) for _ in range(2))

    def protects(case: Ticket) -> Callable[[], object]:
        return lambda: protected_lines.protect(code=case.code, reason=WHY, actor=an_actor(), at=now)

    with pytest.raises(NotNow, match=re.escape("No officer has protected this line.")):
        protected_lines.propose_end_of_protection(code=one.code, reason=WHY, actor=an_actor(), at=now)
    with pytest.raises(NotNow, match=re.escape("It is already protected.")):
        overlap(protects(one), protects(other))
    assert ProtectedLine.objects.count() == 1
