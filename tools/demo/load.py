"""Sample data: the carrier's files are written and brought in by the same commands that a carrier would run."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from io import StringIO
from pathlib import Path

from django.core.management import CommandError, call_command

from accounts.models import Line
from accounts.primitives import numbers
from consent.workers.cohorts import end_terms
from partners.actions import addresses
from partners.models import Contract, Party
from partners.policies.loosening import Endpoints
from tools.demo import past, world
from tools.demo.feeds import Feeds, keys_of

SEED = 2018
OWN_LINES = "DEMO-"
ACTOR = "system:demo"
FILES = (
    ("import_lines", "lines.csv"),
    ("import_parties", "parties.json"),
    ("import_approvals", "approvals.ndjson"),
    ("import_choices", "choices.ndjson"),
    ("import_disclosures", "disclosures.ndjson"),
    ("import_notices", "notices.ndjson"),
)


def sample(*, data_dir: Path, at: datetime, endpoints: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Bring in the sample data once; later only tell the contracts where the sandbox partners listen this time.

    Refuses a database that holds lines and was not begun by a demo.
    """
    folder = data_dir / "feeds"
    done = folder / "done"
    ours = Line.objects.filter(carrier_id__startswith=OWN_LINES)
    foreign = Line.objects.exclude(carrier_id__startswith=OWN_LINES).exclude(carrier_id=numbers.CANARY_NAME)
    # Only beside the lines of a demo that this folder began may others have come in, while it ran.
    if foreign.exists() and not (done.exists() and ours.exists()):
        raise CommandError("this database holds lines that the demo did not make; name an empty one")
    if done.exists():
        _move_endpoints(endpoints, at)
        return
    if not folder.exists():
        Feeds(seed=SEED, at=at, endpoints=dict(endpoints)).write(folder)
    for command, name in FILES:
        _import(command, folder / name, tell)
        if command == "import_parties":
            past.add_companies(at=at)
    # What is over by its term in the sample is not news of this day: the first beat would see to it a minute later.
    end_terms(now=at)
    _move_endpoints(endpoints, at)
    done.touch()


def _import(command: str, path: Path, tell: Callable[[str], None]) -> None:
    out = StringIO()
    call_command(command, str(path), json=True, stdout=out, stderr=StringIO())
    counts = json.loads(out.getvalue().strip().splitlines()[-1])
    tell(f"{command} {path.name}: {counts['accepted']} accepted, {counts['rejected']} rejected")
    if counts["rejected"]:
        raise CommandError(f"{command} rejected {counts['rejected']} rows of the demo's own {path.name}")


def _move_endpoints(endpoints: Mapping[str, str], at: datetime) -> None:
    for key, ref in world.CONTRACTS.items():
        wanted = Endpoints(f"{endpoints[key]}/events", f"{endpoints[key]}/jwks.json", ())
        for row in Contract.objects.filter(ref=ref):
            addresses.set_endpoints_by_operator(row=row, wanted=wanted, actor=ACTOR, at=at)
    for one in world.PARTIES:
        for party in Party.objects.filter(uri=one.uri):
            addresses.move_keys_by_operator(party=party, jwks_uri=keys_of(one, endpoints), actor=ACTOR, at=at)
