"""A TLS terminator as a carrier puts before the portal: asks for client certificates of its CA, and says whose came.

Also the CA, and what it signs. Everything here is real TLS on loopback.
"""

import http.client
import json
import ssl
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.web_servers import answering

DROPPED = {"client-cert", "x-forwarded-proto", "connection", "content-length"}


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, in files."""

    cert: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: Path

    @property
    def pem(self) -> str:
        return self.cert.public_bytes(Encoding.PEM).decode()

    @property
    def thumbprint(self) -> str:
        digest = sha256(self.cert.public_bytes(Encoding.DER)).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def header(self) -> str:
        """RFC 9440's `Client-Cert`."""
        return f":{b64encode(self.cert.public_bytes(Encoding.DER)).decode()}:"


def a_certificate(name: str, folder: Path, by: Certificate | None = None, host: str = "localhost") -> Certificate:
    """A certificate signed by `by`, or a CA's own."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    hosts: list[x509.GeneralName] = [x509.DNSName(host)]
    hosts += [x509.IPAddress(ip_address("127.0.0.1"))] if host == "localhost" else []
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.cert.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if by is None:
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        built = built.add_extension(usage, critical=True)
    else:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
        built = built.add_extension(authority, critical=False)
    cert = built.sign(by.key if by else key, SHA256())
    chain = folder / f"{name}.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain.write_bytes(secret + cert.public_bytes(Encoding.PEM))
    return Certificate(cert, key, chain)


class Terminator(ThreadingHTTPServer):
    """Speaks TLS to callers and plain HTTP to the web server behind it."""

    daemon_threads = True

    def __init__(self, *, own: Certificate, authority: Certificate, behind: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.behind = behind
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own.chain)
        context.load_verify_locations(cadata=authority.pem)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.context = context

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake, in the thread of its own connection."""
        with self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Handshakes that fail are what some tests are about."""


class _Passing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._pass()

    def do_POST(self) -> None:
        self._pass()

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        # Behind us "_" and "-" are one, as they are in CGI's names: who drops only one of them drops nothing.
        headers = {name: value for name, value in self.headers.items() if name.lower().replace("_", "-") not in DROPPED}
        headers["X-Forwarded-Proto"] = "https"
        der = cast("ssl.SSLSocket", self.request).getpeercert(binary_form=True)
        if der:
            headers["Client-Cert"] = f":{b64encode(der).decode()}:"
        web = http.client.HTTPConnection("127.0.0.1", cast("Terminator", self.server).behind, timeout=20)
        web.request(self.command, self.path, body=body, headers=headers)
        answer = web.getresponse()
        said = answer.read()
        web.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


def terminating(*, own: Certificate, authority: Certificate, behind: int) -> AbstractContextManager[Terminator]:
    return answering(Terminator(own=own, authority=authority, behind=behind))


@dataclass(frozen=True)
class Caller:
    """Somebody who calls over TLS, with a certificate or without."""

    port: int
    authority: Certificate
    certificate: Certificate | None

    def call(
        self, method: str, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        context = ssl.create_default_context(cadata=self.authority.pem)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate.chain)
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        body = urlencode(form) if form is not None else None
        with closing(http.client.HTTPSConnection("localhost", self.port, context=context, timeout=20)) as connection:
            connection.request(method, path, body, {**kind, **(headers or {})})
            answer = connection.getresponse()
            said = answer.read()
        return answer.status, json.loads(said) if said else None
