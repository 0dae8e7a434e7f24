"""An import takes as much memory for a large file as for a small one."""

import sys
from pathlib import Path

import pytest

from tests import forks
from tests.disclosures.memory import CHUNK
from tests.faults.programs import PROJECT, Programs
from tests.feeds import approval_row, line_row, ndjson, release_row, take_approvals, take_lines, take_parties

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
KILOBYTES = 1024


def peak(folder: Path, chunks: int) -> int:
    """Of importing so many chunks of rows that are new, in bytes. Each row is long, so that to keep them would show."""
    file = folder / f"{chunks}"
    rows = (
        release_row(id=f"{chunks} {n} {'x' * 800}", occurred_at=f"2025-07-{n % 28 + 1:02}T00:00:00Z")
        for n in range(chunks * CHUNK)
    )
    file.write_bytes(ndjson(rows))
    command = (sys.executable, "-m", "tests.disclosures.memory", "import_disclosures", str(file), "--workers", "1")
    environment = Programs(folder, web_port=1, broker_port=1).environment
    done = forks.run([*command, "--json"], cwd=PROJECT, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert f'"accepted": {chunks * CHUNK}' in done.stdout
    return int(done.stdout.splitlines()[-1]) * KILOBYTES


@pytest.mark.nightly
def test_four_times_the_file_takes_the_same_memory(tmp_path: Path) -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    small, large = peak(tmp_path, 6), peak(tmp_path, 24)
    grown = (tmp_path / "24").stat().st_size - (tmp_path / "6").stat().st_size
    assert grown > 10_000_000
    assert large - small < grown // 4
