"""Three database servers on one machine, as docs/running/high-availability has them, and the network between them.

Each has network, mounts and processes of its own (namespaces), so that one can lose its power or its network as a
machine does. Whoever uses them must have gone apart from the real machine first (`leave_the_machine`): then this
process and its programs are the machine on which Whereabouts runs, with nothing on it but HAProxy.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.faults.programs import until

HERE = Path(__file__).parent
SHIPPED = HERE.parents[2] / "docs" / "running" / "high-availability"
ADDRESSES = {"node1": "10.77.0.11", "node2": "10.77.0.12", "node3": "10.77.0.13"}
SUPERUSER = "postgresql://postgres:change-me-1@127.0.0.1:5432/postgres?connect_timeout=3"
REDIS_URL = "redis://:change-me-3@127.0.0.1:6379/0"
# What each program is called, and Debian's package of it.
NEEDED = {
    "patroni": "patroni", "etcd": "etcd-server", "haproxy": "haproxy", "pgbackrest": "pgbackrest",
    "redis-sentinel": "redis-sentinel", "redis-server": "redis-server", "ip": "iproute2", "nsenter": "util-linux",
}  # fmt: skip
# Whoever lost its power first looks whether the disk has all of its files: on a busy one for minutes.
STARTS_WITHIN_S = 300.0

# Those that run, if any do, and what the tests say that they measured.
started: list["Cluster"] = []
measured: list[str] = []


def missing() -> list[str]:
    """The packages that this machine lacks; "root" where we may not part from it; "postgresql" without its programs."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    lacking = [package for program, package in NEEDED.items() if shutil.which(program, path=path) is None]
    return lacking + ["root"] * (os.geteuid() != 0) + ["postgresql"] * (not _programs())


