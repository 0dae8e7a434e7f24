"""Numbers as people type them."""

import pytest

from accounts.primitives import numbers


def test_every_way_of_typing_is_one_number() -> None:
    for typed in (
        "(206) 555-0142", "206.555.0142", "206 555 0142", "1-206-555-0142", "+1 206 555 0142", " +12065550142 ",
    ):  # fmt: skip
        assert numbers.normalise_number(typed) == "+12065550142"
    for typed in ("", "555", "hello", "+1 206 555 0142 ext. 3", "2" * 41, "٢٠٦"):
        with pytest.raises(numbers.NotANumber):
            numbers.normalise_number(typed)


def test_numbers_are_shown_as_people_write_them() -> None:
    assert numbers.format_phone_number("+12065550142") == "(206) 555-0142"
    assert numbers.format_phone_number("+442079460958") == "+44 20 7946 0958"
