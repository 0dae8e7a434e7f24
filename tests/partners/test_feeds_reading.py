import io
from datetime import UTC, datetime

import pytest

from partners.feeds import reading
from partners.feeds.checking import RowRefused, content_hash, instant, parse_msgspec_error
from partners.feeds.reading import NumberedLine, Record, blocks, csv_records, numbered_lines


def lines(content: bytes) -> list[NumberedLine]:
    return list(numbered_lines(io.BytesIO(content)))


def records(content: bytes) -> list[Record]:
    return list(csv_records(numbered_lines(io.BytesIO(content))))


def test_lines_keep_their_numbers_over_blank_ones_and_lose_bom_and_line_ends() -> None:
    assert lines(b"\xef\xbb\xbfone\r\n\r\n  \ntwo\nthree") == [
        NumberedLine(1, b"one"),
        NumberedLine(4, b"two"),
        NumberedLine(5, b"three"),
    ]


def test_a_bad_line_spoils_only_itself() -> None:
    assert lines(b"good\nb\xffad\nn\x00ul\ngood\n") == [
        NumberedLine(1, b"good"),
        NumberedLine(2, b"b\xffad", "not_utf8"),
        NumberedLine(3, b"n\x00ul", "nul"),
        NumberedLine(4, b"good"),
    ]


def test_a_line_longer_than_any_is_swallowed_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 10)
    assert lines(b"x" * 10 + b"\n" + b"y" * 95 + b"\nshort\n") == [
        NumberedLine(1, b"x" * 10),
        NumberedLine(2, b"", "too_long"),
        NumberedLine(3, b"short"),
    ]


@pytest.mark.parametrize("size", [1, 12, 1000])
@pytest.mark.parametrize("at_once", [1, 2, 100])
@pytest.mark.parametrize("end", [b"", b"\n", b"\n" + b"y" * 11, b"\n" + b"y" * 12, b"\n" + b"y" * 60])
def test_blocks_hold_the_lines_of_the_file(
    monkeypatch: pytest.MonkeyPatch, size: int, at_once: int, end: bytes
) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 10)
    content = b"\xef\xbb\xbfone\r\n\n" + b"x" * 10 + b"\n" + b"z" * 11 + b"\n" + b"y" * 95 + b"\nshort\nlast" + end
    found = list(blocks(io.BytesIO(content), lines=at_once, size=size))
    ends = [0, *(block.ends_at for block in found)]
    assert [block.starts_at for block in found] == ends[:-1]
    assert ends[-1] == len(content)
    again = [line for block in found for line in numbered_lines(io.BytesIO(block.content), before=block.before)]
    assert again == lines(content)
    assert all(len(block.content) <= size + 13 for block in found)


def test_progress_hears_every_byte() -> None:
    heard: list[int] = []
    content = b"\xef\xbb\xbfone\r\n\n" + b"two"
    assert len(list(numbered_lines(io.BytesIO(content), seen=heard.append))) == 2
    assert sum(heard) == len(content)


def test_csv_is_read_by_its_header_whatever_its_order_case_and_blanks() -> None:
    assert records(b'Line_ID , holder_name,spare\nL1,"Marsh, Ada ""the first""",\nL2,5" gauge,x\n') == [
        Record(2, {"line_id": "L1", "holder_name": 'Marsh, Ada "the first"'}),
        Record(3, {"line_id": "L2", "holder_name": '5" gauge', "spare": "x"}),
    ]


def test_a_quoted_field_may_hold_line_ends() -> None:
    assert records(b'a,b\n1,"two\nlines"\n2,x\n') == [
        Record(2, {"a": "1", "b": "two\nlines"}),
        Record(4, {"a": "2", "b": "x"}),
    ]


def test_a_quote_that_is_never_closed_spoils_one_line() -> None:
    content = b'a,b\n1,"open\n' + b"".join(b"%d,x\n" % n for n in range(2, 60))
    found = records(content)
    assert found[0] == Record(2, {}, ("", "broken"))
    assert [record.values["a"] for record in found[1:]] == [str(n) for n in range(2, 60)]


def test_the_header_again_is_no_record_and_a_doubled_column_must_agree_with_itself() -> None:
    assert records(b"a,b,a\n1,x,1\na,b,a\n1,x,2\n") == [
        Record(2, {"a": "1", "b": "x"}),
        Record(4, {}, ("a", "twice")),
    ]


def test_a_csv_line_that_is_no_text_is_refused_alone() -> None:
    assert records(b"a,b\n1,\xff\n2,x\n") == [Record(2, {}, ("", "not_utf8")), Record(3, {"a": "2", "b": "x"})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01t00:00:00z", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T05:45:00+05:45", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2025-12-31T18:30:00.250-05:30", datetime(2026, 1, 1, 0, 0, 0, 250000, tzinfo=UTC)),
        ("2026-01-01T00:00:00.1234569Z", datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)),
        ("2026-01-01T00:00:00-00:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2017-01-01T05:44:60.5+05:45", datetime(2017, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)),
    ],
)
def test_an_instant_is_what_it_means(text: str, expected: datetime) -> None:
    assert instant("at", text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T12:30:60Z",
        "2026-01-01T23:59:60+01:00",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:01:00Z",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_in_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(RowRefused) as refused:
        instant("at", text)
    assert (refused.value.field, refused.value.reason) == ("at", "not_a_time")


def test_content_is_compared_by_meaning() -> None:
    same = content_hash(instant("at", "2026-01-01T01:00:00+01:00"), None, ["a"], 0)
    assert same == content_hash(instant("at", "2026-01-01T00:00:00Z"), "", ["a"], 0)
    assert same != content_hash(instant("at", "2026-01-01T00:00:00Z"), "", ["a"], None)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Object missing required field `path`", ("path", "missing")),
        ("Expected `str`, got `null` - at `$.id`", ("id", "missing")),
        ("Expected `str` of length >= 1 - at `$.path[2]`", ("path[2]", "missing")),
        ("Expected `int`, got `float` - at `$.precision_m`", ("precision_m", "wrong_type")),
        ("Expected `int` >= 0 - at `$.precision_m`", ("precision_m", "negative")),
        ("Invalid enum value 'because' - at `$.basis`", ("basis", "not_allowed")),
        ("Expected `object`, got `array`", ("", "broken")),
    ],
)
def test_a_refusal_names_the_field_and_never_the_value(message: str, expected: tuple[str, str]) -> None:
    assert parse_msgspec_error(message) == expected


def test_a_csv_record_with_more_fields_than_the_header_is_broken() -> None:
    assert records(b"a,b\n1,Marsh, Ada\n2,x,\n") == [
        Record(2, {}, ("", "broken")),
        Record(3, {"a": "2", "b": "x"}),
    ]
