"""What staff write in cases: drafts, answers that may be taken back, notes, answers written often, files."""

import io
import re
import time
import zlib
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import Mock
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject
from pytest_django import Settings
from structlog.testing import capture_logs

import audit.actions
from accounts.models import Message
from audit.models import AuditEvent, Incident
from support.actions.writing import attach, keep_draft
from support.actions.writing import send as send_answer
from support.domain import files
from support.domain.tickets import answer as answer_case
from support.domain.tickets import open_tickets
from support.labels import BadVariable, fill_variables
from support.models import Attachment, Draft, Entry, SavedReply, Ticket
from support.policies.lifecycle import NotNow
from support.queries.writing import desk_of, is_read
from support.workers import scanning, sending
from tests.factories import a_line
from tests.moments import ends_at
from tests.people import Browser, signed_in
from tests.support.desk import PNG, a_ticket, asks
from tests.support.officers import Member, post, staff, words

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


def test_an_answer_can_be_taken_back_for_half_a_minute(ana: Member, ticket: Ticket) -> None:
    send(ana, ticket, "Dear you, your case is {code}.")
    now = timezone.now()
    assert sending.send(now=now) == 0
    assert "Take it back" in page(ana, ticket)
    assert ana.client.post(f"/desk/{ticket.code}/write/undo/").status_code == 302
    again = ana.client.post(f"/desk/{ticket.code}/write/undo/", follow=True).content.decode()
    assert "Nothing of yours is about to be sent: what you wrote is a draft." in again
    assert "It has been sent." not in again
    assert sending.send(now=now + SOON) == 0
    assert f"Dear you, your case is {ticket.code}.</textarea>" in page(ana, ticket)
    send(ana, ticket, "Dear you", then="waiting")
    now = timezone.now()
    assert sending.send(now=now + SOON) == 1
    assert sending.send(now=now + SOON) == 0
    ticket.refresh_from_db()
    assert (ticket.state, ticket.first_answer_at) == (State.WAITING, now + SOON)
    (entry,) = Entry.objects.filter(ticket=ticket, kind="answer")
    assert (entry.body, entry.author) == ("Dear you", ana.actor)
    assert Message.objects.filter(kind="case").count() == 1
    assert Draft.objects.count() == 0
    assert "It has been sent." in ana.client.post(f"/desk/{ticket.code}/write/undo/", follow=True).content.decode()


def test_an_answer_that_can_t_go_out_stops_no_other(ana: Member, ticket: Ticket, person: Browser) -> None:
    other = asks(person)
    for one in (ticket, other):
        send(ana, one, "Zebrafinch")
    now = timezone.now()
    # The database refuses an entry that says nothing.
    Draft.objects.filter(ticket=ticket).update(body="", send_at=now)
    with capture_logs() as logs, CaptureQueriesContext(connection) as asked:
        assert sending.send(now=now + SOON) == 1
    assert list(Entry.objects.filter(kind="answer").values_list("ticket", flat=True)) == [other.pk]
    stuck = Draft.objects.get().pk
    failed = {"event": "answer_not_sent", "draft": stuck, "error": "IntegrityError", "log_level": "warning"}
    assert [one for one in logs if one["event"] == "answer_not_sent"] == [failed]
    locks = re.findall(r'FOR UPDATE OF "(\w+)"', "\n".join(one["sql"] for one in asked))
    assert locks == ["support_ticket", "support_draft"] * 2
    event = AuditEvent.objects.get(action="ticket.answered")
    assert (event.line_id, event.reason) == (other.line_id, other.code)


def test_an_answer_to_a_closed_case_opens_it(ana: Member, ticket: Ticket) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(state=State.SOLVED, solved_at=timezone.now())
    send(ana, ticket, then="waiting")
    sending.send(now=timezone.now() + SOON)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.solved_at) == (State.WAITING, None)


