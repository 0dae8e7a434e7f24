"""A receipt as PDF, by mail, by text: it verifies wherever it is, and no outage loses it or holds up a choice."""

import json
import re
import tracemalloc
import zlib
from collections.abc import Sequence
from datetime import timedelta
from html import unescape
from io import BytesIO, StringIO
from pathlib import Path
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any, ClassVar, cast

import pytest
from cryptography.fernet import Fernet
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.mail.message import EmailMessage
from django.core.management import CommandError, call_command
from django.utils import timezone, translation
from pypdf import PdfReader, PdfWriter
from pytest_django import Settings

from accounts.actions.people import end_tenures
from accounts.actions.sms_outbox import enqueue_email
from accounts.models import Line, Message, OutgoingEmail
from accounts.primitives.sealing import unseal
from accounts.workers import email_outbox
from accounts.workers.email_outbox import Mail
from audit.models import AuditEvent
from consent.actions.choices import stop
from consent.actions.without_account import stop_all_by_line
from consent.domain.pdf_receipts import PageTexts, receipt_pdf
from consent.domain.receipt_check import LARGEST_FILE, DoesNotVerify, Fault, read_receipt_file
from consent.domain.typesetting import MISSING
from consent.models import Choice, ChoiceReceipt
from consent.queries.receipts import PartnerReceipt, ReceiptView
from partners.domain import keys
from tests.factories import a_campaign, a_contract, a_line, a_party, a_safe_contact, an_approval
from tests.fixtures import KEYS_SINCE
from tests.moments import A_MOMENT
from tests.people import PASSWORD, Browser, number_of, sign_in, signed_in, texts_to

pytestmark = pytest.mark.usefixtures("db", "no_broker")
MINUTE = timedelta(minutes=1)
LIMIT = "You've reached today's limit. You can download the receipt here."


def a_stop(line: Line, name: str = "RoadAid") -> Choice:
    campaign = a_campaign(a_contract(), a_party(name, "lbs_provider"))
    an_approval(line, campaign, at=timezone.now() - timedelta(days=90))
    uri = campaign.lbs_provider.uri
    made = stop(line_id=line.pk, scope="party", ref=uri, actor="subscriber:1", channel="web")
    return Choice.objects.get(id=made.choice_id)


def number_of_receipt(choice: Choice) -> str:
    return ChoiceReceipt.objects.get(choice_id=choice.id).number


def printed(browser: Browser, path: str) -> bytes:
    answer = browser.client.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    content = answer.content
    assert isinstance(content, bytes)
    return content


def verified(content: bytes, folder: Path) -> str:
    file, jwks, said = folder / "receipt.pdf", folder / "jwks.json", StringIO()
    file.write_bytes(content)
    jwks.write_text(json.dumps(keys.jwks(at=KEYS_SINCE + timedelta(days=1))))
    call_command("verify_receipt", str(file), jwks=jwks, stdout=said)
    return said.getvalue()


def words(content: bytes) -> str:
    """What it says, without the signs that only turn the direction."""
    said = " ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    return " ".join(re.sub("[\u2066-\u2069]", "", said).split())


def tags(element: Any) -> list[str]:
    """The kinds of a tagged PDF's parts, in the order in which they are read."""
    kids = element.get("/K", [])
    below = [kid.get_object() for kid in (kids if isinstance(kids, list) else [kids])]
    own = [str(element["/S"])] if "/S" in element else []
    return own + [tag for kid in below if isinstance(kid, dict) for tag in tags(kid)]


def fonts_of(pdf: PdfReader) -> list[tuple[str, bool]]:
    """Each font of the first page by its name; whether all that is drawn with it is in the file."""
    found, page = [], cast("Any", pdf.pages[0])
    for font in page["/Resources"]["/Font"].values():
        (drawn,) = font.get_object()["/DescendantFonts"]
        held = {"/FontFile2", "/FontFile3"} & {*drawn.get_object()["/FontDescriptor"].get_object()}
        found.append((str(font.get_object()["/BaseFont"]).split("+")[1], bool(held)))
    return sorted(found)


