"""Texts about choices: the whole words that a phone gets, in its line's language, for whatever happened to it."""

import hmac
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import time_machine
from django.core import mail
from django.test import Client as Http
from django.utils import timezone
from pytest_django import Settings

from accounts.actions import delegations
from accounts.clients.texts import MemoryBackend
from accounts.models import Line
from accounts.workers import email_outbox, sms_delivery
from audit.queries import database_clock
from consent.actions import choices, system_stops
from consent.actions.lines import terminate
from consent.models import ChoiceReceipt
from consent.queries import termination
from consent.workers import expiry, outcome_texts, reminders
from consent.workers.cohort_texts import tell_subscribers
from consent.workers.cohorts import build_manifests
from tests.agents import an_agent_asks
from tests.consent.claiming import a_partner, asked, link_in, prove, say_no, say_yes, text_now
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import as_at_commit, choice_row, line_row, take_choices, take_lines
from tests.people import Browser, newest_text, number_of, sign_in_by_code, signed_in, texts_by_day, user_of
from tests.staff import an_actor
from tests.support.desk import answered, asks
from tests.words.expected import LANGUAGES, Words
from tests.words.pages import main, press
from tests.words.partners import Market
from tests.words.worlds import DAY, MINUTE, choice_path, newest_choice, pause_everything, stop_by_phone, stop_everything

pytestmark = pytest.mark.usefixtures("db")
SECRET = "s" * 32
PATH = re.compile(r"http://localhost:8000(/(?:ask|authorized|choices)/[\w/-]+/)")
# Codes, and notices about ways in, are other texts.
OTHERS = ("is your code", "es su clave", "was used", "se ha usado", "password", "contraseña")


def about_choices(line: Line, *, after: datetime | None = None) -> list[str]:
    """Every text about its choices that a phone has got: what goes out at once, and what waits for the day."""
    sms_delivery.deliver(now=timezone.now())
    return [one.text for one in texts_by_day(number_of(line), after=after) if not any(w in one.text for w in OTHERS)]


def assert_told(line: Line, language: str, name: str, *, after: datetime | None = None) -> None:
    """The phone was texted this, and nothing else about choices; a link of its own leads somewhere."""
    got = about_choices(line, after=after)
    links = [found[1] for text in got if (found := PATH.search(text))]
    assert got == [Words(language)(f"text_{name}", path="".join(links))]
    MemoryBackend.outbox.clear()


def read_home(line: Line, language: str) -> str:
    """The first words of the page where a text leads."""
    return "\n".join(main(signed_in(line), "/home/", language).lines[:4])


def in_both(make: Callable[[str], None]) -> None:
    for language in LANGUAGES:
        make(language)


def test_a_stop_by_code_or_by_text_is_confirmed(settings: Settings) -> None:
    settings.SMS_INBOUND_SECRETS = [SECRET]

    def once(language: str) -> None:
        line = a_line(language=language)
        stop_by_phone(line, Browser())
        assert_told(line, language, "confirmed")
        for text, answer in (
            ("STOP LOCATION", "all_off"), ("STOP", "news_off"), ("START", "news_on"), ("HELP", "help"),
        ):  # fmt: skip
            _texts(line, text)
            assert_told(line, language, answer)

    in_both(once)


def test_own_stop_is_confirmed_and_its_outcome_told_once(market: Market) -> None:
    def once(language: str) -> None:
        line, partners = a_line(language=language), [market.a_partner(f"{one} {language}") for one in ("Ash", "Birch")]
        for partner in partners:
            an_approval(line, partner.campaign)
        stop_everything(line)
        assert_told(line, language, "confirmed")
        now = timezone.now()
        assert outcome_texts.notify_outcomes(now=now + MINUTE) == 0  # too soon to look
        partners[0].is_told()
        partners[0].signs()
        days = (1, 11, 11, 12)
        assert [outcome_texts.notify_outcomes(now=now + day * DAY) for day in days] == [0, 1, 0, 0]
        assert_told(line, language, "late", after=now + 12 * DAY)
        with time_machine.travel(now + 12 * DAY, tick=False):
            assert Words(language)("late_at_home", names=f"Birch {language}") in read_home(line, language)
        partners[1].is_told()
        partners[1].signs()
        assert [outcome_texts.notify_outcomes(now=now + day * DAY) for day in (13, 13, 14)] == [1, 0, 0]
        assert_told(line, language, "signed", after=now + 14 * DAY)

    in_both(once)


def test_the_past_year_is_sent_each_january_to_who_asked() -> None:
    def once(language: str) -> None:
        line, other = a_line(language=language), a_line(language=language)
        chosen = timezone.now()
        Line.objects.filter(pk__in=(line.pk, other.pk)).update(recorded_at=chosen - 2 * DAY)
        signed_in(line).post("/settings/texts/", {"news": "on", "yearly": "on"})
        january = datetime(chosen.year + 1, 1, 2, tzinfo=UTC)
        for now in (chosen, january - MINUTE, january, january + DAY, january + 300 * DAY):
            reminders.send_yearly(now=now)
        words = Words(language)("text_yearly", year=chosen.year)
        assert about_choices(line, after=january + DAY) == [words]
        assert about_choices(other, after=january + DAY) == []

    in_both(once)