def _programs() -> str:
    """The newest PostgreSQL of Debian's: psql is of the same."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda one: float(one.parts[-3]))
    return str(found[-1].parent) if found else ""


def leave_the_machine() -> None:
    """From now on this process and all that it starts have an empty network and mounts of their own."""
    os.unshare(os.CLONE_NEWNET | os.CLONE_NEWNS)
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "lan", "type", "bridge")
    run("ip", "addr", "add", "10.77.0.1/24", "dev", "lan")
    run("ip", "link", "set", "lan", "up")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-1000:]}{done.stderr[-1000:]}"
    return done.stdout


@dataclass
class Node:
    """One server. `first`: its first process, as everyone outside numbers it."""

    name: str
    folder: Path
    first: int = 0
    process: subprocess.Popen[bytes] | None = None
    beside: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return ADDRESSES[self.name]

    @property
    def network(self) -> str:
        """The file that stands for its network."""
        return f"/proc/{self.first}/ns/net"

    def start(self) -> None:
        """Give it power: everything on it starts."""
        with (self.folder / "node.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "unshare", "--net", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child", "--",
                    str(HERE / "node.sh"), str(self.folder), self.address,
                ],
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        until(lambda: children.read_text().split() != [], 10, lambda: f"{self.name} has no first process")
        self.first = int(children.read_text())
        run("ip", "link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", str(self.first))
        run("ip", "link", "set", self.name, "master", "lan", "up")

    def kill(self) -> None:
        """Take its power away: every process on it ends at whatever instruction it is."""
        assert self.process is not None
        os.kill(self.first, signal.SIGKILL)
        self.process.wait()
        for one in self.beside:
            one.kill()
            one.wait()
        self.beside.clear()

    def cut(self) -> None:
        """Pull its cable: nothing that is sent arrives, and nobody is told."""
        run("ip", "link", "set", self.name, "down")

    def mend(self) -> None:
        """Plug its cable in again."""
        run("ip", "link", "set", self.name, "up")

    def inside(self, *command: str) -> list[str]:
        """A command as a process of this server, its files and processes too."""
        return ["nsenter", "--target", str(self.first), "--net", "--mount", "--pid", "--", *command]

    def as_postgres(self, *command: str) -> str:
        """What a command of the database's user says there."""
        return run(*self.inside("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command))

    def on_its_network(self, *command: str) -> list[str]:
        """A command of this machine's, beside the server, with the server's network alone."""
        return ["nsenter", f"--net={self.network}", "--", *command]


@dataclass
class Cluster:
    """All three."""

    folder: Path
    nodes: dict[str, Node]
    database: str

    def primary(self) -> Node:
        """The one that writes, as whoever comes by HAProxy finds it."""
        with psycopg.connect(SUPERUSER) as session:
            ((address,),) = session.execute("SELECT host(inet_server_addr())").fetchall()
        return next(node for node in self.nodes.values() if node.address == address)

    def is_whole(self) -> bool:
        """Whether there is a primary with two standbys, one of which may take over: Patroni has written down which."""
        return sorted(self.roles().values()) == ["leader", "replica", "sync_standby"]

    def roles(self) -> dict[str, str]:
        """What Patroni says of each server that runs and follows."""
        for address in ADDRESSES.values():
            with suppress(OSError), urllib.request.urlopen(f"http://{address}:8008/cluster", timeout=2) as answer:
                known = json.load(answer)["members"]
                return {one["name"]: one["role"] for one in known if one["state"] in {"running", "streaming"}}
        return {}

    def wait_until_whole(self) -> None:
        until(self.is_whole, STARTS_WITHIN_S, self.logs)

    def logs(self) -> str:
        tails = [path.read_text(errors="replace")[-1500:] for path in sorted(self.folder.glob("*/*.log"))]
        return "\n".join(tails)


@contextmanager
def running(*, database: str) -> Iterator[Cluster]:
    """Start them with the shipped files. `database`: whose gate is told of a standby that takes over."""
    folder = Path(tempfile.mkdtemp(prefix="whereabouts-nodes-"))
    folder.chmod(0o755)
    (folder / "repository").mkdir()
    shutil.chown(folder / "repository", "postgres", "postgres")
    key, certificate = folder / "server.key", folder / "server.pem"
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=whereabouts")
    run(*made, "-keyout", str(key), "-out", str(certificate))
    cluster = Cluster(folder, {name: _lay_out(name, folder, database) for name in ADDRESSES}, database)
    proxy = subprocess.Popen(["haproxy", "-q", "-db", "-f", str(SHIPPED / "haproxy.cfg")], stderr=subprocess.DEVNULL)
    try:
        for node in cluster.nodes.values():
            node.start()
        cluster.wait_until_whole()
        started.append(cluster)
        yield cluster
    finally:
        started.clear()
        proxy.kill()
        proxy.wait()
        for node in cluster.nodes.values():
            if node.process is not None and node.process.poll() is None:
                node.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(name: str, above: Path, database: str) -> Node:
    """Its folders, and the shipped files with what they say is each server's own."""
    folder = above / name
    owners = {"postgresql": "postgres", "run": "postgres", "patroni": "postgres", "etcd": "etcd", "redis": "root"}
    for one, owner in owners.items():
        (folder / one).mkdir(parents=True)
        shutil.chown(folder / one, owner, owner)
    files = {
        "patroni/config.yml": ("patroni.yml", "# this node"), "etcd.env": ("etcd.env", ""),
        "redis/redis.conf": ("redis.conf", ""), "redis/sentinel.conf": ("sentinel.conf", "nowhere"),
        "patroni/took-over": ("took-over", "nowhere"), "pgbackrest.conf": ("pgbackrest.conf", "nowhere"),
        "patroni/was-synchronous": ("was-synchronous", "nowhere"),
    }  # fmt: skip
    for to, (shipped, marked) in files.items():
        (folder / to).write_text(_of_this_node(SHIPPED / shipped, name, marked))
    config = folder / "patroni" / "config.yml"
    config.write_text(config.read_text().replace("took-over whereabouts", f"took-over {database}"))
    if name != "node1":
        with (folder / "redis" / "redis.conf").open("a") as redis:
            redis.write(f"replicaof {ADDRESSES['node1']} 6379\n")
    (folder / "here.env").write_text(f"PATRONI_POSTGRESQL_BIN_DIR={_programs()}\nPATH={_programs()}:$PATH\n")
    for each in ("server.key", "server.pem"):
        shutil.copy(above / each, folder / "patroni" / each)
    for path in (folder / "patroni").iterdir():
        shutil.chown(path, "postgres", "postgres")
        path.chmod(0o700 if path.name in {"took-over", "was-synchronous"} else 0o600)
    shutil.chown(folder / "pgbackrest.conf", "postgres", "postgres")
    return Node(name, folder)


def _of_this_node(shipped: Path, name: str, marked: str) -> str:
    """A file with this server's name and address in each line that is marked as its own."""
    return "".join(
        line.replace("node1", name).replace(ADDRESSES["node1"], ADDRESSES[name])
        if marked in line and "ETCD_INITIAL_CLUSTER=" not in line
        else line
        for line in shipped.read_text().splitlines(keepends=True)
    )
