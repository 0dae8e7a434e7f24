"""Texts are short: an English one is sent as two segments at most, in the alphabet that every phone has."""

import pytest

from tests.conventions.catalogues import ROOT, entries

# GSM 03.38; a text with any other letter is sent in two bytes a letter.
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
BASE = "https://privacy.carrier.example"
FILLED_IN = {
    "code": "12345678", "number": "1-800-555-0100", "what": "a recovery code was used, a passkey was removed",
    "sessions": f"{BASE}/accounts/sessions/", "stop": f"{BASE}/stop/", "home": f"{BASE}/home/",
    "settings": f"{BASE}/settings/", "link": f"{BASE}/help/cases/WB-1234-56/", "n": "99",
}  # fmt: skip
# The longest address of a text, by what the text says.
LONG = {
    "new password": f"/accounts/password/cancel/{'x' * 43}/", "a company says": f"/ask/{'x' * 43}/",
    "in your name": f"/authorized/by-text/{'x' * 43}/", "the page you": f"/choices/{'x' * 36}/receipt/",
    "last year": "/history/?since=2026-01-01&until=2026-12-31",
}  # fmt: skip
# In other languages the letters themselves take more room.
LANGUAGES, MOST = ("es", "vi", "zh_Hans", "ar"), 3


def segments(text: str) -> int:
    """In how many parts a network sends a text."""
    if set(text) <= GSM:
        return 1 if len(text) <= 160 else -(-len(text) // 153)
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= 70 else -(-units // 67)


def filled_in(text: str, english: str) -> str:
    path = next((path for words, path in LONG.items() if words in english), "/lines/delegates/")
    return text % (FILLED_IN | {"url": BASE + path})


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_takes_few_segments(language: str) -> None:
    texts = {
        entry.sentence.text: entry.forms[0]
        for entry in entries(ROOT / "locale" / language / "LC_MESSAGES" / "django.po")
        if entry.sentence.text.startswith("Whereabouts: ")
    }
    assert len(texts) > 40
    english = {text: segments(filled_in(text, text)) for text in texts}
    assert {text: n for text, n in english.items() if n > 2} == {}
    theirs = {text: segments(filled_in(form, text)) for text, form in texts.items()}
    assert {text: n for text, n in theirs.items() if n > MOST} == {}


def test_segments_are_counted_as_networks_do() -> None:
    assert [segments("a" * n) for n in (160, 161, 306, 307)] == [1, 2, 2, 3]
    assert [segments("í" * n) for n in (70, 71, 134, 135)] == [1, 2, 2, 3]
