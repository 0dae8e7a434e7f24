"""Files of cases are opened by staff only while they may see whose case it is, and each time is in the person's log."""

import re
from datetime import timedelta
from html import unescape

import pytest
from cryptography.fernet import Fernet
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line
from audit.models import AuditEvent
from support.actions.writing import attach
from support.domain import files
from support.models import Attachment, Reveal, Ticket
from support.queries.record_words import scan_in_words
from support.workers import scanning, sending
from tests.factories import a_line
from tests.people import signed_in
from tests.support.desk import a_ticket, asks
from tests.support.officers import Member, post, shown, staff

pytestmark = pytest.mark.usefixtures("db", "no_broker", "attachments")
LOCKED = "A file. You can open it while you are shown whose case this is."


@pytest.fixture
def line(db: None) -> Line:
    return a_line()


@pytest.fixture
def ticket(line: Line) -> Ticket:
    """A case with a file whose name and content say whose it is."""
    given = SimpleUploadedFile("bill of Ada Marsh.txt", b"Ada Marsh, +1 415 555 0123")
    found = asks(signed_in(line), uploads=[given])
    scanning.scan(now=timezone.now())
    return found


def path(ticket: Ticket) -> str:
    return f"/desk/{ticket.code}/files/{Attachment.objects.get(ticket=ticket).pk}/"


def opens(member: Member, ticket: Ticket) -> bool:
    answer = member.client.get(path(ticket))
    assert answer.status_code in {200, 403}
    assert (b"Ada Marsh" in answer.getvalue()) == (answer.status_code == 200)
    return answer.status_code == 200


def test_a_file_opens_only_while_its_person_is_revealed(ana: Member, line: Line, ticket: Ticket) -> None:
    auditor, ben = staff("auditor"), staff("agent", name="ben")
    for member in (auditor, ana):
        page = shown(member, f"/desk/{ticket.code}/")
        assert (LOCKED in page, "bill of Ada Marsh" in page) == (True, False)
    assert [opens(one, ticket) for one in (auditor, ana, staff())] == [False, False, False]
    assert not AuditEvent.objects.filter(action="ticket.file_seen").exists()
    post(ana, f"/desk/{ticket.code}/reveal/")
    shown(ana, f"/desk/{ticket.code}/")
    asked = {"reason": "Again.", "kind": "call"}
    again = ana.client.post(f"/desk/{ticket.code}/reveal/", asked, follow=True).content.decode()
    assert "Asked for already. Nothing was changed, and your reason wasn't kept." in unescape(again)
    assert "Shown for 15 minutes." not in again
    assert [opens(one, ticket) for one in (auditor, ana, ben)] == [False, True, False]
    for part in ("", "write/"):
        page = shown(ana, f"/desk/{ticket.code}/{part}")
        assert (LOCKED in page, "bill of Ada Marsh.txt" in page) == (False, True)
    assert LOCKED in shown(ana, f"/desk/{ticket.code}/copy/", {"reason": "For the file."})
    log = AuditEvent.objects.filter(line_id=line.pk, action__in=("person.revealed", "ticket.file_seen")).order_by("id")
    assert list(log.values_list("actor", "action")) == [
        (ana.actor, "person.revealed"), (ana.actor, "ticket.file_seen"),
    ]  # fmt: skip
    Reveal.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert not opens(ana, ticket)


def test_files_stand_in_the_order_of_their_names(ana: Member, line: Line) -> None:
    names = [f"page {n}.txt" for n in range(5)]
    case = asks(signed_in(line), uploads=[SimpleUploadedFile(one, b"A bill.") for one in reversed(names)])
    scanning.scan(now=timezone.now())
    # Whatever order they came in, and whatever ids they were given.
    assert Attachment.objects.filter(ticket=case).values("at").distinct().count() == 1
    post(ana, f"/desk/{case.code}/reveal/")
    assert re.findall(r"page \d\.txt", shown(ana, f"/desk/{case.code}/")) == names