def test_a_child_is_told_of_holder_and_growing_up() -> None:
    for language, number in zip(LANGUAGES, ("+12065550171", "+12065550172"), strict=True):
        row = line_row(
            line_id=f"L-{language}", msisdn=number, user_role="minor", account_id=f"A-{language}", language=language
        )
        take_lines(row)
        child, campaign = Line.objects.get(carrier_id=f"L-{language}"), a_campaign()
        holder = signed_in(a_line(account=f"A-{language}"))
        MemoryBackend.outbox.clear()
        holder.post("/choices/stop/", {"line": str(child.public_id), "scope": "all", "ref": ""})
        as_at_commit()
        assert_told(child, language, "by_holder")
        page = main(holder, f"/choices/allow/?campaign={campaign.ref}&line={child.public_id}")
        press(holder, page, f"Allow {campaign.lbs_provider.name}")
        assert_told(child, language, "by_holder")
        as_at_commit()
        take_lines({**row, "user_role": "user"})
        assert_told(child, language, "grown_up")


def test_what_others_did_is_told_to_the_phone_itself() -> None:
    def once(language: str) -> None:
        line, friend, now = a_line(language=language), a_line(), timezone.now()
        party = a_campaign().lbs_provider.uri
        signed_in(line)
        choices.stop(line_id=line.pk, scope="party", ref=party, actor="agent:7", channel="desk")
        assert_told(line, language, "by_staff")
        asked_for = delegations.delegate(
            line_id=line.pk, user=user_of(line), msisdn=number_of(friend), may="both", ends_at=now + 9 * DAY, at=now
        )
        helper = signed_in(friend)
        press(helper, main(helper, f"/lines/asked/{asked_for}/"), "Yes, I'll help")
        about_choices(line)
        MemoryBackend.outbox.clear()
        helper.post("/choices/stop/", {"line": str(line.public_id), "scope": "all", "ref": ""})
        assert_told(line, language, "by_delegate")

    in_both(once)


def test_line_and_helper_are_told_of_each_step() -> None:
    def once(language: str) -> None:
        line, friend, now = a_line(language=language), a_line(language=language), timezone.now()
        signed_in(line)
        helper = signed_in(friend)
        asked_for = delegations.delegate(
            line_id=line.pk, user=user_of(line), msisdn=number_of(friend), may="both", ends_at=now + 9 * DAY, at=now
        )
        assert about_choices(line) == [Words(language)("text_delegate_asked")]
        assert about_choices(friend) == [Words(language)("text_asked_to_look_after")]
        for path, button, told in (
            (f"/lines/asked/{asked_for}/", "Yes, I'll help", "text_delegate_began"),
            (f"/lines/asked/{asked_for}/", "Stop helping", "text_delegate_ended"),
        ):
            MemoryBackend.outbox.clear()
            press(helper, main(helper, path), button)
            assert about_choices(line) == [Words(language)(told)]
            if button != "Stop helping":
                home = f"/home/?line={line.public_id}"
                assert home in {link.attributes["href"] for link in main(helper, path).all("a")}

    in_both(once)


def test_what_time_files_and_we_ourselves_did_is_told() -> None:
    def once(language: str) -> None:
        line, now = a_line(language=language), database_clock()
        Line.objects.filter(pk=line.pk).update(recorded_at=now - 2 * DAY)
        campaign = a_campaign()
        system_stops.stop_company(
            line_id=line.pk, party=campaign.lbs_provider.uri, after=now, actor="system:anomalies", at=now
        )
        assert_told(line, language, "suspended")
        pause_everything(line)
        assert_told(line, language, "confirmed")
        expiry.end_pauses(now=now + 8 * DAY)
        assert_told(line, language, "pause_over", after=now + 8 * DAY)
        take_choices(choice_row(msisdn=number_of(line), made_at=(now - DAY).isoformat()))
        assert_told(line, language, "records")

    in_both(once)


def test_a_new_number_is_told_to_the_new_one() -> None:
    for language, ends in zip(LANGUAGES, (("1", "2"), ("3", "4")), strict=True):
        row = line_row(line_id=f"L-{language}", account_id=f"A-{language}", language=language)
        take_lines({**row, "msisdn": f"+1206555018{ends[0]}"})
        line = Line.objects.get(carrier_id=f"L-{language}")
        Line.objects.filter(pk=line.pk).update(recorded_at=timezone.now() - 2 * DAY)
        at = (timezone.now() - timedelta(hours=1)).isoformat()
        take_lines({**row, "msisdn": f"+1206555018{ends[1]}", "number_changed_at": at})
        assert_told(line, language, "new_number")


def test_a_browser_s_signal_is_told_to_the_phone() -> None:
    def once(language: str) -> None:
        line, browser, signal = a_line(language=language), Browser(), {"Sec-GPC": "1"}
        an_approval(line, a_campaign())
        browser.client.post("/stop/", {"number": number_of(line)}, headers=signal)
        code = newest_text(number_of(line)).code
        browser.client.post("/stop/code/", {"code": code}, headers=signal)
        assert_told(line, language, "signal")

    in_both(once)


