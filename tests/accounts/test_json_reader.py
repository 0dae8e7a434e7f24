"""JSON from outside is read within a depth and a size, and whatever is wrong with it is one error."""

import json
import time
from typing import Any

import msgspec
import pytest

from accounts.primitives.json_reader import (
    MAX_DEPTH,
    NOT_JSON,
    TOO_DEEP,
    Unreadable,
    WrongShape,
    decode_json,
    read_json,
)

SHAPE = msgspec.json.Decoder(dict[str, Any])


class Known(msgspec.Struct):
    a: int


OBJECT = msgspec.json.Decoder(Known)


def nested(levels: int, inner: str = "") -> bytes:
    """An object in which lists nest so deep that there are this many levels in all."""
    return f'{{"x": {"[" * (levels - 1)}{inner}{"]" * (levels - 1)}, "a": 1}}'.encode()


def test_json_may_nest_as_deep_as_the_limit() -> None:
    assert read_json(nested(MAX_DEPTH))["a"] == 1
    assert decode_json(nested(MAX_DEPTH), OBJECT).a == 1
    for levels in (MAX_DEPTH + 1, 900, 200_000):
        with pytest.raises(Unreadable, match=TOO_DEEP):
            read_json(nested(levels))
        with pytest.raises(Unreadable, match=TOO_DEEP):
            decode_json(nested(levels), OBJECT)


def test_json_may_be_as_long_as_the_limit() -> None:
    content = b'{"a": 1}'
    assert read_json(content, max_bytes=len(content)) == {"a": 1}
    with pytest.raises(Unreadable, match="At most 7 bytes are read"):
        read_json(content, max_bytes=len(content) - 1)


@pytest.mark.parametrize("text", ["]}", "[{", '\\"]', "\\\\", "}{]["], ids=range(5))
def test_brackets_inside_texts_do_not_count(text: str) -> None:
    content = json.dumps([{"text": text}] * 100).encode().replace(json.dumps(text).encode(), f'"{text}"'.encode())
    assert read_json(content)[99] == {"text": json.loads(f'"{text}"')}
    assert len(decode_json(content, msgspec.json.Decoder(list[dict[str, str]]))) == 100


def test_brackets_inside_texts_do_not_hide_how_deep_it_is() -> None:
    content = b'["]",' * 500 + b"1" + b"]" * 500
    with pytest.raises(Unreadable):
        read_json(content)
    content = b'{"x": ' + b'["]",' * 5000 + b"1" + b"]" * 5000 + b', "a": 1}'
    with pytest.raises(Unreadable):
        decode_json(content, OBJECT)


def test_what_is_no_json_is_told_as_that() -> None:
    nine = b"[" + b"9" * 5000 + b"]"
    for content in (
        b"", b"{", b"\xff", b'"\xff"', b"[NaN]", b"[1e999]", nine, b"\xef\xbb\xbf{}", b"\xff\xfe{\0}\0",
    ):  # fmt: skip
        with pytest.raises(Unreadable, match=NOT_JSON):
            read_json(content)


def test_what_is_too_large_is_not_parsed() -> None:
    with pytest.raises(Unreadable, match=r"At most 1,000 bytes are read\."):
        read_json(b"[" * 1001, max_bytes=1000)
    with pytest.raises(Unreadable, match=r"At most 1,000 bytes are read\."):
        decode_json(b"[" * 1001, SHAPE, max_bytes=1000)


def test_another_shape_is_told_with_its_place() -> None:
    with pytest.raises(WrongShape, match=r"Expected `int`, got `str` - at `\$.a`"):
        decode_json(b'{"a": "b"}', OBJECT)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"[{" * 40 + b'"\\' * 400_000, TOO_DEEP),
        (b"{" + b"".join(b'"a%d":0,' % n for n in range(200_000)) + b'"a199999":0}', "`a199999` is given twice"),
    ],
    ids=["a text without an end", "a name given twice at the end"],
)
def test_what_is_refused_takes_no_longer_to_read_than_what_is_taken(content: bytes, fault: str) -> None:
    began = time.process_time()
    with pytest.raises(Unreadable, match=fault):
        read_json(content)
    assert time.process_time() - began < 5


TWICE = (
    '{"a": 1, "a": 1}', '{"a": 1, "x": {"b": 1, "b": 2}}', '{"a": 1, "x": [{"b": 1, "c": [], "b" : 2}]}',
    '{"a": 1, "\\u0061": 2}', '{"a": 1, "x": "\\u0022:", "a": 2}', '{"a": 1,"x": {"b"\t:1,"b"\n:2}}',
    '{"a": 1, ":b": 1, ":b": 2}', '{"a": 1, "": 1, "": 2}', '{"a": 1, "é": 1, "\\u00e9": 2}',
    '{"a": 1, "x": ":", "y": "\\":", "y": 1}',
)  # fmt: skip
ONCE = (
    '{"a": 1, "x": {"a": 1}, "y": [{"a": 1}, {"a": 2}]}', '{"a": 1, "x": ":", "y": "\\":", "z": "a\\\\"}',
    '{"a": 1, ":": {":": ":"}, "b" :1,"c"\t:"  :"}', '{"a": 1, "A": 2, "e\\u0301": 1, "\\u00e9": 2}',
)  # fmt: skip


@pytest.mark.parametrize("text", TWICE)
def test_no_object_gives_a_name_twice(text: str) -> None:
    with pytest.raises(Unreadable, match="is given twice in one object"):
        read_json(text)
    with pytest.raises(Unreadable, match="is given twice in one object"):
        decode_json(text.encode(), OBJECT)
    assert decode_json(text.encode(), OBJECT, takes_twice=True).a in {1, 2}


@pytest.mark.parametrize("text", ONCE)
def test_a_name_may_stand_in_many_objects_and_texts(text: str) -> None:
    assert read_json(text)["a"] == decode_json(text.encode(), OBJECT).a == 1
