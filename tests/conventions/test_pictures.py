"""Pictures in the docs show what pages say today, are small, and are all shown."""

from tests.conventions.pictures import PAGES, PICTURES, SCHEMES, WORDS, sentences_said
from tests.conventions.sources import ROOT

LARGEST = 200_000


def test_pictures_show_what_pages_say_today() -> None:
    words = WORDS.read_text().splitlines()
    assert len(words) > 8
    again = "take the pictures again: uv run python -m tests.browser.pictures"
    assert [one for one in words if one not in sentences_said()] == [], again


def test_each_picture_is_small_and_shown() -> None:
    pictures = sorted(PICTURES.glob("*.png"))
    assert {one.name for one in pictures} == {f"{page}-{scheme}.png" for page in PAGES for scheme in SCHEMES}
    assert [one.name for one in pictures if one.stat().st_size > LARGEST] == []
    for front in (ROOT / "README.md", ROOT / "docs" / "README.md"):
        assert [one.name for one in pictures if f"pictures/{one.name}" not in front.read_text()] == []
