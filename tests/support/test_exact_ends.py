"""At the desk too, what ends is over at its very moment: what is revealed, a call, a wait, what may be taken back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import pytest
from pytest_django import Settings

import accounts.queries
import audit.actions
from accounts.actions.people import get_or_create_person
from accounts.models import Line
from audit.models import Incident
from support.actions import asking, incoming, protected_lines, stop_for, writing
from support.actions.replies import begin_reply, undo_reply
from support.domain.tickets import close_tickets, end_waits
from support.models import BulkReply, Entry, LoggedCall, ProtectedLine, Reveal, Ticket
from support.models.desk import ASKED_FOR
from support.policies import lifecycle
from support.policies.lifecycle import NotNow
from support.primitives.tokens import reply_address
from support.queries.case import case_of
from support.queries.due import due
from support.queries.names import takes_two
from support.queries.queue import QueueFilter, counts, page
from support.queries.team_metrics import Figure, figures, last_days
from support.queries.writing import values_of
from support.workers import sending
from support.workers.sending import send_replies
from tests.factories import a_line, a_party
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.staff import a_staff_user, an_actor, an_agreed_proposal
from tests.support.desk import a_ticket

pytestmark = pytest.mark.usefixtures("db", "no_broker")
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
WHY = "They called."


def is_done(verb: Callable[[], object], *refusals: type[Exception]) -> bool:
    try:
        verb()
    except refusals:
        return False
    return True


def ask(line: Line, at: datetime) -> Ticket:
    user = get_or_create_person(line=line, at=at)
    return asking.open_case(
        user=user, line=line, topic=Ticket.Kind.OTHER, subject=None, message=asking.IncomingMessage("Why?"), at=at
    )


def test_a_person_is_shown_for_a_quarter_of_an_hour(line: Line, now: datetime) -> None:
    case, agent = a_ticket(line_id=line.pk), an_actor("agent")
    first = protected_lines.reveal(code=case.code, kind="call", reason=WHY, actor=agent, at=now)

    def is_the_same(at: datetime) -> bool:
        return protected_lines.reveal(code=case.code, kind="call", reason=WHY, actor=agent, at=at) == first

    assert first.until == now + 15 * MINUTE
    assert ends_at(is_the_same, now + 15 * MINUTE)


def test_an_answer_s_day_is_promised_until_it_comes(now: datetime) -> None:
    case = a_ticket()
    assert ends_at(lambda at: bool(values_of(ticket=case, at=at)["due"]), case.due_at)


def test_a_line_has_ended_from_its_end_on(now: datetime) -> None:
    case = a_ticket(line_id=a_line(deactivated_at=now + DAY).pk)

    def is_ended(at: datetime) -> bool:
        person = case_of(ticket=case, reader=an_actor("agent"), at=at).person
        return person is not None and person.ended

    assert begins_at(is_ended, now + DAY)


def test_a_second_yes_is_waited_for_as_said(line: Line, now: datetime) -> None:
    case, agent, officer = a_ticket(line_id=line.pk), a_staff_user("agent"), an_actor()
    asked = Reveal.objects.create(ticket=case, user=agent, line_id=line.pk, reason=WHY, asked_at=now, two_needed=True)

    def agrees(at: datetime) -> bool:
        return is_done(
            lambda: protected_lines.agree_to_reveal(
                code=case.code, reveal_id=asked.pk, reason=WHY, actor=officer, at=at
            ), NotNow,
        )  # fmt: skip

    assert ends_at(agrees, now + ASKED_FOR)
    assert agrees(now + MINUTE)
    asked.refresh_from_db()
    assert asked.until == now + 16 * MINUTE, "it is shown for as long from the yes on"


def test_an_officer_s_protection_goes_on_for_a_day(line: Line, now: datetime) -> None:
    kept = ProtectedLine.objects.create(line_id=line.pk, reason=WHY, by="officer:1", at=now - DAY)
    protected_lines.end_protection(
        proposal=an_agreed_proposal(act="end_protection", of="protection", target_id=kept.pk, at=now), at=now
    )
    assert ends_at(lambda at: takes_two(line_id=line.pk, at=at), now + DAY)


def test_a_logged_call_proves_for_half_an_hour(line: Line, now: datetime) -> None:
    agent, case = a_staff_user("agent"), a_ticket(line_id=line.pk)
    LoggedCall.objects.create(call_ref="c", line_id=line.pk, answered_at=now, heard_at=now, by=agent.email)

    def stops(at: datetime) -> bool:
        return is_done(
            lambda: stop_for.stop_for_person(
                code=case.code, wish=stop_for.StopRequest("all"), typed="", reason=WHY, actor=f"agent:{agent.pk}", at=at
            ), stop_for.NotProved,
        )  # fmt: skip

    assert begins_at(stops, now)
    assert ends_at(stops, now + 30 * MINUTE)


def test_no_call_is_logged_from_the_future(line: Line, now: datetime) -> None:
    msisdn = accounts.queries.msisdn_of(line_id=line.pk, at=now)

    def is_logged(at: datetime) -> bool:
        return is_done(
            lambda: incoming.log_call(call_ref="c", msisdn=msisdn, answered_at=now, by="ana", at=at),
            incoming.CallInFuture,
        )

    assert begins_at(is_logged, now - MINUTE)


def test_an_answer_may_be_taken_back_until_it_goes_out(line: Line, now: datetime) -> None:
    case, agent = ask(line, now), an_actor("agent")
    send_at = writing.send(code=case.code, body="Because.", then=Ticket.State.SOLVED, actor=agent, at=now)
    assert send_at == now + 30 * SECOND
    assert begins_at(lambda at: sending.send(now=at), send_at)


def test_a_reply_to_many_is_taken_back_before_it_begins(line: Line, now: datetime) -> None:
    audit.actions.open_incident(kind=Incident.Kind.BURST, key="k", subject=a_party().uri, at=now)
    incident, agent = Incident.objects.get(), an_actor("agent")
    a_ticket(line_id=line.pk, about_kind="incident", about_ref=str(incident.pk))
    reply = begin_reply(incident_id=incident.pk, kinds=[], language="", body="We did.", actor=agent, at=now)

    def is_taken_back(at: datetime) -> bool:
        return is_done(lambda: undo_reply(reply_id=reply.pk, actor=agent, at=at), NotNow)

    assert reply.begins_at == now + MINUTE
    assert ends_at(is_taken_back, reply.begins_at)
    assert begins_at(lambda at: send_replies(at=at), reply.begins_at)
    assert BulkReply.objects.get().answered == 0


def test_a_case_is_opened_again_by_writing_for_thirty_days(line: Line, now: datetime) -> None:
    case = ask(line, now)
    Ticket.objects.filter(pk=case.pk).update(state=Ticket.State.SOLVED, solved_at=now, first_answer_at=now)
    user = get_or_create_person(line=line, at=now)

    def writes(at: datetime) -> bool:
        return is_done(
            lambda: asking.add_message(
                code=case.code, user=user, line_ids=[line.pk], message=asking.IncomingMessage("And?"), at=at
            ), asking.CaseTooOld,
        )  # fmt: skip

    assert ends_at(writes, now + 30 * DAY)


def test_limits_of_a_day_end_after_it(line: Line, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "CASES_A_DAY", 1)
    monkeypatch.setattr(asking, "WORDS_A_DAY", 1)
    case, user = ask(line, now), get_or_create_person(line=line, at=now)

    def writes(at: datetime) -> bool:
        return is_done(
            lambda: asking.add_message(
                code=case.code, user=user, line_ids=[line.pk], message=asking.IncomingMessage("And?"), at=at
            ), asking.DailyLimitReached,
        )  # fmt: skip

    assert begins_at(lambda at: is_done(lambda: ask(line, at), asking.DailyLimitReached), now + DAY)
    assert begins_at(writes, now + DAY)


def test_a_case_takes_so_many_mails_an_hour_and_a_sender_opens_so_many_cases(
    line: Line, now: datetime, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.MAIL_INBOUND_SECRETS, settings.MAIL_REPLY_ADDRESS = ["m" * 32], "help@mail.example"
    monkeypatch.setattr(incoming, "INTO_ONE", 1)
    monkeypatch.setattr(incoming, "FROM_ONE", 1)
    case, ids = ask(line, now), count()

    def mail(address: str, at: datetime) -> None:
        said = incoming.IncomingMail(f"m-{next(ids)}", "me@example.net", [address], "Case", "And?")
        incoming.receive_mail(mail=said, at=at)

    def is_heard(at: datetime) -> bool:
        mail(reply_address(code=case.code), at)
        return Entry.objects.filter(ticket=case, channel=Entry.Channel.MAIL).count() == 2

    def is_opened(at: datetime) -> bool:
        mail("help@mail.example", at)
        return Ticket.objects.filter(line_id=None).count() == 2

    for is_taken in (is_heard, is_opened):
        assert not is_taken(now)
        assert begins_at(is_taken, now + 60 * MINUTE)


def test_a_case_is_overdue_everywhere_from_the_moment_after_its_date(now: datetime) -> None:
    case = a_ticket(at=now - 5 * DAY)

    def overdue(at: datetime) -> Figure:
        return figures(span=last_days(at=at), user_id=None, at=at).whole

    for is_overdue in (
        lambda at: lifecycle.is_late(ticket=case, at=at),
        lambda at: due(due_at=case.due_at, at=at).late,
        lambda at: counts(user_id=0, at=at).overdue,
        lambda at: page(asked=QueueFilter(overdue=True), user_id=0, at=at).rows,
        lambda at: overdue(at).overdue,
        lambda at: overdue(at).judged,
    ):
        assert begins_at(is_overdue, now + A_MOMENT)


def test_what_was_answered_is_closed_after_fourteen_days(now: datetime) -> None:
    a_ticket(state=Ticket.State.SOLVED, solved_at=now)
    assert begins_at(lambda at: close_tickets(at=at), now + 14 * DAY)


def test_a_wait_for_the_person_ends_when_it_is_due(now: datetime) -> None:
    a_ticket(state=Ticket.State.WAITING, at=now, due_in=14 * DAY)
    assert begins_at(lambda at: end_waits(at=at), now + 14 * DAY)
