"""Feed words for people: plain, harmless, one line."""

from django.utils import translation

from partners.labels import PURPOSES, link, party_name, precision_in_words, purpose_in_words, sanitise_text


def test_what_is_shown_is_one_harmless_line() -> None:
    said = {
        "plain": "plain", "  two \r\n lines\t ": "two lines", "\u202egnp.exe\u202c": "gnp.exe",
        "a\u2066b\u2069\u200e\ufeff": "ab", "nul\x00 esc\x1b[31m": "nul esc [31m",
        "Z" + "\u0351" * 50 + "algo": "Z\u0351\u0351algo", "e\u0301t\u0301": "ét\u0301",
        "👩\u200d🚒 می\u200cخواهم": "👩\u200d🚒 می\u200cخواهم", "<b>&amp;</b>": "<b>&amp;</b>", "": "", "\u202e": "",
    }  # fmt: skip
    assert {given: sanitise_text(given) for given in said} == said
    cut = {length: sanitise_text("x" * length, at_most=10) for length in (9, 10, 11, 1000)}
    assert cut == {9: "x" * 9, 10: "x" * 10, 11: "x" * 9 + "…", 1000: "x" * 9 + "…"}


def test_a_party_always_has_a_name() -> None:
    assert party_name("RoadAid", "https://roadaid.example") == "RoadAid"
    for blank in (" \u202e ", "\u3164", "\u2800 \uffa0", "\u200d"):
        assert party_name(blank, "https://roadaid.example") == "https://roadaid.example"
    assert party_name("Named", "unknown") == "a company we can't name"
    assert party_name("", "") == "a company without a name"


def test_precision_is_said_in_plain_numbers() -> None:
    said = {
        0: "the exact spot", 50: "within about 50 m", 999: "within about 999 m", 1000: "within about 1 km",
        1500: "within about 1.5 km", 5000: "within about 5 km", 25_000: "within about 25 km",
    }  # fmt: skip
    assert {metres: precision_in_words(metres) for metres in said} == said


def test_purposes_are_plain_and_unlisted_ones_are_taken_apart() -> None:
    assert purpose_in_words("dpv:FraudPreventionAndDetection") == "To spot fraud"
    assert purpose_in_words("FraudPreventionAndDetection") == "To spot fraud"
    assert purpose_in_words("dpv:RoadTollCharging") == "Road toll charging"
    assert purpose_in_words("") == "No reason given"


def test_only_a_website_is_linked() -> None:
    none = (
        "javascript:alert(1)", "data:text/html,x", "https://", "//evil.example", "http://user@evil.example",
        "https://a b.example", "https://evil\u202e.example", "ftp://x.example", "", "https://[::1",
        "\thttps://x.example",
    )  # fmt: skip
    assert [link(one) for one in none] == [""] * len(none)
    websites = ["https://x.example", "http://x.example/a?b=c#d", "HTTPS://X.example"]
    assert [link(one) for one in websites] == websites


def test_every_purpose_has_spanish_words_of_its_own() -> None:
    english = {term: str(words) for term, words in PURPOSES.items()}
    with translation.override("es"):
        assert [term for term, words in PURPOSES.items() if str(words) == english[term]] == []
