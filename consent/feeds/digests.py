"""A partner's digest, or the entries of the buckets in question, as it sends them (docs/guides/digest.md)."""

import zlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Protocol
from uuid import UUID

import msgspec

from accounts.primitives.json_reader import Unreadable, decode_json
from consent.domain.digest_books import AS_OF_SKEW, BUCKETS, WIDTH, Entry, bucket_of, name_of

MOST_SENT = 2_000_000
MOST_BYTES = 8_000_000
MOST_BUCKETS = 64
MOST_ENTRIES = 5_000
OLDEST_BOOKS = timedelta(hours=6)

type Instant = Annotated[datetime, msgspec.Meta(tz=True)]
type Name = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{4}\Z")]
type Text = Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^[^\x00\n]*\Z")]
type Number = Annotated[int, msgspec.Meta(ge=0, le=2_147_483_647)]


class Stream(Protocol):
    """Where bytes come from."""

    def read(self, size: int = ..., /) -> bytes:
        """At most so many bytes, none at the end."""
        ...


class DigestRefused(Exception):
    """What is wrong with a body, in a sentence for the partner's engineer, and the HTTP status that says it."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class SentDigest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first request of a run."""

    as_of: Instant
    entries: Annotated[int, msgspec.Meta(ge=0)]
    buckets: str


class SentEntry(msgspec.Struct, frozen=True):
    """One entry of a bucket; what else stands in it is not looked at."""

    sub: Text
    agreement: Text
    epoch: Number
    version: Number
    recipient: Text
    purpose: Text
    scope: Text
    excepted: Annotated[tuple[Text, ...], msgspec.Meta(max_length=500)] = msgspec.field(default=(), name="except")

    def as_entry(self) -> Entry:
        """Convert it into our own words."""
        return Entry(
            self.sub, self.agreement, self.epoch, self.version, self.recipient, self.purpose, self.scope, self.excepted
        )


class SentBuckets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every later request of a run."""

    run: UUID
    as_of: Instant
    buckets: dict[Name, list[SentEntry]]


@dataclass(frozen=True)
class Digest:
    """All buckets' digests as of a moment, and of how many entries."""

    as_of: datetime
    entries: int
    buckets: bytes


@dataclass(frozen=True)
class BucketEntries:
    """What is held of some buckets as of a moment."""

    run: UUID
    as_of: datetime
    buckets: Mapping[int, Sequence[Entry]]


_digest = msgspec.json.Decoder(SentDigest)
_buckets = msgspec.json.Decoder(SentBuckets)
_which = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(*, stream: Stream, is_packed: bool, at: datetime) -> Digest | BucketEntries:
    """Parse the body of a `PUT`, whichever of the two it is. `is_packed`: by gzip. Raises DigestRefused."""
    body = _decompress_body(stream.read(MOST_SENT + 1), is_packed=is_packed)
    try:
        is_held = "run" in decode_json(body, _which)
        found = _parse_bucket_entries(decode_json(body, _buckets)) if is_held else _whole(decode_json(body, _digest))
    except Unreadable as error:
        raise DigestRefused(400, str(error)) from error
    if not at - OLDEST_BOOKS <= found.as_of <= at + AS_OF_SKEW:
        raise DigestRefused(400, "as_of must be a time of the last 6 hours.")
    return found


def _decompress_body(sent: bytes, *, is_packed: bool) -> bytes:
    if len(sent) > MOST_SENT:
        raise DigestRefused(413, f"At most {MOST_SENT:,} bytes go into one request.")
    if not is_packed:
        return sent
    unpacking = zlib.decompressobj(wbits=31)
    try:
        body = unpacking.decompress(sent, MOST_BYTES + 1)
    except zlib.error as error:
        raise DigestRefused(400, "The body is not gzip.") from error
    if len(body) > MOST_BYTES:
        raise DigestRefused(413, f"Unpacked, at most {MOST_BYTES:,} bytes go into one request.")
    if not unpacking.eof:
        raise DigestRefused(400, "The body is not whole.")
    if unpacking.unused_data:
        raise DigestRefused(400, "The body goes on after its gzip stream.")
    return body


def _whole(sent: SentDigest) -> Digest:
    try:
        buckets = b64decode(sent.buckets, validate=True)
    except ValueError as error:
        raise DigestRefused(400, "buckets must be base64.") from error
    if len(buckets) != BUCKETS * WIDTH:
        raise DigestRefused(400, f"buckets must be {BUCKETS * WIDTH:,} bytes, {WIDTH} for each of {BUCKETS:,}.")
    return Digest(sent.as_of, sent.entries, buckets)


def _parse_bucket_entries(sent: SentBuckets) -> BucketEntries:
    if len(sent.buckets) > MOST_BUCKETS or sum(map(len, sent.buckets.values())) > MOST_ENTRIES:
        raise DigestRefused(413, f"At most {MOST_BUCKETS} buckets and {MOST_ENTRIES:,} entries go into one request.")
    buckets = {int(name, 16): [entry.as_entry() for entry in entries] for name, entries in sent.buckets.items()}
    for bucket, entries in buckets.items():
        if any(bucket_of(entry.sub) != bucket for entry in entries):
            raise DigestRefused(400, f"Bucket {name_of(bucket)} holds an entry of another one.")
    return BucketEntries(sent.run, sent.as_of, buckets)
