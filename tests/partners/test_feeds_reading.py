import io
from datetime import UTC, datetime
from itertools import product

import pytest

from partners.feeds import reading
from partners.feeds.checking import RowRefused, content_hash, instant, parse_msgspec_error
from partners.feeds.command import Progress
from partners.feeds.reading import NumberedLine, Record, blocks, csv_records, numbered_lines


def lines(content: bytes) -> list[NumberedLine]:
    return list(numbered_lines(io.BytesIO(content)))


def records(content: bytes) -> list[Record]:
    return list(csv_records(numbered_lines(io.BytesIO(content))))


def test_lines_keep_their_numbers_and_a_bad_one_spoils_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    found = lines(b"\xef\xbb\xbfone\r\n\r\n  \ntwo\nthree")
    assert found == [NumberedLine(1, b"one"), NumberedLine(4, b"two"), NumberedLine(5, b"three")]
    assert lines(b"good\nb\xffad\nn\x00ul\ngood\n") == [
        NumberedLine(1, b"good"), NumberedLine(2, b"b\xffad", "not_utf8"), NumberedLine(3, b"n\x00ul", "nul"),
        NumberedLine(4, b"good"),
    ]  # fmt: skip
    # One that is longer than any is swallowed, not kept.
    monkeypatch.setattr(reading, "LONGEST_LINE", 10)
    found = lines(b"x" * 10 + b"\n" + b"y" * 95 + b"\nshort\n")
    assert found == [NumberedLine(1, b"x" * 10), NumberedLine(2, b"", "too_long"), NumberedLine(3, b"short")]
    assert lines(b"one\n" + b"z" * 10) == [NumberedLine(1, b"one"), NumberedLine(2, b"z" * 10)]
    assert lines(b"one\n" + b"z" * 11) == [NumberedLine(1, b"one"), NumberedLine(2, b"", "too_long")]


def test_blocks_hold_the_lines_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 10)
    ends_of_file = (b"", b"\n", b"\n" + b"y" * 11, b"\n" + b"y" * 12, b"\n" + b"y" * 60)
    for size, at_once, end in product((1, 12, 1000), (1, 2, 100), ends_of_file):
        content = b"\xef\xbb\xbfone\r\n\n" + b"x" * 10 + b"\n" + b"z" * 11 + b"\n" + b"y" * 95 + b"\nshort\nlast" + end
        found = list(blocks(io.BytesIO(content), lines=at_once, size=size))
        ends = [0, *(block.ends_at for block in found)]
        assert ([block.starts_at for block in found], ends[-1]) == (ends[:-1], len(content)), (size, at_once, end)
        again = [line for block in found for line in numbered_lines(io.BytesIO(block.content), before=block.before)]
        assert again == lines(content), (size, at_once, end)
        assert all(len(block.content) <= size + 13 for block in found), (size, at_once, end)


def test_progress_hears_every_byte() -> None:
    heard: list[int] = []
    content = b"\xef\xbb\xbfone\r\n\n" + b"two"
    assert len(list(numbered_lines(io.BytesIO(content), seen=heard.append))) == 2
    assert sum(heard) == len(content)


def test_progress_tells_what_is_left_at_the_speed_of_this_run() -> None:
    out = io.StringIO()
    progress = Progress(total_bytes=1_000, out=out)
    progress.count_earlier_lines(lines=1_010, size=100)
    progress.say(progress.started)
    progress.read(300)
    progress.count_lines(20)
    progress.say(progress.started + 10)
    progress.reported -= 2
    progress.count_lines(0)
    progress.count_lines(1)
    progress.read(601)
    progress.say(progress.started + 10)
    said = out.getvalue().splitlines()
    assert said[:2] == ["1,010 lines, 0/s", "1,030 lines, 2/s, 40 %, 20 s left"]
    assert said[2].startswith("1,030 lines, ")
    assert said[3:] == ["1,031 lines, 2/s, 100 %, 0 s left"]


