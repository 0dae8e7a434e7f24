"""The certificate that a TLS terminator saw, as it hands it on to us. Knows no table and no setting."""

import hashlib
from base64 import b64decode, urlsafe_b64encode
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

LONGEST = 16_000


class NoCertificate(ValueError):
    """This is no certificate. The message is fit for people to read."""


def thumbprint_of(pem: str) -> str:
    """RFC 8705's `x5t#S256` of a certificate in PEM: 43 characters. Raises NoCertificate."""
    try:
        return _digest(x509.load_pem_x509_certificate(pem.encode("ascii")).public_bytes(Encoding.DER))
    except ValueError as error:
        raise NoCertificate("this is no certificate in PEM") from error


def thumbprint_in(header: str) -> str:
    """The same of a header's certificate: RFC 9440's `:base64 of DER:`, or PEM with %-escapes as nginx writes it.

    "" where there is none, or anything else.
    """
    try:
        if not header or len(header) > LONGEST:
            return ""
        if header.startswith("-----BEGIN"):
            return thumbprint_of(unquote(header))
        if header[0] == header[-1] == ":":
            der = b64decode(header[1:-1], validate=True)
            return _digest(x509.load_der_x509_certificate(der).public_bytes(Encoding.DER))
    except ValueError:
        return ""
    return ""


def _digest(der: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