def test_a_company_s_question_and_its_answer_are_told() -> None:
    for number, language in enumerate(LANGUAGES):
        for answer in (say_no, say_yes):
            partner = a_partner(f"Asker {language} {answer.__name__}")
            line = a_line(language=language)
            partner.one(partner.claim(msisdn=number_of(line), id=f"c-{number}"))
            text_now()
            path = link_in(asked(number_of(line))[0])
            assert_told(line, language, "asked")
            browser, _page = prove(path, number_of(line))
            MemoryBackend.outbox.clear()
            answer(browser, path)
            assert_told(line, language, "answered")


def test_a_question_about_a_child_is_put_to_the_holder() -> None:
    def once(language: str) -> None:
        partner, account = a_partner(f"Asker {language}"), f"A-child-{language}"
        child, holder = a_line(account=account, role="minor"), a_line(account=account, language=language)
        partner.one(partner.claim(msisdn=number_of(child)))
        text_now()
        assert_told(holder, language, "asked_for_child")
        assert about_choices(child) == []

    in_both(once)


def test_what_is_still_on_is_told_after_ninety_days(market: Market) -> None:
    def once(language: str) -> None:
        line, partner, now = a_line(language=language), market.a_partner(f"Ash {language}"), timezone.now()
        an_approval(line, partner.campaign)
        Line.objects.filter(pk=line.pk).update(recorded_at=now - 91 * DAY)
        sign_in_by_code(line)
        MemoryBackend.outbox.clear()
        reminders.remind(now=now)
        assert_told(line, language, "still_on")

    in_both(once)


def test_an_authorised_agent_is_told_to_the_phone() -> None:
    def once(language: str) -> None:
        line = a_line(language=language)
        an_agent_asks(line)
        assert_told(line, language, "agent_asks")

    in_both(once)


def test_a_link_to_a_receipt_says_nothing_of_it(market: Market) -> None:
    def once(language: str) -> None:
        line = a_line(language=language)
        browser = stop_everything(line)
        assert_told(line, language, "confirmed")
        path = f"{choice_path(newest_choice(line))}receipt/"
        press(browser, main(browser, path), "Text me a link")
        assert path in about_choices(line)[-1]
        assert_told(line, language, "receipt_link")

    in_both(once)


def test_e_mails_say_who_sends_them_and_where_to_call(settings: Settings) -> None:
    settings.MAIL_REPLY_ADDRESS, settings.MAIL_INBOUND_SECRETS = "help@c.example", [SECRET]
    settings.DEFAULT_FROM_EMAIL = "Cascade Wireless <no-reply@c.example>"
    settings.CARRIER_NAME, settings.CARRIER_PHONE = "Cascade Wireless", "1-800-555-0100"
    settings.CARRIER_HOURS = "every day | es: cada día"

    def once(language: str) -> None:
        words, line = Words(language), a_line(language=language)
        browser = stop_everything(line)
        browser.client.cookies["django_language"] = language
        choice = newest_choice(line)
        browser.post(f"{choice_path(choice)}receipt/mail/", {"to": "ana@example.net"})
        case = asks(browser, message="Who is this?", mail="ana@example.net")
        answered(case)
        email_outbox.deliver(now=timezone.now())
        path, number = f"/help/{case.code}/", ChoiceReceipt.objects.get(choice_id=choice.id).number
        assert [(one.from_email, one.subject, one.body) for one in mail.outbox] == [
            ("Cascade Wireless <no-reply@c.example>", words(f"subject_{kind}", **said), words(f"mail_{kind}", **said))
            for kind, said in (("receipt", {"number": number}), ("case", {"code": case.code, "path": path}))
        ]
        mail.outbox.clear()

    in_both(once)


def test_a_lost_lifeline_is_told_to_whom_it_found() -> None:
    def once(language: str) -> None:
        line = a_line(language=language)
        campaign = a_campaign(a_contract(a_party(f"Link {language}")), a_party(f"Help {language}"), lifeline=True)
        an_approval(line, campaign)
        ended, now = campaign.contract_id, database_clock()
        seen = termination.plan(of="contract", target_id=ended, at=now)
        terminate(of="contract", target_id=ended, actor=an_actor(), reason="Enough.", plan_digest=seen.digest, at=now)
        build_manifests(now=now + timedelta(minutes=2))
        tell_subscribers(now=now + timedelta(minutes=2))
        assert_told(line, language, "lifeline_lost")

    in_both(once)


def _texts(line: Line, text: str) -> None:
    """The phone texts us, by our own network."""
    body = json.dumps({"id": f"m-{time.time_ns()}", "from": number_of(line), "text": text, "on_network": True}).encode()
    moment = int(time.time())
    mac = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, sha256).hexdigest()
    signature = {"X-Text-Signature": f"t={moment},v1={mac}"}
    assert Http().post("/api/v1/texts", body, content_type="application/json", headers=signature).status_code == 202
