"""What staff write in cases: drafts, answers that may be taken back, notes, answers written often, files."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from cryptography.fernet import Fernet
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts.models import Message
from audit.models import AuditEvent
from support.actions import writing
from support.models import Attachment, Draft, Entry, SavedReply, Ticket
from support.policies.lifecycle import NotNow
from support.policies.reply_variables import BadVariable, fill_variables
from support.queries.writing import desk_of
from support.workers import sending
from tests.factories import a_line
from tests.moments import ends_at
from tests.people import Browser, signed_in
from tests.support.desk import a_ticket, asks
from tests.support.officers import Member, staff, words

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
    with pytest.raises(NotNow, match=r"Your answer is about to be sent. Take it back to change it."):
        writing.keep_draft(code=ticket.code, kind=Entry.Kind.ANSWER, body="And more.", actor=ana.actor, at=now)
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
    other = asks(person, message="And who is that?")
    for one in (ticket, other):
        send(ana, one, "Zebrafinch")
    now = timezone.now()
    # The database refuses an entry that says nothing.
    Draft.objects.filter(ticket=ticket).update(body="", send_at=now)
    with capture_logs() as logs, CaptureQueriesContext(connection) as asked:
        assert sending.send(now=now + SOON) == 1
    assert list(Entry.objects.filter(kind="answer").values_list("ticket", flat=True)) == [other.pk]
    stuck = Draft.objects.get().pk
    broke = {"event": "row_broke", "job": "support.answers", "row": str(stuck), "exc_info": True, "log_level": "error"}
    assert [one for one in logs if one["event"] == "row_broke"] == [broke]
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
    empty = ana.client.post(f"/desk/{ticket.code}/note/", {"body": "\u3164"})
    assert (empty.status_code, "Write the note.</" in empty.content.decode()) == (400, True)
    assert ana.client.post(f"/desk/{ticket.code}/note/", {"body": "Zebrafinch"}).status_code == 302
    assert "Zebrafinch" in page(ana, ticket)
    assert "Zebrafinch" not in person.get(f"/help/{ticket.code}/").text
    ticket.refresh_from_db()
    assert ticket.state == State.OPEN
    assert Message.objects.filter(kind="case").count() == 0


def test_what_can_t_be_sent_says_why_and_stays(ana: Member, ticket: Ticket) -> None:
    for body, wrong in (
        (
            "Hi {compny}",
            "We can't fill in {compny}. Use one of these, or take it out: {company}, {code}, {due}, {link}.",
        ),
        (
            "{compny} {company}",
            (
                "We can't fill in {compny}. Use one of these, or take it out: {company}, {code}, {due}, {link}."
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
            shown = (answer.status_code, wrong in unescape(said), f"{body}</textarea>" in said)
            assert shown == (400, True, True), (door, wrong)
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
    assert "files" not in preview
    upload = SimpleUploadedFile("proof.txt", b"What they sent", content_type="text/plain")
    said = {"body": reply.body, "then": "waiting", "uploads": upload}
    with_file = ana.client.post(f"{path}preview/", said).content.decode()
    preview = with_file.partition('class="preview"')[2].partition("</section>")[0]
    assert '<li><bdi>proof.txt</bdi> <span class="soft small">14\xa0bytes</span></li>' in preview
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
    assert "We can&#x27;t fill in {nmae}." in bad.content.decode()
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
    for number, said in ((reply.pk, "Restored."), (0, "There is no such answer.")):
        answer = officer.client.post(f"/desk/replies/{number}/retire/", {"how": "restore"}, follow=True)
        assert said in answer.text
    assert AuditEvent.objects.filter(action__startswith="reply.", actor=officer.actor).count() == 4


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
    assert (answer.status_code, "”, or take it out." in answer.text.partition("Fill in “[")[2]) == (400, True)
    assert not Draft.objects.exists()
    send(ana, ticket, re.sub(r"\[.*?\]", "your carrier [the old one]", body))


def test_a_dispute_that_no_choice_opened_is_read_without_one(person: Browser, ticket: Ticket) -> None:
    theirs = a_ticket(kind="dispute", key="demo:7", line_id=ticket.line_id, asked_by=ticket.asked_by)
    answer = person.client.get(f"/help/{theirs.code}/")
    assert answer.status_code == 200
    assert "I never agreed" in (read := words(answer.content.decode()))
    assert "Our questions to the companies" not in read


def test_an_answer_to_an_address_that_no_key_here_opens_yet_stops_no_other(
    ana: Member, ticket: Ticket, person: Browser, settings: Settings
) -> None:
    keys = settings.FIELD_ENCRYPTION_KEYS
    newer = settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *keys]
    mailed = asks(person, message="Write to me", mail="ana@example.net")
    settings.FIELD_ENCRYPTION_KEYS = keys
    for one in (mailed, ticket):
        send(ana, one, "Zebrafinch")
    now = timezone.now()
    assert (sending.send(now=now + SOON), Draft.objects.get().ticket) == (1, mailed)
    settings.FIELD_ENCRYPTION_KEYS = newer
    assert (sending.send(now=now + SOON), Draft.objects.count()) == (1, 0)
