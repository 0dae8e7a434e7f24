"""Services of the carrier's own may stand in its network where it says so; partners never."""

import errno
import io
import json
import re
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.test import RequestFactory
from pytest_django import Settings

from accounts.clients.oidc import CARRIER, STAFF, OidcRefused, start_sign_in
from accounts.clients.texts import NotTaken
from audit.queries import database_clock
from consent.actions import choices
from partners.clients import http
from partners.clients.sms import HttpBackend
from partners.models import Contract
from portal.connections import mailer
from portal.environment import environment
from revocations.workers.delivery.delivery_rounds import sweep
from support.workers.canary import steps
from support.workers.canary.steps import StepFailed
from tests.conventions.sources import ROOT, own_modules
from tests.feeds import Row, parties_document

LEADS_TO = {
    "sms.corp.example": "10.20.0.7", "sms.public.example": "93.184.215.14", "sms.cloud.example": "169.254.169.254",
    "sms.here.example": "127.0.0.1", "sms.translated.example": "64:ff9b::a9fe:a9fe", "sms.everybody.example": "ff0e::1",
    "partner.example": "10.20.0.8", "privacy.corp.example": "10.20.0.9", "sso.corp.example": "10.20.0.10",
    "mail.corp.example": "10.20.0.11",
}  # fmt: skip


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[str]:
    """The addresses that were called, each of which refused."""
    settings.DOOR_OUT_LOOPBACK = False
    called: list[str] = []

    def look_up(host: str, port: int, *_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (LEADS_TO.get(host, host), port))]

    def refuse(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        called.append(address[0])
        raise OSError(errno.ECONNREFUSED, "no")

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    monkeypatch.setattr("urllib3.util.connection.create_connection", refuse)
    return called


def test_the_text_gateway_is_reached_inside_where_listed(dialled: list[str], settings: Settings) -> None:
    settings.SMS_WEBHOOK_TOKEN = "token"
    for host, internal, reached in (
        ("sms.corp.example", [], False),
        ("sms.corp.example", ["sms.corp.example"], True),
        ("sms.corp.example.", ["sms.corp.example"], True),
        ("sms.corp.example", ["10.20.0.0/16"], True),
        ("sms.corp.example", ["10.21.0.0/16", "fd00::/8", "corp.example"], False),
        ("sms.public.example", [], True),
        ("sms.cloud.example", ["sms.cloud.example", "169.254.0.0/16"], False),
        ("sms.here.example", ["sms.here.example", "127.0.0.0/8"], False),
        ("sms.translated.example", ["sms.translated.example", "64:ff9b::/96"], False),
        ("sms.everybody.example", ["sms.everybody.example"], False),
    ):
        settings.INTERNAL_HOSTS, settings.SMS_WEBHOOK_URL = internal, f"https://{host}/send"
        dialled.clear()
        with pytest.raises(NotTaken) as said:
            HttpBackend().send(msisdn="+12065550142", text="Your code is 123456.")
        assert dialled == ([LEADS_TO[host.rstrip(".")]] if reached else []), (host, internal)
        assert str(said.value) == ("ConnectionError" if reached else "the address is not a public one")


def test_a_partner_is_never_reached_inside(dialled: list[str], settings: Settings) -> None:
    settings.INTERNAL_HOSTS = ["partner.example", "10.0.0.0/8"]
    for reply in (
        http.post(url="https://partner.example/events", body=b"x", content_type="text/plain"),
        http.get(url="https://partner.example/jwks.json"),
        http.get(url="https://10.20.0.8/jwks.json"),
    ):
        assert (reply.status, reply.detail) == (None, "the address is not a public one")
    assert dialled == []


@pytest.mark.parametrize("internal", [[], ["sso.corp.example", "mail.corp.example", "10.0.0.0/8"]])
def test_sign_in_and_mail_are_reached_inside_and_no_partner_there(
    dialled: list[str], settings: Settings, monkeypatch: pytest.MonkeyPatch, internal: list[str]
) -> None:
    """The operator alone names them, so that they need no entry; what a partner names stays outside even with one."""
    settings.INTERNAL_HOSTS = internal
    for kind in (STAFF, CARRIER):
        setattr(settings, f"{kind.prefix}_ISSUER", "https://sso.corp.example")
        with pytest.raises(OidcRefused, match="the provider does not answer: ConnectionError"):
            start_sign_in(kind=kind, request=RequestFactory().get("/"), then="/")
    assert dialled == ["sso.corp.example"] * 2

    def refuse(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        dialled.append(address[0])
        raise OSError(errno.ECONNREFUSED, "no")

    monkeypatch.setattr("socket.create_connection", refuse)
    settings.MAILERS = {"default": mailer("smtp://mail.corp.example")}
    with pytest.raises(OSError, match="no"):
        EmailMessage("News", "Sharing is off.", to=["ana@example.com"]).send()
    assert dialled[2:] == ["mail.corp.example"]
    for host in ("sso.corp.example", "mail.corp.example"):
        assert http.get(url=f"https://{host}/").detail == "the address is not a public one"
    assert len(dialled) == 3


def test_only_our_own_services_go_by_the_setting() -> None:
    """Whoever else passes `is_ours` opens the carrier's network to what a partner may name: add it here on purpose."""
    passing = {str(path.relative_to(ROOT)) for path in own_modules() if re.search(r"\bis_ours=True", path.read_text())}
    assert passing == {
        "partners/clients/sms.py", "support/workers/canary/steps.py", "support/workers/notifications.py",
    }  # fmt: skip


def test_the_setting_takes_hosts_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERNAL_HOSTS", " SMS.Corp.Example., 10.20.3.4/16 ,")
    assert environment().internal_hosts == ["sms.corp.example", "10.20.0.0/16"]
    monkeypatch.setenv("INTERNAL_HOSTS", "10.20.0/16")
    with pytest.raises(ImproperlyConfigured, match=r"INTERNAL_HOSTS names no network: '10\.20\.0/16'"):
        environment()
    monkeypatch.setenv("INTERNAL_HOSTS", "10.20.0.7,FD00::7,sms_gateway,sms2,7.example,xn--sms-1ra.example")
    assert environment().internal_hosts == [
        "10.20.0.7/32", "fd00::7/128", "sms_gateway", "sms2", "7.example", "xn--sms-1ra.example",
    ]  # fmt: skip
    for nothing in ("sms.corp.example:8443", "*.corp.example", "[fd00::7]", "sms corp", "10.20.0", "10.20.0.7:443"):
        monkeypatch.setenv("INTERNAL_HOSTS", nothing)
        with pytest.raises(ImproperlyConfigured, match="INTERNAL_HOSTS names no"):
            environment()


@pytest.mark.usefixtures("committed_db", "no_broker")
def test_our_own_address_is_tried_inside_where_listed(dialled: list[str], settings: Settings) -> None:
    """A name of ours may lead into the carrier's network there: the trial of stopping goes the way that people go."""
    settings.BASE_URL, now = "https://privacy.corp.example", database_clock()
    world = steps.ensure_world(at=now)
    choices.allow(line_id=world.line.pk, campaign=world.campaign.ref, actor=world.actor, channel="canary")
    choices.stop(line_id=world.line.pk, scope="all", actor=world.actor, channel="canary")
    visitor = steps.Visitor()

    def reached() -> list[str]:
        dialled.clear()
        said = [visitor.get("/stop/").detail, visitor.post("/stop/", {}).detail]
        with pytest.raises(StepFailed) as failed:
            steps.gate_allows(world=world, at=now)
        return [*said, str(failed.value)]

    assert (reached(), sweep(now=database_clock()).total(), dialled) == (
        ["the address is not a public one"] * 2 + ["the gate's door: the address is not a public one"], 1, [],
    )  # fmt: skip
    settings.INTERNAL_HOSTS = ["privacy.corp.example"]
    assert reached() == ["ConnectionError"] * 2 + ["the gate's door: ConnectionError"]
    assert sweep(now=database_clock() + timedelta(minutes=5)).total() == 1
    assert set(dialled) == {"10.20.0.9"}
    # A partner that names our own host is a partner all the same.
    Contract.objects.update(endpoint_url="https://privacy.corp.example/events")
    dialled.clear()
    assert sweep(now=database_clock() + timedelta(hours=1)).total() == 1
    assert dialled == []


@pytest.mark.usefixtures("committed_db")
def test_a_parties_file_is_warned_of_addresses_we_refuse(
    dialled: list[str], settings: Settings, tmp_path: Path
) -> None:
    settings.INTERNAL_HOSTS = ["partner.example"]
    contracts: list[Row] = parties_document()["contracts"]
    contracts[0] |= {"endpoint_url": "https://partner.example/events", "jwks_uri": "http://sms.public.example/jwks"}
    contracts[1] |= {"endpoint_url": "https://sms.public.example/events", "jwks_uri": "https://192.168.1.1/jwks"}
    (tmp_path / "parties.json").write_text(json.dumps(parties_document(contracts=contracts)))
    out, said = io.StringIO(), io.StringIO()
    call_command("import_parties", str(tmp_path / "parties.json"), "--json", stdout=out, stderr=said)
    assert json.loads(out.getvalue())["addresses_refused"] == 3
    warned = [line for line in said.getvalue().splitlines() if line.startswith("contracts")]
    assert warned == [
        f"contracts[{n}] {name}: the address is not {what}. Nothing is sent there until it is changed."
        for n, name, what in (
            (0, "endpoint_url", "a public one"), (0, "jwks_uri", "https"), (1, "jwks_uri", "a public one"),
        )
    ]  # fmt: skip
    assert dialled == [], "a look at the name is enough"


@pytest.mark.usefixtures("committed_db")
def test_looking_up_a_file_s_addresses_ends_however_many_there_are(
    dialled: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What needs no look-up is judged all the same, and of the rest nobody says that it was looked at."""
    monkeypatch.setattr("partners.clients.http.LOOK_UPS_S", 1.9)
    contracts: list[Row] = parties_document()["contracts"]
    contracts[0] |= {"endpoint_url": "https://partner.example/events", "jwks_uri": "https://192.168.1.1/jwks"}
    contracts[1] |= {"endpoint_url": "https://partner.example/events", "jwks_uri": ""}
    (tmp_path / "parties.json").write_text(json.dumps(parties_document(contracts=contracts)))
    out, said = io.StringIO(), io.StringIO()
    call_command("import_parties", str(tmp_path / "parties.json"), stdout=out, stderr=said)
    assert "addresses refused 1\naddresses not looked up 2\n" in out.getvalue()
    assert [line for line in said.getvalue().splitlines() if line.startswith("contracts")] == [
        "contracts[0] jwks_uri: the address is not a public one. Nothing is sent there until it is changed."
    ]
    assert dialled == []
