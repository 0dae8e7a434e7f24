"""What a line of a disclosures file must hold. No database."""

import json
from datetime import datetime

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


def test_good_lines() -> None:
    good: list[dict[str, object]] = [
        {"unknown_field": {"deep": [1, 2]}}, {"precision_m": 500.0}, {"suppressed_until": ""}, {"campaign": ""},
        {"campaign": None, "decision_id": None, "authority_ref": None, "suppressed_until": None}, {"precision_m": 0},
        {"id": "x" * 1000}, {"id": "😀 \u202e\u200b'; DROP TABLE disclosures_disclosure; --<script>"}, {"path": []},
        {"path": ["unknown"]}, {"occurred_at": "2026-11-24T00:00:00Z"}, {"occurred_at": "2026-11-24T05:30:00+05:30"},
        {"purpose": "not a dpv term"}, {"suppressed_until": "2199-01-01T00:00:00Z"},
        {"note": 'a "word"', "deep": {"id": 1}}, {"authority_ref": 'a"b'}, {"decision_id": "d"},
    ]  # fmt: skip
    for changes in good:
        assert read(release_row(**changes)) is None, changes


def test_every_required_field_is_missed_absent_or_null() -> None:
    row = release_row()
    required = set(row) - {"campaign"}
    for field in required:
        assert read({name: value for name, value in row.items() if name != field}) == (field, "missing")
        assert read(row | {field: None}) == (field, "missing")
    assert len(required) == 10


WRONG: dict[str, list[tuple[object, str]]] = {
    "id": [("", "missing"), ("x" * 1001, "too_long"), (7, "wrong_type"), ("a\u0000b", "nul")],
    "path": [(BRIDGE, "wrong_type"), (["a"] * 51, "too_long")],
    "precision_m": [
        (1.5, "wrong_type"), ("500", "wrong_type"), (True, "wrong_type"), (-1, "negative"), (-0.5, "negative"),
        (10**12, "too_large"),
    ],
    "basis": [("because", "not_allowed"), ("Approval", "not_allowed")],
    "outcome": [("lost", "not_allowed")],
    "msisdn": [(one, "not_e164") for one in (
        "2065550142", "+1 206 555 0142", "+0206555014", "+1206555０142", "+12065550142\n",
    )],
    "occurred_at": [
        *((one, "not_a_time") for one in (
            "yesterday", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00+0000",
            "2026-01-01T00:00:00+05:99", "2026-01-01T12:30:60Z",
        )),
        (1767225600, "wrong_type"), ("2026-11-24T00:00:00.000001Z", "in_future"),
        ("2026-11-23T23:59:59-00:01", "in_future"),
    ],
    "suppressed_until": [("soon", "not_a_time")],
}  # fmt: skip


def test_bad_lines() -> None:
    for field, values in WRONG.items():
        for value, reason in values:
            assert read(release_row(**{field: value})) == (field, reason), value
    assert read(release_row(path=[BRIDGE, 3])) == ("path[1]", "wrong_type")
    assert read(release_row(path=[BRIDGE, ""])) == ("path[1]", "missing")
    assert read(release_row(path=[BRIDGE, "\u0000"])) == ("path[1]", "nul")
    for blank in (" ", "\t\n", "\u00a0\u2003", "\u200b\u202e", "\u3164"):
        assert read(release_row(path=[BRIDGE, blank])) == ("path[1]", "missing"), ascii(blank)
        assert read(release_row(aggregator=blank)) == ("aggregator", "missing"), ascii(blank)
    assert read(release_row(path=[BRIDGE, "unknown", "?", "公司"])) is None


def test_what_is_no_json_object() -> None:
    content = json.dumps(release_row()).encode()
    for wrong, reason in (
        (b'{"id": "broken', "broken"), (b"[]", "broken"), (b"null", "broken"), (content + b" {}", "broken"),
        (b'{"id": NaN}', "broken"), (b'{"id": "\\ud800"}', "broken"), (b'{"id": "\xff"}', "not_utf8"),
        (b'{"id": "a\x00"}', "nul"),
    ):  # fmt: skip
        assert read(wrong) == ("", reason), wrong
    # A field we do not know may hold anything but what nests too deep.
    for levels, refused in ((30, None), (500, ("", "broken")), (90_000, ("", "broken"))):
        assert read(content[:-1] + b', "x":' + b"[" * levels + b"]" * levels + b"}") == refused, levels


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


def test_a_name_that_stands_twice_is_refused() -> None:
    """However it is written, and whatever else stands in the line: the quick reader must not take the last of two."""
    row = json.dumps(release_row())[:-1]
    for again, name in (
        ('"basis":"emergency"', "basis"), ('"b\\u0061sis":"network"', "basis"), ('"basis" : "approval"', "basis"),
        ('"path":[]', "path"), ('"precision_m":1', "precision_m"), ('"campaign":null', "campaign"),
        ('"note":1,"note":"2"', ""),
    ):  # fmt: skip
        for beside in ("", ',"remark":"so \\"called\\" news"'):
            assert read(f"{row},{again}{beside}}}".encode()) == (name, "twice"), again
