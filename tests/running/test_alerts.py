"""Each alert rule fires when it should and not before, as Prometheus's own tool finds; and it reads what we tell."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from consent.gate.deciding import DECISIONS
from portal.load_shedding import TURNED_AWAY
from revocations.models import PushTally
from tests.running.conftest import the_program
from tests.running.proxies import RUNNING

RULES = {
    rule["alert"]: rule
    for group in yaml.safe_load((RUNNING / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}
BUCKETS = ("0.3", "0.5", "+Inf")


@dataclass(frozen=True)
class Case:
    """Figures minute by minute; at the minute `quiet` the rule is silent, at `fires` (none: never) it says this."""

    alert: str
    series: dict[str, str]
    quiet: int
    fires: int | None = None
    says: str = ""
    labels: dict[str, str] = field(default_factory=dict)


def slow(route: str) -> dict[str, str]:
    """Ten requests a minute that take between 0.3 and 0.5 s."""
    of = f'whereabouts_request_seconds_bucket{{method="GET",route="{route}",status="200",le='
    return {f'{of}"{le}"}}': "0x30" if le == "0.3" else "0+10x30" for le in BUCKETS}


CASES = [
    Case("StopNotTakenByPartner", {'whereabouts_oldest_unacknowledged_seconds{party="7"}': "0+60x20"}, 15, 17,
        "A partner hasn't acknowledged an order for 17m 0s", {"party": "7"}),
    Case("PartnerDeniedSoon", {'whereabouts_oldest_unacknowledged_seconds{party="7"}': "64000+100x20"}, 8, 9,
        "In six hours or less the gate denies this partner everything", {"party": "7"}),
    Case("OrdersNotSent", {"whereabouts_oldest_due_seconds": "0+60x10"}, 4, 5,
        "An order has been due for 5m 0s and no worker takes it"),
    Case("WebAway", {'up{job="whereabouts",instance="a"}': "1 1 1 0x5", 'up{job="other",instance="b"}': "0x8"}, 3, 4,
        "A web process doesn't answer /metrics", {"job": "whereabouts", "instance": "a"}),
    Case("GateUnavailable", {'whereabouts_decisions_total{reason="unavailable"}': "0 0 1 2 3 4 5 6"}, 3, 4,
        "The gate denies because the database doesn't answer"),
    Case("GateUnavailable", {'whereabouts_decisions_total{reason="stopped"}': "0+9x9"}, 9),
    # One stop that failed is enough.
    Case("StopsFail", {"whereabouts_stops_failed_total": "0 0 1x8"}, 3, 4, "Stops fail on our side"),
    Case("CodesNotTaken", {'whereabouts_codes_handed_over_total{result="taken"}': "0+80x12",
            'whereabouts_codes_handed_over_total{result="away"}': "0+10x12"}, 5, 6,
        "Codes don't reach phones: people without an account can't stop"),
    Case("CodesNotTaken", {'whereabouts_codes_handed_over_total{result="taken"}': "0+99x12",
            'whereabouts_codes_handed_over_total{result="unfit"}': "0+1x12"}, 12),
    # One that failed when nobody else asked is no outage.
    Case("CodesNotTaken", {'whereabouts_codes_handed_over_total{result="silent"}': "0 0 1x20"}, 9),
    Case("TrialOfStoppingFails", {"whereabouts_canary_ok": "1 0x20"}, 15, 16,
        "The last canary run failed, or none finished in time"),
    Case("GateClosed", {'whereabouts_gate_open{instance="a"}': "1 0 0 0", 'whereabouts_gate_open{instance="b"}': "1x3"},
        1, 2, "The gate denies everything until the database has been compared with the archive of stops"),
    Case("ChoicesNotArchived", {"whereabouts_unarchived_seconds": "0+60x20"}, 10, 11,
        "A choice has waited 11m 0s to be archived"),
    Case("CheckpointsLate", {"whereabouts_checkpoint_age_seconds": "0+60x40"}, 35, 36,
        "The last audit checkpoint is 36m 0s old"),
    Case("IncidentOpen", {'whereabouts_incidents_open{kind="false_receipt"}': "0 1x9"}, 5, 6,
        "An incident of kind false_receipt is open", {"kind": "false_receipt"}),
    Case("BeatSilent", {'whereabouts_heartbeat_age_seconds{process="beat"}': "0+60x9"}, 3, 4,
        "Beat sends no heartbeat"),
    Case("BeatSilent", {'whereabouts_heartbeat_age_seconds{process="worker"}': "Inf Inf Inf Inf"}, 3),
    Case("WorkersSilent", {'whereabouts_heartbeat_age_seconds{process="delivery"}': "Inf Inf Inf Inf"}, 0, 1,
        "No worker sends a heartbeat, or delivery doesn't run"),
    Case("BrokerAway", {"whereabouts_broker_up": "1 0x5"}, 2, 3, "The broker doesn't answer"),
    Case("BrokerFills", {"whereabouts_broker_tasks": "5001x12"}, 9, 10, "5001 tasks wait at the broker"),
    Case("PushesFail", {f'whereabouts_pushes_last_ten_minutes{{party="{party}",result="{result}"}}': f"{count}x12"
            for party, result, count in (("7", "failed", 3), ("7", "taken", 2), ("8", "failed", 1), ("8", "taken", 9))},
        9, 10, "Most pushes to a partner fail", {"party": "7"}),
    Case("PagesSlow", slow("/home/"), 10, 11, "One page in twenty takes 490ms or more"),
    Case("PagesSlow", slow("/metrics"), 25),
    Case("ReadersTurnedAway", {'whereabouts_turned_away_total{why="full"}': "0+120x9"}, 7, 8,
        "Readers are told to come back later"),
    Case("PagesFail", {'whereabouts_request_seconds_count{route="/home/",status="500"}': "0+6x9"}, 7, 8,
        "Pages fail on our side"),
    Case("TextsWait", {'whereabouts_texts{state="waiting"}': "1001x20"}, 14, 15,
        "1001 texts to people wait for the gateway"),
    Case("TextsGivenUp", {'whereabouts_texts{state="given_up"}': "0 1"}, 0, 1,
        "Texts to people expired unsent in the last hour"),
    # Two processes tell of the same texts.
    Case("FloodOfCodes", {f'whereabouts_code_texts_last_hour{{purpose="{purpose}",instance="{of}"}}': times
            for purpose, times in (("stop", "2100 2100"), ("sign_in", "1900 1901")) for of in "ab"},
        0, 1, "Far more codes are texted than people need"),
    Case("DatabaseSessionsShort", {'whereabouts_database_sessions{state="idle"}': "60x9",
            'whereabouts_database_sessions{state="active"}': "21x9", "whereabouts_database_sessions_limit": "100x9"},
        4, 5, "80% of the database's connections are in use"),
    Case("MonthWithoutPartition", {"whereabouts_partitions_missing": "1x430"}, 419, 420,
        "This month or the next has no partition"),
    Case("AnomaliesBehind", {"whereabouts_anomalies_behind_seconds": "7201x40"}, 29, 30,
        "The anomaly search is 2h 0m 1s behind"),
]  # fmt: skip


def as_promtool_has_it(case: Case) -> dict[str, Any]:
    rule = RULES[case.alert]
    looks: list[dict[str, Any]] = [{"eval_time": f"{case.quiet}m", "alertname": case.alert, "exp_alerts": []}]
    if case.fires is not None:
        said = {"summary": case.says, "runbook": rule["annotations"]["runbook"]}
        alert = {"exp_labels": {**case.labels, **rule["labels"]}, "exp_annotations": said}
        looks.append({"eval_time": f"{case.fires}m", "alertname": case.alert, "exp_alerts": [alert]})
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    return {"interval": "1m", "input_series": series, "alert_rule_test": looks}


def promtool(*arguments: str, given: str | None = None) -> str:
    """What it found wrong: nothing where all is well."""
    command = [the_program("promtool", "prometheus"), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_each_alert_fires_when_it_should_and_not_before(tmp_path: Path) -> None:
    assert {case.alert for case in CASES if case.fires is not None} == set(RULES)
    whole = {"rule_files": [str(RUNNING / "alerts.yml")], "tests": [as_promtool_has_it(case) for case in CASES]}
    (tmp_path / "cases.yml").write_text(yaml.safe_dump(whole))
    assert promtool("test", "rules", str(tmp_path / "cases.yml")) == ""


def test_prometheus_takes_rules_and_configuration(tmp_path: Path) -> None:
    assert promtool("check", "rules", "--lint=all", "--lint-fatal", str(RUNNING / "alerts.yml")) == ""
    (tmp_path / "alerts.yml").symlink_to(RUNNING / "alerts.yml")
    (tmp_path / "token").write_text("secret")
    text = (RUNNING / "prometheus.yml").read_text()
    (tmp_path / "prometheus.yml").write_text(re.sub("/etc/prometheus/.*", f"{tmp_path}/token", text))
    assert promtool("check", "config", str(tmp_path / "prometheus.yml")) == ""


def test_the_job_whose_absence_alarms_is_the_one_that_is_scraped() -> None:
    (job,) = yaml.safe_load((RUNNING / "prometheus.yml").read_text())["scrape_configs"]
    assert RULES["WebAway"]["expr"] == f'up{{job="{job["job_name"]}"}} == 0'


def test_prometheus_finds_nothing_wrong_with_our_figures(client: Client, settings: Settings, db: None) -> None:
    settings.METRICS_TOKEN = "token-of-this-test"
    PushTally.objects.create(party_id=7, minute=timezone.now() - timedelta(minutes=1), tries=5, failures=2)
    DECISIONS.labels("allow").inc(0)
    TURNED_AWAY.labels("full").inc(0)
    client.get("/healthz")
    said = client.get("/metrics", headers={"Authorization": "Bearer token-of-this-test"}).content.decode()
    assert 'whereabouts_decisions_total{reason="unavailable"}' in said
    assert 'whereabouts_codes_handed_over_total{result="away"}' in said
    # It takes the span that is looked at for a unit.
    known = 'whereabouts_pushes_last_ten_minutes use base unit "seconds" instead of "minutes"\n'
    assert promtool("check", "metrics", given=said) == known


PANELS = json.loads((RUNNING / "grafana.json").read_text())["panels"]
ACROSS = 24


def test_each_panel_has_a_place_of_its_own() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= ACROSS
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


@pytest.mark.parametrize("panel", PANELS, ids=[str(panel["id"]) for panel in PANELS])
def test_a_panel_s_legend_names_labels_that_its_question_leaves(panel: dict[str, Any]) -> None:
    assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
    letters = [target["refId"] for target in panel["targets"]]
    assert len(set(letters)) == len(letters)
    for target in panel["targets"]:
        left = {name.strip() for found in re.findall(r"by \(([^)]*)\)", target["expr"]) for name in found.split(",")}
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= left
