"""nginx and Caddy, each with the configuration that docs/running shows, in front of uvicorn."""

import json
import os
import shutil
import stat
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings

from disclosures.feeds.reports import MOST_BYTES
from partners.actions.clients import bind_client, register_client
from partners.actions.sign_in import ASSERTION_TYPE
from partners.models import Client
from partners.primitives.tokens import parse_unverified, thumbprint_in_header
from tests.answers import Answer
from tests.factories import a_contract, a_party
from tests.faults.programs import Program, free_port, listening, until
from tests.partners.outside import Signer
from tests.partners.terminator import Certificate, a_certificate
from tests.running import proxies
from tests.running.conftest import the_program, web
from tests.running.proxies import HOST, RUNNING, Behind, Proxy

PROXIES = ("nginx", "caddy")
TOKEN = "Zk3v9QxT0aBcD4eFgH5iJkL6"
MACHINES = ("/oauth/token", "/ssf/poll", "/access/v1/evaluation", "/api/v1/disclosures", "/.well-known/jwks.json")


def started(
    name: str, folder: Path, behind: Behind, own: Certificate, authority: Certificate
) -> AbstractContextManager[Proxy]:
    program = the_program(name, name)
    return (proxies.nginx if name == "nginx" else proxies.caddy)(program, folder, behind, own, authority)


@pytest.fixture(scope="module", params=PROXIES)
def proxy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, behind: Behind, own: Certificate,
    authority: Certificate,
) -> Iterator[Proxy]:  # fmt: skip
    folder = tmp_path_factory.mktemp(str(request.param))
    with started(str(request.param), folder, behind, own, authority) as running:
        yield running


@pytest.fixture(scope="module")
def right(folder: Path, authority: Certificate) -> Certificate:
    return a_certificate("geobridge", folder, by=authority)


def test_people_are_sent_on_from_http_and_machines_are_refused(proxy: Proxy) -> None:
    for path in ("/", f"/stop/progress/{TOKEN}/?lang=es", "/home/"):
        answer = proxy.ask_openly("GET", path)
        assert (answer.status, answer.headers["location"]) == (308, f"https://{HOST}{path}")
    for path in MACHINES:
        answer = proxy.ask_openly("POST", path)
        assert (path, answer.status, "location" in answer.headers) == (path, 403, False)


def test_it_speaks_http_2(proxy: Proxy) -> None:
    assert proxy.protocol() == "h2"


def test_what_a_caller_writes_into_our_headers_is_thrown_away(proxy: Proxy, right: Certificate) -> None:
    names = ("X-Forwarded-Proto", "X-Forwarded-For", "X-Request-Start", "Client-Cert")
    for spelled in (names, [name.replace("-", "_") for name in names], [name.upper() for name in names]):
        written = dict(zip(spelled, ("http", "203.0.113.9", "t=1000000000", right.header), strict=True))
        for path in ("/stop/", "/access/v1/evaluation", "/help/write/", "/api/v1/disclosures"):
            seen = proxy.ask("GET", path, headers=written).told["headers"]
            assert seen["HTTP_X_FORWARDED_PROTO"] == "https"
            assert seen["HTTP_X_FORWARDED_FOR"].rpartition(",")[2].strip() == "127.0.0.1"
            assert abs(time.time() - float(seen["HTTP_X_REQUEST_START"].removeprefix("t="))) < 30
            assert thumbprint_in_header(seen.get("HTTP_CLIENT_CERT", "")) == ""
            assert seen["HTTP_HOST"] == HOST


def test_the_address_that_was_asked_for_keeps_its_port(proxy: Proxy) -> None:
    """A form's Origin names the port: without it in Host, each form at an address with one is refused."""
    for path in ("/stop/", "/access/v1/evaluation"):
        assert proxy.ask("GET", path, headers={"Host": f"{HOST}:8443"}).told["headers"]["HTTP_HOST"] == f"{HOST}:8443"


def test_a_certificate_that_was_shown_is_handed_on_and_no_other(proxy: Proxy, folder: Path, right: Certificate) -> None:
    stranger = a_certificate("stranger", folder, by=a_certificate("Other CA", folder))
    for shown in (right, stranger):
        for name in ("Client-Cert", "client_cert"):
            for path in ("/ssf/streams", "/access/v1/evaluation"):
                seen = proxy.ask("GET", path, headers={name: right.header}, certificate=shown).told["headers"]
                assert thumbprint_in_header(seen["HTTP_CLIENT_CERT"]) == shown.thumbprint


def test_the_gate_s_questions_go_to_its_own_process(proxy: Proxy, behind: Behind) -> None:
    assert {proxy.ask("POST", "/access/v1/evaluation", b"{}").told["port"] for _ in range(4)} == {behind.gate}
    assert behind.gate not in {proxy.ask("GET", "/stop/").told["port"] for _ in range(4)}


