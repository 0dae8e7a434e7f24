"""Tokens bound to certificates (RFC 8705), over real TLS: a CA, a terminator, the web server, callers with and without.

The first half reads headers; the second starts the web server as it runs in production.
"""

import os
import ssl
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Http
from pytest_django import Settings

from partners.actions.clients import bind_client
from partners.actions.sign_in import ASSERTION_TYPE
from partners.models import Client
from partners.primitives import tokens
from partners.primitives.tokens import NoCertificate, certificate_thumbprint, parse_unverified, thumbprint_in_header
from portal.environment import environment
from tests.factories import a_contract, a_party
from tests.faults.programs import Program, free_port
from tests.partners.outside import Signer
from tests.partners.terminator import Caller, Certificate, a_certificate, terminating
from tests.staff import a_client
from tools.demo.processes import UVICORN

ISSUER = "https://portal.example"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Certificate:
    return a_certificate("Carrier CA", folder)


@pytest.fixture(scope="module")
def right(folder: Path, authority: Certificate) -> Certificate:
    return a_certificate("geobridge", folder, by=authority)


@pytest.fixture(scope="module")
def other(folder: Path, authority: Certificate) -> Certificate:
    return a_certificate("trackhub", folder, by=authority)


def test_a_certificate_s_thumbprint_is_the_same_in_each_form(right: Certificate, other: Certificate) -> None:
    assert len(right.thumbprint) == 43
    assert certificate_thumbprint(right.pem) == right.thumbprint
    assert thumbprint_in_header(right.header) == right.thumbprint
    assert (
        thumbprint_in_header(quote(right.pem, safe="-")[: len("-----BEGIN")] + quote(right.pem)[10:])
        == right.thumbprint
    )
    # What is no certificate, two in one header, and a longer header have none.
    for header in (
        "", ":", "::", ":x:", ":AAAA:", "AAAA", "-----BEGIN", "-----BEGIN CERTIFICATE-----", ":é:", ":" * 20_000,
        f"{right.header},{other.header}", f"{right.header}, {right.header}",
        right.header[:-1] + "A" * tokens.LONGEST_CERTIFICATE + ":",
    ):  # fmt: skip
        assert thumbprint_in_header(header) == "", header
    for pem in ("", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "é"):
        with pytest.raises(NoCertificate):
            certificate_thumbprint(pem)


def test_certificates_are_only_taken_from_a_terminator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLS_CLIENT_CERTIFICATES", "1")
    monkeypatch.delenv("BEHIND_PROXY", raising=False)
    with pytest.raises(ImproperlyConfigured, match="BEHIND_PROXY=1"):
        environment()
    monkeypatch.setenv("BEHIND_PROXY", "1")
    assert environment().mtls_client_certificates is True


def claims_for(signer: Signer, issuer: str) -> dict[str, object]:
    now = int(time.time())
    return {
        "iss": signer.uri, "sub": signer.uri, "aud": issuer, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4()),
    }  # fmt: skip


def form_of(signer: Signer, issuer: str) -> dict[str, str]:
    assertion = signer.sign(claims_for(signer, issuer), typ="JWT")
    return {
        "grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion,
    }  # fmt: skip


def bound_client(certificate: Certificate) -> Signer:
    signer = Signer("geobridge")
    a_client(signer, Client.Kind.AGGREGATOR, party=a_party("GeoBridge"))
    bind(certificate)
    return signer


def bind(certificate: Certificate) -> None:
    bind_client(
        client_id="geobridge", certificate=certificate.pem, actor="system:test", reason="", at=datetime.now(UTC)
    )


def _issued(signer: Signer, header: str) -> str:
    form = "&".join(f"{name}={quote(value)}" for name, value in form_of(signer, settings.BASE_URL).items())
    kind = "application/x-www-form-urlencoded"
    response = Http().post("/oauth/token", form, content_type=kind, headers={"Client-Cert": header})
    assert response.status_code == 200
    return str(response.json()["access_token"])


