"""An operator's first day with docs/running/start, for real: `uv run python -m tests.running.containers`.

As root on Debian, with buildah, podman, podman-compose and mmdebstrap. It builds the image from the Containerfile,
starts compose.yaml by that one command, and waits until every health check passes. Somebody signs in, and stops all
sharing, through the proxy, by codes that a text gateway of the carrier's own took. Nothing of this machine's is
changed: folders, mounts and containers are the run's own.

No registry of images is asked. The base images are made from Debian's packages, under the names that the files have;
that of PostgreSQL gets an entry that takes the official one's steps in their order.
"""

import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tests.faults.programs import until
from tests.running.operators import HOST, LINE, NUMBER, PIP, complete, make_debian, put_certificates, run
from tests.running.text_gateway import TextGateway, serving, sign_in, stop_all
from tests.running.visitor import Visitor

HERE, PROJECT = Path(__file__).parent, Path(__file__).resolve().parents[3]
START = PROJECT / "docs" / "running" / "start"
INSIDE = "WHEREABOUTS_CONTAINERS"
# By this name containers know the machine that they are on.
GATEWAY, GATEWAY_PORT = "host.containers.internal", 8443
ENTRY = "/usr/local/bin/docker-entrypoint.sh"
PARTS = ("postgres", "valkey", "web", "web-second", "gate", "workers", "beat", "proxy")
CHOICES = "from consent.models import Choice; print([(one.kind, one.scope) for one in Choice.objects.all()])"
UNFINISHED = [
    "- /etc/whereabouts/settings still names carrier.example: ALLOWED_HOSTS, BASE_URL, EMAIL_FROM, SMS_WEBHOOK_URL",
    "- EMAIL_URL: write the mail server's address, smtps://user:password@host, to /etc/whereabouts/secrets/EMAIL_URL",
    "- SMS_WEBHOOK_TOKEN: write the bearer token of your text gateway, to /etc/whereabouts/secrets/SMS_WEBHOOK_TOKEN",
    "- chain.pem: put the certificate with its chain at /etc/whereabouts/tls/chain.pem",
    "- key.pem: put its private key at /etc/whereabouts/tls/key.pem",
]


def compose(*command: str, given: str = "") -> str:
    return run("podman", "compose", "--file", str(START.with_name("compose.yaml")), *command, given=given)


def own_machine(folder: Path) -> None:
    """Mounts that only this run sees: its own /etc/whereabouts, /srv/whereabouts and hosts, and plain cgroups."""
    for name in ("etc", "srv", "storage", "run"):
        (folder / name).mkdir()
    for name, place in (("etc", "/etc/whereabouts"), ("srv", "/srv/whereabouts")):
        Path(place).mkdir(exist_ok=True)
        run("mount", "--bind", str(folder / name), place)
    (folder / "hosts").write_text(f"127.0.0.1 localhost {HOST}\n")
    run("mount", "--bind", str(folder / "hosts"), "/etc/hosts")
    # crun refuses a machine that mixes both versions of control groups.
    run("umount", "--lazy", "/sys/fs/cgroup")
    run("mount", "-t", "cgroup2", "none", "/sys/fs/cgroup")
    volumes = ", ".join(f'"{path}:{path}:ro"' for path in PIP if Path(path).exists())
    (folder / "containers.conf").write_text(
        f'[containers]\ncgroups = "disabled"\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
        f'volumes = [{volumes}]\n[engine]\ncgroup_manager = "cgroupfs"\ncompose_warning_logs = false\n'
    )
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/storage"\nrunroot = "{folder}/run"\n'
    )
    os.environ.update(
        CONTAINERS_CONF=f"{folder}/containers.conf", CONTAINERS_STORAGE_CONF=f"{folder}/storage.conf",
        PODMAN_IGNORE_CGROUPSV1_WARNING="1", DEBIAN_FRONTEND="noninteractive",
    )  # fmt: skip


def trust_in_containers(folder: Path, authority: str) -> None:
    """The certificates that this machine trusts are mounted in each container: add the carrier's."""
    trusted = folder / "trusted.crt"
    trusted.write_text(Path(PIP[0]).read_text() + authority)
    run("mount", "--bind", str(trusted), PIP[0])


def base_images(folder: Path) -> None:
    """Make what the Containerfile and compose.yaml take from a registry."""
    make_debian(system := folder / "debian.tar")
    run("podman", "import", str(system), "localhost/debian")
    _image("python:3.13-slim", "python3 python3-venv", "ln -s python3 /usr/bin/python")
    _image("postgres:18", "postgresql-17", "ln -s /usr/lib/postgresql/17/bin/pg_isready /usr/local/bin/")
    _image("valkey/valkey:9", "valkey-server valkey-tools", "true")
    _image("nginx:1.30", "nginx-light curl", "useradd --system nginx")


