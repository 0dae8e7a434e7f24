"""The entries of the archive: each a compact JWS that names the one before it; and what follows the newest known here.

An entry is signed by a secret derived from the oldest field key, which is kept for ever and not in the database:
signing keys made after a backup are gone with what is restored, and their entries must be readable all the same. A
choice's entry holds its receipt, which anybody can check.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Q

from accounts.models import Line
from accounts.primitives.sealing import compute_hmac
from consent.clients.archive_sink import Sink
from consent.models import ArchiveHead, Choice, Tightening
from partners.models import Campaign, Contract, Party, Suspension
from revocations.models import Cohort

HEADER = b'{"typ":"whereabouts-archive+jws","alg":"HS256"}'
PURPOSE = "stop-archive"

READ_AT_ONCE = 500
TARGETS: Mapping[str, Callable[[str], Q]] = {
    "party": lambda ref: Q(target_id__in=Party.objects.filter(uri=ref).values("pk")),
    "contract": lambda ref: Q(target_id__in=Contract.objects.filter(ref=ref).values("pk")),
    "campaign": lambda ref: Q(target_id__in=Campaign.objects.filter(ref=ref).values("pk")),
}


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
    facts: Mapping[str, Any] = msgspec.field(name="said")


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
    """Encode and sign an entry as its line."""
    said = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in (HEADER, msgspec.json.encode(entry)))
    return b".".join((said, urlsafe_b64encode(compute_hmac(PURPOSE, said)).rstrip(b"="))).decode()


def read(line: str) -> Entry:
    """Read the entry of a line. Raises BadEntry for one that we did not write so."""
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
    """Digest a line: by this the next entry names it."""
    return hashlib.sha256(line.encode()).hexdigest()


def line_mac(carrier_id: str) -> str:
    """Compute what stands for the carrier's id of a line: only who has the field key can try ids against it."""
    return compute_hmac(f"{PURPOSE}-line", carrier_id.encode()).hex()


def _decode_part(part: str) -> bytes:
    return urlsafe_b64decode(part.encode() + b"=" * (-len(part) % 4))


@dataclass(frozen=True)
class Fault:
    """A line that can't be trusted, or before which something is missing. `number` counts from 1 in its day."""

    day: str
    number: int
    what: str

    def __str__(self) -> str:
        return f"{self.day}.jws, line {self.number}: {self.what}"


@dataclass
class Reading:
    """The entries after the head, oldest first, the faults among them, and where the archive ends.

    `knows_head`: whether the entry that the database knows as the newest is there, if it knows of any.
    """

    knows_head: bool = True
    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    day: str = ""
    digest: str = ""


def read_after_head(*, sink: Sink) -> Reading:
    """Read on from the entry that the database knows as the newest. Raises OSError.

    A line that a crash cut off is passed over where the next one follows on what stands before it: what it was to say
    is written again.
    """
    head = ArchiveHead.objects.filter(pk=ArchiveHead.ID).first()
    # Mostly nothing comes after it, and to find it in its day may take a request for each batch of that day.
    if head is not None and digest(sink.last()) == head.digest:
        return Reading(day=head.day, digest=head.digest)
    found = Reading(day=head.day if head else "", digest=head.digest if head else "")
    lines = _lines(sink, since=found.day)
    if head is not None and not _skip_to(head.digest, lines):
        found.faults.append(Fault(head.day, 0, "the newest entry that this database knows of is not in the archive"))
        lines = _lines(sink, since=head.day)
        found.knows_head, found.digest = False, ""
    _read_on(found, lines)
    return found


def _read_on(found: Reading, lines: Iterator[tuple[str, int, str]]) -> None:
    torn: list[Fault] = []
    for day, number, line in lines:
        text = line.removesuffix("\n")
        try:
            entry = read(text)
        except BadEntry as error:
            if line.endswith("\n") and text:
                torn.append(Fault(day, number, str(error)))
            continue
        # The first of all that is read may follow on what was put away.
        if found.digest and entry.before != found.digest:
            found.faults += torn or [Fault(day, number, "an entry before it is missing")]
        torn.clear()
        found.entries.append(entry)
        found.day, found.digest = day, digest(text)
    found.faults += torn


def list_missing_entries(*, entries: Sequence[Entry]) -> list[Entry]:
    """List those of them that this database does not have."""
    missing: list[Entry] = []
    for start in range(0, len(entries), READ_AT_ONCE):
        part = entries[start : start + READ_AT_ONCE]
        here = _get_stored_ids(part)
        missing += [one for one in part if one.id not in here and not _is_applied(one)]
    return missing


def _get_stored_ids(part: Sequence[Entry]) -> set[str]:
    known = set(Choice.objects.filter(id__in=[one.id for one in part if one.choice]).values_list("id", flat=True))
    ended = Cohort.objects.filter(pk__in=[one.id for one in part if one.end]).values_list("pk", flat=True)
    kept = Tightening.objects.filter(id__in=[one.id for one in part if one.tightening]).values_list("id", flat=True)
    return {str(pk) for pk in (*known, *ended, *kept)}


def is_suspended(*, entry: Entry) -> bool:
    """Return whether the suspension that an entry tells of is here, or another like it runs."""
    one = entry.suspension
    if one is None:
        return False
    same = Suspension.objects.filter(TARGETS[one.of](one.ref), of=one.of, automatic=one.automatic)
    return same.filter(Q(starts_at=one.starts_at) | Q(ends_at__isnull=True)).exists()


def lines_of(*, entries: Sequence[Entry]) -> dict[UUID, int]:
    """The lines that choices among these are about: by the public id that the archive has, the line's own id here.

    A line that was brought in anew since has another public id, and is found by what the carrier calls it.
    """
    said = {one.choice.line: one.choice.line_mac for one in entries if one.choice is not None}
    found = dict(Line.objects.filter(public_id__in=said).values_list("public_id", "pk"))
    missing = {mac: public_id for public_id, mac in said.items() if public_id not in found}
    if missing:
        for pk, carrier_id in Line.objects.order_by("pk").values_list("pk", "carrier_id").iterator():
            public_id = missing.get(line_mac(carrier_id))
            if public_id is not None:
                found[public_id] = pk
    return found


def _is_applied(entry: Entry) -> bool:
    if entry.epochs is not None:
        now = dict(Contract.objects.filter(ref__in=entry.epochs).values_list("ref", "epoch"))
        return all(now.get(ref, epoch) >= epoch for ref, epoch in entry.epochs.items())
    return is_suspended(entry=entry)


def _lines(sink: Sink, *, since: str) -> Iterator[tuple[str, int, str]]:
    for day in sink.days():
        if day >= since:
            for number, line in enumerate(sink.lines(day=day), start=1):
                yield day, number, line


def _skip_to(wanted: str, lines: Iterator[tuple[str, int, str]]) -> bool:
    return any(digest(line.removesuffix("\n")) == wanted for _, _, line in lines)
