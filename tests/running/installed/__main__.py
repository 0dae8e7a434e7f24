"""The install guide's way with systemd, for real, to the first sign-in: `uv run python -m tests.running.installed`.

As root on Debian, with mmdebstrap and systemd-nspawn. A machine is made of Debian's packages, with what the guide says
must be there, and the guide's commands are run in it in their order, as they stand in docs/guides/install.md. Its own
systemd starts the shipped units, and the canary run says that all of it works; pages are read through its nginx, by
TLS; texts go to a gateway in the carrier's network, which only INTERNAL_HOSTS names. Nothing of this machine's is
changed: the other has its own network, and no way out of it.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.faults.programs import until
from tests.running.operators import HOST, LINE, NUMBER, PIP, complete, make_debian, put_certificates, run
from tests.running.text_gateway import serving, sign_in, stop_all
from tests.running.visitor import Visitor

PROJECT = Path(__file__).resolve().parents[3]
GUIDE = PROJECT / "docs" / "guides" / "install.md"
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "python3.13",
    "python3-venv",
    "postgresql",
    "valkey-server",
    "nginx",
    "curl",
)
CODE, LINK = "opt/whereabouts-1", "opt/whereabouts"
GATEWAY, GATEWAY_PORT = "sms.carrier.test", 8443
# Where both names lead.
ADDRESS = "10.20.0.5"
UNITS = ("whereabouts-web@8000", "whereabouts-web@8002", "whereabouts-gate", "whereabouts-worker", "whereabouts-beat")
READY = (
    f"curl --silent --header 'Host: {HOST}' --header 'X-Forwarded-Proto: https' http://127.0.0.1:8000/readyz || true"
)
PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def read_steps() -> dict[int, str]:
    """The guide's steps with systemd, each by its first command; "" for one that has none."""
    (section,) = re.findall(r"^## With systemd$(.*?)^## ", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    steps = re.findall(r"^(\d)\. (.*)$", section, re.MULTILINE)
    return {int(number): found[1] if (found := re.match(r"(?:Run )?`([^`]+)`", said)) else "" for number, said in steps}


def make_machine(root: Path) -> None:
    """Debian with what the guide asks for, and the code where it says."""
    make_debian(root, *PACKAGES)
    # Debian gives its cluster another port where this machine's own server has the usual one.
    in_root(root, "pg_conftool $(ls /usr/lib/postgresql) main set port 5432", at="/")
    (root / CODE).mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=PROJECT, capture_output=True, check=True)
    subprocess.run(["tar", "--extract", "--directory", root / CODE], input=archive.stdout, check=True)
    (root / LINK).symlink_to(Path("/") / CODE)


def in_root(root: Path, command: str, *, at: str = f"/{LINK}") -> str:
    """What a command says that runs there before the machine does, over this machine's network."""
    for path in (*PIP, "/etc/resolv.conf"):
        there = root / path[1:]
        if Path(path).is_dir():
            shutil.copytree(path, there, dirs_exist_ok=True)
        elif Path(path).exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)
    return run("chroot", str(root), "/bin/sh", "-c", f"cd {at} && {command}")


class Machine:
    """It runs, with a network of its own, which this process is in too."""

    def __init__(self, root: Path) -> None:
        os.unshare(os.CLONE_NEWNS | os.CLONE_NEWNET)
        run("mount", "--make-rprivate", "/")
        # systemd refuses a machine that mixes both versions of control groups.
        run("umount", "--lazy", "/sys/fs/cgroup")
        run("mount", "-t", "cgroup2", "none", "/sys/fs/cgroup")
        run("ip", "link", "set", "lo", "up")
        run("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")
        hosts = root / "etc" / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{ADDRESS} {HOST} {GATEWAY}\n")
        run("mount", "--bind", str(hosts), "/etc/hosts")
        self._log = (root.parent / "machine.log").open("w")
        self._nspawn = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe",
             f"--directory={root}", "--machine=whereabouts-installed", "--resolv-conf=off"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        self._children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        until(lambda: bool(self._children.read_text()), 30)
        until(lambda: self._asked("systemctl", "is-system-running").strip() in {"running", "degraded"}, 120)

    def _asked(self, *command: str) -> str:
        leader = self._children.read_text().split()[0]
        asked = ["nsenter", "--target", leader, "--all", "--", "env", "-i", f"PATH={PLACES}", *command]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout

    def type(self, command: str, *, given: str = "", fails: bool = False) -> str:
        """What a command says that the operator types as root, where the code is."""
        leader = self._children.read_text().split()[0]
        shell = ("env", "-i", f"PATH={PLACES}", "HOME=/root", "sh", "-c", f"cd /{LINK} && {command}")
        return run("nsenter", "--target", leader, "--all", "--", *shell, given=given, fails=fails)

    def end(self) -> None:
        self._nspawn.send_signal(signal.SIGTERM)
        self._nspawn.wait(60)
        self._log.close()