def test_a_draft_is_kept_and_colleagues_see_who_writes(ana: Member, ticket: Ticket) -> None:
    ben, path = staff("agent", name="ben"), f"/desk/{ticket.code}/write/draft/answer/"
    assert ana.client.post(path, {"body": "Half a sen"}).status_code == 302
    kept = ana.client.post(path, {"body": "Half a sentence"}, headers={"HX-Request": "true"})
    assert (kept.status_code, "Draft saved." in kept.content.decode()) == (200, True)
    assert "Half a sentence</textarea>" in page(ana, ticket)
    seen = page(ben, ticket)
    assert "<bdi>ana@carrier.example</bdi> is writing here." in seen
    assert "Half a sentence" not in seen
    assert "is writing here" not in page(ana, ticket)
    began = Draft.objects.get().updated_at
    assert ends_at(lambda at: desk_of(ticket=ticket, user_id=ben.user.pk, at=at).others, began + timedelta(hours=1))
    ana.client.post(path, {"body": " "})
    assert Draft.objects.count() == 0


def test_a_note_is_for_staff_alone(ana: Member, ticket: Ticket, person: Browser) -> None:
    assert ana.client.post(f"/desk/{ticket.code}/note/", {"body": "\u3164"}).status_code == 400
    assert ana.client.post(f"/desk/{ticket.code}/note/", {"body": "Zebrafinch"}).status_code == 302
    assert "Zebrafinch" in page(ana, ticket)
    assert "Zebrafinch" not in person.get(f"/help/{ticket.code}/").text
    ticket.refresh_from_db()
    assert ticket.state == State.OPEN
    assert Message.objects.filter(kind="case").count() == 0


def test_what_can_t_be_sent_says_why_and_stays(ana: Member, ticket: Ticket) -> None:
    for body, wrong in (
        ("Hi {compny}", "{compny} is no variable. There are: {company}, {code}, {due}, {link}."),
        (
            "{compny} {company}",
            (
                "{compny} is no variable. There are: {company}, {code}, {due}, {link}."
                " This case has nothing for {company}: write it yourself."
            ),
        ),
        ("Hi {company}", "This case has nothing for {company}: write it yourself."),
        ("", "Write the answer."),
        ("\u3164 \u2800", "Write the answer."),
        ("x" * 10_001, "Your message has 10001 characters. The limit is 10000. Take out 1 or more."),
    ):
        for door in ("write/", "write/preview/"):
            answer = ana.client.post(f"/desk/{ticket.code}/{door}", {"body": body, "then": "solved"})
            said = answer.content.decode()
            assert (answer.status_code, wrong in said, f"{body}</textarea>" in said) == (400, True, True), (door, wrong)
    assert Draft.objects.count() == 0


def test_a_saved_reply_is_shown_as_the_person_reads_it(ana: Member, ticket: Ticket) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(language="ar")
    reply = SavedReply.objects.get(key="more-needed", language="ar")
    path = f"/desk/{ticket.code}/write/"
    put = ana.client.post(f"{path}canned/", {"canned": str(reply.pk), "body": "Before", "then": "waiting"}).content
    assert f"Before\n\n{reply.body}</textarea>" in put.decode()
    assert '<span class="language">Arabic</span>' in put.decode()
    shown = ana.client.post(f"{path}preview/", {"body": reply.body, "then": "waiting"}).content.decode()
    preview = shown.partition('class="preview"')[2].partition("</section>")[0]
    assert f"/help/{ticket.code}/" in preview
    assert "{" not in preview
    assert 'lang="ar"' in preview
    Ticket.objects.filter(pk=ticket.pk).update(language="zh-hans")
    assert '<span class="language">Simplified Chinese</span>' in page(ana, ticket)


