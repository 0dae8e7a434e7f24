"""Machines are registered, given new keys, bound and disabled; each act has its line in the audit trail."""

import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Http
from joserfc.jwk import ECKey, RSAKey

import audit.actions
from audit.models import AuditEvent, Incident
from partners.actions.clients import bind_client, disable_client, register_client, restore_key
from partners.actions.sign_in import issue_access_token
from partners.models import Client, Party
from partners.policies.lifecycle import NotNow
from partners.primitives.tokens import NoCertificate
from tests.factories import a_party
from tests.fixtures import Refusal
from tests.partners.outside import Signer
from tests.partners.terminator import a_certificate

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
OFFICER = "officer:7"


def register(
    client_id: str = "gateway", kind: str = Client.Kind.GATEWAY, *, party: Party | None = None, reason: str = "new",
    public_jwk: dict[str, Any] | None = None,
) -> Client:  # fmt: skip
    return register_client(
        client_id=client_id, kind=Client.Kind(kind), public_jwk=public_jwk or dict(Signer(client_id).public),
        party=party, actor=OFFICER, reason=reason, at=NOW,
    )  # fmt: skip


def written() -> list[tuple[str, str, str, str]]:
    rows = AuditEvent.objects.filter(action__startswith="client.").order_by("id")
    return list(rows.values_list("action", "actor", "target", "reason"))


def test_each_key_is_written_down_and_told_by_an_incident() -> None:
    first = register()
    told = ("machine_by_operator", f"machine:{first.number}")
    assert incidents() == [told]
    again = register(public_jwk=first.public_jwk)
    assert (again.pk, incidents()) == (first.pk, [told])
    second = register(reason="yearly")
    assert first.public_jwk != second.public_jwk
    assert incidents() == [told, told]
    assert written() == [
        ("client.registered", OFFICER, "client:gateway", "new"),
        ("client.key_changed", OFFICER, "client:gateway", "yearly"),
    ]
    keys = [event.detail["key"] for event in AuditEvent.objects.filter(target="client:gateway").order_by("id")]
    for is_new in (True, False):
        restored = restore_key(
            client_id="gateway", public_jwk=first.public_jwk, actor="command:restore", reason="lost", at=NOW
        )
        assert (restored, incidents()) == (is_new, [told] * 3)
    assert keys == [ECKey.import_key(one.public_jwk).thumbprint() for one in (first, second)]


def incidents() -> list[tuple[str, str]]:
    return list(Incident.objects.order_by("id").values_list("kind", "subject"))


def an_incident_of(client: Client, *, at: datetime) -> Incident:
    micros = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    key = f"machine:{client.number}:{micros}"
    audit.actions.open_incident(kind="machine_by_operator", key=key, subject="x", at=at)
    return Incident.objects.get(key=key)


def test_an_operator_s_incident_covers_nothing_once_it_is_closed(refused: Refusal) -> None:
    client, key = register(), """public_jwk = '{"kty": "EC"}'"""
    closed, still_open = NOW + timedelta(seconds=1), NOW + timedelta(seconds=2)
    incident = an_incident_of(client, at=closed)
    an_incident_of(client, at=still_open)
    Incident.objects.filter(pk=incident.pk).update(closed_at=closed)
    refused(
        f"UPDATE partners_client SET {key}, changed_at = '{closed.isoformat()}'",
        constraint="partners_client_two_officers",
    )
    assert Client.objects.update(public_jwk={"kty": "EC"}, changed_at=still_open) == 1


def test_an_operator_s_incident_covers_one_act(refused: Refusal) -> None:
    client = register()
    another = """UPDATE partners_client SET public_jwk = '{"kty": "EC"}'"""
    for statement in (f"{another}, changed_at = changed_at + interval '1 s'", another):
        refused(statement, constraint="partners_client_two_officers")
    disable_client(client_id="gateway", actor=OFFICER, reason="", at=NOW)
    moment = NOW + timedelta(seconds=1)
    an_incident_of(client, at=moment)
    refused(
        f"UPDATE partners_client SET disabled_at = NULL, changed_at = '{moment.isoformat()}'",
        constraint="partners_client_two_officers",
    )


