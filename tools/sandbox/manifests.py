"""The list behind a cohort: fetched with a token of our own, and believed only as far as it was signed."""

import gzip
import hashlib
import json
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from tools.sandbox.orders import Cohort, EventRefused, Record, verify_token
from tools.sandbox.transmitter import READ, Answer, Transmitter, Unreachable

TYP = "whereabouts-manifest+jwt"
LARGEST_SHARD = 50_000_000


class Mismatch(Exception):
    """The manifest is not what the event says it is: nobody on it can be believed."""


@dataclass(frozen=True)
class Manifest:
    """The names listed, shard by shard, and the digest of the whole list."""

    shards: Sequence[Sequence[str]]
    list_sha256: str


def fetch(cohort: Cohort, *, transmitter: Transmitter, audience: str) -> Manifest:
    """Return the whole list, checked against the event and the signed index.

    Raises Mismatch, or Unreachable for what may be had later.
    """
    if not cohort.manifest_url.startswith(f"{transmitter.issuer}/"):
        raise Mismatch("the manifest is not on the transmitter's own host")
    path = cohort.manifest_url.removeprefix(transmitter.issuer)
    index = _index(_get(transmitter, f"{path}/0"), cohort, transmitter, audience)
    whole, shards = hashlib.sha256(), []
    for number, entry in enumerate(_entries(index, cohort), start=1):
        lines = _shard(_get(transmitter, f"{path}/{number}"), entry, number)
        whole.update(lines)
        shards.append([_sub(line) for line in lines.splitlines()])
        if len(shards[-1]) != entry.get("lines"):
            raise Mismatch(f"shard {number} has another number of lines than the index says")
    if sum(map(len, shards)) != cohort.subject_count or _digest(whole.digest()) != index.get("list_sha256"):
        raise Mismatch("the list is not the one that the index is of")
    return Manifest(shards=shards, list_sha256=_digest(whole.digest()))


def _get(transmitter: Transmitter, path: str) -> bytes:
    answer: Answer = transmitter.call("GET", path, scope=READ, limit=LARGEST_SHARD, seconds=60)
    if answer.status != 200:
        raise Unreachable(f"the manifest answers {answer.status}")
    return answer.body


def _index(body: bytes, cohort: Cohort, transmitter: Transmitter, audience: str) -> Record:
    if _digest(hashlib.sha256(body).digest()) != cohort.index_sha256:
        raise Mismatch("the index is not the one that the event names")
    try:
        claims = verify_token(body.decode("ascii", "replace"), transmitter, typ=TYP)
    except EventRefused as refusal:
        raise Mismatch(str(refusal)) from refusal
    expected: Record = {
        "iss": cohort.iss,
        "aud": audience,
        "agreement": cohort.agreement,
        "epoch": cohort.epoch,
        "subject_count": cohort.subject_count,
    }
    for name, value in expected.items():
        if claims.get(name) != value:
            raise Mismatch(f"{name} of the index is not the event's")
    return claims


def _entries(index: Record, cohort: Cohort) -> list[Record]:
    listed = index.get("shards")
    entries = [entry for entry in (listed if isinstance(listed, list) else []) if isinstance(entry, dict)]
    if len(entries) != cohort.shards or [entry.get("number") for entry in entries] != [*range(1, len(entries) + 1)]:
        raise Mismatch("the index lists other shards than the event counts")
    return entries


def _shard(body: bytes, entry: Record, number: int) -> bytes:
    if _digest(hashlib.sha256(body).digest()) != entry.get("sha256"):
        raise Mismatch(f"shard {number} is not the one that the index lists")
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise Mismatch(f"shard {number} can't be unpacked") from error


def _sub(line: bytes) -> str:
    try:
        sub = json.loads(line)["sub"]
    except (ValueError, TypeError, KeyError) as error:
        raise Mismatch("a line of the list names nobody") from error
    if not isinstance(sub, str) or not sub:
        raise Mismatch("a line of the list names nobody")
    return sub


def _digest(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
