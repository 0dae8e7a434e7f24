"""Texts from phones: STOP LOCATION stops, from our own network at once; STOP is about texts, and says so."""

import hmac
import json
from datetime import timedelta
from hashlib import sha256

import pytest
import time_machine
from django.db.models import F
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import Line, LineTexts, Message, NewPassword, SafeContact, TextedCode, TextTaken
from accounts.workers import sms_delivery
from audit.models import AuditEvent
from consent.domain.change_notices import TextCommand
from consent.models import Choice, LineGate
from consent.schemas.texts import ParsedText, parse_text
from tests.consent.claiming import a_partner, asked, text_now
from tests.factories import a_campaign, a_line, a_safe_contact, an_approval
from tests.people import Browser, asked_for_new_password, newest_text, number_of, signed_in, texts_to

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
SECRET, OLDER = "s" * 32, "o" * 40
STRANGER = "+13605550199"
TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def _secrets(settings: Settings) -> None:
    settings.SMS_INBOUND_SECRETS = [SECRET, OLDER]


@pytest.fixture
def line(committed_db: None) -> Line:
    line = a_line()
    an_approval(line, a_campaign())
    return line


def body(msisdn: str, text: str, *, on_network: bool = True, text_id: str = "m-1") -> bytes:
    return json.dumps({"id": text_id, "from": msisdn, "text": text, "on_network": on_network}).encode()


def post(raw: bytes, *, secret: str = SECRET, at: float | None = None, signed: bytes | None = None) -> HttpResponse:
    moment = int(timezone.now().timestamp() if at is None else at)
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + (raw if signed is None else signed), sha256).hexdigest()
    answer = Client().post(
        "/api/v1/texts", raw, content_type="application/json", headers={"X-Text-Signature": f"t={moment},v1={mac}"}
    )
    assert isinstance(answer, HttpResponse)
    return answer


def texted(line: Line, text: str, *, on_network: bool = True, text_id: str = "") -> None:
    raw = body(number_of(line), text, on_network=on_network, text_id=text_id or f"m-{timezone.now().timestamp()}")
    answer = post(raw)
    assert (answer.status_code, answer.content) == (202, b"")


def stops() -> list[tuple[str, str, str, str]]:
    return list(Choice.objects.filter(kind="stop").values_list("scope", "actor", "channel", "origin"))


STOPS = (
    "STOP LOCATION", "stop location.", "  Stop   Location! ", "StopLocation", "ALTO UBICACIÓN", "parar ubicacion",
    "Detener ubicación", "STOP UBICACION",
)  # fmt: skip


def test_stop_location_from_our_own_network_stops_at_once(line: Line) -> None:
    for words in STOPS[1:]:
        assert parse_text(text=words) == ParsedText(TextCommand.STOP_LOCATION), words
    texted(line, STOPS[0])
    assert stops() == [("all", f"line:{line.pk}", "text", "person")]
    assert list(LineGate.objects.get(pk=line.pk).stops) == ["all"]
    (text,) = texts_to(number_of(line))
    assert "all sharing of this phone's location is now off" in text.text
    assert "sign in: http" in text.text


def test_the_phone_is_answered_and_the_safe_contact_reads_no_choice(line: Line) -> None:
    safe = "+13605550198"
    a_safe_contact(line, msisdn=safe, at=timezone.now() - timedelta(days=2))
    texted(line, "STOP LOCATION")
    assert ["is now off" in text.text for text in texts_to(number_of(line))] == [True]
    assert [text.text for text in texts_to(safe)] == [
        (
            "localhost: About your other phone line: the change you made for this phone's location is in force. If it "
            "wasn't you, sign in and check: http://localhost:8000/home/"
        )
    ]


def test_from_elsewhere_it_stops_with_code_that_went_to_line(line: Line) -> None:
    texted(line, "STOP LOCATION", on_network=False)
    assert stops() == []
    (text,) = texts_to(number_of(line))
    assert f"reply: STOP LOCATION {text.code}" in text.text
    wrong = "".join(str((int(digit) + 1) % 10) for digit in text.code)
    texted(line, f"STOP LOCATION {wrong}", on_network=False)
    assert stops() == []
    texted(line, f"stop location {text.code[:3]} {text.code[3:]}", on_network=False)
    assert stops() == [("all", f"line:{line.pk}", "text", "person")]
    assert "is now off" in newest_text(number_of(line)).text


