"""The demo as a person and a program find it, and that nothing of it stays behind."""

import json
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.faults.programs import free_port, until
from tests.portal.processes import PROJECT, clean_environment, processes_of, wait_for_keeper_to_end
from tests.selection import drawn
from tools.demo.processes import clear, hold_port

READY_WITHIN_S = 240


@dataclass(frozen=True)
class Demo:
    """A running demo: its process, its folder, and what it says of itself."""

    process: subprocess.Popen[str]
    data_dir: Path
    manifest: dict[str, Any]


def start(data_dir: Path) -> Demo:
    """Start a demo from another folder, and wait until it is ready. A power cut may take its data."""
    command = ["demo", "--port", str(free_port()), "--data", str(data_dir), "--no-input"]
    with (data_dir.parent / "demo.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, str(PROJECT / "manage.py"), *command], cwd=data_dir.parent,
            env=clean_environment(EMBEDDED_THROWAWAY="1"), stdout=log, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    path = data_dir / "demo.json"
    until(lambda: path.exists() or process.poll() is not None, READY_WITHIN_S)
    assert path.exists(), (data_dir.parent / "demo.log").read_text()[-2000:]
    return Demo(process, data_dir, json.loads(path.read_text()))


def fetch(url: str, *, token: str = "", body: object = None) -> tuple[int, str]:
    parts = urlsplit(url)
    connection = HTTPConnection("127.0.0.1", parts.port, timeout=10)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Host": parts.netloc}
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request("GET" if body is None else "POST", path, json.dumps(body) if body else None, headers)
    response = connection.getresponse()
    found = response.status, response.read().decode()
    connection.close()
    return found


def asked(manifest: dict[str, Any], line_id: str, allowed: dict[str, Any]) -> dict[str, Any]:
    """The gate's answer to what the manifest says is allowed."""
    token = next(c["access_token"] for c in manifest["clients"] if "decisions:read" in c["scopes"])
    question = {
        "subject": {
            "type": "partner",
            "id": allowed["aggregator"],
            "properties": {"on_behalf_of": allowed["lbs_provider"], "campaign": allowed["campaign"]},
        },
        "action": {
            "name": "location-retrieval:read",
            "properties": {"purpose": allowed["purpose"], "precision_m": allowed["precision_m"]},
        },
        "resource": {"type": "line", "id": line_id},
    }
    status, body = fetch(f"{manifest['base_url']}/access/v1/evaluation", token=token, body=question)
    assert status == 200
    answer: dict[str, Any] = json.loads(body)
    return answer


def the_manifest_has_the_shape_that_programs_rely_on(demo: Demo) -> None:
    manifest = demo.manifest
    promised = {"ready", "base_url", "partners", "people", "clients", "database_url", "redis_url"}
    assert set(manifest) == promised | {"others"}
    assert manifest["ready"] is True
    assert [set(partner) for partner in manifest["partners"]] == [{"id", "name", "base_url"}] * 2
    usual = {"name", "role", "phone", "email", "password", "lines"}
    for person in [*manifest["people"], *manifest["others"]]:
        assert set(person) == usual | ({"totp_secret"} if person["role"] != "subscriber" else set())
    assert [person["role"] for person in manifest["people"]] == [*["subscriber"] * 6, "agent", "officer", "officer"]
    assert [(person["name"], person["role"]) for person in manifest["others"]] == [
        ("Eve Marlow", "auditor"),
        ("Nia Holt", "legal"),
    ]
    keys = {"client_id", "private_key_file", "scopes", "access_token"}
    assert [set(client) for client in manifest["clients"]] == [keys] * 4
    assert all(Path(client["private_key_file"]).read_text().startswith("-----BEGIN") for client in manifest["clients"])
    assert stat.S_IMODE((demo.data_dir / "demo.json").stat().st_mode) == 0o600


def everybody_is_in_the_table_with_their_password(demo: Demo) -> None:
    table = (demo.data_dir.parent / "demo.log").read_text()
    everybody = [*demo.manifest["people"], *demo.manifest["others"]]
    assert len(everybody) == 11
    for person in everybody:
        who = person["phone"] or person["email"]
        assert f"  {person['name']:<16} {who:<22} {person['password']:<18} " in table


def the_figures_for_everyone_are_there(demo: Demo) -> None:
    status, text = fetch(f"{demo.manifest['base_url']}/transparency/releases.csv")
    rows = [row.split(",") for row in text.splitlines()[1:]]
    assert status == 200
    # Most of what the sample's people had allowed in the last 30 days, and nothing of the one order that is hidden.
    assert sum(int(row[2]) for row in rows if row[2].isdecimal()) > 100
    assert "legal_process" not in {row[1] for row in rows}


def the_first_line_is_allowed_through_each_partner_and_the_gate_agrees(demo: Demo) -> None:
    line = demo.manifest["people"][0]["lines"][0]
    through = {allowed["aggregator"] for allowed in line["allowed"]}
    assert through == {partner["id"] for partner in demo.manifest["partners"]}
    assert [asked(demo.manifest, line["line_id"], one)["decision"] for one in line["allowed"]] == [True] * 3


def a_subscriber_with_three_lines_and_one_with_nothing(demo: Demo) -> None:
    people = {person["name"]: person for person in demo.manifest["people"]}
    assert [line["line_id"] for line in people["Dana Whitfield"]["lines"]] == ["DEMO-0001", "DEMO-0002", "DEMO-0003"]
    assert [line["allowed"] for line in people["Sam Okafor"]["lines"]] == [[]]
    assert [line["line_id"] for line in people["Ruth Delgado"]["lines"]] == ["DEMO-0005"]


def partners_answer_and_were_told_of_the_samples_own_stops(demo: Demo) -> None:
    for partner in demo.manifest["partners"]:
        status, body = fetch(f"{partner['base_url']}/received")
        assert status == 200
        assert {"jti", "at", "agreement", "epoch", "version", "sub", "state"} <= set(json.loads(body)[0])


def what_is_over_by_its_term_was_ended_and_nothing_else(demo: Demo) -> None:
    with psycopg.connect(demo.manifest["database_url"]) as connection:
        rows = connection.execute(
            "SELECT c.of, t.ref, c.actor, (c.plan ->> 'lines')::int, k.epoch, c.terminated_at = t.ends_at"
            " FROM revocations_cohort c JOIN partners_campaign t ON t.id = c.target_id"
            " JOIN partners_contract k ON k.id = c.contract_id"
        ).fetchall()
    assert rows == [("campaign", "CMP-LONEWORKER-M", "system:terms", 4, 2, True)]


def texts_can_be_read_as_json(demo: Demo) -> None:
    phone = demo.manifest["people"][0]["phone"]
    status, body = fetch(f"{demo.manifest['base_url']}/demo/phone/?number={phone}")
    newest = json.loads(body)[0]
    assert (status, set(newest)) == (200, {"at", "text", "code"})
    assert newest["code"] in newest["text"]


def test_a_demo_from_its_first_start_to_its_last(tmp_path: Path) -> None:
    """One for all: a first start takes a while."""
    data_dir = tmp_path / "data"
    first = start(data_dir)
    the_manifest_has_the_shape_that_programs_rely_on(first)
    everybody_is_in_the_table_with_their_password(first)
    the_first_line_is_allowed_through_each_partner_and_the_gate_agrees(first)
    a_subscriber_with_three_lines_and_one_with_nothing(first)
    partners_answer_and_were_told_of_the_samples_own_stops(first)
    what_is_over_by_its_term_was_ended_and_nothing_else(first)
    the_figures_for_everyone_are_there(first)
    texts_can_be_read_as_json(first)
    collected = (data_dir / "static" / "staticfiles.json").stat().st_mtime_ns
    # Which of the two ends a run sees is drawn; by night both.
    end, *others = drawn((sigterm_ends_every_process, sigkill_leaves_none_behind), of=2)
    end(first)
    for end_again in others:
        second = start(data_dir)
        assert [p["password"] for p in second.manifest["people"]] == [p["password"] for p in first.manifest["people"]]
        assert second.manifest["people"][0]["lines"] == first.manifest["people"][0]["lines"]
        assert (data_dir / "static" / "staticfiles.json").stat().st_mtime_ns == collected, "nothing had changed"
        end_again(second)


def sigterm_ends_every_process(demo: Demo) -> None:
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(30) == 0
    assert processes_of(demo.data_dir) == []
    assert not (demo.data_dir / "demo.json").exists()


def sigkill_leaves_none_behind(demo: Demo) -> None:
    demo.process.kill()
    demo.process.wait(30)
    wait_for_keeper_to_end(demo.data_dir)
    until(lambda: processes_of(demo.data_dir) == [], 10)


def test_a_fresh_start_meets_none_of_an_earlier_demo_s_stops(tmp_path: Path) -> None:
    """The gate stays closed over an archive of stops that are not in the database."""
    for name in ("postgres", "checkpoints", "stop-archive"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes.txt").write_text("not the demo's")
    clear(tmp_path, ask=False)
    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]


def test_two_demos_that_start_at_one_time_never_share_a_port() -> None:
    with hold_port(0) as first:
        taken = first.getsockname()[1]
        with hold_port(taken) as second:
            assert second.getsockname()[1] != taken
    with hold_port(taken) as again:
        assert again.getsockname()[1] == taken
