"""Feed words for people: plain, harmless, one line."""

import pytest
from django.utils import translation

from partners.labels import PURPOSES, link, party_name, precision_in_words, purpose_in_words, sanitise_text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("plain", "plain"),
        ("  two \r\n lines\t ", "two lines"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("a\u2066b\u2069\u200e\ufeff", "ab"),
        ("nul\x00 esc\x1b[31m", "nul esc [31m"),
        ("Z" + "\u0351" * 50 + "algo", "Z\u0351\u0351algo"),
        ("e\u0301t\u0301", "ét\u0301"),
        ("👩\u200d🚒 می\u200cخواهم", "👩\u200d🚒 می\u200cخواهم"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
        ("", ""),
        ("\u202e", ""),
    ],
)
def test_what_is_shown_is_one_harmless_line(given: str, said: str) -> None:
    assert sanitise_text(given) == said


@pytest.mark.parametrize(("length", "kept"), [(9, 9), (10, 10), (11, 10), (1000, 10)])
def test_long_text_ends_in_an_ellipsis(length: int, kept: int) -> None:
    found = sanitise_text("x" * length, at_most=10)
    assert len(found) == kept
    assert found.endswith("…") is (length > 10)


def test_a_party_always_has_a_name() -> None:
    assert party_name("RoadAid", "https://roadaid.example") == "RoadAid"
    assert party_name(" \u202e ", "https://roadaid.example") == "https://roadaid.example"
    assert party_name("Named", "unknown") == "a company we can't name"
    assert party_name("", "") == "a company without a name"


@pytest.mark.parametrize(
    ("metres", "said"),
    [
        (0, "the exact spot"),
        (50, "within about 50 m"),
        (999, "within about 999 m"),
        (1000, "within about 1 km"),
        (1500, "within about 1.5 km"),
        (5000, "within about 5 km"),
        (25_000, "within about 25 km"),
    ],
)
def test_precision_is_said_in_plain_numbers(metres: int, said: str) -> None:
    assert precision_in_words(metres) == said


def test_purposes_are_plain_and_unlisted_ones_are_taken_apart() -> None:
    assert purpose_in_words("dpv:FraudPreventionAndDetection") == "To spot fraud"
    assert purpose_in_words("FraudPreventionAndDetection") == "To spot fraud"
    assert purpose_in_words("dpv:RoadTollCharging") == "Road toll charging"
    assert purpose_in_words("") == "No reason given"


@pytest.mark.parametrize(
    "website",
    [
        "javascript:alert(1)", "data:text/html,x", "https://", "//evil.example", "http://user@evil.example",
        "https://a b.example", "https://evil\u202e.example", "ftp://x.example", "", "https://[::1", "\thttps://x.example",
    ],
)  # fmt: skip
def test_what_is_not_a_website_is_not_linked(website: str) -> None:
    assert link(website) == ""


@pytest.mark.parametrize("website", ["https://x.example", "http://x.example/a?b=c#d", "HTTPS://X.example"])
def test_a_website_is(website: str) -> None:
    assert link(website) == website


def test_every_purpose_has_spanish_words_of_its_own() -> None:
    english = {term: str(words) for term, words in PURPOSES.items()}
    with translation.override("es"):
        assert [term for term, words in PURPOSES.items() if str(words) == english[term]] == []
