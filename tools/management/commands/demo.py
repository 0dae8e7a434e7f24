"""The whole product on one machine, with nothing installed: see `tools.demo`."""

import json
import signal
import socket
import sys
import time
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Q
from django.utils import timezone

from consent.workers import archive_comparison
from disclosures.workers import publishing
from disclosures.workers.anomalies import detection
from portal.celery import app
from revocations.models import Order
from tools.demo import cases, load, people, world
from tools.demo.feeds import homes
from tools.demo.processes import (
    UVICORN,
    CollectingFailed,
    DidNotStart,
    Processes,
    StaticFiles,
    add_options,
    build_celery_command,
    hold_port,
)

WANTED_PORTS = {world.MERIDIAN: 9101, world.WAYPOINT: 9102}
TOLD_WITHIN_S = 30
LOOK_EVERY_S = 0.5


class Command(BaseCommand):
    """Start everything, say where it is, and hold it until asked to end."""

    help = "Run the whole product on this machine: sample data, web server, worker, beat, two sandbox partners."

    def add_arguments(self, parser: CommandParser) -> None:
        add_options(parser)

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("run it as `manage.py demo`: its settings are read before all others")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        data_dir = Path(settings.DATA_DIR)
        try:
            with Processes() as processes:
                self._start(processes, data_dir, port=port)
                while True:
                    time.sleep(LOOK_EVERY_S)
                    processes.watch()
        except KeyboardInterrupt:
            self.stdout.write("The demo has ended.")
        except DidNotStart as error:
            raise CommandError(f"the demo did not start: {error}") from error
        except CollectingFailed as error:
            raise CommandError("the demo did not start: collectstatic failed") from error
        finally:
            (data_dir / "demo.json").unlink(missing_ok=True)

    def _start(self, processes: Processes, data_dir: Path, *, port: int) -> None:
        at, held = timezone.now(), _hold_ports(data_dir)
        endpoints = {key: f"http://127.0.0.1:{at_port.getsockname()[1]}" for key, at_port in held.items()}
        static = StaticFiles(data_dir=data_dir)
        static.begin()
        if _migrations_are_missing():
            call_command("migrate", interactive=False, verbosity=0)
        load.sample(data_dir=data_dir, at=at, endpoints=endpoints, tell=self._tell)
        logins = people.sign_up(data_dir=data_dir, at=at)
        machines = people.register(data_dir=data_dir, at=at)
        cases.open_cases(at=at)
        detection.find(at=timezone.now())
        static.end()
        # The database's server has started anew: the gate is closed until somebody looked.
        archive_comparison.compare_archive()
        connections.close_all()
        partners = _start_all(processes, data_dir, port=port, held=held)
        _wait_for_first_deliveries()
        publishing.make()
        _wait_for_first_tasks()
        content = people.manifest(base_url=settings.BASE_URL, partners=partners, logins=logins, machines=machines)
        connections.close_all()
        self._tell(people.table(base_url=settings.BASE_URL, partners=partners, logins=logins))
        people.write(path=data_dir / "demo.json", content=content)

    def _tell(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _start_all(
    processes: Processes, data_dir: Path, *, port: int, held: Mapping[str, socket.socket]
) -> list[dict[str, str]]:
    """Start every process, wait until the web server and the partners answer, and return the partners."""
    ports = {key: one.getsockname()[1] for key, one in held.items()}
    web = ("--host", "127.0.0.1", "--port", str(port), "portal.asgi:application")
    processes.start("web", sys.executable, "-m", "uvicorn", *UVICORN, *web)
    # A partner that was stopped with receipts to hand in does so at once.
    processes.wait_for(port=port, path="/healthz")
    for key, number in ports.items():
        held[key].close()
        processes.start(key.split("-")[0], *_manage("sandbox_partner", *_partner(data_dir, key, number)))
    for number in ports.values():
        processes.wait_for(port=number, path="/received")
    # The partners must find our keys before anything is sent to them.
    for kind in ("worker", "beat"):
        processes.start(kind, *build_celery_command(kind=kind, log_level="warning"))
    return [
        {"id": people.PARTY_OF[key].uri, "name": people.PARTY_OF[key].name, "base_url": f"http://127.0.0.1:{number}"}
        for key, number in ports.items()
    ]


def _partner(data_dir: Path, key: str, port: int) -> list[str]:
    """Return how a sandbox partner is told who it plays: an aggregator, and the companies below it."""
    party = people.PARTY_OF[key]
    below = [people.PARTY_OF[name].uri for name, home in homes().items() if home == key != name]
    return [
        *("--name", party.name, "--port", str(port), "--issuer", party.uri, "--transmitter", settings.BASE_URL),
        *("--client-id", key, "--key-file", str(data_dir / "keys" / f"{key}.pem")),
        *("--state-dir", str(data_dir / "sandbox" / key), "--downstream", ",".join(below), "--delay", "3"),
    ]


def _wait_for_first_deliveries() -> None:
    """Let the partners hear of the sample's own stops first, so that what they hear later is news.

    An order that was tried before and failed is tried again in its own time, which may be long.
    """
    until = time.monotonic() + TOLD_WITHIN_S
    now_or_soon = Q(attempts=0) | Q(leased_until__gt=timezone.now())
    while Order.objects.filter(now_or_soon, next_attempt_at__isnull=False).exists() and time.monotonic() < until:
        time.sleep(0.2)


def _wait_for_first_tasks() -> None:
    """Let the worker end what beat gave it as it started: a stop made at once would wait behind that."""
    until = time.monotonic() + TOLD_WITHIN_S
    while time.monotonic() < until:
        asked = app.control.inspect(timeout=1.0, limit=1)
        active, reserved = asked.active(), asked.reserved()
        if active is not None and reserved is not None and not any(chain(active.values(), reserved.values())):
            return
        time.sleep(0.2)


def _hold_ports(data_dir: Path) -> dict[str, socket.socket]:
    """Hold, until the partners start, where they will listen: as last time, if free."""
    path = data_dir / "demo-ports.json"
    last: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    held = {key: hold_port(last.get(key, wanted)) for key, wanted in WANTED_PORTS.items()}
    path.write_text(json.dumps({key: port.getsockname()[1] for key, port in held.items()}))
    return held


def _migrations_are_missing() -> bool:
    executor = MigrationExecutor(connections["default"])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
