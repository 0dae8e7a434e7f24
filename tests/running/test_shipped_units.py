"""What the shipped units start, with nothing but what they load: somebody gets a code by text and signs in with it."""

import json
import re
import shlex
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from string import Template

import pytest
from django.conf import settings

from tests.factories import a_line
from tests.faults.programs import PROJECT, Program, Programs, database_url, free_port, until
from tests.portal.processes import clean_environment
from tests.running.proxies import RUNNING
from tests.running.visitor import WITHIN_S, Visitor
from tests.selection import drawn

SYSTEMD = RUNNING / "systemd"
NUMBER = "+12065550142"
TOKEN = "token-of-the-text-gateway"


class TextGateway(HTTPServer):
    """A text gateway that takes nothing without its token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        self.texts: list[tuple[str, str]] = []
        self.refused = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/send"


class _Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        gateway = self.server
        assert isinstance(gateway, TextGateway)
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.headers["Authorization"] == f"Bearer {TOKEN}"
        if known:
            gateway.texts.append((said["to"], said["text"]))
        else:
            gateway.refused += 1
        self.send_response(202 if known else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def gateway() -> Iterator[TextGateway]:
    with TextGateway() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Machine:
    """A machine with the units' folders below one of ours, its settings and its secrets."""

    def __init__(self, folder: Path, gateway: TextGateway, broker_port: int) -> None:
        self.folder, self.port = folder, free_port()
        redis = f"redis://127.0.0.1:{broker_port}/0"
        shipped = (RUNNING / "settings").read_text()
        self.settings = dict(re.findall(r"^(\w+)=(.*)$", shipped, re.MULTILINE)) | {
            "BASE_URL": f"http://127.0.0.1:{self.port}",
            "ALLOWED_HOSTS": "127.0.0.1",
            "SMS_WEBHOOK_URL": gateway.url,
            # The gateway of this test stands on this machine.
            "DOOR_OUT_LOOPBACK": "1",
            "CANARY": "0",
        }
        self.secrets = {
            "SECRET_KEY": settings.SECRET_KEY, "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
            "DATABASE_URL": database_url("default"), "DATABASE_OWNER_URL": database_url("owner"), "REDIS_URL": redis,
            "EMAIL_URL": "memory://", "METRICS_TOKEN": "token-of-prometheus", "SMS_WEBHOOK_TOKEN": TOKEN,
        }  # fmt: skip

    def program(self, unit: str) -> Program:
        """What a unit starts, as systemd would: its folders made, its credentials loaded, nothing else known."""
        said = (SYSTEMD / unit).read_text().replace("\\\n", "").replace("%i", str(self.port))
        credentials = self.folder / "credentials" / unit
        credentials.mkdir(parents=True)
        for name in re.findall(r"^LoadCredential=(\w+):/etc/whereabouts/secrets/\1$", said, re.MULTILINE):
            (credentials / name).write_text(self.secrets[name] + "\n")
        environment = dict(self.settings)
        for line in re.findall(r"^Environment=(.*)$", said, re.MULTILINE):
            environment |= dict(pair.split("=", 1) for pair in shlex.split(line.replace("%d", str(credentials))))
        for name, value in environment.items():
            if value.startswith(("/run/", "/var/lib/", "/srv/")):
                environment[name] = str(self.folder / value[1:])
                Path(environment[name]).mkdir(parents=True, exist_ok=True)
        (command,) = re.findall(r"^ExecStart=(.*)$", said, re.MULTILINE)
        program, *options = shlex.split(command)
        return self._program(unit, [Path(program).name, *options], environment)

    def container(self) -> Program:
        """What the image starts by itself, its secrets given as podman does (`--secret NAME,type=env`)."""
        said = (RUNNING / "Containerfile").read_text().replace("\\\n", "").rpartition("\nFROM ")[2]
        environment = dict(
            pair.split("=", 1) for line in re.findall(r"^ENV (.*)$", said, re.MULTILINE) for pair in shlex.split(line)
        )
        environment = {name: Template(value).safe_substitute(environment) for name, value in environment.items()}
        environment |= {name: str(self.folder / value[1:]) for name, value in environment.items() if value[0] == "/"}
        del environment["PATH"]
        (command,) = re.findall(r"^CMD (.*)$", said, re.MULTILINE)
        given = [name for name in self.secrets if name != "DATABASE_OWNER_URL"]
        return self._program(
            "Containerfile",
            json.loads(command),
            environment | self.settings | {one: self.secrets[one] for one in given},
        )

    def _program(self, name: str, command: list[str], environment: dict[str, str]) -> Program:
        program, *options = command
        if "--port" in options:
            options[options.index("--port") + 1] = str(self.port)
        return Program(
            name, [sys.executable, "-m", program, *options],
            clean_environment(**environment, PYTHONPATH=str(PROJECT)), self.folder / f"{name}.log", self.port,
        )  # fmt: skip


def codes_sent(machine: Machine) -> str:
    """What `/metrics` says of requests in which a number was given."""
    headers = {"Authorization": f"Bearer {machine.secrets['METRICS_TOKEN']}"}
    asked = urllib.request.Request(f"{machine.settings['BASE_URL']}/metrics", headers=headers)
    with urllib.request.urlopen(asked, timeout=WITHIN_S) as answer:
        said = answer.read().decode()
    (counted,) = re.findall(
        r'^whereabouts_request_seconds_count\{method="POST",route="/accounts/login/",status="302"\} (\S+)$', said,
        re.MULTILINE,
    )  # fmt: skip
    return str(counted)


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize(
    "web", [*drawn(["whereabouts-web.service", "whereabouts-web@.service", "Containerfile"], of=3)]
)
def test_somebody_signs_in_by_a_texted_code_with_what_the_shipped_files_load(
    web: str, gateway: TextGateway, tmp_path: Path
) -> None:
    a_line(msisdn=NUMBER)
    programs = Programs(tmp_path, 0, free_port())
    with ExitStack() as stack:
        stack.callback(programs.end)
        programs.broker().wait()
        machine = Machine(tmp_path, gateway, programs.broker_port)
        program = machine.container() if web == "Containerfile" else machine.program(web)
        stack.callback(program.end)
        program.start()
        program.wait()
        visitor = Visitor(machine.settings["BASE_URL"])
        visitor.go("/accounts/login/")
        visitor.go("/accounts/login/", **{visitor.field('type="tel"'): NUMBER})
        until(lambda: bool(gateway.texts) or gateway.refused > 0, WITHIN_S)
        assert gateway.refused == 0, "it does not load the gateway's token"
        ((to, text),) = gateway.texts
        assert to == NUMBER
        (code,) = re.findall(r"\b[0-9]{6}\b", text)
        visitor.go(visitor.url, code=code)
        visitor.go("/choices/")
        assert 'href="/accounts/logout/"' in visitor.page, "signed in, and asked for a password of their own first"
        assert visitor.url.endswith("/accounts/password/set/?next=%2Fchoices%2F")
        # Whichever of its processes is asked tells of all.
        assert {codes_sent(machine) for _ in range(6)} == {"1.0"}