def test_the_pdf_says_it_in_words_and_verifies_offline(tmp_path: Path) -> None:
    line = a_line()
    choice = a_stop(line, "Café Việt 東 ཀ")
    content = printed(signed_in(line), f"/choices/{choice.id}/receipt.pdf")
    said = words(content)
    for part in ("You stopped Café Việt 東 ?", number_of_receipt(choice), "Made by a signed-in person", "1 / 1"):
        assert part in said
    assert number_of(line) not in said
    pdf = PdfReader(BytesIO(content))
    width, height = pdf.pages[0].mediabox.width, pdf.pages[0].mediabox.height
    assert (round(width), round(height)) == (595, 792)  # whole on A4 and on Letter
    assert pdf.xmp_metadata is not None
    assert pdf.xmp_metadata.dc_title == {"x-default": f"Receipt {number_of_receipt(choice)}"}
    assert "The receipt verifies." in verified(content, tmp_path)


@pytest.mark.parametrize(
    ("language", "lang", "parts", "fonts"),
    [
        ("en", "en", ("Receipt", "You stopped RoadAid", "Signed by your carrier"), {"FiraGO-Bold", "FiraGO-Regular"}),
        ("es", "es", ("Comprobante", "Usted detuvo a RoadAid"), {"FiraGO-Bold", "FiraGO-Regular"}),
        ("vi", "vi", ("Biên nhận", "Nhà mạng của quý vị đã ký"), {"FiraGO-Bold", "FiraGO-Regular"}),
        ("ar", "ar", ("إيصال", "RoadAid", "شركة"), {"FiraGO-Bold", "FiraGO-Regular"}),
        ("zh-hans", "zh-CN", ("回执", "RoadAid", "由您的运营商签名"), {"NotoSansSC-Regular-Identity-H"}),
    ],
)
def test_it_speaks_the_reader_s_language_aloud_too(
    language: str, lang: str, parts: tuple[str, ...], fonts: set[str], tmp_path: Path
) -> None:
    line = a_line()
    choice = a_stop(line)
    browser = signed_in(line)
    browser.client.cookies["django_language"] = language
    content = printed(browser, f"/choices/{choice.id}/receipt.pdf")
    said = words(content)
    assert [part for part in parts if part not in said] == []
    assert MISSING not in said
    # Print does without the vowel signs of Arabic: a screen reader would say a letter under one twice.
    assert re.findall("[\u064b-\u0652]", said) == []
    pdf = PdfReader(BytesIO(content))
    root = cast("Any", pdf.root_object)
    assert (str(root["/Lang"]), dict(root["/MarkInfo"])) == (lang, {"/Marked": True, "/Suspects": False})
    shown = {name: str(how) for name, how in root["/ViewerPreferences"].items()}
    assert shown == {"/DisplayDocTitle": "True", "/Direction": "/R2L" if language == "ar" else "/L2R"}
    read = tags(root["/StructTreeRoot"].get_object())
    assert [tag for tag in read if tag in {"/H1", "/H2", "/L", "/LI", "/Lbl", "/LBody"}] == (
        ["/H1", "/L", *["/LI", "/Lbl", "/LBody"] * 5, "/H2", "/H2", "/H2"]
    )
    used = fonts_of(pdf)
    assert {name for name, _held in used} == {*fonts, "CascadiaMono-Regular"}
    assert all(held for _name, held in used)
    assert "The receipt verifies." in verified(content, tmp_path)


def test_eight_partners_fit_on_one_page_and_more_take_numbered_pages() -> None:
    at = timezone.now()

    def sheets(language: str, partners: int) -> list[str]:
        names = [f"GeoBridge Location {n}" for n in range(partners)]
        signed = tuple(PartnerReceipt(one, "https://x.example", "completed", at, "x" * 900) for one in names)
        standing = [f"{one} signed that it deleted your data, and so did 2 companies it passed it to" for one in names]
        receipt = ReceiptView("WB-1234-5678", "e" * 1100, "(•••) •••-0142", signed, ())
        paper = PageTexts("You stopped all sharing", at, None, "Made by a signed-in person", "Pacific Time", standing)
        with translation.override(language):
            content = receipt_pdf(receipt=receipt, paper=paper, body={}, at=at)
        return [words(content), *(page.extract_text() for page in PdfReader(BytesIO(content)).pages)]

    for language in ("en", "es", "vi", "zh-hans", "ar"):
        said, *pages = sheets(language, 8)
        assert (len(pages), "0142" in said, "localhost" in said, "Location 7" in said) == (1, True, True, True)
    _, *pages = sheets("en", 40)
    assert [f"{n} / {len(pages)}" in page for n, page in enumerate(pages, 1)] == [True] * len(pages)
    assert len(pages) == 3