def test_saved_replies_are_searched_and_their_uses_counted(ana: Member, ticket: Ticket) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(language="ar")
    reply = SavedReply.objects.get(key="more-needed", language="ar")
    for _ in range(2):
        ana.client.post(f"/desk/{ticket.code}/write/canned/", {"canned": str(reply.pk), "body": "", "then": "solved"})
    ana.client.post(f"/desk/{ticket.code}/write/canned/", {"canned": "0", "body": "", "then": "solved"})
    assert SavedReply.objects.exclude(pk=reply.pk).filter(used__gt=0).count() == 0
    whole = ana.client.get("/desk/replies/").content.decode()
    # What is typed stands in no address, and a look writes nothing.
    assert ana.client.get("/desk/replies/", {"q": "no such"}).content.decode().count("<section") == whole.count(
        "<section"
    )
    found = ana.client.post("/desk/replies/", {"q": reply.title.upper()}).content.decode()
    assert whole.count("<section") - found.count("<section") == 5
    assert "inserted 2 times" in found
    assert found.count("inserted 0 times") == SavedReply.objects.filter(key="more-needed").count() - 1
    nothing = ana.client.post("/desk/replies/", {"q": "no such\x00 words"}).content.decode()
    assert "No saved reply has these words." in nothing
    assert ">Show all</a>" in nothing
    # That somebody searched is written down, and not for what: it may be a person's name.
    searches = AuditEvent.objects.filter(action="search.made", actor=ana.actor).order_by("id")
    assert [one.detail for one in searches] == [{"in": "Saved replies", "for": {}, "found": n} for n in (1, 0)]


def test_the_composer_searches_saved_replies_and_keeps_what_is_typed(ana: Member, ticket: Ticket) -> None:
    """Without a script. Nothing is put in, and nothing counts as used."""
    reply = SavedReply.objects.get(key="more-needed", language="en")
    path = f"/desk/{ticket.code}/write/canned/search/"

    def found(words: str, **more: object) -> tuple[list[str], str]:
        said = {"saved_words": words, "canned": str(reply.pk), "body": "Dear you", "then": "waiting"}
        answer = ana.client.post(path, {**said, **more}).content.decode()
        assert ">Dear you</textarea>" in answer
        assert f'value="{words.strip()}"' in answer
        return re.findall(r'<option value="(\d+)"', answer), answer

    some, answer = found(f" {reply.title.upper()} ")
    assert some == [str(reply.pk)]
    assert "1 saved reply has these words." in answer
    two, answer = found("company")
    assert f"{len(two)} saved replies have these words." in answer
    none, answer = found("no such words")
    assert none == []
    assert "No saved reply has these words." in answer
    every, answer = found("")
    assert len(every) == SavedReply.objects.filter(language="en").count()
    assert "have these words" not in answer
    spanish = ana.client.post(
        path, {"saved_words": "nada", "body": ""}, headers={"accept-language": "es"}
    ).content.decode()
    assert "Buscar respuestas guardadas" in spanish
    assert "Ninguna respuesta guardada tiene estas palabras." in spanish
    assert not SavedReply.objects.filter(used__gt=0).exists()
    searches = AuditEvent.objects.filter(action="search.made", actor=ana.actor).order_by("id")
    assert [one.detail for one in searches] == [
        {"in": "Saved replies", "for": {}, "found": n} for n in (1, len(two), 0, 0)
    ]


def test_nothing_is_put_in_while_an_answer_goes_out(ana: Member, ticket: Ticket) -> None:
    send(ana, ticket)
    put = ana.client.post(f"/desk/{ticket.code}/write/canned/", {"body": "Before"}, headers={"HX-Request": "true"})
    assert (put.status_code, "Take it back" in put.content.decode()) == (409, True)


def test_every_saved_reply_is_in_every_language(settings: Settings) -> None:
    values = dict.fromkeys(("company", "code", "due", "link"), "x")
    languages: dict[str, set[str]] = {}
    for reply in SavedReply.objects.all():
        assert "{" not in fill_variables(body=reply.body, values=values)
        languages.setdefault(reply.key, set()).add(reply.language)
    assert len(languages) == 6
    assert set(map(frozenset, languages.values())) == {frozenset(code for code, _ in settings.LANGUAGES)}
    with pytest.raises(BadVariable):
        fill_variables(body="{comapny}", values=values)