def test_wrong_codes_of_a_stranger_keep_nobody_from_stopping(line: Line) -> None:
    for n in range(30):
        texted(line, "STOP LOCATION 0000000000", on_network=False, text_id=f"guess-{n}")
    assert stops() == []
    code = newest_text(number_of(line)).code
    assert len(code) == 10
    texted(line, f"STOP LOCATION {code}", on_network=False)
    assert stops() == [("all", f"line:{line.pk}", "text", "person")]


def test_code_that_browser_asked_for_works_at_its_door(line: Line) -> None:
    browser, number = Browser(), number_of(line)
    browser.post("/stop/", {"number": number})
    texted(line, f"STOP LOCATION {newest_text(number).code}", on_network=False)
    assert stops() == []


def test_where_news_goes_elsewhere_its_end_is_told_there(line: Line) -> None:
    elsewhere = "+13605550177"
    a_safe_contact(line, msisdn=elsewhere, at=timezone.now() - timedelta(days=3))
    for _ in range(2):
        texted(line, "STOP")
    told = (
        "localhost: About your other phone line: someone turned off alerts about this phone's location. Not you? Turn "
        "them on again: http://localhost:8000/settings/"
    )
    assert [text.text for text in texts_to(elsewhere)] == [told]
    # On the page of settings, of any one kind.
    browser, kinds = signed_in(line), ("news", "reminders", "changes", "signed", "late", "asked")
    MemoryBackend.outbox.clear()
    for _ in range(2):
        browser.post("/settings/texts/", dict.fromkeys(kinds, "on"))
    browser.post("/settings/texts/", dict.fromkeys((*kinds, "confirmations", "yearly"), "on"))
    sms_delivery.deliver(now=timezone.now() + TEN_MINUTES)
    assert [text.text for text in texts_to(elsewhere)] == [told]
    assert not [text for text in texts_to(number_of(line)) if "someone turned off" in text.text]


def test_alerts_that_go_off_and_on_flood_nobody_and_their_last_end_is_told(line: Line) -> None:
    elsewhere, now = "+13605550177", timezone.now()
    a_safe_contact(line, msisdn=elsewhere, at=now - timedelta(days=3))

    def told() -> int:
        return sum("someone turned off alerts" in text.text for text in texts_to(elsewhere))

    for n in range(5):
        texted(line, "STOP", text_id=f"off-{n}")
        texted(line, "START", text_id=f"on-{n}")
    assert told() == 1
    sms_delivery.deliver(now=now + TEN_MINUTES - timedelta(seconds=1))
    assert told() == 1
    sms_delivery.deliver(now=timezone.now() + TEN_MINUTES)
    assert told() == 2
    # Another number has heard of none of it.
    SafeContact.objects.filter(line=line).update(ended_at=timezone.now())
    a_safe_contact(line, msisdn="+13605550178", at=now - timedelta(days=2))
    texted(line, "STOP", text_id="off-at-last")
    assert ["someone turned off alerts" in text.text for text in texts_to("+13605550178")] == [True]


def test_bare_stop_is_about_texts(line: Line) -> None:
    for words in ("stop.", "Unsubscribe", "END", "BAJA", "Quit", "Opt out", "OPT-OUT", "STOP ALL"):
        assert parse_text(text=words).wish == parse_text(text="STOP").wish != TextCommand.HELP, words
    texted(line, "STOP")
    assert stops() == []
    (text,) = texts_to(number_of(line))
    assert "This does NOT stop sharing of this phone's location." in text.text
    assert LineTexts.objects.get().line_id == line.pk
    assert AuditEvent.objects.filter(line_id=line.pk, action="line.texts_off").count() == 1
    # The phone itself turns news off however often it was answered.
    texted(line, "START")
    for _ in range(6):
        texted(line, "HELP")
    texted(line, "STOP")
    assert LineTexts.objects.filter(line=line).count() == 1


