"""What a texted code alone answered to a company is told to the phone it came to, without the answer."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import Message
from accounts.workers import sms_delivery
from consent.models import Choice
from tests.consent.claiming import Partner, a_partner, asked, link_in, prove, say_no, say_yes, text_now
from tests.factories import a_line
from tests.people import Browser, newest_text, number_of, signed_in, texts_to

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
NUMBER, CHILD = "+12065550142", "+12065550150"
SAID = (
    "localhost: someone answered a company's question with a code texted to this phone. To see or change the answer, "
    "sign in: http://localhost:8000/choices/"
)


@pytest.fixture
def partner(committed_db: None) -> Partner:
    return a_partner()


def question(partner: Partner, msisdn: str = NUMBER, to: str = NUMBER) -> str:
    partner.one(partner.claim(msisdn=msisdn))
    assert text_now() == 1
    return link_in(asked(to)[0])


@pytest.mark.parametrize("say", [say_no, say_yes])
def test_an_answer_is_confirmed_and_not_named(partner: Partner, say: Callable[[Browser, str], object]) -> None:
    a_line(msisdn=NUMBER)
    path = question(partner)
    browser, _ = prove(path, NUMBER)
    before = len(texts_to(NUMBER))
    say(browser, path)
    assert [text.text for text in texts_to(NUMBER)[before:]] == [SAID]


def test_the_holder_is_told_whose_code_it_was(partner: Partner) -> None:
    a_line(msisdn=NUMBER, account="A-fam")
    a_line(msisdn=CHILD, role="minor", account="A-fam")
    path = question(partner, msisdn=CHILD)
    browser, _ = prove(path, NUMBER)
    say_no(browser, path)
    assert newest_text(NUMBER).text == SAID
    (told,) = texts_to(CHILD)
    assert "the account holder changed who may get this phone's location" in told.text


def test_somebody_signed_in_is_not_told_what_they_see(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    path = question(partner)
    say_no(signed_in(line), path)
    assert Choice.objects.get().kind == "refuse"
    assert SAID not in [text.text for text in texts_to(number_of(line))]


def test_an_outage_delays_the_word_and_not_the_choice(partner: Partner, settings: Settings) -> None:
    a_line(msisdn=NUMBER)
    path = question(partner)
    browser, _ = prove(path, NUMBER)
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    say_no(browser, path)
    assert Choice.objects.get().kind == "refuse"
    assert newest_text(NUMBER).text != SAID
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    assert sms_delivery.deliver(now=timezone.now() + timedelta(minutes=1)) == 1
    assert newest_text(NUMBER).text == SAID
    assert Message.objects.get(kind="answered").taken_at is not None
    assert MemoryBackend.outbox[-1].code == ""
