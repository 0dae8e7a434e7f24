"""A synchronous standby that took over lacks nothing: a comparison alone opens the gate, once the cluster says so."""

from pathlib import Path

import pytest
from django.db import ProgrammingError, connections
from pytest_django import Settings

from consent.gate.deciding import ANOTHER, NOT_LOOKED, Opening, read_opening
from consent.workers import archive_comparison

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
# What the row of the gate says of the server that it was opened on: system, timeline, database, table.
TIMELINE = "lpad(upper(to_hex(('x' || split_part(consent_incarnation(), '/', 2))::bit(32)::bigint + %d)), 8, '0')"
PROMOTED, TWICE, YOUNGER = (f"regexp_replace(incarnation, '/[^/]+', '/' || {TIMELINE % by})" for by in (-1, -2, 1))
ANOTHERS_FILES = f"regexp_replace({PROMOTED}, '^[^/]+', '1')"


@pytest.fixture(autouse=True)
def _outside(settings: Settings, tmp_path: Path) -> None:
    settings.STOP_ARCHIVE_DIR = tmp_path / "stop-archive"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"


def as_owner(statement: str) -> bool:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)
        return bool(cursor.description and cursor.fetchone() == (True,))


def takes_over() -> bool:
    return as_owner("SELECT consent_gate_took_over()")


def opened_elsewhere(incarnation: str) -> None:
    as_owner(f"UPDATE consent_gateopening SET incarnation = {incarnation}, server_started = '-infinity'")


def test_it_is_compared_with_the_archive_and_then_allows() -> None:
    opened_elsewhere(PROMOTED)
    assert read_opening() == Opening(is_open=False, why=ANOTHER, may_reopen=False)
    assert archive_comparison.compare_archive().is_open is False
    assert takes_over()
    assert read_opening() == Opening(is_open=False, why=NOT_LOOKED, may_reopen=True)
    assert archive_comparison.compare_archive().is_open
    # Told again, as by a callback that comes late, it stays open.
    assert not takes_over()
    assert read_opening().is_open


@pytest.mark.parametrize("incarnation", [ANOTHERS_FILES, TWICE, YOUNGER])
def test_other_files_and_any_timeline_but_the_next_are_no_standby(incarnation: str) -> None:
    opened_elsewhere(incarnation)
    assert not takes_over()
    assert archive_comparison.compare_archive() == Opening(is_open=False, why=ANOTHER, may_reopen=False)


def test_an_unfinished_restore_stays_unfinished() -> None:
    opened_elsewhere(PROMOTED)
    archive_comparison.close_gate(why="restored: not done yet")
    assert not takes_over()
    assert not archive_comparison.compare_archive().is_open


def test_the_applications_role_may_not_say_so() -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), connections["default"].cursor() as cursor:
        cursor.execute("SELECT consent_gate_took_over()")
