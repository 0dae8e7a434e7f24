"""What names a company, an agreement, a campaign or a machine for good, and of which form each is.

Such a name stands in tokens, addresses, paths and stops for ever, so a slip of the hand is refused before it is kept.
"""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from partners.models import Client, Party

# RFC 3986: a scheme, and no character that would have to be escaped. Other scripts are taken, as in an IRI.
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
ID = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?", re.ASCII)
SCOPE = re.compile(r"[a-z][a-z0-9-]*:[a-z][a-z0-9:-]*", re.ASCII)
# How people agree, as a record of approval has it, and whatever tells two such ways apart.
FLOW = re.compile(r"(sms|ivr|web|app|paper)(-[a-z0-9]+)*", re.ASCII)
WITH_A_HOST = {"http", "https"}
LONGEST_URI_BYTES = 2000
NOT_A_URI = "Write an address with its scheme and without spaces, like https://geobridge.example."
NOT_AN_ID = "Use letters, digits, dots, dashes, underscores and colons, like AGR-2026-07."
# Anything else is `invalid_scope` (RFC 6749, 5.2).
SCOPES: dict[str, frozenset[str]] = {
    Client.Kind.GATEWAY: frozenset({"decisions:read", "disclosures:write"}),
    Client.Kind.FEED: frozenset({"lines:write"}),
    Client.Kind.AGGREGATOR: frozenset(
        {"ssf.manage", "ssf.read", "receipts:write", "approvals:write", "consent-info:retrieve"}
    ),
}


def is_uri(text: str) -> bool:
    """Return whether this may name a company: an absolute URI (RFC 3986), a web address with a plain host."""
    if not URI.fullmatch(text) or not text.isprintable() or len(text.encode()) > LONGEST_URI_BYTES:
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme not in WITH_A_HOST or bool(parts.hostname and not parts.username and not parts.fragment)


def is_id(text: str) -> bool:
    """Return whether this may name an agreement, a campaign or a machine."""
    return ID.fullmatch(text) is not None


def is_consent_flow(text: str) -> bool:
    """Return whether this says how people agree."""
    return FLOW.fullmatch(text) is not None


def is_scope(text: str) -> bool:
    """Whether partners can ask by this."""
    return SCOPE.fullmatch(text) is not None


def check_uri(text: str) -> None:
    """Raise ValidationError for what may name no company."""
    if not is_uri(text):
        raise ValidationError(NOT_A_URI)


def check_id(text: str) -> None:
    """Raise ValidationError for what may name no agreement and no campaign."""
    if not is_id(text):
        raise ValidationError(NOT_AN_ID)


def check_client_id(text: str) -> None:
    """Raise ValidationError for what may name no machine: it has an id, or its party's URI."""
    if not is_id(text) and not is_uri(text):
        raise ValidationError(f"{NOT_AN_ID} An aggregator's may be its address, like https://geobridge.example.")


def check_consent_flow(text: str) -> None:
    """Raise ValidationError for what does not say how people agree."""
    if not is_consent_flow(text):
        raise ValidationError("Begin with how people agree (sms, ivr, web, app or paper), like sms-double-opt-in.")


def check_scope(text: str) -> None:
    """Raise ValidationError for what is no scope."""
    if not is_scope(text):
        raise ValidationError("Write a scope as partners ask by it, like location-retrieval:read.")


def check_kind(kind: str) -> None:
    """Raise ValidationError for what no company is."""
    if kind == Party.Kind.UNNAMED or kind not in Party.Kind.values:
        raise ValidationError("An aggregator, a location service or an end customer.")
