"""Mail that came in: signed, fresh, once; into the case whose token it has, else into one that is about nobody."""

import hmac
import json
import time
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import OutgoingEmail
from accounts.primitives.sealing import unseal
from audit.models import AuditEvent
from support.actions import incoming as actions
from support.actions.queue import merge
from support.models import LONGEST, Attachment, Entry, Ticket
from support.policies.lifecycle import NotNow
from support.primitives.tokens import READ, reply_address, token_of
from tests.factories import a_line
from tests.people import Browser, signed_in
from tests.support.desk import PNG, answered, asks
from tests.support.officers import staff

pytestmark = pytest.mark.usefixtures("db", "no_broker", "attachments")
SECRET, OLDER = "m" * 32, "o" * 32
State = Ticket.State


@pytest.fixture(autouse=True)
def _mail_comes_in(settings: Settings) -> None:
    settings.MAIL_INBOUND_SECRETS = [SECRET, OLDER]
    settings.MAIL_REPLY_ADDRESS = "help@mail.example"


def signed(body: bytes, *, secret: str = SECRET, ago: int = 0) -> str:
    at = int(time.time()) - ago
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, sha256).hexdigest()}"


def post(said: dict[str, object], **how: object) -> int:
    body = json.dumps(said).encode()
    secret, ago = str(how.get("secret", SECRET)), int(str(how.get("ago", 0)))
    headers = {"X-Mail-Signature": signed(body, secret=secret, ago=ago)}
    return Client().post("/api/v1/mail", body, "application/json", headers=headers).status_code


def a_mail(to: str = "help@mail.example", text: str = "Thank you.", **more: Any) -> dict[str, object]:
    mail = {"to": to, "from": "Me <Me@Example.net>", "subject": "Re: your case", "text": text}
    return {**mail, "message_id": f"<{time.monotonic_ns()}@example.net>", **more}


@pytest.fixture
def ticket(db: None) -> Ticket:
    return asks(signed_in(a_line()))


def heard(ticket: Ticket) -> list[str]:
    rows = Entry.objects.filter(ticket=ticket, channel="mail").order_by("id")
    assert {row.kind for row in rows} <= {"heard"}
    return [row.body for row in rows]


def test_the_door_opens_to_what_is_signed_and_fresh_alone(settings: Settings) -> None:
    assert post(a_mail()) == 202
    assert post(a_mail(), secret=OLDER) == 202
    assert post(a_mail(), secret="x" * 32) == 401
    assert post(a_mail(), ago=301) == 401
    assert post({"to": "x"}) == 400
    settings.MAIL_INBOUND_SECRETS = []
    assert post(a_mail()) == 404


def test_a_reply_goes_into_its_case_and_reopens_it(ticket: Ticket) -> None:
    answered(ticket)
    text = "It is still on.\r\n\r\nMe\r\nOn Mon, Nov 23, 2026 at 9:10 Whereabouts wrote:\r\n> We answered\r\n> more"
    mail = a_mail(f"Whereabouts <{reply_address(code=ticket.code)}>", text)
    assert [post(mail), post(mail)] == [202, 202]
    assert heard(ticket) == ["It is still on.\n\nMe"]
    ticket.refresh_from_db()
    assert (ticket.state, ticket.reopened) == (State.OPEN, 1)
    event = AuditEvent.objects.get(action="ticket.heard")
    assert (event.actor, event.line_id, event.detail) == ("mail:reply", ticket.line_id, {})


def test_of_a_long_mail_a_case_keeps_the_beginning(ticket: Ticket) -> None:
    long = "".join(str(n % 10) for n in range(LONGEST + 1))
    assert [post(a_mail(to, long)) for to in (reply_address(code=ticket.code), "help@mail.example")] == [202, 202]
    assert heard(ticket) == [long[:LONGEST]]
    assert heard(Ticket.objects.exclude(pk=ticket.pk).get()) == [f"Re: your case\n\n{long}"[:LONGEST]]