def put_files(machine: Machine, root: Path) -> None:
    """What step 5 says."""
    machine.type("cp docs/running/systemd/*.service /etc/systemd/system")
    shipped = (root / CODE / "docs" / "running" / "nginx.conf").read_text()
    names = shipped.replace(" partners.privacy.carrier.example", "").replace("privacy.carrier.example", HOST)
    (root / "etc" / "nginx" / "conf.d" / "whereabouts.conf").write_text(names)
    for name, ports in (("web", (8000, 8002)), ("gate", (8001,))):
        servers = root / "etc" / "nginx" / f"whereabouts-{name}.servers"
        servers.write_text("".join(f"server 127.0.0.1:{port} max_fails=0;\n" for port in ports))
    machine.type("systemctl restart nginx")


def install(machine: Machine, root: Path, steps: dict[int, str]) -> None:
    """Steps 2 to 6."""
    machine.type(steps[2])
    machine.type(steps[3])
    missing = machine.type(steps[4], fails=True)
    assert "- SMS_WEBHOOK_TOKEN: " in missing, missing
    complete(root / "etc" / "whereabouts", GATEWAY, GATEWAY_PORT, inside=f"{GATEWAY},{HOST}")
    said = machine.type(steps[4].replace("E-MAIL", "a@carrier.test", 1).replace("E-MAIL", "b@carrier.test"))
    assert said.count("chooses a password within 3 days") == len("ab"), said
    put_files(machine, root)
    machine.type(steps[6])
    assert steps[6].split()[3:] == [*UNITS]
    until(lambda: '"canary": "ok"' in machine.type(READY), 120, lambda: machine.type(READY))


def main() -> None:
    """Everything, one after the other."""
    steps = read_steps()
    assert sorted(steps) == [1, 2, 3, 4, 5, 6], steps
    assert [number for number, command in steps.items() if not command] == [5], steps
    folder = Path(tempfile.mkdtemp(prefix="installed-"))
    root = folder / "root"
    machine = None
    try:
        make_machine(root)
        in_root(root, steps[1])
        (root / "etc" / "whereabouts" / "tls").mkdir(parents=True)
        authority, trusts, tls = put_certificates(root / "etc" / "whereabouts" / "tls", folder, GATEWAY)
        (root / "usr" / "local" / "share" / "ca-certificates" / "carrier.crt").write_text(authority)
        in_root(root, "update-ca-certificates", at="/")
        machine = Machine(root)
        install(machine, root, steps)
        machine.type(".venv/bin/python manage.py import_lines -", given=LINE)
        with serving(ADDRESS, GATEWAY_PORT, tls) as gateway:
            sign_in(Visitor(f"https://{HOST}", trusts), NUMBER, gateway)
            stop_all(Visitor(f"https://{HOST}", trusts), NUMBER, gateway)
        states = machine.type(f"systemctl show --property=ActiveState,NRestarts {' '.join(UNITS)}")
        assert states.split() == ["NRestarts=0", "ActiveState=active"] * len(UNITS), states
        sys.stdout.write("Every unit runs, and somebody signed in and stopped by texted codes.\n")
    finally:
        if machine is not None:
            machine.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
