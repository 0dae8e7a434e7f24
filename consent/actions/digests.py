"""Take in a partner's digest of its books, and the entries where they differ; act on what is found."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

import audit.actions
from audit.models import Incident
from consent.domain import digest_comparison
from consent.domain.digest_books import BUCKETS, WIDTH, Entry, Place, name_of, our_digest
from consent.domain.digest_comparison import Comparison, Difference
from consent.models import DigestFinding, DigestRun
from consent.workers.expiry import enqueue_current_state
from partners.models import Campaign, Party
from revocations.actions.contradictions import Use, mark_contradicted_ends, mark_contradicted_orders
from revocations.actions.redelivery import reissue_orders

MOST_RUNS_A_DAY = 24
DAY = timedelta(days=1)
MOST_ROWS = 20_000
FINDINGS = ("partner_has", "partner_lacks", "same", "unknown")


class TooMany(Exception):
    """As many digests as a partner may send in a day were sent."""


class NoSuchRun(Exception):
    """No run of this partner has this id, or it is over."""


class NotDiffering(Exception):
    """A bucket that is not one of the run's differing ones."""


@dataclass(frozen=True)
class Progress:
    """How far a run has come: buckets still to be sent, and what was found until now (see `DigestRun.findings`)."""

    remaining: int
    findings: Mapping[str, int]


def receive_digest(
    *, party: Party, entries: int, buckets: bytes, as_of: datetime, at: datetime, client_id: str = ""
) -> DigestRun:
    """Compare the partner's digest of all buckets (8 bytes each) with ours. Raises TooMany.

    The run names the buckets that differ; it is over where none does.
    """
    _refuse_too_many(party, at)
    differing = _differing(buckets, our_digest(party_id=party.pk, as_of=as_of))
    with transaction.atomic(), connection.cursor() as cursor:
        # Of several at once each passed the first look.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"digests {party.pk}"])
        _refuse_too_many(party, at)
        run = DigestRun.objects.create(
            id=uuid.uuid4(),
            party_id=party.pk,
            received_at=at,
            differing=differing,
            findings={} if differing else dict.fromkeys(FINDINGS, 0),
            finished_at=None if differing else at,
        )
        audit.actions.record(
            action="digest.received",
            actor=f"partner:{party.pk}",
            target=f"digest:{run.id}",
            at=at,
            detail={"entries": entries, "differing": len(differing)} | audit.actions.name_client(client_id),
        )
    return run


def _refuse_too_many(party: Party, at: datetime) -> None:
    if DigestRun.objects.filter(party_id=party.pk, received_at__gt=at - DAY).count() >= MOST_RUNS_A_DAY:
        raise TooMany


def _differing(theirs: bytes, ours: bytes) -> list[str]:
    if theirs == ours:
        return []
    return [
        name_of(bucket)
        for bucket in range(BUCKETS)
        if theirs[bucket * WIDTH : (bucket + 1) * WIDTH] != ours[bucket * WIDTH : (bucket + 1) * WIDTH]
    ]


@transaction.atomic
def compare_buckets(
    *,
    party: Party,
    run_id: uuid.UUID,
    buckets: Mapping[int, Sequence[Entry]],
    as_of: datetime,
    at: datetime,
    client_id: str = "",
) -> Progress:
    """Compare what the partner holds of these buckets, each whole, with the gate's word; each bucket of a run once.

    What it holds and we deny: one incident a day for the partner, the order or end that it had signed is contradicted,
    and it is told again. What it lacks is told again. Raises NoSuchRun, NotDiffering.
    """
    run = _lock_run(party, run_id, at)
    if not {name_of(bucket) for bucket in buckets} <= {*run.differing}:
        raise NotDiffering
    fresh = {bucket: entries for bucket, entries in buckets.items() if name_of(bucket) not in run.drilled}
    if not fresh:
        return _progress(run)
    found = digest_comparison.compare(party=party, buckets=fresh, as_of=as_of)
    _act(party, found, as_of, at)
    counted = (len(found.has), len(found.lacks), found.same, found.unknown)
    run.findings = {name: run.findings.get(name, 0) + count for name, count in zip(FINDINGS, counted, strict=True)}
    run.drilled = sorted([*run.drilled, *map(name_of, fresh)])
    run.finished_at = at if len(run.drilled) == len(run.differing) else None
    run.save()
    _store_findings(run, found, at)
    audit.actions.record(
        action="digest.compared",
        actor=f"partner:{party.pk}",
        target=f"digest:{run.id}",
        at=at,
        detail={"buckets": len(fresh), **dict(zip(FINDINGS, counted, strict=True))}
        | audit.actions.name_client(client_id),
    )
    return _progress(run)


