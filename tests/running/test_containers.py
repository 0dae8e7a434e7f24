"""compose.yaml and kubernetes.yaml start what the units start, with the secrets that they need and nothing besides."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.environment import environment
from portal.setting_list import SECRETS
from tests.running.proxies import RUNNING
from tests.running.units import get_command, read_unit

COMPOSE = yaml.safe_load((RUNNING / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# By part: the unit of systemd, the service of compose.yaml, the deployment.
PARTS = {
    "web": "whereabouts-web@.service", "gate": "whereabouts-gate.service", "workers": "whereabouts-worker.service",
    "beat": "whereabouts-beat.service",
}  # fmt: skip
DEPLOYMENTS = {
    one["metadata"]["name"]: one
    for one in yaml.safe_load_all((RUNNING / "kubernetes.yaml").read_text())
    if one["kind"] in {"Deployment", "Job"}
}
# What tells where a process listens and how much waits there, and what a machine of its own sets otherwise.
WHERE = re.compile(r" --(?:host|port|backlog) \S+")
# The units set these themselves; others are for one's own machine.
NOT_FOR_OPERATORS = {
    "DATA_DIR", "DEBUG", "DEMO", "DOOR_OUT_LOOPBACK", "TRACES", "SENTRY_DSN", *SECRETS,
}  # fmt: skip


def unit(name: str) -> tuple[str, set[str]]:
    """The command of a unit, without where it listens, and the secrets that it loads."""
    secrets = re.findall(r"^LoadCredential=(\w+)", read_unit(name), re.MULTILINE)
    return WHERE.sub("", " ".join(get_command(name))), set(secrets)


def image_command() -> list[str]:
    (command,) = re.findall(r"^CMD (.*)$", (RUNNING / "Containerfile").read_text(), re.MULTILINE)
    return list(yaml.safe_load(command))


@pytest.mark.no_database
@pytest.mark.parametrize("part", PARTS)
def test_a_container_runs_what_its_unit_runs(part: str) -> None:
    command, secrets = unit(PARTS[part])
    service, deployed = SERVICES[part], DEPLOYMENTS[part]["spec"]["template"]["spec"]
    (container,) = deployed["containers"]
    for run in (service.get("command"), container.get("args")):
        assert WHERE.sub("", " ".join(run or image_command())) == command
    needed = secrets - {"METRICS_TOKEN"}
    assert needed <= set(service["secrets"])
    (volume,) = (one["secret"]["items"] for one in deployed["volumes"] if one["name"] == "secrets")
    assert {item["path"] for item in volume} == secrets
    files = {one["name"]: one["value"] for one in container["env"] if one["name"].endswith("_FILE")}
    assert files == {f"{name}_FILE": f"/run/secrets/whereabouts/{name}" for name in secrets}


@pytest.mark.no_database
def test_each_service_reads_the_secrets_it_is_given_and_can_write_nothing() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges"], name
        if name == "setup":
            continue
        assert {"test", "timeout"} <= service["healthcheck"].keys(), name
        given = {value.removeprefix("/run/secrets/") for value in (service.get("environment") or {}).values()
                 if value.startswith("/run/secrets/")}  # fmt: skip
        assert name == "valkey" or given == set(service.get("secrets", [])), name
    assert COMPOSE["secrets"] == {name: {"file": f"/etc/whereabouts/secrets/{name}"} for name in {*COMPOSE["secrets"]}}
    assert {one for service in SERVICES.values() for one in service.get("secrets", [])} == {*COMPOSE["secrets"]}


@pytest.mark.no_database
@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("", ["postgres", "valkey"]),
        ('#PLAIN_HOSTS=no\nPLAIN_HOSTS=old.internal\nPLAIN_HOSTS="db.internal, 10.20.0.0/16"\nLOG_FORMAT=json\n',
         ["postgres", "valkey", "db.internal", "10.20.0.0/16"]),
    ],
)  # fmt: skip
def test_plain_hosts_of_an_operator_s_own_stay_beside_the_containers(
    written: str, named: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings").write_text(written)
    (reading,) = re.findall(r"^PLAIN_HOSTS=.*$", (RUNNING / "start").read_text(), re.MULTILINE)
    reading = reading.replace("/etc/whereabouts", str(tmp_path))
    own = subprocess.run(["sh", "-c", f'{reading}; echo "$PLAIN_HOSTS"'], capture_output=True, text=True, check=True)
    given = SERVICES["web"]["environment"]["PLAIN_HOSTS"].replace("${PLAIN_HOSTS:-}", own.stdout.strip())
    monkeypatch.setenv("PLAIN_HOSTS", given)
    assert environment().plain_hosts == named


@pytest.mark.no_database
def test_the_deployments_can_write_nothing_and_are_nobody() -> None:
    for name, one in DEPLOYMENTS.items():
        pod = one["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001), name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert ("livenessProbe" in container) is (name != "migrate")


@pytest.mark.no_database
def test_the_example_names_every_setting_and_every_secret() -> None:
    said = (RUNNING / "settings").read_text()
    names = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", said, re.MULTILINE))
    fields = {field.upper() for field in vars(environment())}
    assert fields - NOT_FOR_OPERATORS - names == set()
    assert names - fields == {"OTEL_EXPORTER_OTLP_ENDPOINT"}
