"""The product at a port of this machine, an aggregator in its books, and that aggregator's sandbox as a process."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

from audit.queries import database_clock
from partners.actions.clients import register_client
from partners.models import Campaign, Client, Contract, Party
from portal.wsgi import whole_product as application
from tests.factories import a_campaign, a_contract, a_party
from tests.forks import Forked
from tests.partners.outside import Signer
from tests.sandbox.carrier import WAIT_SECONDS
from tests.staff import move_endpoints, move_keys
from tools.sandbox.identity import slug
from tools.sandbox.server import jwks_path

PROJECT = Path(__file__).resolve().parents[2]
BELOW = "https://roadaid.example"


class Quiet(WSGIRequestHandler):
    """Says nothing about each request."""

    def log_message(self, *args: object) -> None:
        """Not even here."""


@contextmanager
def served(app: Any = application) -> Iterator[str]:
    """The product on the test's database, or what stands in front of it. Its address."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet, allow_reuse_address=True)
    server.daemon_threads = True
    server.set_app(app)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Aggregator:
    """One aggregator with a machine that signs in, a contract and a campaign; where it listens is said later."""

    def __init__(self, folder: Path, name: str = "GeoBridge") -> None:
        self.party = a_party(name)
        self.sign_in = Signer(self.party.uri)
        self.key_file = folder / f"{name}.json"
        self.key_file.write_text(json.dumps(self.sign_in.key.as_dict(private=True)))
        register_client(
            client_id=self.party.uri, kind=Client.Kind.AGGREGATOR, public_jwk=dict(self.sign_in.public),
            party=self.party, actor="system:test", at=database_clock(),
        )  # fmt: skip
        self.contract: Contract = a_contract(self.party)
        self.campaign: Campaign = a_campaign(self.contract, a_party("RoadAid", "lbs_provider"))

    def listens(self, endpoint_url: str, jwks_uri: str = "") -> None:
        """Where it wants its events, and where its keys are."""
        move_endpoints(self.contract, endpoint_url=endpoint_url)
        move_keys(self.party, jwks_uri)


class Sandbox:
    """A sandbox partner that plays this aggregator."""

    def __init__(self, carrier_url: str, aggregator: Aggregator, folder: Path, *options: str) -> None:
        self._log = (folder / "sandbox.log").open("a+")
        self.process = Forked(
            [
                *(sys.executable, "-m", "tools.sandbox", "--name", aggregator.party.name, "--port", "0"),
                *("--issuer", aggregator.party.uri, "--transmitter", carrier_url, "--downstream", BELOW),
                *("--key-file", str(aggregator.key_file), "--state-dir", str(folder / "state"), *options),
            ],
            cwd=PROJECT,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().rpartition(" ")[2].strip()
        aggregator.listens(f"{self.url}/events", f"{self.url}/jwks.json")
        move_keys(Party.objects.get(uri=BELOW), self.url + jwks_path(slug(BELOW)))

    def get(self, path: str) -> Any:
        return requests.get(self.url + path, timeout=WAIT_SECONDS).json()

    def post(self, path: str) -> Any:
        return requests.post(self.url + path, timeout=WAIT_SECONDS).json()

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def end(self) -> None:
        self.process.kill()
        self.process.wait(timeout=WAIT_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()


LATER = timedelta(minutes=2)