def test_what_no_lasting_file_may_hold_is_a_question_mark() -> None:
    now = timezone.now()
    receipt = ReceiptView(number="WB-AAAA-AA", token="a.b.c", phone="", partners=(), standing=())
    said = PageTexts(title="My \uf89e “Café” ½ ㏓", made_at=now, until=None, how="-", zone="UTC")
    assert "My ? “Café” ½ ? Receipt WB-AAAA-AA" in words(receipt_pdf(receipt=receipt, paper=said, body={}, at=now))


def test_behind_the_link_of_a_stop_it_names_nobody(tmp_path: Path) -> None:
    line = a_line()
    an_approval(line, a_campaign(), at=timezone.now() - timedelta(days=90))
    token = stop_all_by_line(line_id=line.pk, notice=None, at=timezone.now())
    content = printed(Browser(), f"/stop/progress/{token}/receipt.pdf")
    assert "All sharing was stopped" in words(content)
    assert '"scope": "all"' in verified(content, tmp_path)
    assert Browser().get("/stop/progress/none/receipt.pdf").status_code == 404


def test_pdf_that_holds_no_receipt_of_ours_does_not_verify(tmp_path: Path) -> None:
    for attached in ({}, {"receipt-WB-AAAA-AA.json": b'{"token": "a.b.c"}'}, {"other.json": b"{}"}):
        made, out = PdfWriter(), BytesIO()
        made.add_blank_page(100, 100)
        for name, held in attached.items():
            made.add_attachment(name, held)
        made.write(out)
        for content in (out.getvalue(), b"%PDF-1.7 and nothing more"):
            with pytest.raises(CommandError, match=r"^this receipt does not verify: [^\n]+$"):
                verified(content, tmp_path)


def test_no_file_makes_us_unpack_much_more_than_a_receipt_holds() -> None:
    packed = zlib.compress(b'{"token": "' + b"a" * 20_000_000 + b'"}', 9)
    attached = b"<</EmbeddedFiles<</Names[(receipt-A.json)<</Type/Filespec/EF<</F 2 0 R>>/F(receipt-A.json)>>]>>>>"
    file = (
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Names" + attached + b">>endobj\n2 0 obj<</Filter/FlateDecode/Length "
        + b"%d>>stream\n%s\nendstream endobj\ntrailer<</Root 1 0 R>>\nstartxref\n0\n%%%%EOF" % (len(packed), packed)
    )  # fmt: skip
    tracemalloc.start()
    with pytest.raises(DoesNotVerify) as refused:
        read_receipt_file(file)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (refused.value.fault, peak < 3 * LARGEST_FILE) == (Fault.NO_RECEIPT, True)


def test_what_is_unpacked_counts_against_the_limit_though_it_has_no_end() -> None:
    whole, endless = zlib.compress(b'{"token": "a.b.c"}'), zlib.compress(b"{" + b" " * LARGEST_FILE, 9)
    packer = zlib.compressobj()
    # Behind what is whole so far begins a block of a kind that there is none of.
    damaged = packer.compress(b'{"token": "') + packer.flush(zlib.Z_SYNC_FLUSH) + b"\x07"
    assert read_receipt_file(b"%%PDF-1.7\nstream\n%s\nendstream" % whole) == {"token": "a.b.c"}
    for first in (endless, damaged):
        with pytest.raises(DoesNotVerify) as refused:
            read_receipt_file(b"%%PDF-1.7\nstream\n%s\nendstream\nstream\n%s\nendstream" % (first, whole))
        assert refused.value.fault == Fault.NO_RECEIPT


# Django takes them for addresses.
NO_MAIL_CAN_NAME = ('"a\x0bb"@example.net', "ana@\u3002example.net", f"ana@{'ä' * 60}.net")