def test_officers_change_them_and_agents_read_them(ana: Member) -> None:
    officer = staff("officer", name="olga")
    reply = SavedReply.objects.get(key="sign-in", language="en")
    assert ana.client.get("/desk/replies/").status_code == 200
    for path in ("new/", f"{reply.pk}/"):
        assert ana.client.get(f"/desk/replies/{path}").status_code == 403
    bad = officer.client.post(f"/desk/replies/{reply.pk}/", {"title": "T", "body": "{nmae} hello"})
    assert "{nmae} is no variable." in bad.content.decode()
    assert officer.client.post(f"/desk/replies/{reply.pk}/", {"title": "T", "body": "Hi {link}"}).status_code == 302
    reply.refresh_from_db()
    assert (reply.key, reply.language, reply.title, reply.body) == ("sign-in", "en", "T", "Hi {link}")
    new = {"key": "new-one", "language": "vi", "title": "T", "body": "Xin {link}"}
    assert officer.client.post("/desk/replies/new/", new).status_code == 302
    pressed = re.findall(
        rf'replies/{reply.pk}/retire/".*?<button class="quiet" name="how" value="(\w+)">',
        officer.client.get("/desk/replies/").content.decode(), re.DOTALL,
    )  # fmt: skip
    assert pressed == ["retire"]
    for said in ("Retired. No one is offered it any more.", "It is already retired."):
        answer = officer.client.post(f"/desk/replies/{reply.pk}/retire/", {"how": "retire"}, follow=True)
        assert said in answer.content.decode()
    assert "sign-in" not in {one.key for one in SavedReply.objects.filter(retired_at=None, language="en")}
    assert AuditEvent.objects.filter(action__startswith="reply.", actor=officer.actor).count() == 3


def test_a_look_at_a_mailed_case_stands_in_the_trail(ana: Member) -> None:
    mailed = a_ticket()
    page(ana, mailed)
    assert ana.client.get(f"/desk/{mailed.code}/").status_code == 200
    looks = AuditEvent.objects.filter(action="case.seen", target=f"ticket:{mailed.code}")
    assert list(looks.values_list("actor", "line_id", "reason")) == [(ana.actor, None, mailed.code)] * 2


def test_a_wait_s_end_is_not_called_an_answer_s(ana: Member, ticket: Ticket, person: Browser) -> None:
    end = datetime.fromisoformat("2026-06-05T12:00:00Z")
    Ticket.objects.filter(pk=ticket.pk).update(due_at=end)
    taken = {"reason": "For the file."}
    for state, on_desk, on_paper, to_them in (
        ("open", "Answer due", ", due ", "You'll get an answer by Fri, Jun 5."),
        ("waiting", "We wait until", ". We wait until ", "We're waiting for your reply until Fri, Jun 5."),
    ):
        Ticket.objects.filter(pk=ticket.pk).update(state=state)
        assert re.findall(r"Answer due|We wait until", page(ana, ticket)) == [on_desk]
        copy = ana.client.post(f"/desk/{ticket.code}/copy/", taken).content.decode()
        assert re.findall(r", due |\. We wait until ", words(copy)) == [on_paper]
        sent = person.get(f"/help/sent/{ticket.code}/").text
        assert re.findall(r"You'll get an answer by [^<]*?5\.|We're waiting for your reply until [^<]*?5\.", sent) == [
            to_them
        ]
    said = ana.client.post(f"/desk/{ticket.code}/write/", {"body": "By {due}", "then": "solved"})
    assert (said.status_code, "This case has nothing for {due}" in said.content.decode()) == (400, True)


