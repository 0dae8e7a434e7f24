"""What operators copy is held to what is there: each alert and each panel asks for a figure that `/metrics` has."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from consent.gate.deciding import DECISIONS
from portal.load_shedding import TURNED_AWAY
from revocations.models import Pulse, PushTally

DOCS = Path(__file__).resolve().parents[2] / "docs"
RUNNING = DOCS / "running"
RULES = [rule for group in yaml.safe_load((RUNNING / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
PANELS = json.loads((RUNNING / "grafana.json").read_text())["panels"]
ASKED = re.compile(r"\b(?:whereabouts_\w+|up)\b")


def figures(client: Client, settings: Settings) -> str:
    settings.METRICS_TOKEN = "token-of-this-test"
    client.get("/healthz")
    answer = client.get("/metrics", headers={"Authorization": "Bearer token-of-this-test"})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def told(client: Client, settings: Settings, db: None) -> str:
    """What `/metrics` says once something of each kind has happened."""
    now = timezone.now()
    PushTally.objects.create(party_id=7, minute=now - timedelta(minutes=1), tries=5, failures=2)
    Pulse.objects.create(minute=now - timedelta(minutes=4))
    DECISIONS.labels("allow").inc(0)
    TURNED_AWAY.labels("full").inc(0)
    return figures(client, settings)


def names(said: str) -> set[str]:
    return {line.split("{")[0].split(" ")[0] for line in said.splitlines() if line and not line.startswith("#")} | {
        line.split(" ")[2] for line in said.splitlines() if line.startswith("# TYPE")
    }


def test_caddy_can_t_send_machines_on_before_it_refuses_them() -> None:
    """Bare directives it sorts (`redir` first), and blocks of `handle` it takes one of, the more special first."""
    block = (RUNNING / "Caddyfile").read_text().partition("\nhttp://")[2]
    directives = [line.strip() for line in block.splitlines() if re.match(r"\t\w", line)]
    handled = re.findall(r"handle( @machines)? \{\s+(redir|respond) (\S+)", block)
    assert (directives, [one[:2] for one in handled], handled[0][2]) == (
        ["handle @machines {", "handle {"], [(" @machines", "respond"), ("", "redir")], "403",
    )  # fmt: skip


def test_every_alert_and_panel_asks_for_a_figure_that_there_is(told: str) -> None:
    there = {*names(told), "up"}
    asked = [(rule["alert"], rule["expr"]) for rule in RULES]
    asked += [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
    assert len(asked) > 35
    assert {(where, name) for where, what in asked for name in ASKED.findall(what) if name not in there} == set()


def test_every_alert_names_a_runbook_that_is_there_and_the_oldest_stop_comes_first() -> None:
    assert RULES[0]["alert"] == "StopNotTakenByPartner"
    assert PANELS[0]["targets"][0]["expr"] in RULES[0]["expr"]
    headings = re.findall(r"^## (.+)$", (DOCS / "guides" / "runbooks.md").read_text(), re.MULTILINE)
    assert headings == [rule["alert"] for rule in RULES]
    anchors = [f"docs/guides/runbooks.md#{heading.lower()}" for heading in headings]
    assert [rule["annotations"]["runbook"] for rule in RULES] == anchors


def test_signs_of_life_pushes_and_sessions_are_told(told: str) -> None:
    lines = told.splitlines()
    assert 'whereabouts_pushes_last_ten_minutes{party="7",result="taken"} 3.0' in lines
    assert 'whereabouts_pushes_last_ten_minutes{party="7",result="failed"} 2.0' in lines
    assert "whereabouts_broker_up 1.0" in lines
    assert 'whereabouts_texts{state="waiting"} 0.0' in lines
    (delivery,) = [line for line in lines if line.startswith('whereabouts_heartbeat_age_seconds{process="delivery"}')]
    assert 180 <= float(delivery.split()[1]) < 200
    active = [line for line in lines if line.startswith('whereabouts_database_sessions{state="active"}')]
    assert float(active[0].split()[1]) >= 1


def test_a_request_is_counted_by_the_template_of_its_route(client: Client, settings: Settings, db: None) -> None:
    client.get("/stop/progress/Zk3v9QxT0aBcD4eFgH5iJkL6/")
    client.get("/nobody/knows/this")
    said = figures(client, settings)
    assert 'whereabouts_request_seconds_count{method="GET",route="/stop/progress/<str:token>/",status="404"}' in said
    assert 'route="none",status="404"' in said
    assert "Zk3v9" not in said
    assert "nobody" not in said
