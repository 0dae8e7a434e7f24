"""A world with two partners in it, all its processes real."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import Line
from audit.queries import database_clock
from partners.actions.clients import register_client
from partners.models import Campaign, Client, Contract, Dealing, Party
from tests.factories import NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.faults.programs import PROJECT, Program, Programs, free_port
from tests.partners.outside import Signer
from tools.sandbox.identity import slug
from tools.sandbox.server import jwks_path

BELOW = "https://roadaid.example"


@dataclass
class Partner:
    """One aggregator: our rows about it and its process."""

    party: Party
    contract: Contract
    campaign: Campaign
    program: Program

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.program.port}"

    def misbehave(self, fault: str, *, seconds: float = 3.0) -> None:
        """From now on, until another fault ("none") or the process's end. One that is down already hears nothing."""
        with suppress(OSError):
            asked = f"{self.url}/fault?name={fault}&seconds={seconds}"
            urllib.request.urlopen(urllib.request.Request(asked, method="POST"), timeout=10).close()


@dataclass
class World:
    """The programs, and the partners by name."""

    programs: Programs
    partners: Mapping[str, Partner]

    def a_line(self) -> Line:
        """A line that dealt with both partners and, through each, with a company below."""
        line, below = a_line(), Party.objects.get(uri=BELOW)
        for partner in self.partners.values():
            an_approval(line, partner.campaign)
            Dealing.objects.create(line_id=line.pk, aggregator=partner.party, party=below, last_at=NOW)
        return line


def _partner(name: str, programs: Programs, lead: str) -> Partner:
    party = a_party(name)
    signer = Signer(party.uri)
    key_file = programs.folder / f"{name}.json"
    key_file.write_text(json.dumps(signer.key.as_dict(private=True)))
    key_file.chmod(0o600)
    register_client(
        client_id=party.uri, kind=Client.Kind.AGGREGATOR, public_jwk=dict(signer.public), party=party,
        actor="system:test", at=database_clock(),
    )  # fmt: skip
    downstream = ("--downstream", BELOW) if name == lead else ()
    program = programs.partner(name, party.uri, "--key-file", str(key_file), *downstream)
    url = f"http://127.0.0.1:{program.port}"
    Party.objects.filter(pk=party.pk).update(jwks_uri=f"{url}/jwks.json")
    contract = a_contract(party, endpoint_url=f"{url}/events")
    return Partner(party, contract, a_campaign(contract, Party.objects.get(uri=BELOW)), program)


@pytest.fixture
def world(committed_db: None, settings: Settings, tmp_path: Path) -> Iterator[World]:
    """Web server, broker, worker and two partners. GeoBridge's company below it signs, NorthLink's does not."""
    with a_world(settings, tmp_path) as made:
        yield made


@contextmanager
def a_world(settings: Settings, folder: Path, database: str = "", code: Path = PROJECT) -> Iterator[World]:
    """The same, its processes on another database server if one is named (host:port), or of other code."""
    settings.DOOR_OUT_LOOPBACK = True
    settings.STOP_ARCHIVE_DIR, settings.CHECKPOINT_DIR = folder / "stop-archive", folder / "checkpoints"
    programs = Programs(folder, web_port=free_port(), broker_port=free_port(), database=database, code=code)
    settings.BASE_URL = programs.base_url
    a_party("RoadAid", "lbs_provider")
    try:
        programs.broker()
        partners = {name: _partner(name, programs, "GeoBridge") for name in ("GeoBridge", "NorthLink")}
        keys = f"{partners['GeoBridge'].url}{jwks_path(slug(BELOW))}"
        Party.objects.filter(uri=BELOW).update(jwks_uri=keys)
        programs.web().wait()
        for partner in partners.values():
            partner.program.wait()
        yield World(programs, partners)
    finally:
        programs.end()