def test_a_foreign_token_opens_and_tells_nothing(ticket: Ticket) -> None:
    name, _, host = reply_address(code=ticket.code).partition("@")
    for token in (
        name[:-1] + ("a" if name[-1] != "a" else "b"),
        "help+x",
        f"help+{token_of(code=ticket.code, purpose=READ)}",
    ):
        assert post(a_mail(f"{token}@{host}")) == 202
    assert heard(ticket) == []
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize(
    "more",
    [
        {"auto_submitted": "auto-replied"},
        {"auto_submitted": "Auto-Generated; type=x"},
        {"from": "help@mail.example"},
        {"from": "help+anything@mail.example"},
        {"from": "Whereabouts <no-reply@localhost>"},
        {"from": "nobody"},
        {"from": "a@b.example, c@d.example"},
    ],
)
def test_what_a_program_or_we_ourselves_sent_is_dropped(ticket: Ticket, more: dict[str, str]) -> None:
    assert post(a_mail(reply_address(code=ticket.code), **more)) == 202
    assert post(a_mail(**more)) == 202
    assert heard(ticket) == []
    assert Ticket.objects.count() == 1


def test_so_many_an_hour_and_no_more(ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(12):
        post(a_mail(reply_address(code=ticket.code), f"No. {n}"))
    assert len(heard(ticket)) == actions.INTO_ONE
    for _ in range(7):
        post(a_mail())
    assert Ticket.objects.filter(key__startswith="mail:").count() == actions.FROM_ONE
    monkeypatch.setattr(actions, "FROM_ALL", actions.FROM_ONE + 1)
    for n in range(2):
        post(a_mail(**{"from": f"another{n}@example.org"}))
    assert Ticket.objects.filter(key__startswith="mail:").count() == actions.FROM_ONE + 1


def test_a_mail_from_strangers_makes_a_case_of_no_line(ticket: Ticket) -> None:
    post(a_mail(text="I am +12065550101. Where was my wife?", subject="Hello\r\nBcc: x"))
    mine = Ticket.objects.get(key__startswith="mail:")
    assert (mine.kind, mine.line_id, mine.asked_by, mine.about, mine.number_ending) == (
        "other", None, None, "Something else", "",
    )  # fmt: skip
    assert "example.net" not in mine.key
    assert heard(mine) == ["Hello Bcc: x\n\nI am +12065550101. Where was my wife?"]
    answered(mine, "We can't tell from a mail whose phone it is.")
    letter = OutgoingEmail.objects.get(line=None)
    assert unseal(letter.to_sealed) == "me@example.net"
    body = json.loads(unseal(letter.body_sealed))
    assert body["reply_to"] == reply_address(code=mine.code)
    assert body["subject"] == f"Our answer to your case {mine.code}"
    path = f"/help/mail/{token_of(code=mine.code, purpose=READ)}/"
    assert body["text"] == (
        "We answered your message. To keep it private, our answer isn't in this e-mail.\n\n"
        f"To read our answer: http://localhost:8000{path}\n\n"
        "To write to us again, reply to this e-mail. We'll add your reply to your case.\n\n"
        "localhost\nQuestions? Call us at the number on your bill.\n"
    )
    page = Browser().get(path)
    assert (page.status_code, "We can&#x27;t tell from a mail" in page.text) == (200, True)
    for code in (ticket.code, "T-ZZZZZZ"):
        assert Browser().get(f"/help/mail/{token_of(code=code, purpose=READ)}/").status_code == 404
    token = path.split("/")[3]
    other = token[:-1] + ("a" if token[-1] != "a" else "b")
    assert Browser().get(f"/help/mail/{other}/").status_code == 404
    assert Browser().get(f"/help/{mine.code}/").url.startswith("/accounts/login/")


def test_hostile_text_is_harmless(ticket: Ticket) -> None:
    browser = sign_in_of(ticket)
    hostile = "\x00<script>alert(1)</script> \u202egnp.exe\x1b[31m {{ 7*7 }} {link}"
    post(a_mail(reply_address(code=ticket.code), hostile))
    assert heard(ticket) == ["<script>alert(1)</script> gnp.exe[31m {{ 7*7 }} {link}"]
    page = browser.get(f"/help/{ticket.code}/").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def sign_in_of(ticket: Ticket) -> Browser:
    assert ticket.asked_by is not None
    return signed_in(ticket.asked_by.line_users.get().line)


def test_files_of_a_mail_are_looked_at_like_all_others(ticket: Ticket) -> None:
    given = [("a.png", PNG), ("b.exe", b"MZ\x90\x00"), ("cut.png", PNG[:-1])]
    attachments = [{"name": name, "content": b64encode(content).decode()} for name, content in given]
    post(a_mail(reply_address(code=ticket.code), attachments=attachments))
    (row,) = Attachment.objects.filter(ticket=ticket)
    assert (row.name, row.scan, row.entry is not None) == ("a.png", "waiting", True)
    said = "2 of the mail's files were not taken: too many, too large, damaged, or no kind of ours."
    assert Entry.objects.get(ticket=ticket, kind="event").body == said


def test_after_thirty_days_a_mail_is_a_new_case(ticket: Ticket) -> None:
    then = timezone.now() - timedelta(days=31)
    Ticket.objects.filter(pk=ticket.pk).update(state=State.SOLVED, solved_at=then)
    post(a_mail(reply_address(code=ticket.code), "Late"))
    assert heard(ticket) == []
    assert Ticket.objects.get(key__startswith="mail:").line_id is None


@pytest.mark.parametrize("sender", ["MAILER-DAEMON@mx.example", "Postmaster <postmaster@mx.example>"])
def test_a_mail_server_s_own_word_goes_into_no_case(ticket: Ticket, sender: str) -> None:
    assert post(a_mail(reply_address(code=ticket.code), **{"from": sender})) == 202
    assert post(a_mail(**{"from": sender})) == 202
    assert heard(ticket) == []
    assert Ticket.objects.count() == 1


def test_mails_of_one_sender_become_one_case() -> None:
    ana, at = staff("agent", name="ana"), timezone.now()
    post(a_mail(text="First"))
    post(a_mail(text="Second"))
    post(a_mail(text="Theirs", **{"from": "her@example.net"}))
    first, second, theirs = Ticket.objects.order_by("id")
    with pytest.raises(NotNow, match="They aren't from the same person"):
        merge(code=theirs.code, into=second.code, actor=ana.actor, at=at)
    with pytest.raises(IntegrityError, match="somebody else"), transaction.atomic():
        Ticket.objects.filter(pk=theirs.pk).update(state="merged", merged_into=second)
    merge(code=first.code, into=second.code, actor=ana.actor, at=at)
    answered(second, "Both answered.")
    # Both links, and both addresses, lead to the one that goes on.
    for code in (first.code, second.code):
        page = Browser().get(f"/help/mail/{token_of(code=code, purpose=READ)}/").text
        assert [words in page for words in ("First", "Second", "Both answered.", "Theirs")] == [True, True, True, False]
    post(a_mail(reply_address(code=first.code), "Thanks"))
    assert heard(second)[-1] == "Thanks"
    assert Ticket.objects.get(pk=second.pk).state == State.OPEN


def test_mail_to_a_twice_merged_case_follows_it(ticket: Ticket) -> None:
    browser, ana = sign_in_of(ticket), staff("agent", name="ana")
    second, third = (asks(browser, message=f"Who is this? {n}") for n in range(2))
    for one, into in ((ticket, second), (second, third)):
        merge(code=one.code, into=into.code, actor=ana.actor, at=timezone.now())
    post(a_mail(reply_address(code=ticket.code), "Where is it?"))
    assert heard(third) == ["Where is it?"]
    assert Ticket.objects.count() == 3
    # Their own page has all of it, the words of the cases that ended too.
    page = browser.get(f"/help/{ticket.code}/").text
    assert page.count("Who is this?") == 3


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe", b"[]", b'{"to": "\\ud800"}', b"null", b""],
    ids=["no UTF-8", "a list", "half a letter", "null", "nothing"],
)
def test_what_is_no_mail_is_refused_and_nothing_falls_over(body: bytes) -> None:
    headers = {"X-Mail-Signature": signed(body)}
    assert Client().post("/api/v1/mail", body, "application/json", headers=headers).status_code == 400


def test_nothing_and_nul_are_words_of_no_harm(ticket: Ticket) -> None:
    mail = a_mail(reply_address(code=ticket.code), "\x00", subject="\x00", message_id="<\x00@example.net>")
    assert [post(mail), post(mail)] == [202, 202]
    assert heard(ticket) == ["(no text)"]