def test_nobody_changes_protocols_with_the_gate(proxy: Proxy) -> None:
    """Its server would read the body as the next request on a connection that is kept for everybody."""
    wanted = {"Connection": "Upgrade", "Upgrade": "h2c"}
    seen = proxy.ask("POST", "/access/v1/evaluation", b"{}", headers=wanted).told
    assert "HTTP_UPGRADE" not in seen["headers"]
    assert "upgrade" not in seen["headers"].get("HTTP_CONNECTION", "").lower()
    assert seen["length"] == 2


@pytest.mark.parametrize(
    ("path", "taken", "refused"),
    [("/stop/", 7_900_000, 8_500_000), ("/help/write/", 26_500_000, 29_000_000),
        ("/api/v1/disclosures", MOST_BYTES, 33_000_000), ("/api/v1/lines", MOST_BYTES, 33_000_000)],
)  # fmt: skip
def test_a_body_is_taken_up_to_what_we_take(proxy: Proxy, path: str, taken: int, refused: int) -> None:
    assert proxy.ask("POST", path, bytes(taken)).told["length"] == taken
    # Where the body is already on its way, an older Caddy has no better word.
    assert proxy.ask("POST", path, bytes(refused)).status in ({413} if proxy.name == "nginx" else {413, 502})


def test_figures_are_for_those_inside(proxy: Proxy) -> None:
    for path in ("/metrics", "/%6detrics"):
        assert proxy.ask("GET", path, headers={"X-Forwarded-For": "10.0.0.1"}).status == 404


def test_where_one_of_two_is_away_the_other_answers_and_no_log_says_who_asked_for_what(
    proxy: Proxy, echoing: dict[int, Program], behind: Behind
) -> None:
    def asked() -> list[Answer]:
        """Two looks and two forms: whoever takes turns between two gives each of both kinds."""
        about = {"Referer": f"https://{HOST}/ask/{TOKEN}/", "Cookie": f"session={TOKEN}"}
        address = f"/stop/progress/{TOKEN}/?code={TOKEN}"
        kinds = (("GET", None), ("GET", None), ("POST", b"a=1"), ("POST", b"a=1"))
        return [proxy.ask(method, address, body, headers=about) for method, body in kinds]

    def by_the_second_alone() -> bool:
        answers = asked()
        return all(one.status == 200 and one.told["port"] == behind.second for one in answers)

    proxy.ask_openly("GET", f"/ask/{TOKEN}/")
    first, second = echoing[behind.web], echoing[behind.second]
    first.kill()
    until(lambda: not listening(first.port), 20)
    try:
        # Caddy looks now and then, and Debian's answers 502 to a form that met a closed port first.
        until(by_the_second_alone, 30 if proxy.name == "caddy" else 0)
        second.kill()
        try:
            assert {answer.status for answer in asked()} <= {502, 503}
        finally:
            second.start()
            second.wait()
    finally:
        first.start()
        first.wait()
    until(
        lambda: {one.told["port"] for one in asked() + asked() if one.status == 200} == {behind.web, behind.second}, 20
    )
    said = proxy.logged()
    assert "/stop" in said or proxy.name == "caddy"
    assert "50" in said
    assert TOKEN not in said


def test_a_token_is_its_certificate_s(
    committed_db: None, folder: Path, tmp_path: Path, own: Certificate, authority: Certificate, right: Certificate
) -> None:
    """The product itself behind each of them: who has no certificate, or another, can do nothing with a token."""
    found = [name for name in PROXIES if the_program(name, name)]
    signer = Signer("geobridge")
    register_client(
        client_id="geobridge", kind=Client.Kind.AGGREGATOR, public_jwk=dict(signer.public), party=a_party("GeoBridge"),
        actor="system:test", at=datetime.now(UTC),
    )  # fmt: skip
    bind_client(client_id="geobridge", certificate=right.pem, actor="system:test", reason="", at=datetime.now(UTC))
    a_contract(a_party("GeoBridge"))
    other = a_certificate("trackhub", folder, by=authority)
    one = web(tmp_path, "web", free_port(), "portal.asgi:application", of_production(tmp_path))
    one.start()
    try:
        one.wait()
        for name in found:
            (tmp_path / name).mkdir()
            with started(name, tmp_path / name, Behind(one.port, one.port, one.port), own, authority) as running:
                assert running.ask("GET", "/healthz").headers["strict-transport-security"].startswith("max-age=")
                token = issued(running, signer, right).told["access_token"]
                assert parse_unverified(token).claims["cnf"] == {"x5t#S256": right.thumbprint}
                assert streams(running, token, right).status == 200
                for certificate in (other, None):
                    assert issued(running, signer, certificate).status == 401
                    assert streams(running, token, certificate).status == 401
                    for spelled in ("Client-Cert", "client_cert", "CLIENT_CERT"):
                        for written in (right.header, quote(right.pem)):
                            assert streams(running, token, certificate, **{spelled: written}).status == 401
    finally:
        one.end()


