"""`manage.py size` computes from what was measured, and says what was not."""

import json
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.faults.programs import PROJECT
from tools.sizing import Figures, Need, NotMeasured, compute

GUIDE = PROJECT / "docs" / "guides" / "sizing.md"
REPORT = json.loads((PROJECT / "docs" / "charts" / "results.json").read_text())
# A machine on which every figure is easy to reckon with.
ROUND = Figures(cpus=2, gate=1000.0, releases=10_000.0, orders=1000.0, stops=20.0, release_bytes=200.0)
SECONDS_A_MONTH = 30 * 24 * 3600


@pytest.mark.no_database
def test_each_part_is_computed_from_its_own_figure() -> None:
    # At the peak 3,000 look-ups and 40 stops a second, and 80 orders.
    need = Need(
        lines=1_000_000, lookups_per_month=1000 * SECONDS_A_MONTH, stops_per_day=40 * 3600 * 4, months=24, partners=2
    )
    parts = {one.name: one for one in compute(need=need, measured=ROUND)}
    cores = {name: round(one.cores, 2) for name, one in parts.items()}
    # Twice of: 4 cores of stops, 6 of questions, 0.6 of releases, 0.16 of orders.
    assert cores == {
        "pages": 4.48, "gate": 6.0, "workers and imports": 1.88, "beat": 0.1, "PostgreSQL": 9.16, "Valkey": 0.5,
    }  # fmt: skip
    assert [parts[name].processes for name in ("pages", "gate", "workers and imports")] == [5, 6, 4]
    assert round(parts["PostgreSQL"].disk_gb) == round((1000 * SECONDS_A_MONTH * 200 * 24 + 8e9) * 1.3 / 1e9 + 20)


@pytest.mark.no_database
def test_what_was_not_measured_is_named_and_a_slow_machine_counts_for_less(tmp_path: Path) -> None:
    results = [one for one in REPORT["results"] if one["name"] not in {"orders", "stops"}]
    with pytest.raises(NotMeasured, match=r"^orders, stops$"):
        Figures.read({"results": results})
    (tmp_path / "mine.json").write_text(json.dumps({"results": results}))
    with pytest.raises(
        CommandError, match=r"mine\.json lacks orders, stops\. Run: manage\.py bench orders stops --json"
    ):
        size(1, 1, 1, json=tmp_path / "mine.json")
    (slow,) = (one | {"ratio": 2.0} for one in REPORT["results"] if one["name"] == "stops")
    ledger = {"name": "ledger_size", "value": 190.0}
    measured = Figures.read({"results": [*REPORT["results"], slow, ledger]})
    assert (round(measured.stops, 1), measured.release_bytes) == (13.9, 190.0)


@pytest.mark.no_database
def test_the_guide_s_table_is_what_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    guide = GUIDE.read_text()
    for column, asked in enumerate(
        [(10**6, 50 * 10**6, 20_000), (10**7, 3 * 10**8, 200_000), (10**8, 10**9, 5 * 10**6)]
    ):
        size(*asked)
        for line in capsys.readouterr().out.splitlines()[1:-1]:
            name, cores, memory, *_ = re.split(r" {2,}", line.strip())
            (row,) = re.findall(rf"^\| {name} \| (.*) \|$", guide, re.MULTILINE)
            assert row.split(" | ")[column].startswith(f"{cores} cores, {memory} GB"), name


def size(lines: int, lookups: int, stops: int, **more: object) -> None:
    call_command("size", lines=lines, lookups_per_month=lookups, stops_per_day=stops, months=24, **more)
