"""A running Prometheus with docs/running/prometheus.yml and alerts.yml, all but ports and the token as they are."""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.faults.programs import Program, Programs, free_port, until
from tests.running.conftest import the_program
from tests.running.proxies import RUNNING
from tools.demo.processes import UVICORN

TOKEN = "token-of-this-test"
PANELS = json.loads((RUNNING / "grafana.json").read_text())["panels"]
# Rules wait for minutes; here they are looked at every second.
OFTEN = "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
WITHIN_S = 60.0


@dataclass(frozen=True)
class Prometheus:
    """One that runs, and the two web processes and the gate that it asks."""

    port: int
    web: dict[str, Program]

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]

    def up(self) -> dict[tuple[str, str], str]:
        """By address and what it is of: "1" for one that answers."""
        found = self.ask("query?query=up")["result"]
        return {(one["metric"]["instance"], one["metric"]["of"]): one["value"][1] for one in found}

    def rules(self) -> dict[str, dict[str, Any]]:
        groups = self.ask("rules")["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}


@pytest.fixture
def prometheus(committed_db: None, tmp_path: Path) -> Iterator[Prometheus]:
    program = the_program("prometheus", "prometheus")
    programs = Programs.usual(more={"METRICS_TOKEN": TOKEN})
    ports = {"8000": free_port(), "8002": free_port(), "8001": free_port()}
    try:
        programs.broker()
        web = {name: _web(programs, name, port) for name, port in ports.items()}
        for one in web.values():
            one.wait()
        port = free_port()
        process = subprocess.Popen(
            [program, f"--config.file={_configured(tmp_path, ports)}", f"--web.listen-address=127.0.0.1:{port}",
             f"--storage.tsdb.path={tmp_path / 'data'}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield Prometheus(port, web)
        finally:
            process.kill()
            process.wait()
    finally:
        programs.end()


def _web(programs: Programs, name: str, port: int) -> Program:
    where = ("--host", "127.0.0.1", "--port", str(port), "portal.asgi:application")
    return programs.add(
        f"web-{name}", sys.executable, "-m", "uvicorn", *UVICORN, *where, port=port, forked=programs.loaded()
    )


def _configured(folder: Path, ports: dict[str, int]) -> Path:
    token, told = folder / "token", (RUNNING / "prometheus.yml").read_text()
    token.write_text(TOKEN)
    told = told.replace("/etc/prometheus/whereabouts-metrics-token", str(token))
    told = re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda found: str(ports[found[0]]), told)
    (folder / "prometheus.yml").write_text(OFTEN + told)
    (folder / "alerts.yml").write_text((RUNNING / "alerts.yml").read_text())
    return folder / "prometheus.yml"


def test_it_scrapes_each_process_answers_each_panel_and_sees_one_die(prometheus: Prometheus) -> None:
    expected = {
        (f"127.0.0.1:{one.port}", "gate" if name == "8001" else "pages") for name, one in prometheus.web.items()
    }
    until(lambda: _is_ready(prometheus) and prometheus.up() == dict.fromkeys(expected, "1"), WITHIN_S)

    until(lambda: {rule["health"] for rule in prometheus.rules().values()} == {"ok"}, WITHIN_S)
    for panel in PANELS:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "5m")
            assert prometheus.ask(f"query?query={quote(expression)}")["resultType"] == "vector", panel["title"]
    # No worker and no beat runs here: those alerts wait for their minutes, and that of web processes does not.
    until(lambda: prometheus.rules()["BeatSilent"]["state"] == "pending", WITHIN_S)
    assert prometheus.rules()["WebAway"]["state"] == "inactive"

    dead = prometheus.web["8002"]
    dead.kill()
    until(lambda: prometheus.rules()["WebAway"]["state"] == "pending", WITHIN_S)
    (alert,) = prometheus.rules()["WebAway"]["alerts"]
    assert (alert["labels"]["instance"], alert["labels"]["severity"]) == (f"127.0.0.1:{dead.port}", "page")


def _is_ready(prometheus: Prometheus) -> bool:
    try:
        return bool(prometheus.up())
    except (OSError, ValueError):
        return False
