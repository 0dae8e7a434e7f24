"""Bulk reply: nothing goes out for a minute, then everybody gets it once, whatever stops in between."""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

import audit.actions
from accounts.models import User
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from audit.models import AuditEvent, Incident
from partners.models import Party
from support.actions.replies import TAKES_BACK, begin_reply, undo_reply
from support.models import Attachment, BulkReply, Entry, Ticket
from support.policies.lifecycle import ZONE, NotNow
from support.policies.reply_variables import BadVariable
from support.queries.writing import hit_by, incidents, progress
from support.workers import sending
from support.workers.sending import send_replies
from tests.factories import a_line, a_party
from tests.support.desk import a_ticket
from tests.support.officers import Member, staff, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
MINUTE = timedelta(minutes=1)
WORDS = "We stopped GeoBridge for everybody on 24 November."


def an_incident(at: datetime) -> Incident:
    party = a_party("GeoBridge")
    audit.actions.open_incident(kind=Incident.Kind.BURST, key="k", subject=party.uri, at=at)
    return Incident.objects.get()


def hit(incident: Incident, **fields: Any) -> Ticket:
    """An open case of somebody whom it hit, about its company."""
    return a_ticket(**{"line_id": a_line().pk, "about_kind": "incident", "about_ref": str(incident.pk), **fields})


def test_people_with_open_cases_are_hit_and_nobody_else() -> None:
    at = timezone.now()
    incident = an_incident(at)
    about = hit(incident)
    company = {"about_kind": "", "about_ref": "", "party_id": Party.objects.get(uri=incident.subject).pk}
    of_the_company = hit(incident, **company, kind="still_have", language="es")
    long_before = hit(incident, **company, at=at - timedelta(days=30))
    hit(incident, **company, at=at - timedelta(days=30, microseconds=1))
    hit(incident, state="solved")
    hit(incident, line_id=None, kind="incident")
    hit(incident, escalated_at=at)
    assert set(hit_by(incident_id=incident.pk, at=at)) == {about, of_the_company, long_before}
    assert set(hit_by(incident_id=incident.pk, kinds=["still_have"], at=at)) == {of_the_company}
    assert set(hit_by(incident_id=incident.pk, language="en", at=at)) == {about, long_before}
    assert [(one.company, one.people) for one in incidents(at=at)] == [("GeoBridge", 3)]
    assert list(hit_by(incident_id=incident.pk + 1, at=at)) == []


def begun(ana: Member, incident: Incident, at: datetime, body: str = WORDS) -> BulkReply:
    return begin_reply(
        incident_id=incident.pk, kinds=[], language="", body=body, actor=ana.actor, at=at
    )  # fmt: skip


