"""The whole product, running: for tests that come in by its doors alone.

Each part is a process of its own: the gate's own server, which serves the pages too, a worker with beat, the broker,
and two sandbox partners. They share a database that no test reads by the product's own code. What it begins with, the
carrier's commands brought in from files.
"""

import json
import re
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import requests
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.db import connections
from joserfc.jwk import ECKey
from redis import Redis

from tests import forks
from tests.databases import copied_test_database, cut_off
from tests.faults.programs import PROJECT, Program, Programs, database_url, free_port, get
from tests.feeds import Row, ndjson
from tests.promises.through_the_doors.browser import Browser, Page
from tests.promises.through_the_doors.files import (
    PARTNERS,
    ROADSIDE,
    TRACKING,
    Line,
    Use,
    a_line,
    ago,
    approval,
    parties,
    release,
)
from tests.promises.through_the_doors.road import Road, a_road
from tools.sandbox.identity import Signer, load_or_create_key
from tools.sandbox.transmitter import Transmitter

PASSWORD = "three quiet words"
WITHIN_S = 60.0
LINES = 40
GATEWAY = "location-gateway"
DECIDE = "/access/v1/evaluation"


@dataclass(frozen=True)
class Partner:
    """A sandbox partner: its process, and what it tells whoever looks."""

    uri: str
    program: Program
    machine: Transmitter
    road: Road

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.program.port}"

    def get(self, path: str) -> Any:
        return get(self.url + path)

    def fault(self, name: str) -> None:
        """From now on it misbehaves so, until another fault ("none") or its end."""
        answer = requests.post(f"{self.url}/fault", params={"name": name}, timeout=WITHIN_S)
        assert answer.status_code == 200, answer.text


