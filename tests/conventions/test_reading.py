"""A twelve-year-old can read what a subscriber reads: the seventh school year at most, page by page."""

from collections.abc import Iterator

import pytest

from partners.models import NoticeText
from tests.conventions.catalogues import for_staff_alone, in_python, in_templates
from tests.conventions.reading import grade, words_of

PAGE, ONE_SENTENCE = 7.0, 9.0
# A label of a few words is no sentence: the measure is made for text.
FEWEST_WORDS, FEWEST_OF_A_SENTENCE = 20, 8


def said() -> Iterator[tuple[str, str]]:
    """Every place with each English sentence of it."""
    for sentence, place in in_templates() + in_python():
        if not for_staff_alone(place):
            yield from ((place, text) for text in (sentence.text, sentence.plural) if text)


def test_every_page_is_read_in_the_seventh_year_at_most() -> None:
    pages: dict[str, list[str]] = {}
    for place, text in said():
        pages.setdefault(place, []).append(text)
    full = {place: texts for place, texts in pages.items() if sum(len(words_of(text)) for text in texts) > FEWEST_WORDS}
    assert len(full) > 60
    assert {place: found for place, texts in full.items() if (found := grade(*texts)) > PAGE} == {}


def test_no_single_sentence_is_much_harder() -> None:
    texts = {text for _, text in said() if len(words_of(text)) >= FEWEST_OF_A_SENTENCE}
    assert len(texts) > 300
    assert {text: round(found, 1) for text in texts if (found := grade(text)) > ONE_SENTENCE} == {}


@pytest.mark.usefixtures("db")
def test_so_are_the_notices_before_a_choice() -> None:
    bodies = NoticeText.objects.filter(language="en").values_list("body", flat=True)
    assert [body for body in bodies if grade(body) > PAGE] == []


def test_the_measure_knows_easy_from_hard() -> None:
    assert grade("The cat sat on the mat. It was a good cat.") < 1
    hard = "Notwithstanding contractual obligations, the aforementioned entity may continue disseminating information."
    assert grade(hard) > 20
    assert grade("Stop it: it works at once.") == grade("Stop it. It works at once.")