class Away(EmailBackend):
    """A mail server that raises what it is told to, until it is told otherwise."""

    raises: ClassVar[list[Exception]] = []

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        if self.raises:
            raise self.raises[0]
        return super().send_messages(messages)


@pytest.fixture
def away(settings: Settings) -> type[Away]:
    settings.MAILERS = {"default": {"BACKEND": "tests.consent.test_receipt_copies.Away"}}
    Away.raises = [SMTPServerDisconnected("gone")]
    return Away


def test_it_is_mailed_with_both_files_when_server_is_back(away: type[Away], tmp_path: Path) -> None:
    line = a_line()
    choice, browser, now = a_stop(line), signed_in(line), timezone.now()
    page = browser.post(f"/choices/{choice.id}/receipt/mail/", {"to": "ana@example.net"}, follow=True)
    assert "We are sending it to ana@example.net." in page.text
    assert email_outbox.deliver(now=now + MINUTE) == 0
    letter = OutgoingEmail.objects.get()
    assert (unseal(letter.to_sealed), letter.tries) == ("ana@example.net", 1)
    # It waits twice as long each time.
    assert email_outbox.deliver(now=now + 2 * MINUTE) == 0
    away.raises = []
    assert email_outbox.deliver(now=now + 4 * MINUTE - A_MOMENT) == 0
    assert email_outbox.deliver(now=now + 4 * MINUTE) == 1
    (sent,) = mail.outbox
    number = number_of_receipt(choice)
    assert (sent.to, sent.subject) == (["ana@example.net"], f"Your receipt {number}")
    for secret in ("RoadAid", number_of(line)):
        assert secret not in f"{sent.subject} {sent.body}"
    files = {name: content for name, content, _type in sent.attachments}
    assert sorted(files) == [f"receipt-{number}.json", f"receipt-{number}.pdf"]
    assert "The receipt verifies." in verified(bytes(files[f"receipt-{number}.pdf"]), tmp_path)
    letter.refresh_from_db()
    assert (bytes(letter.to_sealed), bytes(letter.body_sealed)) == (b"", b"")
    event = AuditEvent.objects.get(line_id=line.pk, action="receipt.mailed")
    assert "example.net" not in f"{event.target} {event.reason} {event.detail}"
    email_outbox.deliver(now=now + timedelta(days=4))
    assert not OutgoingEmail.objects.exists()


def test_mail_server_that_is_away_is_asked_three_times_a_run(away: type[Away]) -> None:
    line, now = a_line(), timezone.now()
    for n in range(6):
        enqueue_email(line_id=line.pk, to=f"{n}@example.net", mail=Mail("Receipt", "Here."), at=now)
    # A run that lasts its eight seconds begins no other mail.
    email_outbox.deliver(now=now + MINUTE, clock=iter((0.0, 7.9, 8.0)).__next__)
    assert sorted(OutgoingEmail.objects.values_list("tries", flat=True)) == [0, 0, 0, 0, 0, 1]
    email_outbox.deliver(now=now + MINUTE)
    assert sorted(OutgoingEmail.objects.values_list("tries", flat=True)) == [0, 0, 1, 1, 1, 1]


def test_what_mail_server_refuses_for_good_is_not_tried_again(away: type[Away]) -> None:
    line = a_line()
    choice, browser, now = a_stop(line), signed_in(line), timezone.now()
    browser.post(f"/choices/{choice.id}/receipt/mail/", {"to": "nobody@example.net"})
    away.raises = [SMTPRecipientsRefused({"nobody@example.net": (450, b"later")})]
    assert email_outbox.deliver(now=now + MINUTE) == 0
    away.raises = [SMTPRecipientsRefused({"nobody@example.net": (500, b"no such user")})]
    assert email_outbox.deliver(now=now + 3 * MINUTE) == 1
    assert mail.outbox == []
    assert OutgoingEmail.objects.get().taken_at is not None


