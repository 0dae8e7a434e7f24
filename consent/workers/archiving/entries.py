"""One entry of the archive: what was chosen, suspended or ended, as a compact JWS that names the entry before it.

It is signed by a secret derived from the oldest field key, which is kept for ever and not in the database: signing keys
made after a backup are gone with what is restored, and their entries must be readable all the same. A choice's entry
holds its receipt, which anybody can check.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from accounts.primitives.sealing import compute_hmac

HEADER = b'{"typ":"whereabouts-archive+jws","alg":"HS256"}'
PURPOSE = "stop-archive"


class BadEntry(ValueError):
    """A line that is no entry of ours, or was changed."""


class ArchivedChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A choice as it stood in the ledger, with its receipt. `line`: its public id; `line_mac`: of the carrier's id."""

    line: UUID
    line_mac: str
    kind: str
    scope: str
    ref: str
    made_at: datetime
    until: datetime | None
    origin: str
    channel: str
    program: str
    reason: str
    actor: str
    recorded_at: datetime
    source_id: str
    content_hash: str
    notice: str
    number: str = ""
    token: str = ""


class ArchivedSuspension(msgspec.Struct, frozen=True, kw_only=True):
    """That a party (by URI), contract or campaign (by ref) was suspended."""

    of: str
    ref: str
    starts_at: datetime
    automatic: bool
    actor: str


class ArchivedEnd(msgspec.Struct, frozen=True, kw_only=True):
    """That a contract or campaign (by ref) was ended, and the epoch that its contract (by ref) rose to."""

    of: str
    ref: str
    contract: str
    epoch: int
    actor: str


class ArchivedTightening(msgspec.Struct, frozen=True, kw_only=True):
    """Something else that tightened (`consent.Tightening`): its kind, and the columns that say it."""

    kind: str
    said: Mapping[str, Any]


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of its last five is there. `before`: the digest of the entry before; "" for the first.

    `epochs`: that after a restore these contracts rose to these epochs.
    """

    id: str
    before: str
    choice: ArchivedChoice | None = None
    suspension: ArchivedSuspension | None = None
    end: ArchivedEnd | None = None
    epochs: Mapping[str, int] | None = None
    tightening: ArchivedTightening | None = None


_entry = msgspec.json.Decoder(Entry)


def encode_entry(entry: Entry) -> str:
    """The line that says it."""
    said = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in (HEADER, msgspec.json.encode(entry)))
    return b".".join((said, urlsafe_b64encode(compute_hmac(PURPOSE, said)).rstrip(b"="))).decode()


def read(line: str) -> Entry:
    """The entry of a line. Raises BadEntry for one that we did not write so."""
    said, _, mac = line.rpartition(".")
    header, _, body = said.partition(".")
    try:
        genuine = hmac.compare_digest(_decode_part(mac), compute_hmac(PURPOSE, said.encode()))
        if not genuine or _decode_part(header) != HEADER:
            raise BadEntry("was changed, or is none of ours")
        return _entry.decode(_decode_part(body))
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadEntry("was changed, or is none of ours") from error


def digest(line: str) -> str:
    """What the next entry names this one by."""
    return hashlib.sha256(line.encode()).hexdigest()


def line_mac(carrier_id: str) -> str:
    """What stands for the carrier's own id of a line: only who has the field key can try ids against it."""
    return compute_hmac(f"{PURPOSE}-line", carrier_id.encode()).hex()


def _decode_part(part: str) -> bytes:
    return urlsafe_b64decode(part.encode() + b"=" * (-len(part) % 4))
