"""Moments and spans of time, as pages say them."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone, translation
from django.utils.formats import number_format

from accounts.domain.sentences import MomentFormat, on_day, when
from portal.templatetags.amounts import roughly
from portal.templatetags.names import language_named

AT = datetime(2026, 11, 25, 6, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "shown", "said"),
    [
        ("en", "both", "Nov 24, 2026, 10:00 PM"),
        ("en", "exact", "Nov 24, 2026, 10:00:10 PM"),
        ("en", "second", "10:00:10 PM"),
        ("en", "time", "10:00 PM"),
        ("en", "day", "Nov 24, 2026"),
        ("es", "both", "24 nov 2026, 22:00"),
        ("es", "second", "22:00:10"),
        ("zh-hans", "both", "2026年11月24日 22:00"),
        ("vi", "both", "24 thg 11, 2026, 22:00"),
        ("ar", "both", "24 نوفمبر 2026، 10:00 م"),
    ],
)
def test_a_moment_is_readable_and_exact(language: str, shown: MomentFormat, said: str) -> None:
    with timezone.override("America/Los_Angeles"), translation.override(language):
        assert when(AT, shown) == f'<time datetime="2026-11-24T22:00:10-08:00">{said}</time>'


def test_a_day_in_a_sentence() -> None:
    with timezone.override("UTC"), translation.override("es"):
        assert on_day(AT) == '<time datetime="2026-11-25T06:00:10+00:00">el 25 nov 2026</time>'


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "less than a second"),
        (3, "3 seconds"),
        (119, "119 seconds"),
        (720, "12 minutes"),
        (7200, "2 hours"),
        (345_600, "4 days"),
    ],
)
def test_a_span_is_said_in_one_unit(seconds: float, said: str) -> None:
    with translation.override("en"):
        assert roughly(seconds) == said


@pytest.mark.parametrize(
    ("hours", "said"),
    [(2, "ساعتان"), (3, "3 ساعات"), (10, "10 ساعات"), (11, "11 ساعة"), (26, "26 ساعة"), (47, "47 ساعة")],
)
def test_arabic_counts_in_its_own_way(hours: int, said: str) -> None:
    with translation.override("ar"):
        assert roughly(hours * 3600) == said


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_numbers_are_grouped_in_threes_as_people_here_write_them(language: str) -> None:
    with translation.override(language):
        assert (intcomma(1234567), number_format(0.5)) == ("1,234,567", "0.5")


@pytest.mark.parametrize(
    ("reader", "code", "said"),
    [
        ("en", "es", "Spanish"), ("en", "es-MX", "Mexican Spanish"), ("en", "EN-us", "English"), ("es", "en", "Inglés"),
        ("en", "zh-hans", "Simplified Chinese"), ("en", "xx-yy", "xx-yy"), ("en", "", ""),
    ],
)  # fmt: skip
def test_a_language_is_called_by_its_name(reader: str, code: str, said: str) -> None:
    with translation.override(reader):
        assert language_named(code).lower() == said.lower()