def test_after_stop_only_codes_and_answers_still_come(line: Line) -> None:
    texted(line, "STOP")
    partner = a_partner()
    partner.one(partner.claim(msisdn=number_of(line)))
    assert text_now() == 0
    browser, number = Browser(), number_of(line)
    browser.post("/stop/", {"number": number})
    code = newest_text(number).code
    assert code
    browser.post("/stop/code/", {"code": code})
    browser.post("/stop/all/", {"stop-all": "1"})
    assert newest_text(number).code == code
    texted(line, "STOP LOCATION")
    assert "is now off" in newest_text(number).text
    assert asked(number) == []


def test_start_brings_news_back(line: Line) -> None:
    texted(line, "STOP")
    texted(line, "START")
    assert "you'll get alerts by text again" in newest_text(number_of(line)).text
    partner = a_partner()
    partner.one(partner.claim(msisdn=number_of(line)))
    assert text_now() == 1
    texted(line, "START")
    assert AuditEvent.objects.filter(line_id=line.pk, action="line.texts_on").count() == 1


def test_a_made_up_sender_turns_nothing_off_unnoticed(line: Line) -> None:
    """Six answers went out within the hour, so that this one would not be answered."""
    for _ in range(6):
        texted(line, "HELP", on_network=False)
    texted(line, "STOP", on_network=False)
    assert LineTexts.objects.count() == 0
    Message.objects.update(made_at=timezone.now() - timedelta(hours=1, seconds=1))
    texted(line, "STOP", on_network=False)
    assert LineTexts.objects.count() == 1
    assert "alerts by text are now off" in newest_text(number_of(line)).text


def test_everything_else_is_answered_with_what_there_is_to_say(line: Line) -> None:
    for words in ("AYUDA", "", "STOP IT", "LOCATION", "YES", "🙂"):
        assert parse_text(text=words).wish == TextCommand.HELP, words
    for words in ("HELP", "what is this?", "NO"):
        MemoryBackend.outbox.clear()
        texted(line, words)
        (text,) = texts_to(number_of(line))
        assert "reply STOP LOCATION or go to http" in text.text
        assert (stops(), LineTexts.objects.count()) == ([], 0)


def test_the_answers_are_in_the_line_s_language(line: Line) -> None:
    Line.objects.filter(pk=line.pk).update(language="es-MX")
    texted(line, "BAJA")
    assert "Para detenerlo, responda ALTO UBICACION." in newest_text(number_of(line)).text


def test_two_machines_that_answer_each_other_come_to_an_end(line: Line) -> None:
    for _ in range(12):
        texted(line, "I am away until Monday")
    assert len(texts_to(number_of(line))) == 6
    Message.objects.update(made_at=timezone.now() - timedelta(hours=1, seconds=1))
    texted(line, "HELP")
    assert len(texts_to(number_of(line))) == 7


def test_no_ends_the_password_wait_on_our_network_alone(line: Line) -> None:
    signed_in(line)
    asked_for_new_password(line)
    texted(line, "NO", on_network=False)
    assert NewPassword.objects.get().cancelled_at is None
    texted(line, "No.")
    assert NewPassword.objects.get().cancelled_at is not None
    assert "Your old password stays." in newest_text(number_of(line)).text


# The door


def test_the_same_text_again_does_nothing_again(line: Line) -> None:
    raw = body(number_of(line), "STOP LOCATION")
    assert [post(raw).status_code for _ in range(3)] == [202] * 3
    assert (len(stops()), len(texts_to(number_of(line)))) == (1, 1)
    assert post(raw, at=timezone.now().timestamp() - 60).status_code == 202
    assert len(stops()) == 1
    other = a_line()
    assert post(body(number_of(other), "STOP LOCATION")).status_code == 202
    assert len(stops()) == 1


