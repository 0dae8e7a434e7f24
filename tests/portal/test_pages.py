"""Pages without domain."""

import json
import time
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from partners.clients import checkpoint_places
from partners.workers import checkpoints
from partners.workers.checkpoints import WRITTEN
from portal import demo_phone, health


def test_healthz_answers_without_a_database(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_readyz_tells_of_database_broker_and_oldest_due_order(
    client: Client, db: None, settings: Settings, tmp_path: Path
) -> None:
    settings.CHECKPOINT_DIR = tmp_path
    cache.delete(WRITTEN)
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "ready": True, "database": "ok", "broker": "ok", "oldest_due_s": 0.0, "partitions": "ok", "canary": "never",
        "gate": "open", "unarchived_s": 0.0, "checkpoint_s": None,
    }  # fmt: skip
    cache.set(WRITTEN, time.time() - 1000)
    assert 1000 <= client.get("/readyz").json()["checkpoint_s"] < 1060
    checkpoints.write(place=checkpoint_places.place(), at=timezone.now())
    assert 0 <= client.get("/readyz").json()["checkpoint_s"] < 60


def test_a_lost_broker_leaves_us_ready_because_a_stop_needs_only_the_database(
    client: Client, db: None, settings: Settings
) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    response = client.get("/readyz")
    assert (response.status_code, response.json()["broker"], response.json()["ready"]) == (200, "down", True)


def test_without_the_database_we_are_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_at: object) -> float:
        raise DatabaseError

    monkeypatch.setattr(health, "_oldest_due_s", lost)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["database"]) == (503, "down")


def test_metrics_are_for_the_bearer_of_the_token(client: Client, db: None, settings: Settings) -> None:
    settings.METRICS_TOKEN = "token-of-this-test"
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    response = client.get("/metrics", headers={"Authorization": "Bearer token-of-this-test"})
    assert response.status_code == 200
    assert 'whereabouts_orders{state="queued"} 0.0' in response.content.decode().splitlines()
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics").status_code == 404


def test_gpc_and_security_txt(client: Client) -> None:
    assert client.get("/.well-known/gpc.json").json() == {"gpc": True, "lastUpdate": "2026-11-24"}
    text = client.get("/.well-known/security.txt").content.decode()
    assert [line.split(":")[0] for line in text.splitlines()] == [
        "Contact", "Expires", "Preferred-Languages", "Canonical",
    ]  # fmt: skip


def test_the_demos_phones_show_texts_newest_first(client: Client, settings: Settings, tmp_path: Path) -> None:
    settings.DEMO, settings.DATA_DIR = True, tmp_path
    for code in ("111111", "222222"):
        demo_phone.Backend().send(msisdn="+12065550142", text=f"Your code is {code}", code=code)
    demo_phone.Backend().send(msisdn="+12065550150", text="<b>Another</b> phone's")
    shown = json.loads(client.get("/demo/phone/?number=%2B12065550142").content)
    assert [(text["text"], text["code"]) for text in shown] == [
        ("Your code is 222222", "222222"),
        ("Your code is 111111", "111111"),
    ]
    assert shown[0]["at"] > shown[1]["at"]
    assert client.get("/demo/phone/?number=+12065550142").json() == shown
    page = client.get("/demo/phone/").content.decode()
    assert "Your code is 222222" in page
    assert "<b>Another</b>" not in page


def test_who_looks_again_reads_of_the_demos_phones_what_came_since(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    inbox, phones = demo_phone.Inbox(), demo_phone.Backend()
    phones.send(msisdn="+12065550142", text="Your code is 111111", code="111111")
    assert inbox.code(number="+12065550142") == "111111"
    phones.send(msisdn="+12065550150", text="Your code is 333333", code="333333")
    phones.send(msisdn="+12065550142", text="Your code is 222222", code="222222")
    phones.send(msisdn="+12065550142", text="All sharing is off")
    assert [inbox.code(number=number) for number in ("+12065550142", "+12065550150")] == ["222222", "333333"]
    with pytest.raises(KeyError):
        inbox.code(number="+12065550199")


@pytest.mark.parametrize(("demo", "address"), [(False, "127.0.0.1"), (True, "192.0.2.7")])
def test_outside_the_demo_there_are_no_phones(
    client: Client, settings: Settings, tmp_path: Path, demo: bool, address: str
) -> None:
    settings.DEMO, settings.DATA_DIR = demo, tmp_path
    assert client.get("/demo/phone/", REMOTE_ADDR=address).status_code == 404
    assert client.get("/demo/phone/?number=+12065550142", REMOTE_ADDR=address).status_code == 404