@dataclass
class Product:
    """All that runs, and the ways in. `document`: the first file of parties."""

    folder: Path
    programs: Programs
    database: str
    gate: Program
    worker: Program
    broker: Program
    gateway: Transmitter
    document: Mapping[str, list[Row]]
    partners: Mapping[str, Partner] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _staff: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def base_url(self) -> str:
        return self.programs.base_url

    @property
    def partner_programs(self) -> list[Program]:
        return [partner.program for partner in self.partners.values()]

    def next_line(self) -> Line:
        """A line of the first files that nobody has used yet, of an account of its own."""
        number = next(self._numbers)
        assert number <= LINES, "more lines are needed in the first files"
        return a_line(number)

    def command(self, *arguments: str) -> CompletedProcess[str]:
        """Run `manage.py` to its end."""
        return self.run("manage.py", *arguments)

    def run(self, *arguments: str) -> CompletedProcess[str]:
        return forks.run(
            [sys.executable, *arguments], cwd=PROJECT, env=self.programs.environment, server=self.programs.loaded(),
            timeout=WITHIN_S,
        )  # fmt: skip

    def takes(self, command: str, rows: Sequence[Row]) -> dict[str, Any]:
        """Bring a file of rows in by the carrier's own command. What it counted."""
        return self._takes(command, ndjson(rows))

    def takes_parties(self, **more: Sequence[Row]) -> dict[str, Any]:
        """Bring the first file of parties in, with `more` of its parts added, or changed where they are there."""
        whole = {
            name: [*{str(row["id"]): row for row in [*rows, *more.get(name, [])]}.values()]
            for name, rows in self.document.items()
        }
        return self._takes("import_parties", json.dumps(whole).encode())

    def _takes(self, command: str, content: bytes) -> dict[str, Any]:
        file = self.folder / f"{command}.file"
        file.write_bytes(content)
        done = self.command(command, str(file), "--json", "--rejects", str(self.folder / "rejects"))
        assert done.returncode == 0, done.stderr
        counts: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return counts

    def answers(self, line: Line, use: Use = ROADSIDE, /, **changes: object) -> str:
        """What the gate tells the gateway: "allowed", or the reason of its no."""
        return self.tells(question(line, use, **changes))

    def tells(self, asked: Mapping[str, object]) -> str:
        """The same for a question in the gateway's own words."""
        told = self.gateway.send_json("POST", DECIDE, asked, scope="decisions:read")
        assert told.status == 200, told
        answer: Any = told.json()
        return "allowed" if answer["decision"] is True else str(answer["context"]["reason"])

    def claims(self, line: Line, use: Use) -> None:
        """The use's aggregator says that the person agreed; the carrier has not seen it."""
        claim = {
            "id": f"claim-{line.line_id}-{use.campaign}", "msisdn": line.msisdn, "campaign": use.campaign,
            "method": "sms", "captured_at": ago(1 / 24), "captured_by": use.provider, "wording": "Yes, find me.",
            "language": "en", "evidence_ref": "ev-1",
        }  # fmt: skip
        machine = self.partners[use.aggregator].machine
        told = machine.send_json("POST", "/api/v1/approvals", claim, scope="approvals:write")
        assert (told.status, told.json()["status"]) == (200, "accepted"), told

    def later(self, seconds: float, *command: str) -> None:
        """Run `manage.py` on a machine whose clock is so far ahead."""
        done = self.run("-m", "tests.promises.through_the_doors.later", str(seconds), *command)
        assert done.returncode == 0, done.stderr

    @contextmanager
    def without(self, *programs: Program) -> Iterator[None]:
        """While this lasts these are dead, killed at whatever instruction they were."""
        for program in programs:
            program.kill()
        try:
            yield
        finally:
            for program in programs:
                program.start()
        for program in programs:
            if program.port:
                program.wait()

    def empty_broker(self) -> None:
        """Have the broker forget whatever waits at it."""
        with Redis(port=self.broker.port) as broker:
            broker.flushall()

    def cut_broker_off(self) -> None:
        """Have the broker end every connection: whoever waits for a message at it gets none before asking anew."""
        with Redis(port=self.broker.port) as broker:
            broker.client_kill_filter(_type="normal", skipme=True)

    @contextmanager
    def while_it_sleeps(self, program: Program) -> Iterator[None]:
        """While this lasts a program does nothing at all."""
        program.send(signal.SIGSTOP)
        try:
            yield
        finally:
            program.send(signal.SIGCONT)

    @contextmanager
    def without_database(self) -> Iterator[None]:
        """While this lasts the database takes no connection, and those that it had are cut off."""
        with connections["owner"]._nodb_cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{self.database}" ALLOW_CONNECTIONS false')
            try:
                cut_off(cursor, self.database)
                yield
            finally:
                cursor.execute(f'ALTER DATABASE "{self.database}" ALLOW_CONNECTIONS true')

    def browser(self) -> Browser:
        return Browser(self.base_url)

    def texts(self, msisdn: str) -> list[dict[str, str]]:
        """What a phone has received, the oldest first."""
        file = self.folder / "demo-texts.ndjson"
        kept = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [text for text in kept if text["number"] == msisdn]

    def code(self, msisdn: str) -> str:
        """The newest code that a phone has received."""
        return next(text["code"] for text in reversed(self.texts(msisdn)) if text["code"])

    def stops_all(self, line: Line, browser: Browser | None = None) -> Page:
        """Somebody with this phone stops everything, without an account. The page of the stop's progress."""
        browser = browser or self.browser()
        page = browser.send(browser.get("/stop/").form("/stop/"), number=line.msisdn)
        page = browser.send(page.form("/stop/code/"), code=self.code(line.msisdn))
        return browser.send(page.form("/stop/all/"))

    def signs_in(self, line: Line, browser: Browser | None = None) -> Browser:
        """A browser signed in by the code texted to a line, and the password chosen the first time: it may see."""
        browser = browser or self.browser()
        page = browser.send(browser.get("/accounts/login/").form("/accounts/login/"), number=line.msisdn)
        page = browser.send(page.form("/accounts/login/code/"), code=self.code(line.msisdn))
        page = browser.send(browser.get("/home/").form(asks="password"), password=PASSWORD)
        assert page.url == "/home/", page.words
        return browser

    def hires(self, role: str) -> Browser:
        """A browser of somebody new of staff: invited by the command, with a password and an app that makes codes."""
        email = f"{role}{next(self._staff)}@carrier.example"
        done = self.command("make_staff", "--email", email, "--role", role)
        assert done.returncode == 0, done.stderr
        browser = self.browser()
        page = browser.get(done.stdout.strip())
        page = browser.send(page.form(asks="password"), password=PASSWORD)
        page = browser.send(page.form(asks="login"), login=email, password=PASSWORD)
        page = browser.send(page.form(asks="password"), password=PASSWORD)
        (secret,) = re.findall(r"\b[A-Z2-7]{32}\b", page.words)
        counter = max(yield_hotp_counters_from_time()) - 1
        browser.send(page.form(asks="code"), code=format_hotp_value(hotp_value(secret, counter)))
        page = browser.get("/desk/" if role == "agent" else "/admin/")
        page = browser.send(page.form(asks="code"), code=format_hotp_value(hotp_value(secret, counter + 1)))
        assert page.status == 200, page.words
        return browser


