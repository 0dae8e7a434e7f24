"""A large file: several processes, killed at any point, begun again, twice at once."""

import io
import json
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest
from django.core.management import call_command

from disclosures.domain.ingest import chunks
from disclosures.domain.ingest.chunks import ChunkResult
from disclosures.feeds import importing
from disclosures.feeds.releases import DisclosuresFeed
from disclosures.models import Disclosure, DisclosureRegister, HeldDisclosure, ImportedChunk
from partners.feeds.worker_pool import ClaimTurn
from tests import forks
from tests.disclosures.cut_off import CHUNK
from tests.faults.programs import PROJECT, Programs
from tests.feeds import (
    BRIDGE,
    JAIL,
    ROAD,
    Row,
    approval_row,
    choice_row,
    line_row,
    ndjson,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
)
from tests.fixtures import empty_database
from tests.selection import drawn

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
LINES = 95


def a_world() -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    take_choices(choice_row(made_at="2025-07-19T00:00:00Z"))


def a_file(folder: Path) -> Path:
    """95 lines: in every ten a broken one and one of nobody's number; some repeat or contradict one far before them."""
    rows: list[Row] = [
        release_row(
            id=f"r{n}", path=[BRIDGE, ROAD, *([JAIL] * (n % 3 == 0))], occurred_at=f"2025-07-{n % 28 + 1:02}T00:00:00Z"
        )
        for n in range(LINES)
    ]
    for n in range(3, LINES, CHUNK):
        rows[n] = release_row(id=f"nobody{n}", msisdn="+12065559999")
    rows[44], rows[46], rows[48] = rows[2], rows[1] | {"precision_m": 1}, rows[13] | {"precision_m": 1}
    rows[88], rows[89] = rows[87] | {"precision_m": 2}, rows[41]
    lines = ndjson(rows).splitlines()
    for n in range(5, LINES, CHUNK):
        lines[n] = b'{"broken'
    (folder / "file").write_bytes(b"\n".join(lines))
    return folder / "file"


def chunk_starts(file: Path) -> list[int]:
    lines = file.read_bytes().splitlines(keepends=True)
    return [sum(map(len, lines[:n])) for n in range(0, len(lines), CHUNK)]


def what_stands() -> object:
    return (
        sorted(Disclosure.objects.values_list("source_id", "precision_m", "judgement")),
        sorted(DisclosureRegister.objects.values_list("id", "content_hash")),
        sorted(HeldDisclosure.objects.values_list("id", flat=True)),
    )


def run(
    folder: Path, point: str, offset: int, file: Path, workers: int, *, chunk: int = CHUNK
) -> subprocess.CompletedProcess[str]:
    """Import the file in a process group of its own."""
    environment = Programs(folder, web_port=1, broker_port=1).environment | {"CHUNK": str(chunk)}
    options = ("--json", "--workers", str(workers), "--rejects", str(folder / "rejects"))
    command = (sys.executable, "-m", "tests.disclosures.cut_off", point, str(offset), "import_disclosures", str(file))
    return forks.run([*command, *options], cwd=PROJECT, env=environment, start_new_session=True, timeout=120)


def resumed(stream: BinaryIO, file: Path) -> list[ChunkResult]:
    with importing.FileImport(file=chunks.fingerprint_file(file), workers=1) as again:
        return list(again.import_stream(stream=stream))


def counts(out: str) -> dict[str, object]:
    told: dict[str, object] = json.loads(next(line for line in out.splitlines() if line.startswith("{")))
    return told


def refused(folder: Path) -> list[tuple[int, str]]:
    told = [json.loads(line) for line in (folder / "rejects").read_text().splitlines()]
    return [(one["line"], one["reason"]) for one in told]


@pytest.fixture
def whole(tmp_path: Path) -> tuple[dict[str, object], list[tuple[int, str]], object]:
    """What the file comes to when one process takes it in at once: counts, refusals, what stands. And undone again."""
    a_world()
    out = io.StringIO()
    options = ("--json", "--rejects", str(tmp_path / "rejects"))
    call_command("import_disclosures", str(a_file(tmp_path)), *options, stdout=out, stderr=io.StringIO())
    told, reasons, stands = found = counts(out.getvalue()), refused(tmp_path), what_stands()
    assert (told["accepted"], told["repeated"], told["rejected"], bool(stands)) == (71, 2, 22, True)
    assert Counter(reason for _, reason in reasons) == {"broken": 9, "line_unknown": 10, "id_conflict": 3}
    empty_database()
    a_world()
    return found