def test_a_protected_line_s_files_take_two_people(ana: Member, ticket: Ticket) -> None:
    post(ana, f"/desk/{ticket.code}/reveal/")
    assert opens(ana, ticket)
    officer = staff()
    post(officer, f"/desk/{ticket.code}/protect/", {"reason": "She asked us to."})
    began = AuditEvent.objects.get(line_id=ticket.line_id, action="protection.began")
    assert (began.actor, began.reason) == (officer.actor, "She asked us to.")
    assert not opens(ana, ticket)
    post(ana, f"/desk/{ticket.code}/reveal/")
    assert not opens(ana, ticket)
    asked = Reveal.objects.get(two_needed=True)
    post(officer, f"/desk/{ticket.code}/reveal/{asked.pk}/", {"reason": "Right."})
    assert [opens(ana, ticket), opens(officer, ticket)] == [True, False]


def test_files_follow_a_case_into_another(ana: Member, line: Line, ticket: Ticket) -> None:
    into = a_ticket(line_id=line.pk, asked_by=ticket.asked_by)
    Ticket.objects.filter(pk=ticket.pk).update(state=Ticket.State.MERGED, merged_into=into)
    post(ana, f"/desk/{a_ticket(line_id=line.pk).code}/reveal/")
    assert not opens(ana, ticket)
    post(ana, f"/desk/{into.code}/reveal/")
    assert opens(ana, ticket)


def test_one_s_own_file_and_a_case_of_nobody_s_open(ana: Member, line: Line, ticket: Ticket) -> None:
    case, now = a_ticket(), timezone.now()
    for of, author in ((ticket, ana.actor), (case, "mail:stranger")):
        upload = files.build_upload(name="mine.txt", content=b"Ada Marsh asked")
        attach(ticket=of, entry=None, author=author, uploads=[upload], at=now)
    scanning.scan(now=timezone.now())
    own = Attachment.objects.get(ticket=ticket, author=ana.actor)
    assert ana.client.get(f"/desk/{ticket.code}/files/{own.pk}/").status_code == 200
    # The person it is meant for gets it once it is sent.
    assert signed_in(line).get(f"/help/{ticket.code}/files/{own.pk}/").status_code == 404
    assert [opens(ana, case), opens(staff("auditor"), case)] == [True, False]


def test_who_sent_a_file_reads_its_name(ana: Member, ticket: Ticket) -> None:
    given = SimpleUploadedFile("what we found.txt", b"Nothing.")
    post(ana, f"/desk/{ticket.code}/write/", {"body": "Dear you", "then": "solved", "uploads": given})
    sending.send(now=timezone.now() + timedelta(seconds=31))
    scanning.scan(now=timezone.now())
    for member, is_own in ((ana, True), (staff("agent", name="ben"), False)):
        page = shown(member, f"/desk/{ticket.code}/")
        assert ("what we found.txt" in page, "bill of Ada Marsh" in page) == (is_own, False)


def test_staff_read_what_the_scan_found() -> None:
    assert {one.value: scan_in_words(scan=one) for one in Attachment.Scan} == {
        "waiting": "Not scanned yet", "clean": "No virus found", "refused": "Harmful, so no one can open it",
        "failed": "The scan failed, so no one can open it", "removed": "Removed before it was sent",
    }  # fmt: skip


def test_a_file_sealed_by_a_key_that_this_worker_has_not_yet_is_looked_at_later(settings: Settings, line: Line) -> None:
    now, keys = timezone.now(), settings.FIELD_ENCRYPTION_KEYS
    newer = settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *keys]
    browser = signed_in(line)
    case = asks(browser, uploads=[SimpleUploadedFile("bill.txt", b"A bill.")])
    settings.FIELD_ENCRYPTION_KEYS = keys
    assert scanning.scan(now=now) == 0
    settings.FIELD_ENCRYPTION_KEYS = newer
    assert scanning.scan(now=now + timedelta(minutes=5)) == 1
    path = f"/help/{case.code}/files/{Attachment.objects.get(ticket=case).pk}/"
    assert signed_in(line).client.get(path).getvalue() == b"A bill."
