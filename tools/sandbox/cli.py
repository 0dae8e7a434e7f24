"""A partner of its own: takes signed orders, obeys them, and signs for what it did. For tests and the demo."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from tools.sandbox.cohorts import Cohorts
from tools.sandbox.faults import Fault, Faults
from tools.sandbox.identity import Identity, Signer, load, load_or_create_key, slug
from tools.sandbox.inbox import Courier, Inbox
from tools.sandbox.server import ENDING, Server, serve
from tools.sandbox.store import Store
from tools.sandbox.stream import Method, Stream
from tools.sandbox.transmitter import Transmitter


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    name: str
    port: int
    fault: Fault
    transmitter: str
    issuer: str | None
    client_id: str | None
    key_file: Path | None
    state_dir: Path | None
    data_dir: Path
    downstream: str
    delay: float
    poll: bool
    manage_stream: bool
    authorization: str
    digest_every: float

    @property
    def header(self) -> str:
        """What each push must have: its stream is made with it."""
        return self.authorization if self.manage_stream and not self.poll else ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options, for the plain program and for the management command."""
    parser.set_defaults(
        transmitter=os.environ.get("BASE_URL") or "http://localhost:8000",
        data_dir=Path(os.environ.get("DATA_DIR") or ".data"),
    )
    parser.add_argument("--name", required=True, help="what the partner is called")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--fault", type=Fault, choices=[*Fault], default=Fault.NONE, help="how to misbehave")
    parser.add_argument("--transmitter", metavar="BASE_URL", help="the portal; without it, this machine's BASE_URL")
    parser.add_argument("--issuer", metavar="URI", help="the partner's own URI; without it, https://NAME.example")
    parser.add_argument("--client-id", metavar="ID", help="the client it signs in as; without it, its URI")
    parser.add_argument("--key-file", metavar="FILE", type=Path, help="that client's key, JWK or PEM; made if missing")
    parser.add_argument("--state-dir", metavar="DIR", type=Path, help="where it keeps its keys and data")
    parser.add_argument("--downstream", metavar="URI,URI", default="", help="companies it passes data on to")
    parser.add_argument("--delay", metavar="SECONDS", type=float, default=0.0, help="how long its own work takes")
    parser.add_argument("--manage-stream", action="store_true", help="create a push stream and have it verified")
    parser.add_argument("--authorization", metavar="VALUE", default="", help="the header each push must have")
    parser.add_argument("--poll", action="store_true", help="create a poll stream and receive by polling")
    parser.add_argument("--digest-every", metavar="SECONDS", type=float, default=0.0, help="send a digest so often")


def options(given: Mapping[str, Any]) -> Options:
    """Return the partner's own options among a command's."""
    return Options(**{field.name: given[field.name] for field in fields(Options)})


def run(asked: Options) -> int:
    """Be the partner until SIGTERM or SIGINT. The exit status."""
    # Before there is any thread: all inherit it, so that the signals wait for the one place that looks for them.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    name = slug(asked.name)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=f"sandbox {name}: %(message)s")
    folder = asked.state_dir or asked.data_dir / "sandbox" / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    identity = _identity(asked, name, folder)
    try:
        server = _server(asked, identity, folder)
    except OSError as error:
        sys.stderr.write(f"can't listen on 127.0.0.1:{asked.port}: {error.strerror}\n")
        return 1
    if asked.poll or asked.manage_stream:
        server.stream = Stream(
            method=Method.POLL if asked.poll else Method.PUSH,
            endpoint_url=f"{server.base_url}/events",
            authorization=asked.header,
            name=asked.name,
            transmitter=server.transmitter,
            inbox=server.inbox,
            faults=server.faults,
        )
    sys.stdout.write(f"{asked.name} listens on {server.base_url}\n")
    sys.stdout.flush()
    return 0 if serve(server) else 1


def _identity(asked: Options, name: str, folder: Path) -> Identity:
    downstream = [uri.strip() for uri in asked.downstream.split(",") if uri.strip()]
    return load(uri=asked.issuer or f"https://{name}.example", downstream=downstream, folder=folder)


def _server(asked: Options, identity: Identity, folder: Path) -> Server:
    """Return the partner's server with all its parts. Raises OSError where it can't listen."""
    store, faults = Store(folder / "partner.sqlite3"), Faults(asked.fault)
    if asked.fault is Fault.FORGET:
        store.forget()
    transmitter = Transmitter(
        base_url=asked.transmitter.rstrip("/"),
        client=Signer(
            asked.client_id or identity.uri, load_or_create_key(asked.key_file or folder / "client-key.json")
        ),
    )
    cohorts = Cohorts(store=store, identity=identity, transmitter=transmitter, faults=faults)
    courier = Courier(
        store=store,
        cohorts=cohorts,
        identity=identity,
        transmitter=transmitter,
        faults=faults,
        delay=timedelta(seconds=max(asked.delay, 0.0)),
    )
    inbox = Inbox(
        store=store, cohorts=cohorts, courier=courier, identity=identity, transmitter=transmitter, faults=faults
    )
    faults.on_change = courier.nudge
    server = Server(
        name=asked.name, port=asked.port, store=store, cohorts=cohorts, identity=identity, transmitter=transmitter,
        courier=courier, inbox=inbox, faults=faults,
    )  # fmt: skip
    server.authorization, server.digest_every = asked.header, max(asked.digest_every, 0.0)
    return server
