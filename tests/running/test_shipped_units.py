"""What the shipped files start, with nothing but what they load: somebody signs in by a texted code, and stops."""

import json
import re
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from string import Template

import pytest
import yaml
from django.conf import settings

from tests.factories import a_line
from tests.faults.programs import PROJECT, Program, Programs, database_url, free_port
from tests.portal.processes import clean_environment
from tests.running.proxies import RUNNING
from tests.running.text_gateway import TOKEN, TextGateway, serving, sign_in, stop_all
from tests.running.units import get_command, read_unit
from tests.running.visitor import WITHIN_S, Visitor
from tests.selection import drawn

NUMBER = "+12065550142"


@pytest.fixture
def gateway() -> Iterator[TextGateway]:
    with serving() as server:
        yield server


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
            "EMAIL_URL": "memory://", "METRICS_TOKEN": "prometheus-aG7kQ2x9VbTz4LwP", "SMS_WEBHOOK_TOKEN": TOKEN,
        }  # fmt: skip

    def program(self, unit: str) -> Program:
        """What a unit starts, as systemd would: its folders made, its credentials loaded, nothing else known."""
        said = read_unit(unit).replace("%i", str(self.port))
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
        return self._program(unit, get_command(unit), environment)

    def container(self, *command: str) -> Program:
        """What the image starts, its secrets given as podman does (`--secret NAME,type=env`)."""
        environment, own = self._image(f"container-{len(command)}")
        given = {name: value for name, value in self.secrets.items() if command or name != "DATABASE_OWNER_URL"}
        return self._program(f"container-{len(command)}", list(command or own), environment | given)

    def composed(self, name: str) -> Program:
        """What a service of compose.yaml starts, with the settings and the files of secrets that it has."""
        service = yaml.safe_load((RUNNING / "compose.yaml").read_text())["services"][name]
        assert service["env_file"] == ["/etc/whereabouts/settings"]
        environment, command = self._image(name)
        for secret in service["secrets"]:
            given = self.folder / name / "run" / "secrets" / secret
            given.parent.mkdir(parents=True, exist_ok=True)
            given.write_text(self.secrets[secret] + "\n")
        for setting, value in service["environment"].items():
            own = value.replace("${PLAIN_HOSTS:-}", environment.get("PLAIN_HOSTS", ""))
            environment[setting] = own.replace("/run/secrets/", f"{self.folder}/{name}/run/secrets/")
        return self._program(name, service.get("command", command), environment)

    def _image(self, name: str) -> tuple[dict[str, str], list[str]]:
        """The environment of a container of this name, and what it runs unless it is told otherwise."""
        said = (RUNNING / "Containerfile").read_text().replace("\\\n", "").rpartition("\nFROM ")[2]
        environment = dict(
            pair.split("=", 1) for line in re.findall(r"^ENV (.*)$", said, re.MULTILINE) for pair in shlex.split(line)
        )
        environment = {name: Template(value).safe_substitute(environment) for name, value in environment.items()}
        for variable, value in environment.items():
            if value.startswith("/"):
                own = "srv" if value.startswith("/srv/") else name
                environment[variable] = str(self.folder / own / value[1:])
        del environment["PATH"]
        (command,) = re.findall(r"^CMD (.*)$", said, re.MULTILINE)
        return environment | self.settings, json.loads(command)

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


def check_health(program: Program) -> tuple[int, str]:
    """What the image's health check says where this is the container's only process."""
    assert program.process is not None
    pid = str(program.process.pid)
    processes = program.log.with_suffix(".proc")
    processes.mkdir(exist_ok=True)
    (processes / pid).unlink(missing_ok=True)
    if program.process.poll() is None:
        (processes / pid).symlink_to(f"/proc/{pid}")
    done = subprocess.run(
        [sys.executable, PROJECT / "portal" / "health_check.py", processes], capture_output=True, text=True,
        check=False, env={"DATA_DIR": program.environment["DATA_DIR"]},
    )  # fmt: skip
    return done.returncode, done.stderr


# By the file: what it starts, pages first, then a worker and beat.
WAYS: dict[str, Callable[[Machine], list[Program]]] = {
    "a unit": lambda machine: [machine.program(f"whereabouts-{one}.service") for one in ("web", "worker", "beat")],
    "a unit by port": lambda machine: [
        machine.program(f"whereabouts-{one}.service") for one in ("web@", "worker", "beat")
    ],
    "compose.yaml": lambda machine: [machine.composed(one) for one in ("web", "workers", "beat")],
    "Containerfile": lambda machine: [
        machine.container(), machine.container(*get_command("whereabouts-worker.service")),
        machine.container("celery", "--app", "portal", "beat"),
    ],
}  # fmt: skip


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("way", [*drawn(WAYS, of=4)])
def test_somebody_signs_in_and_stops_with_what_the_shipped_files_load(
    way: str, gateway: TextGateway, tmp_path: Path
) -> None:
    a_line(msisdn=NUMBER)
    programs = Programs(tmp_path, 0, free_port())
    with ExitStack() as stack:
        stack.callback(programs.end)
        programs.broker().wait()
        machine = Machine(tmp_path, gateway, programs.broker_port)
        started = WAYS[way](machine)
        for program in started:
            stack.callback(program.end)
            program.start()
        started[0].wait()
        sign_in(Visitor(machine.settings["BASE_URL"]), NUMBER, gateway)
        # Whichever of its processes is asked tells of all.
        assert {codes_sent(machine) for _ in range(6)} == {"1.0"}
        stop_all(Visitor(machine.settings["BASE_URL"]), NUMBER, gateway)
        assert {to for to, _ in gateway.texts} == {NUMBER}
        assert [check_health(program) for program in started] == [(0, "")] * 3
        started[0].kill()
        assert check_health(started[0]) == (1, "no process of ours runs here\n")
