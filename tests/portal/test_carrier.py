"""How to reach the carrier by phone stands wherever somebody could get stuck: on pages, in texts and on receipts."""

from io import BytesIO

import pytest
from django.test import Client as Http
from pypdf import PdfReader
from pytest_django import Settings

from accounts.domain.message_templates import reading_code_text
from tests.factories import a_line
from tests.people import signed_in
from tests.words.pages import main, words_of
from tests.words.worlds import newest_choice, stop_everything

pytestmark = pytest.mark.usefixtures("db")
NAME, PHONE, HOURS = "Cascade Wireless", "1-800-555-0100", "every day, 8 a.m. to 8 p.m."


@pytest.fixture
def carrier(settings: Settings) -> None:
    """A carrier that says when it answers its phone."""
    settings.CARRIER_NAME, settings.CARRIER_PHONE, settings.CARRIER_HOURS = NAME, PHONE, HOURS


@pytest.mark.usefixtures("carrier")
def test_pages_say_when_to_call_and_dial_it() -> None:
    page = Http().get("/help/").text
    assert '<a dir="ltr" href="tel:18005550100">1-800-555-0100</a>' in page
    assert f"Whereabouts is a service of {NAME}. Call us at {PHONE} ({HOURS})." in words_of(page)


def test_hours_are_said_in_the_language_of_the_page(settings: Settings) -> None:
    settings.CARRIER_PHONE = PHONE
    settings.CARRIER_HOURS = "8 a.m.: 8 p.m. | es: de 8 a 20 | zh-hans: 8 点至 20 点"
    called = {
        language: words_of(Http().get("/help/", headers={"accept-language": language}).text)
        for language in ("en", "es", "zh-hans", "vi")
    }
    assert f"Call us at {PHONE} (8 a.m.: 8 p.m.)." in called["en"]
    assert f"Llámenos al {PHONE} (de 8 a 20)." in called["es"]
    assert "(8 点至 20 点)" in called["zh-hans"].replace("（", "(").replace("）", ")")
    # Where it gave none for a language, its first.
    assert "(8 a.m.: 8 p.m.)" in called["vi"]
    line = a_line()
    browser = signed_in(line)
    stop_everything(line)
    path = f"/choices/{newest_choice(line).id}/receipt.pdf"
    printed = browser.client.get(path, headers={"accept-language": "es"}).content
    read = PdfReader(BytesIO(printed)).pages[0].extract_text()
    assert "(de 8 a 20)" in " ".join("".join(one for one in read if one.isprintable() or one.isspace()).split())


def test_a_carrier_without_hours_gives_its_number(settings: Settings) -> None:
    settings.CARRIER_PHONE = PHONE
    assert f"Call us at {PHONE}." in words_of(Http().get("/help/").text)


@pytest.mark.usefixtures("carrier")
def test_texts_and_receipts_carry_the_number() -> None:
    assert reading_code_text(code="123456").endswith(f"If you did not ask for it, call us now at {PHONE}.")
    line = a_line()
    browser = signed_in(line)
    stop_everything(line)
    path = f"/choices/{newest_choice(line).id}/receipt"
    assert f"{NAME}, {PHONE} ({HOURS})" in " ".join(main(browser, f"{path}/").lines)
    printed = PdfReader(BytesIO(browser.client.get(f"{path}.pdf").content)).pages[0].extract_text()
    assert [part for part in (NAME, PHONE, "every day") if part not in " ".join(printed.split())] == []
