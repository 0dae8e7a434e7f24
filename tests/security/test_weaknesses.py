"""Where nobody can be asked about known weaknesses that is said; where the look breaks, it fails."""

import json
from pathlib import Path

import pytest

from tests.security.weaknesses import main, told

TRACE = "Traceback (most recent call last):\n  ...\n"
UNREACHED = "requests.exceptions.ConnectionError: HTTPSConnectionPool: Max retries exceeded (NameResolutionError)"


def found(*parts: dict[str, object]) -> str:
    return json.dumps({"dependencies": parts, "fixes": []})


GOOD: dict[str, object] = {"name": "django", "version": "6.1.3", "vulns": []}
WEAK: dict[str, object] = {"name": "x", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
NOT_KNOWN: dict[str, object] = {"name": "y", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("status", "written", "said", "well", "last"),
    [
        (0, found(GOOD), "", True, "AUDIT: 1 parts have no known weakness."),
        (0, found(GOOD, NOT_KNOWN), "", True, "AUDIT: 1 parts have no known weakness."),
        (0, found(NOT_KNOWN), "", True, "NOTHING WAS AUDITED."),
        (1, found(GOOD, WEAK), "", False, 'AUDIT: see docs/explanation/security.md, "Dependencies", for deadlines.'),
        (1, "", TRACE + UNREACHED, True, "NOTHING WAS AUDITED: nobody could be asked about known weaknesses."),
        (1, "", "ERROR: Could not connect to PyPI's vulnerability feed", True,
            "NOTHING WAS AUDITED: nobody could be asked about known weaknesses."),
        (124, "", "", True, "NOTHING WAS AUDITED: nobody could be asked about known weaknesses."),
        # What follows is the tool's, and says nothing about any part.
        (1, "", TRACE + "ModuleNotFoundError: No module named 'pip_audit'", False,
            "AUDIT: the look for weaknesses broke (exit 1)."),
        (2, "", "error: Failed to spawn: `pip-audit`", False, "AUDIT: the look for weaknesses broke (exit 2)."),
        (0, "{", "", False, "AUDIT: the look for weaknesses broke (exit 0)."),
        (0, "[]", "", False, "AUDIT: the look for weaknesses broke (exit 0)."),
        (1, found(), "", False, "AUDIT: the look for weaknesses broke (exit 1)."),
        (0, found(), "", False, "AUDIT: no part was looked at: requirements/app.txt names some."),
    ],
)  # fmt: skip
def test_what_became_of_the_look(status: int, written: str, said: str, last: str, *, well: bool) -> None:
    passes, lines = told(status, written, said)
    assert (passes, lines[-1]) == (well, last)


@pytest.mark.parametrize(("more", "status"), [([], 0), (["--must"], 1)])
def test_with_must_it_fails_where_nothing_was_audited(more: list[str], status: int, tmp_path: Path) -> None:
    written, said = tmp_path / "found", tmp_path / "said"
    written.write_text("")
    said.write_text(TRACE + UNREACHED)
    with pytest.raises(SystemExit) as ended:
        main(["1", str(written), str(said), *more])
    assert ended.value.code == status
    written.write_text(found(GOOD))
    with pytest.raises(SystemExit) as ended:
        main(["0", str(written), str(said), *more])
    assert ended.value.code == 0


def test_each_weakness_and_what_nobody_knew_is_said() -> None:
    assert told(1, found(GOOD, WEAK, NOT_KNOWN), "")[1][0] == "WEAK: x 1: PYSEC-1, mended in 2"
    assert told(0, found(GOOD, NOT_KNOWN), "")[1][0] == "SKIPPED: of 1 of 2 parts nobody knew about weaknesses."
    # Why it broke stands before that it did.
    assert told(2, "", "error: Failed to spawn: `pip-audit`")[1][0] == "error: Failed to spawn: `pip-audit`"