def _lock_run(party: Party, run_id: uuid.UUID, at: datetime) -> DigestRun:
    """Raises NoSuchRun for one of another partner's, or of another day."""
    run = DigestRun.objects.select_for_update().filter(id=run_id, party_id=party.pk).first()
    if run is None or run.received_at <= at - DAY:
        raise NoSuchRun
    return run


def _store_findings(run: DigestRun, found: Comparison, at: datetime) -> None:
    """Write down what stands behind the counts, for officers to look into; of one run no more than the first rows."""
    known = {*Campaign.objects.values_list("lbs_provider__uri", "purpose", "scope")}
    rows = [
        *(_row(run, DigestFinding.Kind.PARTNER_HAS, one, known, at) for one in found.has),
        *(_row(run, DigestFinding.Kind.PARTNER_LACKS, one, known, at) for one in found.lacks),
        *(DigestFinding(run=run, kind=DigestFinding.Kind.UNKNOWN, found_at=at) for _ in range(found.unknown)),
    ]
    room = max(0, MOST_ROWS - DigestFinding.objects.filter(run=run).count()) if rows else 0
    DigestFinding.objects.bulk_create(rows[:room], batch_size=2000)


def _row(
    run: DigestRun, kind: DigestFinding.Kind, one: Difference, known: Collection[Place], at: datetime
) -> DigestFinding:
    recipient, purpose, scope = one.place if one.place in known else ("", "", "")
    return DigestFinding(
        run=run, kind=kind, line_id=one.line_id, contract_id=one.contract_id, recipient=recipient, purpose=purpose,
        scope=scope, told_so=one.told_so, found_at=at,
    )  # fmt: skip


def _progress(run: DigestRun) -> Progress:
    return Progress(len(run.differing) - len(run.drilled), run.findings)


def _act(party: Party, found: Comparison, as_of: datetime, at: datetime) -> None:
    if found.has:
        audit.actions.open_incident(
            kind=Incident.Kind.PARTNER_HAS,
            key=f"partner:{party.pk}:{at:%Y-%m-%d}",
            subject=f"partner:{party.pk}",
            at=at,
            count=len(found.has),
        )
        uses = [
            Use(
                line_id=one.line_id,
                party_id=party.pk,
                path=(party.uri, one.place[0]),
                purpose=one.place[1],
                scope=one.place[2],
                occurred_at=as_of,
                contract_id=one.contract_id,
            )
            for one in found.has
        ]
        mark_contradicted_orders(uses=uses, at=at)
        mark_contradicted_ends(uses=uses, at=at)
    _enqueue_corrections(found, at)


def _group_overheld_uses(found: Comparison) -> Mapping[tuple[int, int], set[str]]:
    """By line and contract: the uses that the partner held too much of, by no word of ours."""
    owing: dict[tuple[int, int], set[str]] = defaultdict(set)
    for one in found.has:
        if one.contract_id is not None and not one.told_so:
            recipient, purpose, _ = one.place
            owing[one.line_id, one.contract_id].add(f"{purpose} {recipient}")
    return owing


def _enqueue_corrections(found: Comparison, at: datetime) -> None:
    """Tell the partner again, anew where it held too much, and as it is now where our own word was too much."""
    owing = _group_overheld_uses(found)
    lacking = [(one.line_id, one.contract_id) for one in found.lacks if one.contract_id is not None]
    reissue_orders(places=[*lacking, *owing], owing=owing, at=at)
    untold: dict[int, set[int]] = defaultdict(set)
    for one in [*found.untold, *(one for one in found.has if one.told_so)]:
        untold[one.line_id] |= {one.contract_id} if one.contract_id is not None else set()
    for line_id, contract_ids in sorted(untold.items()):
        enqueue_current_state(line_id=line_id, also=contract_ids)
