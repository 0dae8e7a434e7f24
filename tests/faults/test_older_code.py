"""A release is put out while people stop: old code beside the new schema, and what new code asks for."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line, TextedCode
from accounts.primitives.sealing import unseal
from consent.models import ArchiveQueueEntry, Choice
from disclosures.models import Disclosure
from partners.models import Client
from revocations.models import Order, Receipt, State
from tests import forks
from tests.faults.fixtures import BELOW, Server, World, a_token, a_world
from tests.faults.programs import NDJSON, PROJECT, answering, until
from tests.feeds import ndjson, release_row
from tests.people import number_of
from tools.bench.crowd import PageLog, stop

WITHIN_S = 120.0
ALLOW = """
import sys
import django
django.setup()
from consent.actions.choices import allow
allow(line_id=int(sys.argv[1]), campaign=sys.argv[2], actor="subscriber:1", channel="web")
"""


def before_the_newest_migration(folder: Path) -> Path:
    """The project as it was before its newest migration came to the trunk, where each step is whole.

    Where all is looked at, its history has to be there.
    """
    git = ["git", "-C", str(PROJECT)]
    try:
        newest = subprocess.run(
            [*git, "log", "-1", "--first-parent", "--diff-merges=first-parent", "--diff-filter=A", "--format=%H",
                "--name-only", "--", "*/migrations/0*.py"],
            capture_output=True, check=True, text=True,
        ).stdout.split()[0]  # fmt: skip
        packed = subprocess.run([*git, "archive", f"{newest}^"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        assert "CI" not in os.environ, "no history of the project is here to take its older code from"
        pytest.skip("no history of the project is here to take its older code from")
    with tarfile.open(fileobj=BytesIO(packed)) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.fixture
def old(committed_db: None, settings: Settings, tmp_path: Path) -> Iterator[World]:
    """A world whose web server and worker are of the older code, on the schema of today."""
    code = before_the_newest_migration(tmp_path / "old")
    # The demo's web server would want its static files collected.
    with a_world(settings, code=code, more={"WHEREABOUTS_DEMO": "0"}) as world:
        answering(next(one for one in world.programs.all if one.name == "web"))
        yield world


def the_code(line: Line) -> str:
    newest = TextedCode.objects.filter(line_id=line.pk, used_at__isnull=True).latest("made_at")
    return unseal(newest.code_sealed)


def run(world: World, script: str, *arguments: str) -> None:
    """A script of the older code."""
    programs = world.programs
    settings_of_it = {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    command = [sys.executable, "-c", script, *arguments]
    done = forks.run(command, cwd=programs.code, env=programs.environment | settings_of_it)
    assert done.returncode == 0, done.stderr[-2000:]


def asked(server: Server, world: World, line: Line, token: str) -> str:
    """What the gate says of GeoBridge's campaign: why not, or nothing."""
    partner = world.partners["GeoBridge"]
    question = {
        "subject": {"type": "partner", "id": partner.party.uri,
            "properties": {"on_behalf_of": BELOW, "campaign": partner.campaign.ref}},
        "action": {"name": partner.campaign.scope,
            "properties": {"purpose": partner.campaign.purpose, "precision_m": 500}},
        "resource": {"type": "line", "id": line.carrier_id},
    }  # fmt: skip
    told = server.ask("/access/v1/evaluation", json.dumps(question).encode(), "application/json", token).told
    why = str(told["context"].get("reason", ""))
    assert told["decision"] is (why == "")
    return why


def test_the_code_before_the_newest_migration_does_its_work_on_the_schema_after_it(old: World) -> None:
    line, server, now = old.a_line(), Server(old.programs.web_port), timezone.now()
    token = a_token(Client.Kind.GATEWAY, "decisions:read disclosures:write")
    assert asked(server, old, line, token) == ""
    # A stop, by the pages.
    stop(port=server.port, seen=PageLog(), number=number_of(line), code=lambda _: the_code(line))
    assert asked(server, old, line, token) == "stopped_all"
    assert Choice.objects.get().line_id == line.pk
    # What old code knows nothing of is done by the database.
    assert ArchiveQueueEntry.objects.filter(line_id=line.pk).count() == 1
    old.programs.worker()
    # Told by the old worker, and signed for.
    ends = {State.COMPLETED, State.PARTIAL}
    until(lambda: {*Order.objects.values_list("state", flat=True)} == ends, WITHIN_S, lambda: log_of(old))
    assert Order.objects.count() == Receipt.objects.count() == 2
    # A release is taken in.
    partner = old.partners["GeoBridge"]
    row = release_row(
        occurred_at=now.isoformat(), msisdn=number_of(line), aggregator=partner.party.uri,
        path=[partner.party.uri, BELOW], campaign=partner.campaign.ref,
    )  # fmt: skip
    taken = server.ask("/api/v1/disclosures", ndjson([row]), NDJSON, token)
    assert (taken.status, Disclosure.objects.filter(line_id=line.pk).count()) == (200, 1)
    # And a yes, which opens the gate again.
    run(old, ALLOW, str(line.pk), partner.campaign.ref)
    assert asked(server, old, line, token) == ""


def log_of(world: World) -> str:
    return (world.programs.folder / "worker.log").read_text(errors="replace")[-2000:]