def test_only_who_may_work_cases_writes(ticket: Ticket, person: Browser) -> None:
    auditor = staff("auditor", name="audrey")
    paths = [f"/desk/{ticket.code}/{part}" for part in ("write/", "note/", "write/undo/", "write/draft/answer/")]
    for path in paths:
        assert auditor.client.post(path, {"body": "x", "then": "solved"}).status_code == 403
        assert person.post(path, {"body": "x", "then": "solved"}).status_code == 403
    assert Entry.objects.filter(ticket=ticket).count() == 1


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
        assert "A note takes no files: nothing of them was kept." in shown
        assert "Zebrafinch</textarea>" in shown
    upload = files.build_upload(name="among us.png", content=PNG)
    with pytest.raises(NotNow, match="You can't attach files to a note"):
        keep_draft(
            code=ticket.code, kind=Entry.Kind.NOTE, body="x", uploads=[upload], actor=ana.actor, at=timezone.now()
        )
    assert Attachment.objects.count() == 0


def test_five_files_of_our_kinds_are_taken_at_once(person: Browser) -> None:
    for uploads, wrong in (
        ([given("page.png", b"<html><script>alert(1)</script>\x00")], "take “page.png”."),
        ([given("run.exe", b"MZ\x90\x00")], "take “run.exe”."),
        ([given("pic.svg", b"\xfe\xff")], "take “pic.svg”."),
        ([given("empty.txt", b"  ")], "take “empty.txt”."),
        ([given("zip.pdf", b"PK\x03\x04")], "take “zip.pdf”."),
        ([given("big.png", PNG + b"\0" * files.LARGEST)], "“big.png” is"),
        ([given(f"{n}.png", PNG) for n in range(6)], "You chose more than 5 files."),
    ):
        answer = person.client.post("/help/write/", {"topic": "other", "message": "Look", "uploads": uploads})
        said = answer.content.decode()
        assert (answer.status_code, wrong in said, "Look</textarea>" in said) == (400, True, True), wrong
    assert Ticket.objects.count() == 0