def question(line: Line, use: Use, /, **changes: object) -> dict[str, object]:
    """A gateway's question (AuthZEN). `changes`: of the use's fields, or `line` or `msisdn`."""
    asked = {**use.__dict__, "line": line.line_id, **changes}
    named = {"type": "msisdn", "id": asked["msisdn"]} if "msisdn" in asked else {"type": "line", "id": asked["line"]}
    about = {"on_behalf_of": asked["provider"], "campaign": asked["campaign"]}
    what = {"purpose": asked["purpose"], "precision_m": asked["precision_m"]}
    return {
        "subject": {"type": "partner", "id": asked["aggregator"], "properties": about},
        "action": {"name": asked["scope"], "properties": what},
        "resource": named,
    }


@contextmanager
def running(folder: Path) -> Iterator[Product]:
    """The product with its first files brought in, for as long as this lasts."""
    with copied_test_database() as database:
        more = {
            "DATABASE_URL": database_url("default", name=database),
            "DATABASE_OWNER_URL": database_url("owner", name=database),
            "SMS_BACKEND": "portal.demo_phone.Backend",
            "WHEREABOUTS_DEMO": "0",
            "DJANGO_SETTINGS_MODULE": "tests.promises.through_the_doors.settings",
        }
        programs = Programs(folder, web_port=free_port(), broker_port=free_port(), more=more)
        with ExitStack() as stack:
            roads = {uri: stack.enter_context(a_road()) for uri in PARTNERS}
            stack.callback(programs.end)
            yield _started(folder, programs, database, roads)


def _started(folder: Path, programs: Programs, database: str, roads: Mapping[str, Road]) -> Product:
    ports = {uri: free_port() for uri in PARTNERS}
    document = parties(ports, {uri: road.port for uri, road in roads.items()})
    broker, gate = programs.broker(), programs.web()
    gateway = _machine(folder, programs.base_url, GATEWAY)
    product = Product(folder, programs, database, gate, programs.worker(), broker, gateway, document)
    product.takes_parties()
    lines = [a_line(number + 1) for number in range(LINES)]
    moments = {ROADSIDE: ago(3), TRACKING: ago(4)}
    product.takes("import_lines", [line.row() for line in lines])
    product.takes("import_approvals", [approval(line, use) for line in lines for use in moments])
    product.takes(
        "import_disclosures", [release(line, use, occurred_at=at) for line in lines for use, at in moments.items()]
    )
    product.partners = {uri: _partner(product, uri, port, roads[uri]) for uri, port in ports.items()}
    _register(product, GATEWAY, "--kind", "gateway")
    for program in (gate, *product.partner_programs):
        program.wait()
    return product


def _partner(product: Product, uri: str, port: int, road: Road) -> Partner:
    name, below = PARTNERS[uri]
    machine = _machine(product.folder, product.base_url, uri)
    _register(product, uri, "--kind", "aggregator", "--party", uri)
    options = (
        *("--name", name, "--port", str(port), "--issuer", uri, "--transmitter", product.base_url),
        *("--key-file", str(_key_file(product.folder, uri)), "--state-dir", str(product.folder / name)),
        *("--downstream", below),
    )
    command = (sys.executable, "manage.py", "sandbox_partner", *options)
    program = product.programs.add(name, *command, port=port, forked=product.programs.loaded())
    partner = Partner(uri, program, machine, road)
    road.partner_url = partner.url
    return partner


def _key_file(folder: Path, client_id: str) -> Path:
    return folder / f"{client_id.rpartition('/')[2]}.json"


def _machine(folder: Path, base_url: str, client_id: str) -> Transmitter:
    """What signs in at /oauth/token by a key of its own and asks our doors."""
    return Transmitter(base_url=base_url, client=Signer(client_id, load_or_create_key(_key_file(folder, client_id))))


def _register(product: Product, client_id: str, *options: str) -> None:
    key: ECKey = load_or_create_key(_key_file(product.folder, client_id))
    public = product.folder / "public.json"
    public.write_text(json.dumps(key.as_dict(private=False)))
    done = product.command("register_client", client_id, "--key", str(public), *options)
    assert done.returncode == 0, done.stderr
