"""A reason says something: every act of staff is kept with one."""

import pytest

from accounts.primitives.reasons import NoReason, check_reason, remove_numbers


@pytest.mark.parametrize(
    "words", ["", "z", "ok", "a b c", "...", "7", "12 34", "\u3164z\u3164", "x\u200by", "_ _ _", "🙂🙂🙂"]
)
def test_less_than_a_word_is_no_reason(words: str) -> None:
    with pytest.raises(NoReason, match="Say why"):
        check_reason(words)


@pytest.mark.parametrize("words", ["Sold.", "  By order CT-2026-0412 ", "CT-7", "T-K7Q2M9", "重复", "già", "نعم هو"])
def test_a_word_or_a_reference_is_one(words: str) -> None:
    assert check_reason(words) == words.strip()


@pytest.mark.parametrize("number", [
    # Digits of every script and size, set apart or run together, with signs that show nothing.
    "2 0 6 5 5 5 0 1 4 2", "2-0-6-5-5-5-0-1-4-2", "555.0142", "206|555|0142", "206*555*0142", "5\u20605\u20605 0142",
    "۲۰۶۵۵۵۰۱۴۲", "२०६५५५०१४२", "𝟓𝟓𝟓𝟎𝟏𝟒𝟐", "⁵⁵⁵⁰¹⁴²", "①②③④⑤⑥⑦", "2⃣0⃣6⃣5⃣5⃣5⃣0⃣1⃣4⃣2⃣", "5٥5٥۰142",
    # Letters that look like digits, and letters between digits.
    "2o6555ol42", "l2o6 555 0I42", "2x0x6x5x5x5x0x1x4x2", "a206b555c0142",
    # English, in words, in part, in tens, glued together, letter by letter.
    "five five five zero one four two", "five five five 0142", "two0six five5five zero1four2", "5 five 5 0 one 4 two",
    "five fifty-five oh one forty two", "five fifteen oh one forty-two two oh six", "fi\u200bve five five 0142",
    "t w o z e r o s i x five five five zero", "f-i-v-e five five zero one four two",
    "two o six five five five o one four two", "five five five o one four two", "triple five oh one four two",
    "double two double five triple one", "5 5 5 o 1 4 2", "555 ОI42", "555 ΟΙ42",
    "five hundred fifty five zero one four two",
    # Spanish, Vietnamese with and without its accents, Chinese, Arabic.
    "cinco cinco cinco cero uno cuatro dos", "doscientos seis quinientos cincuenta y cinco cero uno cuarenta y dos",
    "dos cero seis quince veintidós cero uno cuatro dos", "hai khong sau nam nam nam khong mot bon hai",
    "hai không sáu năm mươi lăm, năm không một bốn hai", "五百五十五 零一四二 二零六", "贰零陆伍伍伍零壹肆贰",
    "صفر واحد اربعة اثنين خمسة خمسة خمسة", "صِفر واحِد أربَعة اثنان خمسة خمسة خمسة", "خمس خمس خمس صفر واحد أربع اثنين",
    "خمسة وخمسة وخمسة وصفر وواحد واربعة واثنين", "مئتان وستة خمسة وخمسون خمسة صفر واحد اثنان وأربعون",
])  # fmt: skip
def test_no_spelling_of_a_phone_number_is_kept(number: str) -> None:
    with pytest.raises(NoReason, match="Your reason seems to hold a phone number"):
        check_reason(f"Called {number} back.")
    assert remove_numbers(number) == "(a number)"


@pytest.mark.parametrize("words", [
    "Twenty-five of thirty-one campaigns, forty-two orders, two hundred people.",
    "Two officers agreed on five of seven.",
    "Order 26-mc-417 served 3 May 2026 at 14:05.", "11 CCR 7102 and 47 CFR 64.2010(f).", "Rows 100 to 200 of 1500.",
    "Double the five of two.", "Triple one.", "Uno o dos o tres.", "ثلاثون من خمسين شخصا وأربعون طلبا.",
    "Uno de los dos, y cinco de quince.", "Hai ba người gọi năm lần.", "一二三四五次。", "خمسة من سبعة أشخاص.",
])  # fmt: skip
def test_counts_dates_and_sections_may_stand_in_a_reason(words: str) -> None:
    assert check_reason(words) == words


def test_signs_that_turn_words_around_are_left_out() -> None:
    turned = "\u202eThey\u202c sold\u2066 it \u2069on."
    assert (check_reason(turned), remove_numbers(turned)) == ("They sold it on.", "They sold it on.")
    assert (
        check_reason("\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627")
        == "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627"
    )
