"""What a line of a disclosures file must hold. No database."""

import json
from datetime import datetime

import pytest

from disclosures.feeds.releases import row_in
from partners.feeds.checking import RowRefused
from partners.feeds.reading import NumberedLine, problem_of
from tests.feeds import BRIDGE, moment, release_row

NOW = moment("2026-11-24T00:00:00Z")


def read(row: object) -> tuple[str, str] | None:
    content = row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode()
    try:
        row_in(NumberedLine(1, content, problem_of(content)), at=NOW)
    except RowRefused as refused:
        return refused.field, refused.reason
    return None


@pytest.mark.parametrize(
    "changes",
    [
        {"unknown_field": {"deep": [1, 2]}},
        {"precision_m": 500.0},
        {"suppressed_until": ""},
        {"campaign": None, "decision_id": None, "authority_ref": None, "suppressed_until": None},
        {"campaign": ""},
        {"precision_m": 0},
        {"id": "x" * 1000},
        {"id": "😀 \u202e\u200b'; DROP TABLE disclosures_disclosure; --<script>"},
        {"path": []},
        {"path": ["unknown"]},
        {"occurred_at": "2026-11-24T00:00:00Z"},
        {"occurred_at": "2026-11-24T05:30:00+05:30"},
        {"purpose": "not a dpv term"},
        {"suppressed_until": "2199-01-01T00:00:00Z"},
    ],
)
def test_good_lines(changes: dict[str, object]) -> None:
    assert read(release_row(**changes)) is None


@pytest.mark.parametrize("field", [
    "id", "occurred_at", "msisdn", "aggregator", "path", "purpose", "scope", "precision_m", "basis", "outcome",
])  # fmt: skip
def test_every_required_field_is_missed_where_it_is_absent_or_null(field: str) -> None:
    without = {name: value for name, value in release_row().items() if name != field}
    assert read(without) == (field, "missing")
    assert read(release_row(**{field: None})) == (field, "missing")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": ""}, ("id", "missing")),
        ({"id": "x" * 1001}, ("id", "too_long")),
        ({"id": 7}, ("id", "wrong_type")),
        ({"id": "a\u0000b"}, ("id", "nul")),
        ({"path": ["a", "\u0000"]}, ("path", "nul")),
        ({"path": BRIDGE}, ("path", "wrong_type")),
        ({"path": [BRIDGE, 3]}, ("path[1]", "wrong_type")),
        ({"path": [BRIDGE, ""]}, ("path[1]", "missing")),
        ({"path": ["a"] * 51}, ("path", "too_long")),
        ({"precision_m": 1.5}, ("precision_m", "wrong_type")),
        ({"precision_m": "500"}, ("precision_m", "wrong_type")),
        ({"precision_m": True}, ("precision_m", "wrong_type")),
        ({"precision_m": -1}, ("precision_m", "negative")),
        ({"precision_m": 10**12}, ("precision_m", "too_large")),
        ({"basis": "because"}, ("basis", "not_allowed")),
        ({"basis": "Approval"}, ("basis", "not_allowed")),
        ({"outcome": "lost"}, ("outcome", "not_allowed")),
        ({"msisdn": "2065550142"}, ("msisdn", "not_e164")),
        ({"msisdn": "+1 206 555 0142"}, ("msisdn", "not_e164")),
        ({"msisdn": "+0206555014"}, ("msisdn", "not_e164")),
        ({"msisdn": "+1206555０142"}, ("msisdn", "not_e164")),
        ({"msisdn": "+12065550142\n"}, ("msisdn", "not_e164")),
        ({"occurred_at": "yesterday"}, ("occurred_at", "not_a_time")),
        ({"occurred_at": "2026-01-01"}, ("occurred_at", "not_a_time")),
        ({"occurred_at": "2026-01-01T00:00:00"}, ("occurred_at", "not_a_time")),
        ({"occurred_at": "2026-01-01 00:00:00Z"}, ("occurred_at", "not_a_time")),
        ({"occurred_at": "2026-01-01T00:00:00+0000"}, ("occurred_at", "not_a_time")),
        ({"occurred_at": "2026-01-01T00:00:00+05:99"}, ("occurred_at", "not_a_time")),
        ({"occurred_at": "2026-01-01T12:30:60Z"}, ("occurred_at", "not_a_time")),
        ({"precision_m": -0.5}, ("precision_m", "negative")),
        ({"occurred_at": 1767225600}, ("occurred_at", "wrong_type")),
        ({"occurred_at": "2026-11-24T00:00:00.000001Z"}, ("occurred_at", "in_future")),
        ({"occurred_at": "2026-11-23T23:59:59-00:01"}, ("occurred_at", "in_future")),
        ({"suppressed_until": "soon"}, ("suppressed_until", "not_a_time")),
    ],
)
def test_bad_lines(changes: dict[str, object], reason: tuple[str, str]) -> None:
    assert read(release_row(**changes)) == reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"id": "broken', "broken"),
        (b"[]", "broken"),
        (b"null", "broken"),
        (json.dumps(release_row()).encode() + b" {}", "broken"),
        (b'{"id": NaN}', "broken"),
        (b'{"id": "\\ud800"}', "broken"),
        (b'{"id": "\xff"}', "not_utf8"),
        (b'{"id": "a\x00"}', "nul"),
    ],
)
def test_what_is_no_json_object(content: bytes, reason: str) -> None:
    assert read(content) == ("", reason)


def test_a_field_we_do_not_know_may_hold_anything_but_what_nests_too_deep() -> None:
    content = json.dumps(release_row()).encode()
    assert read(content[:-1] + b', "x":' + b"[" * 30 + b"]" * 30 + b"}") is None
    for levels in (500, 90_000):
        assert read(content[:-1] + b', "x":' + b"[" * levels + b"]" * levels + b"}") == ("", "broken")


def test_meaning_is_kept_apart_from_writing() -> None:
    def content(**changes: object) -> bytes:
        line = NumberedLine(1, json.dumps(dict(reversed((release_row(id="a") | changes).items()))).encode())
        return row_in(line, at=NOW).content

    same = content()
    assert content(occurred_at="2025-07-01T14:00:00.000+02:00") == same
    assert content(extra=1, decision_id=None) == same
    assert content(precision_m=501) != same
    assert content(path=[BRIDGE]) != same
    assert content(msisdn="+12065550143") != same
    assert isinstance(NOW, datetime)


# However a name is written, and whatever else stands in the line: the quick reader must not take the last of two.
@pytest.mark.parametrize(
    ("again", "name"),
    [
        ('"basis":"emergency"', "basis"),
        ('"b\\u0061sis":"network"', "basis"),
        ('"basis" : "approval"', "basis"),
        ('"path":[]', "path"),
        ('"precision_m":1', "precision_m"),
        ('"campaign":null', "campaign"),
        ('"note":1,"note":"2"', ""),
    ],
)
@pytest.mark.parametrize("beside", ["", ',"remark":"so \\"called\\" news"'])
def test_a_name_that_stands_twice_is_refused(again: str, name: str, beside: str) -> None:
    assert read(f"{json.dumps(release_row())[:-1]},{again}{beside}}}".encode()) == (name, "twice")


@pytest.mark.parametrize(
    "more",
    [{"note": 'a "word"', "deep": {"id": 1}}, {"campaign": None}, {"authority_ref": 'a"b'}, {"decision_id": "d"}],
)
def test_what_stands_once_is_taken_whatever_stands_beside_it(more: dict[str, object]) -> None:
    assert read(release_row(**more)) is None