def test_an_old_one_and_one_of_tomorrow_are_refused(line: Line) -> None:
    now = timezone.now().replace(microsecond=0)
    with time_machine.travel(now, tick=False):
        for away, status in ((-301, 401), (301, 401), (-86_400, 401), (-300, 202), (300, 202)):
            raw = body(number_of(line), "STOP LOCATION", text_id=f"m{away}")
            before = TextTaken.objects.count()
            assert post(raw, at=now.timestamp() + away).status_code == status
            assert TextTaken.objects.count() - before == (status == 202)
    headers = ("", "t=1,v1=", "v1=" + "0" * 64, "t=abc,v1=" + "0" * 64, "t=1,v1=" + "g" * 64)
    MemoryBackend.outbox.clear()
    for header in headers:
        answer = Client().post(
            "/api/v1/texts", body(number_of(line), "STOP"), content_type="application/json",
            headers={"X-Text-Signature": header} if header else {},
        )  # fmt: skip
        assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
        assert (MemoryBackend.outbox, TextTaken.objects.count()) == ([], 2)


def test_the_signature_is_over_the_time(line: Line) -> None:
    raw = body(number_of(line), "STOP LOCATION", on_network=False)
    forged = raw.replace(b"false", b"true")
    assert post(forged, signed=raw).status_code == 401
    assert post(raw, secret="x" * 32).status_code == 401
    moment = int(timezone.now().timestamp())
    mac = hmac.new(SECRET.encode(), f"{moment - 600}.".encode() + raw, sha256).hexdigest()
    reordered = Client().post(
        "/api/v1/texts", raw, content_type="application/json", headers={"X-Text-Signature": f"t={moment},v1={mac}"}
    )
    assert reordered.status_code == 401
    assert stops() == []
    assert post(raw, secret=OLDER).status_code == 202


def test_what_is_no_text_is_refused_as_a_problem(settings: Settings) -> None:
    for raw in (
        b"", b"[]", b"{}", b"\xff", b'{"id":"1","from":"2065550142","text":"x","on_network":true}',
        b'{"id":"","from":"+12065550142","text":"x","on_network":true}',
        b'{"id":"1","from":"+12065550142","text":"x","on_network":"yes"}',
    ):  # fmt: skip
        answer = post(raw)
        assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    # Without secrets there is no door.
    settings.SMS_INBOUND_SECRETS = []
    assert post(body(STRANGER, "STOP")).status_code == 404


def test_number_that_is_no_line_of_ours_gets_same_answer(line: Line) -> None:
    answers = [
        post(body(number, words, on_network=on_network, text_id=f"{number}{words}{on_network}"))
        for number in (number_of(line), STRANGER)
        for words in ("STOP LOCATION", "STOP", "HELP", "STOP LOCATION 123456")
        for on_network in (True, False)
    ]
    assert {(one.status_code, one.content, tuple(sorted(one.headers.items()))) for one in answers} == {
        (202, b"", tuple(sorted(answers[0].headers.items())))
    }
    assert texts_to(STRANGER) == []
    assert TextedCode.objects.exclude(line=line).count() == 0


def test_neither_number_nor_words_are_kept_of_what_was_taken(line: Line) -> None:
    texted(line, "HELP", text_id=f"from-{number_of(line)}")
    assert len(bytes(TextTaken.objects.get().id_hash)) == 32


def test_what_words_mean() -> None:
    assert parse_text(text="stop location 123456") == ParsedText(TextCommand.STOP_LOCATION, "123456")
    assert parse_text(text="STOP LOCATION 12345") == ParsedText(TextCommand.STOP_LOCATION)
    assert parse_text(text="please STOP LOCATION") == ParsedText(TextCommand.HELP)
    assert parse_text(text="no") == ParsedText(TextCommand.NO)


@pytest.mark.parametrize("wrong", [-timedelta(minutes=20), timedelta(minutes=20)], ids=["behind", "ahead"])
def test_a_code_that_a_phone_texts_back_lasts_by_the_databases_clock(line: Line, wrong: timedelta) -> None:
    number = number_of(line)
    for age, stops in ((timedelta(minutes=11), 0), (timedelta(0), 1)):
        with time_machine.travel(timezone.now() - wrong):
            texted(line, "STOP LOCATION", on_network=False)
        TextedCode.objects.update(made_at=F("made_at") - age, sent_at=F("sent_at") - age)
        with time_machine.travel(timezone.now() + wrong):
            texted(line, f"STOP LOCATION {newest_text(number).code}", on_network=False)
        assert Choice.objects.filter(line_id=line.pk, kind="stop").count() == stops