def issued(proxy: Proxy, signer: Signer, certificate: Certificate | None) -> Answer:
    now = int(time.time())
    assertion = signer.sign(
        {"iss": signer.uri, "sub": signer.uri, "aud": f"https://{HOST}", "iat": now, "exp": now + 60,
            "jti": str(uuid.uuid4())},
        typ="JWT",
    )  # fmt: skip
    form = {
        "grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion,
    }  # fmt: skip
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return proxy.ask("POST", "/oauth/token", urlencode(form).encode(), headers=kind, certificate=certificate)


def streams(proxy: Proxy, token: str, certificate: Certificate | None, **headers: str) -> Answer:
    bearer = {"Authorization": f"Bearer {token}", **headers}
    return proxy.ask("GET", "/ssf/streams", headers=bearer, certificate=certificate)


def of_production(folder: Path) -> dict[str, str]:
    database = settings.DATABASES["default"]
    password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    at = f"{database['HOST']}:{database['PORT'] or 5432}"
    return {
        **os.environ, "DATABASE_URL": f"postgresql://{database['USER']}{password}@{at}/{database['NAME']}",
        "BASE_URL": f"https://{HOST}", "ALLOWED_HOSTS": HOST, "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
        "SMS_BACKEND": "accounts.clients.texts.MemoryBackend", "EMAIL_URL": "memory://", "DATA_DIR": str(folder),
        "CHECKPOINT_DIR": str(folder / "checkpoints"), "STOP_ARCHIVE_DIR": str(folder / "stop-archive"),
        "BEHIND_PROXY": "1", "MTLS_CLIENT_CERTIFICATES": "1",
    }  # fmt: skip


def test_a_release_takes_each_service_out_of_nginx_and_puts_it_back(
    tmp_path: Path, behind: Behind, own: Certificate, authority: Certificate
) -> None:
    """docs/running/release, with a real nginx, and a `systemctl` that writes down what it was told, and when."""
    program = the_program("nginx", "nginx")
    with proxies.nginx(program, tmp_path, behind, own, authority) as proxy:
        tools = tmp_path / "tools"
        tools.mkdir()
        tool(tools / "nginx", f'exec {program} -e {tmp_path}/error.log -c {tmp_path}/nginx.conf "$@"')
        asked = f"curl -sk -d {{}} https://127.0.0.1:{proxy.secure}/access/v1/evaluation"
        tool(
            tools / "systemctl",
            f'(echo "$@"; grep -h down {tmp_path}/*.servers) >>{tmp_path}/told\n'
            f'[ "$*" != "restart whereabouts-gate" ] || until {asked} >{tmp_path}/gate-told &&'
            f" ! grep -q {behind.gate} {tmp_path}/gate-told; do sleep 0; done",
        )
        # Whoever must not be met too early is waited for here.
        tool(tools / "sleep", f"exec {shutil.which('sleep')} 0.1")
        text = (RUNNING / "release").read_text()
        text = text.replace("8000 8002", f"{behind.web} {behind.second}").replace("8001", str(behind.gate))
        text = text.replace("NGINX=/etc/nginx", f"NGINX={tmp_path}")
        tool(tmp_path / "release", text.partition("\n")[2])
        environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
        subprocess.run([tmp_path / "release"], env=environment, check=True, timeout=60)
        assert (tmp_path / "told").read_text().splitlines() == [
            f"restart whereabouts-web@{behind.web}", f"server 127.0.0.1:{behind.web} down;",
            f"restart whereabouts-web@{behind.second}", f"server 127.0.0.1:{behind.second} down;",
            "restart whereabouts-gate", "restart whereabouts-worker",
            "is-enabled --quiet whereabouts-beat", "stop whereabouts-beat", "start whereabouts-beat",
        ]  # fmt: skip
        # Whoever asked the gate while it was away was answered by another.
        assert json.loads((tmp_path / "gate-told").read_text())["port"] in {behind.web, behind.second}
        until(lambda: proxy.ask("POST", "/access/v1/evaluation", b"{}").told["port"] == behind.gate, 20)
        until(lambda: {proxy.ask("GET", "/").told["port"] for _ in range(4)} == {behind.web, behind.second}, 20)


def tool(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