def test_each_is_answered_once_after_the_minute_batch_by_batch(ana: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    at = timezone.now()
    incident = an_incident(at)
    tickets = [hit(incident) for _ in range(5)]
    reply = begun(ana, incident, at)
    assert (send_replies(at=at + MINUTE - timedelta(seconds=1)), Entry.objects.count()) == (0, 0)
    # Somebody answered one of them meanwhile.
    Ticket.objects.filter(pk=tickets[0].pk).update(state="solved", solved_at=at)
    monkeypatch.setattr(sending, "REPLY_BATCH", 2)
    monkeypatch.setattr(sending, "BATCHES", 1)
    assert [send_replies(at=at + MINUTE) for _ in range(4)] == [1, 2, 1, 0]
    found = progress(reply_id=reply.id, at=at + MINUTE)
    assert found is not None
    assert (found.state, found.done, found.reply.answered, found.reply.skipped) == ("done", 5, 4, 1)
    assert [(one.kind, one.body, one.author) for one in Entry.objects.all()] == [("answer", WORDS, ana.actor)] * 4
    answered = Ticket.objects.filter(first_answer_at=at + MINUTE, state="solved", solved_at=at + MINUTE)
    assert set(answered) == set(tickets[1:])
    events = AuditEvent.objects.filter(action="ticket.answered")
    assert {one.line_id for one in events} == {one.line_id for one in tickets[1:]}


def test_variables_are_filled_in_for_each(ana: Member) -> None:
    at = timezone.now()
    incident = an_incident(at)
    party = Party.objects.get(uri=incident.subject)
    tickets = [hit(incident, party_id=party.pk) for _ in range(2)]
    begun(ana, incident, at, "{company} in {code}")
    assert send_replies(at=at + MINUTE) == 2
    assert [one.body for one in Entry.objects.order_by("ticket")] == [f"GeoBridge in {one.code}" for one in tickets]

    hit(incident, party_id=party.pk)
    of_none = hit(incident)
    for body, wrong in (
        ("{company}", f"{of_none.code}: This case has nothing for {{company}}: write it yourself."),
        ("{compny}", "We can't fill in {compny}."),
        ("{link}" + "x" * 9_990, "With its variables filled in it has 10"),
    ):
        refused = ana.client.post("/desk/many/", {"incident": incident.pk, "body": body}).content.decode()
        assert wrong in unescape(refused), body
        assert f"{body}</textarea>" in refused
    assert BulkReply.objects.count() == 1

    Ticket.objects.filter(pk=of_none.pk).update(party_id=party.pk)
    begun(ana, incident, at, "Dear {company}")
    Ticket.objects.filter(pk=of_none.pk).update(party_id=None)
    assert send_replies(at=at + MINUTE) == 1
    of_none.refresh_from_db()
    assert (of_none.state, of_none.first_answer_at) == ("open", None)
    assert set(BulkReply.objects.values_list("answered", "skipped")) == {(2, 0), (1, 1)}


def test_a_worker_killed_in_a_batch_leaves_nothing_half_done(ana: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    at = timezone.now()
    incident = an_incident(at)
    for _ in range(3):
        hit(incident)
    begun(ana, incident, at)

    def killed(**_: object) -> None:
        if Entry.objects.count() == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("support.domain.tickets.audit.actions.record", killed)
        with pytest.raises(KeyboardInterrupt):
            send_replies(at=at + MINUTE)
    assert (Entry.objects.count(), BulkReply.objects.get().answered) == (0, 0)
    assert (send_replies(at=at + MINUTE), Entry.objects.count()) == (3, 3)


def test_it_is_taken_back_within_the_minute_and_not_after(ana: Member) -> None:
    at = timezone.now()
    incident = an_incident(at)
    hit(incident)
    first = begun(ana, incident, at)
    ben = staff(User.Role.AGENT, name="ben")
    with pytest.raises(StaffOnly):
        undo_reply(reply_id=first.id, actor=ben.actor, at=at)
    undo_reply(reply_id=first.id, actor=staff().actor, at=at)
    with pytest.raises(NotNow, match=r"It was already taken back."):
        undo_reply(reply_id=first.id, actor=ana.actor, at=at)
    second = begun(ana, incident, at)
    with pytest.raises(NotNow, match=r"Sending has begun. Messages that were sent can't be taken back."):
        undo_reply(reply_id=second.id, actor=ana.actor, at=at + MINUTE)
    assert send_replies(at=at + MINUTE) == 1
    assert BulkReply.objects.get(pk=first.pk).answered == 0


def test_who_may_and_what_it_must_say(ana: Member) -> None:
    at = timezone.now()
    incident = an_incident(at)
    with pytest.raises(NotNow, match=r"It affected no one with an open case."):
        begun(ana, incident, at)
    hit(incident)
    said: dict[str, Any] = {"incident_id": incident.pk, "kinds": [], "language": "", "at": at}
    with pytest.raises(NoReason):
        begin_reply(**said, body=" ", actor=ana.actor)
    with pytest.raises(StaffOnly):
        begin_reply(**said, body=WORDS, actor=staff(User.Role.AUDITOR).actor)


@pytest.mark.parametrize("undated", [{"state": "waiting"}, {"due_in": -timedelta(hours=1)}])
def test_no_date_is_told_to_whom_we_wait_for_nor_one_that_is_over(ana: Member, undated: dict[str, Any]) -> None:
    at = timezone.now()
    incident = an_incident(at)
    hit(incident)
    waits = hit(incident, **undated)
    said: dict[str, Any] = {"incident_id": incident.pk, "kinds": [], "language": "", "actor": ana.actor, "at": at}
    with pytest.raises(BadVariable, match=rf"{waits.code}: This case has nothing for {{due}}"):
        begin_reply(**said, body="You'll get an answer by {due}.")
    assert begin_reply(**said, body="{code}").ticket_ids[-1] == waits.pk


def test_the_page_shows_progress_and_the_way_back(ana: Member) -> None:
    incident = an_incident(timezone.now())
    hit(incident)
    said = {"incident": incident.pk, "kinds": ["other"], "language": "en", "body": WORDS}
    page = ana.client.post("/desk/many/", said, follow=True)
    shown = page.content.decode()
    assert 'data-reply-state="waiting"' in shown
    assert "One answer to 1 person" in shown
    reply = BulkReply.objects.get()
    assert 'data-reply-state="undone"' in ana.client.post(
        f"/desk/many/{reply.id}/undo/", follow=True
    ).content.decode()  # fmt: skip
    empty = ana.client.post("/desk/many/", {"incident": incident.pk, "body": ""}).content.decode()
    assert "Fill in “Answer”." in empty


def test_a_preview_lists_who_gets_it_and_whom_the_office_answers(ana: Member) -> None:
    at = timezone.now()
    incident = an_incident(at)
    first, second = hit(incident), hit(incident)
    handed_up = [hit(incident, escalated_at=at) for _ in range(2)]
    said = {
        "incident": incident.pk,
        "kinds": ["other", "dispute"],
        "language": "en",
        "body": "Your case is {code}.\nBye.",
    }
    page = ana.client.post("/desk/many/", {**said, "preview": ""}).content.decode()
    assert f"Your case is {first.code}.<br>Bye." in page
    assert f"As the person of {first.code} reads it" in page
    assert "It goes to 2 cases. 2 escalated cases are left out: the privacy office answers them." in words(page)
    assert re.findall(r'class="code">(T-\w+)<', page) == [first.code, second.code]
    assert not [one.code for one in handed_up if one.code in page]
    assert BulkReply.objects.count() == 0
    Ticket.objects.filter(code=handed_up[0].code).update(escalated_at=None)
    page_of_one = ana.client.post("/desk/many/", {**said, "preview": ""}).content.decode()
    assert "It goes to 3 cases. 1 escalated case is left out: the privacy office answers it." in words(page_of_one)
    Ticket.objects.filter(code=handed_up[0].code).update(escalated_at=at)
    # What the preview sends on is what was typed.
    kept = re.findall(
        r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.partition("<main")[2].partition("</main>")[0]
    )
    assert [one for one in kept if one[0] != "csrfmiddlewaretoken"] == [
        ("incident", str(incident.pk)), ("kinds", "other"), ("kinds", "dispute"), ("language", "en"),
        ("body", said["body"]),
    ]  # fmt: skip
    changed = ana.client.post("/desk/many/", {**said, "change": ""}).content.decode()
    assert "Your case is {code}.\nBye.</textarea>" in changed
    wrong = ana.client.post("/desk/many/", {**said, "body": "{compny}", "preview": ""}).content.decode()
    assert "We can&#x27;t fill in {compny}." in wrong
    assert ana.client.post("/desk/many/", said).status_code == 302
    assert BulkReply.objects.get().ticket_ids == [first.pk, second.pk]


def test_what_is_begun_twice_is_refused(ana: Member) -> None:
    at = timezone.now()
    incident = an_incident(at)
    hit(incident)
    first = begun(ana, incident, at)
    with pytest.raises(
        NotNow, match=r"An answer to some of them is about to be sent. Wait until it is sent, or take it back."
    ):
        begun(ana, incident, at)
    with pytest.raises(NotNow, match=r"There is no such reply."):
        undo_reply(reply_id=uuid4(), actor=ana.actor, at=at)
    undo_reply(reply_id=first.pk, actor=ana.actor, at=at)
    assert send_replies(at=at + TAKES_BACK) == 0
    assert begun(ana, incident, at).ticket_ids == first.ticket_ids


def test_a_reply_goes_to_no_more_than_so_many(ana: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    at = timezone.now()
    incident = an_incident(at)
    hit(incident)
    monkeypatch.setattr("support.actions.replies.MOST", 0)
    with pytest.raises(NotNow, match=r"There are more than 0. Choose kinds of cases, or a language."):
        begun(ana, incident, at)


def test_whoever_left_its_page_finds_a_reply_again(ana: Member) -> None:
    at = timezone.now()
    incident = an_incident(at)
    hit(incident)
    first = begun(ana, incident, at - MINUTE)
    undo_reply(reply_id=first.pk, actor=ana.actor, at=at - MINUTE)
    second = begun(ana, incident, at)
    page = ana.client.get("/desk/many/").content.decode()
    listed = page.partition("Latest bulk replies")[2]
    assert re.findall(r'href="/desk/many/([\w-]+)/"', listed) == [str(second.pk), str(first.pk)]
    states = re.findall(r"1 case (not sent yet|cancelled|being sent|\d+ answered)", words(page).partition("Latest")[2])
    assert states == ["not sent yet", "cancelled"]
    BulkReply.objects.filter(pk=second.pk).update(ticket_ids=[*range(1234)])
    assert " 1,234 cases not sent yet " in words(ana.client.get("/desk/many/").text)
    assert "One answer to 1,234 people" in words(ana.client.get(f"/desk/many/{second.pk}/").text)


def test_those_of_another_language_can_be_written_to_meanwhile(ana: Member) -> None:
    at = timezone.now()
    incident = an_incident(at)
    hit(incident, language="en")
    spanish = hit(incident, language="es")
    said: dict[str, Any] = {"incident_id": incident.pk, "kinds": [], "body": WORDS, "actor": ana.actor, "at": at}
    begin_reply(**said, language="en")
    assert begin_reply(**said, language="es").ticket_ids == [spanish.pk]


def test_an_answer_to_many_takes_no_file_along(ana: Member) -> None:
    at = timezone.now()
    incident = an_incident(at)
    ticket = hit(incident)
    Attachment.objects.create(
        id=uuid4(), ticket=ticket, name="a.png", media_type="image/png", size=1, sha256="", author=ana.actor, at=at
    )
    begun(ana, incident, at)
    assert send_replies(at=at + TAKES_BACK) == 1
    assert Attachment.objects.get().entry is None
    event = AuditEvent.objects.get(action="ticket.answered")
    assert event.detail == {"to_many": str(BulkReply.objects.get().pk)}


def test_people_are_counted_and_not_their_cases(ana: Member) -> None:
    at = timezone.now()
    incident = an_incident(at)
    first = hit(incident)
    assert " · 1 person with an open case<" in ana.client.get("/desk/many/").text
    second, handed_up = hit(incident, line_id=first.line_id), hit(incident)
    page = ana.client.get("/desk/many/").content.decode()
    day = at.astimezone(ZONE)
    opened = f"{day:%b} {day.day}, {day.year}"
    assert f"GeoBridge · {incident.get_kind_display()} · since {opened} · 2 people with an open case<" in page
    kinds = re.findall(r'name="kinds" value="(\w+)"', page)
    assert kinds == ["dispute", "look_up", "choice", "order", "still_have", "sign_in", "other"]
    assert "Latest bulk replies" not in page
    begun(ana, incident, at)
    Ticket.objects.filter(pk=handed_up.pk).update(escalated_at=at)
    assert send_replies(at=at + MINUTE) == 2
    handed_up.refresh_from_db()
    assert (handed_up.state, handed_up.first_answer_at) == ("open", None)
    assert {one.ticket_id for one in Entry.objects.all()} == {first.pk, second.pk}