def test_a_machine_stays_what_it_is_and_whose_it_is() -> None:
    geobridge, trackhub = a_party("GeoBridge"), a_party("TrackHub")
    register("machine", Client.Kind.AGGREGATOR, party=geobridge)
    with pytest.raises(NotNow):
        register("machine", Client.Kind.AGGREGATOR, party=trackhub)
    with pytest.raises(NotNow):
        register("machine", Client.Kind.FEED)
    assert Client.objects.get().party == geobridge


def test_a_disabled_machine_is_out_and_no_key_helps() -> None:
    client = register("machine", Client.Kind.AGGREGATOR, party=a_party())
    at = datetime.now(UTC)
    issued = issue_access_token(client=client, scopes=["ssf.read"], lifetime=timedelta(hours=1), at=at)
    bearer = {"Authorization": f"Bearer {issued.token}"}
    assert Http().get("/ssf/streams", headers=bearer).status_code == 200
    disable_client(client_id="machine", actor=OFFICER, reason="lost", at=NOW)
    assert Http().get("/ssf/streams", headers=bearer).status_code == 401
    with pytest.raises(NotNow, match="already disabled"):
        disable_client(client_id="machine", actor=OFFICER, reason="lost", at=NOW)
    register("machine", Client.Kind.AGGREGATOR, party=a_party())
    assert Client.objects.get().disabled_at == NOW
    assert [action for action, *_ in written()] == ["client.registered", "client.disabled", "client.key_changed"]


def test_a_key_that_was_replaced_opens_nothing_any_more() -> None:
    register("machine", Client.Kind.AGGREGATOR, party=a_party())

    def signed_in() -> dict[str, str]:
        client = Client.objects.get()
        token = issue_access_token(
            client=client, scopes=["ssf.read"], lifetime=timedelta(hours=1), at=datetime.now(UTC)
        ).token
        return {"Authorization": f"Bearer {token}"}

    by_the_first = signed_in()
    assert Http().get("/ssf/streams", headers=by_the_first).status_code == 200
    register("machine", Client.Kind.AGGREGATOR, party=Client.objects.get().party)
    assert Http().get("/ssf/streams", headers=by_the_first).status_code == 401
    assert Http().get("/ssf/streams", headers=signed_in()).status_code == 200


def test_a_machine_is_bound_to_its_certificate(tmp_path: Path) -> None:
    certificate = a_certificate("gateway", tmp_path)
    about: dict[str, Any] = {"client_id": "gateway", "actor": OFFICER, "reason": "", "at": NOW}
    register()
    bind_client(certificate=certificate.pem, **about)
    assert Client.objects.get().certificate_sha256 == certificate.thumbprint
    assert AuditEvent.objects.get(action="client.bound").detail["certificate"] == certificate.thumbprint
    register()
    assert Client.objects.get().certificate_sha256 == certificate.thumbprint
    with pytest.raises(NoCertificate):
        bind_client(certificate="x", **about)
    told = len(incidents())
    assert told == 3
    # Taking away is no incident.
    bind_client(certificate="", **about)
    disable_client(**about)
    assert (Client.objects.get().certificate_sha256, len(incidents())) == ("", told)
    nobody = about | {"client_id": "nobody"}
    with pytest.raises(NotNow, match="no API client nobody"):
        disable_client(**nobody)
    with pytest.raises(NotNow, match="no API client nobody"):
        bind_client(certificate="", **nobody)


