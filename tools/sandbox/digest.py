"""Reconciliation: the nightly digest of allowed entries, and the buckets that differ (docs/guides/digest.md)."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.sandbox import clock
from tools.sandbox.orders import Order, Record
from tools.sandbox.store import Store
from tools.sandbox.transmitter import RECEIPTS, Transmitter, Unreachable

BUCKETS = 65_536
MOST_BUCKETS = 64
MOST_ENTRIES = 5_000
PATH = "/ssf/digest"


@dataclass(frozen=True)
class Entry:
    """One use held as allowed."""

    sub: str
    agreement: str
    epoch: int
    version: int
    recipient: str
    purpose: str
    scope: str
    excepted: Sequence[str]

    @property
    def digest(self) -> int:
        numbers = str(self.epoch), str(self.version)
        fields = [self.sub, self.agreement, *numbers, self.recipient, self.purpose, self.scope]
        text = "\n".join([*fields, *sorted({*self.excepted}, key=str.encode)])
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])

    @property
    def bucket(self) -> int:
        return int.from_bytes(hashlib.sha256(self.sub.encode()).digest()[:2])

    def as_json(self) -> Record:
        said: Record = {
            name: getattr(self, name)
            for name in ("sub", "agreement", "epoch", "version", "recipient", "purpose", "scope")
        }
        return {**said, "except": [*self.excepted]} if self.excepted else said


def entries(*, store: Store, at: datetime) -> list[Entry]:
    """Return everything held as allowed at this moment, as the newest stored orders say it."""
    return [entry for order in store.orders() for entry in _of(order, at)]


def buckets(held: Sequence[Entry]) -> str:
    """Return the digests of all buckets, base64."""
    digests = [0] * BUCKETS
    for entry in {*((one.bucket, one.digest) for one in held)}:
        digests[entry[0]] ^= entry[1]
    return b64encode(b"".join(digest.to_bytes(8) for digest in digests)).decode()


def send(*, store: Store, transmitter: Transmitter) -> Record:
    """Send the digest, then the entries of every bucket that differs. What was answered. Raises Unreachable."""
    at = clock.now()
    held = entries(store=store, at=at)
    first = _put(transmitter, {"as_of": clock.stamp(at), "entries": len(held), "buckets": buckets(held)})
    differing = first.get("differing")
    left = [one for one in (differing if isinstance(differing, list) else []) if isinstance(one, str)]
    answers: list[Record] = []
    while left:
        at = clock.now()
        part = _part(left, entries(store=store, at=at))
        left = left[len(part) :]
        answers.append(_put(transmitter, {"run": first.get("run"), "as_of": clock.stamp(at), "buckets": part}))
    return {"run": first.get("run"), "entries": len(held), "differing": differing, "answers": [*answers]}


def _part(wanted: Sequence[str], held: Sequence[Entry]) -> dict[str, list[Record]]:
    """Return the first of these buckets, each whole, as many as one request may hold; one at least."""
    of: dict[str, list[Record]] = {bucket: [] for bucket in wanted[:MOST_BUCKETS]}
    for entry in held:
        if (bucket := f"{entry.bucket:04x}") in of:
            of[bucket].append(entry.as_json())
    part: dict[str, list[Record]] = {}
    for bucket, found in of.items():
        if part and sum(map(len, part.values())) + len(found) > MOST_ENTRIES:
            break
        part[bucket] = found
    return part


def _put(transmitter: Transmitter, body: dict[str, object]) -> Record:
    answer = transmitter.send_json("PUT", PATH, body, scope=RECEIPTS, seconds=60)
    if answer.status != 200:
        raise Unreachable(f"{PATH} answers {answer.status} {answer.body[:300].decode(errors='replace')}")
    found = answer.any_json()
    return found if isinstance(found, dict) else {}


def _of(order: Order, at: datetime) -> Iterator[Entry]:
    for member in order.state:
        ends = clock.instant(member.get("expires_at"))
        if member.get("status") != "granted" or (ends is not None and ends <= at):
            continue
        for scope in _list(member.get("scopes")):
            yield Entry(
                sub=order.sub,
                agreement=order.agreement,
                epoch=order.epoch,
                version=order.version,
                recipient=str(member.get("recipient")),
                purpose=str(member.get("purpose")),
                scope=str(scope),
                excepted=tuple(one for one in _list(member.get("except")) if isinstance(one, str)),
            )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
