"""A reason says something: every act of staff is kept with one."""

import pytest

from accounts.primitives.reasons import NoReason, check_reason


@pytest.mark.parametrize(
    "words", ["", "z", "ok", "a b c", "...", "7", "12 34", "\u3164z\u3164", "x\u200by", "_ _ _", "🙂🙂🙂"]
)
def test_less_than_a_word_is_no_reason(words: str) -> None:
    with pytest.raises(NoReason, match="Say why"):
        check_reason(words)


@pytest.mark.parametrize("words", ["Sold.", "  By order CT-2026-0412 ", "CT-7", "T-K7Q2M9", "重复", "già", "نعم هو"])
def test_a_word_or_a_reference_is_one(words: str) -> None:
    assert check_reason(words) == words.strip()
