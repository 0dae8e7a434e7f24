"""The proxies of docs/running as they stand there, but for ports, folders and certificates, and somebody who calls."""

import getpass
import http.client
import os
import re
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from typing import Any

from tests.answers import Answer, read
from tests.faults.programs import free_port, listening, until
from tests.partners.terminator import Certificate

RUNNING = Path(__file__).resolve().parents[2] / "docs" / "running"
HOST = "privacy.carrier.example"
START_WITHIN_S = 20.0


@dataclass(frozen=True)
class Behind:
    """The ports of the two web services and of the gate's."""

    web: int
    second: int
    gate: int


@dataclass(frozen=True)
class Proxy:
    """One that runs. `folder`: where all that it logs lies, and nginx's list of servers."""

    name: str
    folder: Path
    secure: int
    plain: int
    authority: Certificate

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        certificate: Certificate | None = None,
    ) -> Answer:
        """Over TLS, as somebody who checks whom they speak with."""
        context = ssl.create_default_context(cadata=self.authority.pem)
        if certificate is not None:
            context.load_cert_chain(certificate.chain)
        with self._secured(context) as secured:
            return _asked(secured, method, path, body, headers or {})

    def ask_openly(self, method: str, path: str) -> Answer:
        """By plain http."""
        with create_connection(("127.0.0.1", self.plain), timeout=20) as raw:
            return _asked(raw, method, path, None, {})

    def protocol(self) -> str | None:
        """What it speaks with somebody who knows HTTP/2."""
        context = ssl.create_default_context(cadata=self.authority.pem)
        context.set_alpn_protocols(["h2", "http/1.1"])
        with self._secured(context) as secured:
            return secured.selected_alpn_protocol()

    def _secured(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        return context.wrap_socket(create_connection(("127.0.0.1", self.secure), timeout=20), server_hostname=HOST)

    def logged(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


def _asked(over: Any, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    with closing(http.client.HTTPConnection(HOST)) as connection:
        connection.sock = over
        # Who is refused for the length of what they send may hear it before they have sent it all.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, {"Host": HOST, **headers})
        return read(connection.getresponse())


@contextmanager
def nginx(program: str, folder: Path, behind: Behind, own: Certificate, authority: Certificate) -> Iterator[Proxy]:
    """nginx with docs/running/nginx.conf, and around it what Debian's own configuration has."""
    secure, plain = free_port(), free_port()
    site = re.sub(r"\n *listen \[::\].*", "", (RUNNING / "nginx.conf").read_text())
    site = _changed(
        site,
        ("listen 443", f"listen 127.0.0.1:{secure}"),
        ("listen 80", f"listen 127.0.0.1:{plain}"),
        ("/etc/whereabouts/tls/chain.pem", str(own.chain)),
        ("/etc/whereabouts/tls/key.pem", str(own.chain)),
        ("/etc/nginx/", f"{folder}/"),
        ("/var/log/nginx/", f"{folder}/"),
    )
    (folder / "site.conf").write_text(site)
    (folder / "whereabouts-web.servers").write_text(
        "".join(f"server 127.0.0.1:{port} max_fails=0;\n" for port in (behind.web, behind.second))
    )
    (folder / "whereabouts-gate.servers").write_text(f"server 127.0.0.1:{behind.gate} max_fails=0;\n")
    kept = "".join(f"{of}_temp_path {folder}/{of};" for of in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole = folder / "nginx.conf"
    whole.write_text(
        f"daemon off; user {getpass.getuser()}; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log {folder}/access.log; {kept} include {folder}/site.conf; }}\n"
    )
    proxy = Proxy("nginx", folder, secure, plain, authority)
    with _running((program, "-e", f"{folder}/error.log", "-c", str(whole)), proxy):
        yield proxy


@contextmanager
def caddy(program: str, folder: Path, behind: Behind, own: Certificate, authority: Certificate) -> Iterator[Proxy]:
    """Caddy with docs/running/Caddyfile, but that it is given a certificate."""
    secure, plain = free_port(), free_port()
    site = _changed(
        (RUNNING / "Caddyfile").read_text(),
        ("\n{\n", f"\n{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {secure}\n\tauto_https disable_redirects\n"),
        ("\ttls {", f"\ttls {own.chain} {own.chain} {{"),
        ("127.0.0.1:8000", f"127.0.0.1:{behind.web}"),
        ("127.0.0.1:8001", f"127.0.0.1:{behind.gate}"),
        ("127.0.0.1:8002", f"127.0.0.1:{behind.second}"),
        ("health_interval 2s", "health_interval 100ms"),
        ("lb_try_duration 2s", "lb_try_duration 300ms"),
    )
    (folder / "Caddyfile").write_text(site)
    proxy = Proxy("caddy", folder, secure, plain, authority)
    with _running((program, "run", "--adapter", "caddyfile", "--config", f"{folder}/Caddyfile"), proxy):
        yield proxy


def _changed(text: str, *changes: tuple[str, str]) -> str:
    for was, now in changes:
        assert was in text, was
        text = text.replace(was, now)
    return text


@contextmanager
def _running(command: tuple[str, ...], proxy: Proxy) -> Iterator[None]:
    log = proxy.folder / "said.log"
    environment = {**os.environ, "XDG_DATA_HOME": str(proxy.folder), "XDG_CONFIG_HOME": str(proxy.folder)}
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
    try:
        until(lambda: all(map(listening, (proxy.secure, proxy.plain))), START_WITHIN_S, lambda: log.read_text()[-2000:])
        yield
    finally:
        process.terminate()
        process.wait()
