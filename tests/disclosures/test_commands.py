"""The commands as a carrier's operator runs them."""

import io
import json
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Line
from audit.models import AuditEvent
from disclosures.feeds.releases import DisclosuresFeed
from disclosures.models import Disclosure
from revocations.models import Order, State
from tests.feeds import (
    BRIDGE,
    JAIL,
    ROAD,
    approval_row,
    choice_row,
    line_row,
    moment,
    ndjson,
    parties_document,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
)
from tests.orders import bring_to
from tests.selection import drawn

pytestmark = pytest.mark.usefixtures("db")


def run(name: str, *args: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(name, *args, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def counts(name: str, *args: str) -> dict[str, object]:
    out, _ = run(name, *args, "--json")
    found: dict[str, object] = json.loads(out.splitlines()[-1])
    return found


def test_what_is_refused_is_told_by_line_field_and_reason(tmp_path: Path) -> None:
    take_lines(line_row())
    file = tmp_path / "choices"
    refused = [choice_row(id="d", msisdn="1"), choice_row(id="e", kind="?"), choice_row(id="f", kind="?")]
    file.write_bytes(ndjson([choice_row(id="c"), *refused]))
    said = [run("import_choices", str(file), "--rejects", str(tmp_path / name))[0] for name in ("r.csv", "r")]
    assert said[0].splitlines() == [
        "accepted 1", "repeated 0", "rejected 3", "file stops pierced 0", "  refused: kind not_allowed 2",
        "  refused: msisdn not_e164 1",
    ]  # fmt: skip
    assert (tmp_path / "r.csv").read_text().splitlines() == [
        "line,field,reason", "2,msisdn,not_e164", "3,kind,not_allowed", "4,kind,not_allowed",
    ]  # fmt: skip
    assert [json.loads(line) for line in (tmp_path / "r").read_text().splitlines()] == [
        {"line": 2, "field": "msisdn", "reason": "not_e164"}, {"line": 3, "field": "kind", "reason": "not_allowed"},
        {"line": 4, "field": "kind", "reason": "not_allowed"},
    ]  # fmt: skip
    assert [one.detail for one in AuditEvent.objects.filter(action="import.choices").order_by("id")] == [
        {"accepted": 1, "rejected": 3, "repeated": 0}, {"accepted": 0, "rejected": 3, "repeated": 1},
    ]  # fmt: skip
    # Also by what is read line by line.
    file.write_bytes(ndjson([{"disclosure_id": "nobody's", "suppressed_until": None}]))
    out, _ = run("import_notices", str(file), "--rejects", str(tmp_path / "r"))
    assert json.loads((tmp_path / "r").read_text())["reason"] == "disclosure_unknown"
    assert out.splitlines()[2:] == ["rejected 1", "  refused: disclosure_id disclosure_unknown 1"]


def test_five_files_and_again(tmp_path: Path) -> None:
    files = {
        "lines": ndjson([line_row()]),
        "parties": json.dumps(parties_document(), indent=1).encode(),
        "approvals": ndjson([approval_row(id="a")]),
        "choices": ndjson([choice_row(id="c", scope="campaign", ref="CMP-track")]),
        "disclosures": ndjson(
            [release_row(id="r"), release_row(id="s", precision_m=5), release_row(id="n", campaign=None)]
        ),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    first = {name: counts(f"import_{name}", str(tmp_path / name)) for name in files}
    again = {name: counts(f"import_{name}", str(tmp_path / name)) for name in files}
    none = {"rejected": 0, "judged": {}}
    assert first == {
        "lines": {"accepted": 1, "repeated": 0, **none, "file_stops_pierced": 0},
        "parties": {
            "accepted": 9, "repeated": 0, **none, "file_stops_pierced": 0, "addresses_refused": 4,
            "addresses_not_looked_up": 0,
        },
        "approvals": {"accepted": 1, "repeated": 0, **none, "file_stops_pierced": 0},
        "choices": {"accepted": 1, "repeated": 0, **none, "file_stops_pierced": 0},
        "disclosures": {
            "accepted": 3, "repeated": 0, "rejected": 0,
            "judged": {"no_approval": 1, "permitted": 1, "precision_exceeded": 1}, "paths_completed": 0,
        },
    }  # fmt: skip
    assert [(told["accepted"], told["repeated"], told["judged"]) for told in again.values()] == [
        (0, n, {}) for n in (1, 9, 1, 1, 3)
    ]
    assert AuditEvent.objects.filter(action="import.disclosures").count() == 2


def test_chunks_rejects_and_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DisclosuresFeed, "chunk", 2)
    take_lines(line_row())
    marker = "secret-text"
    content = (
        ndjson([release_row(id=f"r{n}") for n in range(5)])
        + b'{"id": "broken\n\n'
        + ndjson([release_row(basis=marker), release_row(msisdn="+12065559999")])
    )
    (tmp_path / "d").write_bytes(content)
    for name in ("rejects.ndjson", "rejects.csv"):
        out, err = run("import_disclosures", str(tmp_path / "d"), "--rejects", str(tmp_path / name))
        assert marker not in out + err + (tmp_path / name).read_text()
        assert "8 lines" in err
    assert [json.loads(line) for line in (tmp_path / "rejects.ndjson").read_text().splitlines()] == [
        {"line": 6, "field": "", "reason": "broken"},
        {"line": 8, "field": "basis", "reason": "not_allowed"},
        {"line": 9, "field": "msisdn", "reason": "line_unknown"},
    ]
    rejects = ["line,field,reason", "6,,broken", "8,basis,not_allowed", "9,msisdn,line_unknown"]
    assert (tmp_path / "rejects.csv").read_text().splitlines() == rejects
    assert Disclosure.objects.count() == 5


def test_standard_input_and_empty_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(ndjson([line_row()]))))
    assert counts("import_lines", "-")["accepted"] == 1
    (tmp_path / "empty").write_bytes(b"")
    for name in ("lines", "approvals", "choices", "disclosures", "notices"):
        assert counts(f"import_{name}", str(tmp_path / "empty"))["rejected"] == 0


