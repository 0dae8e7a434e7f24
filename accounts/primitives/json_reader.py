"""Read JSON that others wrote: within a size and a depth, with one error for whatever is wrong with it.

Every door that takes JSON from outside reads it here, whatever else it checks afterwards: bodies of requests, what is
inside signed tokens, answers of partners and of sign-in providers, carrier files. A parser follows nesting by recursion
and fails somewhere between some hundred and a thousand levels, depending on who called it. Nothing that is sent to us
nests deeper than `MAX_DEPTH`. An object that gives a name twice says two things, and every parser hears another one.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Never

import msgspec

MAX_DEPTH = 32
MAX_BYTES = 8_000_000
NOT_JSON = "The body is not JSON."
# The one way to write it in JSON.
NUL = rb"\u0000"
TOO_DEEP = f"The JSON nests more than {MAX_DEPTH} levels deep."
NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
ALIKE = bytes.maketrans(b"{}", b"[]")
# Before a colon there may be space, which nobody writes.
GAPS = (b" :", b"\t:", b"\n:", b"\r:")
LONGEST_NAME = 100
# What has no end is taken to the end of all, at once: looked for from each of its quotes, it would take hours.
STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)

type Pairs = list[tuple[str, Any]]


_decode, _encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode


class Unreadable(ValueError):
    """This is not JSON, or is too large or too deep. The message is fit for the sender to read."""


class WrongShape(Unreadable):
    """This is JSON, but not of the shape that is taken here. The message says where."""


def decode_json[T](
    content: bytes,
    decoder: msgspec.json.Decoder[T],
    *,
    max_bytes: int = MAX_BYTES,
    takes_nul: bool = False,
    takes_twice: bool = False,
) -> T:
    """Decode JSON into the decoder's shape. Raises Unreadable, WrongShape.

    No text of it may hold a NUL, which the database can't keep, unless it `takes_nul`: whoever asks removes it. Nor may
    an object give a name twice, unless it `takes_twice`: whoever asks looks for that.
    """
    # A shape has an end: what nests beyond it is only skipped, so that brackets inside texts may hide how deep it is.
    _check_bounds(content, max_bytes, exactly=False)
    try:
        decoded = decoder.decode(content)
    except msgspec.ValidationError as error:
        raise WrongShape(str(error)) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(NOT_JSON) from error
    if NUL in content and not takes_nul:
        _refuse_nul(decoded)
    if not takes_twice and may_repeat_names(content):
        read_json(content, max_bytes=max_bytes)
    return decoded


def prepare_shapes() -> None:
    """Work out every shape before threads share it. Call it once all modules that define shapes are imported.

    msgspec works a shape out when something is first read as it. A second thread that reads it meanwhile finds half of
    it, and the process ends with a segmentation fault.
    """
    known: list[type[msgspec.Struct]] = [msgspec.Struct]
    for shape in known:
        known.extend(shape.__subclasses__())
        with suppress(TypeError):  # one that is only written can't be read
            msgspec.json.Decoder(shape)


def may_repeat_names(content: bytes) -> bool:
    """Whether a name may be given twice: what a parser keeps has fewer ends of names, or the ends can't be counted.

    Where nothing is escaped, each name ends in a quote and a colon. What else looks so stands in a text, and is kept.
    """
    if b"\\" in content or any(gap in content for gap in GAPS):
        return True
    try:
        kept = _encode(_decode(content))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return True
    return content.count(b'":') != kept.count(b'":')


def _refuse_nul(decoded: object) -> None:
    for place, text in _texts(decoded, "$"):
        if "\0" in text:
            raise WrongShape(f"Expected a text without NUL - at `{place}`")


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Each text in what was decoded, names too, with where it stands."""
    if isinstance(value, str):
        yield place, value
    for part, where in _parts(value, place):
        yield from _texts(part, where)


def _parts(value: object, place: str) -> list[tuple[object, str]]:
    if isinstance(value, msgspec.Struct):
        fields = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        return [(getattr(value, name), f"{place}.{written}") for name, written in fields]
    if isinstance(value, dict):
        return [(part, place) for part in (*value, *value.values())]
    return [(part, f"{place}[{n}]") for n, part in enumerate(value)] if isinstance(value, list | tuple) else []


def build_object(pairs: Pairs) -> dict[str, Any]:
    """Make an object of its names and values. Raises Unreadable where a name is given twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        given = Counter(name for name, _ in pairs)
        twice = next(name for name, times in given.items() if times > 1)
        raise Unreadable(f"`{twice[:LONGEST_NAME]}` is given twice in one object.")
    return found


def read_json(content: bytes | str, *, max_bytes: int = MAX_BYTES, pairs: Callable[[Pairs], Any] = build_object) -> Any:
    """Parse any JSON (RFC 8259: UTF-8, no NaN, no infinite number). Raises Unreadable.

    pairs: makes an object of its names and values, in order.
    """
    encoded = content.encode(errors="surrogatepass") if isinstance(content, str) else content
    _check_bounds(encoded, max_bytes, exactly=True)
    try:
        return json.loads(
            encoded.decode(), object_pairs_hook=pairs, parse_constant=_refuse_constant, parse_float=_finite
        )
    except Unreadable:
        raise
    except (ValueError, RecursionError) as error:
        raise Unreadable(NOT_JSON) from error


def _check_bounds(content: bytes, max_bytes: int, *, exactly: bool) -> None:
    if len(content) > max_bytes:
        raise Unreadable(f"At most {max_bytes:,} bytes are read.")
    if _nests_too_deep(content, exactly=exactly):
        raise Unreadable(TOO_DEEP)


def _nests_too_deep(content: bytes, *, exactly: bool) -> bool:
    """Whether brackets nest deeper than they may. What is no JSON at all may count as too deep."""
    if content.count(b"{") + content.count(b"[") <= MAX_DEPTH:
        return False
    brackets = content.translate(ALIKE, NOT_BRACKETS)
    if not exactly and not _strip_nested_pairs(brackets):
        return False
    return bool(_strip_nested_pairs(STRING.sub(b"", content).translate(ALIKE, NOT_BRACKETS)))


def _strip_nested_pairs(brackets: bytes) -> bytes:
    """What is left of brackets when the innermost pairs are taken out as often as they may nest."""
    for _ in range(MAX_DEPTH):
        if not brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    return brackets


def _refuse_constant(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_constant(text)