class TestCommand:
    def run(self, *args: object) -> str:
        out = StringIO()
        call_command("register_client", *map(str, args), stdout=out)
        return out.getvalue()

    @pytest.fixture
    def jwk(self, tmp_path: Path) -> Path:
        path = tmp_path / "public.json"
        path.write_text(json.dumps(Signer("x").public))
        return path

    def test_each_kind_of_machine(self, jwk: Path) -> None:
        out = self.run("gateway", "--kind", "gateway", "--key", jwk, "--reason", "first")
        assert out == "gateway may ask for decisions:read disclosures:write.\n"
        assert self.run("feed", "--kind", "feed", "--key", jwk) == "feed may ask for lines:write.\n"
        assert written()[0] == ("client.registered", "system:register_client", "client:gateway", "first")
        party = a_party("GeoBridge")
        self.run("geo", "--kind", "aggregator", "--key", jwk, "--party", party.uri)
        assert Client.objects.get(client_id="geo").party == party

    def test_a_key_is_a_public_one_in_jwk_or_pem(self, tmp_path: Path) -> None:
        path = tmp_path / "key"
        ec, rsa = ECKey.generate_key("P-256"), RSAKey.generate_key(2048)
        private = (json.dumps(ec.as_dict(private=True)).encode(), ec.as_pem(private=True))
        nothing = (b"", b"[]", b"{}", b"x", b'{"kty": "oct", "k": "AAAA"}', b"-----BEGIN X-----")
        for text, said in (*((one, "holds a private key") for one in private), *((one, ".") for one in nothing)):
            path.write_bytes(text)
            with pytest.raises(CommandError, match=said):
                self.run("gateway", "--kind", "gateway", "--key", path)
        assert Client.objects.count() == 0
        for key in (ec, rsa):
            path.write_bytes(key.as_pem(private=False))
            self.run("gateway", "--kind", "gateway", "--key", path)
            assert Client.objects.get().public_jwk["kty"] == key.key_type

    def test_what_is_missing_is_said(self, jwk: Path, tmp_path: Path) -> None:
        for args in (
            ("x",), ("x", "--key", jwk), ("x", "--kind", "aggregator", "--key", jwk),
            ("x", "--kind", "gateway", "--party", "https://geobridge.example", "--key", jwk),
            ("x", "--kind", "aggregator", "--party", "https://nobody.example", "--key", jwk),
            ("x", "--kind", "gateway", "--key", tmp_path / "none"), ("x", "--disable"),
            ("x", "--kind", "gateway", "--key", jwk, "--reason", "call 206 555 0142"),
        ):  # fmt: skip
            with pytest.raises(CommandError):
                self.run(*args)
        assert Client.objects.count() == 0

    @pytest.mark.parametrize("client_id", [
        "", " ", "gate way", "gateway/1", "../gateway", "gateway.", "gate\nway", "gäteway",
        "ｇateway", "https://", "https://geo bridge.example", "https://user@geobridge.example", "//geobridge.example",
        "https://geobridge.example/#a", "javascript alert", "<b>", "https://geobridge.example\u202e",
    ])  # fmt: skip
    def test_what_is_no_id_is_refused_in_words(self, jwk: Path, client_id: str) -> None:
        said = (
            "Use letters, digits, dots, dashes, underscores and colons, like AGR-2026-07. An aggregator's may be its"
            " address, like https://geobridge.example."
        )
        with pytest.raises(CommandError, match=f"^{re.escape(said)}$"):
            self.run(client_id, "--kind", "gateway", "--key", jwk)
        assert (Client.objects.count(), written(), Incident.objects.count()) == (0, [], 0)

    @pytest.mark.parametrize("client_id", ["gateway", "g", "Gate_way:2.0-b", "https://geobridge.example", "urn:geo:7"])
    def test_what_is_one_is_taken(self, jwk: Path, client_id: str) -> None:
        self.run(client_id, "--kind", "gateway", "--key", jwk)
        assert Client.objects.get().client_id == client_id

    def test_binding_and_disabling(self, jwk: Path, tmp_path: Path) -> None:
        certificate = a_certificate("gateway", tmp_path)
        pem = tmp_path / "cert.pem"
        pem.write_text(certificate.pem)
        self.run("gateway", "--kind", "gateway", "--key", jwk, "--certificate", pem)
        assert Client.objects.get().certificate_sha256 == certificate.thumbprint
        assert self.run("gateway", "--disable", "--reason", "lost") == "gateway is disabled.\n"
        said = self.run("gateway", "--kind", "gateway", "--key", jwk, "--reason", "new")
        assert said == "gateway has its new key and stays disabled: two officers let it in again.\n"
        assert Client.objects.get().disabled_at is not None
