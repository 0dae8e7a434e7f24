"""A release is put out while people stop: old code beside the new schema."""

import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import Line
from consent import gate
from consent.models import Choice, Unarchived
from tests.factories import a_campaign, a_line, an_approval
from tests.faults.programs import PROJECT, Programs

OLD_CODE = """
import sys
import django
django.setup()
from consent import gate
from consent.actions import stop
from partners.models import Campaign
campaign = Campaign.objects.select_related("contract__aggregator", "lbs_provider").get()
line, carrier_id = int(sys.argv[1]), sys.argv[2]
ask = lambda: gate.evaluate(questions=[gate.as_agreed(campaign=campaign, line=carrier_id)])[0].reason
before = ask()
stop(line_id=line, scope="all", actor="subscriber:1", channel="web")
print([before, ask()])
"""


def before_the_newest_migration(folder: Path) -> Path:
    """The project as it was before its newest migration."""
    git = ["git", "-C", str(PROJECT)]
    try:
        newest = subprocess.run(
            [*git, "log", "-1", "--diff-filter=A", "--format=%H", "--", "*/migrations/0*.py"],
            capture_output=True, check=True, text=True,
        ).stdout.strip()  # fmt: skip
        packed = subprocess.run([*git, "archive", f"{newest}^"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no history of the project is here to take its older code from")
    with tarfile.open(fileobj=BytesIO(packed)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def stopped_by_old_code(programs: Programs, folder: Path, line: Line) -> str:
    done = subprocess.run(
        [sys.executable, "-c", OLD_CODE, str(line.pk), line.carrier_id],
        cwd=folder,
        env=programs.environment | {"DJANGO_SETTINGS_MODULE": "portal.settings", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_the_code_before_the_newest_migration_stops_on_the_schema_after_it(
    committed_db: None, settings: Settings, tmp_path: Path
) -> None:
    old = before_the_newest_migration(tmp_path / "old")
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    programs = Programs(tmp_path, web_port=1, broker_port=1)
    assert stopped_by_old_code(programs, old, line) == "['', 'stopped_all']"
    question = gate.as_agreed(campaign=campaign, line=line.carrier_id)
    assert gate.evaluate(questions=[question], for_release=True)[0].reason == "stopped_all"
    assert Choice.objects.get().line_id == line.pk
    # What old code knows nothing of is done by the database.
    assert Unarchived.objects.get().line_id == line.pk
