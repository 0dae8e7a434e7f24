"""Machines are registered, given new keys, bound and disabled; each act has its line in the audit trail."""

import json
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
from partners.actions.clients import bind_client, disable_client, register_client
from partners.actions.sign_in import issue_access_token
from partners.models import Client, Party
from partners.policies.lifecycle import NotNow
from partners.primitives.certificates import NoCertificate
from tests.factories import a_party
from tests.fixtures import Refusal
from tests.partners.outside import Signer
from tests.partners.terminator import a_certificate

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
OFFICER = "officer:7"


def register(
    client_id: str = "gateway",
    kind: Client.Kind = Client.Kind.GATEWAY,
    *,
    party: Party | None = None,
    reason: str = "new",
) -> Client:
    return register_client(
        client_id=client_id,
        kind=kind,
        public_jwk=dict(Signer(client_id).public),
        party=party,
        actor=OFFICER,
        reason=reason,
        at=NOW,
    )


def written() -> list[tuple[str, str, str, str]]:
    rows = AuditEvent.objects.filter(action__startswith="client.").order_by("id")
    return list(rows.values_list("action", "actor", "target", "reason"))


def test_registering_and_a_new_key_are_written_down() -> None:
    first = register()
    second = register(reason="yearly")
    assert first.public_jwk != second.public_jwk
    assert written() == [
        ("client.registered", OFFICER, "client:gateway", "new"),
        ("client.key_changed", OFFICER, "client:gateway", "yearly"),
    ]
    keys = [event.detail["key"] for event in AuditEvent.objects.filter(target="client:gateway").order_by("id")]
    assert keys == [ECKey.import_key(one.public_jwk).thumbprint() for one in (first, second)]


def incidents() -> list[tuple[str, str]]:
    return list(Incident.objects.order_by("id").values_list("kind", "subject"))


def test_officers_are_told_of_each_key_by_an_incident() -> None:
    client = register()
    told = ("machine_by_operator", f"machine:{client.number}")
    assert incidents() == [told]
    again = register_client(
        client_id="gateway", kind=Client.Kind.GATEWAY, public_jwk=client.public_jwk, party=None, actor=OFFICER, at=NOW
    )
    assert (again.pk, incidents()) == (client.pk, [told])
    register()
    assert incidents() == [told, told]


def test_taking_away_is_no_incident(tmp_path: Path) -> None:
    register()
    certificate = a_certificate("gateway", tmp_path)
    about: dict[str, Any] = {"client_id": "gateway", "actor": OFFICER, "reason": "", "at": NOW}
    bind_client(certificate=certificate.pem, **about)
    assert len(incidents()) == 2
    bind_client(certificate="", **about)
    disable_client(**about)
    assert len(incidents()) == 2


def test_an_operator_s_incident_covers_one_act(refused: Refusal) -> None:
    register()
    refused(
        """UPDATE partners_client SET public_jwk = '{"kty": "EC"}', changed_at = changed_at + interval '1 s'""",
        constraint="partners_client_two_officers",
    )
    refused("""UPDATE partners_client SET public_jwk = '{"kty": "EC"}'""", constraint="partners_client_two_officers")


def test_an_operator_lets_no_disabled_machine_in(refused: Refusal) -> None:
    client = register()
    disable_client(client_id="gateway", actor=OFFICER, reason="", at=NOW)
    moment = NOW + timedelta(seconds=1)
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    audit.actions.open_incident(
        kind="machine_by_operator", key=f"machine:{client.number}:{micros}", subject="x", at=moment
    )
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


def test_a_disabled_machine_is_out_at_once_and_no_new_key_lets_it_in() -> None:
    client = register("machine", Client.Kind.AGGREGATOR, party=a_party())
    at = datetime.now(UTC)
    issued = issue_access_token(client=client, scopes=["ssf.read"], lifetime=timedelta(hours=1), at=at)
    bearer = {"Authorization": f"Bearer {issued.token}"}
    assert Http().get("/ssf/streams", headers=bearer).status_code == 200
    disable_client(client_id="machine", actor=OFFICER, reason="lost", at=NOW)
    assert Http().get("/ssf/streams", headers=bearer).status_code == 401
    with pytest.raises(NotNow, match="disabled already"):
        disable_client(client_id="machine", actor=OFFICER, reason="lost", at=NOW)
    register("machine", Client.Kind.AGGREGATOR, party=a_party())
    assert Client.objects.get().disabled_at == NOW
    assert [action for action, *_ in written()] == ["client.registered", "client.disabled", "client.key_changed"]