def test_a_mail_that_no_server_or_no_key_takes_keeps_no_other_waiting(settings: Settings) -> None:
    line, now, keys = a_line(), timezone.now(), settings.FIELD_ENCRYPTION_KEYS
    enqueue_email(line_id=line.pk, to=NO_MAIL_CAN_NAME[0], mail=Mail("Receipt", "Here."), at=now)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *keys]
    newer = settings.FIELD_ENCRYPTION_KEYS
    for n in range(3):
        enqueue_email(line_id=line.pk, to=f"newer-{n}@example.net", mail=Mail("Receipt", "Here."), at=now)
    settings.FIELD_ENCRYPTION_KEYS = keys
    enqueue_email(line_id=line.pk, to="ana@example.net", mail=Mail("Receipt", "Here."), at=now + A_MOMENT)
    assert email_outbox.deliver(now=now + MINUTE) == 2
    assert [one.to for one in mail.outbox] == [["ana@example.net"]]
    settings.FIELD_ENCRYPTION_KEYS = newer
    assert email_outbox.deliver(now=now + 2 * MINUTE) == 3


def test_nobody_floods_mailbox_and_what_is_no_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.actions.sms_outbox.LETTERS_A_DAY", 2)
    line = a_line()
    choice, browser = a_stop(line), signed_in(line)
    path = f"/choices/{choice.id}/receipt/mail/"
    for typed in ("no address", *NO_MAIL_CAN_NAME):
        page = browser.post(path, {"to": typed})
        assert (page.status_code, "Enter a valid email address" in page.text) == (400, True)
    pages = [browser.post(path, {"to": "ana@example.net"}, follow=True).text for _ in range(3)]
    assert [LIMIT in unescape(page) for page in pages] == [False, False, True]
    assert OutgoingEmail.objects.count() == 2


def test_a_text_has_the_link_and_says_nothing() -> None:
    line = a_line()
    choice, browser = a_stop(line), sign_in(line)
    browser.post(f"/choices/{choice.id}/receipt/text/")
    (message,) = Message.objects.filter(kind=Message.Kind.RECEIPT)
    assert unseal(message.words_sealed) == (
        f"here is the page you asked for. Sign in to read it: http://localhost:8000/choices/{choice.id}/receipt/"
    )
    assert unseal(message.to_sealed) == number_of(line)
    assert AuditEvent.objects.get(line_id=line.pk, action="receipt.texted").target == f"line:{line.pk}"
    pages = [browser.post(f"/choices/{choice.id}/receipt/text/", follow=True).text for _ in range(5)]
    assert [LIMIT in unescape(page) for page in pages] == [False] * 4 + [True]
    assert texts_to(number_of(line))[-1].text.startswith("localhost:")


def test_another_s_receipt_is_not_there() -> None:
    choice, stranger = a_stop(a_line()), signed_in(a_line())
    path = f"/choices/{choice.id}/receipt"
    assert stranger.get(f"{path}.pdf").status_code == 404
    for how in ("mail", "text"):
        assert stranger.post(f"{path}/{how}/", {"to": "ana@example.net"}).status_code == 404
    assert not OutgoingEmail.objects.exists()


def test_it_goes_to_the_phone() -> None:
    line, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    choice, browser = a_stop(line), signed_in(line)
    a_safe_contact(line, msisdn="+14155550123", at=timezone.now() - timedelta(days=2))
    browser.post(f"/choices/{choice.id}/receipt/text/")
    # That of a child's line too: to the phone that signed in, not to the child's.
    browser.post(f"/choices/{a_stop(child).id}/receipt/text/")
    sent = Message.objects.filter(kind=Message.Kind.RECEIPT)
    assert [unseal(message.to_sealed) for message in sent] == [number_of(line)] * 2


def test_line_that_ended_gets_no_text_and_is_offered_none() -> None:
    line = a_line()
    choice, browser, at = a_stop(line), Browser(), timezone.now()
    signed_in(line)
    number = number_of(line)
    line.numbers.update(ends_at=at)
    Line.objects.filter(pk=line.pk).update(deactivated_at=at)
    end_tenures(line_ids=[line.pk], at=at)
    browser.post("/accounts/login/ended/", {"number": number, "password": PASSWORD})
    page = browser.get(f"/choices/{choice.id}/receipt/").text
    assert [words in page for words in ("E-mail the receipt", "Text me a link")] == [True, False]
    assert browser.post(f"/choices/{choice.id}/receipt/text/").status_code == 404
    assert not Message.objects.filter(kind=Message.Kind.RECEIPT).exists()
