"""Files of cases: sealed, looked at, never shown, and taken away."""

import hashlib
import io
import mmap
import re
import time
import zipfile
import zlib
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from unittest.mock import Mock
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject
from pytest_django import Settings
from structlog.testing import capture_logs

import audit.actions
from audit.models import Incident
from support.actions.writing import attach, keep_draft
from support.actions.writing import send as send_answer
from support.domain import files
from support.domain.tickets import answer as answer_case
from support.domain.tickets import open_tickets
from support.models import Attachment, Draft, Entry, SavedReply, Ticket
from support.policies.lifecycle import NotNow
from support.queries.writing import is_read
from support.workers import scanning, sending
from tests.factories import a_line
from tests.people import Browser, signed_in
from tests.support.desk import PNG, a_ticket, asks
from tests.support.officers import Member, post, staff, words

NOBODY_READS = (
    "This case is about no person: nobody would read an answer. Write a note, or say on the incident's own page what"
    " was done."
)
pytestmark = pytest.mark.usefixtures("db", "no_broker", "attachments")
State, Scan = Ticket.State, Attachment.Scan
SOON = timedelta(seconds=31)


@pytest.fixture
def person(db: None) -> Browser:
    return signed_in(a_line())


@pytest.fixture
def ticket(person: Browser) -> Ticket:
    return asks(person)


def page(member: Member, ticket: Ticket) -> str:
    answer = member.client.get(f"/desk/{ticket.code}/write/")
    assert answer.status_code == 200
    return answer.content.decode()


def send(member: Member, ticket: Ticket, body: str = "Dear you", **more: object) -> None:
    answer = member.client.post(f"/desk/{ticket.code}/write/", {"body": body, "then": "solved", **more})
    assert answer.status_code == 302, re.findall(r'class="error".*?</p>', answer.content.decode(), re.DOTALL)


# Files


def a_pdf(*, script: bool = False, attached: bool = False, locked: bool = False) -> bytes:
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    if script:
        act = {"/S": NameObject("/JavaScript"), "/JS": TextStringObject("app.alert(1)")}
        action = DictionaryObject({NameObject(name): value for name, value in act.items()})
        writer.root_object[NameObject("/OpenAction")] = action
    if attached:
        writer.add_attachment("a.exe", b"MZ")
    if locked:
        writer.encrypt("secret")
    writer.write(out)
    return out.getvalue()