def test_csv_is_read_by_its_header_and_its_quotes() -> None:
    assert records(b'Line_ID , holder_name,spare\nL1,"Marsh, Ada ""the first""",\nL2,5" gauge,x\n') == [
        Record(2, {"line_id": "L1", "holder_name": 'Marsh, Ada "the first"'}),
        Record(3, {"line_id": "L2", "holder_name": '5" gauge', "spare": "x"}),
    ]
    found = records(b'a,b\n1,"two\nlines"\n2,x\n')
    assert found == [Record(2, {"a": "1", "b": "two\nlines"}), Record(4, {"a": "2", "b": "x"})]
    # A quote that is never closed spoils one line.
    found = records(b'a,b\n1,"open\n' + b"".join(b"%d,x\n" % n for n in range(2, 60)))
    assert found[0] == Record(2, {}, ("", "broken"))
    assert [record.values["a"] for record in found[1:]] == [str(n) for n in range(2, 60)]


def test_a_csv_line_that_is_wrong_is_refused_alone() -> None:
    found = records(b"a,b\n1,\xff\n2,x\n")
    assert found == [Record(2, {}, ("", "not_utf8")), Record(3, {"a": "2", "b": "x"})]
    # The header again is no record, and a doubled column must agree with itself.
    found = records(b"a,b,a\n1,x,1\na,b,a\n1,x,2\n")
    assert found == [Record(2, {"a": "1", "b": "x"}), Record(4, {}, ("a", "twice"))]
    # More fields than the header.
    found = records(b"a,b\n1,Marsh, Ada\n2,x,\n")
    assert found == [Record(2, {}, ("", "broken")), Record(3, {"a": "2", "b": "x"})]


def test_an_instant_is_what_it_means() -> None:
    new_year = datetime(2026, 1, 1, tzinfo=UTC)
    instants = {
        "2026-01-01T00:00:00Z": new_year, "2026-01-01t00:00:00z": new_year, "2026-01-01T05:45:00+05:45": new_year,
        "2025-12-31T18:30:00.250-05:30": new_year.replace(microsecond=250000),
        "2026-01-01T00:00:00.1234569Z": new_year.replace(microsecond=123456), "2026-01-01T00:00:00-00:00": new_year,
        "2016-12-31T23:59:60Z": datetime(2017, 1, 1, tzinfo=UTC),
        "2017-01-01T05:44:60.5+05:45": datetime(2017, 1, 1, 0, 0, 0, 500000, tzinfo=UTC),
    }  # fmt: skip
    assert {text: instant("at", text) for text in instants} == instants
    for text in (
        "2026-01-01T12:30:60Z", "2026-01-01T23:59:60+01:00", "2026-02-30T00:00:00Z", "2026-01-01T24:01:00Z",
        "0001-01-01T00:00:00+14:00",
    ):  # fmt: skip
        with pytest.raises(RowRefused) as refused:
            instant("at", text)
        assert (refused.value.field, refused.value.reason) == ("at", "not_a_time"), text


def test_content_is_compared_by_meaning() -> None:
    same = content_hash(instant("at", "2026-01-01T01:00:00+01:00"), None, ["a"], 0)
    assert same == content_hash(instant("at", "2026-01-01T00:00:00Z"), "", ["a"], 0)
    assert same != content_hash(instant("at", "2026-01-01T00:00:00Z"), "", ["a"], None)


def test_a_refusal_names_the_field_and_never_the_value() -> None:
    said = {
        "Object missing required field `path`": ("path", "missing"),
        "Expected `str`, got `null` - at `$.id`": ("id", "missing"),
        "Expected `str` of length >= 1 - at `$.path[2]`": ("path[2]", "missing"),
        "Expected `int`, got `float` - at `$.precision_m`": ("precision_m", "wrong_type"),
        "Expected `int` >= 0 - at `$.precision_m`": ("precision_m", "negative"),
        "Invalid enum value 'because' - at `$.basis`": ("basis", "not_allowed"),
        "Expected `object`, got `array`": ("", "broken"),
    }
    assert {message: parse_msgspec_error(message) for message in said} == said