def test_what_cannot_be_read_ends_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"^/nowhere/at/all: No such file or directory$"):
        run("import_lines", "/nowhere/at/all")
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    for name in ("lines", "approvals", "choices", "disclosures", "notices"):
        with pytest.raises(CommandError, match=r"/picture: none of the 3 lines can be read$"):
            run(f"import_{name}", str(tmp_path / "picture"))
    (tmp_path / "p").write_bytes(b"[1, 2")
    with pytest.raises(CommandError, match=r"the file is not JSON$"):
        run("import_parties", str(tmp_path / "p"))
    with pytest.raises(CommandError, match=r"^no line has this id$"):
        run("export_line", "L404")


def test_an_export_holds_its_line_s_own_time_alone(tmp_path: Path) -> None:
    take_parties()
    take_lines(
        line_row(line_id="L1", deactivated_at="2025-07-15T00:00:00Z"),
        line_row(line_id="L2", activated_at="2025-08-01T00:00:00Z"),
    )
    take_approvals(approval_row(id="yes"))
    take_choices(
        choice_row(id="before", scope="party", ref=ROAD, made_at="2025-05-01T00:00:00Z"),
        choice_row(
            id="after", kind="pause", scope="party", ref=JAIL, made_at="2025-06-01T00:00:00Z",
            until="2025-06-03T00:00:00Z",
        ),
    )  # fmt: skip
    take_releases(
        release_row(id="mine"),
        release_row(id="refused", outcome="refused"),
        release_row(id="911", basis="emergency", path=[BRIDGE], occurred_at="2025-06-15T00:00:00+02:00"),
        release_row(id="gagged", basis="legal_process", suppressed_until="2190-01-01T00:00:00Z"),
        release_row(id="told later", basis="legal_process", path=[BRIDGE, JAIL]),
        release_row(id="theirs", occurred_at="2025-08-02T00:00:00Z"),
    )
    take_notices(
        {"disclosure_id": "told later", "suppressed_until": None, "order_ref": "o"},
        {"disclosure_id": "told later", "suppressed_until": "2026-01-01T00:00:00Z", "order_ref": "o"},
    )
    days = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    bring_to(State.ACKNOWLEDGED, Order.objects.all(), sent_at=moment(days[0]), acknowledged_at=moment(days[1]))
    out, _ = run("export_line", "L1", "--reason", "subscriber asked")
    export = json.loads(out)
    assert {(row["sent_at"], row["acknowledged_at"], row["completed_at"]) for row in export["orders"]} == {
        (*days, None)
    }
    assert list(export) == ["line", "choices", "approvals", "disclosures", "orders", "access_log"]
    assert {row["id"]: (row["judgement"], row["told_later"]) for row in export["disclosures"]} == {
        "mine": ("permitted", False),
        "refused": ("refused", False),
        "911": ("emergency", False),
        "told later": ("legal_process", True),
    }
    assert next(row for row in export["disclosures"] if row["id"] == "911")["occurred_at"] == "2025-06-14T22:00:00Z"
    said = ("Find me when I call. Reply YES.", "ev-1")
    assert [(row["id"], row["wording"], row["evidence_ref"]) for row in export["approvals"]] == [("yes", *said)]
    assert [(row["ref"], row["until"]) for row in export["choices"]] == [(JAIL, "2025-06-03T00:00:00Z"), (ROAD, None)]
    assert export["line"]["numbers"][0]["until"] == "2025-07-15T00:00:00Z"
    assert export["access_log"][0]["action"] == "line.exported"
    assert export["access_log"][0]["reason"] == "subscriber asked"
    run("export_line", "L2", "--out", str(tmp_path / "out.json"), "--reason", "Due")
    assert [row["id"] for row in json.loads((tmp_path / "out.json").read_text())["disclosures"]] == ["theirs"]
    logged = AuditEvent.objects.filter(action="line.exported").values_list("line_id", flat=True)
    assert set(logged) == set(Line.objects.values_list("pk", flat=True))


PIERCING = {
    "lines": ndjson([line_row()]),
    "parties": json.dumps(parties_document()).encode(),
    "approvals": ndjson([approval_row(id="a", captured_at="2025-09-01T00:00:00Z")]),
    "choices": ndjson([choice_row(id="c1"), choice_row(id="c2", scope="party", ref=ROAD)]),
}


@pytest.mark.parametrize("order", [*drawn(permutations(PIERCING), of=6)])
def test_pierced_stops_are_counted_once_in_any_order(tmp_path: Path, order: tuple[str, ...]) -> None:
    told = []
    for name in (*order, *order):
        (tmp_path / name).write_bytes(PIERCING[name])
        told.append(counts(f"import_{name}", str(tmp_path / name))["file_stops_pierced"])
    assert told == [0, 0, 0, 2, 0, 0, 0, 0]