def a_zip(comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("a.html", "<script>alert(1)</script>")
        packed.comment = comment
    return out.getvalue()


def given(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "text/html")


KINDS = {
    "a.png": (PNG, "image/png"),
    "b.jpeg": (b"\xff\xd8\xff\xda\0\2\xff\xd9", "image/jpeg"),
    "c.pdf": (a_pdf(), "application/pdf"),
    "d.txt": ("naïve\n".encode(), "text/plain"),
}


def test_files_go_both_ways_sealed_looked_at_and_never_shown(person: Browser, ana: Member, attachments: Path) -> None:
    ticket = asks(person, uploads=[given(name, content) for name, (content, _) in KINDS.items()])
    rows = list(Attachment.objects.filter(ticket=ticket))
    assert {row.name.partition(".")[0]: row.media_type for row in rows} == {
        name.partition(".")[0]: kind for name, (_, kind) in KINDS.items()
    }
    path = f"/help/{ticket.code}/files/{rows[0].pk}/"
    assert person.get(path).status_code == 404
    kept = [one for one in attachments.rglob("*") if one.is_file()]
    assert {oct(one.stat().st_mode & 0o777) for one in kept} == {"0o600"}
    assert not any(content in one.read_bytes() for one in kept for content, _ in KINDS.values())
    assert scanning.scan(now=timezone.now()) == 4
    assert post(ana, f"/desk/{ticket.code}/reveal/") == f"/desk/{ticket.code}/"
    for row in rows:
        answer = person.client.get(f"/help/{ticket.code}/files/{row.pk}/")
        at_desk = ana.client.get(f"/desk/{ticket.code}/files/{row.pk}/")
        for one in (answer, at_desk):
            assert one.getvalue() == next(c for n, (c, _) in KINDS.items() if n[0] == row.name[0])
            assert one.headers["Content-Disposition"] == f'attachment; filename="{row.name}"'
            assert one.headers["X-Content-Type-Options"] == "nosniff"
            assert one.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
            assert "html" not in one.headers["Content-Type"]
    Attachment.objects.filter(pk=rows[0].pk).update(name="日本.png")
    for named in (person.client.get(path), ana.client.get(f"/desk{path.removeprefix('/help')}")):
        assert named.headers["Content-Disposition"] == "attachment; filename*=utf-8''%E6%97%A5%E6%9C%AC.png"
    assert signed_in(a_line()).get(path).status_code == 404
    send(ana, ticket, uploads=[given("what we found.pdf", a_pdf())])
    sending.send(now=timezone.now() + SOON)
    scanning.scan(now=timezone.now())
    (sent,) = Attachment.objects.filter(ticket=ticket, author=ana.actor)
    assert person.get(f"/help/{ticket.code}/files/{sent.pk}/").status_code == 200


def test_a_note_takes_no_files(ana: Member, ticket: Ticket) -> None:
    note = page(ana, ticket).partition('class="card note"')[2].partition("</form>")[0]
    assert 'name="body"' in note
    assert 'type="file"' not in note
    for path, status in (("note/", 400), ("write/draft/note/", 302)):
        said = {"body": "Zebrafinch", "uploads": [given("among us.png", PNG)]}
        answer = ana.client.post(f"/desk/{ticket.code}/{path}", said)
        assert answer.status_code == status
        shown = answer.content.decode() if status == 400 else page(ana, ticket)
        assert "You can&#x27;t attach files to a note, so we didn&#x27;t keep them." in shown
        assert "Zebrafinch</textarea>" in shown
    upload = files.build_upload(name="among us.png", content=PNG)
    with pytest.raises(NotNow, match=r"You can't attach files to a note."):
        keep_draft(
            code=ticket.code, kind=Entry.Kind.NOTE, body="x", uploads=[upload], actor=ana.actor, at=timezone.now()
        )
    assert Attachment.objects.count() == 0


def test_five_files_of_our_kinds_are_taken_at_once(person: Browser, settings: Settings) -> None:
    # Nothing of them may be written to a disk unsealed.
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"
    for uploads, wrong in (
        ([given("page.png", b"<html><script>alert(1)</script>\x00")], "take “page.png”."),
        ([given("run.exe", b"MZ\x90\x00")], "take “run.exe”."),
        ([given("pic.svg", b"\xfe\xff")], "take “pic.svg”."),
        ([given("empty.txt", b"  ")], "take “empty.txt”."),
        ([given("zip.pdf", b"PK\x03\x04")], "take “zip.pdf”."),
        ([given("big.png", PNG + b"\0" * files.LARGEST)], "“big.png” is"),
        ([given("bigger.png", PNG + b"\0" * 2 * files.LARGEST)], "“bigger.png” is"),
        ([given(f"{n}.png", PNG) for n in range(6)], "You chose more than 5 files."),
    ):
        answer = person.client.post("/help/write/", {"topic": "other", "message": "Look", "uploads": uploads})
        said = answer.content.decode()
        assert (answer.status_code, wrong in said, "Look</textarea>" in said) == (400, True, True), wrong
    assert Ticket.objects.count() == 0
    largest = [given(f"{n}.txt", str(n).encode() * files.LARGEST) for n in range(5)]
    sent = {"topic": "other", "message": "Look", "uploads": largest}
    assert person.client.post("/help/write/", sent).status_code == 302
    kept = Attachment.objects.order_by("name").values_list("size", "sha256")
    assert list(kept) == [
        (files.LARGEST, hashlib.sha256(str(n).encode() * files.LARGEST).hexdigest()) for n in range(5)
    ]


def test_what_our_own_look_finds() -> None:
    cells = [
        (a_pdf(), "application/pdf", True),
        (a_pdf(script=True), "application/pdf", False),
        (a_pdf(attached=True), "application/pdf", False),
        (a_pdf(locked=True), "application/pdf", False),
        (b"%PDF-1.7 nothing else", "application/pdf", False),
        (a_pdf() + b"\0\r\n", "application/pdf", True),
        (a_pdf() + a_zip(), "application/pdf", False),
        (a_pdf() + a_zip(comment=b"%%EOF\n"), "application/pdf", False),
        (a_pdf() + b"<html><script>alert(1)</script></html>", "application/pdf", False),
        (files.EICAR, "text/plain", False),
        (PNG, "image/jpeg", False),
        (PNG, "image/png", True),
    ]
    found = [files.OwnLook().is_clean(content=content, media_type=media_type) for content, media_type, _ in cells]
    assert found == [clean for *_, clean in cells]


class Away:
    """A scanner that can't be asked."""

    def is_clean(self, *, content: bytes, media_type: str) -> bool:
        raise files.ScannerUnavailable


class Fails:
    """A scanner that one file makes fail, each time in another way."""

    def is_clean(self, *, content: bytes, media_type: str) -> bool:
        if content.startswith(b"bad"):
            raise (AssertionError, NotImplementedError, MemoryError)[content[3] - ord("0")]
        return True


def test_what_was_found_is_taken_away(person: Browser, settings: Settings, attachments: Path) -> None:
    ticket = asks(person, uploads=[given("a.pdf", a_pdf(script=True))])
    settings.ATTACHMENT_SCANNER = "tests.support.test_files_of_cases.Away"
    assert scanning.scan(now=timezone.now()) == 0
    assert Attachment.objects.get().scan == Scan.WAITING
    settings.ATTACHMENT_SCANNER = "support.domain.files.OwnLook"
    assert scanning.scan(now=timezone.now()) == 1
    row = Attachment.objects.get()
    assert row.scan == Scan.REFUSED
    assert [one for one in attachments.rglob("*") if one.is_file()] == []
    assert person.get(f"/help/{ticket.code}/files/{row.pk}/").status_code == 404
    assert "This file may be harmful" in person.get(f"/help/{ticket.code}/").text


def test_an_unreadable_file_stops_no_other(person: Browser, settings: Settings) -> None:
    names = ["bad0", "bad1", "bad2", "good"]
    asks(person, uploads=[given(f"{name}.txt", name.encode()) for name in names])
    unsealed = asks(person, uploads=[given("early.txt", b"good")]).attachments.get()
    files._path(unsealed.pk).write_bytes(b"not sealed by us")
    Attachment.objects.filter(pk=unsealed.pk).update(at=unsealed.at - timedelta(days=1))
    settings.ATTACHMENT_SCANNER = "tests.support.test_files_of_cases.Fails"
    with capture_logs() as logs:
        assert scanning.scan(now=timezone.now()) == 5
    assert dict(Attachment.objects.values_list("name", "scan")) == {
        "early.txt": Scan.FAILED, "bad0.txt": Scan.FAILED, "bad1.txt": Scan.FAILED, "bad2.txt": Scan.FAILED,
        "good.txt": Scan.CLEAN,
    }  # fmt: skip
    failed = [one for one in logs if one["event"] == "attachment_failed"]
    assert len(failed) == 4
    assert {tuple(one) for one in failed} == {("attachment", "event", "log_level")}


def test_a_pdf_that_its_reader_can_t_take_does_something(monkeypatch: pytest.MonkeyPatch) -> None:
    content = a_pdf()
    for error in (AssertionError, NotImplementedError, RecursionError, MemoryError, zlib.error):
        monkeypatch.setattr(PdfReader, "get_object", Mock(side_effect=error))
        assert files.OwnLook().is_clean(content=content, media_type="application/pdf") is False, error


def test_a_pdf_that_keeps_its_reader_busy_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PDF_LOOK_S", 0.2)
    packed = zlib.compress(b"9 0 " + b" " * 50_000_000, 1)
    content = (
        b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n3 0 obj<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length "
        + b"%d>>stream\n%s\nendstream endobj\n" % (len(packed), packed)
        + b"trailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF"
    )
    began = time.monotonic()
    assert not files.OwnLook().is_clean(content=content, media_type="application/pdf")
    assert time.monotonic() - began < 5


def test_a_process_that_holds_much_still_takes_a_pdf_that_does_nothing() -> None:
    with mmap.mmap(-1, 1 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS):
        assert files.OwnLook().is_clean(content=a_pdf() + b"\n" * 3_000_000, media_type="application/pdf")


def test_bytes_without_a_row_wait_for_a_better_restore_and_those_taken_away_an_hour(
    ana: Member, ticket: Ticket
) -> None:
    now = timezone.now()
    upload = files.build_upload(name="a.png", content=PNG)
    with transaction.atomic():
        attach(ticket=ticket, entry=None, author=ana.actor, uploads=[upload], at=now)
        orphan = Attachment.objects.get().pk
        transaction.set_rollback(True)
    attach(ticket=ticket, entry=None, author=ana.actor, uploads=[upload, upload], at=now)
    kept, removed = Attachment.objects.values_list("pk", flat=True)
    Attachment.objects.filter(pk=removed).update(scan=Scan.REMOVED)
    for after, left in (
        (timedelta(0), {orphan, kept, removed}), (timedelta(minutes=61), {orphan, kept}),
        (timedelta(days=29, hours=23), {orphan, kept}), (timedelta(days=30, minutes=1), {kept}),
    ):  # fmt: skip
        for one in (orphan, kept, removed):
            scanning.scan(now=_when_its_turn(one, now + after))
        assert {one for one in (orphan, kept, removed) if _is_there(one)} == left


def _is_there(file_id: UUID) -> bool:
    try:
        return files.read_file(file_id=file_id) == PNG
    except FileNotFoundError:
        return False


def _when_its_turn(file_id: UUID, after: datetime) -> datetime:
    """The first pass from then on that sweeps the folder in which this file lies."""
    turn = int(after.timestamp()) // scanning.SWEEPS_EVERY_S
    passes = (int(file_id.hex[:2], 16) - turn) % files.PARTS
    return after + timedelta(seconds=passes * scanning.SWEEPS_EVERY_S)


def test_names_are_harmless() -> None:
    kept = {
        "../../etc/passwd": "passwd.png", "C:\\x\\photo.JPG": "photo.png",
        'a"\r\nSet-Cookie: x.png': "aSet-Cookie x.png", "\u202egnp.exe": "gnp.png", "....": "file.png",
    }  # fmt: skip
    assert {name: files.build_upload(name=name, content=PNG).name for name in kept} == kept


def test_a_file_beside_a_draft_can_be_taken_away(ana: Member, ticket: Ticket) -> None:
    path = f"/desk/{ticket.code}/write/draft/answer/"
    assert ana.client.post(path, {"body": "x", "uploads": [given("a.png", PNG)]}).status_code == 302
    row = Attachment.objects.get()
    assert "a.png" in page(ana, ticket)
    ben = staff("agent", name="ben")
    assert ben.client.post(f"/desk/{ticket.code}/files/{row.pk}/remove/").status_code == 302
    assert "Only the person who added a file can remove it, and only until it's sent." in unescape(page(ben, ticket))
    row.refresh_from_db()
    assert row.scan == Scan.WAITING
    ana.client.post(f"/desk/{ticket.code}/files/{row.pk}/remove/")
    row.refresh_from_db()
    assert row.scan == Scan.REMOVED
    send(ana, ticket)
    sending.send(now=timezone.now() + SOON)
    assert Attachment.objects.get().entry is None


def test_files_beside_a_preview_go_out_with_the_answer(ana: Member, ticket: Ticket) -> None:
    path = f"/desk/{ticket.code}/write/"
    reply = SavedReply.objects.get(key="more-needed", language="en")
    for door, more in (("preview/", {}), ("canned/", {"canned": str(reply.pk)})):
        file = SimpleUploadedFile(f"{door[:-1]}.txt", b"what you asked for", "text/plain")
        page = ana.client.post(path + door, {"body": "See below.", "then": "solved", "uploads": [file], **more})
        assert f"{door[:-1]}.txt" in page.content.decode()
    waiting = Attachment.objects.filter(entry__isnull=True)
    assert sorted(waiting.values_list("name", flat=True)) == ["canned.txt", "preview.txt"]
    for n, status in ((4, 400), (3, 200), (1, 400)):
        many = [SimpleUploadedFile(f"{k}.txt", b"x", "text/plain") for k in range(n)]
        page = ana.client.post(f"{path}preview/", {"body": "See below.", "then": "solved", "uploads": many})
        too_many = "An answer can have at most 5 files. Remove one first." in page.content.decode()
        assert (page.status_code, too_many) == (status, status == 400)
    assert Attachment.objects.count() == 5
    ana.client.post(path, {"body": "See below.", "then": "solved", "send": ""})
    on_its_way = words(ana.client.get(path).content.decode()).partition("On its way")[2].partition("Take it back")[0]
    for name in ("preview.txt", "canned.txt", "0.txt", "1.txt", "2.txt"):
        assert f"{name} " in on_its_way


def test_a_case_about_no_person_takes_notes_and_no_answer(ana: Member) -> None:
    audit.actions.open_incident(kind=Incident.Kind.BURST, key="k", subject="page", at=timezone.now())
    open_tickets(at=timezone.now())
    of_nobody = Ticket.objects.get(kind="incident")
    unread = {kind.value for kind in Ticket.Kind if not is_read(ticket=a_ticket(kind=kind))}
    assert unread == {"incident", "overdue", "partial"}
    path = f"/desk/{of_nobody.code}/write/"
    page = ana.client.get(path).content.decode()
    assert ('name="send"' in page, 'class="card note"' in page) == (False, True)
    refused = ana.client.post(path, {"body": "We look into it.", "then": "solved"})
    assert refused.status_code == 400
    with pytest.raises(NotNow, match=re.escape(NOBODY_READS)):
        send_answer(
            code=of_nobody.code, body="We look into it.", then=Ticket.State.SOLVED, actor=ana.actor, at=timezone.now()
        )
    with pytest.raises(NotNow, match="about no person"):
        answer_case(ticket=of_nobody, body="x", actor=ana.actor, then=Ticket.State.SOLVED, at=timezone.now())
    of_nobody.refresh_from_db()
    assert (of_nobody.state, of_nobody.first_answer_at, Draft.objects.count()) == ("open", None, 0)
    ana.client.post(reverse("desk-note", args=[of_nobody.code]), {"body": "The office has it."})
    assert [one.kind for one in Entry.objects.filter(ticket=of_nobody).order_by("at")][-1] == "note"
