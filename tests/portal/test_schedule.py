"""Beat's plan: everything at the start, then at its interval, and nothing on disk."""

from pathlib import Path

import pytest
from django.conf import settings

from portal.celery import app
from portal.schedule import Schedule


def test_every_job_is_due_when_beat_starts_and_then_at_its_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = Schedule(app=app)
    assert {name: entry.task for name, entry in plan.schedule.items()} == {
        name: job["task"] for name, job in settings.CELERY_BEAT_SCHEDULE.items()
    }
    assert [name for name, entry in plan.schedule.items() if not entry.is_due()[0]] == []
    for entry in list(plan.schedule.values()):
        plan.reserve(entry)
    for name, entry in plan.schedule.items():
        due, seconds = entry.is_due()
        gone = float(str(settings.CELERY_BEAT_SCHEDULE[name]["schedule"])) - seconds
        assert (due, 0 <= gone < 60) == (False, True), name
    assert list(tmp_path.iterdir()) == []


def test_that_is_what_beat_runs_by() -> None:
    assert app.conf.beat_scheduler == "portal.schedule:Schedule"