def _image(name: str, packages: str, also: str) -> None:
    made = run("buildah", "from", "localhost/debian").strip()
    install = f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {packages} && {also}"
    run("buildah", "run", "--network", "host", "--env", "DEBIAN_FRONTEND", made, "--", "sh", "-c", install)
    if name.startswith("postgres"):
        run("buildah", "copy", "--chmod", "0755", made, str(HERE / "postgres-entry"), ENTRY)
        run("buildah", "config", "--entrypoint", f'["{ENTRY}"]', "--cmd", "postgres", made)
    run("buildah", "commit", "--rm", made, f"localhost/{name}")


def refuse_what_is_half_configured() -> None:
    """The first start copies the settings; the second names all that is missing, and no container runs."""
    assert "/etc/whereabouts/settings was made. Adapt it" in run(str(START), fails=True)
    said = run(str(START), fails=True)
    assert [line for line in said.splitlines() if line.startswith("- ")] == UNFINISHED, said
    assert run("podman", "ps", "--quiet") == ""


def check_health(ended: threading.Event) -> None:
    """Run the containers' health checks, as systemd does where it runs."""
    while not ended.wait(2):
        for one in subprocess.run(["podman", "ps", "-q"], capture_output=True, text=True, check=False).stdout.split():
            subprocess.run(["podman", "healthcheck", "run", one], capture_output=True, check=False)


def _states() -> set[str]:
    """Of all parts: whether they are healthy, and can write nothing."""
    state = "{{.State.Health.Status}} {{.HostConfig.ReadonlyRootfs}}"
    names = [f"whereabouts_{part}_1" for part in PARTS]
    return set(run("podman", "inspect", "--format", state, *names).split("\n")) - {""}


def use_through_the_proxy(trusts: ssl.SSLContext, gateway: TextGateway) -> None:
    """Somebody signs in, and somebody without an account stops everything, by the codes that came to their phone."""
    compose("exec", "-T", "workers", "python", "manage.py", "import_lines", "-", given=LINE)
    sign_in(Visitor(f"https://{HOST}", trusts), NUMBER, gateway)
    stop_all(Visitor(f"https://{HOST}", trusts), NUMBER, gateway)
    assert _shell(CHOICES) == "[('stop', 'all')]"


def _shell(command: str) -> str:
    said = ("python", "manage.py", "shell", "--no-imports", "--command", command)
    return run("podman", "exec", "whereabouts_workers_1", *said).strip()


def main() -> None:
    """Everything, one after the other."""
    if os.environ.get(INSIDE) != "1":
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-m", "tests.running.containers"])
    folder, configuration = Path(tempfile.mkdtemp(prefix="containers-")), Path("/etc/whereabouts")
    ended = threading.Event()
    checks = threading.Thread(target=check_health, args=[ended])
    try:
        own_machine(folder)
        base_images(folder)
        refuse_what_is_half_configured()
        authority, trusts, tls = put_certificates(configuration / "tls", folder, GATEWAY)
        trust_in_containers(folder, authority)
        complete(configuration, GATEWAY, GATEWAY_PORT, inside=GATEWAY)
        # No container can reach the pages' address, and the canary would be right to fail.
        with (configuration / "settings").open("a") as settings_of_containers:
            settings_of_containers.write("CANARY=0\n")
        checks.start()
        said = run(str(START), "--officer", "a@carrier.test", "--officer", "b@carrier.test")
        assert said.count("chooses a password within 3 days") == len("ab"), said
        secrets = {path.name: path.read_text() for path in (configuration / "secrets").iterdir()}
        settings = configuration / "settings"
        settings.write_text(settings.read_text().replace("CARRIER_NAME=Carrier\n", "CARRIER_NAME=Another name\n"))
        assert "nothing, all was there" in run(str(START))
        for part in ("web_1", "web-second_1", "gate_1", "workers_1", "beat_1"):
            assert run("podman", "exec", f"whereabouts_{part}", "printenv", "CARRIER_NAME") == "Another name\n"
        assert secrets == {path.name: path.read_text() for path in (configuration / "secrets").iterdir()}
        until(lambda: _states() == {"healthy true"}, 60, lambda: str(_states()))
        with serving("0.0.0.0", GATEWAY_PORT, tls) as gateway:
            use_through_the_proxy(trusts, gateway)
        sys.stdout.write("Every part is healthy, and somebody signed in and stopped by texted codes.\n")
    finally:
        ended.set()
        subprocess.run(["podman", "rm", "--all", "--force", "--time", "2"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
