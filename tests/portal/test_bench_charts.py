"""What `bench --charts` draws: the numbers of a report and nothing else, whole in one file."""

import json
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command

from tests.conventions.catalogues import ROOT
from tools.bench import BENCHMARKS
from tools.bench.charts import READINGS, charts_of
from tools.bench.gateway import ASKER
from tools.bench.measure import BenchmarkFailed, Result
from tools.bench.orders import SENDER
from tools.bench.world import RECEIVER

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = ROOT / "docs" / "charts"


def report(*results: Result) -> dict[str, Any]:
    sizes = {"lines": 100_000, "disclosures": 2_000_000}
    return {"results": [{**one.as_json(), "sizes": sizes} for one in results]}


def test_a_value_stands_beside_its_ceiling() -> None:
    charts = charts_of(
        report=report(Result("gate", 3185, "requests/s", 6370), Result("history_growth", 32.04, "ms", 30))
    )
    assert list(charts) == ["gate.svg", "history_growth.svg"]
    gate = ElementTree.fromstring(charts["gate.svg"])
    assert [text.text for text in gate.iter(f"{SVG}text")] == [
        "Questions that the gate answers", "the gate", "3,185 requests/s", "one row read", "6,370 requests/s",
        "Ratio 0.50. Aimed at: 0.5 or more. 100,000 lines, 2,000,000 disclosures.",
    ]  # fmt: skip
    widths = {
        rect.get("class"): int(rect.get("width", "0")) for rect in gate.iter(f"{SVG}rect") if rect.get("y") != ".5"
    }
    assert widths == {"value": 149, "ceiling": 298}
    assert gate.get("role") == "img"
    assert gate.findtext(f"{SVG}title") == "Questions that the gate answers"
    assert gate.findtext(f"{SVG}desc") == (
        "the gate: 3,185 requests/s; one row read: 6,370 requests/s. The one is 0.50 times the other."
        " Aimed at: 0.5 or more."
    )
    assert "1.07" in charts["history_growth.svg"]
    for svg in charts.values():
        assert "prefers-color-scheme: dark" in svg
        assert not any(
            word in svg.replace("http://www.w3.org/2000/svg", "") for word in ("http", "<script", "href", "url(")
        )


def test_every_benchmark_is_read_in_words() -> None:
    assert set(READINGS) == set(BENCHMARKS)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"results": [{"name": "gate"}]},
     {"results": [{"name": "gate", "value": 1, "unit": "s", "ceiling": 1, "ratio": 1}]},
     {"results": [{"name": "../x", "value": 1, "unit": "s", "ceiling": 1, "ratio": 1, "sizes": {}}]},
     {"results": [{"name": "gate", "value": -1, "unit": "s", "ceiling": 1, "ratio": 1, "sizes": {}}]}],
)  # fmt: skip
def test_what_is_no_report_is_not_drawn(wrong: dict[str, Any]) -> None:
    with pytest.raises(BenchmarkFailed, match="no report"):
        charts_of(report=wrong)


def test_an_earlier_report_is_drawn_without_measuring(tmp_path: Path) -> None:
    source, out = tmp_path / "results.json", StringIO()
    source.write_text(json.dumps(report(Result("orders", 90, "orders/s", 120))))
    call_command("bench", source=str(source), charts=str(tmp_path / "charts"), stdout=out)
    assert (tmp_path / "charts" / "orders.svg").read_text() == charts_of(report=json.loads(source.read_text()))[
        "orders.svg"
    ]
    with pytest.raises(CommandError, match="say where to draw"):
        call_command("bench", source=str(source))


@pytest.mark.parametrize("content", ["{", '{"results": [1]}', '{"sizes": {}}'])
def test_a_file_that_holds_something_else_is_said_to_before_anything_is_measured(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.json"
    path.write_text(content)
    with pytest.raises(CommandError, match=r"notes\.json (can't be read|isn't a benchmark report)"):
        call_command("bench", "gate", json=str(path))
    assert path.read_text() == content


def test_the_guide_shows_what_its_results_say() -> None:
    results = json.loads((DRAWN / "results.json").read_text())
    drawn = charts_of(report=results)
    assert [one["name"] for one in results["results"]] == list(BENCHMARKS)
    for one in results["results"]:
        assert set(one) == {"name", "value", "unit", "ceiling", "ratio", "sizes", "machine"}, one["name"]
        assert one["ratio"] == pytest.approx(one["value"] / one["ceiling"], abs=1e-3)
        assert set(one["sizes"]) == {"lines", "disclosures"}
    assert {path.name: path.read_text() for path in DRAWN.glob("*.svg")} == drawn
    guide = (ROOT / "docs" / "explanation" / "performance.md").read_text()
    assert [name for name in drawn if f"(../charts/{name})" not in guide] == []


def test_each_program_that_a_benchmark_starts_is_there() -> None:
    for program in (SENDER, RECEIVER, ASKER):
        assert program.is_file(), program