def test_what_our_own_look_finds() -> None:
    cells = [
        (a_pdf(), "application/pdf", True),
        (a_pdf(script=True), "application/pdf", False),
        (a_pdf(attached=True), "application/pdf", False),
        (a_pdf(locked=True), "application/pdf", False),
        (b"%PDF-1.7 nothing else", "application/pdf", False),
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


def test_what_was_found_is_taken_away(person: Browser, settings: Settings, attachments: Path) -> None:
    ticket = asks(person, uploads=[given("a.pdf", a_pdf(script=True))])
    settings.ATTACHMENT_SCANNER = "tests.support.test_writing.Away"
    assert scanning.scan(now=timezone.now()) == 0
    assert Attachment.objects.get().scan == Scan.WAITING
    settings.ATTACHMENT_SCANNER = "support.domain.files.OwnLook"
    assert scanning.scan(now=timezone.now()) == 1
    row = Attachment.objects.get()
    assert row.scan == Scan.REFUSED
    assert [one for one in attachments.rglob("*") if one.is_file()] == []
    assert person.get(f"/help/{ticket.code}/files/{row.pk}/").status_code == 404
    assert "This file may be harmful" in person.get(f"/help/{ticket.code}/").text


class Fails:
    """A scanner that one file makes fail, each time in another way."""

    def is_clean(self, *, content: bytes, media_type: str) -> bool:
        if content.startswith(b"bad"):
            raise (AssertionError, NotImplementedError, MemoryError)[content[3] - ord("0")]
        return True


def test_an_unreadable_file_stops_no_other(person: Browser, settings: Settings) -> None:
    names = ["bad0", "bad1", "bad2", "good"]
    asks(person, uploads=[given(f"{name}.txt", name.encode()) for name in names])
    unsealed = asks(person, uploads=[given("early.txt", b"good")]).attachments.get()
    files._path(unsealed.pk).write_bytes(b"not sealed by us")
    Attachment.objects.filter(pk=unsealed.pk).update(at=unsealed.at - timedelta(days=1))
    settings.ATTACHMENT_SCANNER = "tests.support.test_writing.Fails"
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


def test_bytes_without_a_row_go_after_an_hour(ana: Member, ticket: Ticket) -> None:
    now = timezone.now()
    upload = files.build_upload(name="a.png", content=PNG)
    with transaction.atomic():
        attach(ticket=ticket, entry=None, author=ana.actor, uploads=[upload], at=now)
        orphan = Attachment.objects.get().pk
        transaction.set_rollback(True)
    attach(ticket=ticket, entry=None, author=ana.actor, uploads=[upload], at=now)
    kept = Attachment.objects.get().pk
    scanning.scan(now=_when_its_turn(orphan, now))
    assert files.read_file(file_id=orphan) == PNG
    scanning.scan(now=_when_its_turn(orphan, now + timedelta(minutes=61)))
    scanning.scan(now=_when_its_turn(kept, now + timedelta(minutes=61)))
    assert files.read_file(file_id=kept) == PNG
    with pytest.raises(FileNotFoundError):
        files.read_file(file_id=orphan)


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
    assert staff("agent", name="ben").client.post(f"/desk/{ticket.code}/files/{row.pk}/remove/").status_code == 302
    row.refresh_from_db()
    assert row.scan == Scan.WAITING
    ana.client.post(f"/desk/{ticket.code}/files/{row.pk}/remove/")
    row.refresh_from_db()
    assert row.scan == Scan.REMOVED
    send(ana, ticket)
    sending.send(now=timezone.now() + SOON)
    assert Attachment.objects.get().entry is None


def test_when_it_is_late_the_page_says_so(person: Browser, ticket: Ticket) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(due_at=datetime.fromisoformat("2026-01-05T12:00:00Z"))
    assert "Our answer is late. It was due by Mon, Jan 5." in person.get(f"/help/{ticket.code}/").text


def test_a_look_is_one_row_and_reads_the_thread_once(ana: Member, ticket: Ticket) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert ana.client.get(f"/desk/{ticket.code}/").status_code == 200
    read = [one["sql"] for one in asked if '"support_entry"."body"' in one["sql"].partition("WHERE")[0]]
    assert len(read) == 1
    events = AuditEvent.objects.filter(line_id=ticket.line_id, actor=ana.actor)
    assert [(one.action, one.reason) for one in events] == [("case.seen", ticket.code)]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_saved_reply_s_gaps_do_not_go_out(ana: Member, ticket: Ticket, language: str) -> None:
    body = SavedReply.objects.get(key="more-needed", language=language).body
    answer = ana.client.post(f"/desk/{ticket.code}/write/", {"body": body, "then": "solved"})
    assert (answer.status_code, "Fill in “[" in answer.content.decode()) == (400, True)
    assert not Draft.objects.exists()
    send(ana, ticket, re.sub(r"\[.*?\]", "your carrier [the old one]", body))


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
        too_many = "An answer can have at most 5 files." in page.content.decode()
        assert (page.status_code, too_many) == (status, status == 400)
    assert Attachment.objects.count() == 5


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
    with pytest.raises(NotNow, match="This case is about no person: nobody would read an answer"):
        send_answer(
            code=of_nobody.code, body="We look into it.", then=Ticket.State.SOLVED, actor=ana.actor, at=timezone.now()
        )
    with pytest.raises(NotNow, match="about no person"):
        answer_case(ticket=of_nobody, body="x", actor=ana.actor, then=Ticket.State.SOLVED, at=timezone.now())
    of_nobody.refresh_from_db()
    assert (of_nobody.state, of_nobody.first_answer_at, Draft.objects.count()) == ("open", None, 0)
    ana.client.post(reverse("desk-note", args=[of_nobody.code]), {"body": "The office has it."})
    assert [one.kind for one in Entry.objects.filter(ticket=of_nobody).order_by("at")][-1] == "note"