type Whole = tuple[dict[str, object], list[tuple[int, str]], object]


@pytest.mark.parametrize(
    ("workers", "point"), [*drawn(((1, "within"), (3, "after"), (1, "after"), (3, "within")), of=4)]
)
def test_killed_and_begun_again_it_goes_on_where_it_was(whole: Whole, tmp_path: Path, point: str, workers: int) -> None:
    file = tmp_path / "file"
    at = chunk_starts(file)[4]
    killed = run(tmp_path, point, at, file, workers)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    noted = dict(ImportedChunk.objects.values_list("starts_at", "told__lines"))
    assert (at in noted) == (point == "after")
    # All before it where one works; where several do, the others' last may not have been committed yet.
    assert len(noted) >= (4 if workers == 1 else 1)
    assert 0 < Disclosure.objects.count() < 71
    again = run(tmp_path, "never", 0, file, workers)
    assert again.returncode == 0, again.stderr
    assert (counts(again.stdout), refused(tmp_path), what_stands()) == whole
    assert not ImportedChunk.objects.exists()
    once_more = counts(run(tmp_path, "never", 0, file, workers).stdout)
    assert (once_more["accepted"], once_more["repeated"], once_more["rejected"]) == (0, 73, 22)


def test_what_is_known_is_not_judged_again_what_changed_is(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    run(tmp_path, "within", chunk_starts(file)[6], file, 1)
    content, starts = bytearray(file.read_bytes()), chunk_starts(file)
    content[starts[1] : starts[2]] = bytes(content[starts[1] : starts[2]]).replace(b'"r1', b'"s1')
    monkeypatch.setattr(DisclosuresFeed, "chunk", CHUNK)
    taken: list[int] = []
    take = importing._take

    def seen(part: importing.Part, turn: ClaimTurn) -> ChunkResult:
        taken.append(part.block.starts_at)
        return take(part, turn)

    monkeypatch.setattr(importing, "_take", seen)
    found = resumed(io.BytesIO(content), file)
    assert taken == [starts[1], *starts[6:]]
    assert [one.before for one in found] == [True, False, True, True, True, True, *[False] * 4]
    assert sum((Counter(one.counts) for one in found), Counter[str]())["accepted"] == 71
    assert Disclosure.objects.filter(source_id__startswith="s1").count() == 8


def test_two_imports_at_once_take_each_row_once(whole: Whole, tmp_path: Path) -> None:
    file = tmp_path / "file"
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda folder: run(folder, "never", 0, file, 2), folders))
    assert [one.returncode for one in both] == [0, 0], [one.stderr for one in both]
    told = [counts(one.stdout) for one in both]
    assert sum(int(str(one["accepted"])) for one in told) == 71
    assert what_stands() == whole[2]
    assert not ImportedChunk.objects.exists()


def peak(folder: Path, chunks: int) -> int:
    """Of importing so many chunks of rows that are new, in bytes. Each row is long, so that to keep them would show."""
    file, size = folder / f"{chunks}", 500
    file.write_bytes(ndjson(
        release_row(id=f"{chunks} {n} {'x' * 800}", occurred_at=f"2025-07-{n % 28 + 1:02}T00:00:00Z")
        for n in range(chunks * size)
    ))  # fmt: skip
    done = run(folder, "never", 0, file, 1, chunk=size)
    assert done.returncode == 0, done.stderr
    assert counts(done.stdout)["accepted"] == chunks * size
    return int(done.stdout.splitlines()[-1]) * 1024


@pytest.mark.nightly
def test_four_times_the_file_takes_the_same_memory(tmp_path: Path) -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    small, large = peak(tmp_path, 6), peak(tmp_path, 24)
    grown = (tmp_path / "24").stat().st_size - (tmp_path / "6").stat().st_size
    assert grown > 10_000_000
    assert large - small < grown // 4
