"""What opens a ticket by itself, by when it is to be answered, and what partners say lands in its thread."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

import audit.actions
from accounts.policies.permissions import actor_of
from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.models import Choice
from consent.queries.choices import NEVER_AGREED
from partners.models import Campaign
from revocations.models import EvidenceRequest, Order, State
from support.actions.escalation import request_suspension, resend_orders
from support.domain.tickets import (
    answer,
    close_overdue_waits,
    close_tickets,
    ending_of,
    open_tickets,
    record_evidence_entries,
)
from support.models import Attachment, Entry, Ticket
from support.policies.lifecycle import CLOSES_AFTER, WAITS, NotNow, due_at
from support.queries.pending_tickets import evidence_missed, evidence_without_entry
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import as_at_commit
from tests.moments import ends_at
from tests.orders import bring_to
from tests.people import PASSWORD, Browser, signed_in
from tests.promises.delegates import end
from tests.properties import undone
from tests.staff import a_staff_user
from tests.support.console import a_case, everything
from tests.support.desk import a_ticket, said
from tests.support.officers import Member, rows_of, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
Kind, Priority = Ticket.Kind, Ticket.Priority
# Thanksgiving, in between, is no business day.
TUESDAY = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
WEEK = timedelta(days=7)
NUMBER = "+12065550177"


def test_an_answer_is_due_in_business_days() -> None:
    for kinds, priority, month, day in (
        ((Kind.SIGN_IN,), Priority.NORMAL, 11, 25),
        ((Kind.OVERDUE,), Priority.NORMAL, 11, 30),
        ((Kind.LOOK_UP, Kind.CHOICE, Kind.ORDER, Kind.OTHER), Priority.NORMAL, 12, 2),
        ((Kind.INCIDENT, Kind.PARTIAL), Priority.NORMAL, 12, 2),
        ((Kind.DISPUTE, Kind.STILL_HAVE), Priority.NORMAL, 12, 9),
        ((Kind.DISPUTE,), Priority.URGENT, 11, 25),
        ((Kind.DISPUTE,), Priority.HIGH, 11, 30),
        ((Kind.SIGN_IN,), Priority.HIGH, 11, 25),
    ):
        for kind in kinds:
            due = due_at(kind=kind, priority=priority, at=TUESDAY)
            assert due == TUESDAY.replace(month=month, day=day), (kind, priority)


def test_every_kind_has_its_days() -> None:
    assert [due_at(kind=kind, at=TUESDAY) > TUESDAY for kind in Kind] == [True] * len(Kind)


def a_dispute(*, dealt: bool = True) -> tuple[Campaign, Choice]:
    campaign = a_campaign(a_contract(a_party("GeoBridge")), a_party("RoadAid", "lbs_provider"))
    line = a_line(msisdn=NUMBER)
    if dealt:
        an_approval(line, campaign)
    stop(line_id=line.pk, scope="campaign", ref=campaign.ref, actor="subscriber:1", channel="web", reason=NEVER_AGREED)
    as_at_commit()
    return campaign, Choice.objects.get(line_id=line.pk)


def answered(asked: EvidenceRequest, **fields: object) -> None:
    values = {"answered_at": asked.asked_at, "answer": "evidence", "token": "t", "method": "sms", **fields}
    EvidenceRequest.objects.filter(pk=asked.pk).update(**values)


def test_a_dispute_waits_for_the_partner_that_was_asked() -> None:
    campaign, choice = a_dispute()
    at = database_clock()
    assert (open_tickets(at=at), open_tickets(at=at)) == (1, 0)
    ticket = Ticket.objects.get()
    assert (ticket.kind, ticket.state, ticket.key) == ("dispute", "partner", f"choice:{choice.id}")
    assert (ticket.party_id, ticket.about_kind, ticket.about_ref) == (
        campaign.lbs_provider_id, "choice", str(choice.id),
    )  # fmt: skip
    assert (ticket.line_id, ticket.number_ending, ticket.language) == (choice.line_id, "0177", "en")
    assert ticket.due_at == due_at(kind="dispute", at=at)
    event = AuditEvent.objects.get(action="ticket.opened")
    assert (event.line_id, event.target) == (choice.line_id, f"ticket:{ticket.code}")


def test_what_a_partner_shows_lands_in_the_thread_once() -> None:
    a_dispute()
    at = database_clock()
    assert record_evidence_entries(at=at) == 0
    asked = EvidenceRequest.objects.get()
    answered(asked, answered_at=at, wording="Reply\nYES.", captured_at=TUESDAY, evidence_ref="ev-1")
    assert record_evidence_entries(at=at) == 0
    assert ends_at(lambda at: evidence_without_entry(at=at), at + WEEK)
    assert ends_at(lambda at: open_tickets(at=at), Choice.objects.get().recorded_at + WEEK)
    open_tickets(at=at)
    # Answered before there was a ticket: nobody is waited for.
    assert Ticket.objects.get().state == "open"
    assert (record_evidence_entries(at=at), record_evidence_entries(at=at)) == (1, 0)
    entry = Entry.objects.get()
    assert (entry.kind, entry.author, entry.at) == ("evidence", f"partner:{asked.party_id}", at)
    assert entry.body == (
        "GeoBridge says that it has proof: sms, 2026-11-24 15:30 UTC.\nWords shown: Reply YES.\nReference: ev-1"
    )


def test_no_answer_by_the_date_ends_the_wait() -> None:
    a_dispute()
    at = database_clock()
    open_tickets(at=at)
    asked = EvidenceRequest.objects.get()
    EvidenceRequest.objects.filter(pk=asked.pk).update(overdue_at=asked.due_at)
    assert ends_at(lambda at: evidence_missed(at=at), asked.due_at + WEEK)
    with undone():
        answered(asked, answer="none", answered_at=asked.due_at + timedelta(hours=1))
        assert evidence_missed(at=asked.due_at + timedelta(hours=2)) == [], "it came before it was said to be late"
    assert (record_evidence_entries(at=asked.due_at), record_evidence_entries(at=asked.due_at)) == (1, 0)
    assert (Ticket.objects.get().state, Entry.objects.get().body) == (
        "open", "GeoBridge did not show its proof by its date.",
    )  # fmt: skip
    answered(asked, answer="none", answered_at=asked.due_at + timedelta(hours=1))
    assert record_evidence_entries(at=asked.due_at + timedelta(hours=2)) == 1
    assert Entry.objects.latest("id").body == "GeoBridge says that it has no proof."


def test_what_comes_for_a_merged_case_lands_where_that_went() -> None:
    a_dispute()
    at = database_clock()
    open_tickets(at=at)
    ticket = Ticket.objects.get()
    other = Ticket.objects.create(
        code="T-OTHER2", kind="other", key="k", line_id=ticket.line_id, about="A question", opened_at=at, due_at=at
    )
    Ticket.objects.filter(pk=ticket.pk).update(state="merged", merged_into=other)
    answered(EvidenceRequest.objects.get(), answered_at=at)
    assert record_evidence_entries(at=at) == 1
    assert Entry.objects.get().ticket_id == other.pk


def test_an_incident_names_its_company_and_may_be_urgent() -> None:
    party, at = a_party("GeoBridge"), timezone.now()
    # What is reported counts from then on, however long it was known.
    with undone():
        audit.actions.report_incident(
            kind=Incident.Kind.BURST, subject=party.uri, happened="Lost.", affected="", known_at=at - WEEK,
            actor="officer:1", reason="They called.", at=at,
        )  # fmt: skip
        assert ends_at(lambda at: open_tickets(at=at), at + WEEK)
    for kind, key in ((Incident.Kind.UNGATED, "u"), (Incident.Kind.BURST, "b"), (Incident.Kind.BURST, "closed")):
        audit.actions.open_incident(kind=kind, key=key, subject=party.uri, at=at)
    Incident.objects.filter(key="closed").update(closed_at=at)
    assert ends_at(lambda at: open_tickets(at=at), at + WEEK)
    open_tickets(at=at)
    found = list(Ticket.objects.order_by("priority").values_list("kind", "party_id", "about_kind", "priority"))
    assert found == [("incident", party.pk, "incident", 1), ("incident", party.pk, "incident", 3)]


def test_two_cases_of_one_company_say_which_time_they_count(ana: Member, officer: Member) -> None:
    party, other, at = a_party("GeoBridge"), a_party("RoadAid"), timezone.now()
    keys = (
        f"2025 {party.uri}", f"2026 {party.uri}", f"2026-11-03 {party.uri}", f"party:{party.pk}:2026-11-04", "b"
    )  # fmt: skip
    for key in keys:
        audit.actions.open_incident(kind=Incident.Kind.BURST, key=key, subject=party.uri, at=at)
    audit.actions.open_incident(kind=Incident.Kind.BURST, key=f"2026 {other.uri}", subject=other.uri, at=at)
    open_tickets(at=at)
    label, spans = "Bursts of look-ups of one line", ("2025", "2026", "3 Nov 2026", "4 Nov 2026")
    page = ana.client.get("/desk/?kind=ours").content.decode()
    titles = re.findall(r"</span> <bdi>([^<]+)</bdi></a>", page)
    of_other = f"RoadAid: {label}, 2026"
    assert sorted(titles) == sorted([f"GeoBridge: {label}", *(f"GeoBridge: {label}, {one}" for one in spans), of_other])
    case = Ticket.objects.get(party_id=other.pk)
    assert f"<h1><bdi>{of_other}</bdi></h1>" in ana.client.get(f"/desk/{case.code}/").content.decode()
    rows = [row.partition(" open ")[0] for row in rows_of(officer, "/admin/incidents/")]
    assert sorted(rows) == sorted([label, *(f"{label} {span}" for span in spans), f"{label} 2026"])
    assert words(page).count("Incident · Opened") == len(keys) + 1


def test_orders_signed_in_part_have_one_ticket_a_day() -> None:
    campaign = a_campaign(a_contract(a_party("GeoBridge")))
    for _ in range(3):
        line = a_line()
        an_approval(line, campaign)
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    as_at_commit()
    at = database_clock()
    bring_to(State.PARTIAL, Order.objects.all(), acknowledged_at=at, completed_at=at)
    late = at + timedelta(minutes=1)
    assert ends_at(lambda at: open_tickets(at=at), at + WEEK)
    assert (open_tickets(at=late), open_tickets(at=late)) == (1, 0)
    ticket = Ticket.objects.get()
    assert (ticket.kind, ticket.about, ticket.line_id) == (
        "partial",
        f"GeoBridge: A partner signed in part, {at:%-d %b %Y}",
        None,
    )
    assert (ticket.party_id, ticket.key) == (
        campaign.contract.aggregator_id, f"partial:{campaign.contract.aggregator_id}:{at:%Y-%m-%d}",
    )  # fmt: skip


def test_a_line_without_a_number_has_no_ending() -> None:
    line, at = a_line(msisdn=NUMBER), timezone.now()
    assert ending_of(line_id=line.pk, at=at) == "0177"
    assert ending_of(line_id=line.pk, at=line.activated_at - timedelta(days=1)) == ""


def test_no_case_of_an_ended_line_is_found_by_its_next_holder_s_number(ana: Member) -> None:
    line, asked = a_line(msisdn=NUMBER), {"topic": "other", "message": "Who looked?"}
    signed_in(line)
    end(line)
    former = Browser()
    former.post("/accounts/login/ended/", {"number": NUMBER, "password": PASSWORD})
    assert former.post("/help/write/", asked).status_code == 302
    assert signed_in(a_line(msisdn=NUMBER, activated_at=timezone.now())).post("/help/write/", asked).status_code == 302
    found = ana.client.post("/desk/search/", {"q": NUMBER}).content.decode()
    assert {one.line_id == line.pk: one.code in found for one in Ticket.objects.all()} == {True: False, False: True}


def test_an_unanswered_answer_is_closed_after_its_time() -> None:
    at = timezone.now()
    for code, ago in (("T-LONG22", CLOSES_AFTER), ("T-NEW222", CLOSES_AFTER - timedelta(minutes=1))):
        Ticket.objects.create(
            code=code, kind="other", key=code, state="solved", about="A question", opened_at=at - ago, due_at=at,
            solved_at=at - ago,
        )  # fmt: skip
    assert (close_tickets(at=at), close_tickets(at=at)) == (1, 0)
    closed = Ticket.objects.get(state="closed")
    assert (closed.code, closed.closed_at, closed.solved_at) == ("T-LONG22", at, at - CLOSES_AFTER)
    assert Entry.objects.get().body == "Closed: nobody wrote again after our answer."


def test_a_wait_for_the_person_ends_after_its_time() -> None:
    at = timezone.now()
    answered_then = a_wait(at, (Entry.Kind.HEARD, 20), (Entry.Kind.ANSWER, 14), (Entry.Kind.NOTE, 1))
    wrote_again = a_wait(at, (Entry.Kind.ANSWER, 20), (Entry.Kind.HEARD, 15), first_answer_at=at - timedelta(days=20))
    never = a_wait(at)
    goes_on = a_ticket(state="waiting", due_in=timedelta(minutes=1))
    assert (close_overdue_waits(at=at), close_overdue_waits(at=at)) == (3, 0)
    states = dict(Ticket.objects.values_list("code", "state"))
    assert states == {
        answered_then.code: "solved", wrote_again.code: "open", never.code: "open", goes_on.code: "waiting",
    }  # fmt: skip
    assert Ticket.objects.get(pk=answered_then.pk).solved_at == at
    assert {Ticket.objects.get(pk=one.pk).due_at for one in (wrote_again, never)} == {due_at(kind="other", at=at)}
    assert list(Entry.objects.filter(kind="event").order_by("ticket_id").values_list("body", flat=True)) == [
        "The person said nothing for 14 days. Our answer stands.",
        "The person said nothing for 14 days. It is ours again.",
        "The person said nothing for 14 days. It is ours again.",
    ]


def test_an_answer_in_a_merged_case_is_an_answer() -> None:
    at = timezone.now()
    goes_on = a_wait(at, (Entry.Kind.HEARD, 20))
    merged = a_ticket(state="merged", merged_into=goes_on)
    said(merged, "It was a tow truck.", kind=Entry.Kind.ANSWER, at=at - WAITS)
    assert close_overdue_waits(at=at) == 1
    assert Ticket.objects.get(pk=goes_on.pk).state == "solved"


def test_a_wait_lasts_its_whole_time_from_an_answer() -> None:
    at = timezone.now()
    # As the release before leaves it: due when our answer was.
    ticket = a_wait(at, (Entry.Kind.ANSWER, 3))
    assert close_overdue_waits(at=at) == 0
    assert close_overdue_waits(at=at + timedelta(days=11)) == 1
    assert Ticket.objects.get(pk=ticket.pk).state == "solved"


def a_wait(at: datetime, *thread: tuple[Entry.Kind, int], **fields: Any) -> Ticket:
    """A case whose wait for the person is over by its date, with what was said in it: of what kind, days ago."""
    ticket = a_ticket(state="waiting", due_in=-timedelta(minutes=1), **fields)
    for kind, days in thread:
        said(ticket, "Said.", kind=kind, at=at - timedelta(days=days))
    return ticket


@pytest.mark.parametrize(
    ("role", "escalated", "theirs"), [("agent", False, True), ("agent", True, False), ("officer", True, True)]
)
def test_an_answer_makes_nobody_s_case_its_writer_s(role: str, *, escalated: bool, theirs: bool) -> None:
    at, writer, ben = timezone.now(), a_staff_user(role), a_staff_user("agent")
    free = a_ticket(escalated_at=at if escalated else None)
    bens = a_ticket(assignee=ben)
    for ticket in (free, bens):
        answer(ticket=ticket, body="Here.", actor=actor_of(writer), then=Ticket.State.SOLVED, at=at)
    found = dict(Ticket.objects.values_list("code", "assignee"))
    assert found == {free.code: writer.pk if theirs else None, bens.code: ben.pk}
    assert AuditEvent.objects.filter(action="ticket.claimed", actor=actor_of(writer)).count() == theirs


def test_an_answer_takes_along_the_own_files_of_its_case_alone() -> None:
    at, writer = timezone.now(), actor_of(a_staff_user("agent"))
    here, elsewhere = a_ticket(), a_ticket()
    for ticket in (here, elsewhere):
        for author in (writer, "agent:999"):
            Attachment.objects.create(
                id=uuid.uuid4(), ticket=ticket, name="a.png", media_type="image/png", size=1, sha256="",
                author=author, at=at,
            )  # fmt: skip
    entry = answer(ticket=here, body="Here.", actor=writer, then=Ticket.State.SOLVED, at=at)
    taken = Attachment.objects.filter(entry=entry).values_list("ticket__code", "author")
    assert list(taken) == [(here.code, writer)]


def test_an_answer_to_many_makes_no_case_its_writer_s() -> None:
    at, writer, ticket = timezone.now(), a_staff_user("agent"), a_ticket()
    answer(
        ticket=ticket, body="Here.", actor=actor_of(writer), then=Ticket.State.SOLVED, at=at, to_many=uuid.uuid4()
    )  # fmt: skip
    assert Ticket.objects.get().assignee is None


def test_another_answer_keeps_a_case_open_its_whole_time() -> None:
    at = timezone.now()
    ticket = a_ticket(state="solved", solved_at=at - CLOSES_AFTER + timedelta(minutes=1))
    answer(ticket=ticket, body="One thing more.", actor="agent:1", then=Ticket.State.SOLVED, at=at)
    assert close_tickets(at=at + timedelta(minutes=5)) == 0
    assert Ticket.objects.get().solved_at == at


def test_what_comes_for_a_twice_merged_case_follows_it() -> None:
    a_dispute()
    at = database_clock()
    open_tickets(at=at)
    first = Ticket.objects.get()
    second, third = (a_ticket(line_id=first.line_id) for _ in range(2))
    Ticket.objects.filter(pk=first.pk).update(state="merged", merged_into=second)
    Ticket.objects.filter(pk=second.pk).update(state="merged", merged_into=third)
    answered(EvidenceRequest.objects.get(), answered_at=at)
    assert record_evidence_entries(at=at) == 1
    assert Entry.objects.get().ticket_id == third.pk


def test_of_orders_that_are_all_signed_none_is_sent_again() -> None:
    console, at = everything(), timezone.now()
    order = Order.objects.get(line_id=console.line.pk, contract_id=console.campaign.contract_id)
    asked: dict[str, Any] = {
        "code": a_case(console.line).code, "party_id": order.party_id, "reason": "They ask.",
        "actor": actor_of(a_staff_user("agent")), "at": at,
    }  # fmt: skip
    for act, says in (
        (resend_orders, "We sent this partner no message about this person."),
        (request_suspension, "There is no such company."),
    ):
        with pytest.raises(NotNow, match=says):
            act(**asked | {"party_id": 0})
    assert resend_orders(**asked) == 1
    bring_to(State.COMPLETED, Order.objects.filter(pk=order.pk), completed_at=at)
    with pytest.raises(NotNow, match=r"It has signed for every message about this person. Nothing was sent."):
        resend_orders(**asked)
    assert AuditEvent.objects.filter(action="orders.resent").count() == 1
