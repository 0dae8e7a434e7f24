"""Two cases about the same become one: of one person, with what was said in both, due as soon as either."""

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from support.actions import queue
from support.actions.writing import keep_draft
from support.models import Draft, Entry, Ticket
from support.policies.lifecycle import NotNow
from tests.factories import a_line
from tests.people import signed_in, user_of
from tests.support.desk import a_ticket, said
from tests.support.officers import Member, staff, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
DAY = timedelta(days=1)


@pytest.mark.parametrize("typed", ["T-TA7B2C", "ta7b2c", " tta7b2c "])
def test_two_cases_of_one_person_become_one(ana: Member, typed: str) -> None:
    """Codes may begin with a T themselves."""
    line = a_line()
    one, other = a_ticket(line_id=line.pk), a_ticket(line_id=line.pk, code="T-TA7B2C")
    merged = ana.client.post(f"/desk/{one.code}/merge/", {"into": typed}, follow=True)
    assert merged.redirect_chain == [(f"/desk/{other.code}/", 302)]
    assert f"{one.code} was merged into this case." in merged.content.decode()
    one.refresh_from_db()
    assert (one.state, one.merged_into) == ("merged", other)
    assert [str(entry.body) for entry in Entry.objects.order_by("id")] == [
        f"Goes on as {other.code}.", f"Goes on for {one.code} too.",
    ]  # fmt: skip
    again = ana.client.post(f"/desk/{one.code}/merge/", {"into": other.code}).content.decode()
    assert f"{one.code} was already merged into {other.code}. Nothing was changed." in again
    third = a_ticket(line_id=line.pk)
    into_it = ana.client.post(f"/desk/{third.code}/merge/", {"into": one.code}).content.decode()
    assert f"{one.code} was already merged into {other.code}. Nothing was changed." in into_it


@pytest.mark.parametrize(
    ("ours", "theirs"), [(True, True), (True, False), (False, False)], ids=["two people", "one", "nobody we know"]
)
def test_nobody_s_case_ends_in_another_s(ana: Member, ours: bool, theirs: bool) -> None:
    one, other = (a_ticket(line_id=a_line().pk if has else None) for has in (ours, theirs))
    with pytest.raises(NotNow, match="from the same person"):
        queue.merge(code=one.code, into=other.code, actor=ana.actor, at=timezone.now())
    incidents = [a_ticket(kind="incident"), a_ticket(kind="overdue")]
    queue.merge(code=incidents[0].code, into=incidents[1].code, actor=ana.actor, at=timezone.now())
    assert Ticket.objects.get(state="merged") == incidents[0]


def test_two_people_of_one_line_keep_their_own_cases(ana: Member) -> None:
    line, at = a_line(), timezone.now()
    people = [User.objects.create(username=name) for name in ("first", "second")]
    one, other = (a_ticket(line_id=line.pk, asked_by=person) for person in people)
    with pytest.raises(
        NotNow, match=r"They can't be merged: they are about the same number, but from different people."
    ):
        queue.merge(code=one.code, into=other.code, actor=ana.actor, at=at)
    with pytest.raises(IntegrityError, match="somebody else"), transaction.atomic():
        Ticket.objects.filter(pk=one.pk).update(state="merged", merged_into=other)
    unknown = a_ticket(line_id=line.pk)
    for pair in ((one, unknown), (unknown, one)):
        with pytest.raises(
            NotNow,
            match=f"They can't be merged: they are about the same number, but we don't know who sent {unknown.code}.",
        ):
            queue.merge(code=pair[0].code, into=pair[1].code, actor=ana.actor, at=at)
    own = a_ticket(line_id=line.pk, asked_by=people[0])
    queue.merge(code=one.code, into=own.code, actor=ana.actor, at=at)
    assert Ticket.objects.get(state="merged") == one


def test_whoever_wrote_reads_one_thread_under_both_codes(ana: Member) -> None:
    line = a_line()
    person = signed_in(line)
    first, second, third = (a_ticket(line_id=line.pk, asked_by=user_of(line)) for _ in range(3))
    said(first, "In the first")
    said(third, "In the third")
    for one, into in ((first, second), (second, third)):
        queue.merge(code=one.code, into=into.code, actor=ana.actor, at=timezone.now())
    page = words(ana.client.get(f"/desk/{third.code}/").content.decode())
    parts = (
        f"· {first.code} In the first", "In the third", f"· {first.code} {ana.user.email} : Goes on as {second.code}.",
        f"· {second.code} {ana.user.email} : Goes on for {first.code} too.",
    )  # fmt: skip
    assert [part for part in parts if part not in page] == []
    assert page.index("In the first") < page.index("In the third")
    for code in (first.code, third.code):
        theirs = words(person.get(f"/help/{code}/").text)
        assert f"Code {third.code} {first.code} {second.code} " in theirs
        assert theirs.index("In the first") < theirs.index("In the third")
    assert set(re.findall(r"/help/(T-\w+)/", person.get("/help/").text)) == {third.code}


def test_a_merged_case_is_due_as_soon(ana: Member) -> None:
    line, at = a_line(), timezone.now()
    soon = a_ticket(line_id=line.pk, due_in=DAY, priority=1, escalated_at=at)
    waits = a_ticket(line_id=line.pk, due_in=14 * DAY, state="waiting")
    queue.merge(code=soon.code, into=waits.code, actor=ana.actor, at=at)
    waits.refresh_from_db()
    assert (waits.state, waits.due_at, waits.priority, waits.escalated_at) == ("open", soon.due_at, 1, at)


@pytest.mark.parametrize(
    ("state", "due_in", "then", "then_due_in"),
    [("partner", DAY, "open", DAY), ("waiting", 13 * DAY, "waiting", 13 * DAY), ("waiting", DAY, "waiting", 3 * DAY)],
)
def test_the_longer_of_two_waits_goes_on(
    ana: Member, state: str, due_in: timedelta, then: str, then_due_in: timedelta
) -> None:
    line, at = a_line(), timezone.now()
    ends = a_ticket(at=at, line_id=line.pk, due_in=due_in, state=state)
    waits = a_ticket(at=at, line_id=line.pk, due_in=3 * DAY, state="waiting")
    queue.merge(code=ends.code, into=waits.code, actor=ana.actor, at=at)
    waits.refresh_from_db()
    assert (waits.state, waits.due_at) == (then, at + then_due_in)


def test_a_note_begun_in_both_names_the_colleagues_of_both(ana: Member) -> None:
    line, ben, eva = a_line(), staff("agent", name="ben"), staff("agent", name="eva")
    one, two = a_ticket(line_id=line.pk), a_ticket(line_id=line.pk)
    for ticket, body, mentions in ((one, "And this", [ben.actor, eva.actor]), (two, "", [ben.actor])):
        keep_draft(
            code=ticket.code, kind=Entry.Kind.NOTE, body=body, mentions=mentions, actor=ana.actor, at=timezone.now()
        )
    queue.merge(code=one.code, into=two.code, actor=ana.actor, at=timezone.now())
    draft = Draft.objects.get()
    assert (draft.ticket_id, draft.body, draft.mentions) == (two.pk, "And this", [ben.actor, eva.actor])
