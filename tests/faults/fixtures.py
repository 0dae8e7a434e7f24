"""A world with two partners in it, all its processes real."""

import html
import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import Line
from audit.queries import database_clock
from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.models import Campaign, Client, Contract, Dealing, Party
from tests.answers import Answer, read
from tests.factories import NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.faults.programs import PROJECT, Program, Programs
from tests.partners.outside import Signer
from tools.sandbox.identity import slug
from tools.sandbox.server import jwks_path

BELOW = "https://roadaid.example"


@dataclass(frozen=True)
class Server:
    """A web server of our own."""

    port: int

    def ask(
        self, path: str, body: bytes, kind: str, token: str = "", *, method: str = "POST", chunked: bool = False
    ) -> Answer:
        """One request; `chunked` as of a body whose length nobody knows."""
        headers = {"Content-Type": kind, **({"Authorization": f"Bearer {token}"} if token else {})}
        sent = iter([body[:3], body[3:]]) if chunked else body
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            # Who is refused by the head alone may be answered before all of the body is out.
            with suppress(BrokenPipeError):
                connection.request(method, path, body=sent, headers=headers, encode_chunked=chunked)
            return read(connection.getresponse())


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


def a_token(kind: Client.Kind, scope: str, party: Party | None = None) -> str:
    # Registered again, it would end the tokens that it has.
    client = Client.objects.filter(client_id=f"test-{kind}", party=party).first() or register_client(
        client_id=f"test-{kind}", kind=kind, public_jwk=dict(Signer("x").public), party=party, actor="system:test",
        at=NOW,
    )  # fmt: skip
    # Longer than the longest storm: who is refused for an old token would be allowed nothing.
    lifetime = timedelta(hours=6)
    return issue_access_token(client=client, scopes=scope.split(), lifetime=lifetime, at=database_clock()).token


@pytest.fixture
def world(committed_db: None, settings: Settings) -> Iterator[World]:
    """Web server, broker, worker and two partners. GeoBridge's company below it signs, NorthLink's does not."""
    with a_world(settings) as made:
        yield made


@pytest.fixture(scope="module")
def web_server(django_db_setup: None) -> Iterator[Programs]:
    """One web server for all tests of a module that leave it alive. Use `server`."""
    programs = Programs.usual()
    try:
        programs.web().wait()
        yield programs
    finally:
        programs.end()


@pytest.fixture
def server(web_server: Programs, committed_db: None, settings: Settings) -> Server:
    """It, on a database with nothing in it."""
    settings.BASE_URL = web_server.base_url
    return Server(web_server.web_port)


@pytest.fixture
def own_archive(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops and checkpoints are kept outside in folders of this test's own, and nothing is delivered."""
    settings.STOP_ARCHIVE_DIR = tmp_path / "stop-archive"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    monkeypatch.setattr("revocations.tasks.deliver_due.delay", lambda **_: None)


@contextmanager
def a_world(
    settings: Settings, *, database: str = "", code: Path = PROJECT, more: Mapping[str, str] | None = None
) -> Iterator[World]:
    """The same, its processes on another database server if one is named (host:port), or of other code."""
    settings.DOOR_OUT_LOOPBACK = True
    programs = Programs.usual(database=database, code=code, more=more)
    settings.STOP_ARCHIVE_DIR = programs.folder / "stop-archive"
    settings.CHECKPOINT_DIR = programs.folder / "checkpoints"
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


def words(page: str) -> str:
    """A page as somebody reads it."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)))


def opened(base: str, path: str, language: str = "en") -> tuple[int, Message, str]:
    """What a browser is answered: the status, the head, the words."""
    asked = urllib.request.Request(
        f"{base}{path}", headers={"Accept-Language": language, "Cookie": f"sessionid={'a' * 32}"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, answer.headers, words(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, words(error.read().decode())
