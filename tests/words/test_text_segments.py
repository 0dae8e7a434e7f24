"""Texts are short: each is sent as two segments at most, in every language, with a carrier's name that isn't short."""

import re

import pytest
from pytest_django import Settings

from accounts.clients.texts import sign_text
from tests.conventions.catalogues import ROOT, entries

# GSM 03.38; a text with any other letter is sent in two bytes a letter.
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
CARRIER, BASE, NUMBER = "Northern Plains Cell", "https://privacy.carrier.example", "1-800-555-0100"
LANGUAGES, MOST = ("es", "vi", "zh_Hans", "ar"), 2
CONTEXT = "text message"
# The address of a text, by what the text says. A key of ours has 22 letters; a question's has 32.
ADDRESSES = {
    "new password": f"/cancel/{'x' * 22}/", "a company says": f"/ask/{'x' * 32}/",
    "in your name": f"/authorized/by-text/{'x' * 22}/", "the page you": f"/choices/{'x' * 36}/receipt/",
    "last year": "/history/?since=2026-01-01&until=2026-12-31", "invites you": "/invited/",
    "someone asks you": "/lines/", "trusted helper for this phone's location changed": "/home/",
    "helper": "/lines/delegates/", "turned off alerts": "/settings/", "is now off": "/choices/",
    "company's question": "/choices/",
}  # fmt: skip
OTHERS = {
    "code": "12345678", "number": NUMBER, "sessions": f"{BASE}/accounts/sessions/", "stop": f"{BASE}/stop/",
    "link": f"{BASE}/help/cases/WB-1234-56/",
}  # fmt: skip


def segments(text: str) -> int:
    """In how many parts a network sends a text."""
    if set(text) <= GSM:
        return 1 if len(text) <= 160 else -(-len(text) // 153)
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= 70 else -(-units // 67)


def read_texts(language: str) -> dict[str, str]:
    """Each text in a language, by its English words; and each in which a sign-in that changed is filled in."""
    found = {e.sentence: e.forms[0] for e in entries(ROOT / "locale" / language / "LC_MESSAGES" / "django.po")}
    changes = [
        said
        for sentence, said in found.items()
        if re.match(r"(an?|the|recovery) .* (was|were) \w+( up)?$", sentence.text)
    ]
    texts = {sentence.text: said for sentence, said in found.items() if sentence.context == CONTEXT}
    assert (len(texts), len(changes)) == (57, 10)
    return {english: said.replace("%(what)s", max(changes, key=len)) for english, said in texts.items()}


def filled_in(text: str, english: str) -> str:
    path = next((path for words, path in ADDRESSES.items() if words in english), "/home/")
    return sign_text(text=text % (OTHERS | {"url": BASE + path, "what": "the authenticator app was removed"}))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_takes_two_segments(language: str, settings: Settings) -> None:
    settings.CARRIER_NAME = CARRIER
    texts = read_texts(language)
    assert {english for english in texts if segments(filled_in(english, english)) > MOST} == set()
    assert {said: n for english, said in texts.items() if (n := segments(filled_in(said, english))) > MOST} == {}


def test_segments_are_counted_as_networks_do() -> None:
    assert [segments("a" * n) for n in (160, 161, 306, 307)] == [1, 2, 2, 3]
    assert [segments("í" * n) for n in (70, 71, 134, 135)] == [1, 2, 2, 3]
