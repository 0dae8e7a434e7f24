"""A release is put out while people stop: web and workers restarted one by one, old code beside the new schema."""

import hashlib
import hmac
import http.client
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import Line
from consent import gate
from consent.models import Choice, Unarchived
from tests.factories import a_campaign, a_line, an_approval
from tests.faults.fixtures import World
from tests.faults.invariants import deliver_what_is_left, invariants
from tests.faults.long import long_run
from tests.faults.programs import PROJECT, Programs
from tests.people import number_of

SECRET = "a-secret-of-this-test-that-is-long-enough"
LINES = 40
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


class Texter(threading.Thread):
    """The message gateway hands on `STOP LOCATION` of one phone after the other, once, whatever is restarted."""

    def __init__(self, port: int, numbers: Sequence[str]) -> None:
        super().__init__()
        self._port = port
        self._numbers = numbers
        self.answers: list[int] = []

    def run(self) -> None:
        for place, number in enumerate(self._numbers):
            body = json.dumps(
                {"id": f"t-{place}", "from": number, "text": "STOP LOCATION", "on_network": True}
            ).encode()
            moment = int(time.time())
            mac = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
            headers = {"Content-Type": "application/json", "X-Text-Signature": f"t={moment},v1={mac}"}
            with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)) as connection:
                connection.request("POST", "/api/v1/texts", body, headers)
                self.answers.append(connection.getresponse().status)
            threading.Event().wait(0.2)


@long_run
def test_restarted_one_by_one_no_stop_fails(world: World) -> None:
    world.programs.more["SMS_INBOUND_SECRETS"] = SECRET
    web = next(program for program in world.programs.all if program.name == "web")
    web.environment = world.programs.environment
    web.kill()
    web.start()
    web.wait()
    serving = web.process
    assert serving is not None
    worker = world.programs.worker()
    lines = [world.a_line() for _ in range(LINES)]
    texter = Texter(world.programs.web_port, [number_of(line) for line in lines])
    texter.start()
    for _ in range(2):
        # granian puts new workers beside the old ones, then lets the old ones finish.
        os.kill(serving.pid, signal.SIGHUP)
        worker.send(signal.SIGTERM)
        assert worker.process is not None
        worker.process.wait(timeout=30)
        worker.start()
    texter.join()
    assert texter.answers == [202] * LINES
    assert serving.poll() is None
    worker.kill()
    deliver_what_is_left()
    invariants(world, stopped=lines)


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
