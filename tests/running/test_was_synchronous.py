"""docs/running/high-availability/was-synchronous beside an etcd: which server may say that it lacks nothing."""

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

SHIPPED = Path(__file__).parents[2] / "docs" / "running" / "high-availability"
# What Patroni writes before it promotes node2.
TAKEN = {"leader": "node2", "quorum": 0, "sync_standby": None}


class Etcd(ThreadingHTTPServer):
    """Every revision of the one key, as etcd's addresses for JSON tell it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.revisions: list[dict[str, object] | None] = []


class _Asked(BaseHTTPRequestHandler):
    server: Etcd

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert (self.path, b64decode(asked["key"])) == ("/v3/kv/range", b"/service/whereabouts/sync")
        revision = asked.get("revision", len(self.server.revisions))
        value = self.server.revisions[revision - 1]
        found = {"value": b64encode(json.dumps(value).encode()).decode(), "mod_revision": str(revision)}
        body = json.dumps({"kvs": [found]} if value else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def etcd() -> Iterator[Etcd]:
    with Etcd() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def proves(folder: Path, *hosts: str) -> bool:
    """Run it on node2, after an earlier promotion there; whether it leaves what `took-over` looks for."""
    config = yaml.safe_load((SHIPPED / "patroni.yml").read_text())
    (folder / "config.yml").write_text(yaml.safe_dump(config | {"name": "node2", "etcd3": {"hosts": [*hosts]}}))
    script, proof = (SHIPPED / "was-synchronous").read_text(), folder / "was-synchronous"
    script = script.replace("/etc/patroni/config.yml", str(folder / "config.yml"))
    script = script.replace("/run/postgresql/was-synchronous", str(proof))
    proof.touch()
    # Patroni would give up a promotion for which this fails.
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
    return proof.exists()


@pytest.mark.parametrize(
    ("before", "proved"),
    [
        ({"leader": "node1", "quorum": 0, "sync_standby": "node2"}, True),
        ({"leader": "node1", "quorum": 0, "sync_standby": "node2,node3"}, True),
        ({"leader": "node2", "quorum": 0, "sync_standby": "node3"}, True),
        # patronictl failover --candidate node2
        ({"leader": "node1", "quorum": 0, "sync_standby": "node3"}, False),
        ({"leader": "node1", "quorum": 0, "sync_standby": "node22"}, False),
        ({"leader": "node1", "quorum": 0, "sync_standby": None}, False),
        # Its second try.
        (TAKEN, False),
        ({"leader": "node1", "quorum": 1, "sync_standby": "node2,node3"}, False),
        (None, False),
    ],
)
def test_only_a_synchronous_standby_and_its_leader_are_proved(
    etcd: Etcd, tmp_path: Path, before: dict[str, object] | None, proved: bool
) -> None:
    etcd.revisions = [before, TAKEN]
    assert proves(tmp_path, f"127.0.0.1:{etcd.server_port}") is proved


def test_nothing_is_proved_unless_this_server_was_written_down_last(etcd: Etcd, tmp_path: Path) -> None:
    synchronous = {"leader": "node1", "quorum": 0, "sync_standby": "node2"}
    etcd.revisions = [synchronous, {"leader": "node3", "quorum": 0, "sync_standby": None}]
    assert not proves(tmp_path, f"127.0.0.1:{etcd.server_port}")
    etcd.revisions = [synchronous, {"leader": "node2", "quorum": 0, "sync_standby": "node1"}]
    assert not proves(tmp_path, f"127.0.0.1:{etcd.server_port}")


def test_another_etcd_is_asked_where_one_is_silent(etcd: Etcd, tmp_path: Path) -> None:
    etcd.revisions = [{"leader": "node1", "quorum": 0, "sync_standby": "node2"}, TAKEN]
    assert proves(tmp_path, "127.0.0.1:1", f"127.0.0.1:{etcd.server_port}")
    assert not proves(tmp_path, "127.0.0.1:1")