def test_a_machine_is_bound_to_its_certificate(tmp_path: Path) -> None:
    certificate = a_certificate("gateway", tmp_path)
    register()
    bind_client(client_id="gateway", certificate=certificate.pem, actor=OFFICER, reason="", at=NOW)
    assert Client.objects.get().certificate_sha256 == certificate.thumbprint
    assert AuditEvent.objects.get(action="client.bound").detail["certificate"] == certificate.thumbprint
    register()
    assert Client.objects.get().certificate_sha256 == certificate.thumbprint
    with pytest.raises(NoCertificate):
        bind_client(client_id="gateway", certificate="x", actor=OFFICER, reason="", at=NOW)
    bind_client(client_id="gateway", certificate="", actor=OFFICER, reason="", at=NOW)
    assert Client.objects.get().certificate_sha256 == ""


def test_a_machine_there_is_not() -> None:
    with pytest.raises(NotNow, match="no machine nobody"):
        disable_client(client_id="nobody", actor=OFFICER, reason="", at=NOW)
    with pytest.raises(NotNow, match="no machine nobody"):
        bind_client(client_id="nobody", certificate="", actor=OFFICER, reason="", at=NOW)


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

    def test_the_gateway_and_a_feed(self, jwk: Path) -> None:
        out = self.run("gateway", "--kind", "gateway", "--key", jwk, "--reason", "first")
        assert out == "gateway may ask for decisions:read disclosures:write.\n"
        assert self.run("feed", "--kind", "feed", "--key", jwk) == "feed may ask for lines:write.\n"
        assert written()[0] == ("client.registered", "system:register_client", "client:gateway", "first")

    def test_an_aggregator(self, jwk: Path) -> None:
        party = a_party("GeoBridge")
        self.run("geo", "--kind", "aggregator", "--key", jwk, "--party", party.uri)
        assert Client.objects.get(client_id="geo").party == party

    @pytest.mark.parametrize("key", [ECKey.generate_key("P-256"), RSAKey.generate_key(2048)], ids=["EC", "RSA"])
    def test_a_key_in_pem(self, tmp_path: Path, key: ECKey | RSAKey) -> None:
        path = tmp_path / "public.pem"
        path.write_bytes(key.as_pem(private=False))
        self.run("gateway", "--kind", "gateway", "--key", path)
        assert Client.objects.get().public_jwk["kty"] == key.key_type

    @pytest.mark.parametrize("form", ["jwk", "pem"])
    def test_a_private_key_is_refused(self, tmp_path: Path, form: str) -> None:
        path, key = tmp_path / "private", ECKey.generate_key("P-256")
        path.write_bytes(json.dumps(key.as_dict(private=True)).encode() if form == "jwk" else key.as_pem(private=True))
        with pytest.raises(CommandError, match="holds a private key"):
            self.run("gateway", "--kind", "gateway", "--key", path)
        assert Client.objects.count() == 0

    @pytest.mark.parametrize("text", ["", "[]", "{}", "x", '{"kty": "oct", "k": "AAAA"}', "-----BEGIN X-----"])
    def test_what_is_no_key(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "key"
        path.write_text(text)
        with pytest.raises(CommandError):
            self.run("gateway", "--kind", "gateway", "--key", path)

    def test_what_is_missing_is_said(self, jwk: Path, tmp_path: Path) -> None:
        for args in (
            ("x",), ("x", "--key", jwk), ("x", "--kind", "aggregator", "--key", jwk),
            ("x", "--kind", "gateway", "--party", "https://geobridge.example", "--key", jwk),
            ("x", "--kind", "aggregator", "--party", "https://nobody.example", "--key", jwk),
            ("x", "--kind", "gateway", "--key", tmp_path / "none"), ("x", "--disable"),
        ):  # fmt: skip
            with pytest.raises(CommandError):
                self.run(*args)
        assert Client.objects.count() == 0

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