@pytest.mark.django_db
def test_a_token_from_before_it_was_switched_on_ends(
    settings: Settings, right: Certificate, other: Certificate
) -> None:
    signer = bound_client(right)
    # Switched off, the header is nothing to us.
    assert "cnf" not in parse_unverified(_issued(signer, other.header)).claims
    token = _issued(signer, right.header)
    bearer = {"Authorization": f"Bearer {token}", "Client-Cert": right.header}
    assert Http().get("/ssf/streams", headers=bearer).status_code == 200
    settings.MTLS_CLIENT_CERTIFICATES = True
    assert Http().get("/ssf/streams", headers=bearer).status_code == 401
    bound = {"Authorization": f"Bearer {_issued(signer, right.header)}", "Client-Cert": right.header}
    assert Http().get("/ssf/streams", headers=bound).status_code == 200
    bind(other)
    assert Http().get("/ssf/streams", headers=bound).status_code == 401


@dataclass(frozen=True)
class Portal:
    """The portal in production's shape: a TLS terminator, and uvicorn behind it."""

    port: int
    web_port: int
    authority: Certificate
    signer: Signer

    def caller(self, certificate: Certificate | None) -> Caller:
        return Caller(self.port, self.authority, certificate)

    def token(self, certificate: Certificate | None) -> tuple[int, Any]:
        return self.caller(certificate).call("POST", "/oauth/token", form_of(self.signer, ISSUER))

    def streams(self, certificate: Certificate | None, token: str, **headers: str) -> int:
        bearer = {"Authorization": f"Bearer {token}"}
        return self.caller(certificate).call("GET", "/ssf/streams", headers={**bearer, **headers})[0]


def environment_of(web: dict[str, str], folder: Path) -> dict[str, str]:
    database = settings.DATABASES["default"]
    password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    at = f"{database['HOST']}:{database['PORT'] or 5432}"
    return {
        **os.environ, "DATABASE_URL": f"postgresql://{database['USER']}{password}@{at}/{database['NAME']}",
        "BASE_URL": ISSUER, "ALLOWED_HOSTS": "localhost", "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
        "SMS_BACKEND": "accounts.clients.texts.MemoryBackend", "EMAIL_URL": "memory://", "DATA_DIR": str(folder),
        "CHECKPOINT_DIR": str(folder / "checkpoints"), "STOP_ARCHIVE_DIR": str(folder / "archive"), **web,
    }  # fmt: skip


@pytest.fixture
def portal(committed_db: None, folder: Path, authority: Certificate, right: Certificate) -> Iterator[Portal]:
    signer = bound_client(right)
    a_contract(a_party("GeoBridge"))
    switched_on = {"MTLS_CLIENT_CERTIFICATES": "1", "BEHIND_PROXY": "1", "MTLS_BASE_URL": "https://mtls.portal.example"}
    port = free_port()
    command = (sys.executable, "-m", "uvicorn", *UVICORN, "--host", "127.0.0.1", "--port", str(port))
    web = Program(
        "web", (*command, "portal.asgi:application"), environment_of(switched_on, folder), folder / "web.log", port
    )
    web.start()
    try:
        web.wait()
        with terminating(own=a_certificate("localhost", folder, by=authority), authority=authority, behind=port) as tls:
            yield Portal(tls.port, port, authority, signer)
    finally:
        web.end()


def test_over_real_tls_a_token_is_its_certificate_s(
    portal: Portal, folder: Path, right: Certificate, other: Certificate
) -> None:
    status, about = portal.caller(None).call("GET", "/.well-known/oauth-authorization-server")
    assert status == 200
    assert about["tls_client_certificate_bound_access_tokens"] is True
    assert about["mtls_endpoint_aliases"] == {"token_endpoint": "https://mtls.portal.example/oauth/token"}

    status, issued = portal.token(right)
    assert status == 200
    token = issued["access_token"]
    assert parse_unverified(token).claims["cnf"] == {"x5t#S256": right.thumbprint}
    assert portal.streams(right, token) == 200

    # Another's certificate of the same CA, none, and a stranger's, to get a token and to use a stolen one.
    for certificate in (other, None):
        status, said = portal.token(certificate)
        assert (status, said["error"]) == (401, "invalid_client")
        assert portal.streams(certificate, token) == 401
    stranger = a_certificate("geobridge-of-elsewhere", folder, by=a_certificate("Other CA", folder))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        portal.token(stranger)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        portal.streams(stranger, token)

    # A caller who writes the header itself: the terminator drops it, in each way of writing it.
    for name in ("Client-Cert", "client-cert", "Client_Cert", "CLIENT_CERT"):
        assert portal.streams(None, token, **{name: right.header}) == 401
        assert portal.streams(other, token, **{name: right.header}) == 401
        assert portal.streams(right, token, **{name: other.header}) == 200
